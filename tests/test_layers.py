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


class Halves:
    """Inputs that are made when a batch is asked for."""

    def __len__(self):
        return 10

    def __getitem__(self, rows):
        return torch.arange(10.0)[rows, None].expand(-1, 4) / 2


def test_inputs_may_be_made_batch_by_batch(model):
    whole = record_layers(model, Halves()[:], ["head"])
    parts = record_layers(model, Halves(), ["head"], batch_size=4)
    torch.testing.assert_close(whole, parts)


class Hungry(nn.Module):
    """Runs out of memory on more than three rows, after its first batch."""

    def __init__(self, error, most=3):
        super().__init__()
        self.error, self.most, self.batches = error, most, []

    def forward(self, x):
        self.batches.append(len(x))
        if len(x) > self.most and len(self.batches) > 1:
            raise self.error
        return x


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to"),
        RuntimeError("MPS backend out of memory (MPS allocated: 1.00 GB"),
        MemoryError("Unable to allocate 3. GiB for an array"),
    ],
    ids=lambda error: str(error)[:24],
)
def test_memory_that_runs_out_halves_the_batch_and_nothing_is_kept_twice(error, inputs):
    model = nn.Sequential(Hungry(error))
    with pytest.warns(UserWarning) as caught:
        found = record_layers(model, inputs, batch_size=6)
    assert [str(w.message) for w in caught] == [
        "out of memory with a batch_size of 6; the pass starts again with 3, which you "
        "may pass at once"
    ]
    assert model[0].batches == [6, 4, 3, 3, 3, 1]
    torch.testing.assert_close(found["0"], inputs)


def test_a_batch_of_more_than_all_rows_is_halved_from_all_rows(inputs):
    model = nn.Sequential(Hungry(torch.OutOfMemoryError("no"), most=5))
    model[0].batches.append(0)
    with pytest.warns(UserWarning, match="batch_size of 10; .* again with 5, which"):
        record_layers(model, inputs)


def test_when_one_row_is_too_much_the_error_says_so(inputs):
    model = nn.Sequential(Hungry(torch.OutOfMemoryError("no GPU left"), most=0))
    message = (
        r"out of memory even with a batch_size of 1; name fewer layers, or use a "
        r"device with more memory \(no GPU left\)"
    )
    with (
        pytest.warns(UserWarning, match="with a batch_size of 3; .* again with 1, "),
        pytest.raises(torch.OutOfMemoryError, match=message),
    ):
        record_layers(model, inputs, batch_size=3)
    assert hooks_of(model) == 0


def test_other_errors_of_the_model_do_not_start_again(inputs):
    model = nn.Sequential(Hungry(RuntimeError("no memory of that name"), most=0))
    with pytest.raises(RuntimeError, match="no memory of that name"):
        record_layers(model, inputs, batch_size=4)
    assert model[0].batches == [4, 4]
