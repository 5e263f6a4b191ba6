import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repalign_utils.transferability import h_score
from tests.transferability.drawn import classes, turned


def means(features, labels):
    """Mean of each row's class, (n, d)."""
    rows = [features[labels == label].mean(0) for label in labels]
    return np.array(rows)


def written_out(features, labels):
    """Bao et al. (2019), as it is written."""
    total = np.cov(features, rowvar=False)
    between = np.cov(means(features, labels), rowvar=False)
    return np.trace(np.linalg.pinv(total, hermitian=True) @ between)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(10, 60),
    d=st.integers(2, 9),
    k=st.integers(2, 4),
)
def test_it_is_the_formula_of_the_paper(seed, n, d, k):
    features, labels = classes(n, d, k, seed)
    expected = written_out(features, labels)
    assert h_score(features, labels) == pytest.approx(expected, abs=1e-9)
    assert 0 <= expected <= k - 1 + 1e-9


@pytest.mark.parametrize("d", [6, 40, 300])
def test_shrunk_it_is_the_formula_with_the_covariance_of_scikit_learn(d):
    covariance = pytest.importorskip("sklearn.covariance")
    features, labels = classes(d=d, spread=0.2)
    fit = covariance.LedoitWolf().fit(features)
    between = np.cov(means(features, labels), rowvar=False, bias=True)
    expected = np.trace(np.linalg.inv(fit.covariance_) @ between)
    expected *= 1 - fit.shrinkage_
    assert 0.01 < fit.shrinkage_ < 1
    found = h_score(features, labels, shrinkage=True)
    assert found == pytest.approx(expected, rel=1e-8)


def test_an_affine_map_keeps_it():
    features, labels = classes()
    mixing = np.random.default_rng(1).normal(size=(6, 6))
    expected = h_score(features, labels)
    assert h_score(features @ mixing + 7, labels) == pytest.approx(expected)
    doubled = np.hstack([features, features @ mixing, np.ones((80, 1))])
    assert h_score(doubled, labels) == pytest.approx(expected)


@pytest.mark.parametrize("d", [6, 300])
def test_shrunk_a_rotation_and_a_shift_keep_it(d):
    features, labels = classes(d=d)
    expected = h_score(features, labels, shrinkage=True)
    moved = turned(features) - 3
    assert h_score(moved, labels, shrinkage=True) == pytest.approx(expected)


def test_more_features_than_rows_hold_all_classes_unless_it_is_shrunk():
    features, labels = classes(n=40, d=60, k=3, spread=0)
    assert h_score(features, labels) == pytest.approx(2)
    assert h_score(features, labels, shrinkage=True) < 1


def test_two_points_that_need_no_shrinkage_are_told_apart():
    features = np.outer([1.0, 1, -1, -1], [1, 2])
    assert h_score(features, list("aabb"), shrinkage=True) == pytest.approx(1)
    assert h_score(features, list("abab"), shrinkage=True) == pytest.approx(0)
