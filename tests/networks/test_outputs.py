"""The last hidden layer is what makes the output; outputs are counted with labels."""

import numpy as np
import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torchvision.models import resnet18, squeezenet1_1

from repalign_utils.networks.building import build
from repalign_utils.networks.images import NetworkInputs
from repalign_utils.networks.names import head
from repalign_utils.networks.outputs import accuracy, last_hidden, predict

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 3, 32, 32), dtype=np.uint8)
ROWS = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def images():
    return NetworkInputs(IMAGES)


@pytest.mark.parametrize(
    ("name", "width"),
    [("small_resnet", 128), ("small_vit", 96), ("squeezenet1_1", 512)],
)
def test_the_last_hidden_layer_is_what_the_head_is_given(name, width, images):
    model = build(name, 3, size=32)
    model.train()
    found = last_hidden(model, images, batch_size=2)
    assert found.shape == (5, width) and found.dtype == np.float32
    assert model.training
    model.eval()
    _, classifier = head(model)
    with torch.no_grad():
        if isinstance(classifier, nn.Linear):
            expected = model(images[:])
            torch.testing.assert_close(classifier(torch.tensor(found)), expected)
        else:
            maps = model.features(images[:]).mean((2, 3))
            np.testing.assert_allclose(found, maps.numpy(), atol=1e-5)


@pytest.mark.parametrize("network", ["resnet", "transformer", "perceptron"])
def test_without_its_head_a_network_gives_its_last_hidden_layer(network, images):
    torch.manual_seed(0)
    if network == "resnet":
        model = resnet18()
        model.fc = nn.Identity()
    elif network == "transformer":
        model = VisionTransformer(32, 8, embed_dim=24, depth=2, num_heads=2)
        model.reset_classifier(0)
    else:
        parts = nn.Flatten(), nn.Linear(3072, 20), nn.ReLU(True), nn.Dropout()
        model = nn.Sequential(*parts, nn.Identity())
    found = last_hidden(model, images, batch_size=2)
    expected = model.eval()(images[:]).detach()
    np.testing.assert_allclose(found, expected, atol=1e-5)


class HeadFirst(nn.Module):
    """Registers its head before its body, and runs it behind."""

    def __init__(self):
        super().__init__()
        self.head, self.body = nn.Linear(6, 2), nn.Linear(4, 6)

    def forward(self, x):
        return self.head(torch.relu_(self.body(x)))


def test_the_head_is_what_runs_last_not_what_is_registered_last():
    model = HeadFirst()
    np.testing.assert_allclose(
        last_hidden(model, ROWS), model.body(ROWS).relu().detach(), rtol=1e-6
    )


class Timesteps(nn.Module):
    """A head on every token (n, t, d), behind maps with channels first."""

    def __init__(self):
        super().__init__()
        self.maps, self.head = nn.Conv1d(2, 6, 1), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.maps(x).transpose(1, 2))


def test_tokens_that_enter_the_head_are_averaged():
    model, x = Timesteps(), torch.randn(5, 2, 6)
    found = last_hidden(model, x, batch_size=2)
    expected = model.maps(x).mean(2).detach()
    np.testing.assert_allclose(found, expected, atol=1e-6)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        h = self.one(x)
        return h + self.two(h)


def test_where_no_layer_makes_the_output_one_must_be_named():
    model = Residual()
    with pytest.raises(
        ValueError, match="enters 'two', .* of Residual, does not give .* layer=NAME"
    ):
        last_hidden(model, ROWS)
    np.testing.assert_allclose(
        last_hidden(model, ROWS, layer="two"), model.one(ROWS).detach(), rtol=1e-6
    )


def test_the_rows_done_are_reported(images):
    steps = []
    last_hidden(
        squeezenet1_1(), images, batch_size=2, report=lambda *step: steps.append(step)
    )
    assert steps == [(2, 5), (4, 5), (5, 5)]


def test_outputs_are_those_of_the_network(images):
    model = build("small_resnet", 3)
    found = predict(model, images, batch_size=2)
    assert found.dtype == np.float32 and model.training
    np.testing.assert_allclose(found, model.eval()(images[:]).detach(), atol=1e-6)


def test_accuracy_is_the_share_of_right_labels(images):
    model = build("small_resnet", 3).eval()
    right = model(images[:]).argmax(1).numpy()
    assert accuracy(model, images, right) == 1
    wrong = np.where(np.arange(5) < 2, (right + 1) % 3, right)
    assert accuracy(model, images, wrong) == pytest.approx(0.6)
    with pytest.raises(ValueError, match=r"5 rows but labels have shape \(1,\); pass"):
        accuracy(model, images, right[:1])
