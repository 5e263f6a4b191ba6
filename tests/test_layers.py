"""Layer outputs are recorded, and the model is left as it was."""

import pytest
import torch
from torch import nn

from repalign_utils import record_layers


class TwoWays(nn.Module):
    """A module with nesting, dropout, an in-place layer and batch normalisation."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(4, 6), nn.ReLU(inplace=True))
        self.norm = nn.BatchNorm1d(6)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        return self.head(self.drop(self.norm(self.stem(x))))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return TwoWays()


@pytest.fixture
def inputs():
    return torch.randn(10, 4, generator=torch.Generator().manual_seed(1))


def hooks_of(model):
    return sum(len(m._forward_hooks) for m in model.modules())


def test_every_leaf_is_recorded_in_order_with_its_own_values(model, inputs):
    outputs = record_layers(model, inputs)
    assert list(outputs) == ["stem.0", "stem.1", "norm", "drop", "head"]
    before = model.stem[0](inputs)
    torch.testing.assert_close(outputs["stem.0"], before)  # not what ReLU made of it
    torch.testing.assert_close(outputs["stem.1"], before.relu())
    model.eval()
    torch.testing.assert_close(outputs["head"], model(inputs))


def test_batches_do_not_matter(model, inputs):
    whole = record_layers(model, inputs)
    parts = record_layers(model, inputs, batch_size=3)
    for name in whole:
        torch.testing.assert_close(whole[name], parts[name])


def test_modes_are_restored_one_by_one_and_hooks_are_off(model, inputs):
    model.train()
    model.norm.eval()
    record_layers(model, inputs, ["stem"])
    modes = {name: m.training for name, m in model.named_modules()}
    assert modes.pop("norm") is False and all(modes.values())
    assert hooks_of(model) == 0
    assert model.norm.num_batches_tracked == 0, "it was run in training mode"


def test_modes_and_hooks_survive_an_error(model):
    model.train()
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        record_layers(model, torch.zeros(2, 5))
    assert model.training and hooks_of(model) == 0


def test_an_unknown_layer_is_named_with_those_there_are(model, inputs):
    with pytest.raises(
        ValueError, match="no layer 'tail'; it has stem, stem.0, stem.1"
    ):
        record_layers(model, inputs, ["tail"])


def test_no_inputs_are_refused(model):
    with pytest.raises(ValueError, match="inputs have 0 rows and batch_size is 1024"):
        record_layers(model, torch.zeros(0, 4))


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.unused = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(self.layer(x))


def test_a_layer_that_runs_twice_or_never_is_refused(inputs):
    with pytest.raises(RuntimeError, match="layer 'layer' ran 2 times in one pass"):
        record_layers(Shared(), inputs, ["layer"])
    with pytest.raises(RuntimeError, match="layer 'unused' ran 0 times in one pass"):
        record_layers(Shared(), inputs, ["unused"])


def test_an_output_that_is_no_tensor_is_refused():
    with pytest.raises(ValueError, match="layer '' returns tuple, not a tensor; name"):
        record_layers(nn.LSTM(4, 4), torch.zeros(2, 4), [""])
