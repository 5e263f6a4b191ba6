"""The door of the room: two arrays of the same rows, checked, centred, in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import arrays

if TYPE_CHECKING:
    from ..arrays import Values


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
    x, y = (
        arrays.to_numpy(arrays.features_matrix(side)).astype(np.float64)
        for side in (X, Y)
    )
    if len(x) != len(y):
        longer, rows = ("X", len(y)) if len(x) > len(y) else ("Y", len(x))
        raise ValueError(
            f"X has {len(x)} rows but Y has {len(y)}; pass both representations of the "
            f"same inputs, e.g. {longer}[:{rows}]"
        )
    if len(x) < 2:
        raise ValueError("X and Y have one row; similarity needs two at least")
    return _centred(x, "X"), _centred(y, "Y")


def _centred(side: np.ndarray, name: str) -> np.ndarray:
    arrays.check_finite(side, name)
    largest = np.abs(side).max() or 1.0
    side = side / largest
    constant = (side == side[0]).all(0)
    if constant.all():
        raise ValueError(
            f"{name} is the same in all {len(side)} rows, so nothing can be similar to "
            "it; leave out a layer that does not react to the inputs"
        )
    side = side - side.mean(0)
    side[:, constant] = 0  # not the rounding of their mean
    return side
