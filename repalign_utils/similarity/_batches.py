"""The minibatch form of CKA: of batches it keeps one number per pair of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import arrays
from ..arrays import Array
from ..measures.memory import size
from ._cka import u_centred

LEAST = 4  # rows that the unbiased HSIC of a batch needs


class Batches:
    """Sums over batches of the unbiased HSIC of all pairs (Nguyen et al. 2021, Eq. 3).

    The last batch is held back, so that a rest of fewer than four rows can join it.

    Parameters
    ----------
    layers : int
        Of both networks, those of X first.
    others : int or None
        Of X; None: all layers meet each other.
    memory : float
        Bytes that Gram matrices of one batch may take.
    """

    def __init__(self, layers: int, others: int | None, memory: float) -> None:
        self._others = others
        self._memory = memory
        rows = layers if others is None else others
        self._shared = np.zeros((rows, layers - (others or 0)))
        self._own = np.zeros(layers)
        self._last: list[np.ndarray] = []  # rows (b, d) of each layer

    def add(self, features: Sequence[Array]) -> None:
        """Take up a batch of rows (b, d) of all layers."""
        last = [_kept(array) for array in features]
        self._check_fits(len(last[0]))
        if self._last and min(len(last[0]), len(self._last[0])) < LEAST:
            self._last = [
                _joined(mine, more) for mine, more in zip(self._last, last, strict=True)
            ]
            return
        if self._last:
            self._close(self._last)
        self._last = last

    def merge(self, other: Batches) -> None:
        """Take up all batches of another, which stays as it is."""
        self._shared = self._shared + other._shared
        self._own = self._own + other._own
        if other._last:
            self.add(other._last)

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Sums so far of pairs (lx, ly), and of layers with themselves (layers,)."""
        if not self._last:
            return self._shared, self._own
        if len(self._last[0]) < LEAST:
            raise ValueError(
                f"there are {len(self._last[0])} rows so far but the minibatch form of "
                f"CKA needs {LEAST} in a batch at least; pass more rows"
            )
        now = Batches(len(self._own), self._others, self._memory)
        now._shared, now._own = self._shared.copy(), self._own.copy()
        now._close(self._last)
        return now._shared, now._own

    def _close(self, features: list[Any]) -> None:
        n = len(features[0])
        grams = [_kernel(rows) for rows in features]
        first = len(grams) if self._others is None else self._others
        rest = 0 if self._others is None else self._others
        xp: Any = arrays.namespace(grams[0])
        x, y = xp.stack(grams[:first]), xp.stack(grams[rest:])
        count = n * (n - 3)
        self._shared += arrays.to_numpy(x @ y.T) / count
        own = [arrays.to_numpy(gram @ gram) for gram in grams]
        self._own += np.array(own) / count

    def _check_fits(self, b: int) -> None:
        needed = 8 * 2 * len(self._own) * b**2
        if needed > self._memory:
            raise ValueError(
                f"a batch of {b:,} rows takes {size(needed)} for the Gram matrices of "
                f"{len(self._own)} layers, above memory={size(self._memory)}; pass "
                "smaller batches, or minibatch=False for the CKA of all rows"
            )


def _kept(features: Array) -> Any:
    """A copy of the rows in float64, which may be written over afterwards."""
    x: Any = arrays.beside(features, features)
    if arrays.is_tensor(x):
        return x.clone()
    return np.array(x)


def _joined(rows: Any, more: Any) -> Any:
    return arrays.namespace(rows).concatenate([rows, arrays.beside(more, rows)])


def _kernel(rows: Any) -> Any:
    """Gram matrix of the centred rows, U-centred, flattened (n * n,)."""
    x = rows - rows.mean(0)
    return u_centred(x @ x.T).reshape(-1)
