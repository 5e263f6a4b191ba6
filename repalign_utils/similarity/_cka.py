"""Centred kernel alignment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._rows import centred

if TYPE_CHECKING:
    from ..arrays import Values


def cka(X: Values, Y: Values) -> float:
    """Linear centred kernel alignment (Kornblith et al. 2019, Eq. 2), from 0 to 1.

    Parameters
    ----------
    X, Y : arrays (n, p) and (n, q)
        Rows are the same inputs.

    Returns
    -------
    float
        ||Y' X||_F^2 / (||X' X||_F ||Y' Y||_F) of centred features.

    Raises
    ------
    TypeError, ValueError
        If X or Y are no features, rows differ, or no unit of a side varies.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> round(cka(X, 3 * X[:, ::-1] + 1), 12)
    1.0
    """
    x, y = centred(X, Y)
    if len(x) < min(x.shape[1], y.shape[1]):
        k, other = x @ x.T, y @ y.T
        shared = np.vdot(k, other)
    else:
        k, other = x.T @ x, y.T @ y
        shared = np.square(y.T @ x).sum()
    return float(min(shared / (np.linalg.norm(k) * np.linalg.norm(other)), 1.0))
