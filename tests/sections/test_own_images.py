"""Sections run on folders of images and weights of one's own."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from repalign_utils.book import claims
from repalign_utils.networks.building import build
from tests.conftest import ROOT
from tests.miniature import repalign
from tests.sections.running import run_all

pytestmark = pytest.mark.section
CLASSES = {"natural": ("cat", "owl"), "artificial": ("bus", "cup")}
NAMES = sorted(sum(CLASSES.values(), ()))
SHORT = """
[resnet]
pretrain = {epochs = 1}
finetune = {epochs = 1}
[vit]
pretrain = {epochs = 1, optimizer = "adamw", step_size = 1e-3}
finetune = {epochs = 1, optimizer = "adamw", step_size = 1e-3}
"""


def draw(folder, classes, count, seed=0):
    """Image files of several sizes, a folder per class."""
    rng = np.random.default_rng(seed)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 256, (40 + i, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.jpg")
    return folder


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Records of sections 06 to 08 on image files."""
    folder = tmp_path_factory.mktemp("own")
    short = {"device": "cpu", "seeds": 1}
    source = draw(folder / "Source", NAMES, 4)
    for family, names in CLASSES.items():
        (folder / f"{family}.txt").write_text("\n".join(names))
    (folder / "short.toml").write_text(SHORT)
    transfer = {"source": source, "lists": folder, "target": "procedural", "size": 64}
    transfer |= {"networks": "[small_resnet, tiny_vit]", "n_target": 2}
    transfer |= {"recipe": folder / "short.toml", "checkpoints": folder / "kept"}
    draw(folder / "Tasks" / "train", NAMES, 4)
    draw(folder / "Tasks" / "val", NAMES, 2, seed=1)
    weights = folder / "mine.pt"
    state = build("small_resnet", 7, size=24, seed=5).state_dict()
    torch.save({"net": {f"module.{k}": v for k, v in state.items()}}, weights)
    tasks = {"datasets": f"[{folder / 'Tasks'}]", "n_per_class": 4, "n_test": 2}
    tasks |= {"networks": "[small_resnet]", "weights": weights, "picture_size": 24}
    for seed, domain in enumerate(("Desk", "Shop", "Street")):
        draw(folder / "Domains" / domain, NAMES[:3], 4, seed)
    domains = {"dataset": folder / "Domains", "size": 24, "n_target": "[1, 0]"}
    domains |= {"source_epochs": 1, "epochs": "[1, 2]", "other_seeds": 1}
    given = {"07": transfer | short, "06": tasks | short, "08": domains | short}
    return run_all(folder, given, {"07": "imagenet"})


def test_a_source_in_a_folder_runs_at_the_papers_sizes(records):
    data = records["07"]["provenance"]["data"]
    assert data[0].startswith("All 8 rows of the images in Source, 2 classes")
    assert records["07"]["profile"] == "imagenet"
    stated = claims.read_claims(ROOT / "claims.yaml")
    asked = {s.quantity for c in stated if c.id.startswith("07") for s in c.settings}
    assert len(asked) == 12 and asked <= records["07"]["records"].keys()


def test_tasks_in_a_folder_are_measured_with_the_weights_of_a_file(records):
    record = records["06"]
    train, test = record["provenance"]["data"]
    assert train.startswith("All 16 rows of the images in train")
    assert test.startswith("All 8 rows of the images in val")
    told = record["provenance"]["weights"]
    assert told["small_resnet"].startswith("mine.pt (SHA-256 ")
    areas = record["records"]
    name = "06.area.pairs.tasks.small_resnet.{}"
    trained, fresh = (areas[name.format(k)] for k in ("pretrained", "untrained"))
    assert trained["values"] != fresh["values"]
    assert str(ROOT) not in json.dumps(record) and "/own" not in json.dumps(record)


def test_domains_in_a_folder_are_transferred_between(records):
    names = records["08"]["records"].keys()
    assert {"08.gain.shop.1", "08.gain.street.all", "08.rise.street"} <= names
    assert "08.gain.other_task.all" not in names  # three classes are too few for two
    data = records["08"]["provenance"]["data"]
    assert len(data) == 3 and "3 classes" in data[0]


def test_families_that_are_the_same_are_refused_before_any_training(tmp_path):
    draw(tmp_path / "Source", NAMES, 1)
    for family in CLASSES:
        (tmp_path / f"{family}.txt").write_text("cat\nowl\n")
    options = ["-p", "source", str(tmp_path / "Source"), "-p", "lists", str(tmp_path)]
    done = repalign(ROOT, "run", "07", *options)
    assert done.returncode and "a class belongs to one family" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_needs_lists_of_its_families_before_the_section_runs(tmp_path):
    done = repalign(ROOT, "run", "07", "-p", "source", str(tmp_path))
    assert done.returncode and "which of its classes are of which family" in done.stderr
    assert "lists" in done.stderr and "failed in cell" not in done.stderr
