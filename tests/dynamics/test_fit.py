"""Effective learning rates from trajectories."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repalign_utils.dynamics import (
    ALTERATIONS,
    Trajectory,
    fit_rates,
    two_point_dynamics,
)
from tests.dynamics.linear_networks import two_layer_linear


def moving(h0, *, eta_h=0.02, eta_y=0.01, times=range(600), alteration=None, dx2=1.5):
    start = h0, 0.05 * h0, -0.02 * h0
    return two_point_dynamics(
        *start,
        dx2=dx2,
        dy2=0.8,
        eta_h=eta_h,
        eta_y=eta_y,
        times=times,
        alteration=alteration,
    )


@settings(max_examples=15)
@given(h0=st.floats(-8, 0), eta_h=st.floats(-2.5, -1), eta_y=st.floats(-2.5, -1))
def test_the_rates_of_the_theory_itself_come_back(h0, eta_h, eta_y):
    eta_h, eta_y = 10**eta_h, 10**eta_y
    run = moving(10**h0, eta_h=eta_h, eta_y=eta_y, times=range(0, 10_000, 20))
    found = fit_rates(run)
    assert [found.eta_h, found.eta_y] == pytest.approx([eta_h, eta_y], rel=1e-4)
    assert found.relative_error < 1e-5
    assert found.predicted[0].H == pytest.approx(run.H, abs=1e-4 * run.H.max())


def test_small_linear_networks_have_the_rates_of_their_learning_rate():
    run, rate = two_layer_linear(1e-3, 0, steps=3000)
    found = fit_rates(run)
    # not closer: at first the decoder acts across dh, which the theory leaves out
    assert [found.eta_h, found.eta_y] == pytest.approx([rate, rate], rel=0.15)
    assert found.relative_error < 0.1


def test_another_clock_changes_the_rates_alone():
    run = moving(0.01)
    noise = np.random.default_rng(0).normal(scale=0.03, size=(3, len(run.times)))
    noise[:, 0] = 0
    curves = [run.H, run.Y, run.w] * (1 + noise)  # a few per cent
    curves[2] = np.maximum(curves[2], curves[1] - np.sqrt(curves[1] * run.dy2))
    seconds = Trajectory(run.times, *curves, run.dx2, run.dy2)
    hours = Trajectory(7 + run.times / 3600, *curves, run.dx2, run.dy2)
    one, other = fit_rates(seconds), fit_rates(hours)
    assert other.error == pytest.approx(one.error, rel=1e-6)
    assert other.eta_h == pytest.approx(3600 * one.eta_h, rel=1e-3)
    assert other.eta_y == pytest.approx(3600 * one.eta_y, rel=1e-3)


def test_the_error_is_the_sum_of_squares_and_the_least_nearby():
    """Two trajectories with other rates, between which one fit has to lie."""
    runs = [moving(0.01, eta_h=0.015), moving(0.3, eta_h=0.03)]
    found = fit_rates(runs)
    assert 0.015 < found.eta_h < 0.03

    def error(eta_h, eta_y):
        return sum(
            np.square(np.subtract(getattr(run, name), getattr(told, name))).sum()
            for run, h0 in zip(runs, (0.01, 0.3), strict=True)
            for told in [moving(h0, eta_h=eta_h, eta_y=eta_y)]
            for name in ("H", "Y", "w")
        )

    assert found.error == pytest.approx(error(found.eta_h, found.eta_y))
    for factors in ((0.99, 1), (1.01, 1), (1, 0.99), (1, 1.01)):
        assert error(*np.multiply(factors, [found.eta_h, found.eta_y])) > found.error
    still = [np.square(r.H - r.H[0]) + np.square(r.Y - r.Y[0]) for r in runs]
    moved = sum(s.sum() for s in still) + sum(
        np.square(r.w - r.w[0]).sum() for r in runs
    )
    assert found.relative_error == pytest.approx(np.sqrt(found.error / moved))


def test_a_lazy_network_that_starts_the_wrong_way_round_is_fitted():
    """Its H shrinks while Y grows, which no rates do to the end."""
    y0, dy2 = 0.13, 0.5
    start = 1.8, y0, y0 + 0.95 * np.sqrt(y0 * dy2)
    keywords = {"dx2": 1.0, "dy2": dy2, "eta_h": 1e-5, "eta_y": 0.02}
    run = two_point_dynamics(*start, **keywords, times=range(0, 3000, 5))
    shrinking = run.H * np.linspace(1, 0.8, len(run.times))
    seen = Trajectory(run.times, shrinking, run.Y, run.w, run.dx2, run.dy2)
    found = fit_rates(seen)
    rates = np.geomspace(1e-7, 1, 30)
    least = min(
        np.square([told.H - seen.H, told.Y - seen.Y, told.w - seen.w]).sum()
        for keywords["eta_h"] in rates
        for keywords["eta_y"] in rates
        for told in [two_point_dynamics(*start, **keywords, times=run.times)]
    )
    assert found.error <= least


@pytest.mark.parametrize("altered", ALTERATIONS)
def test_altered_equations_do_not_fit_the_theory(altered):
    run = moving(0.1, times=range(0, 600, 20))
    plain, other = fit_rates(run), fit_rates(run, alteration=altered)
    assert plain.relative_error < 1e-5
    assert other.relative_error > 1e-3
    told = moving(
        0.1,
        eta_h=other.eta_h,
        eta_y=other.eta_y,
        times=run.times,
        alteration=altered,
    )
    assert other.error == pytest.approx(
        sum(
            np.square(getattr(run, name) - getattr(told, name)).sum()
            for name in ("H", "Y", "w")
        )
    )


def test_what_cannot_be_fitted_is_refused():
    run = moving(0.1)
    flat = np.ones(4)
    cases = {
        r"^there is no trajectory; pass one at least$": [],
        r"^dx2 is 0; pass a number above 0: equal inputs tell": moving(0.1, dx2=0),
        r"^a trajectory has 2 times; pass three or more$": moving(0.1, times=[0, 1]),
        r"^H, Y and w do not change; pass a network": Trajectory(
            range(4), flat, flat, flat, 1.0, 1.0
        ),
        r"^w is 9 at time 1, with Y 1 and dy2 1; .*, so pass w = ": Trajectory(
            range(4), flat, flat, [1, 9, 1, 1], 1.0, 1.0
        ),
        r"^H at its lowest is -1, but it is a squared length": Trajectory(
            range(4), [1, 1, 1, -1], flat, flat, 1.0, 1.0
        ),
    }
    for match, given_ in cases.items():
        with pytest.raises(ValueError, match=match):
            fit_rates(given_)
    with pytest.raises(ValueError, match=r"^guesses is 1; pass 2 or more"):
        fit_rates(run, guesses=1)
    with pytest.raises(TypeError, match=r"^trajectories hold a tuple; pass"):
        fit_rates([(run.H, run.Y, run.w)])
