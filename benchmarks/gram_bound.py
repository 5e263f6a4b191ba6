"""How exact Gram matrices are, beside the bound that decides whether to trust them.

``python -m benchmarks.gram_bound`` draws features of known spectra, and targets that
make it hard, and prints a line per dtype, size and condition: how many spectra the
Gram matrix was trusted with, the largest error of the captured energy there and over
all, the bound that belongs to the latter, and how much of the rounding that the bound
allows for would have explained the errors. It fails where an error exceeds its bound.
The derivation is that of ``repalign_utils.measures.decompose.gram_suffices``.
"""

from __future__ import annotations

import sys
from itertools import product
from typing import NamedTuple

import numpy as np

from repalign_utils import arrays
from repalign_utils.measures import decompose
from repalign_utils.measures.decompose import Spectrum, by_gram, by_svd
from repalign_utils.measures.gram import Design

DTYPES = ("float64", "float32", "float16")
SHAPES = ((40, 20), (20, 40), (120, 60), (60, 120), (80, 80))
DIGITS = range(8)  # of the condition
DRAWS = 2
# Singular values: of r, the least `1 / condition` of the largest.
SPECTRA = {
    "log": lambda r, c, rng: np.logspace(0, -np.log10(c), r),
    "linear": lambda r, c, rng: np.linspace(1, 1 / c, r),
    "steps": lambda r, c, rng: (
        np.where(np.arange(r) < r // 2, 1, 1 / c) * (1 + 0.1 * rng.random(r))
    ),
    "one large": lambda r, c, rng: (
        np.where(np.arange(r) == 0, 1, 1 / c) * (1 + 0.5 * rng.random(r))
    ),
    "almost equal": lambda r, c, rng: 1 + 1e-6 * np.arange(r),
    "close pair": lambda r, c, rng: np.append(
        np.logspace(0, -np.log10(c), r - 1) + 3e-9, 1 / c
    ),
}
# Which way the target lies; "last two" is the hardest for a Gram matrix.
TARGETS = {
    "random": lambda u, rng: rng.normal(size=len(u)),
    "in the span": lambda u, rng: u @ rng.normal(size=u.shape[1]),
    "last two": lambda u, rng: u[:, -1] + u[:, -2] + 0.1 * u[:, 0],
    "first two": lambda u, rng: u[:, 0] + u[:, 1],
    "last": lambda u, rng: u[:, -1],
}
# Errors below may be those of the SVD that they are measured against.
_SEEN = 1e-11


def draw(
    seed: int, shape: tuple[int, int], spectrum: str, condition: float, target: str
) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, d) of this spectrum and a target (n, 1), both float64."""
    rng = np.random.default_rng(seed)
    r = min(shape)
    u, v = (np.linalg.qr(rng.normal(size=(length, r)))[0] for length in shape)
    values = SPECTRA[spectrum](r, condition, rng)
    return (u * values) @ v.T, TARGETS[target](u, rng)[:, None]


class Trial(NamedTuple):
    """Error of the Gram matrix and its bound, as shares of ||y||^2."""

    error: float
    bound: float
    is_trusted: bool


def trial(features: np.ndarray, y: np.ndarray) -> Trial | None:
    """Gram matrix against SVD at the thresholds of the promise; None without either."""
    low = arrays.is_low_precision(features)
    design, energy = Design(features, bias=False, normalize=False), (y**2).sum(0)
    found, exact = by_gram(design, y), by_svd(design, y)
    if found is None:
        return None
    tau = promised_thresholds(exact.singular_values, low_precision=low)
    error = abs(captured(found, tau) - captured(exact, tau)).max(initial=0) / energy[0]
    is_tall = features.shape[0] >= features.shape[1]
    margin = 1e-6 if low else 1e-9
    bound = decompose.gram_bound(found, energy, is_tall=is_tall, margin=margin)
    return Trial(error, bound, bound <= (1e-6 if low else 1e-8))


def captured(spectrum: Spectrum, thresholds: np.ndarray) -> np.ndarray:
    """Energy (t, k) along singular values at or above each threshold."""
    return (spectrum.singular_values >= thresholds[:, None]) @ spectrum.energy


def promised_thresholds(values: np.ndarray, *, low_precision: bool) -> np.ndarray:
    """Middles of the gaps and their ends, as near to a singular value as promised."""
    margin, lowest = (1e-6, 0) if low_precision else (1e-9, 1e-6)
    ends = values * (1 + 1e-6), values + 1.01 * margin * values[0]
    middles = (values + np.append(values[1:], 0)) / 2
    tau = np.concatenate([middles, *ends, values - 1.01 * margin * values[0]])
    far = abs(tau[:, None] - values).min(1) > margin * values[0]
    return tau[far & (tau > lowest * values[0])]


def trials(dtype: str, shape: tuple[int, int], condition: float) -> list[Trial]:
    """All spectra, targets and draws of this dtype, shape and condition."""
    found = [
        trial(features.astype(dtype), y)
        for spectrum, target, seed in product(SPECTRA, TARGETS, range(DRAWS))
        for features, y in [draw(seed, shape, spectrum, condition, target)]
    ]
    return [one for one in found if one is not None]


def needed(found: list[Trial]) -> float:
    """Least noise, in units of eps ||M||_F, whose bound explains all errors seen."""
    shares = (t.error / t.bound for t in found if t.error > _SEEN)
    return decompose._NOISE * max(shares, default=0.0)


def main() -> int:
    """Print the table; the exit status says whether each error is within its bound."""
    line = "{:>8} {:>9} {:>9} {:>8} {:>10} {:>10} {:>10} {:>7}"
    head = "dtype", "shape", "condition", "trusted", "error then", "error", "bound"
    print(line.format(*head, "needed"))
    everything: list[Trial] = []
    for dtype, shape, digits in product(DTYPES, SHAPES, DIGITS):
        found = trials(dtype, shape, 10.0**digits)
        everything += found
        trusted = [t.error for t in found if t.is_trusted]
        worst = max(found)
        print(
            line.format(
                dtype,
                "{} x {}".format(*shape),
                f"1e{digits}",
                f"{len(trusted)}/{len(found)}",
                f"{max(trusted):.1e}" if trusted else "-",
                f"{worst.error:.1e}",
                f"{worst.bound:.1e}",
                f"{needed(found):.2f}",
            ),
            flush=True,
        )
    least = needed(everything)
    print(f"needed: {least:.2f} eps ||M||_F of the {decompose._NOISE:g} allowed for")
    return int(least > decompose._NOISE)


if __name__ == "__main__":
    sys.exit(main())
