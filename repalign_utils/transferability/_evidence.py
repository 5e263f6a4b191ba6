"""Evidence of labels under a Bayesian linear model on features."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from ..arrays import Values
from ._task import Task, task

_EPS = np.finfo(np.float64).eps


def log_me(features: Values, labels: Any) -> float:
    """LogME: largest log evidence of the labels, per row (You et al. 2021, Eq. 2).

    A column y is modelled as F w + noise, w ~ N(0, I / a), noise ~ N(0, I / b), with a
    and b such that the evidence p(y | F) is largest. With the singular values s_i of F,
    u_i its left vectors and l = a / b, it is for the best b

        log p(y | F) = -1/2 (n log(2 pi q / n) + n + sum_i log(1 + s_i^2 / l)),
        q = sum_i (u_i' y)^2 / (1 + s_i^2 / l) + the part of |y|^2 outside the span,

    of which the largest value over l is found, where the paper goes through steps that
    end at a stationary point. Features are taken as they are, without a constant
    column. Invariant under rotation and scale of the features, not under a shift.

    Parameters
    ----------
    features : array (n, d)
        Of any kind that `repalign_utils.alignment` takes.
    labels : array (n,) or (n, k)
        Classes (integers, text or booleans): one column of 0 and 1 for each. Or
        quantities, floating-point numbers, as they are: doubled, they have log(2) less.

    Returns
    -------
    float
        In nats, the mean over columns. Infinite if a column lies in the span of
        features of lower rank than rows: it then has a model without noise.

    Raises
    ------
    TypeError, ValueError
        If the arguments are swapped, rows differ, labels are of one class or all
        different, a quantity is constant, an entry is not finite, or features are
        probabilities.

    Warns
    -----
    UserWarning
        If labels are a few whole numbers given as floats.

    References
    ----------
    You et al. (2021), "LogME: practical assessment of pre-trained models for transfer
    learning", Sec. 4.

    Examples
    --------
    >>> features = np.array([[1.0], [1], [-1], [-1]])
    >>> near = log_me(features, [0.9, 1.1, -1.0, -0.9])
    >>> near > log_me(features, [0.9, -1.1, 1.0, -0.9])
    True
    """
    return log_me_of(task(features, labels))


def log_me_of(task: Task) -> float:
    """LogME of what has been checked: see `log_me`."""
    return float(evidences_of(task).mean())


def evidences_of(task: Task) -> np.ndarray:
    """Largest log evidence of each column, per row, (k,)."""
    values, along, outside = task.spectrum
    n = len(task.features)
    energy = np.square(along[:, :-1])
    beyond = np.square(outside[:, :-1]).sum(0)
    whole = energy.sum(0) + beyond
    beyond[beyond <= (n * _EPS) ** 2 * whole] = 0  # rounding of an exact fit
    best = np.full(len(beyond), np.inf)
    noisy = beyond > 0 if len(values) < n else np.ones(len(beyond), bool)
    if noisy.any():
        part = energy[:, noisy], beyond[noisy]
        best[noisy] = _largest(values**2, *part, n) / n
    return best


def _largest(
    squares: np.ndarray, energy: np.ndarray, beyond: np.ndarray, n: int
) -> np.ndarray:
    """Largest log evidence (k,) over the ratio a / b: on a grid, then between."""
    grid = _grid(squares, energy, beyond, n)
    values = np.stack([_evidence(t, squares, energy, beyond, n) for t in grid])
    best = values.max(0)
    for column, place in enumerate(values.argmax(0)):
        bounds = grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)]
        e, o = energy[:, column], beyond[column]
        found: Any = minimize_scalar(
            lambda t, e=e, o=o: -_evidence(t, squares, e, o, n),
            bounds=bounds,
            method="bounded",
        )
        best[column] = max(best[column], -found.fun)
    return best


def _grid(
    squares: np.ndarray, energy: np.ndarray, beyond: np.ndarray, n: int
) -> np.ndarray:
    """Values of log(a / b), at whose ends the evidence has its limits, to rounding.

    Each singular value enters by a sigmoid of log(a / b) of width one: half of that is
    fine enough to see each maximum.
    """
    lowest = np.log(squares[-1])
    share = beyond[beyond > 0] / (energy.sum(0) + beyond)[beyond > 0]
    if len(share):
        lowest += np.log(share.min())  # little noise asks for little shrinkage
    return np.arange(lowest - 35, np.log(n * squares[0]) + 35, 0.5)


def _evidence(t: float, squares: np.ndarray, energy: Any, beyond: Any, n: int) -> Any:
    """Log evidence of columns at log(a / b) = t, with the best noise."""
    ratio = squares / np.exp(t)
    left = energy.T @ (1 / (1 + ratio)) + beyond
    return -(n * np.log(2 * np.pi * left / n) + n + np.log1p(ratio).sum()) / 2
