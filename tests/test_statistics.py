import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from repalign_utils import statistics
from repalign_utils.statistics import holm, interval, sign_flip, units_needed

FINITE = st.floats(-1e6, 1e6)


@given(values=st.lists(FINITE, min_size=5, max_size=12))
def test_the_interval_without_bounds_is_students(values):
    found = interval(values)
    mean, error = np.mean(values), stats.sem(values)
    assert (found.mean, found.n) == (mean, len(values))
    low, high = (mean, mean)
    if error > 0:
        low, high = stats.t.interval(0.95, len(values) - 1, loc=mean, scale=error)
    scale = np.abs(values).max()
    assert found.low == pytest.approx(low, rel=1e-9, abs=1e-9 * scale)
    assert found.high == pytest.approx(high, rel=1e-9, abs=1e-9 * scale)


def concordance(x, y):
    """How far each unit agrees with the order of the others."""
    alike = np.sign(np.subtract.outer(x, x) * np.subtract.outer(y, y))
    return alike.sum(1) / (len(x) - 1)


@given(seed=st.integers(0, 1000), n=st.integers(5, 20))
def test_the_interval_over_pairs_is_the_jackknifes_of_the_rank_correlation(seed, n):
    x, y = np.random.default_rng(seed).normal(size=(2, n))
    whole = stats.kendalltau(x, y).statistic
    without = [
        stats.kendalltau(np.delete(x, i), np.delete(y, i)).statistic for i in range(n)
    ]
    expected = interval(n * whole - (n - 1) * np.array(without))
    found = interval(concordance(x, y), pairs=True)
    assert found.mean == pytest.approx(whole)
    assert found.low == pytest.approx(expected.low)
    assert found.high == pytest.approx(expected.high)


def test_the_interval_over_pairs_holds_the_truth_where_a_plain_one_does_not():
    rng = np.random.default_rng(0)
    truth = 2 / np.pi * np.arcsin(0.6)  # of two normals with the correlation 0.6
    held = {True: 0, False: 0}
    for _ in range(400):
        x, z = rng.normal(size=(2, 12))
        values = concordance(x, 0.6 * x + 0.8 * z)
        for pairs in held:
            found = interval(values, within=(-1, 1), pairs=pairs)
            assert -1 <= found.low <= found.high <= 1
            held[pairs] += found.low <= truth <= found.high
    assert held[True] > 0.9 * 400 > 0.8 * 400 > held[False]


@given(
    values=st.lists(st.floats(-1, 1), min_size=1, max_size=4),
    within=st.sampled_from([None, (-1, 1)]),
)
def test_below_five_units_there_is_no_interval_but_their_spread(values, within):
    found = interval(values, within=within)
    assert (found.low, found.high) == (None, None)
    assert (found.least, found.greatest) == (min(values), max(values))
    assert "[" not in str(found)


@given(
    shares=st.lists(st.floats(0, 1), min_size=5, max_size=12),
    low=st.floats(-5, 5),
    width=st.floats(0.1, 10),
)
def test_an_interval_never_leaves_the_range_and_holds_the_mean(shares, low, width):
    high = low + width
    values = np.clip(low + width * np.array(shares), low, high)
    found = interval(values, within=(low, high))
    slack = 1e-9 * (abs(low) + width)
    assert low - slack <= found.low <= found.mean + slack
    assert found.mean - slack <= found.high <= high + slack


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=5, max_size=60))
def test_an_interval_of_values_at_both_ends_is_the_exact_binomial_one(values):
    exact = stats.binomtest(int(sum(values)), len(values)).proportion_ci(0.95, "exact")
    found = interval(values, within=(0, 1))
    assert (found.low, found.high) == pytest.approx(tuple(exact), abs=1e-9)


@given(
    values=st.lists(st.floats(0.01, 0.99), min_size=5, max_size=10),
    low=st.floats(-5, 5),
    width=st.floats(0.1, 10),
)
def test_a_bounded_interval_turns_and_stretches_with_its_range(values, low, width):
    v = np.array(values)
    assume(v.std() > 1e-3)
    first = interval(v, within=(0, 1))
    mirrored = interval(1 - v, within=(0, 1))
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx(
        (first.low, first.high), abs=1e-9
    )
    moved = interval(low + width * v, within=(low, low + width))
    expected = low + width * first.low, low + width * first.high
    assert (moved.low, moved.high) == pytest.approx(expected, abs=1e-7 * width)


def test_far_from_the_ends_a_bounded_interval_is_students():
    values = 0.5 + 1e-4 * np.random.default_rng(0).normal(size=10)
    free, bounded = interval(values), interval(values, within=(0, 1))
    expected = pytest.approx((free.low, free.high), abs=1e-7)
    assert (bounded.low, bounded.high) == expected


def test_values_without_spread_inside_the_range_are_a_point_unless_they_are_counts():
    area = interval([0.3123] * 5, within=(0, 1))
    assert area.low == area.mean == area.high
    tau = interval([1 / 3] * 5, within=(-1, 1))
    unseen = 1 - 0.025 ** (1 / 5)  # chance of a value that five units may not show
    ends = 1 / 3 - unseen * 4 / 3, 1 / 3 + unseen * 2 / 3
    assert (tau.low, tau.high) == pytest.approx(ends)


@pytest.mark.parametrize(
    "values, within, message",
    [
        ([0.5, 1.2], (0, 1), "value 1.2 at 1 lies outside 0 to 1; name the range that"),
        ([np.nan], (0, 1), "value nan at 0 lies outside 0 to 1; name the range that"),
        ([0.5], (1, 0), "within is (1, 0); expected the least value, then the great"),
        ([], None, "values have the shape (0,); expected (units,), one number for"),
        ([[1.0]], None, "values have the shape (1, 1); expected (units,), one number"),
    ],
)
def test_values_that_cannot_be_are_named(values, within, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        interval(values, within=within)


def test_rounding_does_not_lead_out_of_the_range():
    found = interval([1 + 1e-15] * 5, within=(-1, 1))
    assert found.mean == found.high == 1


@given(value=st.floats(1e-12, 1e12), sign=st.sampled_from([-1, 1]))
def test_a_printed_number_is_the_value_to_three_digits(value, sign):
    printed = float(statistics.number(sign * value).replace(",", ""))
    assert printed == pytest.approx(sign * value, rel=5.1e-3)


@given(
    values=st.lists(st.integers(-20, 20), min_size=2, max_size=9),
    bound=st.integers(-5, 5),
)
def test_the_sign_flip_test_counts_all_changes_of_sign(values, bound):
    if len(set(values)) == 1 and values[0] == bound:
        assert sign_flip(values, bound=bound) == 1
        return
    d = np.abs(np.array(values) - bound)
    signs = 2 * ((np.arange(2 ** len(d))[:, None] >> np.arange(len(d))) & 1) - 1
    far = abs(signs @ d) >= abs((np.array(values) - bound).sum())
    assert sign_flip(values, bound=bound) == far.mean()


def test_the_drawn_sign_flip_test_is_near_the_counted_one():
    values = np.random.default_rng(1).normal(0.3, 1, statistics.MOST_EXACT + 1)
    with pytest.raises(ValueError, match=r"^41 values have .* \(up to 40\); pass gen"):
        sign_flip(values)
    drawn = sign_flip(values, generator=np.random.default_rng(0))
    assert drawn == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.01)


@given(level=st.floats(1e-4, 0.5), tests=st.integers(1, 10))
def test_the_units_needed_are_the_fewest_that_reach_the_level(level, tests):
    units = units_needed(level, tests=tests)
    best = sign_flip(np.ones(units)) * tests
    assert best <= level or units == 1
    assert units == 1 or 2 * best > level


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holms_values_reject_what_his_steps_reject(p_values):
    corrected, m = holm(p_values), len(p_values)
    for level in (0.01, 0.05, 0.5):
        rejected = 0
        for i, p in enumerate(sorted(p_values)):
            if p * (m - i) > level:
                break
            rejected += 1
        assert (corrected <= level).sum() == rejected


def test_a_p_value_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"^p_values are \[0\.5, 1\.5\]; expected one"):
        holm([0.5, 1.5])
