"""10,000 x 1,024: linear CKA with its level of chance, against the value alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from repalign_utils.similarity import chance_level, cka

from .measure import Row, medians

N, D = 10_000, 1_024


def rows() -> Iterator[Row]:
    """Mean and deviation by chance take at most a tenth of the value's time."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, N, D))
    plain, ours = medians(lambda: cka(x, y), lambda: chance_level(x, y), repeats=5)
    error = abs(chance_level(x, y).value - cka(x, y))
    yield Row(
        f"CKA {N:,} x {D:,} with its level of chance, time",
        plain,
        ours,
        required=1 / 1.1,
        error=error,
        allowed=1e-6,
    )
