"""10,000 x 128 float32: time and memory against the official demo's way."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np

from repalign_utils import alignment

from . import demo
from .measure import Row, medians, peak_growth, peak_in_own_process

N, D = 10_000, 128
SIDES = {
    "plain": demo.alignment_curve,
    "ours": lambda x, y: alignment(x, y).curve(np.linspace(0, np.sqrt(len(x)), 62)),
}


def rows() -> Iterator[Row]:
    """Time at least 60 times, memory at least 30 times less."""
    features, labels = demo.draw(N, D)
    plain, ours = medians(
        lambda: SIDES["plain"](features, labels),
        lambda: SIDES["ours"](features, labels),
        repeats=3,
    )
    yield Row(f"alignment {N:,} x {D}, time", plain, ours, required=60)
    most, least = (peak_in_own_process(__name__, side) for side in ("plain", "ours"))
    yield Row(f"alignment {N:,} x {D}, memory", most, least, 30, unit="MB")


def _memory(side: str) -> float:
    features, labels = demo.draw(N, D)
    SIDES[side](features[:300], labels[:300])  # loads libraries and their buffers
    return peak_growth(lambda: SIDES[side](features, labels))


if __name__ == "__main__":
    print(_memory(sys.argv[1]))
