"""Units of one network predicted from few units of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._extras import need
from ..arrays import Values
from ._rows import centred

_MOST_SWEEPS = 10_000


@dataclass(frozen=True)
class SparsePrediction:
    """How well, and from how many units, Y's units are predicted from X's.

    Attributes
    ----------
    penalties : array (k,), float64, as they were passed
    loss : array (k, q), float64
        Half the mean squared error on held-out rows, in standard deviations of the
        unit: 0.5 is that of predicting the mean. NaN for a unit of Y that is constant
        in the rows for training.
    used : array (k, q), int
        Units of X whose weight is not 0.
    weights : array (k, p, q), float64
        Between standardised units.
    """

    penalties: np.ndarray
    loss: np.ndarray
    used: np.ndarray
    weights: np.ndarray


def sparse_prediction(
    X: Values,
    Y: Values,
    penalties: Sequence[float],
    *,
    generator: np.random.Generator,
    held_out: float = 0.25,
) -> SparsePrediction:
    """Linear prediction of each unit of Y from X under an L1 penalty.

    Each unit of Y has the weights w that minimise half the mean squared error plus
    `penalty` times the sum of abs(w), both sides standardised by the rows for training
    (Li et al. 2016, Section 4; they descend on the same loss with stochastic gradients
    and a decay towards 0, so that their penalties are not of this scale). A penalty of
    0 is least squares.

    Parameters
    ----------
    X, Y : arrays (n, p) and (n, q)
        Rows are the same inputs, or inputs and positions of a convolution.
    penalties : k numbers, 0 or above
        At 1 or above every weight is 0.
    generator : numpy Generator
        Draws the rows that are held out.
    held_out : float, between 0 and 1
        Their share.

    Returns
    -------
    `SparsePrediction`
        In the order of `penalties`.

    Raises
    ------
    TypeError, ValueError
        If X or Y are no features, rows differ, no unit of a side varies, a penalty is
        negative or not finite, or a part of the rows is left with less than two.
    ModuleNotFoundError
        If scikit-learn is not installed.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(400, 5))
    >>> Y = X[:, :2] + X[:, 2:4]
    >>> found = sparse_prediction(X, Y, [0.1, 2], generator=np.random.default_rng(0))
    >>> found.used
    array([[2, 2],
           [0, 0]])
    """
    asked = _checked(penalties)
    x, y = centred(X, Y)
    n = len(x)
    held = round(held_out * n) if 0 < held_out < 1 else 0
    if min(held, n - held) < 2:
        raise ValueError(
            f"held_out is {held_out} of {n} rows; leave two rows at least on both "
            "sides, e.g. held_out=0.25 of more rows"
        )
    rows = generator.permutation(n)
    (x, x_held), (y, y_held) = (
        _standardised(side[rows[held:]], side[rows[:held]]) for side in (x, y)
    )
    x, x_held = np.nan_to_num(x), np.nan_to_num(x_held)  # a constant tells nothing
    weights = _paths(x, np.nan_to_num(y), asked)
    errors = np.stack([y_held - x_held @ w for w in weights])
    loss = 0.5 * np.square(errors).mean(1)
    return SparsePrediction(asked, loss, (weights != 0).sum(1), weights)


def _checked(penalties: Sequence[float]) -> np.ndarray:
    asked = np.array(penalties, float)
    if asked.ndim != 1 or not asked.size:
        raise ValueError(f"penalties are {penalties!r}; pass a list, e.g. [0, 0.01]")
    if not (np.isfinite(asked) & (asked >= 0)).all():
        raise ValueError(f"penalties are {penalties!r}; pass finite numbers, 0 or more")
    return asked


def _standardised(
    training: np.ndarray, held: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Both in standard deviations of the training rows; constant units become NaN."""
    mean, spread = training.mean(0), training.std(0)
    spread[(training == training[0]).all(0)] = np.nan
    return (training - mean) / spread, (held - mean) / spread


def _paths(x: np.ndarray, y: np.ndarray, penalties: np.ndarray) -> np.ndarray:
    """Weights (k, p, q); a unit is its own problem, with the Gram matrix shared."""
    path = need("sklearn.linear_model", "run").lasso_path
    gram, moments = x.T @ x, x.T @ y
    weights = np.zeros((len(penalties), x.shape[1], y.shape[1]))
    positive = penalties > 0
    falling = np.flatnonzero(positive)[np.argsort(-penalties[positive])]
    options = {"precompute": gram, "alphas": penalties[falling]}
    for unit, target in enumerate(y.T if len(falling) else ()):
        _, found, _ = path(
            x, target, Xy=moments[:, unit], max_iter=_MOST_SWEEPS, **options
        )
        weights[falling, :, unit] = found.T
    if not positive.all():
        varies = x.any(0)  # rounding would give the others a weight
        weights[np.ix_(~positive, varies)] = np.linalg.lstsq(x[:, varies], y)[0]
    return weights
