"""Training an image classifier: alone, resumed, in parts, and by two processes."""

import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from torch.nn import functional as F

from repalign_utils.data import About, DataMissing, ImageSet, image_files
from repalign_utils.networks.building import build
from repalign_utils.networks.device import Compute
from repalign_utils.networks.images import NetworkInputs
from repalign_utils.networks.outputs import accuracy
from repalign_utils.training import (
    Recipe,
    check_families,
    recipe,
    source,
    target_tasks,
    train,
)
from repalign_utils.training.__main__ import main
from repalign_utils.training.batches import Batches, Order
from tests.conftest import ROOT
from tests.two_processes import by_two_processes

CPU = Compute("cpu")
# Not Adam: where a gradient is zero but for rounding, it takes the step of its sign.
QUICK = Recipe(epochs=2, batch_size=8, step_size=0.01)


def colours(n=24, size=16, seed=0):
    """Two classes, reddish and bluish, in noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n)
    tints = np.array([[60, 0, 0], [0, 0, 60]])[labels]
    noisy = tints[:, :, None, None] + rng.integers(40, 160, (n, 3, size, size))
    about = About("colours", "colours", n, None, "this test", "none", "")
    return ImageSet(noisy.astype(np.uint8), labels, ("red", "blue"), about)


def vit(seed=0):
    return build("small_vit", 2, size=16, seed=seed)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def trained(images, how=QUICK, model=None, compute=CPU, **options):
    model = model or vit()
    train(model, images, how, compute=compute, **options)
    return weights(model)


@pytest.mark.parametrize("name", ["small_resnet", "small_vit"])
def test_a_network_learns_what_it_is_trained_on(name):
    images, new = colours(64), colours(64, seed=1)
    model = build(name, 2, size=16)
    how = recipe("small", model, epochs=6, batch_size=16)
    history = train(model, images, how, compute=CPU)
    assert history.losses.shape == (6,) and history.steps == 24
    assert history.losses[-1] < history.losses[0] / 2
    assert history.images_per_second > 0 and history.processes == 1
    assert not model.training
    assert accuracy(model, NetworkInputs(new), new.labels) > 0.9


def test_the_loop_is_the_plain_one():
    images = colours()
    how = Recipe(2, 8, "sgd", 0.1, "constant", weight_decay=0.01, augment="none")
    model = vit()
    sgd = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    order, inputs = Order(24, 8, seed=5), NetworkInputs(images)
    for order.epoch in range(2):
        for rows in order:
            sgd.zero_grad()
            outputs = model(inputs[rows])
            F.cross_entropy(outputs, torch.tensor(images.labels[rows])).backward()
            sgd.step()
    mine = trained(images, how, seed=5)
    torch.testing.assert_close(mine, weights(model), rtol=1e-4, atol=1e-6)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    images = colours()
    first = trained(images, seed=1)
    assert torch.equal(first, trained(images, seed=1))
    assert not torch.equal(first, trained(images, seed=2))


def test_a_batch_in_parts_gives_the_same_weights():
    images = colours()
    whole = trained(images)
    parts = trained(images, compute=Compute("cpu", accumulate=4))
    torch.testing.assert_close(parts, whole, rtol=0, atol=1e-6)


def test_dropout_is_drawn_from_the_seed_too():
    images = colours()

    def dropping():
        model = vit()
        model.head_drop = torch.nn.Dropout(0.5)
        return model

    torch.manual_seed(1)
    first = trained(images, model=dropping())
    torch.manual_seed(2)
    assert torch.equal(first, trained(images, model=dropping()))


def test_mixed_precision_on_the_cpu():
    half = trained(colours(), compute=Compute("cpu", "bfloat16"))
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, trained(colours()), rtol=0, atol=0.02)
    assert not torch.equal(half, trained(colours()))


KILLED = """
import time
from repalign_utils.training import classifiers, train
from tests.training.test_classifiers import CPU, LONGER, colours, vit
classifiers.SAVE_EVERY = 0  # seconds: after every step
def report(epoch, loss, images_per_second):
    print(epoch, flush=True)
train(vit(), colours(), LONGER, compute=CPU, checkpoints={folder!r}, report=report)
"""
LONGER = Recipe(12, 8, "adamw", 1e-3)


def test_a_killed_training_goes_on_to_the_weights_of_an_unbroken_one(tmp_path):
    code = KILLED.format(folder=str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 3:
                break
        time.sleep(0.05)  # somewhere within a save or a step
        process.send_signal(signal.SIGKILL)
    seen = []
    options = {"checkpoints": tmp_path, "report": lambda epoch, *_: seen.append(epoch)}
    resumed = trained(colours(), LONGER, **options)
    assert 3 < seen[0] < 12, "it started again, or was done before it was killed"
    assert torch.equal(resumed, trained(colours(), LONGER))


def test_a_finished_training_is_read_back_and_another_is_not(tmp_path):
    images, seen = colours(), []
    options = {"checkpoints": tmp_path, "report": lambda epoch, *_: seen.append(epoch)}
    first = trained(images, **options)
    assert seen == [1, 2]
    assert torch.equal(trained(images, **options), first) and seen == [1, 2]
    trained(images, model=vit(seed=1), **options)
    trained(colours(seed=1), **options)
    trained(images, Recipe(1, 8), **options)
    trained(images, seed=3, **options)
    assert seen == [1, 2] * 3 + [1] + [1, 2] and len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize("content", ["cut", "old"])
def test_a_checkpoint_that_is_damaged_or_of_another_version_is_named(tmp_path, content):
    trained(colours(), checkpoints=tmp_path)
    (path,) = tmp_path.glob("*.pt")
    if content == "cut":
        path.write_bytes(path.read_bytes()[:100])
    else:
        torch.save({"weights": vit().state_dict(), "epoch": 1}, path)
    with pytest.raises(ValueError, match=f"{path.name} cannot be read.*; delete it"):
        trained(colours(), checkpoints=tmp_path)


TWO = """
import sys
import numpy as np, torch
from repalign_utils import Compute
from repalign_utils.training import train
from repalign_utils.training.__main__ import main
from tests.training.test_classifiers import QUICK, colours, vit, weights
model = vit()
history = train(model, colours(), QUICK, compute=Compute("cpu", accumulate=2))
if torch.distributed.get_rank() == 0:
    np.save(sys.argv[1], weights(model).numpy())
    print("processes", history.processes)
main(sys.argv[2:], standalone_mode=False)
torch.distributed.destroy_process_group()
"""


def test_two_processes_give_the_weights_of_one_and_write_them_once(tmp_path):
    script, mine, output = (
        tmp_path / n for n in ("two.py", "mine.npy", "a.safetensors")
    )
    script.write_text(TWO)
    command = ["-o", str(output), *COMMAND, "--network", "small_vit"]
    done = by_two_processes(str(script), str(mine), *command)
    assert done.returncode == 0, done.stderr
    assert "processes 2" in done.stdout
    two = torch.from_numpy(np.load(mine))
    torch.testing.assert_close(two, trained(colours()), rtol=0, atol=1e-6)
    assert done.stdout.count("by 2 process(es)") == 1 and output.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"compute": Compute("cpu", accumulate=3)},
            r"accumulate is 3 but must divide the batch size 8 \(of 24",
        ),
        (
            {"compute": Compute("cpu", "float16")},
            "precision is 'float16' but the CPU has none; use bf",
        ),
        ({"scale": "zero"}, "scale is 'zero'; choose one of half, imagenet"),
    ],
)
def test_what_cannot_be_trained_with_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        trained(colours(), **options)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"optimizer": "lion"}, "optimizer is 'lion'; choose one of sgd, adam, adamw"),
        (
            {"schedule": "none"},
            "schedule is 'none'; choose one of constant, steps, cos",
        ),
        ({"augment": "mix"}, "augment is 'mix'; choose one of none, crop, crop_flip"),
        ({"epochs": 0}, "epochs is 0; it must be positive"),
        ({"step_size": -1.0}, "step_size is -1.0; it must be positive"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**fields)


def test_the_papers_recipes_are_those_of_its_appendix():
    resnet = build("small_resnet", 2)
    pretraining, tuning = (recipe("paper", resnet, s) for s in ("pretrain", "finetune"))
    assert (pretraining.batch_size, pretraining.epochs, pretraining.step_size) == (
        1024,
        40,
        0.1,
    )
    assert (tuning.batch_size, tuning.epochs, tuning.step_size) == (256, 10, 0.01)
    assert [pretraining.step_size_at(e) for e in (0, 29.9, 30, 39)] == [
        0.1,
        0.1,
        pytest.approx(0.01),
        pytest.approx(0.01),
    ]
    assert recipe("paper", vit()).batch_size == 256
    with pytest.raises(
        ValueError, match="recipe is 'large' and stage 'pretrain'; choose"
    ):
        recipe("large", resnet)


def test_a_recipe_in_a_file_is_read_and_its_faults_are_named(tmp_path):
    file, resnet = tmp_path / "mine.toml", build("small_resnet", 2)
    file.write_text("[resnet.pretrain]\nepochs = 3\noptimizer = 'adam'\nstep = 1\n")
    with pytest.raises(ValueError, match="has 'step' in .resnet.pretrain.; did you"):
        recipe(file, resnet)
    file.write_text(file.read_text().replace("step", "step_size"))
    assert recipe(str(file), resnet) == Recipe(3, optimizer="adam", step_size=1)
    for network, stage, table in (
        (resnet, "finetune", "resnet.finetune"),
        (vit(), "pretrain", "vit.pretrain"),
    ):
        with pytest.raises(ValueError, match=f"has no table .{table}.; add one"):
            recipe(file, network, stage)
    with pytest.raises(ValueError, match="none.toml cannot be read"):
        recipe(tmp_path / "none.toml", resnet)


def test_a_loss_that_is_not_finite_names_epoch_and_remedy():
    how = Recipe(2, 8, "sgd", 1e30, "constant")
    with pytest.raises(
        FloatingPointError,
        match=r"the loss is (nan|inf) in epoch 1; lower the step size "
        r"\(now 1e\+30\)",
    ):
        trained(colours(), how)


class Greedy(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)

    def forward(self, x):
        if len(x) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.layer(x.mean((2, 3)))


def test_out_of_memory_suggests_what_then_works():
    message = (
        "out of memory on cpu with batch_size 8 in 1 parts; pass accumulate=2 for the "
        "same result in less memory, or batch_size=4"
    )
    with pytest.raises(RuntimeError, match=message):
        trained(colours(), model=Greedy())
    trained(colours(), model=Greedy(), compute=Compute("cpu", accumulate=2))


def test_an_order_is_a_permutation_cut_into_batches_and_parts():
    order = Order(10, 4, parts=2, seed=3)
    batches = list(order)
    assert [len(b) for b in batches] == [2] * 4 and len(order) == 4
    assert len({i for b in batches for i in b}) == 8
    order.skip = 1
    assert list(order) == batches[2:] and len(order) == 2
    order.epoch, order.skip = 1, 0
    assert list(order) != batches


@pytest.mark.parametrize("augment", ["none", "crop", "crop_flip"])
def test_an_augmented_image_is_a_moved_or_mirrored_one(augment):
    images = colours(40)
    batches = Batches(images, augment=augment, seed=1)
    rows = list(range(40))
    x, labels = batches.__getitems__(rows)
    assert x.shape == (40, 3, 16, 16) and labels.tolist() == images.labels.tolist()
    plain = NetworkInputs(images)[:]
    same = (x == plain).flatten(1).all(1)
    assert same.all() if augment == "none" else same.float().mean() < 0.3
    whole = F.pad(plain, [2] * 4, mode="reflect")
    mirrors = 0
    for image, around in zip(x, whole, strict=True):
        windows = around.unfold(1, 16, 1).unfold(2, 16, 1)  # (3, 5, 5, 16, 16)
        straight = (windows == image[:, None, None]).all((0, 3, 4)).any()
        mirrored = (windows == image.flip(2)[:, None, None]).all((0, 3, 4)).any()
        assert straight or (mirrored and augment == "crop_flip")
        mirrors += not straight
    assert (mirrors > 8) == (augment == "crop_flip")
    again, _ = batches.__getitems__(rows[::-1])
    assert torch.equal(again.flip(0), x), "an image's draw depends on its batch"
    batches.epoch = 1
    assert augment == "none" or not torch.equal(batches.__getitems__(rows)[0], x)


@pytest.fixture
def folder(tmp_path):
    from PIL import Image

    images = colours(24, size=40)
    for i, (pixels, label) in enumerate(zip(images.images, images.labels, strict=True)):
        path = tmp_path / "images" / images.classes[label] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.transpose(1, 2, 0)).save(path)
    return tmp_path / "images"


@pytest.mark.parametrize("workers", [0, 2])
def test_images_on_disk_are_decoded_as_they_are_needed(folder, workers):
    files = image_files(folder)
    model = build("small_vit", 2, size=16)
    compute = Compute("cpu", workers=workers)
    history = train(model, files, QUICK, size=16, compute=compute, seed=1)
    assert history.steps == 6
    with pytest.raises(
        ValueError, match="images on disk differ in size, and size is None"
    ):
        train(model, files, QUICK, compute=CPU)


def test_a_source_is_one_family_and_targets_are_both():
    for family in ("natural", "artificial"):
        found = source("procedural", family, n_per_class=2)
        assert len(found.labels) == 2 * len(found.classes)
        assert len(source("procedural", family, n_per_class=2, classes=3).classes) == 3
    tasks = target_tasks("procedural", n_per_class=2)
    assert {f: len(t.classes) for f, t in tasks.items()} == {
        "artificial": 4,
        "natural": 6,
    }
    with pytest.raises(
        ValueError, match="family is 'animal'; choose one of artificial, n"
    ):
        source("procedural", "animal")
    with pytest.raises(ValueError, match="classes is 99 but the family has"):
        source("procedural", "natural", n_per_class=1, classes=99)


def test_a_folder_needs_a_class_list(folder, tmp_path):
    with pytest.raises(
        ValueError, match="choose one of procedural, cifar100, imagenet, or"
    ):
        source(str(folder), "natural")
    (tmp_path / "natural.txt").write_text("red\n")
    files = source(str(folder), "natural", class_list=tmp_path / "natural.txt")
    assert files.classes == ("red",)


def test_absent_imagenet_says_where_its_classes_go(tmp_path):
    text = rf"ImageNet is not there: looked for imagenet/train in {tmp_path} and in "
    with pytest.raises(DataMissing, match=text):
        source("imagenet", "natural", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("natural", "artificial", "message"),
    [
        ("red\nblue", "blue\ngreen", "artificial.txt both name 'blue'; a class bel"),
        ("red\nblue", "red\nblue", "both name 'red', 'blue'; a class belongs to one"),
        ("red", "blue\ngreen", "natural.txt names 'red'; name at least two classes"),
        ("red\nblue", "# none", "artificial.txt names no class; name at least two"),
        ("red\nbleu", "green\nteal", "natural.txt names 'bleu', .* mean 'blue'"),
        ("red\nblue", "green\nteal", None),
    ],
)
def test_lists_of_families_are_checked_together(tmp_path, natural, artificial, message):
    for name in ("red", "blue", "green", "teal"):
        (tmp_path / "images" / name).mkdir(parents=True)
    for family, text in (("natural", natural), ("artificial", artificial)):
        (tmp_path / f"{family}.txt").write_text(text)
    if message is None:
        files = check_families(str(tmp_path / "images"), tmp_path)
        assert files["natural"] == str(tmp_path / "natural.txt")
    else:
        with pytest.raises(ValueError, match=message):
            check_families(str(tmp_path / "images"), tmp_path)


def test_real_cifar_sources_have_the_classes_of_their_family(real_data):
    options = {"n_per_class": 1, "data_dir": real_data}
    natural = source("cifar100", "natural", classes=30, **options)
    artificial = source("cifar100", "artificial", **options)
    assert len(natural.classes) == len(artificial.classes) == 30
    assert "tulip" not in artificial.classes and "bus" in artificial.classes
    far = source("cifar100", "artificial", target="cifar10", **options)
    assert set(artificial.classes) - set(far.classes) == {
        *("bus", "pickup_truck", "streetcar", "tank", "tractor", "train")
    }
    tasks = target_tasks("cifar10", **options)
    assert tasks["artificial"].classes == ("airplane", "automobile", "ship", "truck")


COMMAND = ["--n-per-class", "4", "--classes", "2", "--epochs", "1", "--device", "cpu"]


def test_the_command_writes_weights_and_says_what_it_did(tmp_path):
    output = tmp_path / "natural.safetensors"
    done = CliRunner().invoke(main, ["-o", str(output), *COMMAND])
    assert done.exit_code == 0, done.output
    assert re.search(r"epoch 1: loss \d\.\d+, [\d,]+ images/s", done.output)
    assert "by 1 process(es)" in done.output
    model = build("small_resnet", 2)
    assert load_file(output).keys() == model.state_dict().keys()


def test_the_section_finds_what_the_command_has_trained(tmp_path):
    folder, output = str(tmp_path / "kept"), str(tmp_path / "natural.safetensors")
    options = ["-o", output, "--checkpoints", folder, "--size", "32", "--seed", "1"]
    assert CliRunner().invoke(main, [*COMMAND, *options]).exit_code == 0
    images = source("procedural", "natural", n_per_class=4, classes=2, seed=1)
    model, seen = build("small_resnet", 2, seed=1), []
    how = recipe("small", model, epochs=1)
    options = {"size": 32, "compute": CPU, "seed": 1, "checkpoints": folder}
    train(model, images, how, report=lambda *_: seen.append(1), **options)
    assert not seen and torch.equal(model.fc.bias, load_file(output)["fc.bias"])


def test_the_command_says_plainly_what_is_wrong(tmp_path):
    output = str(tmp_path / "a.safetensors")
    for arguments, said in (
        (["-o", "a.pt"], "-o is 'a.pt'; expected a .safetensors file"),
        (["-o", output, "--network", "resnet19"], "no network 'resnet19'"),
        (["-o", output, "--epochs", "0"], "epochs is 0; it must be positive"),
    ):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code and said in done.output and "Traceback" not in done.output
