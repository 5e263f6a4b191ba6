"""Thin SVDs in float64 are the reference; what `auto` accepts must agree with them."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks import gram_bound
from benchmarks.gram_bound import (
    SPECTRA,
    TARGETS,
    captured,
    draw,
    promised_thresholds,
)
from repalign_utils.measures import decompose
from repalign_utils.measures.decompose import Spectrum, by_gram, by_svd, gram_suffices
from repalign_utils.measures.gram import Design

SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=150)
@given(
    SEEDS,
    st.sampled_from([(40, 20), (20, 40), (30, 30), (150, 60), (60, 150)]),
    st.sampled_from(sorted(SPECTRA)),
    st.floats(0, 7),
    st.sampled_from(sorted(TARGETS)),
    st.booleans(),
)
def test_what_the_gram_matrix_is_trusted_with_agrees_with_the_svd(
    seed, shape, spectrum, digits, target, low_precision
):
    phi, y = draw(seed, shape, spectrum, 10**digits, target)
    design = Design(phi, bias=False, normalize=False)
    energy, is_tall = (y**2).sum(0), shape[0] >= shape[1]
    found = by_gram(design, y)
    assert found is not None
    assume(gram_suffices(found, energy, is_tall=is_tall, low_precision=low_precision))
    exact = by_svd(design, y)
    tolerance = 1e-6 if low_precision else 1e-8
    tau = promised_thresholds(exact.singular_values, low_precision=low_precision)
    error = abs(captured(found, tau) - captured(exact, tau)).max()
    assert error <= tolerance * energy[0]
    area = found.singular_values @ (found.energy - exact.energy)
    assert abs(area) <= tolerance * energy[0] * found.singular_values[0]


@pytest.mark.parametrize("shape", [(200, 50), (50, 200)])
@pytest.mark.parametrize(
    ("condition", "suffices"), [(1, True), (1e2, True), (1e6, False), (1e10, False)]
)
def test_the_gram_matrix_is_trusted_up_to_a_condition(shape, condition, suffices):
    phi, y = draw(0, shape, "log", condition, "random")
    design = Design(phi, bias=False, normalize=False)
    is_tall = shape[0] > shape[1]
    for low_precision in (False, True):
        trusted = gram_suffices(
            by_gram(design, y),
            (y**2).sum(0),
            is_tall=is_tall,
            low_precision=low_precision,
        )
        assert trusted is suffices


def test_the_gram_matrix_would_fail_where_it_is_not_trusted():
    phi, y = draw(0, (200, 50), "log", 1e6, "last two")
    design = Design(phi, bias=False, normalize=False)
    exact, found = by_svd(design, y), by_gram(design, y)
    tau = promised_thresholds(exact.singular_values, low_precision=False)
    error = abs(captured(found, tau) - captured(exact, tau)).max()
    assert error > 1e-8 * (y**2).sum()


def test_trust_depends_on_where_the_target_lies():
    values = np.logspace(0, -4, 20)
    head, tail = np.zeros((2, 20, 1))
    head[:2], tail[-2:] = 1, 1
    trust = [
        gram_suffices(
            Spectrum(values, energy, lost=0),
            np.array([2.0]),
            is_tall=True,
            low_precision=False,
        )
        for energy in (head, tail)
    ]
    assert trust == [True, False]


def test_every_target_must_be_right():
    values = np.logspace(0, -4, 20)
    energy = np.zeros((20, 2))
    energy[:2, 0], energy[-2:, 1] = 1, 1
    found = Spectrum(values, energy, lost=0)
    options = {"is_tall": True, "low_precision": False}
    assert not gram_suffices(found, np.array([2.0, 2.0]), **options)


def documented_bound(values, energy, is_tall, margin):
    """Greatest error over the cuts, as the docstring states it, pair by pair."""
    noise = decompose._NOISE * 2.0**-52 * np.linalg.norm(values**2)
    bounds = []
    for cut in range(1, len(values) + 1):
        pairs = 0.0
        for j in range(cut):
            for i in range(cut, len(values)):
                if (values[j:i] - values[j + 1 : i + 1] > margin).any():
                    gap = values[j] ** 2 - values[i] ** 2
                    weight = values[i] / values[j] if is_tall else 1
                    pairs += energy[j] * energy[i] * (weight / gap) ** 2
        within = sum(energy[:cut] / values[:cut] ** 2) if is_tall else 0
        bounds.append(2 * noise * pairs**0.5 + noise * within)
    return max(bounds)


@settings(max_examples=200)
@given(SEEDS, st.integers(2, 6), st.booleans(), st.booleans(), st.booleans())
def test_trust_ends_where_the_documented_bound_reaches_the_promise(
    seed, r, is_tall, low_precision, near
):
    rng = np.random.default_rng(seed)
    values = np.sort(10 ** rng.uniform(-5, 0, size=r))[::-1]
    if near:  # a pair that counts, and one that no threshold can part
        values[1] = values[0] * (1 - 10 ** rng.uniform(-11, -5))
    values /= values[0]
    energy = 10 ** rng.uniform(-12, 0, size=r)
    tolerance, margin = (1e-6, 1e-6) if low_precision else (1e-8, 1e-9)
    bound = documented_bound(values, energy, is_tall, margin)
    assume(bound > 0)  # one group of values has no cut
    # Energies count by their share of the target, which settles the bound's scale.
    for factor, trusted in ((0.99, True), (1.01, False)):
        verdict = gram_suffices(
            Spectrum(values, energy[:, None], lost=0),
            np.array([bound / (factor * tolerance)]),
            is_tall=is_tall,
            low_precision=low_precision,
        )
        assert verdict is trusted


def test_an_eigenvalue_near_the_rounding_is_not_trusted():
    energy = np.array([[1.0], [0.0]])
    for smallest, trusted in ((4e-6, True), (1e-6, False)):
        found = Spectrum(np.array([1.0, smallest]), energy, lost=0)
        verdict = gram_suffices(
            found, np.array([1.0]), is_tall=False, low_precision=True
        )
        assert verdict is trusted


@pytest.mark.parametrize(("condition", "trusted"), [(1e2, True), (1e6, False)])
@given(SEEDS, st.floats(-100, 100), st.floats(-100, 100))
def test_trust_does_not_depend_on_the_units(
    condition, trusted, seed, phi_digits, y_digits
):
    phi, y = draw(seed, (30, 10), "log", condition, "random")
    y *= 10**y_digits
    design = Design(10**phi_digits * phi, bias=False, normalize=False)
    found, energy = by_gram(design, y), (y**2).sum(0)
    assert gram_suffices(found, energy, is_tall=True, low_precision=False) is trusted


def test_a_lost_direction_is_counted_and_never_trusted():
    phi = np.diag([1.0, 1e-9, 0.5])
    design = Design(phi, bias=False, normalize=False)
    found = by_gram(design, np.ones((3, 1)))
    assert found.lost == 1
    assert len(found.singular_values) == 2
    energy = np.array([3.0])
    assert not gram_suffices(found, energy, is_tall=True, low_precision=True)
    assert by_svd(design, np.ones((3, 1))).lost == 0


@pytest.mark.parametrize("shape", [(9, 6), (6, 9)])
def test_dead_units_and_rows_cost_nothing(shape):
    rng = np.random.default_rng(0)
    phi, y = rng.normal(size=shape), rng.normal(size=(shape[0], 2))
    phi[:, [1, 4]] = 0
    phi[3] = 0
    design = Design(phi, bias=False, normalize=False)
    found, exact = by_gram(design, y), by_svd(design, y)
    if shape == (9, 6):
        assert found.lost == 0
    np.testing.assert_allclose(found.singular_values, exact.singular_values)
    np.testing.assert_allclose(found.energy, exact.energy, atol=1e-12)


@pytest.mark.parametrize("way", [by_gram, by_svd])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 33])
@pytest.mark.parametrize("targets", [1, 3, 40])
def test_both_ways_agree_with_numpy_for_any_size_and_number_of_targets(
    way, size, targets
):
    rng = np.random.default_rng(size)
    for shape in ((size, size + 3), (size + 3, size), (size, size)):
        phi = rng.normal(size=shape)
        y = rng.normal(size=(shape[0], targets))
        u, values, _ = np.linalg.svd(phi, full_matrices=False)
        found = way(Design(phi, bias=False, normalize=False), y)
        np.testing.assert_allclose(found.singular_values, values, rtol=1e-9)
        np.testing.assert_allclose(found.energy, (u.T @ y) ** 2, atol=1e-8)


@pytest.mark.parametrize("shape", [(40, 25), (25, 40)])
def test_the_svd_finds_the_numerical_rank(shape):
    rng = np.random.default_rng(1)
    phi = rng.normal(size=(shape[0], 7)) @ rng.normal(size=(7, shape[1]))
    found = by_svd(Design(phi, False, False), np.ones((shape[0], 1)))
    assert len(found.singular_values) == 7
    assert found.lost == 18


@pytest.mark.parametrize("dtype", gram_bound.DTYPES)
@pytest.mark.parametrize("shape", [(40, 20), (20, 40)])
def test_the_calibration_finds_the_noise_that_is_allowed_for_enough(dtype, shape):
    found = gram_bound.trials(dtype, shape, 1e3)
    assert gram_bound.needed(found) <= decompose._NOISE / 2
    assert any(t.is_trusted for t in found)
    beyond = [gram_bound.Trial(2e-6, 1e-6, False)]
    assert gram_bound.needed(beyond) == 2 * decompose._NOISE
