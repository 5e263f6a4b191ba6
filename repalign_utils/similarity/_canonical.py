"""Canonical correlations of two orthonormal bases, and averages of them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from ..measures.gram import squares
from ..measures.tridiagonal import Tridiagonal, eigh
from ._bases import Basis, Remainder
from ._rows import Side

_TIED = 1e-6  # correlations closer than this are told apart by rounding alone


@dataclass(frozen=True, eq=False)
class CCA:
    """Canonical correlations of X (n, p) and Y (n, q), with what they belong to.

    The i-th direction of X and of Y are the combinations of units that correlate most
    among those that are uncorrelated with the ones before; r is the smaller rank.

    Attributes
    ----------
    correlations : array (r,), float64, descending, from 0 to 1
    x_directions, y_directions : arrays (p, r) and (q, r), float64
        Coefficients of the centred units. Where units depend on each other linearly
        there are many; these come from the eigenvectors that do not vanish.
    x_loadings, y_loadings : arrays (p, r) and (q, r), float64
        Inner products <z_j, h_i> of the centred units with the variables of their side.
    ranks : (int, int)
        Of X and of Y.
    forced : int
        Correlations that are 1 for want of rows: rank X + rank Y - (n - 1).
    """

    correlations: np.ndarray
    x_directions: np.ndarray
    y_directions: np.ndarray
    x_loadings: np.ndarray
    y_loadings: np.ndarray
    ranks: tuple[int, int]
    forced: int = 0
    _x: Side | None = field(default=None, repr=False)
    _y: Side | None = field(default=None, repr=False)

    @property
    def x_variables(self) -> np.ndarray:
        """Canonical variables of X, orthonormal columns (n, r)."""
        return _variables(self._x, self.x_directions)

    @property
    def y_variables(self) -> np.ndarray:
        """Canonical variables of Y, orthonormal columns (n, r)."""
        return _variables(self._y, self.y_directions)

    def mean(self) -> float:
        """Mean correlation over the smaller of the two ranks, from 0 to 1."""
        return float(self.correlations.mean())


def canonical(
    of_x: Basis,
    of_y: Basis,
    cross: np.ndarray,
    n: int,
    x: Side | None = None,
    y: Side | None = None,
) -> CCA:
    """Canonical correlations from two bases and their inner products (r, s).

    Of sides that are given, directions and loadings are in the units they came in.
    """
    u, correlations, v = np.linalg.svd(cross, full_matrices=False)
    unit_x, unit_y = (side.largest if side else 1.0 for side in (x, y))
    return CCA(
        np.minimum(correlations, 1.0),
        of_x.coefficients @ u / unit_x,
        of_y.coefficients @ v.T / unit_y,
        of_x.loadings @ u * unit_x,
        of_y.loadings @ v.T * unit_y,
        (of_x.rank, of_y.rank),
        forced_ones(of_x, of_y, n),
        x,
        y,
    )


def mean_correlation(
    cross: np.ndarray, of_x: Basis | Remainder, of_y: Basis | Remainder
) -> float:
    """Mean canonical correlation of two bases with inner products `cross` (r, s)."""
    smaller = cross.T if cross.shape[0] <= cross.shape[1] else cross
    found = Tridiagonal.of(squares(smaller, None)).values()
    return float(_roots(found[-min(of_x.rank, of_y.rank) :]).mean())


def weighted_correlation(of_x: Basis, cross: np.ndarray) -> float:
    """Mean canonical correlation, weighted by what X has along each variable."""
    r, s = cross.shape
    if r <= s:
        found, u = eigh(squares(cross.T, None))
        correlations = _roots(found)
    else:
        u, correlations, _ = np.linalg.svd(cross, full_matrices=False)
    correlations = np.minimum(correlations, 1.0)
    along = _along_principal_axes(of_x.along(u), correlations)
    weights = np.abs(along).sum(0)
    return float(min(weights @ correlations / weights.sum(), 1.0))


def _along_principal_axes(along: np.ndarray, correlations: np.ndarray) -> np.ndarray:
    """Loadings (p, r), where correlations are equal on principal axes of the units.

    Directions with one correlation may be turned among themselves, and sums of absolute
    loadings change with them. Their principal axes are theirs alone.
    """
    starts = np.flatnonzero(np.abs(np.diff(correlations, prepend=np.inf)) > _TIED)
    for start, stop in pairwise([*starts, len(correlations)]):
        if stop - start > 1:
            tied = along[:, start:stop]
            along[:, start:stop] = tied @ np.linalg.eigh(tied.T @ tied)[1]
    return along


def _roots(squares: np.ndarray) -> np.ndarray:
    """Correlations of their squares, which are rounded by 1e-16: within 1e-8."""
    return np.sqrt(np.clip(squares, 0.0, 1.0))


def forced_ones(of_x: Basis | Remainder, of_y: Basis | Remainder, n: int) -> int:
    """Canonical correlations that are 1 in n rows whatever these hold."""
    return max(of_x.rank + of_y.rank - (n - 1), 0)


def warn_of_forced(
    of_x: Basis | Remainder,
    of_y: Basis | Remainder,
    n: int,
    *,
    stacklevel: int = 4,
) -> None:
    """Warn, at the caller of the public function, of correlations forced to 1."""
    forced = forced_ones(of_x, of_y, n)
    if forced:
        warnings.warn(
            f"{forced} of {min(of_x.rank, of_y.rank)} canonical correlations are 1 for "
            f"want of rows alone: ranks {of_x.rank} and {of_y.rank} add up to more "
            f"than n - 1 = {n - 1}; pass more rows, or compare fewer directions",
            stacklevel=stacklevel,
        )


def _variables(side: Side | None, directions: np.ndarray) -> np.ndarray:
    if side is None:
        raise ValueError(
            "canonical variables need the rows, of which sums alone were kept; "
            "multiply the centred features by the directions"
        )
    return side.rows @ (directions * side.largest)
