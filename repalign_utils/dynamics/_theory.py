"""What the theory predicts for two points, from where they start."""

from __future__ import annotations

import numpy as np

from .. import arrays
from ..arrays import Values
from ..spelling import did_you_mean
from ._equations import ALTERATIONS, Start, integrated, solution
from ._numbers import finite, largest_inner, positive, square
from ._trajectory import Trajectory, check_times, no_inner_product

__all__ = ["two_point_dynamics"]


def two_point_dynamics(
    h0: float,
    y0: float,
    w0: float,
    *,
    dx2: float,
    dy2: float,
    eta_h: float,
    eta_y: float,
    times: Values,
    alteration: str | None = None,
) -> Trajectory:
    """Distances of two representations and of their outputs during training.

    The equations of van Rossem & Saxe (2024), for H = ||dh||^2, Y = ||dy||^2 and
    w = ||dy||^2 - dy . dy*, with X = dx2 and T = dy2:

        dH/dt = -eta_h X w
        dY/dt = -w (eta_y H + eta_h X Y / H)
        dw/dt = -1/2 eta_y (3 w - Y + T) H - 1/2 eta_h X (Y + w) w / H

    Parameters
    ----------
    h0, y0, w0 : numbers
        At time 0: h0 above 0, y0 0 or above, and y0 - w0 = dy . dy* within
        +-sqrt(y0 dy2).
    dx2, dy2 : numbers, 0 or above
        Squared distance of the inputs, and of the targets.
    eta_h, eta_y : numbers above 0
        Effective learning rates, per unit of the times.
    times : array (t,)
        Increasing, 0 or above.
    alteration : None or one of `ALTERATIONS`
        The equations with one term changed, which the authors show not to fit.

    Returns
    -------
    `Trajectory`
        H, Y and w at the times.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of the above, which is named.
    FloatingPointError
        If altered equations run away before the last time.

    Notes
    -----
    The equations have a solution, so that nothing is integrated and nothing is stiff.
    With p = dy . dy* the rate rho = eta_h X p / H obeys a Riccati equation,
    rho' = (eta_h eta_y X T - rho^2 - kappa rho) / 2, where kappa =
    eta_y H - eta_h X Y / H is constant; 1 / H and dy / sqrt(H) then obey linear ones.
    Altered equations have no such solution and go to SciPy's ``solve_ivp``.

    References
    ----------
    van Rossem & Saxe (2024), "When Representations Align: Universality in
    Representation Learning Dynamics", ICML.

    Examples
    --------
    >>> run = two_point_dynamics(
    ...     1e-4, 0, 0, dx2=1, dy2=1, eta_h=1, eta_y=1, times=[0, 10, 20, 40]
    ... )
    >>> run.H.round(3)
    array([0.   , 0.355, 1.   , 1.   ])
    """
    start = Start(
        positive("h0", h0, because=": equal representations never part"),
        square("y0", y0),
        finite("w0", w0),
        square("dy2", dy2),
        positive("eta_h", eta_h) * square("dx2", dx2),
        positive("eta_y", eta_y),
    )
    _check_inner(start)
    when = arrays.vector(times, "times")
    arrays.check_finite(when[:, None], "times")
    check_times(when)
    square("the first of times", when[0])
    check_alteration(alteration)
    if alteration is None:
        H, Y, w = solution(start, when)
    else:
        H, Y, w = _altered(start, when, alteration)
    return Trajectory(when, H, Y, w, float(dx2), start.dy2)


def check_alteration(name: str | None) -> None:
    """Refuse a name that no alteration bears."""
    if name is not None and name not in ALTERATIONS:
        raise ValueError(
            f"alteration is {name!r}; {did_you_mean(name, ALTERATIONS)}pass None or "
            f"one of {', '.join(ALTERATIONS)}"
        )


def _check_inner(start: Start) -> None:
    reach = float(largest_inner(np.array(start.y), start.dy2))
    if abs(start.y - start.w) > reach:
        where = f"w0 is {start.w:g}"
        raise ValueError(no_inner_product(where, start.y, start.dy2))


def _altered(start: Start, times: np.ndarray, name: str) -> tuple[np.ndarray, ...]:
    positive("dx2", start.a, because=", or no alteration")
    positive("dy2", start.dy2, because=", or no alteration")
    found = integrated(start, times, name)
    if found is None:
        raise FloatingPointError(
            f"the equations altered by {name!r} run away before time {times[-1]:g}; "
            "pass earlier times"
        )
    return found
