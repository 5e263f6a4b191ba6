"""Matching, predicting and clustering units of two networks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from sklearn.linear_model import Lasso
from sklearn.metrics import mutual_info_score

from repalign_utils.similarity import cluster_units, match_units, sparse_prediction

seeds = st.integers(0, 2**32 - 1)


def relu_units(rng, n, p, shared=3):
    """Units with zeros, as after ReLU, that share a few sources."""
    return np.maximum(rng.normal(size=(n, shared)) @ rng.normal(size=(shared, p)), 0)


@pytest.mark.parametrize("score", ["correlation", "mutual_information"])
@pytest.mark.parametrize("one_to_one", [True, False])
@given(seed=seeds)
def test_a_permuted_and_rescaled_network_is_put_back(score, one_to_one, seed):
    rng = np.random.default_rng(seed)
    X = np.maximum(rng.normal(size=(200, 6)), 0)
    order = rng.permutation(6)
    # no shift: it would leave no zeros
    found = match_units(X, 3 * X[:, order], one_to_one=one_to_one, score=score)
    assert order[found.partner].tolist() == list(range(6))


@pytest.mark.parametrize(("p", "q"), [(10, 20), (20, 10), (12, 12)])
def test_one_to_one_is_the_best_assignment_of_correlations(p, q):
    rng = np.random.default_rng(p)
    X, Y = np.hsplit(rng.normal(size=(40, p + q)), [p])
    found = match_units(X, Y)
    expected = np.corrcoef(X.T, Y.T)[:p, p:]
    i, j = linear_sum_assignment(expected, maximize=True)
    matched = found.partner >= 0
    assert found.scores == pytest.approx(expected)
    assert matched.sum() == min(p, q) and np.isnan(found.score[~matched]).all()
    assert np.flatnonzero(matched).tolist() == i.tolist()
    assert found.partner[matched].tolist() == j.tolist()
    assert found.mean() == pytest.approx(expected[i, j].mean())
    greedy = match_units(X, Y, one_to_one=False)
    assert greedy.score == pytest.approx(expected.max(1))


@given(seed=seeds, p=st.integers(2, 8), q=st.integers(2, 8), one_to_one=st.booleans())
def test_in_the_order_of_a_matching_pairs_lie_on_the_diagonal(seed, p, q, one_to_one):
    X, Y = np.hsplit(np.random.default_rng(seed).normal(size=(20, p + q)), [p])
    found = match_units(X, Y, one_to_one=one_to_one)
    rows, columns = found.order()
    matched = int((found.partner >= 0).sum())
    assert sorted(rows) == list(range(p))
    assert set(columns) == set(range(q))
    assert columns[:matched].tolist() == found.partner[rows[:matched]].tolist()
    assert (found.partner[rows[matched:]] == -1).all()


@pytest.mark.parametrize(
    ("partner", "of_y", "expected"),
    [([3, 1, 4, 0, 2], 5, [0, 3, 1, 2, 4]), ([1, 3, 0], 4, [2, 0, 1])],
    ids=["cycles", "chain, from its head"],
)
def test_rows_follow_the_matching(partner, of_y, expected):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(50, len(partner))), rng.normal(size=(50, of_y))
    Y[:, partner] = X
    rows, columns = match_units(X, Y).order()
    assert rows.tolist() == expected
    assert columns[: len(rows)].tolist() == np.array(partner)[expected].tolist()


@pytest.mark.parametrize("one_to_one", [True, False])
def test_a_constant_unit_scores_0_and_has_no_partner(one_to_one):
    X = np.random.default_rng(0).normal(size=(30, 4))
    Y = X.copy()
    X[:, 1], Y[:, 2] = 0.1, 7.3
    for score in ("correlation", "mutual_information"):
        found = match_units(X, Y, one_to_one=one_to_one, score=score)
        assert found.partner[1] == -1 and np.isnan(found.score[1])
        assert 2 not in found.partner
        assert not found.scores[1].any() and not found.scores[:, 2].any()


def test_mutual_information_is_that_of_the_bins_less_its_bias():
    rng = np.random.default_rng(0)
    X, Y = relu_units(rng, 900, 3), relu_units(rng, 900, 4)
    found = match_units(X, Y, score="mutual_information").scores

    def binned(values):
        away = values > 0
        labels = np.zeros(len(values), int)
        ranks = values[away].argsort().argsort()
        labels[away] = 1 + ranks * 9 // away.sum()
        return labels

    for i in range(3):
        for j in range(4):
            raw = mutual_info_score(binned(X[:, i]), binned(Y[:, j]))
            assert found[i, j] == pytest.approx(raw - 81 / 1800, abs=0.01)


def test_mutual_information_of_independent_units_is_0_on_average():
    rng = np.random.default_rng(1)
    X, Y = (np.maximum(rng.normal(size=(8000, 12)), 0) for _ in "xy")
    scores = match_units(X, Y, score="mutual_information").scores
    assert scores.mean() == pytest.approx(0, abs=4 * scores.std() / 12)


def test_sparse_prediction_is_the_lasso_of_each_standardised_unit():
    rng = np.random.default_rng(2)
    X, Y = relu_units(rng, 400, 6), relu_units(rng, 400, 3)
    Y[:, 0] += X[:, 1] + X[:, 4]
    found = sparse_prediction(
        X, Y, [0.02, 0.3, 0], generator=np.random.default_rng(5), held_out=0.25
    )
    rows = np.random.default_rng(5).permutation(400)
    held, training = rows[:100], rows[100:]
    zx, zy = ((a - a[training].mean(0)) / a[training].std(0) for a in (X, Y))
    for k, penalty in enumerate((0.02, 0.3)):
        for j in range(3):
            lasso = Lasso(penalty, tol=1e-9).fit(zx[training], zy[training, j])
            assert found.weights[k, :, j] == pytest.approx(lasso.coef_, abs=0.01)
            loss = np.square(zy[held, j] - lasso.predict(zx[held])).mean() / 2
            assert found.loss[k, j] == pytest.approx(loss, abs=0.005)
    plain = np.linalg.lstsq(zx[training], zy[training])[0]
    assert found.weights[2] == pytest.approx(plain)
    assert (found.used == (found.weights != 0).sum(1)).all()


def test_what_knows_nothing_of_a_unit_predicts_at_a_loss_of_one_half():
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(2, 4000, 5))
    X[:, 1], Y[:, 2] = 4, 4
    found = sparse_prediction(X, Y, [1, 0], generator=rng)
    varies = [0, 1, 3, 4]
    assert found.loss[:, varies] == pytest.approx(0.5, abs=0.06)
    assert not found.used[0].any()
    assert np.isnan(found.loss[:, 2]).all() and not found.weights[:, 1].any()


def test_copies_with_noise_fall_into_the_cluster_of_their_source():
    rng = np.random.default_rng(4)
    source = rng.normal(size=(300, 3))
    of_x, of_y = rng.integers(3, size=12), rng.integers(3, size=9)
    X, Y = (
        source[:, of] + 0.3 * rng.normal(size=(300, len(of))) for of in (of_x, of_y)
    )
    X = np.hstack([-X, np.ones((300, 1))])  # sign is not seen; a constant has none
    found = cluster_units(X, Y, clusters=3, seed=0)
    pairs = set(zip(np.r_[found.of_x[:12], found.of_y], np.r_[of_x, of_y], strict=True))
    assert len(pairs) == 3 and found.of_x[12] == -1
    ordered = np.r_[found.of_x, found.of_y][found.order()]
    assert (np.diff(ordered) >= 0).all()


def test_errors_name_what_was_passed_and_what_to_pass():
    X = np.random.default_rng(0).normal(size=(10, 3))
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="score is 'mi'; pass one of correlation, mut"):
        match_units(X, X, score="mi")
    with pytest.raises(ValueError, match=r"are \[-1\]; pass finite numbers, 0 or more"):
        sparse_prediction(X, X, [-1], generator=rng)
    with pytest.raises(ValueError, match=r"penalties are \[\]; pass a list"):
        sparse_prediction(X, X, [], generator=rng)
    with pytest.raises(ValueError, match="held_out is 0.1 of 10 rows; leave two rows"):
        sparse_prediction(X, X, [0], generator=rng, held_out=0.1)
    with pytest.raises(ValueError, match="clusters is 7; pass 2 to 6, the units that"):
        cluster_units(X, X, clusters=7, seed=0)
