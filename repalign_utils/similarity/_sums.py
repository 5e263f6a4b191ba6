"""Sums over rows from which all pairs of layers are compared, in any number of parts.

A row x of a layer is taken from a fixed point near the mean of the first batch, and
carries a one and its squared length: z = (x, 1, |x|^2). The sums of z z' of all pairs
hold the Gram matrices, the means and what debiasing needs, and a layer moved by d has
z' = T z with a linear T: so sums about one point become those about another, such as
the mean of all rows, or the point of another stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np

from .. import arrays
from ..array_kinds import precision
from ..arrays import Array
from ..measures.gram import inner, squares
from ._pairs import Layer

_MORE = 2  # columns of z beside those of the layer
# Rows at once: as many as take 64 MB, but enough for products at full speed.
_BLOCK_ENTRIES, _LEAST, _MOST = 2**23, 256, 1024
_FAR = 1e-4  # share of what is taken off that has to be left, for nine digits


class Sums:
    """Sums of z z' over rows: of each layer, and of each pair that is asked for.

    Parameters
    ----------
    widths : list of int
        Columns of the layers, those of X before those of Y.
    others : int or None
        Layers of X, each of which meets those of Y; None: there is one network, and
        each layer meets those after it.

    Attributes
    ----------
    n : int
        Rows so far.
    """

    def __init__(self, widths: list[int], others: int | None) -> None:
        self.widths = widths
        self.others = others
        self.n = 0
        self._ends = np.cumsum([width + _MORE for width in widths]).tolist()
        self._points: list[Any] = []  # (d,), what each layer is taken from
        self._precision = [0.0] * len(widths)  # of the coarsest batch
        self._own: list[Any] = [None] * len(widths)  # NumPy: the lower triangle alone
        self._cross: list[Any] = [None] * len(
            widths if others is None else range(others)
        )

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)  # without their device
        for name in ("_points", "_own", "_cross"):
            parts = state[name]
            state[name] = [None if s is None else arrays.to_numpy(s) for s in parts]
        return state

    def add(self, features: list[Array]) -> None:
        """Take up rows (b, d) of all layers, checked beforehand."""
        if not self._points:
            self._points = [point_of(array) for array in features]
        finer = zip(self._precision, features, strict=True)
        self._precision = [max(p, precision(array)) for p, array in finer]
        b, width = len(features[0]), self._ends[-1]
        size = min(max(_BLOCK_ENTRIES // width, _LEAST), _MOST)
        for start in range(0, b, size):
            self._add(self._rows([f[start : start + size] for f in features]))
        self.n += b

    def _rows(self, features: list[Array]) -> Any:
        """Rows z of all layers beside one another, (b, sum of d + 2)."""
        shape = len(features[0]), self._ends[-1]
        if arrays.on_device(features[0]):
            z: Any = arrays.empty_float64(shape, features[0])
        else:
            z = np.empty(shape, order="F")  # so that columns go to BLAS without a copy
        for k, array in enumerate(features):
            start, d = self._ends[k] - self.widths[k] - _MORE, self.widths[k]
            x = arrays.beside(array, z) - self._beside(self._points, k, z)
            z[:, start : start + d] = x
            z[:, start + d] = 1
            z[:, start + d + 1] = arrays.namespace(z).einsum("ij,ij->i", x, x)
        return z

    def _add(self, z: Any) -> None:
        for k, end in enumerate(self._ends):
            x = z[:, end - self.widths[k] - _MORE : end]
            self._own[k] = squares(x, self._beside(self._own, k, z))
            first = self._first(k)
            if first is not None and first < z.shape[1]:
                onto = self._beside(self._cross, k, z)
                self._cross[k] = inner(x, z[:, first:], onto)

    def _first(self, k: int) -> int | None:
        """Column of z where the layers that k meets begin; None: it meets none."""
        if self.others is None:
            return self._ends[k]
        return self._ends[self.others - 1] if k < self.others else None

    @staticmethod
    def _beside(sums: list[Any], k: int, z: Any) -> Any:
        """These sums, on the device of z; another process sends them without one."""
        if sums[k] is not None and arrays.is_tensor(sums[k]) != arrays.is_tensor(z):
            sums[k] = arrays.beside(sums[k], z)
        return sums[k]

    def merge(self, other: Sums) -> None:
        """Take up all rows of other sums of these layers, which stay as they are."""
        if not other.n:
            return
        if not self.n:
            self.__dict__ |= deepcopy(other).__dict__
            return
        finer = zip(self._precision, other._precision, strict=True)
        self._precision = [max(pair) for pair in finer]
        steps = [
            arrays.to_numpy(theirs) - arrays.to_numpy(mine)
            for mine, theirs in zip(self._points, other._points, strict=True)
        ]
        for k in range(len(self.widths)):
            full = moved(other._full(k), steps[k], steps[k])
            self._own[k] = self._plus(self._own[k], full)
            if k < len(self._cross) and self._cross[k] is not None:
                block = arrays.to_numpy(other._cross[k])
                parts = [
                    moved(block[:, part], steps[k], steps[j])
                    for j, part in self._parts(k)
                ]
                self._cross[k] = self._plus(self._cross[k], np.hstack(parts))
        self.n += other.n

    @staticmethod
    def _plus(mine: Any, block: np.ndarray) -> Any:
        total = mine + arrays.beside(block, mine)
        return total if arrays.is_tensor(total) else np.asfortranarray(total)

    def _parts(self, k: int) -> Iterator[tuple[int, slice]]:
        """Layers that layer k meets, and their columns of its cross sums."""
        first = self._first(k)
        for j in range(k + 1 if self.others is None else self.others, len(self.widths)):
            end = self._ends[j] - first
            yield j, slice(end - self.widths[j] - _MORE, end)

    def _full(self, k: int) -> np.ndarray:
        own = arrays.to_numpy(self._own[k])
        if arrays.is_tensor(self._own[k]):
            return own
        lower = np.tril(own)
        return lower + np.tril(lower, -1).T

    def layer(self, k: int) -> Layer:
        """What a measure needs of one layer, about its mean."""
        step = self._to_mean(k)
        sums = moved(self._full(k), step, step)
        norms = square(sums), float(sums[-1, -1])
        energy, gram = float(sums[-1, -2]), sums[:-2, :-2]
        return Layer(self.n, energy, norms, gram, self._rounding(k))

    def _rounding(self, k: int) -> np.ndarray:
        d, step = self.widths[k], self._to_mean(k)
        squares = arrays.to_numpy(self._own[k]).diagonal()[:d] / self.n
        mean = arrays.to_numpy(self._points[k]) - step
        variance = np.maximum(squares - step**2, 0)
        return self._precision[k] * np.sqrt(variance + mean**2)

    def pair(self, k: int, j: int) -> np.ndarray:
        """Sums (p + 2, q + 2) of two layers that meet, k < j, about their means."""
        part = dict(self._parts(k))[j]
        block = arrays.to_numpy(self._cross[k][:, part])
        return moved(block, self._to_mean(k), self._to_mean(j))

    def norms(self, k: int, j: int) -> tuple[float, float]:
        """||X' Y||_F^2 and sum |x|^2 |y|^2 of two layers that meet, about their means.

        The blocks of `pair`, which may be many and wide, need not be moved for them,
        unless the means are so far from the points that digits would be lost.
        """
        block = arrays.to_numpy(self._cross[k][:, dict(self._parts(k))[j]])
        a, b = self._to_mean(k), self._to_mean(j)
        shift = self.n**2 * float(a @ a) * float(b @ b)
        # X' Y about the means is that about the points less n a b'.
        product = square(block) + shift
        product -= 2 * self.n * float(a @ (block[:-2, :-2] @ b))
        if product < _FAR * shift:
            block = self.pair(k, j)
            return square(block), float(block[-1, -1])
        lengths = block[-1] + 2 * (a @ block[:-2]) + float(a @ a) * block[-2]
        both = lengths[-1] + 2 * (b @ lengths[:-2]) + float(b @ b) * lengths[-2]
        return product, float(both)

    def _to_mean(self, k: int) -> np.ndarray:
        d = self.widths[k]
        # Of the lower triangle: the row of the ones, which holds the sums of x.
        return -arrays.to_numpy(self._own[k][d, :d]) / self.n


def square(sums: np.ndarray) -> float:
    """||X' Y||_F^2 of sums of z of x with z of y, without an array of squares."""
    product = sums[:-2, :-2].T  # in the order of memory
    return float(np.einsum("ij,ij->", product, product))


def moved(sums: np.ndarray, x_step: np.ndarray, y_step: np.ndarray) -> np.ndarray:
    """Sums (p + 2, q + 2) of z of x with z of y, for x + x_step and y + y_step.

    Examples
    --------
    >>> sums = np.outer([3.0, 1.0, 9.0], [2.0, 1.0, 4.0])
    >>> moved(sums, np.array([1.0]), np.array([0.0]))[:, 1]
    array([ 4.,  1., 16.])
    """
    out = sums.T.copy(order="C")  # as they come from BLAS: columns first
    for turned, step in ((out, y_step), (out.T, x_step)):
        x, ones = turned[:-2], turned[-2]
        turned[-1] += 2 * (step @ x) + (step @ step) * ones
        # In the order of memory, which decides about half of the time.
        change = np.outer(ones, step).T if turned is not out else np.outer(step, ones)
        x += change
    return out.T


def bytes_of_sums(widths: list[int], others: int | None) -> int:
    """What `Sums` takes for layers of these widths."""
    m = np.array(widths, np.float64) + _MORE
    if others is None:
        pairs = (m.sum() ** 2 - (m**2).sum()) / 2
    else:
        pairs = m[:others].sum() * m[others:].sum()
    return int(8 * ((m**2).sum() + pairs))


def point_of(features: Array) -> Any:
    """Mean (d,) of the rows; of a unit that does not vary, its very value."""
    x: Any = arrays.beside(features, features)
    constant = (x == x[:1]).all(0)
    return arrays.namespace(x).where(constant, x[0], x.mean(0))
