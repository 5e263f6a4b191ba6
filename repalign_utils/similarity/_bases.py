"""Orthonormal bases of what the units of a layer span: the cheap way or the exact one.

The cheap way, eigenvectors of a Gram matrix, squares the condition number. Whether that
did harm is told from the eigenvalues that it gave.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import get_blas_funcs, get_lapack_funcs

from ..measures.decompose import rank_floor
from ..measures.gram import inner, squares
from ..measures.tridiagonal import Tridiagonal, eigh
from ._rows import Side

# SciPy's BLAS alone: see `repalign_utils.measures.gram.inner`.
_SYRK, _TRMM, _TRSM = get_blas_funcs(("syrk", "trmm", "trsm"), dtype=np.float64)
_POTRF, _TRTRI = get_lapack_funcs(("potrf", "trtri"), dtype=np.float64)
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
    triangular : bool
        Whether loadings, and coefficients turned over, are lower triangles.
    """

    coefficients: np.ndarray
    loadings: np.ndarray
    vectors: np.ndarray | None
    exact: bool
    triangular: bool = False

    @property
    def rank(self) -> int:
        """Number of directions, r."""
        return self.coefficients.shape[1]

    def inner(self, products: np.ndarray) -> np.ndarray:
        """Inner products B' Z (r, m) with Z, of X' Z (p, m)."""
        if self.triangular:
            return _TRMM(1.0, self.coefficients.T, products, lower=1)
        return inner(self.coefficients, products)

    def along(self, turn: np.ndarray) -> np.ndarray:
        """Loadings (p, m) of the turned basis B turn, turn (r, m)."""
        if self.triangular:
            return _TRMM(1.0, self.loadings, turn, lower=1)
        return inner(self.loadings.T, turn)


class Remainder(NamedTuple):
    """Leading directions of X as what is left of its span without the others.

    Where these are few, it takes half of the work of `Basis`. With L L' = X' X, in
    which the directions V that are left out have been made as long as the shortest
    that is kept, the columns of X (1 - V V') L'^-1 are, up to a rotation, an
    orthonormal basis and one zero for each of V.

    Attributes
    ----------
    triangle : array (u, u)
        L, of the units in use; the lower triangle counts.
    left_out : array (u, u - r)
        V, orthonormal.
    used : array (p,), bool
        Units in use.
    exact : bool
        As of `Basis`.
    """

    triangle: np.ndarray
    left_out: np.ndarray
    used: np.ndarray
    exact: bool

    @property
    def rank(self) -> int:
        """Number of directions, r."""
        return len(self.left_out) - self.left_out.shape[1]

    @property
    def vectors(self) -> None:
        """As of `Basis`: not formed."""

    def inner(self, products: np.ndarray) -> np.ndarray:
        """Inner products (u, m) with Z, of X' Z (p, m), among them the zeros."""
        rest = products if self.used.all() else products[self.used]
        if self.left_out.shape[1]:
            along = inner(self.left_out, rest)
            rest = inner(-self.left_out.T, along, np.array(rest, order="F"))
        return _TRSM(
            1.0, self.triangle, rest, lower=1, overwrite_b=rest is not products
        )


def basis(side: Side, keep: Keep | None = None) -> Basis | Remainder:
    """Basis of a side, by the smaller of X' X and X X' where that is exact enough.

    Without `keep` all directions above the rounding of the features count, whatever
    the scale of each unit; with it the leading ones of the features as they are.
    """
    rows, rounding, _ = side
    n, p = rows.shape
    if p <= n:
        found = by_gram(squares(rows, None), rounding, n, keep)
    else:
        found = _by_kernel(side, keep)
    return found if found.exact else _by_svd(side, keep)


def cross(
    x: Side, y: Side, of_x: Basis | Remainder, of_y: Basis | Remainder
) -> np.ndarray:
    """Inner products (r, s) of two bases of the same rows."""
    if of_x.vectors is not None and of_y.vectors is not None:
        return inner(of_x.vectors, of_y.vectors)
    if of_x.vectors is not None:
        return of_y.inner(inner(y.rows, of_x.vectors)).T
    if of_y.vectors is not None:
        return of_x.inner(inner(x.rows, of_y.vectors))
    return between(of_x, of_y, inner(x.rows, y.rows))


def between(
    of_x: Basis | Remainder, of_y: Basis | Remainder, products: np.ndarray
) -> np.ndarray:
    """Inner products (r, s) of two bases of the same rows, from X' Y (p, q)."""
    return of_y.inner(of_x.inner(products).T).T


def by_gram(
    gram: np.ndarray,
    rounding: np.ndarray,
    n: int,
    keep: Keep | None = None,
    mean: np.ndarray | None = None,
) -> Basis | Remainder:
    """Basis from X' X (p, p), of which the lower triangle is there, and zeros above.

    Directions that its rounding hides are left out. With a mean (p,) it was made from
    rows that were not centred, and is rounded as their Gram matrix is.
    """
    scale = _scale(gram.diagonal(), rounding, keep)
    used = scale > 0
    scale = scale[used]
    rounding = rounding[used] * scale
    scaled = gram if used.all() else gram[np.ix_(used, used)]
    if not keep:
        scaled = scaled * scale
        scaled *= scale[:, None]
    norm = _norm_before(scaled, n, None if mean is None else mean[used] * scale)
    exact = True
    found = None if keep else _by_triangle(scaled, rounding, n, norm)
    triangular = bool(found and used.all())
    if not found:
        split = Tridiagonal.of(scaled)
        squares = split.values()
        values, exact = judged(squares, rounding, (n, len(scale)), keep, norm)
        p, rest = len(squares), len(squares) - len(values)
        if keep and 2 * rest < p:
            left_out = split.vectors(0, rest)
            triangle = _lifted(scaled, squares, left_out)
            if triangle is not None:
                return Remainder(triangle, left_out, used, exact)
        vectors = split.vectors(rest, p)[:, ::-1]
        found = vectors / values, vectors * values
    coefficients, loadings = found
    if not keep:
        coefficients *= scale[:, None]
        loadings /= scale[:, None]
    found = _spread(coefficients, used), _spread(loadings, used)
    return Basis(*found, None, exact, triangular)


def _norm_before(gram: np.ndarray, n: int, mean: np.ndarray | None) -> float:
    """||X' X||_F of the rows before centring, of which G = X' X - n m m' was made."""
    # By einsum: threads that NumPy's BLAS leaves waiting would slow SciPy's down. Of
    # both triangles, of which one is there.
    diagonal = gram.diagonal()
    square = 2 * np.einsum("ij,ij->", gram, gram)
    square -= np.einsum("i,i->", diagonal, diagonal)
    if mean is not None:
        along = 2 * np.einsum("ij,i,j->", gram, mean, mean)
        along -= np.einsum("i,i,i->", diagonal, mean, mean)
        square += 2 * n * along + (n * np.einsum("i,i->", mean, mean)) ** 2
    return float(np.sqrt(square))


def _by_triangle(
    gram: np.ndarray, rounding: np.ndarray, n: int, norm: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Coefficients L'^-1 and loadings L of G = L L', a fifth of the work of `eigh`.

    None where G may be too close to a singular one, by the limits of `judged`: the
    least eigenvalue is at least 1 / ||L^-1||_F^2.
    """
    triangle, failed = _POTRF(gram, lower=1, clean=1)
    if failed:
        return None
    inverse, failed = _TRTRI(triangle, lower=1)
    largest = np.zeros(len(gram))
    largest[0] = np.sqrt(norm)  # at least the first value
    floor = _floor(largest, rounding, (n, len(gram)))
    limit = max(floor**2, _NOISE * _EPS * norm / _TOLERANCE)
    if failed or 1 / np.linalg.norm(inverse) ** 2 <= limit:
        return None
    return inverse.T, triangle


def _lifted(
    gram: np.ndarray, squares: np.ndarray, left_out: np.ndarray
) -> np.ndarray | None:
    """Triangle of G with directions left out made as long as the next; None if none."""
    rest = left_out.shape[1]
    missing = left_out * np.sqrt(squares[rest] - squares[:rest])
    if rest:
        gram = _SYRK(1.0, missing, 1.0, gram, lower=1)
    triangle, failed = _POTRF(gram, lower=1, clean=0, overwrite_a=rest > 0)
    return None if failed else triangle


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
