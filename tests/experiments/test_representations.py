"""Features of networks; weights looked up in a folder."""

import numpy as np
import pytest

from repalign_utils import data
from repalign_utils.experiments.representations import (
    network_features,
    weights_files,
)
from repalign_utils.networks.building import build
from repalign_utils.networks.device import Compute
from repalign_utils.networks.images import NetworkInputs
from repalign_utils.networks.outputs import last_hidden

CPU = Compute("cpu")


@pytest.fixture(scope="module")
def images():
    return data.procedural_images("natural", n_per_class=4)


def test_ours_see_pixels_from_minus_one_to_one_and_others_as_imagenet(images):
    mine = build("small_resnet", 5, size=32, seed=1)
    found = network_features(mine, images, name="small_resnet", size=16, compute=CPU)
    assert found.shape == (32, 128)
    np.testing.assert_array_equal(
        found, last_hidden(mine, NetworkInputs(images, size=16))
    )
    other = build("squeezenet1_1", 1000, size=64, seed=1)
    found = network_features(other, images, name="squeezenet1_1", size=64, compute=CPU)
    inputs = NetworkInputs(images, size=64, scale="imagenet")
    np.testing.assert_array_equal(found, last_hidden(other, inputs))


def test_lower_precision_gives_about_the_same_features(images):
    model = build("small_resnet", 5, size=32)
    options = {"name": "small_resnet", "size": 32}
    full = network_features(model, images, compute=CPU, **options)
    bfloat16 = Compute("cpu", "bfloat16")
    low = network_features(model, images, compute=bfloat16, **options)
    assert (low != full).any()
    np.testing.assert_allclose(low, full, atol=0.1 * full.max())


def test_a_network_of_one_size_says_so(images):
    model = build("small_vit", 5, size=16)
    with pytest.raises(
        ValueError, match=r"small_vit was fed images of 128 pixels .*\(16\).*; pass the"
    ):
        network_features(model, images, name="small_vit", size=128, compute=CPU)


def test_all_weights_of_a_network_are_found_by_its_name(tmp_path):
    names = ("resnet18-f3.pth", "resnet18-a.pt", "resnet18_cifar.pth", "a.txt")
    for name in names:
        (tmp_path / name).touch()
    found = weights_files("resnet18", tmp_path)
    assert [file.name for file in found] == ["resnet18-a.pt", "resnet18-f3.pth"]
    assert weights_files("timm:resnet18", str(tmp_path)) == found
    # a file is taken at its word, whatever its name
    assert weights_files("vgg11", tmp_path / "a.txt") == [tmp_path / "a.txt"]
    # ours need no file: they can be trained
    assert weights_files("small_resnet", tmp_path) == []


def test_weights_beside_the_data_are_found_without_being_named(tmp_path, monkeypatch):
    (tmp_path / "weights").mkdir()
    for name in ("vgg11-imagenet.pth", "small_resnet.pt"):
        (tmp_path / "weights" / name).touch()
    found = [tmp_path / "weights" / "vgg11-imagenet.pth"]
    assert weights_files("vgg11", data_dir=tmp_path) == found
    monkeypatch.setenv("REPALIGN_DATA", str(tmp_path))
    assert weights_files("vgg11") == found
    assert weights_files("vgg13") == []
    # a book built from embedded data does not depend on what lies there
    assert weights_files("small_resnet") == []


def test_weights_that_are_not_there_are_named(tmp_path):
    with pytest.raises(
        FileNotFoundError,
        match=r"no file, nor a folder with vgg11.safetensors or vgg11-\*.pth; name",
    ):
        weights_files("vgg11", tmp_path)
    for network in ("vgg11", "small_resnet"):
        with pytest.raises(FileNotFoundError, match="'.*none', which is no file"):
            weights_files(network, tmp_path / "none")
