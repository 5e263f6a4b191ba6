"""The one place where sums over rows are made: Gram matrices and triangles.

Features pass through in float64 blocks of a few MB, whatever their dtype and size.
Sums over different rows add up, so that rows may come in batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import get_blas_funcs

from .. import arrays
from ..arrays import Array

Block = tuple[Array, Array]  # rows of a matrix (b, m) and of the targets (b, k)

__all__ = ["Design", "Triangle", "inner", "moments", "squares", "triangle"]

_GEMM, _SYRK = get_blas_funcs(("gemm", "syrk"), dtype=np.float64)

# Blocks of 4 MB at most; larger or longer ones are no faster.
_BLOCK_ENTRIES, _BLOCK_LENGTH = 2**19, 2**10
_QR_LENGTH = 2**8  # a QR of fewer rows costs more in calls than in sums
_SQUARABLE = 1e150  # between its inverse and this, squares can be summed in float64


@dataclass(frozen=True)
class Design:
    """Features as the linear model sees them: Phi (n, m), made block by block.

    The convention of the official demo of Imani et al. (2022): a constant column is
    appended, then every row is scaled to unit length; no centring.

    Attributes
    ----------
    features : array (n, d)
        From `repalign_utils.arrays.features_matrix`, in its own dtype.
    bias : bool
        Append a column of ones: m = d + 1, else m = d.
    normalize : bool
        Scale every row, its one included, to length 1.
    start : int
        Number of the first row, for errors, where these rows are part of more.

    Examples
    --------
    >>> Design(np.array([[3.0], [0.0]]), bias=True, normalize=False).shape
    (2, 2)
    """

    features: Array
    bias: bool = True
    normalize: bool = True
    start: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows n and columns m of Phi."""
        n, d = self.features.shape
        return n, d + bool(self.bias)

    def row_blocks(self, targets: Array, size: int | None = None) -> Iterator[Block]:
        """Phi in blocks of rows, with the targets of those rows.

        Parameters
        ----------
        targets : array (n, k), float64
            From `repalign_utils.arrays.targets_matrix`.
        size : int
            Rows per block; 4 MB at most by default.

        Yields
        ------
        block : array (b, m), float64
        targets : array (b, k), float64

        Raises
        ------
        ValueError
            If an entry is not finite, or a row is zero and has to be scaled.
        """
        n, m = self.shape
        d = self.features.shape[1]
        for rows in _slices(n, size or _block_length(m)):
            block: Any = self._room(rows.stop - rows.start, m)
            norms = self._read(block[:, :d], rows, slice(0, d))
            block[:, d:] = 1
            if self.normalize:
                block /= self._lengths(norms, rows.start)[:, None]
            yield block, targets[rows]

    def column_blocks(self, size: int | None = None) -> Iterator[Block]:
        """Phi in blocks of columns, each turned: rows of Phi', with no targets.

        Parameters
        ----------
        size : int
            Columns per block; 4 MB at most by default.

        Yields
        ------
        block : array (c, n), float64
        targets : array (c, 0), float64

        Raises
        ------
        ValueError
            As `row_blocks`.
        """
        n, d = self.features.shape
        size = size or _block_length(n)
        lengths: Any = self._row_lengths(size) if self.normalize else 1.0
        for columns in _slices(d, size):
            block: Any = self._room(n, columns.stop - columns.start)
            self._read(block, slice(0, n), columns)
            yield block.T / lengths, self._room(block.shape[1], 0)
        if self.bias:
            ones: Any = self._room(1, n)
            ones[:] = 1
            yield ones / lengths, self._room(1, 0)

    def _row_lengths(self, size: int) -> Array:
        n, d = self.features.shape
        norms: Any = self._room(n, 0).sum(1)  # zeros (n,)
        xp = arrays.namespace(norms)
        for columns in _slices(d, size):
            block = self._room(n, columns.stop - columns.start)
            norms = xp.hypot(norms, self._read(block, slice(0, n), columns))
        return self._lengths(norms, 0)

    def _room(self, rows: int, columns: int) -> Array:
        return arrays.empty_float64((rows, columns), self.features)

    def _read(self, block: Any, rows: slice, columns: slice) -> Array:
        """Fill `block` with this part of the features; give its row norms (b,)."""
        features: Any = self.features
        arrays.fill(block, features[rows, columns])
        norms: Any = _row_norms(block)
        xp = arrays.namespace(block)
        if not xp.isfinite(norms).all():
            start = self.start + rows.start
            arrays.check_finite(block, "features", start, columns.start)
            row = start + int(xp.argwhere(~xp.isfinite(norms))[0, 0])
            raise ValueError(
                f"row {row} of the features has a length beyond float64; "
                "divide the features by their largest entry"
            )
        return norms

    def _lengths(self, norms: Any, start: int) -> Array:
        """Lengths of rows about to become unit rows, from those of their features."""
        xp = arrays.namespace(norms)
        if self.bias:
            return xp.hypot(norms, xp.ones_like(norms))
        if (norms == 0).any():
            row = self.start + start + int(xp.argwhere(norms == 0)[0, 0])
            raise ValueError(
                f"row {row} of the features is zero and cannot be scaled to length 1; "
                "drop it, or pass bias=True (it is then a unit row) or normalize=False"
            )
        return norms


def moments(blocks: Iterable[Block]) -> tuple[Array, Array]:
    """Sum Phi' Phi and Phi' y over blocks of rows.

    Parameters
    ----------
    blocks : iterable of (array (b, m), array (b, k)), float64
        At least one; from `Design.row_blocks` or `Design.column_blocks`. Products
        beyond float64 become infinite, without a warning.

    Returns
    -------
    products : array (m, m), float64
    cross : array (m, k), float64

    Examples
    --------
    >>> moments([(np.array([[1.0, 2.0]]), np.array([[3.0]]))])[0]
    array([[1., 2.],
           [2., 4.]])
    """
    products: Any = None
    cross: Any = None
    for rows, targets in blocks:
        products = squares(rows, products)
        cross = inner(rows, targets, cross)
    if not arrays.is_tensor(products):
        products += np.tril(products, -1).T  # the lower triangle alone was summed
    return products, cross


def inner(left: Any, right: Any, onto: Any = None) -> Any:
    """Product left' right of float64 arrays, added to `onto` (which it may reuse)."""
    if arrays.is_tensor(left) or not right.shape[1]:  # gemm wants a column
        product = left.T @ right
        if onto is not None:
            product += onto
        return product
    # Not NumPy's BLAS: SciPy's, which also finds the eigenvalues, keeps threads of its
    # own, and two idle pools waiting for work double the time on few cores.
    a, turned = _columns_first(left)
    b, straight = _columns_first(right)
    options = {"trans_a": turned, "trans_b": not straight, "overwrite_c": True}
    return _GEMM(1.0, a, b, float(onto is not None), onto, **options)


def squares(rows: Any, onto: Any) -> Any:
    """Product rows' rows, added to `onto`; in NumPy the lower triangle alone."""
    if arrays.is_tensor(rows):
        return inner(rows, rows, onto)
    a, turned = _columns_first(rows)
    beta = float(onto is not None)
    return _SYRK(1.0, a, beta, onto, trans=turned, lower=True, overwrite_c=True)


def _columns_first(array: np.ndarray) -> tuple[np.ndarray, bool]:
    """`array` or its transpose, as Fortran wants it without a copy, and which."""
    if array.flags.f_contiguous:
        return array, True
    return array.T, False


class Triangle:
    """Triangular factor R of Phi = Q R and Q' y, of rows that come in parts.

    Unlike the Gram matrix R' R it keeps the small singular values. This is TSQR
    (Demmel et al. 2012) on a chain: R of the rows so far is stacked on the next rows,
    and a QR is made when these fill their room, however they were parted.

    Parameters
    ----------
    width : int
        Columns of Phi, m.
    length : int
        Rows that have room below R; m by default. More is up to twice as fast, less
        is no smaller than R itself.

    Examples
    --------
    >>> total = Triangle(width=1)
    >>> total.add(np.array([[3.0]]), np.eye(1))
    >>> total.add(np.array([[4.0]]), np.eye(1))
    >>> np.abs(total.factor()).round(12)
    array([[5. , 1.4]])
    """

    def __init__(self, width: int, length: int = 0) -> None:
        self.width = width
        self._length = max(length or width, _QR_LENGTH)
        self._room: Any = None  # R of the rows so far, then the rows since
        self._filled = 0

    def add(self, rows: Array, targets: Array) -> None:
        """Take up rows of Phi (b, m) and of the targets (b, k), float64."""
        if self._room is None:
            shape = self.width + self._length, self.width + targets.shape[1]
            self._room = arrays.empty_float64(shape, rows)
        done = 0
        while done < len(rows):
            if self._filled == len(self._room):
                self._reduce()
            space = slice(done, done + len(self._room) - self._filled)
            below = self._room[self._filled :][: len(rows[space])]
            arrays.fill(below[:, : self.width], rows[space])
            arrays.fill(below[:, self.width :], targets[space])
            done, self._filled = done + len(below), self._filled + len(below)

    def __getstate__(self) -> tuple[int, int, np.ndarray]:
        # R alone, without the room below, and so that it opens on any machine.
        return self.width, self._length, arrays.to_numpy(self.factor())

    def __setstate__(self, state: tuple[int, int, np.ndarray]) -> None:
        width, length, factor = state
        self.__init__(width, length)
        self.add(factor[:, :width], factor[:, width:])

    def merge(self, other: Triangle) -> None:
        """Take up the rows of another triangle of this width."""
        factor = other.factor()
        self.add(factor[:, : self.width], factor[:, self.width :])

    def factor(self) -> Array:
        """R, beside it Q' y: array (r, m + k), float64, r = m or the rows if fewer."""
        self._reduce()
        return self._room[: self._filled]

    def _reduce(self) -> None:
        r = _r_factor(self._room[: self._filled])
        self._filled = min(self.width, len(r))  # rows below hold no part of Q' y
        self._room[: self._filled] = r[: self._filled]


def triangle(blocks: Iterable[Block], width: int, *, length: int = 0) -> Array:
    """Triangular factor R of Phi = Q R and Q' y of all blocks, by `Triangle`.

    Parameters
    ----------
    blocks : iterable of (array (b, m), array (b, k)), float64
        At least one.
    width : int
        Columns of Phi, m.
    length : int
        As of `Triangle`; 4 m by default, the fastest.

    Returns
    -------
    array (m, m + k), float64
        R, beside it Q' y.

    Examples
    --------
    >>> blocks = [(np.array([[3.0]]), np.eye(1)), (np.array([[4.0]]), np.eye(1))]
    >>> np.abs(triangle(blocks, 1)).round(12)
    array([[5. , 1.4]])
    """
    total = Triangle(width, length or 4 * width)
    for rows, targets in blocks:
        total.add(rows, targets)
    return total.factor()


def _r_factor(matrix: Array) -> Any:
    factors = arrays.namespace(matrix).linalg.qr(matrix, mode="r")
    return factors if isinstance(factors, np.ndarray) else factors.R


def _row_norms(block: Any) -> Any:
    """Euclidean norms (b,) of rows, right for the largest and smallest floats too."""
    with np.errstate(all="ignore"):
        norms = _plain_norms(block)
        odd = ~((norms > 1 / _SQUARABLE) & (norms < _SQUARABLE))
        if odd.any():
            rows = block[odd]
            largest = abs(rows).max(1)
            largest = getattr(largest, "values", largest)  # torch adds the indices
            largest[largest == 0] = 1
            norms[odd] = largest * _plain_norms(rows / largest[:, None])
    return norms


def _plain_norms(block: Any) -> Any:
    xp = arrays.namespace(block)
    return xp.sqrt(xp.einsum("ij,ij->i", block, block))


def _block_length(width: int) -> int:
    return min(max(_BLOCK_ENTRIES // width, 64), _BLOCK_LENGTH)


def _slices(stop: int, size: int) -> Iterator[slice]:
    for start in range(0, stop, size):
        yield slice(start, min(start + size, stop))
