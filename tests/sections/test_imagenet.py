"""Section 07 in the paper's configuration, on a stand-in for ImageNet and CIFAR-10."""

import numpy as np
import pytest
from PIL import Image

from repalign_utils import data
from tests.sections.running import run
from tests.two_processes import by_two_processes

pytestmark = pytest.mark.section
# The paper's recipe in fewer epochs and smaller batches, as the images are few.
SHORT = """
[resnet]
pretrain = {epochs = 1, batch_size = 64, step_size = 0.1, schedule = "steps"}
finetune = {epochs = 1, batch_size = 8, step_size = 0.01, schedule = "steps"}
[vit]
pretrain = {epochs = 1, batch_size = 64, optimizer = "adamw", step_size = 5e-4}
finetune = {epochs = 1, batch_size = 8, optimizer = "adamw", step_size = 5e-5}
"""


def draw(folder, count, size, rng):
    """Image files of a class."""
    folder.mkdir(parents=True)
    for i in range(count):
        pixels = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    """Data folder with an image of each of 1,000 classes, and a few of CIFAR-10's."""
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for family in ("natural", "artificial"):
        for wnid in data.imagenet_classes(family):
            draw(folder / "imagenet" / "train" / wnid, 1, 8, rng)
    for split, name in ((s, n) for s in ("train", "test") for n in FAMILIES):
        draw(folder / "cifar10" / split / name, 2, 32, rng)
    (folder / "short.toml").write_text(SHORT)
    return folder


FAMILIES = data.FAMILIES["cifar10"]


def test_imagenet_is_pretrained_on_by_one_process_and_by_two(
    stand_in, tmp_path, monkeypatch
):
    monkeypatch.setenv("REPALIGN_DATA", str(stand_in))
    short, kept = str(stand_in / "short.toml"), tmp_path / "kept"
    command = ["-m", "repalign_utils.training", "-o", str(tmp_path / "a.safetensors")]
    command += ["--source", "imagenet", "--family", "natural", "--size", "16"]
    command += ["--recipe", short, "--checkpoints", str(kept), "--device", "cpu"]
    done = by_two_processes(*command)
    assert done.returncode == 0, done.stderr
    assert "449 classes" in done.stdout and "by 2 process(es)" in done.stdout
    assert len(list(kept.iterdir())) == 1
    given = {"networks": "[small_resnet, tiny_vit]", "size": 16, "recipe": short}
    given |= {"checkpoints": kept, "seeds": 1, "device": "cpu"}
    record = run("07", tmp_path, given, profile="imagenet")
    artificial, natural, *targets = record["provenance"]["data"]
    assert artificial.startswith("All 551 rows of the images in train, 551 classes")
    assert natural.startswith("All 449 rows of the images in train, 449 classes")
    assert [t.split()[0] for t in targets] == ["8", "8", "12", "12"]
    # 2 networks: 2 sources, of which two processes did one, and 3 starts on 2 targets
    assert len(list(kept.iterdir())) == 2 * (2 + 3 * 2)
