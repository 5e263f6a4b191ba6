"""The level of chance of similarities that have a closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from ..arrays import Values
from ..spelling import did_you_mean
from ._bases import basis
from ._cka import hsic, kernel_ratio
from ._rows import Side, sides

Closed = Literal["cka", "squared_cca"]
CLOSED = get_args(Closed)


@dataclass(frozen=True)
class ChanceLevel:
    """A similarity, and what it is on average over all permutations of the rows of Y.

    Attributes
    ----------
    measure : "cka" or "squared_cca"
    value : float
        Of the rows as they are.
    mean, deviation : float
        Over all n! permutations, exactly; the deviation is NaN below four rows.
    n : int
        Rows.
    """

    measure: str
    value: float
    mean: float
    deviation: float
    n: int

    @property
    def calibrated(self) -> float:
        """`calibrated` of value and mean: 0 on average where rows do not correspond."""
        return float(calibrated(self.value, self.mean))


def calibrated(value, null):
    """(value - null) / (1 - null): 0 at chance, 1 for equal; 0 where chance gives 1.

    Parameters
    ----------
    value, null : float or arrays of one shape

    Examples
    --------
    >>> float(calibrated(0.75, 0.5)), float(calibrated(1.0, 1.0))
    (0.5, 0.0)
    """
    room = 1.0 - np.asarray(null, dtype=float)
    above = np.asarray(value, dtype=float) - null
    return np.divide(above, room, out=np.zeros_like(room), where=room > 1e-12)


def chance_level(X: Values, Y: Values, *, measure: Closed = "cka") -> ChanceLevel:
    """Linear CKA or mean squared canonical correlation, with its level of chance.

    Both are tr(A B) over a number that no permutation of rows moves, for A and B with
    zero row sums: Gram matrices for CKA, projections for CCA. A random permutation P
    gives E tr(A P B P') = tr A tr B / (n - 1), thus

    - CKA: tr K tr L / ((n - 1) ||K||_F ||L||_F),
    - mean squared correlation: max(rank X, rank Y) / (n - 1).

    Independent layers of d units with equal variance have a CKA of about
    d / (n - 1 + d). The deviation is that of the RV coefficient. Together they take
    little more time than `cka` alone.

    Parameters
    ----------
    X, Y : arrays (n, p) and (n, q)
        Rows are the same inputs.
    measure : {"cka", "squared_cca"}
        "squared_cca" is the mean of `cca(X, Y).correlations ** 2`.

    Returns
    -------
    ChanceLevel

    Raises
    ------
    TypeError, ValueError
        As `cka`, or if there is no closed form for the measure.

    References
    ----------
    Kazi-Aoual, Hitier, Sabatier & Lebreton (1995), "Refined approximations to
    permutation tests for multivariate inference".

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(32, 128)), rng.normal(size=(32, 128))
    >>> found = chance_level(X, Y)
    >>> round(found.value, 2), round(found.mean, 2), round(found.calibrated, 2)
    (0.8, 0.79, 0.03)
    """
    if measure not in CLOSED:
        raise ValueError(
            f"measure is {measure!r}; {did_you_mean(measure, CLOSED)}chance has a "
            "closed form for 'cka' and 'squared_cca'; use significance for others"
        )
    x, y = sides(X, Y)
    both, of_x, of_y = (_kernels if measure == "cka" else _projections)(x, y)
    n = len(x.rows)
    mean, variance = trace_moments(of_x, of_y, n)
    if measure == "cka":
        scale = (of_x.squares * of_y.squares) ** 0.5
        value = kernel_ratio(both, of_x.squares, of_y.squares)
    else:
        scale = min(of_x.trace, of_y.trace)
        value = min(both / scale, 1.0)
    mean, deviation = min(mean / scale, 1.0), float(np.sqrt(variance)) / scale
    return ChanceLevel(measure, float(value), float(mean), float(deviation), n)


class Summary(NamedTuple):
    """What the moments need of a symmetric matrix (n, n) with zero row sums.

    Attributes
    ----------
    trace : float
    squares : float
        Sum of squares of all entries.
    diagonal : float
        Sum of squares of the diagonal.
    """

    trace: float
    squares: float
    diagonal: float


def trace_moments(a: Summary, b: Summary, n: int) -> tuple[float, float]:
    """Mean and variance of tr(A P B P') over all permutations P.

    Parameters
    ----------
    a, b : of A and of B
    n : rows, two at least; the variance is NaN below four
    """
    mean = a.trace * b.trace / (n - 1)
    if n < 4:
        return mean, float("nan")
    spread_a, peak_a = _spread(a, n)
    spread_b, peak_b = _spread(b, n)
    off = 2 * spread_a * spread_b
    on = (n - 1) / (n * (n - 3)) * peak_a * peak_b
    variance = (off + on) / ((n + 1) * (n - 1) ** 2 * (n - 2))
    return mean, max(variance, 0.0)  # rounding, where no permutation moves it


def _spread(a: Summary, n: int) -> tuple[float, float]:
    """How far eigenvalues are from equal, and how much of them a few rows hold."""
    squared = a.trace**2
    peak = n * (n + 1) * a.diagonal - (n - 1) * (squared + 2 * a.squares)
    return (n - 1) * a.squares - squared, peak


def _kernels(x: Side, y: Side) -> tuple[float, Summary, Summary]:
    """tr(K L) of linear Gram matrices."""
    both, *squares = hsic(x.rows, y.rows)
    of_x, of_y = map(_summary, (x.rows, y.rows), squares)
    return both, of_x, of_y


def _summary(rows: np.ndarray, squares: float) -> Summary:
    diagonal = np.einsum("ij,ij->i", rows, rows)
    return Summary(float(diagonal.sum()), squares, float(diagonal @ diagonal))


def _projections(x: Side, y: Side) -> tuple[float, Summary, Summary]:
    """tr(A B) of the projections on the spans of the units."""
    bases = []
    for side in (x, y):
        found: Any = basis(side)
        rows = found.vectors
        bases.append(side.rows @ found.coefficients if rows is None else rows)
    cross = bases[0].T @ bases[1]
    summaries = []
    for rows in bases:
        leverage = np.einsum("ij,ij->i", rows, rows)
        rank = float(rows.shape[1])
        summaries.append(Summary(rank, rank, float(np.vdot(leverage, leverage))))
    return float(np.vdot(cross, cross)), summaries[0], summaries[1]
