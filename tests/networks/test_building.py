"""Networks by name, and weights from files."""

import numpy as np
import pytest
import torch

from repalign_utils import data
from repalign_utils.networks.building import build, pretrained
from repalign_utils.networks.images import NetworkInputs
from repalign_utils.networks.names import new_head
from repalign_utils.networks.outputs import last_hidden, predict

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 3, 32, 32), dtype=np.uint8)


@pytest.fixture
def images():
    return NetworkInputs(IMAGES)


@pytest.mark.parametrize(
    "name",
    [
        "small_resnet",
        "small_vit",
        "resnet18_cifar",
        "squeezenet1_1",
        "timm:vit_tiny_patch16_224",
    ],
)
def test_a_network_has_the_classes_asked_for_and_the_same_seed_the_same_weights(name):
    size = 64 if "net1" in name else 32
    first, again, other = (build(name, 7, size=size, seed=s) for s in (1, 1, 2))
    x = torch.zeros(2, 3, size, size).normal_(
        generator=torch.Generator().manual_seed(0)
    )
    first.eval(), again.eval(), other.eval()
    assert first(x).shape == (2, 7)
    assert torch.equal(first(x), again(x)) and not torch.equal(first(x), other(x))


def test_building_leaves_the_global_generator_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    build("small_resnet", 2)
    assert torch.equal(torch.rand(1), expected)


def test_other_channels_and_sizes():
    for name in ("small_resnet", "small_vit"):
        model = build(name, 2, size=8, channels=1)
        assert model(torch.zeros(2, 1, 8, 8)).shape == (2, 2)
    with pytest.raises(
        ValueError,
        match="size is 30 but small_vit cuts it into 8 x 8 patches; .* such as 24",
    ):
        build("small_vit", 2, size=30)


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(
        ValueError,
        match="no network 'resnet19' in torchvision or timm; nearest: .*resnet18",
    ):
        build("resnet19", 2)


def test_the_hub_out_of_reach_is_said_with_the_remedy(monkeypatch):
    def fails(*_args, **_options):
        raise OSError("no route")

    monkeypatch.setattr("torchvision.models.get_model", fails)
    with pytest.raises(
        RuntimeError,
        match="weights of resnet18 could not be had from "
        r"the hub of torchvision \(no route\); name a file",
    ):
        pretrained("resnet18")


@pytest.mark.parametrize("name", ["small_resnet", "small_vit", "squeezenet1_1"])
def test_a_new_head_changes_the_head_alone(name, images):
    model = build(name, 3, size=32)
    hidden = last_hidden(model, images)
    new_head(model, 9, seed=1)
    assert model.eval()(images[:]).shape == (5, 9)
    np.testing.assert_array_equal(last_hidden(model, images), hidden)


def test_inputs_are_normalised_and_resized():
    white = np.full((1, 3, 4, 4), 255, np.uint8)
    assert (
        NetworkInputs(white)[:].max() == 1 and NetworkInputs(255 - white)[:].min() == -1
    )
    x = NetworkInputs(white, size=8, scale="imagenet")[:]
    assert x.shape == (1, 3, 8, 8)
    torch.testing.assert_close(x[0, 0, 0, 0], torch.tensor((1 - 0.485) / 0.229))
    with pytest.raises(
        ValueError, match="scale 'imagenet' is of 3 channels but the images have 1; use"
    ):
        NetworkInputs(white[:, :1], scale="imagenet")
    with pytest.raises(
        ValueError, match="scale is 'zero'; choose one of half, imagenet"
    ):
        NetworkInputs(white, scale="zero")


def test_the_pretrained_squeezenet_names_real_photographs(real_data):
    weights = real_data / "weights" / "squeezenet1_0-imagenet.safetensors"
    model = pretrained("squeezenet1_0", weights)
    bikes = data.office31("amazon", size=224, data_dir=real_data).only(["bike"])
    inputs = NetworkInputs(bikes, size=224, scale="imagenet")
    found = predict(model, inputs, batch_size=32).argmax(1)
    bicycles = [444, 671, 870]  # tandem, mountain bike, tricycle
    assert np.isin(found, bicycles).mean() > 0.5  # a guess is right once in 300
