"""Inputs of every kind give the same batches, or one clear error."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    StackDataset,
    TensorDataset,
)
from transformers import BatchEncoding

from repalign_utils import layer_alignment, record_layers
from repalign_utils.networks.inputs import open_inputs

N = 10
ROWS = torch.arange(N * 3.0).reshape(N, 3)
LABELS = torch.arange(N)


class Numbered(Dataset):
    """Samples by number alone, each with its label."""

    def __len__(self):
        return N

    def __getitem__(self, i):
        if not isinstance(i, int):
            raise TypeError(f"unhashable type: {type(i).__name__!r}")
        return ROWS[i].numpy(), int(LABELS[i])


class Thin:
    """Numbered, but of no kind that PyTorch knows."""

    def __len__(self):
        return N

    def __getitem__(self, i):
        return Numbered()[i]


class Streamed(IterableDataset):
    def __iter__(self):
        return iter(ROWS)


class Again:
    """Batches that can be asked for again."""

    def __iter__(self):
        return iter(ROWS.split(4))


KINDS = {
    "tensor": lambda: ROWS,
    "double tensor": lambda: ROWS.double(),
    "array": lambda: ROWS.double().numpy(),
    "big-endian": lambda: ROWS.numpy().astype(">f8"),
    "read-only": lambda: np.broadcast_to(ROWS.numpy(), (N, 3)),
    "tuple": lambda: (ROWS,),
    "dict": lambda: {"input": ROWS.numpy()},
    "BatchEncoding": lambda: BatchEncoding({"input": ROWS.tolist()}),
    "list of tensors": lambda: list(ROWS),
    "list of pairs": lambda: list(zip(ROWS, LABELS, strict=True)),
    "nested list": lambda: ROWS.tolist(),
    "Dataset": Numbered,
    "TensorDataset": lambda: TensorDataset(ROWS, LABELS),
    "Dataset of dicts": lambda: StackDataset(input=ROWS),
    "numbered": Thin,
    "IterableDataset": Streamed,
    "DataLoader": lambda: DataLoader(TensorDataset(ROWS, LABELS), batch_size=4),
    "DataLoader of inputs": lambda: DataLoader(list(ROWS), batch_size=3),
    "generator": lambda: (batch for batch in ROWS.split(4)),
    "generator of pairs": lambda: ((x, x[:, 0]) for x in ROWS.numpy().reshape(5, 2, 3)),
    "batches again": Again,
}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Linear(3, 2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_size", [3, 64])
def test_every_kind_of_inputs_gives_every_row_once(kind, batch_size, model):
    found = record_layers(model, KINDS[kind](), batch_size=batch_size)[""]
    torch.testing.assert_close(found, model(ROWS).detach())
    targets = LABELS.double() - 3
    measured = layer_alignment(model, KINDS[kind](), targets, batch_size=batch_size)
    expected = layer_alignment(model, ROWS, targets)
    np.testing.assert_allclose(measured[""].area(), expected[""].area(), rtol=1e-6)


class Sum(nn.Module):
    def forward(self, x, y=None, *, scale=1.0):
        return scale * (x if y is None else x + y)


@pytest.mark.parametrize(
    "inputs",
    [
        (ROWS, 2 * ROWS),
        {"x": ROWS, "y": 2 * ROWS.numpy(), "scale": 1.0},
        [((x, 2 * x), 0) for x in ROWS],
        DataLoader([{"x": x, "y": 2 * x} for x in ROWS], batch_size=4),
    ],
    ids=["tuple", "dict", "samples", "loader of dicts"],
)
def test_a_network_may_take_several_arguments(inputs):
    found = record_layers(Sum(), inputs, batch_size=3)[""]
    torch.testing.assert_close(found, 3 * ROWS)


@pytest.mark.parametrize(
    "inputs", ["abc", None, 3, nn.Linear(1, 1)], ids=["str", "None", "int", "module"]
)
def test_another_kind_is_refused_with_those_that_are_taken(inputs, model):
    message = rf"inputs are of type {type(inputs).__name__}; pass a tensor or array "
    with pytest.raises(TypeError, match=message):
        record_layers(model, inputs)


class Short:
    """Says that it has ten rows, and gives four whatever is asked for."""

    def __len__(self):
        return N

    def __getitem__(self, rows):
        return ROWS[:4]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (Short, r"inputs\[0:10\] gave 4 rows, expected 10 of the 10 that len"),
        (lambda: ROWS[:4], "inputs have 4 rows but targets have 10; pass one target"),
        (lambda: ROWS.repeat(2, 1), "inputs have 20 rows but targets have 10; pass"),
        (
            lambda: DataLoader(ROWS, batch_size=4, drop_last=True),
            "inputs have 8 rows but targets have 10; pass one target",
        ),
        (lambda: iter(ROWS[:4].split(2)), "inputs have 4 rows but targets have 10"),
        (
            lambda: iter(ROWS.repeat(2, 1).split(4)),
            "inputs have at least 12 rows but targets have 10; pass one target",
        ),
        (
            lambda: (ROWS, ROWS[:4]),
            r"different numbers of rows \(argument 1: 10, argument 2: 4\)",
        ),
        (lambda: {"x": ROWS, "y": ROWS[1:]}, r"of rows \(x: 10, y: 9\)"),
        (lambda: iter(()), "inputs have 0 rows; pass at least one row"),
        (
            lambda: DataLoader(ROWS, batch_size=4, shuffle=True),
            r"a DataLoader that shuffles \(RandomSampler\), so its rows are in no",
        ),
        (
            lambda: iter([(ROWS, ROWS, LABELS)]),
            r"inputs give 3 values at a time; pass \(inputs, targets\), with inputs a",
        ),
    ],
)
def test_rows_are_counted_always(inputs, message, model):
    with pytest.raises(ValueError, match=message):
        layer_alignment(model, inputs(), LABELS.double() - 3)


def test_a_loader_that_gives_fewer_rows_than_it_has_is_refused(model):
    loader = DataLoader(
        ROWS, batch_size=4, collate_fn=lambda rows: torch.stack(rows[:2])
    )
    with pytest.raises(ValueError, match="inputs gave 6 rows but their length is 10"):
        record_layers(model, loader)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (
            [ROWS[0], ROWS[1, :2]],
            "samples 0 to 1 of the inputs cannot be stacked .*; p",
        ),
        (["a", "b"], "inputs hold a value of type str that is no array of numbers"),
        ([{"x": None}], "samples 0 to 0 of the inputs cannot be stacked"),
    ],
)
def test_samples_that_are_no_tensors_of_one_shape_are_refused(samples, message, model):
    with pytest.raises(TypeError, match=message):
        record_layers(model, samples)


class Hungry(nn.Module):
    """Runs out of memory on more than three rows."""

    def forward(self, x):
        if len(x) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return x


@pytest.mark.filterwarnings("ignore:out of memory with a batch_size")
def test_what_can_be_read_only_once_is_not_begun_again():
    message = "inputs are a generator, which can be read only once, but have to be read"
    with pytest.raises(RuntimeError, match=message):
        record_layers(Hungry(), (batch for batch in ROWS.split(5)))
    found = record_layers(Hungry(), Again())[""]
    torch.testing.assert_close(found, ROWS)


def test_an_array_on_disk_is_read_batch_by_batch(tmp_path, model):
    np.save(tmp_path / "rows.npy", ROWS.numpy())
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    source = open_inputs(mapped)
    assert [len(b) for b in source.batches(4)] == [4, 4, 2]
    torch.testing.assert_close(
        record_layers(model, mapped)[""], record_layers(model, ROWS)[""]
    )


def test_the_first_batch_is_read_once():
    asked = []

    class Watched:
        def __len__(self):
            return N

        def __getitem__(self, rows):
            asked.append(rows)
            return ROWS[rows]

    source = open_inputs(Watched())
    assert len(source.first(4)) == 4
    assert [len(b) for b in source.batches(4)] == [4, 4, 2]
    assert asked == [slice(0, 4), slice(4, 8), slice(8, 10)]
