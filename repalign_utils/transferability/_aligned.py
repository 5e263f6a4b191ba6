"""Scores of how features and labels lie to each other: area, rank, kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Values
from ._task import Task, task


def alignment_area(features: Values, labels: Any) -> float:
    """Area of alignment with the labels, the mean over columns (Imani et al. 2022).

    Parameters
    ----------
    features : array (n, d)
        Of any kind that `repalign_utils.alignment` takes, by whose defaults they are
        measured: with a column of ones, and rows of unit length.
    labels : array (n,) or (n, k)
        Classes (integers, text or booleans), as the columns of
        `repalign_utils.one_vs_rest`; or quantities, floating-point numbers, as they
        are: subtract their mean, which any features with a column of ones hold.

    Returns
    -------
    float
        ``alignment(features, columns).area().mean()``, from 0 to 1. Invariant under
        rotation of the features, not under their scale: the ones beside them have none.

    Raises
    ------
    TypeError, ValueError
        As `log_me`.

    Warns
    -----
    UserWarning
        If labels are a few whole numbers given as floats, or a quantity's mean holds
        more than half of its squared norm.

    References
    ----------
    Imani, Hu & White (2022), "Representation Alignment in Neural Networks", TMLR,
    Eq. 1; the area is this book's summary of it.

    Examples
    --------
    >>> features = np.array([[0.0, 1], [0, 2], [1, 0], [2, 0]])
    >>> high = alignment_area(features, list("aabb"))
    >>> high > alignment_area(features, list("abab"))
    True
    """
    return alignment_area_of(task(features, labels))


def alignment_area_of(task: Task) -> float:
    """Area of what has been checked: see `alignment_area`."""
    return float(areas_of(task).mean())


def areas_of(task: Task) -> np.ndarray:
    """Area of each column, (k,)."""
    return task.alignment.area()


def negative_rank(
    features: Values, labels: Any, *, eps: float = 0.1, rule: str = "residual"
) -> float:
    """Minus the directions that the labels need, k(eps), the mean over columns.

    It asks about the part of the labels that lies in the span of the features alone:
    look at it beside a score that asks how large this is.

    Parameters
    ----------
    features, labels : as of `alignment_area`
    eps : float
        Share of the norm that may be left, positive.
    rule : {"residual", "captured"}
        As of `Alignment.rank`.

    Returns
    -------
    float
        At most 0; 0 of labels that lie outside the span.

    Raises
    ------
    TypeError, ValueError
        As `alignment_area`, and if eps is not positive or the rule unknown.

    Warns
    -----
    UserWarning
        As `alignment_area`.

    References
    ----------
    Imani et al. (2024), "Label Alignment Regularization for Distribution Shift", JMLR,
    Sec. 2.2.

    Examples
    --------
    >>> features = np.array([[0.0, 1], [0, 2], [1, 0], [2, 0]])
    >>> negative_rank(features, list("aabb"))
    -2.0
    """
    return negative_rank_of(task(features, labels), eps=eps, rule=rule)


def negative_rank_of(task: Task, *, eps: float = 0.1, rule: str = "residual") -> float:
    """Rank of what has been checked, its sign changed: see `negative_rank`."""
    return float(negative_ranks_of(task, eps=eps, rule=rule).mean())


def negative_ranks_of(
    task: Task, *, eps: float = 0.1, rule: str = "residual"
) -> np.ndarray:
    """Rank of each column, its sign changed, (k,)."""
    return -np.asarray(task.alignment.rank(eps, rule=rule), float)


def label_cka(features: Values, labels: Any) -> float:
    """Centred alignment of the features' linear kernel with the labels' (Cortes 2012).

    Parameters
    ----------
    features : array (n, d)
        Of any kind that `repalign_utils.alignment` takes.
    labels : array (n,) or (n, k)
        Classes, whose kernel is 1 for rows of the same class and else 0; or quantities
        y, floating-point numbers, whose kernel is y y'.

    Returns
    -------
    float
        <K, L> / (|K| |L|) of both kernels, centred, from 0 to 1: the linear CKA of the
        features and the labels' columns. Invariant under rotation, shift and scale.

    Raises
    ------
    TypeError, ValueError
        As `log_me`.

    Warns
    -----
    UserWarning
        If labels are a few whole numbers given as floats.

    References
    ----------
    Cortes, Mohri & Rostamizadeh (2012), "Algorithms for learning kernels based on
    centered alignment", JMLR 13, Def. 4.

    Examples
    --------
    >>> round(label_cka([[3.0], [3.0], [5.0], [5.0]], list("aabb")), 12)
    1.0
    """
    return label_cka_of(task(features, labels))


def label_cka_of(task: Task) -> float:
    """Kernel alignment of what has been checked: see `label_cka`."""
    x, y = task.centred, task.columns - task.columns.mean(0)
    shared = np.square(x.T @ y).sum()
    return float(shared / (_gram_norm(x) * np.linalg.norm(y.T @ y)))


def label_ckas_of(task: Task) -> np.ndarray:
    """Kernel alignment with each column by itself, (k,)."""
    x, y = task.centred, task.columns - task.columns.mean(0)
    shared = np.square(x.T @ y).sum(0)
    return shared / (_gram_norm(x) * np.square(y).sum(0))


def _gram_norm(x: np.ndarray) -> float:
    """Frobenius norm of x x', from the smaller of the two products."""
    gram = x.T @ x if x.shape[0] >= x.shape[1] else x @ x.T
    return float(np.linalg.norm(gram))
