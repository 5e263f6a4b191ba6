"""Linear kernels of all layers at once: the cheap way to CKA where rows are few.

With K = X X' of centred rows ||X' Y||_F^2 is the inner product of two kernels, so that
l layers of d units take n^2 l d in place of n (l d)^2 operations. The kernels pass by
in blocks of rows, of which only what lies on and right of the diagonal is made.
"""

from __future__ import annotations

import numpy as np

from .. import arrays
from ..arrays import Array
from ._pairs import Layer
from ._sums import point_of

_BLOCK_ENTRIES, _LEAST = 2**23, 16  # 64 MB of kernels, but enough rows for BLAS


class Kernels:
    """What CKA needs of all pairs of layers, of rows that are all there.

    Parameters
    ----------
    features : list of array (n, d)
        Checked beforehand; copied to the CPU.
    """

    def __init__(self, features: list[Array]) -> None:
        rows = [_centred(array) for array in features]
        self.n = len(rows[0])
        self._lengths = np.stack([np.einsum("ij,ij->i", x, x) for x in rows])
        self._products = _inner_products(rows)

    def layer(self, k: int) -> Layer:
        """What a measure needs of one layer."""
        return Layer(self.n, float(self._lengths[k].sum()), self.norms(k, k))

    def norms(self, k: int, j: int) -> tuple[float, float]:
        """||X' Y||_F^2 and sum |x|^2 |y|^2 of two layers, as `Sums.norms`."""
        lengths = self._lengths[k] @ self._lengths[j]
        return float(self._products[k, j]), float(lengths)


def worthwhile(n: int, widths: list[int]) -> bool:
    """Whether kernels of n rows take fewer operations than sums of all pairs."""
    layers, units = len(widths), sum(widths)
    return n * (units + layers**2) < units**2


def _centred(array: Array) -> np.ndarray:
    x = arrays.to_numpy(array).astype(np.float64)
    return x - point_of(x)


def _inner_products(rows: list[np.ndarray]) -> np.ndarray:
    """Inner products (l, l) of the kernels of rows (n, d)."""
    layers, n = len(rows), len(rows[0])
    size = max(_BLOCK_ENTRIES // (layers * n), _LEAST)
    total = np.zeros((layers, layers))
    for start in range(0, n, size):
        end = min(start + size, n)
        on = np.stack([x[start:end] @ x[start:end].T for x in rows])
        right = np.stack([x[start:end] @ x[end:].T for x in rows])
        for block, times in ((on, 1), (right, 2)):  # once more below the diagonal
            flat = block.reshape(layers, -1)
            total += times * (flat @ flat.T)
    return total
