"""How far classes lie apart in features, by their covariance."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..array_kinds import precision
from ..arrays import Values
from ._task import Task, class_task

_EPS = np.finfo(np.float64).eps


def h_score(features: Values, labels: Any, *, shrinkage: bool = False) -> float:
    """H-score: variance of the class means in units of the features' own (Bao 2019).

    tr(cov(F)^-1 cov(E[F | y])), with the pseudoinverse where directions are missing. It
    is what the span of the centred features holds of the classes' centred 0/1 columns,
    each scaled to unit length and counted without overlap: invariant under every
    invertible affine map of the features. Where features outnumber rows they hold all,
    and the score is k - 1 whatever the labels: use shrinkage there.

    Parameters
    ----------
    features : array (n, d)
        Of any kind that `repalign_utils.alignment` takes.
    labels : array (n,)
        Classes: integers, text or booleans.
    shrinkage : bool
        Replace cov(F) by (1 - a) cov(F) + a tr(cov(F)) / d I and the covariance of the
        class means by (1 - a) times it, with the a of Ledoit & Wolf: Ibrahim et al. It
        is then invariant under rotation, shift and scale alone.

    Returns
    -------
    float
        From 0 to k - 1, k the number of classes.

    Raises
    ------
    TypeError, ValueError
        If the arguments are swapped, rows differ, labels are quantities, of one class
        or all different, an entry is not finite, or features are probabilities.

    References
    ----------
    Bao et al. (2019), "An information-theoretic approach to transferability in task
    transfer learning", ICIP, Def. 2. Ibrahim, Ponomareva & Mazumder (2021), "Newer is
    not always better: rethinking transferability metrics", arXiv 2110.06893. Ledoit &
    Wolf (2004), "A well-conditioned estimator for large-dimensional covariance
    matrices". Where released code shrinks, it divides one covariance by n and the other
    by n - 1; here both are divided by n.

    Examples
    --------
    >>> features = np.array([[0.0, 1], [0, -1], [2, 1], [2, -1]])
    >>> round(h_score(features, ["a", "a", "b", "b"]), 12)
    1.0
    """
    found = class_task(features, labels, "h_score")
    return h_score_shrunk_of(found) if shrinkage else h_score_of(found)


def h_score_of(task: Task) -> float:
    """H-score as a sum of squares: see `h_score`.

    Centred features and a column of ones span what features and ones do, and centred
    columns lie at right angles to ones. So H is the energy of the 0/1 columns, each
    scaled to unit length, in the span of features and ones, less 1 for the ones.
    """
    _, along, outside = task.spectrum
    energy = np.square(along[:, :-1]).sum(0)
    ones = outside[:, -1]
    length = np.linalg.norm(ones)
    rows = len(task.features)
    if length > max(rows * _EPS, precision(task.given)) * rows**0.5:
        energy = energy + np.square(ones @ outside[:, :-1] / length)
    return max(float((energy / task.counts).sum() - 1), 0.0)


def h_score_shrunk_of(task: Task) -> float:
    """H-score with the covariance of Ledoit and Wolf, by the smaller Gram matrix."""
    rows, (n, d) = task.centred, task.features.shape
    averages = task.columns / task.counts  # (n, k)
    gram = rows.T @ rows / n if n >= d else rows @ rows.T / n
    shrink = _ledoit_wolf(rows, gram)
    if shrink <= n * _EPS:
        return h_score_of(task)
    mean = gram.trace() / d
    shrunk = (1 - shrink) * gram
    shrunk[np.diag_indices_from(shrunk)] += shrink * mean
    left = rows.T @ averages if n >= d else averages
    right = left if n >= d else n * (gram @ averages)
    between = np.einsum("ij,ij->j", left, np.linalg.solve(shrunk, right))
    return float((1 - shrink) * (between @ task.counts) / n)


def _ledoit_wolf(rows: np.ndarray, gram: np.ndarray) -> float:
    """Weight of the scaled identity (Ledoit & Wolf 2004, Sec. 3.2), from 0 to 1.

    Written out, since rows (n, d) enter by sums alone, which either Gram matrix has:
    scikit-learn forms that of the units, however many they are.
    """
    n, d = rows.shape
    square = np.square(gram).sum()
    distance = square - gram.trace() ** 2 / d
    spread = (np.square(np.einsum("ij,ij->i", rows, rows)).mean() - square) / n
    if distance <= 0:
        return 0.0
    return float(np.clip(spread / distance, 0, 1))
