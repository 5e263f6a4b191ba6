import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from repalign_utils import comparison
from repalign_utils.comparison import agreement, difference

FINITE = st.floats(-1e6, 1e6)


def kept(values, **facts):
    """What a run recorded of a quantity."""
    return {"values": values, **facts}


def runs(*values, **facts):
    """Runs that recorded nothing but x."""
    return [{"x": kept(v, **facts)} for v in values]


@given(
    a=st.lists(FINITE, min_size=2, max_size=6),
    b=st.lists(FINITE, min_size=2, max_size=6),
)
def test_the_distance_in_standard_errors_is_welchs(a, b):
    if np.std(a) < 1e-3 or np.std(b) < 1e-3 or a == b:
        return
    welch = stats.ttest_ind(a, b, equal_var=False)
    found = difference("x", kept(a), kept(b))
    assert found.errors == pytest.approx(abs(welch.statistic), rel=1e-6, abs=1e-9)
    assert found.p_value == pytest.approx(welch.pvalue, rel=1e-6)


def test_values_without_spread_agree_only_where_they_are_equal():
    assert difference("x", kept([1, 1, 1]), kept([1, 1, 1 + 1e-9])).errors == 0
    apart = difference("x", kept([1, 1, 1]), kept([2, 2, 2]))
    assert math.isinf(apart.errors) and apart.p_value == 0


def test_what_no_training_touched_must_be_equal_seed_by_seed():
    values, turned = [0.1, 0.2, 0.3], [0.3, 0.1, 0.2]
    assert agreement(*runs(values, turned)).reasons == []
    exact = runs(values, turned, exact=True)
    (reason,) = agreement(*exact).reasons
    assert reason.startswith("not equal to rounding: x: 0.200 (3 values: 0.1")
    assert agreement(*exact, same=False).reasons == []
    close = [0.1 + 1e-8, 0.2 - 1e-8, 0.3]
    assert agreement(*runs(values, close, exact=True)).reasons == []


def test_a_quantity_that_one_run_lacks_is_a_disagreement():
    (reason,) = agreement(
        {"x": kept([1.0]), "y": kept([2.0])}, {"x": kept([1.0])}
    ).reasons
    assert reason == "y was recorded by one run only"


def _runs(rng, *, shift=0.0, values=20, seeds=3):
    """Two runs of a section whose values hang together through their networks."""

    def run(by):
        network = rng.normal(size=(1, seeds))
        own = rng.normal(size=(values, seeds))
        found = 0.7 * network + 0.7 * own + by
        return {f"v{i}": kept(row.tolist()) for i, row in enumerate(found)}

    return run(0.0), run(shift)


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_runs_of_the_same_truth_agree_and_those_of_another_do_not(seeds):
    rng = np.random.default_rng(0)
    same = [bool(agreement(*_runs(rng, seeds=seeds)).reasons) for _ in range(100)]
    assert np.mean(same) < 0.05
    other = [
        bool(agreement(*_runs(rng, seeds=seeds, shift=4.0)).reasons) for _ in range(50)
    ]
    assert np.mean(other) > 0.9


def test_sections_that_each_agree_can_disagree_together():
    near, far = kept([0.5, 0.6, 0.7]), kept([0.75, 0.85, 0.95])
    mixed = {f"v{i}": near for i in range(10)}
    moved = mixed | {f"v{i}": far for i in range(4)}
    each = agreement(mixed, moved)
    assert each.reasons == []
    (reason,) = comparison.overall([each] * 8)
    assert reason.startswith("32 of 80 values lie beyond two standard errors: v0: ")
    assert comparison.overall([each, *[agreement(mixed, mixed)] * 7]) == []


@given(
    mean=st.floats(0.01, 100),
    share=st.floats(0.0, 0.5),
    margin=st.floats(0.01, 0.3),
)
def test_only_a_distance_beyond_the_margin_counts(mean, share, margin):
    first = [mean * f for f in (0.99, 1.0, 1.01)]
    second = [value * (1 + share) for value in first]
    found = difference("x", kept(first), kept(second), margin=margin)
    beyond = share * mean - margin * (1 + share) * mean
    if beyond <= 0:
        assert found.errors == 0
    else:
        error = np.hypot(stats.sem(first), stats.sem(second))
        assert found.errors == pytest.approx(beyond / error, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(("moved", "counts"), [(0.009, False), (0.02, True)])
def test_a_small_share_may_move_by_a_hundredth_of_its_range(moved, counts):
    levels = np.array([0.00200, 0.00201, 0.00202])
    both = [kept(v, within=(0, 1)) for v in (levels, levels + moved)]
    found = difference("chance", *both, margin=comparison.OTHER_SEEDS)
    assert (found.errors > 2) is counts
    assert difference("chance", *both).errors > 2


def test_the_intervals_of_a_difference_stay_within_the_range_of_the_quantity():
    both = runs([0.99, 0.98, 0.999, 0.97, 1.0], [1.0] * 5, within=(0, 1))
    (found,) = agreement(*both).differences
    for interval in (found.first, found.second):
        assert 0 < interval.low < interval.mean <= interval.high <= 1


def test_means_over_pairs_are_compared_by_the_errors_of_pairs():
    values = [0.5, 0.7, 0.6, 0.4, 0.8], [0.3, 0.5, 0.2, 0.4, 0.1]
    (plain,) = agreement(*runs(*values)).differences
    (pairs,) = agreement(*runs(*values, pairs=True)).differences
    assert pairs.errors == pytest.approx(plain.errors / (2 * 4 / 3))
    assert pairs.first.high - pairs.first.mean == pytest.approx(
        (plain.first.high - plain.first.mean) * 2 * 4 / 3
    )
