"""Measures of two layers from their sums: what is made of each once, and of the pair.

Sums are those of `_sums.Sums` about the means, or what `_kernels.Kernels` has in their
place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ._bases import Basis, Keep, Remainder, between, by_gram
from ._canonical import mean_correlation, weighted_correlation
from ._cka import ROUNDING, unbiased


class Layer(NamedTuple):
    """Sums of one layer over all rows.

    Attributes
    ----------
    n : int
        Rows.
    energy : float
        Sum of |x|^2.
    norms : (float, float)
        ||X' X||_F^2 and sum |x|^4.
    gram : array (d, d), float64, or None
        X' X, where it was made.
    rounding : array (d,) or None
        As of `_rows.Side`.
    """

    n: int
    energy: float
    norms: tuple[float, float]
    gram: Any = None
    rounding: Any = None


class Measure(NamedTuple):
    """What to make of a layer once, and of two layers and what they have in common.

    That is `Sums.norms` of the pair, or `Sums.pair`, all that is kept of it.
    """

    prepare: Callable[..., Any]
    compare: Callable[[Any, Any, Any], float]
    of_norms: bool = False


class _Kernel(NamedTuple):
    """A layer as CKA sees it: its rows, sum of |x|^2, and norm of its kernel."""

    n: int
    energy: float
    norm: float


def _kernel(layer: Layer) -> _Kernel:
    return _Kernel(layer.n, layer.energy, layer.norms[0] ** 0.5)


def _cka(x: _Kernel, y: _Kernel, norms: tuple[float, float]) -> float:
    return norms[0] / (x.norm * y.norm)


def _debiased_kernel(layer: Layer) -> _Kernel:
    biased = _kernel(layer)
    debiased = _debiased(layer.norms, biased, biased)
    if debiased <= ROUNDING * biased.norm**2:
        raise ValueError(
            f"nothing is left of its {layer.n} rows once debiased, as where one row "
            'alone differs; pass more rows, or ask for "cka"'
        )
    return biased._replace(norm=debiased**0.5)


def _debiased(norms: tuple[float, float], x: _Kernel, y: _Kernel) -> float:
    return unbiased(*norms, x.energy, y.energy, x.n)


def _debiased_cka(x: _Kernel, y: _Kernel, norms: tuple[float, float]) -> float:
    return _debiased(norms, x, y) / (x.norm * y.norm)


def _basis(layer: Layer, keep: Keep | None = None) -> Basis | Remainder:
    return by_gram(np.tril(layer.gram), layer.rounding, layer.n, keep)


def _mean(x: Basis | Remainder, y: Basis | Remainder, pair: np.ndarray) -> float:
    return mean_correlation(between(x, y, pair[:-2, :-2]), x, y)


def _weighted(x: Basis, y: Basis, pair: np.ndarray) -> float:
    return weighted_correlation(x, between(x, y, pair[:-2, :-2]))


MEASURES = {
    "debiased_cka": Measure(_debiased_kernel, _debiased_cka, of_norms=True),
    "cka": Measure(_kernel, _cka, of_norms=True),
    "cca": Measure(_basis, _mean),
    "svcca": Measure(_basis, _mean),  # with what to keep
    "pwcca": Measure(_basis, _weighted),
}
