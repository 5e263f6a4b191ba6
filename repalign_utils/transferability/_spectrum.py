"""Labels along the singular vectors of features: one decomposition for several scores.

The features are first brought to a square by QR, so that the smaller of n and d counts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import qr, svd

from ..measures.decompose import rank_floor


class Spectrum(NamedTuple):
    """Singular values of F (n, d) and columns along its left singular vectors u_i.

    Attributes
    ----------
    values : array (r,), float64, descending
    along : array (r, k + 1), float64
        u_i' y of each column, and u_i' 1 of the column of ones in the last place.
    outside : array (m, k + 1), float64
        What lies outside the span of F, by its coordinates in some orthonormal basis.
    """

    values: np.ndarray
    along: np.ndarray
    outside: np.ndarray


def spectrum(features: np.ndarray, columns: np.ndarray, precision: float) -> Spectrum:
    """Spectrum of features; directions below `rank_floor` of their precision are left.

    Examples
    --------
    >>> found = spectrum(np.diag([2.0, 1.0]), np.eye(2), 2**-52)
    >>> found.values, found.outside.shape
    (array([2., 1.]), (0, 3))
    """
    n, d = features.shape
    side = np.hstack([columns, np.ones((n, 1))])
    below = np.empty((0, side.shape[1]))
    if n > d:
        joint = np.asfortranarray(np.hstack([features, side]))
        factor: Any = qr(joint, overwrite_a=True, mode="r", check_finite=False)[0]
        square, side, below = factor[:d, :d], factor[:d, d:], factor[d:, d:]
    elif d > n:
        factor = qr(features.T, mode="r", check_finite=False)[0]
        square = factor[:n].T
    else:
        square = features
    u: Any
    u, values, _ = svd(square, full_matrices=False, check_finite=False)
    kept = values > rank_floor(values, (n, d), precision)
    turned = u.T @ side
    return Spectrum(values[kept], turned[kept], np.vstack([turned[~kept], below]))
