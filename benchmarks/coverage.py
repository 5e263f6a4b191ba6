"""How often each kind of interval holds a known truth, and how wide it is.

``python -m benchmarks.coverage`` draws 2,000 times 5, 10 and 30 units of each kind of
quantity that the book records, and prints the share of the 95 % intervals that hold
the truth, their mean width in units of the range (of the standard deviation, where
there is none), and from 1,000 draws the share of false alarms of the sign-flip test
at .05.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, partial
from itertools import combinations
from typing import NamedTuple

import numpy as np

from repalign_utils.statistics import interval, sign_flip

UNITS = (5, 10, 30)
DRAWS = 2000
TRUTH = 400_000  # units whose mean is the truth where there is no formula


class Kind(NamedTuple):
    """A quantity: how its values are drawn, with their mean and range.

    Attributes
    ----------
    name : of the quantity
    draw : generator and shape -> values
    mean : of their distribution; None if it is to be drawn
    within : range, or None
    """

    name: str
    draw: Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
    mean: float | None
    within: tuple[float, float] | None


def area(rng, shape, mean: float):
    """Beta variables of this mean and the spread of 50 coin throws."""
    return rng.beta(50 * mean, 50 * (1 - mean), shape)


def tau(rng, shape, things: int, signal: float):
    """Kendall's tau of an order with scores that rise by signal, under noise 1."""
    scores = signal * np.arange(things) + rng.normal(size=(*shape, things))
    pairs = list(combinations(range(things), 2))
    right = sum(np.sign(scores[..., j] - scores[..., i]) for i, j in pairs)
    return right / len(pairs)


def seldom(rng, shape, value: float, other: float, chance: float):
    """One value, and seldom another."""
    return np.where(rng.random(shape) < chance, other, value)


def share(rng, shape, trials: int, chance: float):
    """Binomial shares."""
    return rng.binomial(trials, chance, shape) / trials


KINDS = (
    Kind("difference, normal", lambda r, s: r.normal(size=s), 0, None),
    Kind("difference, skewness 1", lambda r, s: r.gamma(4, 0.5, s) - 2, 0, None),
    Kind("difference, skewness 2", lambda r, s: r.exponential(size=s) - 1, 0, None),
    *(
        Kind(f"area near {m:g}", partial(area, mean=m), m, (0, 1))
        for m in (0.05, 0.5, 0.95)
    ),
    *(
        Kind(f"accuracy {p:g} on 50", partial(share, trials=50, chance=p), p, (0, 1))
        for p in (0.6, 0.9, 0.98)
    ),
    *(
        Kind(
            f"tau of {n}, {word} order", partial(tau, things=n, signal=g), None, (-1, 1)
        )
        for n in (3, 6)
        for word, g in (("no", 0.0), ("weak", 0.5), ("clear", 2.0))
    ),
    Kind(
        "tau 1/3, seldom 1",
        partial(seldom, value=1 / 3, other=1, chance=0.1),
        0.4,
        (-1, 1),
    ),
    *(
        Kind(f"share {p:g} of 6 pairs", partial(share, trials=6, chance=p), p, (0, 1))
        for p in (0.5, 0.9)
    ),
    *(
        Kind(f"share of units, {p:g}", partial(share, trials=1, chance=p), p, (0, 1))
        for p in (0.5, 0.8, 0.95)
    ),
)
# Symmetric about 0, as the sign-flip test supposes, and one that is not.
CENTRED = {
    "sign flip, normal": lambda r, s: r.normal(size=s),
    "sign flip, heavy tails": lambda r, s: r.standard_t(2, size=s),
    "sign flip, skewness 2": lambda r, s: r.exponential(size=s) - 1,
}


def coverage(
    kind: Kind, units: int, *, generator: np.random.Generator, draws: int = DRAWS
) -> tuple[float, float]:
    """Share of intervals that hold the truth, and their mean width.

    Parameters
    ----------
    kind : what is drawn
    units : values per interval
    generator : of the draws
    draws : number of intervals
    """
    truth = kind.mean
    if truth is None:
        truth = float(kind.draw(generator, (TRUTH // 10, 10)).mean())
    # The order of units means nothing, and of counts the same come again and again.
    values = np.sort(kind.draw(generator, (draws, units)), axis=1)

    @cache
    def ends(row: bytes):
        found = interval(np.frombuffer(row), within=kind.within)
        return found.low, found.high

    low, high = np.array([ends(row.tobytes()) for row in values]).T
    slack = 1e-9  # of the ends, which are computed to rounding
    holds = (low - slack <= truth) & (truth <= high + slack)
    size = 1.0 if kind.within is None else kind.within[1] - kind.within[0]
    return float(holds.mean()), float((high - low).mean()) / size


def false_alarms(
    draw, units: int, *, generator: np.random.Generator, draws: int = DRAWS // 2
) -> float:
    """Share of sign-flip tests at or below .05 where the centre is 0."""
    values = draw(generator, (draws, units))
    return float(np.mean([sign_flip(row) <= 0.05 for row in values]))


def main() -> int:
    """Print the tables."""
    line = "{:<24}" + " {:>7}" * 2 * len(UNITS)
    print(line.format("coverage, then width", *(f"{n} units" for n in UNITS), *UNITS))
    for kind in KINDS:
        generator = np.random.default_rng(0)
        found = [coverage(kind, n, generator=generator) for n in UNITS]
        shares, widths = zip(*found, strict=True)
        cells = [f"{x:.3f}" for x in (*shares, *widths)]
        print(line.format(kind.name, *cells), flush=True)
    for name, draw in CENTRED.items():
        generator = np.random.default_rng(0)
        rates = [false_alarms(draw, n, generator=generator) for n in UNITS]
        print(line.format(name, *(f"{x:.3f}" for x in rates), "", "", ""), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
