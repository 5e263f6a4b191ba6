"""Similarities that compare distances between rows, and rotations of them."""

from __future__ import annotations

import numpy as np

from ..arrays import Values
from ._rows import centred

_BLOCK = 2**22  # distances held at once


def procrustes(X: Values, Y: Values) -> float:
    """How well one layer is turned into the other by a rotation, from 0 to 1.

    ||X' Y||_* / (||X||_F ||Y||_F) of centred features, with the sum of singular values
    above (Schonemann 1966). Of X and Y scaled to norm 1, padded with zeros to as many
    units, the least ||X Q - Y||_F^2 over orthogonal Q is 2 (1 - s); the disparity of
    ``scipy.spatial.procrustes``, which scales as well, is 1 - s^2.

    Parameters
    ----------
    X, Y : arrays (n, p) and (n, q)
        Rows are the same inputs.

    Returns
    -------
    float
        Invariant to rotations and to isotropic scale of either side.

    Raises
    ------
    TypeError, ValueError
        If X or Y are no features, rows differ, or no unit of a side varies.

    References
    ----------
    Schonemann (1966), "A generalized solution of the orthogonal Procrustes problem";
    Ding, Denain & Steinhardt (2021), "Grounding representation similarity with
    statistical testing".

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> round(procrustes(X, 3 * X[:, ::-1] + 1), 12)
    1.0
    """
    x, y = centred(X, Y)
    norms = np.linalg.norm(x) * np.linalg.norm(y)
    shared = np.linalg.svd(_narrow(x).T @ _narrow(y), compute_uv=False)
    return float(min(shared.sum() / norms, 1.0))


def mutual_knn(X: Values, Y: Values, *, k: int = 10) -> float:
    """Share of the k nearest rows that both layers agree on, from 0 to 1.

    Mean over rows of |N_X & N_Y| / k, neighbours by Euclidean distance (Huh et al.
    2024, Appendix A, with distances in place of their inner products). By chance it is
    k / (n - 1).

    Parameters
    ----------
    X, Y : arrays (n, p) and (n, q)
        Rows are the same inputs.
    k : int, from 1 to n - 2
        Neighbours. Of rows at one distance those that come first count.

    Returns
    -------
    float
        Invariant to rotations and to isotropic scale of either side.

    Raises
    ------
    TypeError, ValueError
        If X or Y are no features, rows differ, no unit of a side varies, or k is out of
        bounds.

    References
    ----------
    Huh, Cheung, Wang & Isola (2024), "The Platonic representation hypothesis".

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> mutual_knn(X, 3 * X[:, ::-1] + 1)
    1.0
    """
    x, y = centred(X, Y)
    n = len(x)
    if not (isinstance(k, int) and 1 <= k <= n - 2):
        raise ValueError(f"k is {k!r} of {n} rows; pass a whole number, 1 to {n - 2}")
    shared, size = 0, max(_BLOCK // n, 1)
    for start in range(0, n, size):
        rows = np.arange(start, min(start + size, n))
        near = np.zeros((2, len(rows), n), bool)
        for side, mask in zip((x, y), near, strict=True):
            distances = squared_distances(side[rows], side)
            distances[np.arange(len(rows)), rows] = np.inf
            nearest = distances.argsort(1, kind="stable")[:, :k]
            np.put_along_axis(mask, nearest, True, axis=1)
        shared += int((near[0] & near[1]).sum())
    return shared / (n * k)


def rsa(X: Values, Y: Values) -> float:
    """Rank correlation of the distances between rows, from -1 to 1.

    Representational similarity analysis (Kriegeskorte et al. 2008): Spearman's
    correlation of the n (n - 1) / 2 dissimilarities of each side. They are Euclidean
    distances here, which no rotation changes, not one less the correlation over units.

    Parameters
    ----------
    X, Y : arrays (n, p) and (n, q)
        Rows are the same inputs; n^2 numbers are held.

    Returns
    -------
    float
        Invariant to rotations and to isotropic scale of either side.

    Raises
    ------
    TypeError, ValueError
        If X or Y are no features, rows differ or are fewer than three, no unit of a
        side varies, or all distances of a side are equal.

    References
    ----------
    Kriegeskorte, Mur & Bandettini (2008), "Representational similarity analysis:
    connecting the branches of systems neuroscience".

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> round(rsa(X, 3 * X[:, ::-1] + 1), 9)
    1.0
    """
    from scipy.stats import rankdata

    x, y = centred(X, Y)
    if len(x) < 3:
        raise ValueError("X and Y have two rows, between which there is one distance")
    upper = np.triu_indices(len(x), 1)
    ranks = []
    for name, side in (("X", x), ("Y", y)):
        squares = squared_distances(side, side)[upper]
        # Equal but for rounding is equal: a rank would make much of the difference.
        of_side = rankdata((squares / squares.max()).round(12))
        of_side -= of_side.mean()
        if not of_side.any():
            raise ValueError(
                f"all rows of {name} are equally far from each other, so that their "
                "distances have no order to compare; pass more rows"
            )
        ranks.append(of_side / np.linalg.norm(of_side))
    return float(np.clip(ranks[0] @ ranks[1], -1.0, 1.0))


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances (m, n) of rows, 0 or more."""
    squares = np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2 * a @ b.T
    return np.maximum(squares, 0.0)


def _narrow(side: np.ndarray) -> np.ndarray:
    """Features (n, min(n, p)) with the same inner products between rows."""
    n, p = side.shape
    return side if p <= n else np.asarray(np.linalg.qr(side.T, mode="r")).T
