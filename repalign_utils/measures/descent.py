"""What gradient descent is given: a step size and numbers of steps, checked."""

from __future__ import annotations

import numpy as np

from .. import arrays
from ..arrays import Values


def check_step_size(step_size: float, largest: float, n: int) -> float:
    """Largest step size that is stable, 2 n / sigma_1^2.

    Raises
    ------
    ValueError
        If the step size is not positive and finite.
    """
    stable = 2 * n / largest**2
    if not 0 < step_size < np.inf:
        raise ValueError(
            f"step_size is {step_size} but must be positive and finite; steps below "
            f"2 n / sigma_1^2 = {stable:.6g} converge"
        )
    return stable


def whole_steps(steps: Values) -> np.ndarray:
    """Give numbers of steps of gradient descent as a float64 row (t,).

    Raises
    ------
    ValueError
        If one is not a whole number from 0.

    Examples
    --------
    >>> whole_steps([10, 0])
    array([10.,  0.])
    """
    t = arrays.vector(steps, "steps")
    wrong = t[~((t >= 0) & (t < np.inf) & (t == np.floor(t)))]
    if len(wrong):
        raise ValueError(
            f"steps contain {wrong[0]} but must be whole numbers from 0: gradient "
            "descent takes one step after another; round them"
        )
    return t
