"""Scores of a source network's probabilities: no features are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import arrays
from ..array_kinds import precision
from ..arrays import Values
from ._task import check_order, check_rows, classes_of, refuse_quantities

_NAME = "source_probabilities"


def leep(source_probabilities: Values, labels: Any) -> float:
    """LEEP: mean log likelihood of labels read off a source's classes (Nguyen 2020).

    With theta(x)_z the probability that the source gives its class z, and P(y | z) from
    P(y, z) = sum of theta(x_i)_z over the rows of class y / n, it is the mean over rows
    of log sum_z P(y_i | z) theta(x_i)_z.

    Parameters
    ----------
    source_probabilities : array (n, m)
        Softmax outputs of the source on the target's inputs; m its classes. Each row
        adds to 1, but for rounding, which is divided out.
    labels : array (n,)
        Classes of the target: integers, text or booleans.

    Returns
    -------
    float
        In nats, at most 0; invariant under the order and the names of either's classes.

    Raises
    ------
    TypeError, ValueError
        If the arguments are swapped, rows differ, a row has a negative entry or does
        not add to 1, or labels are quantities, of one class or all different.

    References
    ----------
    Nguyen et al. (2020), "LEEP: a new measure to evaluate transferability of learned
    representations", ICML, Eqs. 1 and 2.

    Examples
    --------
    >>> leep([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], ["a", "a", "b"])
    0.0
    """
    return leep_of(*_checked(source_probabilities, labels, "leep"))


def nce(source_probabilities: Values, labels: Any) -> float:
    """NCE: minus the entropy of labels given the source's likeliest class (Tran 2019).

    Parameters
    ----------
    source_probabilities : array (n, m)
        As of `leep`; their arg max counts, the first of equal ones.
    labels : array (n,)
        Classes of the target: integers, text or booleans.

    Returns
    -------
    float
        sum_yz P(y, z) log P(y | z) in nats, from minus the entropy of the labels to 0.

    Raises
    ------
    TypeError, ValueError
        As `leep`.

    References
    ----------
    Tran, Nguyen & Hassner (2019), "Transferability and hardness of supervised
    classification tasks", ICCV.

    Examples
    --------
    >>> nce([[0.6, 0.4], [0.7, 0.3], [0.2, 0.8]], ["a", "a", "b"])
    0.0
    """
    return nce_of(*_checked(source_probabilities, labels, "nce"))


def leep_of(theta: np.ndarray, numbers: np.ndarray) -> float:
    """LEEP of rows that add to 1 and numbers of classes."""
    joint = np.eye(numbers.max() + 1)[numbers].T @ theta  # (k, m)
    totals = joint.sum(0)
    given = np.divide(joint, totals, out=np.zeros_like(joint), where=totals > 0)
    likelihood = np.einsum("ij,ij->i", given[numbers], theta)
    return min(float(np.log(likelihood).mean()), 0.0)


def nce_of(theta: np.ndarray, numbers: np.ndarray) -> float:
    """NCE of rows of probabilities and numbers of classes."""
    likeliest = np.eye(theta.shape[1])[theta.argmax(1)]
    return leep_of(likeliest, numbers)  # what LEEP is of a source without doubt


def check_probabilities(source_probabilities: Values) -> np.ndarray:
    """Rows of probabilities (n, m), float64, that add to 1.

    Raises
    ------
    TypeError, ValueError
        If they are none.
    """
    given = arrays.features_matrix(source_probabilities)
    theta = arrays.to_numpy(given).astype(np.float64)
    arrays.check_finite(theta, _NAME)
    for i, j in np.argwhere(theta < 0):
        raise ValueError(
            f"{_NAME}[{i}, {j}] is {theta[i, j]} but a probability is never negative; "
            "pass softmax outputs, not logits or features"
        )
    totals = theta.sum(1)
    for row in np.flatnonzero(np.abs(totals - 1) > max(1e-4, 16 * precision(given))):
        raise ValueError(
            f"row {row} of {_NAME} adds to {totals[row]:.6g} but must add to 1; pass "
            "softmax outputs, not logits or features"
        )
    return theta / totals[:, None]


def _checked(
    source_probabilities: Values, labels: Any, score: str
) -> tuple[np.ndarray, np.ndarray]:
    check_order(source_probabilities, labels, _NAME)
    refuse_quantities(labels, score)
    theta = check_probabilities(source_probabilities)
    check_rows(len(theta), labels, _NAME)
    return theta, classes_of(labels)[1]
