"""The level of chance: alignment of targets whose rows are permuted at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import arrays
from ..arrays import Array, Values

if TYPE_CHECKING:
    from .alignment import Alignment

__all__ = ["Chance", "check_permutations", "mean_energy", "permuted_columns"]

_TIE = 1e-12  # areas closer than this are equal but for rounding


@dataclass(frozen=True, eq=False)
class Chance:
    """What alignment is on average over all permutations of the targets.

    Examples
    --------
    >>> from repalign_utils import alignment
    >>> rng = np.random.default_rng(0)
    >>> features, noise = rng.normal(size=(50, 3)), rng.normal(size=50)
    >>> found = alignment(
    ...     features, features[:, 0] + noise, permutations=999, generator=rng
    ... )
    >>> found.area().round(2), found.null().area.round(2), found.null().p_value
    (array([0.36]), array([0.05]), array([0.001]))
    """

    _mean: Alignment
    _found: Alignment

    @property
    def area(self) -> np.ndarray:
        """Mean area over ||Phi||_F, (k,)."""
        return self._mean.area()

    def curve(self, thresholds: Values) -> np.ndarray:
        """Mean energy captured at each threshold, (t, k), as ``Alignment.curve``."""
        return self._mean.curve(thresholds)

    def shares(self, *thresholds: Values) -> np.ndarray:
        """Mean share captured, (t, k), as ``Alignment.shares``: on the book's grid."""
        return self._mean.shares(*thresholds)

    def residual(self, step_size: float, steps: Values) -> np.ndarray:
        """Mean training loss of gradient descent, (t, k), as ``Alignment.residual``."""
        return self._mean.residual(step_size, steps)

    @property
    def p_value(self) -> np.ndarray:
        """Permutations with at least the area found, (1 + count) / (1 + N), (k,).

        Raises
        ------
        ValueError
            If the alignment was measured without permutations.

        References
        ----------
        Phipson & Smyth (2010), "Permutation p-values should never be zero", on the 1.
        """
        permuted = self._found.permuted_area
        if permuted is None:
            raise ValueError(
                "there are no permutations to compare with; pass permutations=999 and "
                "a generator to alignment (streams have none)"
            )
        least = self._found.area() * (1 - _TIE)
        return (1 + (permuted >= least).sum(0)) / (1 + len(permuted))


def mean_energy(
    constant_energy: np.ndarray,
    target_energy: np.ndarray,
    target_mean: np.ndarray,
    n: int,
) -> np.ndarray:
    """Mean energy of permuted targets along each direction, over all n! permutations.

    With y = m 1 + z, z orthogonal to the ones, a permutation P leaves m 1 and moves z.
    The mean of P z is zero, that of P z z' P' is (||z||^2 / (n - 1)) (I - 11' / n), so

        E (u' P y)^2 = m^2 (u' 1)^2 + (||y||^2 - n m^2) / (n - 1) (1 - (u' 1)^2 / n)

    Parameters
    ----------
    constant_energy : array (r,)
        (u_i^T 1)^2.
    target_energy, target_mean : array (k,)
        ||y_k||^2 and m.
    n : int
        Rows.

    Returns
    -------
    array (r, k), float64

    Examples
    --------
    >>> mean_energy(np.array([0.0, 2.0]), np.array([2.0]), np.array([0.0]), 2).ravel()
    array([2., 0.])
    """
    along = constant_energy[:, None]
    of_mean = n * target_mean**2
    varying = np.maximum(target_energy - of_mean, 0) / max(n - 1, 1)
    return of_mean / n * along + varying * np.maximum(1 - along / n, 0)


def permuted_columns(
    columns: Array, permutations: int, generator: np.random.Generator | None
) -> Any:
    """Targets with their rows permuted N times, (n, N k); None for N = 0.

    Raises
    ------
    ValueError
        If the number is no whole number from 0, or there is no generator.

    Examples
    --------
    >>> drawn = permuted_columns(np.eye(3)[:, :2], 4, np.random.default_rng(0))
    >>> drawn.shape, drawn.sum(0).tolist()
    ((3, 8), [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    """
    check_permutations(permutations, generator)
    if not permutations:
        return None
    y = arrays.to_numpy(columns)
    assert generator is not None  # checked
    orders = generator.permuted(np.tile(np.arange(len(y)), (permutations, 1)), axis=1)
    drawn = y[orders.T].reshape(len(y), -1)  # (n, N, k), columns of a draw together
    return arrays.beside(drawn, columns)


def check_permutations(permutations: int, generator: Any, *, least: int = 0) -> None:
    """Raise a ValueError unless so many orders of rows can be drawn."""
    if permutations != int(permutations) or permutations < least:
        raise ValueError(
            f"permutations is {permutations} but must be a whole number from {least}; "
            "199 give a p-value of at least 0.005, 999 of 0.001"
        )
    if permutations and not isinstance(generator, np.random.Generator):
        raise ValueError(
            f"permutations are drawn by a generator but generator is {generator!r}; "
            "pass generator=numpy.random.default_rng(0)"
        )
