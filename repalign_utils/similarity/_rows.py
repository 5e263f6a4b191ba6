"""The door of the room: two arrays of the same rows, checked, centred, in float64."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .. import arrays
from ..array_kinds import precision
from ..arrays import Values


class Side(NamedTuple):
    """Centred features of one side and how well they are known.

    Attributes
    ----------
    rows : array (n, p), float64
        Divided by the largest entry of all, the mean of each unit removed.
    rounding : array (p,), float64
        Root mean square of the rounding of a unit's entries, as they were given: their
        precision times the root mean square of the unit before centring.
    largest : float
        What the rows were divided by.
    """

    rows: np.ndarray
    rounding: np.ndarray
    largest: float


def sides(X: Values, Y: Values) -> tuple[Side, Side]:
    """Both sides of a comparison; arguments and errors as of `centred`."""
    given = [arrays.features_matrix(side) for side in (X, Y)]
    x, y = (arrays.to_numpy(side).astype(np.float64) for side in given)
    if len(x) != len(y):
        longer, rows = ("X", len(y)) if len(x) > len(y) else ("Y", len(x))
        raise ValueError(
            f"X has {len(x)} rows but Y has {len(y)}; pass both representations of the "
            f"same inputs, e.g. {longer}[:{rows}]"
        )
    if len(x) < 2:
        raise ValueError("X and Y have one row; similarity needs two at least")
    return (
        _side(x, "X", precision(given[0])),
        _side(y, "Y", precision(given[1])),
    )


def centred(X: Values, Y: Values) -> tuple[np.ndarray, np.ndarray]:
    """Features of the same rows with the mean of each unit removed, in float64.

    Each side is divided by its largest entry, which no measure of this room sees and
    which keeps squares within float64.

    Parameters
    ----------
    X, Y : arrays (n, p) and (n, q)
        Of any kind that `repalign_utils.alignment` takes; a tensor on another device is
        copied to the CPU.

    Returns
    -------
    X, Y : arrays (n, p) and (n, q), float64

    Raises
    ------
    TypeError
        If entries are complex, boolean or no numbers.
    ValueError
        If rows differ or are fewer than two, an entry is not finite, or no unit of a
        side varies.
    """
    x, y = sides(X, Y)
    return x.rows, y.rows


def _side(rows: np.ndarray, name: str, precision: float) -> Side:
    arrays.check_finite(rows, name)
    largest = max(rows.max(), -rows.min()) or 1.0
    rows /= largest
    constant = (rows == rows[0]).all(0)
    if constant.all():
        raise ValueError(
            f"{name} is the same in all {len(rows)} rows, so nothing can be similar to "
            "it; leave out a layer that does not react to the inputs"
        )
    rounding = precision * np.sqrt(np.einsum("ij,ij->j", rows, rows) / len(rows))
    rows -= rows.mean(0)
    rows[:, constant] = 0  # not the rounding of their mean
    return Side(rows, rounding, float(largest))
