import numpy as np
import pytest

from repalign_utils.transferability import nearest_class_mean, probe_accuracy
from tests.transferability.drawn import classes, quantities, turned


@pytest.mark.parametrize("d", [2, 6, 100])
def test_the_nearest_mean_is_found_without_the_row_itself(d):
    features, labels = classes(d=d, spread=1 / d)
    hits = []
    for row in range(80):
        kept = np.arange(80) != row
        distances = [
            np.linalg.norm(features[row] - features[kept & (labels == c)].mean(0))
            for c in range(3)
        ]
        hits.append(np.argmin(distances) == labels[row])
    assert 0.2 < np.mean(hits) < 1
    assert nearest_class_mean(features, labels) == np.mean(hits)


@pytest.mark.parametrize("d", [6, 100])
def test_a_nearest_mean_stays_so_turned_shifted_scaled_reordered_and_renamed(d):
    features, labels = classes(d=d, spread=0.6)
    order = np.random.default_rng(1).permutation(80)
    names = np.array(["wolf", "bee", "cat"])[labels]
    moved = 5 * turned(features)[order] - 3
    expected = nearest_class_mean(features, labels)
    assert nearest_class_mean(moved, names[order]) == expected


@pytest.mark.parametrize("d, spread", [(6, 0.6), (150, 0.1)])
def test_a_probe_is_a_logistic_regression_in_folds(d, spread):
    linear = pytest.importorskip("sklearn.linear_model")
    selection = pytest.importorskip("sklearn.model_selection")
    features, labels = classes(d=d, spread=spread)
    rows = (features - features.mean(0)) / np.sqrt(features.var(0).mean())
    seed = int(np.random.default_rng(0).integers(2**31))
    deal = selection.StratifiedKFold(4, shuffle=True, random_state=seed)
    probe = linear.LogisticRegression(C=1 / 200, max_iter=2000)
    expected = selection.cross_val_score(probe, rows, labels, cv=deal)
    found = probe_accuracy(features, labels, folds=4, penalty=200)
    assert found == pytest.approx(expected.mean())  # folds of 20 rows each
    moved = turned(features) - 3
    assert probe_accuracy(moved, labels, folds=4, penalty=200) == found


@pytest.mark.parametrize("d", [5, 90])
def test_a_probe_of_quantities_predicts_rows_that_it_has_not_seen(d):
    pytest.importorskip("sklearn")
    features, drawn = quantities(60, d, noise=0.01)
    noise = np.random.default_rng(1).normal(size=60)
    assert probe_accuracy(features, noise) < 0.3
    if d < 60:
        assert probe_accuracy(features, drawn, penalty=1e-6) > 0.999
    unit = probe_accuracy(features, 1000 * drawn + 7)
    assert unit == pytest.approx(probe_accuracy(turned(features), drawn))


def test_the_generator_deals_the_rows():
    pytest.importorskip("sklearn")
    features, drawn = quantities()
    deals = [np.random.default_rng(seed) for seed in range(2)]
    found = {probe_accuracy(features, drawn, generator=deal) for deal in deals}
    assert len(found) == 2


def test_too_few_rows_of_a_class_are_told_by_its_name():
    features, labels = classes(k=3)
    names = np.array(["wolf", "bee", "cat"], dtype=object)[labels]
    few = np.r_[np.flatnonzero(names != "wolf"), np.flatnonzero(names == "wolf")[:1]]
    with pytest.raises(ValueError, match="'wolf' has too few rows, 1: .* needs 2 of"):
        nearest_class_mean(features[few], names[few])
    with pytest.raises(ValueError, match="'wolf' has too few rows, 1: .* needs 5 of"):
        probe_accuracy(features[few], names[few])
    with pytest.raises(ValueError, match="folds is 1 and penalty 1.0, but folds must"):
        probe_accuracy(features, labels, folds=1)
