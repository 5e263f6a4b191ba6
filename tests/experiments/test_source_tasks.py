import numpy as np
import pytest

from repalign_utils import linear_probe
from repalign_utils.experiments.source_tasks import member_targets, target_errors


def _parts(rng, d=6, k=4):
    """Features and noisy targets of training, validation and test points."""
    w = rng.normal(size=(d, k))
    features = [rng.normal(size=(n, d)) for n in (20, 30, 40)]
    return [(x, x @ w + rng.normal(size=(len(x), k))) for x in features]


def test_a_target_has_the_errors_that_it_has_alone():
    parts = _parts(np.random.default_rng(0))
    together = target_errors(*parts, [1, 10, 100])
    for j in range(4):
        alone = target_errors(*[(x, y[:, [j]]) for x, y in parts], [1, 10, 100])
        assert alone.errors[0] == pytest.approx(together.errors[j], rel=1e-9)
        assert alone.steps[0] == together.steps[j]


def test_no_other_step_has_a_smaller_validation_error():
    training, validation, test = _parts(np.random.default_rng(1))
    steps = [1, 3, 10, 30, 100, 1000]
    found = target_errors(training, validation, test, steps)
    probe = linear_probe(*training, steps)
    errors = [
        ((probe.predict(x) - y) ** 2).mean(1) for x, y in (validation, test)
    ]  # each (t, k)
    chosen = [steps.index(s) for s in found.steps]
    assert len(set(chosen)) > 1  # or the step would not matter
    assert (errors[0][chosen, range(4)] == errors[0].min(0)).all()
    assert found.errors == pytest.approx(errors[1][chosen, range(4)], rel=1e-9)


def test_test_points_have_no_say_in_the_step():
    training, validation, test = _parts(np.random.default_rng(2))
    steps = np.array([1, 10, 100])
    found = target_errors(training, validation, test, steps)
    other = target_errors(training, validation, (test[0], -test[1]), steps)
    assert (found.steps == other.steps).all()
    assert (found.errors != other.errors).all()


def test_members_of_a_source_follow_each_other_and_learn_its_column():
    targets = np.arange(30).reshape(10, 3)
    columns = member_targets(targets, 2)
    assert columns.shape == (6, 10, 1)
    assert (columns[:, :, 0] == targets.T[[0, 0, 1, 1, 2, 2]]).all()


def test_shuffled_members_have_the_values_of_their_source_each_in_another_order():
    targets = np.arange(40.0).reshape(20, 2)
    shuffled = member_targets(targets, 2, shuffled=True, seed=5)[:, :, 0]
    assert (np.sort(shuffled) == targets.T[[0, 0, 1, 1]]).all()
    orders = {tuple(np.argsort(row)) for row in shuffled}
    assert len(orders) == 4 and tuple(range(20)) not in orders
    again = member_targets(targets, 2, shuffled=True, seed=6)[:, :, 0]
    assert (again[0] == shuffled[1]).all()
