"""Convolution maps: the DFT way is the direct one on data with all circular shifts."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repalign_utils.similarity import cca, cka, map_similarity, pwcca, svcca

DIRECT = {"cca": lambda X, Y: cca(X, Y).mean(), "cka": cka, "svcca": svcca}


def maps(n=30, channels=(2, 3), size=(4, 3), seed=0):
    """Maps of two layers: circular convolutions of the same images, and noise."""
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(n, 2, *size))
    found = []
    for c in channels:
        kernel = np.fft.fft2(rng.normal(size=(c, 2, *size)))
        made = np.einsum("nkhw,ckhw->nchw", np.fft.fft2(images), kernel)
        noise = rng.normal(size=(n, c, *size))
        found.append(
            np.fft.ifft2(made).real / 3 + noise + rng.normal(size=c)[:, None, None]
        )
    return found


def with_all_shifts(layer):
    h, w = layer.shape[2:]
    shifts = [np.roll(layer, (i, j), (2, 3)) for i in range(h) for j in range(w)]
    return np.concatenate(shifts)


def flat(layer):
    return layer.reshape(len(layer), -1)


@pytest.mark.parametrize("measure", ["cca", "cka"])
@pytest.mark.parametrize("size", [(4, 3), (1, 5), (2, 2)])
def test_the_dft_is_the_direct_way_on_data_with_all_shifts(measure, size):
    x, y = (with_all_shifts(layer) for layer in maps(size=size))
    direct = DIRECT[measure](flat(x), flat(y))
    found = map_similarity(x, y, measure=measure, positions="dft")
    assert float(found) == pytest.approx(direct, abs=1e-9)
    assert found.exact and found.between_frequencies < 1e-20
    # Of the data without their shifts it is the same: these add nothing to it.
    few = map_similarity(
        *(layer[: len(x) // np.prod(size)] for layer in (x, y)),
        measure=measure,
        positions="dft",
    )
    assert float(few) == pytest.approx(direct, abs=0.05)
    assert not few.exact and 0.01 < few.between_frequencies < 1


@pytest.mark.parametrize("keep", [0.3, 0.5, 0.9, 0.99, 1.0])
def test_the_dft_keeps_the_directions_that_svcca_keeps(keep):
    x, y = (with_all_shifts(layer) for layer in maps())
    kept = []
    for layer in (flat(x), flat(y)):
        values = np.linalg.svd(layer - layer.mean(0), compute_uv=False)
        count = int((np.cumsum(values) < keep * values.sum() * (1 - 1e-12)).sum()) + 1
        # The direct way may keep one of two equal directions, whichever it finds first.
        kept.append(count)
        if count < len(values) and values[count] > values[count - 1] * (1 - 1e-9):
            pytest.skip(f"{keep} parts a pair of equal directions")
    direct = svcca(flat(x), flat(y), keep=keep)
    found = map_similarity(x, y, positions="dft", keep=keep)
    # Correlations near 0, as roots of squares, are within 1e-8.
    assert float(found) == pytest.approx(direct, abs=1e-7)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["cca", "cka", "svcca"]))
def test_what_undoes_itself_leaves_the_similarity_at_one(seed, measure):
    x, _ = maps(seed=seed)
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(2, 2)))
    others = [
        3 * x + 1,
        np.einsum("nchw,cd->ndhw", x, turn),
        np.roll(x, (1, 2), (2, 3)),
    ]
    for y in others:
        found = map_similarity(x, y, measure=measure, positions="dft")
        assert 1 - 1e-9 < float(found) <= 1
    for y in others[:2]:  # a sample of another position is another sample
        assert float(map_similarity(x, y, measure=measure)) > 1 - 1e-9


def test_positions_are_samples_or_averaged():
    x, y = maps()
    rows = [layer.transpose(0, 2, 3, 1).reshape(-1, layer.shape[1]) for layer in (x, y)]
    means = [layer.mean((2, 3)) for layer in (x, y)]
    measures = {**DIRECT, "pwcca": pwcca}
    for name, measure in measures.items():
        found = map_similarity(x, y, measure=name)
        assert float(found) == pytest.approx(measure(*rows), abs=1e-12) and found.exact
        found = map_similarity(x, y, measure=name, positions="mean")
        assert float(found) == pytest.approx(measure(*means), abs=1e-12)


def test_the_mean_takes_layers_of_different_sizes_and_half_precision():
    x, y = (torch.from_numpy(layer) for layer in maps())
    small = torch.nn.functional.avg_pool2d(y, (2, 3))
    found = map_similarity(1e4 * x.bfloat16(), small, positions="mean", measure="cka")
    exact = cka(x.bfloat16().double().mean((2, 3)), y.mean((2, 3)))
    assert float(found) == pytest.approx(exact, abs=0.01)


def test_few_rows_force_correlations_at_each_frequency():
    x, y = maps(n=5, channels=(3, 4))
    with pytest.warns(UserWarning, match=r"36 of 36 canonical correlations are 1"):
        found = map_similarity(x, y, measure="cca", positions="dft")
    assert float(found) == pytest.approx(1)


WRONG = {
    "X has maps of 4 x 3 but Y of 2 x 3, which positions='samples' cannot": (
        lambda x, y: map_similarity(x, y[:, :, :2])
    ),
    "X has maps of 4 x 3 but Y of 2 x 3, which positions='dft' cannot": (
        lambda x, y: map_similarity(x, y[:, :, :2], positions="dft")
    ),
    "X must be maps (n, channels, h, w) but has shape (30, 24); pass features": (
        lambda x, y: map_similarity(flat(x), y)
    ),
    "X has 30 rows but Y has 29; pass both": lambda x, y: map_similarity(x, y[1:]),
    "positions is 'max' but must be one of ('samples', 'dft', 'mean')": (
        lambda x, y: map_similarity(x, y, positions="max")
    ),
    "measure is 'pwcca', whose weights are not defined": (
        lambda x, y: map_similarity(x, y, measure="pwcca", positions="dft")
    ),
    "Y is the same in all 30 rows": (
        lambda x, y: map_similarity(x, 0 * y, positions="dft")
    ),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_compared_is_refused_by_name(text):
    with pytest.raises(ValueError, match=re.escape(text)):
        WRONG[text](*maps())
