"""Units of one network matched with those of another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..arrays import Values
from ._information import mutual_information
from ._rows import centred

_SCORES = ("correlation", "mutual_information")


@dataclass(frozen=True)
class UnitMatch:
    """Partners of the units of X among those of Y.

    Attributes
    ----------
    partner : array (p,), int
        Index of Y's unit for each unit of X; -1 for a unit that has none.
    score : array (p,), float64
        Score of the two; NaN for a unit without a partner.
    scores : array (p, q), float64
        Scores of all pairs.
    """

    partner: np.ndarray
    score: np.ndarray
    scores: np.ndarray

    def mean(self) -> float:
        """Mean score over units that have a partner; NaN if none has."""
        matched = self.partner >= 0
        return float(self.score[matched].mean()) if matched.any() else float("nan")

    def order(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of `scores` that put matched pairs on the diagonal.

        Rows follow the matching, as Li et al. (2016) display it: unit i of X, then the
        unit of X whose number its partner has, and so on until the cycle closes (or
        a chain ends, where not all are matched).

        Returns
        -------
        rows : array (p,), int
            Units of X; those without a partner come last.
        columns : array, int
            The partner of each row, repeated where units share one; after them units
            of Y that are no one's partner.

        Examples
        --------
        >>> X = np.random.default_rng(0).normal(size=(50, 4))
        >>> found = match_units(X, X[:, [1, 0, 3, 2]])
        >>> rows, columns = found.order()
        >>> np.diag(found.scores[np.ix_(rows, columns)]).round(6)
        array([1., 1., 1., 1.])
        """
        rows = np.array(_followed(self.partner), int)
        rest = np.setdiff1d(np.arange(len(self.partner)), rows)
        columns = self.partner[rows]
        left = np.setdiff1d(np.arange(self.scores.shape[1]), columns)
        return np.r_[rows, rest], np.r_[columns, left]


def match_units(
    X: Values, Y: Values, *, one_to_one: bool = True, score: str = "correlation"
) -> UnitMatch:
    """Partner in Y of each unit of X (Li et al. 2016, Section 3).

    Parameters
    ----------
    X, Y : arrays (n, p) and (n, q)
        Rows are the same inputs, or inputs and positions of a convolution.
    one_to_one : bool
        True: the matching with the largest sum of scores in which no unit of Y is
        taken twice; with p above q, p - q units of X have no partner. False: the best
        unit of Y for each unit of X, which several may share (semi-matching).
    score : {"correlation", "mutual_information"}
        Pearson correlation, with its sign; or mutual information in nats, of a
        histogram of ten bins a side (`mutual_information` says which).

    Returns
    -------
    `UnitMatch`
        A constant unit has no correlation: its scores are 0, and it has no partner and
        is none.

    Raises
    ------
    TypeError, ValueError
        If X or Y are no features, rows differ, no unit of a side varies, or `score` is
        unknown.

    References
    ----------
    Li, Yosinski, Clune, Lipson & Hopcroft (2016), "Convergent Learning: Do different
    neural networks learn the same representations?", ICLR.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> match_units(X, 2 * X[:, [2, 0, 3, 1]] + 1).partner
    array([1, 3, 0, 2])
    """
    if score not in _SCORES:
        raise ValueError(f"score is {score!r}; pass one of {', '.join(_SCORES)}")
    x, y = centred(X, Y)
    is_correlation = score == "correlation"
    scores = correlations(x, y) if is_correlation else mutual_information(X, Y)
    rows, columns = (np.flatnonzero(side.any(0)) for side in (x, y))
    usable = scores[np.ix_(rows, columns)]
    partner = np.full(scores.shape[0], -1)
    if one_to_one:
        i, j = linear_sum_assignment(usable, maximize=True)
        partner[rows[i]] = columns[j]
    else:
        partner[rows] = columns[usable.argmax(1)]
    matched = partner >= 0
    value = np.full(len(partner), np.nan)
    value[matched] = scores[matched, partner[matched]]
    return UnitMatch(partner, value, scores)


def correlations(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlations (p, q) of centred units; 0 with one that is constant."""
    lengths = [np.sqrt(np.square(side).sum(0)) for side in (x, y)]
    x, y = (
        np.divide(side, length, out=np.zeros_like(side), where=length > 0)
        for side, length in zip((x, y), lengths, strict=True)
    )
    return np.clip(x.T @ y, -1, 1)


def _followed(partner: np.ndarray) -> list[int]:
    """Units that have a partner, in the order in which the matching is followed."""
    taken = set(partner.tolist())
    # A chain begins at a number that is no partner; a cycle begins anywhere.
    starts = sorted(range(len(partner)), key=lambda unit: unit in taken)
    order: list[int] = []
    seen = set()
    for unit in starts:
        while unit < len(partner) and unit not in seen and partner[unit] >= 0:
            seen.add(unit)
            order.append(unit)
            unit = int(partner[unit])
    return order
