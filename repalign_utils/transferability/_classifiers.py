"""Scores that fit a simple classifier and ask how often it is right on other rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import qr

from .._extras import need
from ..arrays import Values
from ._task import Task, Undefined, class_task, task


def nearest_class_mean(features: Values, labels: Any) -> float:
    """Share of rows that lie nearest to the mean of their own class (Mensink 2013).

    Each row is left out of the mean of its class. Distances are Euclidean, so that the
    score is invariant under rotation, shift and scale of the features.

    Parameters
    ----------
    features : array (n, d)
        Of any kind that `repalign_utils.alignment` takes.
    labels : array (n,)
        Classes: integers, text or booleans; two rows of each at least.

    Returns
    -------
    float
        From 0 to 1; a row as near to the mean of another class is no hit.

    Raises
    ------
    TypeError, ValueError
        As `h_score`, and if a class has one row.

    References
    ----------
    Mensink et al. (2013), "Distance-based image classification: generalizing to new
    classes at near-zero cost", TPAMI, Sec. 3.2, with the Euclidean distance.

    Examples
    --------
    >>> nearest_class_mean([[0.0], [1.0], [8.0], [9.0], [2.0]], list("aabbb"))
    0.8
    """
    return nearest_class_mean_of(class_task(features, labels, "nearest_class_mean"))


def nearest_class_mean_of(task: Task) -> float:
    """Share of hits of what has been checked: see `nearest_class_mean`."""
    _need_rows(task, 2, "leaves one out and")
    x, counts = task.centred, task.counts
    means = (task.columns / counts).T @ x  # (k, d)
    squares = np.einsum("ij,ij->i", x, x)[:, None] - 2 * x @ means.T
    squares += np.einsum("ij,ij->i", means, means)
    own = np.arange(len(x)), task.numbers
    # Without the row its mean lies on the same line, farther off.
    without = squares[own] * (counts / (counts - 1))[task.numbers] ** 2
    squares[own] = np.inf
    return float((without < squares.min(1)).mean())


def probe_accuracy(
    features: Values,
    labels: Any,
    *,
    folds: int = 5,
    penalty: float = 1.0,
    generator: np.random.Generator | None = None,
) -> float:
    """Accuracy of a linear probe on rows that it was not fitted to, by folds.

    Logistic regression of classes, ridge regression of quantities, with a constant, by
    scikit-learn. Features are centred and divided by one number, such that their mean
    variance is 1: invariant under rotation, shift and scale, but not by unit.

    Parameters
    ----------
    features : array (n, d)
        Of any kind that `repalign_utils.alignment` takes.
    labels : array (n,) or (n, k)
        Classes (integers, text or booleans), each with a row for every fold; or
        quantities, floating-point numbers.
    folds : int
        Parts of the rows, from 2; each is predicted by a probe of the others.
    penalty : float
        Weight of |w|^2 / 2, positive, where the loss is the sum over rows of the log
        loss or of half the squared error of quantities scaled to variance 1.
    generator : numpy Generator
        That deals the rows to folds; by default one of seed 0, the same in every call.

    Returns
    -------
    float
        Of classes the share that is predicted right, from 0 to 1. Of quantities R^2,
        the share of variance predicted, the mean over columns: 1 at most, and negative
        if the mean of all rows predicts better.

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn, of the extra ``run``, is not installed.
    TypeError, ValueError
        As `log_me`, and if a class has fewer rows than folds, folds are fewer than two
        or more than rows, or the penalty is not positive.

    Warns
    -----
    UserWarning
        If labels are a few whole numbers given as floats.

    References
    ----------
    Alain & Bengio (2017), "Understanding intermediate layers using linear classifier
    probes"; in folds, so that features that outnumber rows are not all alike.

    Examples
    --------
    >>> features = np.linspace(-1, 1, 20)[:, None]
    >>> probe_accuracy(features, features[:, 0] > 0)
    1.0
    """
    if folds != int(folds) or folds < 2 or not 0 < penalty < np.inf:
        raise ValueError(
            f"folds is {folds} and penalty {penalty}, but folds must be a whole number "
            "from 2 and the penalty positive; leave them out for 5 and 1"
        )
    found = task(features, labels)
    return probe_accuracy_of(
        found, folds=int(folds), penalty=penalty, generator=generator
    )


def probe_accuracy_of(
    task: Task,
    *,
    folds: int = 5,
    penalty: float = 1.0,
    generator: np.random.Generator | None = None,
) -> float:
    """Accuracy or R^2 of what has been checked: see `probe_accuracy`."""
    if task.numbers is None:
        options: Any = {"folds": folds, "penalty": penalty, "generator": generator}
        return float(predicted_of(task, **options).mean())
    _need_rows(task, folds, f"has {folds} folds and")
    linear = need("sklearn.linear_model", "run")
    selection = need("sklearn.model_selection", "run")
    probe = linear.LogisticRegression(C=1 / penalty, max_iter=2000)
    deal = selection.StratifiedKFold(**_dealt(folds, generator))
    rows = _scaled_rows(task)
    found = selection.cross_val_predict(probe, rows, task.numbers, cv=deal)
    return float((found == task.numbers).mean())


def predicted_of(
    task: Task,
    *,
    folds: int = 5,
    penalty: float = 1.0,
    generator: np.random.Generator | None = None,
) -> np.ndarray:
    """R^2 of each column of quantities, (k,)."""
    if folds > len(task.columns):
        raise Undefined(
            f"there are {len(task.columns)} rows for {folds} folds; pass fewer"
        )
    linear = need("sklearn.linear_model", "run")
    selection = need("sklearn.model_selection", "run")
    y = task.columns - task.columns.mean(0)
    y = y / y.std(0)
    probe = linear.Ridge(alpha=penalty)
    deal = selection.KFold(**_dealt(folds, generator))
    found = selection.cross_val_predict(probe, _scaled_rows(task), y, cv=deal)
    return 1 - np.square(y - found.reshape(y.shape)).sum(0) / len(y)


def _dealt(folds: int, generator: np.random.Generator | None) -> dict[str, Any]:
    """How rows are dealt to folds, for scikit-learn."""
    seed = int((generator or np.random.default_rng(0)).integers(2**31))
    return {"n_splits": folds, "shuffle": True, "random_state": seed}


def _scaled_rows(task: Task) -> np.ndarray:
    """Rows of mean variance 1, turned into as few coordinates as there are rows."""
    rows, (n, d) = task.centred, task.features.shape
    scale = (n * d) ** 0.5 / np.linalg.norm(rows)
    if d > n:
        factor: Any = qr(rows.T, mode="r", check_finite=False)[0]
        rows = factor[:n].T
    return rows * scale


def _need_rows(task: Task, least: int, why: str) -> None:
    for number in np.flatnonzero(task.counts < least):
        name = task.classes[number].item() if task.classes is not None else number
        raise Undefined(
            f"class {name!r} has too few rows, {task.counts[number]:.0f}: the score "
            f"{why} needs {least} of each class; pass more, or leave the class out"
        )
