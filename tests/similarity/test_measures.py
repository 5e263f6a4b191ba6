"""What all measures of similarity share: bounds, invariances, the door, odd layers."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repalign_utils.similarity import (
    cca,
    cka,
    mutual_knn,
    procrustes,
    pwcca,
    rsa,
    svcca,
)

MEASURES = {
    "cka": cka,
    "rbf": lambda X, Y: cka(X, Y, kernel="rbf"),
    "debiased": lambda X, Y: cka(X, Y, debiased=True),
    "debiased rbf": lambda X, Y: cka(X, Y, kernel="rbf", debiased=True),
    "cca": lambda X, Y: cca(X, Y).mean(),
    "svcca": svcca,
    "pwcca": pwcca,
    "procrustes": procrustes,
    "mutual_knn": lambda X, Y: mutual_knn(X, Y, k=3),
    "rsa": rsa,
}
each = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)


def layers(n=120, p=20, q=10, seed=0):
    """Two layers that share some directions."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 6))
    x = shared @ rng.normal(size=(6, p)) + rng.normal(size=(n, p))
    return x, shared @ rng.normal(size=(6, q)) + rng.normal(size=(n, q))


@each
@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(6, 60), p=st.integers(1, 20))
@pytest.mark.filterwarnings("ignore:.*canonical correlations are 1 for want")
def test_a_layer_is_equal_to_itself_scaled_shifted_or_turned(measure, seed, n, p):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    turn, _ = np.linalg.qr(rng.normal(size=(p, p)))
    for Y in (X, 3 * X + 1, X @ turn):
        assert 1 - 1e-6 <= measure(X, Y) <= 1


@each
@pytest.mark.parametrize("sides", [(20, 10), (10, 20)])
def test_all_but_one_measure_are_the_same_both_ways(measure, sides):
    x, y = layers(p=sides[0], q=sides[1])
    there, back = measure(x, y), measure(y, x)
    assert (there == pytest.approx(back, abs=1e-9)) is (measure is not pwcca)
    assert 0.05 < there < 0.95


@each
@pytest.mark.parametrize("constant", [0.0, 0.1])
def test_units_that_do_not_vary_change_nothing(measure, constant):
    x, y = layers(p=6)
    found = measure(np.hstack([x, np.full((len(x), 3), constant)]), y)
    assert found == pytest.approx(measure(x, y), abs=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_copies_of_units_span_nothing_new(dtype):
    x, y = (side.astype(dtype) for side in layers(p=6))
    found = cca(np.hstack([x, 2 * x[:, :3], x[:, :1]]), y)
    assert found.ranks == (6, 10)
    assert found.correlations == pytest.approx(cca(x, y).correlations, abs=1e-6)


@each
def test_float16_whose_squares_overflow_is_compared_as_its_values(measure):
    x, y = (400 * side for side in layers())
    halves = [side.astype(np.float16) for side in (x, y)]
    assert np.square(x).max() > np.finfo(np.float16).max
    found = measure(*halves)
    assert found == pytest.approx(measure(x, y), abs=0.01)
    assert found == measure(*(torch.from_numpy(side) for side in halves))


KINDS = {
    "list": np.ndarray.tolist,
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "torch": torch.from_numpy,
    "big-endian": lambda side: side.astype(">f8"),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_arrays_of_every_kind_give_one_number(kind):
    x, y = layers()
    for measure in MEASURES.values():
        found = measure(kind(x), kind(y))  # products of another memory order differ
        assert found == pytest.approx(measure(x, y), abs=1e-12)


@each
def test_what_cannot_be_compared_is_named(measure):
    x, y = layers()
    with pytest.raises(ValueError, match=r"X has 120 rows but Y has 90; .*X\[:90\]"):
        measure(x, y[:90])
    y[4, 7] = np.nan
    with pytest.raises(ValueError, match=r"Y\[4, 7\] is nan but every entry"):
        measure(x, y)
    with pytest.raises(ValueError, match="X is the same in all 120 rows, so nothing"):
        measure(np.ones((120, 3)), x)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda x: cka(x, x, kernel="cosine"),
            "kernel is 'cosine'; pass one of",
        ),
        (
            lambda x: cka(x[:3], x[:3], debiased=True),
            "X and Y have 3 rows but debiasing",
        ),
        (
            lambda x: mutual_knn(x, x, k=119),
            "k is 119 of 120 rows; .* 1 to 118",
        ),
        (lambda x: mutual_knn(x, x, k=2.0), "k is 2.0 of 120 rows; pass a whole"),
        (lambda x: rsa(x[:2], x[:2]), "X and Y have two rows, between which"),
        (lambda x: rsa(np.eye(9), x[:9]), "all rows of X are equally far from each"),
        (
            lambda x: cka(np.eye(120)[0][:, None], x, debiased=True),
            "nothing is left of X once debiased, as where one of its 120 rows",
        ),
        (
            lambda x: cka(np.eye(120)[0][:, None], x, kernel="rbf"),
            "the median distance between rows is 0, since more than half",
        ),
    ],
)
def test_options_out_of_bounds_are_refused_by_name(call, said):
    with pytest.raises(ValueError, match=said):
        call(layers()[0])


def test_debiased_cka_of_independent_layers_is_0_on_average_and_the_other_is_not():
    rng = np.random.default_rng(0)
    pairs = rng.normal(size=(200, 2, 24, 40))
    plain, debiased = (
        np.array([cka(x, y, debiased=d) for x, y in pairs]) for d in (False, True)
    )
    assert plain.min() > 0.5
    assert abs(debiased.mean()) < 4 * debiased.std() / np.sqrt(len(pairs))


def test_neighbours_of_independent_layers_agree_as_chance_has_it():
    rng = np.random.default_rng(0)
    found = [mutual_knn(*rng.normal(size=(2, 50, 5)), k=7) for _ in range(60)]
    error = np.std(found) / np.sqrt(len(found))
    assert np.mean(found) == pytest.approx(7 / 49, abs=4 * error)


def plain_cka(k, other):
    """Song et al. (2012), Eq. 5, as it is written, of kernel matrices."""

    def hsic(k, other):
        k, other = (side - np.diag(np.diag(side)) for side in (k, other))
        n, one = len(k), np.ones(len(k))
        product = k @ other
        return (
            np.trace(product)
            + one @ k @ one * (one @ other @ one) / ((n - 1) * (n - 2))
            - 2 / (n - 2) * one @ product @ one
        )

    return hsic(k, other) / np.sqrt(hsic(k, k) * hsic(other, other))


@pytest.mark.parametrize("shape", [(60, 5, 9), (12, 30, 20)])
def test_debiased_cka_is_the_published_estimate(shape):
    x, y = layers(*shape)
    found = cka(x, y, debiased=True)
    assert found == pytest.approx(plain_cka(x @ x.T, y @ y.T), abs=1e-9)
    kernels = []
    for side in (x, y):
        squares = np.square(side[:, None] - side).sum(-1)
        median = np.median(np.sqrt(squares[np.triu_indices(len(x), 1)]))
        kernels.append(np.exp(-squares / (2 * median**2)))
    found = cka(x, y, kernel="rbf", debiased=True)
    assert found == pytest.approx(plain_cka(*kernels), abs=1e-6)


def test_cka_is_that_of_ckatorch():
    from ckatorch.core import cka_base

    x, y = layers()
    for debiased in (False, True):
        theirs = cka_base(*map(torch.from_numpy, (x, y)), unbiased=debiased)
        assert cka(x, y, debiased=debiased) == pytest.approx(float(theirs), abs=1e-9)


def test_correlations_are_those_of_cca_zoo_and_scikit_learn():
    from cca_zoo.linear import CCA
    from sklearn.cross_decomposition import CCA as Iterative

    x, y = layers(n=400, p=6, q=4)
    ours = cca(x, y).correlations
    theirs = CCA(n_components=4).fit_transform([x, y])
    pairs = zip(*(side.T for side in theirs), strict=True)
    found = [np.corrcoef(a, b)[0, 1] for a, b in pairs]
    assert ours == pytest.approx(found, abs=1e-6)
    # scikit-learn iterates to a tolerance, and deflates, hence the looser one.
    a, b = Iterative(n_components=2, max_iter=5000, tol=1e-12).fit_transform(x, y)
    found = [np.corrcoef(a[:, i], b[:, i])[0, 1] for i in range(2)]
    assert ours[:2] == pytest.approx(found, abs=1e-4)


def test_rank_correlation_of_distances_is_that_of_rsatoolbox():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs, at import
        from rsatoolbox.data import Dataset
        from rsatoolbox.rdm import calc_rdm, compare

        x, y = layers(n=40)
        of = [calc_rdm(Dataset(side), method="euclidean") for side in (x, y)]
        theirs = compare(*of, method="spearman")[0, 0]
    assert rsa(x, y) == pytest.approx(float(theirs), abs=1e-9)


@pytest.mark.parametrize("shape", [(60, 5, 9), (12, 30, 20)])
def test_procrustes_is_that_of_scipy(shape):
    from scipy.spatial import procrustes as disparity

    x, y = layers(*shape)
    width = max(shape[1:])
    padded = [np.pad(side, ((0, 0), (0, width - side.shape[1]))) for side in (x, y)]
    expected = np.sqrt(1 - disparity(*padded)[2])
    assert procrustes(x, y) == pytest.approx(expected, abs=1e-9)
