"""Small networks that learn one task, and linear models that try the others on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..measures.probes import linear_probe

__all__ = ["TargetErrors", "member_targets", "target_errors"]

Rows = tuple[np.ndarray, np.ndarray]  # features (n, d) and targets (n, k)


@dataclass(frozen=True, eq=False)
class TargetErrors:
    """Test errors of linear models on the same features, one per target.

    Attributes
    ----------
    errors : array (k,), float64
        Mean squared error on the test points, after `steps`.
    steps : array (k,)
        Numbers of steps with the least error on the validation points.
    """

    errors: np.ndarray
    steps: np.ndarray


def member_targets(
    targets: np.ndarray, seeds: int, *, shuffled: bool = False, seed: int = 0
) -> np.ndarray:
    """Targets with which an ensemble learns several sources, several times each.

    Parameters
    ----------
    targets : array (n, k)
        One column for each source.
    seeds : int
        Members per source.
    shuffled : bool
        Permute the rows, for each member anew.
    seed : int
        Of the first member's permutation; member i has ``seed + i``.

    Returns
    -------
    array (k * seeds, n, 1)
        For ``fit``: first all members of the first source, then those of the next.

    Examples
    --------
    >>> member_targets(np.array([[1, 2], [3, 4]]), 2)[:, :, 0].tolist()
    [[1, 3], [1, 3], [2, 4], [2, 4]]
    """
    columns = np.repeat(np.asarray(targets).T, seeds, axis=0)[:, :, None]
    if not shuffled:
        return columns
    draws = (np.random.default_rng(seed + i) for i in range(len(columns)))
    return np.stack([r.permutation(c) for r, c in zip(draws, columns, strict=True)])


def target_errors(
    training: Rows, validation: Rows, test: Rows, steps: Sequence[int] | np.ndarray
) -> TargetErrors:
    """Errors of linear models by gradient descent, the step chosen by validation.

    All targets share one decomposition of the features, see `linear_probe`.

    Parameters
    ----------
    training, validation, test : pairs of arrays (n, d) and (n, k)
        Features, and the targets in columns, of other points in each.
    steps : array (t,)
        Numbers of steps of gradient descent to choose from.

    Returns
    -------
    TargetErrors

    Raises
    ------
    ValueError
        If arrays do not fit, or a step is no whole number from 0.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(300, 3))
    >>> y = x @ np.eye(3)[:, :2]
    >>> parts = [(x[i : i + 100], y[i : i + 100]) for i in (0, 100, 200)]
    >>> target_errors(*parts, [1, 1000]).steps.tolist()
    [1000, 1000]
    """
    probe = linear_probe(*training, steps)
    predicted = probe.predict(validation[0])
    best = ((predicted - validation[1]) ** 2).mean(1).argmin(0)
    weights = probe.weights[best, :, np.arange(len(best))].T
    chosen = replace(probe, weights=weights[None])
    errors = ((chosen.predict(test[0])[0] - test[1]) ** 2).mean(0)
    return TargetErrors(errors, np.asarray(steps)[best])
