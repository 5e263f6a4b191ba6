"""Alignment of features with targets: how target energy lies along singular vectors.

The measure is that of Imani, Hu & White, "Representation Alignment in Neural
Networks" (TMLR 2022), Eq. 1, with the conventions of its official demo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import arrays
from .budgets import gram_bytes, refusal, svd_bytes
from .decompose import Spectrum, by_gram, by_svd, gram_suffices
from .descent import check_step_size, whole_steps
from .gram import Design
from .memory import bytes_of

if TYPE_CHECKING:
    from ..arrays import Array, Values

__all__ = ["Alignment", "alignment", "from_spectrum"]

_METHODS = ("auto", "gram", "svd")


@dataclass(frozen=True, eq=False)
class Alignment:
    """Spectrum of features and how the targets' energy is spread over it.

    Attributes
    ----------
    singular_values : array (r,), float64
        Of Phi, in descending order, r its numerical rank.
    energy : array (r, k), float64
        (u_i^T y_k)^2 for the left singular vectors u_i.
    target_energy : array (k,), float64
        ||y_k||^2; what exceeds the sum of `energy` lies outside the span of Phi.
    n : int
        Rows of Phi.
    method : str
        How it was found: "gram" or "svd".

    Examples
    --------
    >>> found = alignment(np.eye(3)[:, :2], [2.0, 1, 1], bias=False, normalize=False)
    >>> found
    Alignment(n=3, rank=2, targets=1, method='gram')
    >>> found.target_energy
    array([6.])
    """

    singular_values: np.ndarray
    energy: np.ndarray
    target_energy: np.ndarray
    n: int
    method: str

    def __post_init__(self) -> None:
        for array in (self.singular_values, self.energy, self.target_energy):
            array.setflags(write=False)

    def __repr__(self) -> str:
        r, k = self.energy.shape
        return f"Alignment(n={self.n}, rank={r}, targets={k}, method={self.method!r})"

    def curve(self, thresholds: Values) -> np.ndarray:
        """Target energy captured at each threshold (Imani et al. 2022, Eq. 1).

        Parameters
        ----------
        thresholds : number or array (t,), in units of `singular_values`
            In any order; NumPy, PyTorch or list.

        Returns
        -------
        array (t, k), float64
            Sum of `energy` over singular values at or above the threshold; at
            threshold 0 all of `target_energy`, the part outside the span included.

        Raises
        ------
        ValueError
            If a threshold is negative or NaN.

        Examples
        --------
        >>> found = alignment([[2.0], [0.0]], [3.0, 1.0], bias=False, normalize=False)
        >>> found.curve([0, 1, 2, 2.5]).ravel().tolist()
        [10.0, 9.0, 9.0, 0.0]
        """
        tau = arrays.vector(thresholds, "thresholds")
        wrong = tau[~(tau >= 0)]
        if len(wrong):
            raise ValueError(
                f"thresholds contain {wrong[0]} but must be 0 or greater: they are in "
                "the units of the singular values; drop it"
            )
        captured = np.vstack([np.zeros_like(self.target_energy), self._captured()])
        count = np.searchsorted(-self.singular_values, -tau, side="right")
        return np.where(tau[:, None] == 0, self.target_energy, captured[count])

    def _captured(self) -> np.ndarray:
        """Energy of the first 1, ..., r directions, (r, k); never above the whole."""
        return np.minimum(self.energy.cumsum(0), self.target_energy)

    def area(self) -> np.ndarray:
        """Area under the normalised curve over threshold / sigma_1.

        Returns
        -------
        array (k,), float64, in [0, 1]
            sum_i sigma_i energy_i / (sigma_1 ||y||^2): 1 if the target lies along the
            first direction, 0 if outside the span.

        Examples
        --------
        >>> alignment(np.diag([2.0, 1.0]), [1, 1], bias=False, normalize=False).area()
        array([0.75])
        """
        relative = self.singular_values / self.singular_values[0]
        return np.minimum(relative @ self.energy / self.target_energy, 1)

    def rank(self, eps: float) -> np.ndarray:
        """Directions needed for all but a share of the target inside the span.

        Parameters
        ----------
        eps : float
            Positive share of the norm.

        Returns
        -------
        array (k,), int
            Smallest k with sqrt(sum_{i>k} energy_i) < eps sqrt(sum_i energy_i), the
            k(eps) of Imani et al. (2024), "Label Alignment Regularization for
            Distribution Shift", Sec. 2.2; 0 if no part of the target is in the span.

        Raises
        ------
        ValueError
            If `eps` is not positive.

        Examples
        --------
        >>> found = alignment(np.diag([2, 1]), [1, 0.1], bias=False, normalize=False)
        >>> found.rank(0.5), found.rank(0.05)
        (array([1]), array([2]))
        """
        if not eps > 0:
            raise ValueError(
                f"eps is {eps} but must be positive: at 0 no number of directions is "
                "enough; pass e.g. 0.1"
            )
        # Summed from the small end, so that small tails are exact.
        tails = np.sqrt(self.energy[::-1].cumsum(0)[::-1])
        return ((tails >= eps * tails[0]) & (tails > 0)).sum(0)

    def residual(self, step_size: float, steps: Values) -> np.ndarray:
        """Exact training loss of full-batch gradient descent from w = 0.

        The loss is the mean one, L(w) = ||Phi w - y||^2 / (2 n), so that after t steps
        of size eta

            L_t = (sum_i (1 - eta sigma_i^2 / n)^(2 t) energy_i + outside) / (2 n)

        with ``outside`` the energy outside the span of Phi, which stays. Steps below
        2 n / sigma_1^2 are stable; a larger one diverges, up to infinity.

        Parameters
        ----------
        step_size : float
            eta, positive.
        steps : integer or array (t,) of integers
            Numbers of steps, from 0, in any order.

        Returns
        -------
        array (t, k), float64

        Raises
        ------
        ValueError
            If the step size is not positive and finite, or a step not a whole number
            from 0.

        Examples
        --------
        >>> found = alignment([[1.0], [0.0]], [2.0, 1.0], bias=False, normalize=False)
        >>> found.residual(1.0, [0, 1, 1000]).ravel().tolist()
        [1.25, 0.5, 0.25]
        """
        t = whole_steps(steps)
        check_step_size(step_size, self.singular_values[0], self.n)
        with np.errstate(over="ignore", under="ignore"):
            shrink = abs(1 - step_size * self.singular_values**2 / self.n)
            factors = shrink ** (2 * t[:, None])  # (t, r)
            inside = np.stack(
                [factors[:, e > 0] @ e[e > 0] for e in self.energy.T], axis=1
            )  # an infinite factor of no energy counts nothing
            return (inside + self._outside()) / (2 * self.n)

    def _outside(self) -> np.ndarray:
        """Target energy outside the span of Phi, (k,)."""
        if len(self.singular_values) == self.n:
            return np.zeros_like(self.target_energy)  # the span is everything
        return np.maximum(self.target_energy - self.energy.sum(0), 0)

    def plot(self, *, ax: Any = None) -> Any:
        """Draw the captured share of each target against the threshold.

        Parameters
        ----------
        ax : matplotlib axes
            Where to draw; new axes if None.

        Returns
        -------
        matplotlib axes
        """
        from ..figures import plot_curves

        thresholds = np.linspace(0, 1.02 * self.singular_values[0], 256)
        shares = (self.curve(thresholds) / self.target_energy).T  # (k, t)
        names = (
            ["target"]
            if len(shares) == 1
            else [f"target {number}" for number in range(1, len(shares) + 1)]
        )
        curves = {name: share[None] for name, share in zip(names, shares, strict=True)}
        return plot_curves(curves, thresholds, ax=ax)


def alignment(
    features: Values,
    targets: Values,
    *,
    bias: bool = True,
    normalize: bool = True,
    method: str = "auto",
    memory: str | int | None = None,
) -> Alignment:
    """Spectrum of features and the energy of targets along it.

    Phi is `features`, by default with a column of ones appended and every row then
    scaled to unit length (the official demo's convention; nothing is centred). All
    sums are made in float64, on the features' device.

    Parameters
    ----------
    features : array (n, d)
        NumPy, PyTorch on any device, or nested lists; float16, bfloat16, float32,
        float64 or integers; n may be smaller or larger than d.
    targets : array (n,) or (n, k)
        A vector is one target, k = 1. Class labels become columns by `one_vs_rest`.
    bias : bool
        Append the column of ones.
    normalize : bool
        Scale rows to unit length.
    method : {"auto", "gram", "svd"}
        "gram" takes the eigenvalues of the smaller Gram matrix, Phi' Phi or Phi Phi':
        fast, but directions below about 1e-7 sigma_1 are lost and the energy of those
        below 1e-4 sigma_1 is blurred. "svd" is exact to rounding. "auto" uses the Gram
        matrix where its spectrum shows that each value of ``curve`` is right to 1e-8
        ||y||^2 for float64 and integers, 1e-6 ||y||^2 for lower precision (thresholds
        at least 1e-9 or 1e-6 sigma_1 from every singular value), else the SVD. Either
        way, directions are left out that the features' precision cannot tell from
        zero (`measures.decompose.rank_floor`): at most below 2^-22 sigma_1 in
        float32, 2^-9 in float16, 2^-6 in bfloat16.
    memory : str or int
        What may be taken beyond `features`, such as "4GB"; None for no limit. Features
        are read in blocks, so that the smaller of n and d counts, and a `numpy.memmap`
        may be longer than the memory. What is too large is refused before it is
        allocated.

    Returns
    -------
    Alignment

    Raises
    ------
    TypeError
        If an array is complex, boolean or holds no numbers.
    ValueError
        If shapes do not fit, an entry is NaN or infinite, a target or all features
        are zero, a row is zero that has to be scaled, the method is unknown, or more
        than `memory` would be taken.

    Warns
    -----
    UserWarning
        If targets are integers other than -1 and 1 in one column, as labels are, or
        if, in 20 rows or more, the mean of a target holds more than half of its
        squared norm, of which the constant column captures all.

    References
    ----------
    Imani, Hu & White (2022), "Representation Alignment in Neural Networks", TMLR,
    Eq. 1.

    Examples
    --------
    >>> features = np.array([[3.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    >>> found = alignment(features, [1.0, 2, 5], bias=False, normalize=False)
    >>> found.singular_values
    array([3., 2.])
    >>> found.energy.round(12).ravel().tolist()
    [1.0, 4.0]
    """
    if method not in _METHODS:
        raise ValueError(
            f"method is {method!r} but must be one of {', '.join(_METHODS)}; "
            "leave it out to have it chosen"
        )
    limit = bytes_of(memory)
    source = arrays.features_matrix(features)
    columns = arrays.targets_matrix(targets, source)
    design = Design(source, bias, normalize)
    return measured(design, columns, method=method, limit=limit)


def measured(
    design: Design, columns: Any, *, method: str = "auto", limit: float = np.inf
) -> Alignment:
    """As `alignment`, of features and targets that have been checked.

    Parameters
    ----------
    design : Design
    columns : array (n, k), float64
        From `repalign_utils.arrays.targets_matrix`.
    method : {"auto", "gram", "svd"}
    limit : float
        Bytes that may be taken.

    Returns
    -------
    Alignment
    """
    target_energy = arrays.to_numpy((columns * columns).sum(0))
    found, used = _spectrum(design, columns, target_energy, method, limit)
    return from_spectrum(found, target_energy, len(columns), used)


def from_spectrum(
    found: Spectrum, target_energy: np.ndarray, n: int, method: str
) -> Alignment:
    """Alignment of Phi with n rows, from its spectrum and the ||y_k||^2.

    Raises
    ------
    ValueError
        If all features are zero.
    """
    if not len(found.singular_values):
        raise ValueError(
            f"all {n} rows of the features are zero and span nothing; pass "
            "features that are not, or bias=True"
        )
    return Alignment(*found[:2], target_energy, n, method)


def _spectrum(
    design: Design, targets: Array, target_energy: np.ndarray, method: str, limit: float
) -> tuple[Spectrum, str]:
    """Spectrum of the design, and which way it was found."""
    if method == "svd":
        return _by_svd(design, targets, limit), "svd"
    if gram_bytes(design.shape, targets.shape[1]) > limit:
        raise refusal(design.shape, targets.shape[1], limit, way="gram")
    found = by_gram(design, targets)
    if method == "gram":
        if found is None:
            raise ValueError(
                "products of the features exceed float64, so there is no Gram matrix; "
                'divide the features by their largest entry, or pass method="svd"'
            )
        return found, "gram"
    n, m = design.shape
    low = arrays.is_low_precision(design.features)
    if found and gram_suffices(found, target_energy, is_tall=n >= m, low_precision=low):
        return found, "gram"
    return _by_svd(design, targets, limit), "svd"


def _by_svd(design: Design, targets: Array, limit: float) -> Spectrum:
    k, least = targets.shape[1], min(design.shape)
    if svd_bytes(design.shape, k) > limit:
        raise refusal(design.shape, k, limit, way="svd")
    fast = 4 * least  # rows below the factor: more are no faster
    fits = svd_bytes(design.shape, k, fast) <= limit
    return by_svd(design, targets, length=fast if fits else least)
