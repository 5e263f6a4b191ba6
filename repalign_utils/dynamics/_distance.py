"""How far apart two points are represented when training ends."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["final_distance"]


def final_distance(
    *, h0: Any, y0: Any, dx2: Any, dy2: Any, eta_h: Any, eta_y: Any
) -> Any:
    """Squared distance ||dh||^2 of two hidden representations after training.

    Of van Rossem & Saxe (2024): since H / (eta_h dx2) - Y / (eta_y H) is conserved and
    Y ends at dy2,

        H(inf) = high / 2 + sqrt(high^2 / 4 + low^2)
        low^2 = eta_h / eta_y dx2 dy2
        high = h0 - eta_h / eta_y dx2 y0 / h0

    Small weights at the start make `high` vanish, and targets and inputs set the
    distance (rich); with large ones the distance stays what it was (lazy). Only the
    ratio of the rates matters.

    The closure behind it, that the decoder acts along dh alone, is not exact. Two-layer
    linear networks of 50 units, trained by gradient descent on two opposite points from
    eight seeds, end within .1 % of it from weights of standard deviation .001 and
    within 3 % from 1, but 10 to 14 % below it from .1, where the decoder acts across dh
    as much as along it (with 500 units this is so at .03).

    Parameters
    ----------
    h0, y0 : numbers or arrays
        ||dh||^2 and ||dy||^2 before training. With 0 for both, the rich limit.
    dx2, dy2 : numbers or arrays
        Squared distance of the inputs, and of the targets.
    eta_h, eta_y : numbers or arrays
        Rates, above 0, of the equations in `two_point_dynamics`.

    Returns
    -------
    float64, or array of the shape that all together broadcast to

    Raises
    ------
    TypeError, ValueError
        If entries are no finite numbers, a square is negative, a rate is not above 0,
        h0 is 0 where y0 is not, or shapes do not fit together.

    References
    ----------
    van Rossem & Saxe (2024), "When Representations Align: Universality in
    Representation Learning Dynamics", ICML.

    Examples
    --------
    >>> same = {"dx2": 1, "eta_h": 1, "eta_y": 1}
    >>> float(final_distance(h0=0, y0=0, dy2=0.25, **same))
    0.5
    >>> final_distance(h0=[1e-6, 2], y0=0, dy2=0.25, **same).round(3)
    array([0.5  , 2.118])
    """
    given = {"h0": h0, "y0": y0, "dx2": dx2, "dy2": dy2}
    squares = [_checked(name, value) for name, value in given.items()]
    rates = [
        _checked(name, value, rate=True)
        for name, value in (("eta_h", eta_h), ("eta_y", eta_y))
    ]
    h, y, x, goal, fast, slow = np.broadcast_arrays(*squares, *rates)
    ended = (h == 0) & (y > 0)
    if ended.any():
        raise ValueError(
            f"h0 is 0 where y0 is {y[ended][0]:g}; two equal representations have the "
            "same output, so pass y0 = 0 or the h0 of a layer that tells them apart"
        )
    ratio = fast / slow * x
    lost = np.divide(y, h, out=np.zeros_like(y), where=h > 0)
    return positive_root(h - ratio * lost, ratio * goal)[()]


def positive_root(linear: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """Root above 0 of r^2 = linear r + constant, without cancellation."""
    larger = np.abs(linear) / 2 + np.hypot(linear / 2, np.sqrt(constant))
    smaller = np.divide(constant, larger, out=np.zeros_like(larger), where=larger > 0)
    return np.where(linear >= 0, larger, smaller)


def _checked(name: str, value: Any, *, rate: bool = False) -> np.ndarray:
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}; pass numbers") from None
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has an entry that is not finite; pass finite numbers")
    if array.size and (array.min() < 0 or (rate and array.min() == 0)):
        rule = "a rate; pass numbers above 0" if rate else "a square; pass 0 or more"
        raise ValueError(f"{name} is {array.min():g} at its lowest, but it is {rule}")
    return array
