"""Intervals over units drawn anew, and the exact tests that verdicts rest on.

A unit is what was drawn anew for each value: a seed with its network and data, a source
network, a task.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.05  # of two-sided tests; an interval leaves out half of it at either end
FEWEST = 5  # units with which there is an interval
# A multiple of the range / q with a q up to this is a count, such as Kendall's tau of
# up to six things or a share of up to 15 pairs.
MOST_STEPS = 15
# Distance, as a share of the range, within which a value lies at an end or on a step:
# rank correlations and means of shares come with rounding.
ROUNDING = 1e-9
MOST_EXACT = 40  # units up to which all sign changes are counted
DRAWN = 100_000  # sign changes drawn beyond


@dataclass(frozen=True)
class Interval:
    """Mean over units with its 95 % interval.

    Attributes
    ----------
    mean : mean of the values
    low, high : ends of the interval; None below five units, which have none
    n : number of values
    least, greatest : of the values
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    least: float
    greatest: float

    def __repr__(self) -> str:
        """Value as the book prints it, for example ``0.412 [0.398, 0.426]``."""
        told = number(self.mean)
        if self.low is not None and self.high is not None:
            return f"{told} [{number(self.low)}, {number(self.high)}]"
        if self.n == 1:
            return told
        least, greatest = number(self.least), number(self.greatest)
        spread = "all the same" if least == greatest else f"{least} to {greatest}"
        return f"{told} ({self.n} values: {spread})"


def number(value: float) -> str:
    """Three significant digits, without an exponent between 1e-3 and 1e5."""
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e5:
        return f"{value:.2e}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{2 - math.floor(math.log10(abs(value)))}f}"


def interval(
    values, *, within: Sequence[float] | None = None, pairs: bool = False
) -> Interval:
    """Mean and 95 % interval over independent units, from five of them on.

    Parameters
    ----------
    values : array (units,)
    within : least and greatest value that the quantity can have, such as (0, 1) for
        shares, areas and accuracies, (-1, 1) for rank correlations; None for one
        without bounds, such as a difference
    pairs : whether a value is a unit's mean over its pairs with all other units, as how
        far it agrees with their order is, of which Kendall's rank correlation is the
        mean. Each pair then counts with two units, and the interval is the jackknife's
        (Arvesen 1969), wider by 2 (n - 1) / (n - 2) than that of independent values

    Returns
    -------
    Interval. Without bounds it is Student's, which holds the truth less often where
    values are very lopsided (for exponential ones and five units in 88 % of samples).
    Within bounds it is

    - that of Clopper and Pearson (1934), exact, for values that all lie at the two ends
    - for one and the same count in all units (a multiple of one q-th of the range with
      q up to 15: rank correlations of few things, shares of few pairs) what n equal
      values tell of any variable in the range: with p = (level / 2)^(1/n), the value's
      own chance is at least p, so that the mean lies at least p of the way from either
      end to it. A point would tell that no other value can come; where one comes in a
      tenth of the cases, it held the truth in 42 % of samples of five
    - else Student's for the logit of the mean on the range, by the delta method, and so
      inside of it; the mean itself where a measured value has no spread

    ``python -m benchmarks.coverage`` measures how often each of them holds the truth.

    Raises
    ------
    ValueError
        If there is no value, they are not one per unit, or one lies outside the range.

    References
    ----------
    Clopper and Pearson (1934), "The use of confidence or fiducial limits illustrated in
    the case of the binomial", Biometrika.
    Arvesen (1969), "Jackknifing U-statistics", Annals of Mathematical Statistics.
    Hanley and Lippman-Hand (1983), "If nothing goes wrong, is everything all right?",
    JAMA, for n equal outcomes.

    Examples
    --------
    >>> interval([0.4, 0.5, 0.6, 0.5, 0.5])
    0.500 [0.412, 0.588]
    >>> interval([0.97, 0.9, 0.99, 0.98, 0.96], within=(0, 1))
    0.960 [0.884, 0.987]
    >>> interval([1, 1, 1, 1, 1], within=(-1, 1))
    1.00 [-0.0436, 1.00]
    >>> interval([0.39, 0.43, 0.416])
    0.412 (3 values: 0.390 to 0.430)
    """
    v = np.asarray(values, dtype=np.float64)
    if v.ndim != 1 or not len(v):
        raise ValueError(
            f"values have the shape {v.shape}; expected (units,), one number for each "
            "unit, and at least one"
        )
    if within is not None:
        v = _inside(v, within)
    mean, n = float(v.mean()), len(v)
    ends: tuple[float | None, float | None] = (None, None)
    if n >= FEWEST:
        wider = pairs_factor(n) if pairs else 1.0
        ends = _students(v, wider) if within is None else _bounded(v, within, wider)
    return Interval(mean, *ends, n, float(v.min()), float(v.max()))


def pairs_factor(n: int) -> float:
    """How much wider the error of a mean over pairs is than of independent values.

    Parameters
    ----------
    n : units, more than two

    Examples
    --------
    >>> pairs_factor(12)
    2.2
    """
    return 2 * (n - 1) / (n - 2)


def _inside(v: np.ndarray, within: Sequence[float]) -> np.ndarray:
    """Values in their range, without the rounding that led out of it."""
    low, high = within
    if not low < high:
        raise ValueError(
            f"within is ({low:g}, {high:g}); expected the least value, then the "
            "greatest"
        )
    outside = np.maximum(low - v, v - high)
    far = np.nan_to_num(outside, nan=np.inf) > ROUNDING * (high - low)
    if far.any():
        raise ValueError(
            f"value {v[far][0]:g} at {int(far.argmax())} lies outside {low:g} to "
            f"{high:g}; name the range that the quantity has, or none for a difference"
        )
    return v.clip(low, high)


def _students(v: np.ndarray, wider: float) -> tuple[float, float]:
    mean, half = float(v.mean()), wider * _half_width(v)
    return mean - half, mean + half


def _half_width(v: np.ndarray) -> float:
    from scipy.special import stdtrit

    error = v.std(ddof=1) / math.sqrt(len(v))
    return float(stdtrit(len(v) - 1, 1 - LEVEL / 2) * error)


def _bounded(
    v: np.ndarray, within: Sequence[float], wider: float
) -> tuple[float, float]:
    low, high = within
    u = (v - low) / (high - low)
    at_ends = np.minimum(u, 1 - u).max() <= ROUNDING
    if at_ends:
        ends = _binomial(int(np.rint(u).sum()), len(u))
    elif np.ptp(u) <= ROUNDING and _is_count(u.mean()):
        chance = (LEVEL / 2) ** (1 / len(u))
        ends = u.mean() * chance, 1 - (1 - u.mean()) * chance
    else:
        ends = _on_logit(u, wider)
    return low + (high - low) * float(ends[0]), low + (high - low) * float(ends[1])


def _binomial(count: int, n: int) -> tuple[float, float]:
    """Interval of Clopper and Pearson for the chance of what came ``count`` times."""
    from scipy.special import betaincinv

    low = betaincinv(count, n - count + 1, LEVEL / 2) if count else 0.0
    high = betaincinv(count + 1, n - count, 1 - LEVEL / 2) if count < n else 1.0
    return float(low), float(high)


def _is_count(u: float) -> bool:
    """Whether a share of the range is a multiple of 1 / q, for a q of at most 15."""
    steps = np.arange(1, MOST_STEPS + 1) * u
    return bool((abs(steps - np.rint(steps)) <= MOST_STEPS * ROUNDING).any())


def _on_logit(u: np.ndarray, wider: float) -> tuple[float, float]:
    from scipy.special import expit, logit

    mean = float(u.mean())
    half = wider * _half_width(u) / (mean * (1 - mean))
    low, high = expit([logit(mean) - half, logit(mean) + half])
    # A point is the mean itself, not what there and back makes of it.
    return min(mean, float(low)), max(mean, float(high))


def sign_flip(
    values,
    *,
    bound: float = 0.0,
    generator: np.random.Generator | None = None,
) -> float:
    """Two-sided p-value of the sign-flip test that values centre on a bound.

    If they lie symmetrically about it, every change of signs of ``values - bound`` was
    as likely as the one seen. The p-value is the share of all 2^n changes whose sum is
    as far from zero: exact, whatever the distribution, up to 40 values. It is never
    below 2 / 2^n; see `units_needed`.

    Parameters
    ----------
    values : array (units,)
    bound : centre that is tested
    generator : for more than 40 values, of which 100,000 changes of sign are drawn;
        the p-value is then (1 + count) / (1 + 100,000)

    Raises
    ------
    ValueError
        If there is no value, they are not one per unit, or there are more than 40 and
        no generator.

    References
    ----------
    Fisher (1935), "The Design of Experiments", section 21.

    Examples
    --------
    >>> sign_flip([0.1, 0.3, 0.2, 0.2, 0.4])
    0.0625
    """
    d = np.asarray(values, dtype=np.float64) - bound
    if d.ndim != 1 or not len(d):
        raise ValueError(
            f"values have the shape {d.shape}; expected (units,), one number for each "
            "unit, and at least one"
        )
    # Sums that are equal but for rounding count as equal.
    least = abs(d.sum()) - ROUNDING * abs(d).sum()
    if len(d) > MOST_EXACT:
        if generator is None:
            raise ValueError(
                f"{len(d)} values have too many changes of sign to count (up to "
                f"{MOST_EXACT}); pass generator=numpy.random.default_rng(0) to draw "
                "some of them"
            )
        sums = [
            generator.choice([-1.0, 1.0], size=(DRAWN // 100, len(d))) @ d
            for _ in range(100)
        ]
        return float(1 + (abs(np.concatenate(sums)) >= least).sum()) / (1 + DRAWN)
    # Each sum is one of the first half of the values and one of the second.
    first, second = (
        _signed_sums(d[: len(d) // 2]),
        np.sort(_signed_sums(d[len(d) // 2 :])),
    )
    above = len(second) - np.searchsorted(second, least - first, side="left")
    below = np.searchsorted(second, -least - first, side="right")
    if least <= 0:
        return 1.0
    return float(above.sum() + below.sum()) / 2.0 ** len(d)


def _signed_sums(d: np.ndarray) -> np.ndarray:
    """Sums under all changes of sign, (2^n,)."""
    sums = np.zeros(1)
    for value in d:
        sums = np.concatenate([sums - value, sums + value])
    return sums


def units_needed(level: float, *, tests: int = 1) -> int:
    """Least number of units with which a two-sided sign-flip test can reach a level.

    Parameters
    ----------
    level : p-value to reach, in (0, 1)
    tests : number of tests that Holm's correction takes together; the smallest of
        their p-values has to reach ``level / tests``

    Raises
    ------
    ValueError
        If the level is not in (0, 1) or there is no test.

    Examples
    --------
    >>> units_needed(0.05), units_needed(0.05, tests=6)
    (6, 8)
    """
    if not 0 < level < 1 or tests < 1:
        raise ValueError(
            f"level is {level:g} and tests is {tests}; expected a level between 0 and "
            "1, such as 0.05, and at least one test"
        )
    units = 1
    while 2 * tests > level * 2**units:
        units += 1
    return units


def holm(p_values) -> np.ndarray:
    """P-values corrected for their number: at most a level where all hold at it.

    Parameters
    ----------
    p_values : array (tests,)

    Returns
    -------
    array (tests,), float64, in the same order, at most 1

    Raises
    ------
    ValueError
        If one is not in 0 to 1, or they are not one per test.

    References
    ----------
    Holm (1979), "A simple sequentially rejective multiple test procedure",
    Scandinavian Journal of Statistics.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p_values are {p.tolist()}; expected one in 0 to 1 per test")
    order = np.argsort(p)
    corrected = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = corrected.clip(max=1.0)
    return adjusted
