"""Rows in batches, in parts, over processes: the alignment of all rows at once."""

import pickle
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repalign_utils import AlignmentStream, alignment, one_vs_rest
from tests.two_processes import by_two_processes

WIDTHS = {"narrow": 4, "middle": 19, "wide": 60}
SEEDS = st.integers(0, 2**32 - 1)


def draw(n, k=2, seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    layers = {name: rng.normal(size=(n, d)).astype(dtype) for name, d in WIDTHS.items()}
    return layers, rng.normal(size=(n, k))


def rows_of(layers, rows):
    return {name: array[rows] for name, array in layers.items()}


def streamed(layers, targets, *, ends=(), **options):
    """One stream over the rows, in batches that end there and at the last row."""
    stream = AlignmentStream(layers, **options)
    for start, stop in zip((0, *ends), (*ends, len(targets)), strict=True):
        if stop > start:
            stream.update(rows_of(layers, slice(start, stop)), targets[start:stop])
    return stream


def assert_same(found, expected, tolerance=1e-10):
    assert list(found) == list(expected)
    for name, one in found.items():
        other = expected[name]
        assert repr(one) == repr(other)
        values = other.singular_values
        scale = tolerance * values[0]
        np.testing.assert_allclose(one.singular_values, values, rtol=0, atol=scale)
        tau = (values + np.append(values[1:], 0)) / 2
        scale = tolerance * other.target_energy.max()
        np.testing.assert_allclose(one.curve(tau), other.curve(tau), rtol=0, atol=scale)
        np.testing.assert_allclose(one.area(), other.area(), rtol=0, atol=tolerance)


@settings(max_examples=60)
@given(
    SEEDS,
    st.integers(1, 40),
    st.lists(st.integers(0, 40), max_size=4),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_batches_of_any_size_give_the_alignment_of_all_rows(
    seed, n, ends, bias, normalize, known
):
    layers, targets = draw(n, seed=seed)
    ends = sorted(min(end, n) for end in ends)
    options = {"bias": bias, "normalize": normalize}
    rows = n if known else None
    found = streamed(layers, targets, ends=ends, rows=rows, **options).result()
    expected = {
        name: alignment(
            features,
            targets,
            method="svd" if n >= features.shape[1] + bias else "auto",
            **options,
        )
        for name, features in layers.items()
    }
    assert_same(found, expected)


@settings(max_examples=60)
@given(
    SEEDS,
    st.integers(1, 80),
    st.lists(st.integers(0, 80), min_size=1, max_size=3),
    st.booleans(),
)
def test_parts_that_were_sent_and_merged_equal_one_pass(seed, n, cuts, known):
    layers, targets = draw(n, seed=seed)
    cuts = [0, *sorted(min(cut, n) for cut in cuts), n]
    rows = n if known else None
    parts = []
    for start, stop in zip(cuts, cuts[1:], strict=False):  # some of them empty
        part = rows_of(layers, slice(start, stop)), targets[start:stop]
        parts.append(streamed(*part, rows=rows))
    total, *others = [pickle.loads(pickle.dumps(part)) for part in parts]
    for other in others:
        assert total.merge(other) is total
    assert total.n == n
    assert_same(total.result(), streamed(layers, targets, rows=rows).result())


def test_what_is_merged_stays_as_it_is_and_both_may_go_on():
    layers, targets = draw(50)
    first, second = slice(0, 23), slice(23, 50)
    total = streamed(rows_of(layers, first), targets[first])
    other = streamed(rows_of(layers, second), targets[second])
    before = other.result()
    total.merge(other).update(rows_of(layers, first), targets[first])
    assert_same(other.result(), before)
    order = np.r_[0:50, 0:23]
    expected = streamed(rows_of(layers, order), targets[order]).result()
    assert_same(total.result(), expected)


def test_a_result_may_be_asked_for_on_the_way():
    layers, targets = draw(90)
    stream = AlignmentStream(layers)
    for start in range(0, 90, 30):
        rows = slice(start, start + 30)
        stream.update(rows_of(layers, rows), targets[rows])
        so_far = rows_of(layers, slice(0, rows.stop)), targets[: rows.stop]
        assert_same(stream.result(), streamed(*so_far).result())


def test_a_state_is_no_larger_after_more_rows():
    sizes = []
    for n in (300, 3000):
        layers, targets = draw(n)
        ends = range(30, n, 30)
        sizes.append(len(pickle.dumps(streamed(layers, targets, ends=ends))))
    assert sizes[1] <= sizes[0] + 8  # a digit of the count
    assert sizes[0] < 8 * 61 * 63 * 2


def test_a_batch_may_be_written_over_afterwards():
    layers, targets = draw(30)
    expected = streamed(layers, targets).result()
    buffers, y = rows_of(layers, slice(0, 30)), targets.copy()
    stream = AlignmentStream(layers)
    stream.update(buffers, y)
    for array in (*buffers.values(), y):
        array[:] = 7
    assert_same(stream.result(), expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "int8"])
def test_tensors_of_each_dtype_keep_their_precision_through_parts(dtype):
    layers, targets = draw(70)
    tensors = {
        name: torch.from_numpy(4 * array).to(getattr(torch, dtype))
        for name, array in layers.items()
    }
    tensors["narrow"][:, 3] = tensors["narrow"][:, 2]  # a rank below the columns
    whole = streamed(tensors, torch.from_numpy(targets)).result()
    total = AlignmentStream(tensors)
    for rows in (slice(0, 33), slice(33, 70)):
        part = streamed(rows_of(tensors, rows), targets[rows])
        total.merge(pickle.loads(pickle.dumps(part)))
    assert_same(total.result(), whole)
    assert len(whole["narrow"].singular_values) == 4


def test_one_layer_is_named_by_itself_and_further_ones_are_passed_over():
    layers, targets = draw(30)
    stream = AlignmentStream("narrow")
    stream.update(layers, targets)
    assert list(stream.result()) == ["narrow"] and stream.layers == ("narrow",)


def test_labels_as_targets_are_warned_of_when_all_rows_are_there():
    labels = np.arange(40) % 10
    layers, _ = draw(40)
    stream = streamed(layers, labels, ends=[11])
    with pytest.warns(UserWarning, match="targets are whole numbers") as seen:
        stream.result()
    assert len(seen) == 1 and seen[0].filename == __file__
    shifted = streamed(layers, one_vs_rest(labels, center=False), ends=[11])
    with pytest.warns(UserWarning, match="64.0% of the squared norm of the targets"):
        shifted.result()


TWO = """
import functools, pickle, sys
import torch.distributed as dist
from repalign_utils import AlignmentStream
from tests.measures.test_stream import draw, rows_of
dist.init_process_group("gloo")
layers, targets = draw(101)
for cut in 37, 0:  # rows of the first process, the second has the rest
    stream = AlignmentStream(layers)
    rows = slice(0, cut) if dist.get_rank() == 0 else slice(cut, None)
    if len(targets[rows]):
        stream.update(rows_of(layers, rows), targets[rows])
    streams = [None] * dist.get_world_size()
    dist.all_gather_object(streams, stream)
    total = functools.reduce(AlignmentStream.merge, streams)
    with open(f"{sys.argv[1]}/{cut}-{dist.get_rank()}", "wb") as file:
        pickle.dump(total.result(), file)
dist.destroy_process_group()
"""


def test_two_processes_find_the_alignment_of_all_rows(tmp_path):
    script = tmp_path / "two.py"
    script.write_text(TWO)
    done = by_two_processes(str(script), str(tmp_path))
    assert done.returncode == 0, done.stderr
    expected = streamed(*draw(101)).result()
    found = sorted(tmp_path.glob("*-[01]"))
    assert len(found) == 4
    for file in found:
        assert_same(pickle.loads(file.read_bytes()), expected)


# Errors


def refused(message, call, *arguments, kind=ValueError):
    with pytest.raises(kind, match=f"^{re.escape(message)}"):
        call(*arguments)


def test_batches_that_do_not_fit_are_refused_before_any_row_is_taken():
    layers, targets = draw(30)
    stream = streamed(layers, targets)
    short = {**layers, "wide": layers["wide"][:29]}
    refused(
        "layer 'wide' has 29 rows but layer 'narrow' has 30 in the same batch; pass",
        *(stream.update, short, targets),
    )
    refused(
        "features have 30 rows but targets have 29; pass one target per row, e.g.",
        *(stream.update, layers, targets[:29]),
    )
    refused(
        "targets have 1 columns after 2 before; pass the same targets of all rows",
        *(stream.update, layers, targets[:, 0]),
    )
    refused(
        "the batch has no layer 'middle', only narrow, wide; pass features of all of "
        "narrow, middle, wide",
        stream.update,
        {name: layers[name] for name in ("narrow", "wide")},
        targets,
    )
    refused(
        "layer 'middle': features have 18 columns of float64 after 19 of float64",
        *(stream.update, {**layers, "middle": layers["middle"][:, 1:]}, targets),
    )
    refused(
        "layer 'wide': features have 60 columns of float32 after 60 of float64",
        *(stream.update, {**layers, "wide": layers["wide"].astype("f4")}, targets),
    )
    spoilt = targets.copy()
    spoilt[3, 1] = np.nan
    refused("targets[33, 1] is nan but every", stream.update, layers, spoilt)
    assert_same(stream.result(), streamed(layers, targets).result())


def test_a_bad_entry_is_named_by_its_row_and_ends_the_stream():
    layers, targets = draw(30)
    stream = streamed(layers, targets)
    spoilt = rows_of(layers, slice(0, 30))
    spoilt["middle"] = spoilt["middle"].copy()
    spoilt["middle"][5, 3] = np.inf
    message = "layer 'middle': features[35, 3] is inf but every entry must be finite"
    refused(message, stream.update, spoilt, targets)
    ended = "an error stopped this stream while it took up rows, so that some layers"
    refused(ended, stream.update, layers, targets)
    refused(ended, stream.result)
    refused(ended, AlignmentStream(layers).merge, stream)


def test_streams_that_do_not_fit_are_not_merged():
    layers, targets = draw(30)
    stream = streamed(layers, targets)
    before = stream.result()
    for other, message in [
        (
            AlignmentStream(["narrow", "broad"]),
            "layers is ['middle', 'narrow', 'wide'] here but ['broad', 'narrow'] there",
        ),
        (
            AlignmentStream(layers, bias=False),
            "bias is True here but False there; merge streams of the same layers and",
        ),
        (
            AlignmentStream(layers, rows=60),
            "rows is None here but 60 there; merge streams of the same layers and",
        ),
        (
            streamed({**layers, "wide": layers["wide"][:, :50]}, targets),
            "layer 'wide': features have 50 columns of float64 after 60 of float64",
        ),
        (
            streamed(layers, targets[:, :1]),
            "targets have 1 columns after 2 before; pass the same targets",
        ),
    ]:
        refused(message, stream.merge, other)
    assert_same(stream.result(), before)


def test_rows_that_are_missing_or_come_twice_are_counted():
    layers, targets = draw(30)
    for announced in (29, 31):
        message = f"rows is {announced} but 30 have come; pass each row once, or leave"
        refused(message, streamed(layers, targets, rows=announced).result)
    refused("no row has come yet; pass batches", AlignmentStream("narrow").result)
    refused("layers is empty; pass the name of one layer at", AlignmentStream, [])


def test_a_target_that_is_zero_in_all_rows_is_refused():
    layers, targets = draw(30)
    stream = streamed(layers, targets * [1, 0])
    refused("column 1 of the targets is zero in all 30 rows, and a", stream.result)
    stream.update(layers, targets)
    assert stream.result()["narrow"].n == 60
