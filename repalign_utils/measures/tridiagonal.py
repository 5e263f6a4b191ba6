"""Eigenvalues of symmetric matrices, and as many of the vectors as are asked for."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import eigh_tridiagonal, get_lapack_funcs

__all__ = ["Tridiagonal", "eigh"]

_SYTRD, _SYTRD_LENGTH, _ORMQR = get_lapack_funcs(
    ("sytrd", "sytrd_lwork", "ormqr"), dtype=np.float64
)
# Up to one in so many of the vectors, one by one takes less time than all together.
_FEW = 8


class Tridiagonal(NamedTuple):
    """Symmetric G = Q T Q' (p, p) with T tridiagonal.

    Eigenvectors are Q times those of T. LAPACK's own drivers, and those of NumPy and
    SciPy, form all of them, in twice the time.

    Attributes
    ----------
    diagonal, beside : arrays (p,) and (p - 1,), float64
        T.
    reflectors, tau : arrays (p, p) and (p - 1,), float64
        Q, as LAPACK has it.

    Examples
    --------
    >>> split = Tridiagonal.of(np.diag([3.0, 1.0, 2.0]))
    >>> split.values(), abs(split.vectors(0, 1)).ravel()
    (array([1., 2., 3.]), array([0., 1., 0.]))
    """

    diagonal: np.ndarray
    beside: np.ndarray
    reflectors: np.ndarray
    tau: np.ndarray

    @classmethod
    def of(cls, gram: np.ndarray, *, overwrite: bool = False) -> Tridiagonal:
        """From the lower triangle of G, float64."""
        length = int(_SYTRD_LENGTH(len(gram), lower=1)[0])
        reflectors, diagonal, beside, tau, _ = _SYTRD(
            gram, lower=1, lwork=length, overwrite_a=overwrite
        )
        return cls(diagonal, beside, reflectors, tau)

    def values(self) -> np.ndarray:
        """Eigenvalues (p,), ascending."""
        return self._solved(eigvals_only=True)

    def eigh(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues (p,), ascending, and eigenvectors (p, p) of T."""
        return self._solved()

    def vectors(self, start: int, stop: int) -> np.ndarray:
        """Eigenvectors (p, stop - start) of G, of eigenvalues start to stop."""
        if stop - start > len(self.diagonal) // _FEW:
            return self.turned(self.eigh()[1][:, start:stop])
        if start == stop:
            return np.empty((len(self.diagonal), 0))
        _, few = self._solved(select="i", select_range=(start, stop - 1))
        return self.turned(few)

    def _solved(self, **options: Any) -> Any:
        return eigh_tridiagonal(
            self.diagonal, self.beside, check_finite=False, **options
        )

    def turned(self, columns: np.ndarray, *, back: bool = False) -> np.ndarray:
        """Q times columns (p, k), float64; `back`: Q' times them."""
        # Q leaves the first coordinate alone; its reflectors lie below.
        turned = np.array(columns)
        if len(turned) < 2:
            return turned
        work = 64 * (turned.shape[1] + 65)
        below, trans = self.reflectors[1:, :-1], "T" if back else "N"
        turned[1:] = _ORMQR("L", trans, below, self.tau, turned[1:], work)[0]
        return turned


def eigh(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `numpy.linalg.eigh` of the lower triangle of a float64 array.

    Examples
    --------
    >>> eigh(np.diag([2.0, 1.0]))[0]
    array([1., 2.])
    """
    split = Tridiagonal.of(gram)
    values, vectors = split.eigh()
    return values, split.turned(vectors)
