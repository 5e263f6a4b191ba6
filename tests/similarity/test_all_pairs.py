"""All pairs of layers in memory: the same by kernels of few rows as by sums."""

import numpy as np
import pytest

from repalign_utils.similarity import _all_pairs, cka, similarity_matrix

from .test_stream import draw, streamed


@pytest.fixture
def ways(monkeypatch):
    """Which way was gone: 'kernels' or 'sums'."""
    gone = []

    def worthwhile(n, widths, of=_all_pairs.worthwhile):
        gone.append("kernels" if of(n, widths) else "sums")
        return of(n, widths)

    monkeypatch.setattr(_all_pairs, "worthwhile", worthwhile)
    return gone


@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize("n, way", [(20, "kernels"), (300, "sums")])
@pytest.mark.parametrize("two", [False, True])
def test_kernels_and_sums_give_the_same(ways, n, way, two, debiased):
    x = draw(n, (30, 40, 8), offset=3.0)
    x["l1"][:, 3] = 0.1  # constant, and its mean is rounded
    y = draw(n, (25, 12), seed=1) if two else None
    measure = "debiased_cka" if debiased else "cka"
    found = similarity_matrix(x, y, measure=measure)
    assert ways == [way]
    expected = streamed(x, y).result(measure)
    assert found.values == pytest.approx(expected.values, abs=1e-9)
    assert (found.layers_x, found.layers_y, found.n) == (
        expected.layers_x,
        expected.layers_y,
        n,
    )
    one = cka(x["l0"], (y or x)["l1"], debiased=debiased)
    assert found["l0", "l1"] == pytest.approx(one, abs=1e-9)


def test_many_rows_pass_in_blocks(monkeypatch):
    layers = draw(90, (60, 70, 80))
    whole = similarity_matrix(layers).values
    monkeypatch.setattr("repalign_utils.similarity._kernels._BLOCK_ENTRIES", 1)
    assert similarity_matrix(layers).values == pytest.approx(whole, abs=1e-12)


def test_wide_layers_need_no_memory_for_sums():
    layers = draw(10, (300, 400))
    found = similarity_matrix(layers, memory=1000)
    assert found["l0", "l0"] == 1
    with pytest.raises(ValueError, match="take .* above memory=1"):
        similarity_matrix(layers, measure="pwcca", memory=1000)


def test_a_layer_that_cannot_be_compared_is_named(ways):
    layers = draw(10, (300, 400))
    for changed, words in (
        ({"l1": np.ones((10, 400))}, "layer 'l1' of x is the same in all 10 rows"),
        ({"l1": layers["l1"][:9]}, "layer 'l1' of x has 9 rows"),
        ({"l1": np.full((10, 4), np.nan)}, "layer 'l1' of x: "),
        ({"l1": np.eye(10)[:, :1]}, "layer 'l1' of x: nothing is left"),
    ):
        with pytest.raises(ValueError, match=words):
            similarity_matrix(layers | changed)
    assert set(ways) == {"kernels"}
