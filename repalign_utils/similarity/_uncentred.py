"""Gram matrices of two layers from their rows as they are, centred afterwards.

A centred copy of the rows costs about as much as their Gram matrix. With the mean m of
each unit X' X - n m m' is that of the centred rows; what it is rounded by goes with
X' X, so that it serves where the means are not far above the spread.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import get_blas_funcs

from .. import arrays
from ..array_kinds import precision
from ..arrays import Values
from ..measures.gram import inner, squares

_GER, _SYR = get_blas_funcs(("ger", "syr"), dtype=np.float64)
_SQUARES = 1e-200, 1e200  # sums of squares whose products float64 holds
_FAR = 1e-3  # least share of its squares that centring leaves of a unit that varies
_SUM = 128  # rows at once, so that sums over many rows lose no digits


class Uncentred(NamedTuple):
    """One side: products of its centred units, and what these were made from.

    Attributes
    ----------
    gram : array (p, p)
        X' X of the centred units, 0 where a unit is constant; the lower triangle, and
        zeros above.
    rounding : array (p,)
        As of `_rows.Side`.
    mean : array (p,)
        What each unit was centred by.
    n : int
        Rows.
    """

    gram: np.ndarray
    rounding: np.ndarray
    mean: np.ndarray
    n: int


def uncentred(X: Values, Y: Values) -> tuple[Uncentred, Uncentred, np.ndarray] | None:
    """Both sides and their X' Y (p, q), centred; None where the rows are needed.

    That is where a side has more units than rows, entries are not finite or too large
    or small to square, no unit varies, or means are far above the spread.
    """
    given = [arrays.features_matrix(side) for side in (X, Y)]
    x, y = (arrays.to_numpy(side).astype(np.float64, copy=False) for side in given)
    n = len(x)
    if n != len(y) or n < max(x.shape[1], y.shape[1], 2):
        return None
    of_x, of_y = _side(x, precision(given[0])), _side(y, precision(given[1]))
    if of_x is None or of_y is None:
        return None
    cross = _GER(-n, of_x.mean, of_y.mean, a=inner(x, y), overwrite_a=1)
    cross[of_x.gram.diagonal() == 0] = 0
    cross[:, of_y.gram.diagonal() == 0] = 0
    return of_x, of_y, cross


def _side(rows: np.ndarray, precision: float) -> Uncentred | None:
    n = len(rows)
    gram = squares(rows, None)
    energy = gram.diagonal().copy()
    least, most = _SQUARES
    if not least < energy.max() < most:  # and where one is NaN
        return None
    parts = [rows[i : i + _SUM].sum(0) for i in range(0, n, _SUM)]
    mean = np.sum(parts, 0) / n
    gram = _SYR(-n, mean, lower=1, a=gram, overwrite_a=1)
    near = np.flatnonzero(gram.diagonal() <= _FAR * energy)
    if len(near) == len(gram) or not (rows[:, near] == rows[0, near]).all():
        return None
    gram[near] = gram[:, near] = 0
    return Uncentred(gram, precision * np.sqrt(energy / n), mean, n)
