"""Two points in theory: the solution, what it conserves, and where it ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from repalign_utils.dynamics import (
    ALTERATIONS,
    Trajectory,
    final_distance,
    trajectory,
    two_point_dynamics,
)
from tests.dynamics.linear_networks import two_layer_linear

logs = st.floats(-2, 1)
# From opposite outputs the representations meet at H = 0, where no solver passes.
cosines = st.floats(0, 1)
CASES = {"h0": 0.2, "y0": 0.1, "dx2": 1.5, "dy2": 0.6, "eta_h": 0.3, "eta_y": 0.2}


def speed(h0, y0, *, dx2, dy2, eta_h, eta_y):
    kappa = eta_y * h0 - eta_h * dx2 * y0 / h0
    return np.hypot(kappa / 2, np.sqrt(eta_h * dx2 * eta_y * dy2))


def derivative(_, state, dx2, dy2, eta_h, eta_y, altered=None):
    """As the paper prints them, or with one term altered."""
    H, Y, w = state
    double = {"doubled_h": (2, 1), "doubled_y": (1, 2)}.get(altered, (1, 1))
    sign = -1 if altered == "flipped_w" else 1
    kept = altered != "dropped_y"
    return [
        -double[0] * eta_h * dx2 * w,
        -double[1] * w * (eta_y * H + kept * eta_h * dx2 * Y / H),
        -0.5 * eta_y * (3 * w - Y + dy2) * H
        - sign * 0.5 * eta_h * dx2 * (Y + w) * w / H,
    ]


def numerically(start, times, *constants):
    ends = (0, times[-1])
    options = {"method": "LSODA", "t_eval": times, "rtol": 1e-10, "atol": 1e-13}
    return solve_ivp(derivative, ends, start, args=constants, **options).y


def cases(count):
    return st.tuples(*[logs] * count).map(lambda powers: 10 ** np.array(powers))


@given(values=cases(6), cosine=cosines)
def test_the_solution_is_that_of_the_equations(values, cosine):
    h0, y0, *rest = values
    keywords = dict(zip(("dx2", "dy2", "eta_h", "eta_y"), rest, strict=True))
    w0 = y0 - cosine * np.sqrt(y0 * keywords["dy2"])
    times = np.linspace(0, 10, 6) / speed(h0, y0, **keywords)
    found = two_point_dynamics(h0, y0, w0, **keywords, times=times)
    expected = numerically([h0, y0, w0], times, *rest)
    scale = found.Y.max() + found.dy2
    assert found.H == pytest.approx(expected[0], abs=1e-6 * found.H.max())
    assert found.Y == pytest.approx(expected[1], abs=1e-6 * scale)
    assert found.w == pytest.approx(expected[2], abs=1e-6 * scale)


@given(values=cases(6), cosine=st.floats(-1, 1))
def test_the_solution_conserves_what_the_theory_conserves(values, cosine):
    h0, y0, *rest = values
    keywords = dict(zip(("dx2", "dy2", "eta_h", "eta_y"), rest, strict=True))
    w0 = y0 - cosine * np.sqrt(y0 * keywords["dy2"])
    times = np.linspace(0, 10, 20) / speed(h0, y0, **keywords)
    run = two_point_dynamics(h0, y0, w0, **keywords, times=times)
    rates = {name: keywords[name] for name in ("eta_h", "eta_y")}
    seen = run.H > 1e-6 * h0  # where they meet, both terms grow beyond bounds
    kept = Trajectory(
        times[seen], run.H[seen], run.Y[seen], run.w[seen], run.dx2, run.dy2
    ).conserved(**rates)
    terms = run.H[seen] / (rates["eta_h"] * run.dx2)
    assert kept == pytest.approx(kept[0], abs=1e-8 * (terms.max() + abs(kept[0])))


@given(values=cases(6), cosine=cosines)
def test_the_final_distance_is_where_the_solution_ends(values, cosine):
    h0, y0, *rest = values
    keywords = dict(zip(("dx2", "dy2", "eta_h", "eta_y"), rest, strict=True))
    w0 = y0 - cosine * np.sqrt(y0 * keywords["dy2"])
    closed = final_distance(h0=h0, y0=y0, **keywords)
    rate = min(closed * keywords["eta_y"], speed(h0, y0, **keywords))
    run = two_point_dynamics(h0, y0, w0, **keywords, times=[0, 80 / rate])
    assert run.H[-1] == pytest.approx(closed, rel=1e-9)
    assert run.Y[-1] == pytest.approx(keywords["dy2"], rel=1e-9)
    assert run.w[-1] == pytest.approx(0, abs=1e-9 * keywords["dy2"])


@pytest.mark.parametrize("h0", [1e-3, 1e-12, 1e-100])
def test_from_ever_smaller_weights_it_ends_in_the_rich_limit(h0):
    keywords = {"dx2": 2.0, "dy2": 0.5, "eta_h": 0.1, "eta_y": 0.4}
    limit = final_distance(h0=0, y0=0, **keywords)
    run = two_point_dynamics(h0, h0**2, 0, **keywords, times=[0, 1e4])
    assert limit == pytest.approx(np.sqrt(0.1 / 0.4 * 2.0 * 0.5))
    assert run.H == pytest.approx([h0, limit], rel=2e-3)


def test_equal_inputs_or_equal_targets_are_solved_too():
    times = np.linspace(0, 5, 4)
    for dx2, dy2, inner in ((0.0, 0.5, 0.1), (1.0, 0.0, 0.0), (0.0, 0.0, 0.0)):
        run = two_point_dynamics(
            0.4, 0.2, 0.2 - inner, dx2=dx2, dy2=dy2, eta_h=0.7, eta_y=0.9, times=times
        )
        expected = numerically([0.4, 0.2, 0.2 - inner], times, dx2, dy2, 0.7, 0.9)
        assert np.array([run.H, run.Y, run.w]) == pytest.approx(expected, abs=1e-8)
    # both terms of the conserved quantity agree, so that nothing sets a rate
    run = two_point_dynamics(1, 1, 1, dx2=1, dy2=0, eta_h=1, eta_y=1, times=times)
    expected = numerically([1, 1, 1], times, 1, 0, 1, 1)
    assert np.array([run.H, run.Y, run.w]) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("altered", ALTERATIONS)
def test_altered_equations_are_those_that_they_are_named_after(altered):
    times = np.linspace(0, 20, 9)
    keywords = {"dx2": 1.5, "dy2": 0.6, "eta_h": 0.3, "eta_y": 0.2}
    run = two_point_dynamics(
        0.2, 0.1, -0.1, **keywords, times=times, alteration=altered
    )
    start = [0.2, 0.1, -0.1]
    expected = numerically(start, times, *keywords.values(), altered)
    plain = two_point_dynamics(*start, **keywords, times=times)
    assert np.array([run.H, run.Y, run.w]) == pytest.approx(expected, abs=1e-4)
    assert np.abs(run.H - plain.H).max() + np.abs(run.Y - plain.Y).max() > 0.05


@pytest.mark.parametrize(
    ("scale", "least", "most"), [(0.001, 0, 0.002), (0.1, 0.08, 0.18), (1, 0, 0.04)]
)
def test_linear_networks_end_at_the_closed_form_but_for_weights_in_between(
    scale, least, most
):
    for seed in range(3):
        run, rate = two_layer_linear(scale, seed)
        closed = final_distance(
            h0=run.H[0], y0=run.Y[0], dx2=1, dy2=0.25, eta_h=rate, eta_y=rate
        )
        assert run.Y[-1] == pytest.approx(0.25, rel=1e-3)
        assert least <= abs(run.H[-1] / closed - 1) <= most


REFUSED = {
    "h0": (0.0, r"^h0 is 0; pass a number above 0: equal representations never part$"),
    "y0": (-0.5, r"^y0 is -0.5, but it is a squared length; pass 0 or more$"),
    "w0": (0.9, r"^w0 is 0.9, with Y 0.1 and dy2 0.6; .*sqrt\(Y dy2\) = 0.245, so"),
    "dx2": (-1, r"^dx2 is -1, but it is a squared length; pass 0 or more$"),
    "dy2": (np.nan, r"^dy2 is nan; pass a finite number$"),
    "eta_h": (0, r"^eta_h is 0; pass a number above 0$"),
    "eta_y": (-2, r"^eta_y is -2; pass a number above 0$"),
    "times": ([0, 2, 1], r"^times are 2 then 1; pass increasing times, e.g. 0, 1, 2$"),
    "alteration": ("double_y", r"^alteration is 'double_y'; did you mean 'doubled_y'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_two_points_can_do_is_refused_by_name(name):
    value, match = REFUSED[name]
    given_ = {**CASES, "w0": 0.0, "times": [0, 1], name: value}
    start = [given_.pop(key) for key in ("h0", "y0", "w0")]
    with pytest.raises(ValueError, match=match):
        two_point_dynamics(*start, **given_)


def test_a_distance_of_nothing_that_is_told_apart_is_refused():
    with pytest.raises(ValueError, match=r"^h0 is 0 where y0 is 0.1; two equal"):
        final_distance(**{**CASES, "h0": [1.0, 0.0]})
    with pytest.raises(
        ValueError, match=r"^eta_y is 0 at its lowest, but it is a rate"
    ):
        final_distance(**{**CASES, "eta_y": [1.0, 0.0]})


def test_recorded_layers_give_the_squares_by_hand():
    rng = np.random.default_rng(0)
    x, goal = rng.normal(size=(2, 3)), rng.normal(size=(2, 2))
    hidden, outputs = rng.normal(size=(4, 2, 5)), rng.normal(size=(4, 2, 2))
    run = trajectory(x, goal, hidden, outputs, times=[0, 1, 2, 5])
    error = (outputs[3, 1] - goal[1]) - (outputs[3, 0] - goal[0])
    assert run.dx2 == pytest.approx(np.linalg.norm(x[0] - x[1]) ** 2)
    assert run.H[3] == pytest.approx(np.linalg.norm(hidden[3, 0] - hidden[3, 1]) ** 2)
    assert error @ error == pytest.approx(2 * run.w[3] - run.Y[3] + run.dy2)
    with pytest.raises(ValueError, match=r"^hidden have shape \(4, 5\); pass the two"):
        trajectory(x, goal, hidden[:, 0], outputs, times=range(4))
    with pytest.raises(ValueError, match=r"^H has 4 entries but there are 3 times"):
        trajectory(x, goal, hidden, outputs, times=range(3))
