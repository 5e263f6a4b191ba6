"""The door of the room: single numbers, checked by name."""

from __future__ import annotations

import math
from typing import SupportsFloat

import numpy as np

# Networks compute in float32: what is a bound in exact numbers is one up to this share.
ROUNDING = 1e-5


def square(name: str, value: SupportsFloat) -> float:
    """A squared distance: finite, 0 or above."""
    number = finite(name, value)
    if number < 0:
        raise ValueError(
            f"{name} is {number:g}, but it is a squared length; pass 0 or more"
        )
    return number


def positive(name: str, value: SupportsFloat, *, because: str = "") -> float:
    """A finite number above 0."""
    number = finite(name, value)
    if number <= 0:
        raise ValueError(f"{name} is {number:g}; pass a number above 0{because}")
    return number


def finite(name: str, value: SupportsFloat) -> float:
    """A finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}; pass a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} is {number}; pass a finite number")
    return number


def largest_inner(y: np.ndarray, dy2: float) -> np.ndarray:
    """Largest absolute inner product of dy and dy* that rounding lets through."""
    bound = np.sqrt(y * dy2)
    return bound + ROUNDING * (bound + y)
