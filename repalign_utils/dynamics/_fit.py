"""Effective learning rates, from what networks did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize

from ._equations import Start, integrated, solution
from ._numbers import positive
from ._theory import check_alteration
from ._trajectory import Trajectory, check_measured

__all__ = ["RateFit", "fit_rates"]

# Rates that are too small or too large to be told from 0 or from infinity, in logs.
_LARGEST_LOG = 200
_FIRST_STEP = 0.2
_SHARES = (1, 1e-2, 1e-4)


@dataclass(frozen=True)
class RateFit:
    """Rates that describe trajectories best, and how well.

    Attributes
    ----------
    eta_h, eta_y : float
        Per unit of the times.
    error : float
        Sum of squared residuals of H, Y and w over all times, which the rates minimise.
    relative_error : float
        Root of the error's ratio to the squared distance from the first values: 0 is a
        perfect fit, and 1 is no better than to predict no change.
    predicted : tuple of `Trajectory`
        Of each trajectory, at its times.
    """

    eta_h: float
    eta_y: float
    error: float
    relative_error: float
    predicted: tuple[Trajectory, ...] = field(repr=False)


def fit_rates(
    trajectories: Trajectory | Iterable[Trajectory],
    *,
    alteration: str | None = None,
    guesses: int = 100,
) -> RateFit:
    """Effective learning rates eta_h and eta_y, fitted to measured trajectories.

    As van Rossem & Saxe (2024) do: the least sum of squared residuals of H, Y and w at
    all times, from the first values on. The ratio of the rates is guessed from the
    quantity that the theory conserves, and from the final distance in the rich limit
    (and as a hundredth and less of that, for lazy networks); of ``guesses`` sizes,
    log-spaced, the best is the start of a minimisation (Nelder & Mead) in the
    logarithms of both.

    Where representations hardly move (lazy), eta_h hardly matters, and its value tells
    little.

    Parameters
    ----------
    trajectories : `Trajectory`, or several of the same network and learning rate
        With dx2 above 0. The first entries, at any time, are where the theory starts.
    alteration : None or one of `ALTERATIONS`
        Equations to fit instead of the paper's; takes a second.
    guesses : int, 2 or more
        Sizes of the rates that are tried first; the authors try 100. Fewer are faster.

    Returns
    -------
    `RateFit`

    Raises
    ------
    TypeError, ValueError
        If there is no trajectory, nothing changes in one, it has fewer than three
        times, or its values are such that no two points have them.
    FloatingPointError
        If altered equations run away at all rates.

    Examples
    --------
    >>> from repalign_utils.dynamics import two_point_dynamics
    >>> run = two_point_dynamics(
    ...     0.1, 0.01, 0, dx2=1, dy2=0.5, eta_h=0.02, eta_y=0.01, times=range(3000)
    ... )
    >>> found = fit_rates(run)
    >>> round(found.eta_h, 5), round(found.eta_y, 5)
    (0.02, 0.01)
    """
    runs = _checked(trajectories)
    check_alteration(alteration)
    if guesses < 2:
        raise ValueError(f"guesses is {guesses!r}; pass 2 or more sizes to try")
    moved = sum(_squares(r, (r.H[:1], r.Y[:1], r.w[:1])) for r in runs)

    def error(logs: np.ndarray) -> float:
        if np.abs(logs).max() > _LARGEST_LOG:
            return np.inf
        return _error(runs, np.exp(logs[0]), np.exp(logs[1]), alteration)

    tried = (_best_start(runs, ratio, error, guesses) for ratio in _ratios(runs))
    starts = [start for start in tried if start is not None]
    if alteration is not None:  # each of their errors takes an integration
        starts = sorted(starts, key=error)[:1]
    found = [_least(start, error, moved, alteration is None) for start in starts]
    if not found:
        raise FloatingPointError(
            f"the equations altered by {alteration!r} run away at all rates that were "
            "tried; pass the trajectories up to an earlier time"
        )
    best = min(found, key=lambda result: result[0])
    eta_h, eta_y = (float(rate) for rate in np.exp(best[1]))
    predicted = tuple(_predicted(run, eta_h, eta_y, alteration) for run in runs)
    return RateFit(eta_h, eta_y, best[0], float(np.sqrt(best[0] / moved)), predicted)


def _checked(trajectories: Trajectory | Iterable[Trajectory]) -> list[Trajectory]:
    one = isinstance(trajectories, Trajectory)
    runs = [trajectories] if one else list(trajectories)
    if not runs:
        raise ValueError("there is no trajectory; pass one at least")
    for run in runs:
        if not isinstance(run, Trajectory):
            raise TypeError(
                f"trajectories hold a {type(run).__name__}; pass `Trajectory` objects, "
                "e.g. of dynamics.trajectory(...)"
            )
        check_measured(run)
        positive("dx2", run.dx2, because=": equal inputs tell nothing of eta_h")
        positive("dy2", run.dy2, because=": the theory's clock is that of its targets")
        if len(run.times) < 3:
            raise ValueError(
                f"a trajectory has {len(run.times)} times; pass three or more"
            )
        if not any(np.ptp(curve) for curve in (run.H, run.Y, run.w)):
            raise ValueError("H, Y and w do not change; pass a network that trains")
    return runs


def _ratios(runs: list[Trajectory]) -> list[float]:
    """Guesses at eta_h / eta_y: what is conserved, and the rich limit of the end.

    The first is no guess where H shrinks while Y / H grows, as from large weights that
    answer the wrong way round; the second is far too large there, hence its shares.
    """
    # H / (eta_h dx2) - Y / (eta_y H) at both ends, least squares over trajectories
    along = np.array([(r.H[-1] - r.H[0]) / r.dx2 for r in runs])
    across = np.array([r.Y[-1] / r.H[-1] - r.Y[0] / r.H[0] for r in runs])
    rich = np.mean([r.H[-1] ** 2 / (r.dx2 * r.dy2) for r in runs])
    conserved = along @ across / (across @ across) if across.any() else 0.0
    guesses = conserved, *(rich * share for share in _SHARES)
    return [float(ratio) for ratio in guesses if ratio > 0]


def _best_start(runs, ratio, error, guesses: int) -> np.ndarray | None:
    """Best of some sizes of both rates, from no motion to all of it in a step."""
    size = np.mean([run.H[-1] for run in runs])  # eta_y times this is a rate
    longest = max(np.ptp(run.times) for run in runs)
    shortest = min(np.diff(run.times).min() for run in runs)
    eta_y = np.geomspace(0.01 / longest, 100 / shortest, guesses) / size
    logs = np.log([ratio * eta_y, eta_y]).T
    errors = [error(row) for row in logs]
    return logs[np.argmin(errors)] if np.isfinite(errors).any() else None


def _least(start, error, moved: float, exact: bool) -> tuple[float, np.ndarray]:
    """Least error and its logs; the method bears errors that are infinite."""
    simplex = start + _FIRST_STEP * np.array([[0, 0], [1, 0], [0, 1]])
    # What is integrated is known to six digits, and needs no more
    nearly, closely = (1e-7, 1e-12) if exact else (1e-4, 1e-7)
    options = {"initial_simplex": simplex, "xatol": nearly, "fatol": closely * moved}
    found = minimize(error, start, method="Nelder-Mead", options=options)
    return float(found.fun), found.x


def _error(runs, eta_h: float, eta_y: float, alteration: str | None) -> float:
    total = 0.0
    for run in runs:
        curves = _curves(run, eta_h, eta_y, alteration)
        total += np.inf if curves is None else _squares(run, curves)
    return total if np.isfinite(total) else np.inf


def _squares(run: Trajectory, curves: tuple[np.ndarray, ...]) -> float:
    pairs = zip((run.H, run.Y, run.w), curves, strict=True)
    with np.errstate(over="ignore", invalid="ignore"):
        return float(sum(np.square(seen - told).sum() for seen, told in pairs))


def _curves(run, eta_h, eta_y, alteration) -> tuple[np.ndarray, ...] | None:
    start = Start(
        run.H[0], run.Y[0], run.w[0], run.dy2, float(eta_h * run.dx2), float(eta_y)
    )
    times = run.times - run.times[0]
    if alteration is not None:
        return integrated(start, times, alteration)
    with np.errstate(all="ignore"):  # far-off rates are an error that is not finite
        return solution(start, times)


def _predicted(run, eta_h, eta_y, alteration) -> Trajectory:
    found = _curves(run, eta_h, eta_y, alteration)
    assert found is not None  # or its error were infinite
    H, Y, w = found
    return Trajectory(run.times, H, Y, w, run.dx2, run.dy2)
