"""How many bits features take, in all and within classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Values
from ._task import Task, class_task


def trans_rate(features: Values, labels: Any, *, eps: float = 1e-4) -> float:
    """TransRate: coding rate of the features less that within classes (Huang 2022).

    R(Z) - sum_c (n_c / n) R(Z_c) with R(Z) = log det(I + Z' Z / (n eps)) / 2, in nats,
    where Z are the features, centred and divided by one number so that the mean squared
    norm of a row is 1. The value depends on that scale and on eps: compare scores of
    the same eps alone. Invariant under rotation, shift and scale of the features.

    Parameters
    ----------
    features : array (n, d)
        Of any kind that `repalign_utils.alignment` takes.
    labels : array (n,)
        Classes: integers, text or booleans.
    eps : float
        Squared distortion that the code may have, positive.

    Returns
    -------
    float
        From 0, where all classes spread alike, to R(Z).

    Raises
    ------
    TypeError, ValueError
        As `h_score`, and if eps is not positive.

    References
    ----------
    Huang et al. (2022), "Frustratingly easy transferability estimation", ICML.
    Classes are weighted by size, as in the paper; released code takes a plain mean.

    Examples
    --------
    >>> features = np.array([[1.0, 0], [1, 0], [-1, 0], [-1, 0]])
    >>> trans_rate(features, [1, 1, 2, 2], eps=1.0)
    0.0
    """
    if not 0 < eps < np.inf:
        raise ValueError(
            f"eps is {eps} but must be positive and finite; leave it out for 1e-4"
        )
    return trans_rate_of(class_task(features, labels, "trans_rate"), eps=eps)


def trans_rate_of(task: Task, *, eps: float = 1e-4) -> float:
    """TransRate of what has been checked: see `trans_rate`."""
    n = len(task.features)
    z = task.centred * (n**0.5 / np.linalg.norm(task.centred))
    within = sum(
        count * _rate(z[task.numbers == number], eps)
        for number, count in enumerate(task.counts)
    )
    # Never negative: log det is concave, so a mixture takes no less than its parts.
    return max(float(_rate(z, eps) - within / n), 0.0)


def _rate(z: np.ndarray, eps: float) -> float:
    n, d = z.shape
    gram = (z.T @ z if n >= d else z @ z.T) / (n * eps)
    gram[np.diag_indices_from(gram)] += 1
    return float(np.linalg.slogdet(gram)[1]) / 2
