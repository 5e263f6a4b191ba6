"""Canonical correlations of two layers: all, of leading directions, weighted."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ..arrays import Values
from ._bases import Keep, basis, between, by_gram, cross
from ._canonical import (
    CCA,
    canonical,
    mean_correlation,
    warn_of_forced,
    weighted_correlation,
)
from ._rows import Side, sides
from ._uncentred import uncentred

# Two of Basis, or of leading directions Remainder.
Bases = tuple[Any, Any, np.ndarray, int]


def cca(X: Values, Y: Values) -> CCA:
    """Canonical correlation analysis of the centred units of two layers.

    Invariant to invertible linear maps of either side, and to constants that are added.
    Directions count that stand out from the rounding of the features in their own
    precision (`repalign_utils.measures.decompose.rank_floor`), so constant, dead and
    duplicated units change nothing.

    Parameters
    ----------
    X, Y : arrays (n, p) and (n, q)
        Rows are the same inputs.

    Returns
    -------
    CCA
        With `correlations` (r,), r the smaller of the ranks, directions, variables and
        `mean()`.

    Raises
    ------
    TypeError, ValueError
        If X or Y are no features, rows differ, or no unit of a side varies.

    Warns
    -----
    UserWarning
        If rank X + rank Y is above n - 1: so many correlations are 1 whatever X and Y.

    References
    ----------
    Hotelling (1936), "Relations between two sets of variates".

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> found = cca(X, X[:, :2] @ [[1, 2], [3, 4]])
    >>> found.correlations.round(9), found.ranks
    (array([1., 1.]), (4, 2))
    """
    x, y = sides(X, Y)
    of_x, of_y, inner, n = _by_rows(x, y, None)
    warn_of_forced(of_x, of_y, n, stacklevel=3)
    return canonical(of_x, of_y, inner, n, x, y)


def svcca(
    X: Values,
    Y: Values,
    *,
    keep: float = 0.99,
    keep_of: Literal["singular_values", "variance"] = "singular_values",
) -> float:
    """Mean canonical correlation of leading singular directions, from 0 to 1.

    Raghu et al. (2017): of each layer the fewest singular directions that hold `keep`
    of the sum of its singular values, then CCA, and the mean over the smaller of the
    two numbers of directions (their Eq. 1). The text speaks of 99 % of the variance,
    the released code sums absolute singular values: that is the default here, and
    ``keep_of="variance"`` sums squares. That code also adds a constant to both
    covariances, drops units by their variance and averages the first coefficients
    alone: none of it is in the paper, or here.

    Parameters
    ----------
    X, Y : arrays (n, p) and (n, q)
        Rows are the same inputs.
    keep : float
        Share that is kept, above 0 and up to 1.
    keep_of : {"singular_values", "variance"}
        What is shared: singular values or their squares.

    Returns
    -------
    float
        Invariant to rotations and to isotropic scale of either side.

    Raises
    ------
    TypeError, ValueError
        As `cca`, or if `keep` or `keep_of` is none of these.

    Warns
    -----
    UserWarning
        As `cca`, of the numbers of directions that are kept.

    References
    ----------
    Raghu, Gilmer, Yosinski & Sohl-Dickstein (2017), "SVCCA: Singular Vector Canonical
    Correlation Analysis for Deep Learning Dynamics and Interpretability".

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> round(svcca(X, 3 * X[:, ::-1] + 1), 9)
    1.0
    """
    chosen = kept_share(keep, keep_of)
    of_x, of_y, inner, _ = _bases(X, Y, chosen)
    return mean_correlation(inner, of_x, of_y)


def pwcca(X: Values, Y: Values) -> float:
    """Projection-weighted mean of canonical correlations, from 0 to 1; not symmetric.

    Morcos et al. (2018), Sec. 2.2: correlation i weighs alpha_i = sum_j |<h_i, z_j>|
    over the units z_j of X, h_i the canonical variables of X, which are orthonormal;
    weights are divided by their sum. They come from X: `pwcca(Y, X)` is another number.
    The formula is followed, not the released code, which takes no root of the
    covariance in its directions, adds means back and, where X has more units than Y,
    reads units of X by indices of Y. The paper's distance is 1 less this value.

    Where correlations are equal, as where layers share directions or rows are few, the
    formula leaves the directions open, and the weights with them: the principal axes of
    X among them are taken, our choice.

    Parameters
    ----------
    X, Y : arrays (n, p) and (n, q)
        Rows are the same inputs.

    Returns
    -------
    float
        Invariant to invertible linear maps of Y, and to isotropic scale of X.

    Raises
    ------
    TypeError, ValueError
        As `cca`.

    Warns
    -----
    UserWarning
        As `cca`.

    References
    ----------
    Morcos, Raghu & Bengio (2018), "Insights on representational similarity in neural
    networks with canonical correlation".

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> round(pwcca(X, 3 * X[:, ::-1] + 1), 9)
    1.0
    """
    of_x, _, inner, _ = _bases(X, Y, None)
    return weighted_correlation(of_x, inner)


def kept_share(keep: float, keep_of: str) -> Keep:
    """Check the options of `svcca`."""
    if not 0 < keep <= 1:
        raise ValueError(f"keep is {keep} but must be above 0 and at most 1, e.g. 0.99")
    if keep_of not in ("singular_values", "variance"):
        raise ValueError(
            f"keep_of is {keep_of!r} but must be 'singular_values' or 'variance'"
        )
    return Keep(keep, keep_of == "variance")


def _bases(X: Values, Y: Values, keep: Keep | None) -> Bases:
    """Bases of both sides, their inner products and n, the cheap way if it is exact."""
    found = _by_sums(X, Y, keep) or _by_rows(*sides(X, Y), keep)
    of_x, of_y, _, n = found
    warn_of_forced(of_x, of_y, n, stacklevel=4)
    return found


def _by_sums(X: Values, Y: Values, keep: Keep | None) -> Bases | None:
    sums = uncentred(X, Y)
    if not sums:
        return None
    x, y, products = sums
    of_x, of_y = (by_gram(s.gram, s.rounding, s.n, keep, s.mean) for s in (x, y))
    if not (of_x.exact and of_y.exact):
        return None
    return of_x, of_y, between(of_x, of_y, products), x.n


def _by_rows(x: Side, y: Side, keep: Keep | None) -> Bases:
    of_x, of_y = basis(x, keep), basis(y, keep)
    return of_x, of_y, cross(x, y, of_x, of_y), len(x.rows)
