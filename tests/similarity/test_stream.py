"""All pairs of layers in one pass: invariances, rows in parts, outside references."""

import pickle
import re

import ckatorch
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repalign_utils import arrays
from repalign_utils.similarity import SimilarityStream, cca, cka, pwcca, svcca

SEEDS = st.integers(0, 2**32 - 1)
OF_ROWS = ["debiased_cka", "cka", "cca", "svcca", "pwcca"]
FORCED = pytest.mark.filterwarnings("ignore:canonical correlations of .* want of rows")


def draw(n, widths, seed=0, offset=0.0):
    """Layers that share a signal, with units of unlike scale, far from zero."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(n, 3))
    return {
        f"l{k}": signal @ rng.normal(size=(3, d)) + rng.normal(size=(n, d)) + offset
        for k, d in enumerate(widths)
    }


def rows_of(layers, rows):
    return {name: array[rows] for name, array in layers.items()}


def streamed(x, y=None, *, ends=(), **options):
    n = len(next(iter(x.values())))
    stream = SimilarityStream(x, y, **options)
    for start, stop in zip((0, *ends), (*ends, n), strict=True):
        part = [rows_of(s, slice(start, stop)) for s in (x, y) if s is not None]
        stream.update(*part)
    return stream


def debiased(X, Y):
    """By the definition on whole Gram matrices (Song et al. 2012, Eq. 5)."""

    def hsic(k, m):
        n = len(k)
        k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
        last = k.sum() * m.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * (k @ m).sum()
        return np.trace(k @ m) + last

    k, m = X @ X.T, Y @ Y.T
    return hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m))


PLAIN = {
    "debiased_cka": debiased,
    "cka": cka,
    "cca": lambda X, Y: cca(X, Y).mean(),
    "svcca": svcca,
    "pwcca": pwcca,
}


@FORCED
@pytest.mark.filterwarnings("ignore:.*canonical correlations are 1 for want")
@settings(max_examples=30)
@given(SEEDS, st.lists(st.integers(1, 39), max_size=3), st.booleans())
def test_batches_of_any_size_give_the_measures_of_all_rows(seed, ends, one):
    x, y = draw(40, (3, 12), seed, 5.0), draw(40, (45, 7), seed + 1, -20.0)
    stream = streamed(x, None if one else y, ends=sorted(set(ends)))
    other = x if one else y
    for measure, plain in PLAIN.items():
        found = stream.result(measure)
        expected = [[plain(a, b) for b in other.values()] for a in x.values()]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


@FORCED
@settings(max_examples=40)
@given(SEEDS, st.integers(4, 36), st.integers(0, 3), st.sampled_from(OF_ROWS))
def test_parts_that_were_sent_and_merged_equal_one_pass(seed, cut, far, measure):
    x, y = draw(40, (3, 12), seed), draw(40, (60, 7), seed + 1)
    for layer in (*x.values(), *y.values()):
        layer += 100.0**far
        layer[cut:] += 3.0  # so that the parts lie about points of their own
    halves = [
        streamed(rows_of(x, part), rows_of(y, part))
        for part in (slice(0, cut), slice(cut, 40))
    ]
    total, other = (pickle.loads(pickle.dumps(half)) for half in halves)
    before = other.result(measure).values
    assert total.merge(other) is total and total.n == 40
    expected = streamed(x, y).result(measure)
    np.testing.assert_allclose(total.result(measure), expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(other.result(measure), before)


@pytest.mark.parametrize("minibatch", [False, True])
@pytest.mark.parametrize("size", [4, 5, 16, 50])
def test_a_layer_is_one_with_what_the_measure_cannot_tell_from_it(size, minibatch):
    x = draw(53, (9,), 3)["l0"]  # rests of 1, 3, 5 and 3 rows
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(9, 9)))
    others = {"same": x, "scaled": 3 * x + 1, "turned": x @ turn}
    options = {"ends": range(size, 53, size), "minibatch": minibatch}
    stream = streamed({"x": x}, others, **options)
    for measure in [None] if minibatch else OF_ROWS:
        values = stream.result(measure).values
        assert values.max() <= 1
        np.testing.assert_allclose(values, 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize("first", [4, 5])
def test_minibatch_cka_is_that_of_an_outside_reference(first):
    x, y = draw(60, (5, 40), 1, 3.0), draw(60, (7,), 2, -3.0)
    found = streamed(x, y, ends=range(12, 60, 12), minibatch=True).result()
    for name, layer in x.items():
        tensors = (torch.from_numpy(a.reshape(5, 12, -1)) for a in (layer, y["l0"]))
        expected = float(ckatorch.cka_batch(*tensors))
        assert found[name, "l0"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("rest", [1, 3])
def test_a_rest_of_few_rows_joins_the_batch_before_it(rest):
    x = draw(20 + rest, (5, 40), 1)
    joined = streamed(x, ends=[10], minibatch=True)
    parted = streamed(x, ends=[10, 20], minibatch=True)
    np.testing.assert_array_equal(parted.result(), joined.result())
    # And one alone waits for the rows of another part.
    alone = streamed(rows_of(x, slice(20, None)), minibatch=True)
    with pytest.raises(ValueError, match=f"{rest} rows have come but .* needs 4; pass"):
        alone.result()
    first = streamed(rows_of(x, slice(0, 20)), ends=[10], minibatch=True)
    np.testing.assert_allclose(alone.merge(first).result(), joined.result())


def test_all_rows_in_one_batch_have_the_minibatch_form_of_the_debiased_one():
    x = draw(30, (5, 40), 1)
    whole = streamed(x, minibatch=True).result()
    np.testing.assert_allclose(whole, streamed(x).result(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_squares_beyond_the_range_of_a_dtype_are_summed(dtype):
    x = draw(40, (6, 9), 1)
    large = {"float16": 3e3, "bfloat16": 1e37, "float32": 1e37}[dtype]
    low = {
        k: torch.from_numpy(large * v).to(getattr(torch, dtype)) for k, v in x.items()
    }
    exact = {k: v.double().numpy() for k, v in low.items()}
    for measure in OF_ROWS:
        found, expected = (streamed(s, ends=[7]).result(measure) for s in (low, exact))
        np.testing.assert_array_equal(found, expected)


@FORCED
@pytest.mark.parametrize("minibatch", [False, True])
@pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
def test_the_way_of_a_gpu_gives_the_same_on_cpu_tensors(monkeypatch, dtype, minibatch):
    x = {k: torch.from_numpy(v) for k, v in draw(40, (6, 9, 60), 1).items()}
    x = {k: v.to(getattr(torch, dtype)) for k, v in x.items()}
    parts = [rows_of(x, slice(0, 15)), rows_of(x, slice(15, 40))]
    measures = [None] if minibatch else OF_ROWS
    options = {"ends": [7], "minibatch": minibatch}
    whole = streamed(parts[0], **options).merge(streamed(parts[1], **options))
    expected = [whole.result(measure) for measure in measures]
    # What decides that sums are made by PyTorch, where the tensor lies.
    monkeypatch.setattr(arrays, "on_device", arrays.is_tensor)
    first, last = (streamed(part, **options) for part in parts)
    sent = pickle.loads(pickle.dumps(last))
    sent.update(rows_of(x, slice(0, 5)))  # goes on where it arrives
    found = first.merge(last)
    for measure, exact in zip(measures, expected, strict=True):
        np.testing.assert_allclose(found.result(measure), exact, rtol=0, atol=1e-12)


def test_a_state_is_no_larger_after_more_rows():
    sizes = [
        len(pickle.dumps(streamed(draw(n, (5, 9)), ends=range(30, n, 30))))
        for n in (300, 3000)
    ]
    assert abs(sizes[1] - sizes[0]) < 8


def test_of_one_network_each_product_is_kept_once():
    sums = streamed(draw(30, (5,) * 20))._sums
    kept = sum(s.size for s in (*sums._own, *sums._cross) if s is not None)
    assert kept == 210 * 7 * 7  # and not 400 blocks


def test_a_batch_may_be_written_over_afterwards():
    for minibatch in (False, True):
        x = draw(30, (5, 9))
        expected = streamed(x, minibatch=minibatch).result()
        stream = streamed(x, minibatch=minibatch)
        for array in x.values():
            array[:] = 7
        np.testing.assert_array_equal(stream.result(), expected)


def test_units_that_never_vary_change_nothing():
    x = draw(40, (6, 9), 1)
    dead = {
        k: np.hstack([v, np.zeros((40, 2)), np.full((40, 1), 0.1)])
        for k, v in x.items()
    }
    for measure in OF_ROWS:
        found = streamed(dead, ends=[3, 20]).result(measure)
        expected = streamed(x, ends=[3, 20]).result(measure)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_a_result_has_the_names_of_its_layers():
    x, y = draw(30, (5, 9)), {"fc": draw(30, (4,), 7)["l0"]}
    found = streamed(x, y).result("cka")
    table = found.to_xarray()
    assert table.dims == ("layer_x", "layer_y") and table.name == "cka"
    assert float(table.sel(layer_x="l1", layer_y="fc")) == found["l1", "fc"]
    assert found["l1", "fc"] == pytest.approx(cka(x["l1"], y["fc"]), abs=1e-12)


def holed(x, name, row, column, value):
    x[name][row, column] = value
    return x


GOOD = draw(10, (3, 4))
WRONG = {
    "batch_x has no layer 'l2', only l0, l1; pass features of all of l0, l2": (
        lambda: SimilarityStream(["l0", "l2"]).update(GOOD)
    ),
    "layer 'l1' of x has 9 rows but layer 'l0' of x has 10 in the same batch": (
        lambda: SimilarityStream(GOOD).update({**GOOD, "l1": GOOD["l1"][:9]})
    ),
    "layer 'l1' of x has 3 columns after 4 before; pass": (
        lambda: streamed(GOOD).update({**GOOD, "l1": GOOD["l1"][:, :3]})
    ),
    "layer 'l1' of x: features[17, 2] is nan but every entry must be finite": (
        lambda: streamed(GOOD).update(holed(draw(10, (3, 4)), "l1", 7, 2, np.nan))
    ),
    "layer 'l0' of x: the largest entry is 1e+80": (
        lambda: streamed(holed(draw(10, (3, 4)), "l0", 0, 0, 1e80))
    ),
    "layer 'l0' of x is the same in all 10 rows, so nothing": (
        lambda: streamed({**GOOD, "l0": np.full((10, 2), 0.1)}, ends=[3]).result()
    ),
    "layer 'l0' of x: nothing is left of its 10 rows once debiased": (
        lambda: streamed({**GOOD, "l0": np.eye(10)[:, :1]}).result()
    ),
    "the stream has no layers_y; pass batch_x alone": (
        lambda: SimilarityStream(GOOD).update(GOOD, GOOD)
    ),
    "measure is 'CKA' but must be one of debiased_cka, cka": (
        lambda: streamed(GOOD).result("CKA")
    ),
    "3 rows have come but debiased_cka needs 4; pass more": (
        lambda: streamed(rows_of(GOOD, slice(0, 3))).result()
    ),
    "layers is [('x', 'l0'), ('x', 'l1')] here but [('x', 'l0')] there; merge": (
        lambda: streamed(GOOD).merge(streamed({"l0": GOOD["l0"]}))
    ),
    "the sums of 2 layers with 7 columns take 728 B, above memory=100 B; name": (
        lambda: streamed(GOOD, memory=100)
    ),
    "a batch of 10 rows takes 3.2 KB for the Gram matrices of 2 layers, above": (
        lambda: streamed(GOOD, memory=1000, minibatch=True)
    ),
    "layers_x is empty; pass the name of one layer at least": (
        lambda: SimilarityStream([])
    ),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_compared_is_refused_by_name(text):
    with pytest.raises(ValueError, match=re.escape(text)):
        WRONG[text]()


def test_a_refused_batch_leaves_the_stream_as_it_was():
    stream = streamed(GOOD)
    before = stream.result().values
    with pytest.raises(ValueError, match="is nan"):
        stream.update(holed(draw(10, (3, 4)), "l1", 7, 2, np.nan))
    np.testing.assert_array_equal(stream.result(), before)


def test_a_first_batch_that_lies_far_off_costs_no_digits():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 500, 6))
    x[:4] += 1e4
    y[:4] -= 3e4
    stream = SimilarityStream("x", "y")
    for start in (0, 4, 200):
        rows = slice(start, {0: 4, 4: 200}.get(start))
        stream.update({"x": x[rows]}, {"y": y[rows]})
    for measure, debiased in (("cka", False), ("debiased_cka", True)):
        found = stream.result(measure)["x", "y"]
        assert found == pytest.approx(cka(x, y, debiased=debiased), abs=1e-9)
