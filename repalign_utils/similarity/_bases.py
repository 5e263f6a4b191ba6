"""Orthonormal bases of what the units of a layer span: the cheap way or the exact one.

The cheap way, eigenvectors of a Gram matrix, squares the condition number. Whether that
did harm is told from the eigenvalues that it gave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.linalg import eigh_tridiagonal, get_lapack_funcs

from ..measures.decompose import rank_floor

if TYPE_CHECKING:
    from ._rows import Side

_EPS = np.finfo(np.float64).eps
# What a Gram matrix and its eigenvectors are rounded by, in units of eps ||G||_F, as in
# `repalign_utils.measures.decompose.gram_suffices`, and the error that may come of it.
_NOISE, _TOLERANCE = 16.0, 1e-6


class Keep(NamedTuple):
    """Leading singular directions that hold a share of all, the first step of SVCCA.

    Attributes
    ----------
    share : float
        From 0 to 1.
    squared : bool
        Of the sum of squared singular values, the variance, not of the sum of them.
    """

    share: float
    squared: bool

    def count(self, values: np.ndarray, more: float = 0.0) -> int:
        """Fewest of descending `values` that hold the share of them and of `more`."""
        held = np.cumsum(values**2 if self.squared else values)
        wanted = self.share * (held[-1] + more)
        return min(int(np.searchsorted(held, wanted)) + 1, len(values))


class Basis(NamedTuple):
    """Orthonormal basis B (n, r) of the span of the centred units X (n, p).

    Attributes
    ----------
    coefficients : array (p, r)
        B = X coefficients.
    loadings : array (p, r)
        X' B.
    vectors : array (n, r) or None
        B, where it was formed.
    exact : bool
        Whether the rank is beyond doubt and what follows is within 1e-6.
    """

    coefficients: np.ndarray
    loadings: np.ndarray
    vectors: np.ndarray | None
    exact: bool

    @property
    def rank(self) -> int:
        """Number of directions, r."""
        return self.coefficients.shape[1]


def basis(side: Side, keep: Keep | None = None) -> Basis:
    """Basis of a side, by the smaller of X' X and X X' where that is exact enough.

    Without `keep` all directions above the rounding of the features count, whatever
    the scale of each unit; with it the leading ones of the features as they are.
    """
    rows, rounding, _ = side
    n, p = rows.shape
    if p <= n:
        found = by_gram(rows.T @ rows, rounding, n, keep)
    else:
        found = _by_kernel(side, keep)
    return found if found.exact else _by_svd(side, keep)


def cross(x: Side, y: Side, of_x: Basis, of_y: Basis) -> np.ndarray:
    """Inner products (r, s) of two bases of the same rows."""
    if of_x.vectors is not None and of_y.vectors is not None:
        return of_x.vectors.T @ of_y.vectors
    if of_x.vectors is not None:
        return (of_x.vectors.T @ y.rows) @ of_y.coefficients
    if of_y.vectors is not None:
        return of_x.coefficients.T @ (x.rows.T @ of_y.vectors)
    return of_x.coefficients.T @ (x.rows.T @ y.rows) @ of_y.coefficients


def by_gram(
    gram: np.ndarray,
    rounding: np.ndarray,
    n: int,
    keep: Keep | None = None,
    mean: np.ndarray | None = None,
) -> Basis:
    """Basis from X' X (p, p); directions that its rounding hides are left out.

    With a mean (p,) it was made from rows that were not centred, and is rounded as
    their Gram matrix is.
    """
    scale = _scale(gram.diagonal(), rounding, keep)
    used = scale > 0
    scale = scale[used]
    rounding = rounding[used] * scale
    scaled = gram if used.all() else gram[np.ix_(used, used)]
    if not keep:
        scaled = scaled * scale * scale[:, None]
    norm = _norm_before(scaled, n, None if mean is None else mean[used] * scale)
    exact = True
    found = None if keep else _by_triangle(scaled, rounding, n, norm)
    if not found:
        squares, vectors = eigh(scaled)
        values, exact = judged(squares, rounding, (n, len(scale)), keep, norm)
        vectors = vectors[:, ::-1][:, : len(values)]
        found = vectors / values, vectors * values
    coefficients, loadings = found
    if not keep:
        coefficients, loadings = (
            coefficients * scale[:, None],
            loadings / scale[:, None],
        )
    return Basis(_spread(coefficients, used), _spread(loadings, used), None, exact)


def _norm_before(gram: np.ndarray, n: int, mean: np.ndarray | None) -> float:
    """||X' X||_F of the rows before centring, of which G = X' X - n m m' was made."""
    # By einsum: the threads that NumPy's BLAS leaves waiting would slow SciPy's down.
    square = np.einsum("ij,ij->", gram, gram)
    if mean is not None:
        square += 2 * n * np.einsum("ij,i,j->", gram, mean, mean)
        square += (n * np.einsum("i,i->", mean, mean)) ** 2
    return float(np.sqrt(square))


def _by_triangle(
    gram: np.ndarray, rounding: np.ndarray, n: int, norm: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Coefficients R^-1 and loadings R' of G = R' R, a fifth of the work of `eigh`.

    None where G may be too close to a singular one, by the limits of `judged`: the
    least eigenvalue is at least 1 / ||R^-1||_F^2.
    """
    potrf, trtri = get_lapack_funcs(("potrf", "trtri"), (gram,))
    triangle, failed = potrf(gram, clean=1)
    if failed:
        return None
    inverse, failed = trtri(triangle)
    largest = np.zeros(len(gram))
    largest[0] = np.sqrt(np.linalg.norm(gram))  # at least the first value
    floor = _floor(largest, rounding, (n, len(gram)))
    limit = max(floor**2, _NOISE * _EPS * norm / _TOLERANCE)
    if failed or 1 / np.linalg.norm(inverse) ** 2 <= limit:
        return None
    return inverse, triangle.T


def eigh(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `numpy.linalg.eigh` of a symmetric array, in half the time."""
    if len(gram) < 3:
        return np.linalg.eigh(gram)
    names = ("sytrd", "sytrd_lwork", "ormqr")
    sytrd, sytrd_lwork, ormqr = get_lapack_funcs(names, (gram,))
    length = int(sytrd_lwork(len(gram), lower=1)[0])
    reflectors, diagonal, beside, tau, _ = sytrd(gram.T, lower=1, lwork=length)
    values, vectors = eigh_tridiagonal(diagonal, beside, check_finite=False)
    # Q leaves the first coordinate alone; its reflectors lie below the diagonal.
    turned, _, _ = ormqr(
        "L", "N", reflectors[1:, :-1], tau, vectors[1:], 64 * (len(gram) + 65)
    )
    vectors[1:] = turned
    return values, vectors


def _by_kernel(side: Side, keep: Keep | None) -> Basis:
    rows, rounding, scale, used = _scaled(side, keep)
    squares, vectors = eigh(rows @ rows.T)
    values, exact = judged(squares, rounding, rows.shape, keep)
    vectors = vectors[:, ::-1][:, : len(values)]
    along = rows.T @ vectors
    return Basis(
        _spread(along / values**2 * scale[:, None], used),
        _spread(along / scale[:, None], used),
        vectors,
        exact,
    )


def _by_svd(side: Side, keep: Keep | None) -> Basis:
    rows, rounding, scale, used = _scaled(side, keep)
    vectors, values, right = np.linalg.svd(rows, full_matrices=False)
    rank = int((values > _floor(values, rounding, rows.shape)).sum())
    if keep:
        rank = keep.count(values[:rank])
    values, right = values[:rank], right[:rank].T
    return Basis(
        _spread(right / values * scale[:, None], used),
        _spread(right * values / scale[:, None], used),
        vectors[:, :rank],
        True,
    )


def _scaled(side: Side, keep: Keep | None):
    energy = np.einsum("ij,ij->j", side.rows, side.rows)
    scale = _scale(energy, side.rounding, keep)
    used = scale > 0
    scale = scale[used]
    return side.rows[:, used] * scale, side.rounding[used] * scale, scale, used


def _scale(energy: np.ndarray, rounding: np.ndarray, keep: Keep | None) -> np.ndarray:
    """Weights (p,) of the units, 0 of those that are constant.

    Without `keep` the span alone counts, so that units may be weighted at will: such
    that all are rounded alike, the noise that `rank_floor` is made for.
    """
    used = (energy > 0) & (rounding > 0)
    if keep:
        return used.astype(np.float64)
    return np.divide(rounding.max(), rounding, out=np.zeros(len(used)), where=used)


def _floor(values: np.ndarray, rounding: np.ndarray, shape: tuple[int, int]) -> float:
    """Least singular value of centred features that is no rounding of the given ones.

    `rank_floor` takes precision relative to the norm. Centring takes norm away, and
    leaves the rounding.
    """
    noise = np.linalg.norm(rounding) * np.sqrt(shape[0])
    return rank_floor(values, shape, float(noise / np.linalg.norm(values)))


def judged(
    squares: np.ndarray,
    rounding: np.ndarray,
    shape: tuple[int, int],
    keep: Keep | None,
    norm: float | None = None,
) -> tuple[np.ndarray, bool]:
    """Singular values that count, from ascending eigenvalues; whether to trust them.

    Rounding makes of the Gram matrix G another one, G + E with ||E|| <= noise, in
    proportion to the norm of what was summed, that of G where none is given. What is
    made orthonormal by it has inner products within noise / lambda of those of an
    orthonormal basis, lambda the least eigenvalue that counts, and canonical
    correlations change by half of that at most for each side (Ostrowski); leading
    directions turn by at most noise over the gap behind them (Davis & Kahan).
    """
    squares = squares[::-1]
    noise = _NOISE * _EPS * (norm or float(np.linalg.norm(squares)))
    values = np.sqrt(np.maximum(squares, 0))
    floor = _floor(values, rounding, shape)
    told = max(floor, np.sqrt(noise / _TOLERANCE))
    rank = int((values > told).sum())
    hidden = 0 if floor >= told else len(values) - rank
    if shape[0] <= shape[1] and hidden:
        hidden -= 1  # centring takes a dimension from the rows
    if not keep:
        return values[:rank], hidden == 0
    power = 2 if keep.squared else 1
    more = ((values[rank:] + np.sqrt(noise)) ** power).sum() if hidden else 0.0
    count = keep.count(values[:rank])
    exact = keep.count(values[:rank], more) == count and (count < rank or not hidden)
    if count < rank:
        gap = squares[count - 1] - squares[count]
        exact = exact and gap * count * _TOLERANCE > noise
    return values[:count], bool(exact)


def _spread(array: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Rows of `array` at the units in use, zeros at the others."""
    if used.all():
        return array
    spread = np.zeros((len(used), array.shape[1]))
    spread[used] = array
    return spread
