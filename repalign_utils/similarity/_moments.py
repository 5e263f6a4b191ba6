"""Measures from centred sums over rows: what is kept where rows come in batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._bases import Basis, Keep, by_gram
from ._canonical import (
    CCA,
    canonical,
    mean_correlation,
    warn_of_forced,
    weighted_correlation,
)


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over n rows of products of centred units of X (n, p) and Y (n, q).

    Attributes
    ----------
    n : int
    xx, yy, xy : arrays (p, p), (q, q) and (p, q), float64
        X' X, Y' Y and X' Y.
    x_rounding, y_rounding : arrays (p,) and (q,), float64
        As of `Side`: precision of the entries as given times the root mean square of
        each unit before centring.
    norms : array (3,), float64, or None
        Sums over rows of |x|^4, |y|^4 and |x|^2 |y|^2 of centred rows: what the
        debiased CKA needs beyond.
    """

    n: int
    xx: np.ndarray
    yy: np.ndarray
    xy: np.ndarray
    x_rounding: np.ndarray
    y_rounding: np.ndarray
    norms: np.ndarray | None = None


def cca_of(moments: Moments) -> CCA:
    """As `cca`, without the variables; directions that rounding hides are left out."""
    return canonical(*_bases(moments, None), moments.n)


def svcca_of(moments: Moments, keep: Keep) -> float:
    """As `svcca`, from sums."""
    *_, cross = _bases(moments, keep)
    return mean_correlation(cross)


def pwcca_of(moments: Moments) -> float:
    """As `pwcca`, from sums."""
    of_x, _, cross = _bases(moments, None)
    return weighted_correlation(of_x, cross)


def cka_of(moments: Moments, *, debiased: bool = False) -> float:
    """As linear `cka`, from sums."""
    parts = [moments.xx, moments.yy, moments.xy]
    of_x, of_y, both = (float(np.vdot(part, part)) for part in parts)
    if debiased:
        if moments.norms is None:
            raise ValueError("debiased CKA needs the sums of the rows' norms")
        x, y = float(np.trace(moments.xx)), float(np.trace(moments.yy))
        xx, yy, xy = moments.norms
        of_x = unbiased(of_x, xx, x, x, moments.n)
        of_y = unbiased(of_y, yy, y, y, moments.n)
        both = unbiased(both, xy, x, y, moments.n)
    return kernel_ratio(both, of_x, of_y)


def unbiased(product: float, norms: float, x: float, y: float, n: int) -> float:
    """Unbiased HSIC (Song et al. 2012, Eq. 5) of linear kernels, times n (n - 3).

    Parameters
    ----------
    product : float
        ||X' Y||_F^2 of centred rows.
    norms : float
        Sum over rows of |x|^2 |y|^2.
    x, y : float
        Sums over rows of |x|^2 and of |y|^2.
    n : int
    """
    return product - n / (n - 2) * norms + x * y / ((n - 1) * (n - 2))


def kernel_ratio(both: float, of_x: float, of_y: float) -> float:
    """HSIC of both sides over the geometric mean of those of each, at most 1."""
    return min(both / (of_x**0.5 * of_y**0.5), 1.0)


def _bases(moments: Moments, keep: Keep | None) -> tuple[Basis, Basis, np.ndarray]:
    of_x = by_gram(moments.xx, moments.x_rounding, moments.n, keep)
    of_y = by_gram(moments.yy, moments.y_rounding, moments.n, keep)
    warn_of_forced(of_x, of_y, moments.n, stacklevel=5)
    return of_x, of_y, of_x.coefficients.T @ moments.xy @ of_y.coefficients
