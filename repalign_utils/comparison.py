"""The rule by which two runs of a section agree."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .statistics import Interval, interval, pairs_factor

# Two runs of the same seeds on two processors: what no training has touched differs by
# rounding alone, which float32 forward passes and single precision inputs make this.
RELATIVE, ABSOLUTE = 1e-5, 1e-8
# Share of values that may lie beyond two standard errors, of a section and of all
# sections together, and the chance of a false alarm by single values. See `Agreement`.
MOST_OF_SECTION, MOST_OF_ALL, FALSE_ALARM = 1 / 2, 1 / 5, 0.01
# Data that all seeds of a run share are drawn once, from the first seed; no interval of
# that run holds how much another draw would move its values. Runs of other seeds are
# therefore compared with a margin, as a share of the value. Of a small value that is
# nothing, such as a level of chance of 0.002, which hangs on the mean of the targets
# drawn (over 20 draws of 400 slices its standard deviation is 0.003): of a quantity
# with a range, at least so much of a tenth of the range is allowed.
OTHER_SEEDS, OF_RANGE = 0.1, 0.1


@dataclass(frozen=True)
class Difference:
    """One quantity in two runs.

    Attributes
    ----------
    name : of the quantity
    first, second : its intervals in the two runs
    errors : distance of the means, beyond the margin, in standard errors of that
        distance, from the spread over seeds in both runs (Welch's statistic); 0 where
        the values are equal to rounding, infinite where there is a distance and no
        spread
    p_value : of Welch's t test
    unequal : whether values that no training has touched differ by more than rounding
    """

    name: str
    first: Interval
    second: Interval
    errors: float
    p_value: float
    unequal: bool

    def __str__(self) -> str:
        """Say what the two runs found, in a line."""
        # Beyond a thousand there is hardly a spread, and the number says nothing.
        errors = f"{self.errors:.1f}" if self.errors < 1000 else "over 1,000"
        return (
            f"{self.name}: {self.first} against {self.second}, {errors} standard errors"
        )


def difference(
    name: str,
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    *,
    exact: bool = False,
    margin: float = 0.0,
) -> Difference:
    """Compare the values of one quantity in two runs.

    Parameters
    ----------
    name : of the quantity
    first, second : what each recorded: ``values``, an array (seeds,), not necessarily
        of one length; ``within``, its range, if it has one; and ``pairs`` if the values
        are means over pairs of units; see `statistics.interval` for both
    exact : whether the values, seed by seed, follow from the same data without
        training, so that they may differ by rounding alone
    margin : share of the larger mean, or of a tenth of the range if that is larger, by
        which the means may differ before the distance counts; what is left of it is
        compared with its standard error

    References
    ----------
    Welch (1947), "The generalization of Student's problem when several different
    population variances are involved", Biometrika

    Examples
    --------
    >>> low, high = {"values": [0.1, 0.2, 0.3]}, {"values": [0.2, 0.3, 0.4]}
    >>> found = difference("gain", low, high)
    >>> round(found.errors, 2), round(found.p_value, 2)
    (1.22, 0.29)
    """
    from scipy.special import stdtr

    a, b = (np.asarray(e["values"], dtype=np.float64) for e in (first, second))
    within = first.get("within") or second.get("within")
    pairs = second.get("pairs", False)
    same = len(a) == len(b) and np.allclose(a, b, RELATIVE, ABSOLUTE)
    means = float(a.mean()), float(b.mean())
    least = OF_RANGE * (within[1] - within[0]) if within else 0.0
    allowed = margin * max(least, *map(abs, means))
    gap = 0.0 if same else max(0.0, abs(means[0] - means[1]) - allowed)
    squares = [_squared_error(v, pairs) for v in (a, b)]
    error = math.sqrt(sum(squares))
    errors = gap / error if error else (math.inf if gap else 0.0)
    freedom = _freedom(squares, [len(a), len(b)])
    p_value = 2 * float(stdtr(freedom, -errors))
    mine, theirs = (interval(v, within=within, pairs=pairs) for v in (a, b))
    return Difference(name, mine, theirs, errors, p_value, exact and not same)


def _squared_error(values: np.ndarray, pairs: bool) -> float:
    n = len(values)
    wider = pairs_factor(n) if pairs and n > 2 else 1.0
    return wider**2 * float(values.var(ddof=1)) / n if n > 1 else 0.0


def _freedom(squares: list[float], counts: list[int]) -> float:
    """Degrees of freedom of the standard error, by Welch and Satterthwaite."""
    parts = sum(s * s / (n - 1) for s, n in zip(squares, counts, strict=True) if s)
    return sum(squares) ** 2 / parts if parts else 1.0


@dataclass(frozen=True)
class Agreement:
    """Whether two runs of one section tell the same.

    They do if (1) both recorded the same quantities, (2) what no training has touched
    is equal to rounding, (3) no single value is so far off that chance would do it to
    any of the section's values once in a hundred times (Welch's test, Bonferroni), and
    (4) at most half of the values lie beyond two standard errors. The last sees what
    the third cannot: with three seeds the intervals are so wide that hardly any single
    value leaves them. If the values were independent, about one in ten would lie
    beyond two standard errors by chance; those of one section come from the same
    networks and leave together, hence a half. Over many sections that evens out, and
    `overall` asks for at most a fifth.

    Recorded curves take no part: the points of one hang together, so that a single
    network that came out otherwise would move all of them.

    Attributes
    ----------
    differences : of each quantity that both runs recorded
    missing : quantities that only one of them recorded
    """

    differences: tuple[Difference, ...]
    missing: tuple[str, ...] = ()

    @property
    def beyond(self) -> list[Difference]:
        """Quantities whose means are more than two standard errors apart."""
        return [d for d in self.differences if d.errors > 2]

    @property
    def reasons(self) -> list[str]:
        """Why the runs do not agree, a line each; empty where they do."""
        count = len(self.differences)
        told = [f"{name} was recorded by one run only" for name in self.missing]
        told += [f"not equal to rounding: {d}" for d in self.differences if d.unequal]
        told += [
            f"beyond the combined intervals: {d}"
            for d in self.differences
            if d.p_value < FALSE_ALARM / count
        ]
        return told + _too_many(self.differences, MOST_OF_SECTION)


def _too_many(differences: Sequence[Difference], most: float) -> list[str]:
    far = [d for d in differences if d.errors > 2]
    if len(far) <= most * len(differences):
        return []
    return [
        f"{len(far)} of {len(differences)} values lie beyond two standard errors: "
        + "; ".join(map(str, far))
    ]


def overall(agreements: Iterable[Agreement]) -> list[str]:
    """Why the sections, each in agreement, do not agree as a whole; empty if they do.

    Parameters
    ----------
    agreements : of all sections
    """
    return _too_many([d for a in agreements for d in a.differences], MOST_OF_ALL)


def agreement(
    first: Mapping[str, Mapping], second: Mapping[str, Mapping], *, same: bool = True
) -> Agreement:
    """Compare two runs of a section.

    Parameters
    ----------
    first, second : name -> what was recorded, as of `difference`, and ``exact`` for
        what no training has touched
    same : whether both drew the same data with the same seeds: then what is exact has
        to be equal to rounding; of others, values may part by `OTHER_SEEDS` uncounted

    Examples
    --------
    >>> first = {"gain": {"values": [0.51, 0.52, 0.51]}}
    >>> second = {"gain": {"values": [0.11, 0.1, 0.11]}}
    >>> agreement(first, second).reasons[0]
    'beyond the combined intervals: gain: 0.513 (3 values: 0.510 to 0.520) against ...'
    """
    margin = 0.0 if same else OTHER_SEEDS
    found = [
        difference(
            name,
            first[name],
            second[name],
            exact=same and second[name].get("exact", False),
            margin=margin,
        )
        for name in first
        if name in second
    ]
    return Agreement(tuple(found), tuple(sorted(first.keys() ^ second.keys())))
