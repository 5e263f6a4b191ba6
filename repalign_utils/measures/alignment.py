"""Alignment of features with targets: how target energy lies along singular vectors.

The measure is that of Imani, Hu & White, "Representation Alignment in Neural
Networks" (TMLR 2022), Eq. 1, with the conventions of its official demo.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from .. import arrays
from ..arrays import Values
from .chance import Chance, mean_energy
from .descent import check_step_size, whole_steps

__all__ = ["GRID", "Alignment"]

# Thresholds in units of ||Phi||_F on which curves are kept and drawn: fine near 0,
# where the singular values of a collapsed layer lie.
GRID = np.concatenate([[0], np.geomspace(1e-4, 0.1, 25)[:-1], np.linspace(0.1, 1, 37)])
GRID.setflags(write=False)


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
    constant_energy : array (r,), float64
        (u_i^T 1)^2 of the vector of ones, of which the level of chance is made.
    target_mean : array (k,), float64
    permuted_area : array (N, k), float64, or None
        Areas of N random permutations of the targets, where they were asked for.

    Examples
    --------
    >>> from repalign_utils import alignment
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
    constant_energy: np.ndarray
    target_mean: np.ndarray
    permuted_area: np.ndarray | None = None

    def __post_init__(self) -> None:
        arrays_ = (self.singular_values, self.energy, self.target_energy)
        for array in (*arrays_, self.constant_energy, self.target_mean):
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
        >>> from repalign_utils import alignment
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

    @cached_property
    def norm(self) -> float:
        """||Phi||_F, the square root of n where rows have unit length."""
        largest = self.singular_values[0]
        return float(largest * np.linalg.norm(self.singular_values / largest))

    @property
    def ceiling(self) -> float:
        """sigma_1 / ||Phi||_F in (0, 1]: the largest `area` that a target can have.

        It is how far the spectrum has collapsed onto one direction: 1 where there is no
        other, 1 / sqrt(r) where all r are equally long.
        """
        return float(self.singular_values[0] / self.norm)

    def area(self, *, over: str = "norm") -> np.ndarray:
        """Area under the captured share of each target over the threshold.

        Parameters
        ----------
        over : {"norm", "sigma_1"}
            What thresholds are divided by. "norm" is ||Phi||_F, with unit rows the
            square root of n: the axis of the paper's figures, the same for all
            features. "sigma_1" is the features' own largest singular value: the area
            of another scale, by which sets of features of different width or collapse
            cannot be compared.

        Returns
        -------
        array (k,), float64, in [0, 1]
            sum_i sigma_i energy_i / (s ||y||^2) with s = ||Phi||_F or sigma_1. The
            first is the second times `ceiling`, and never above it: 0 if the target
            lies outside the span, `ceiling` if along the first direction.

        Raises
        ------
        ValueError
            If `over` is unknown.

        Examples
        --------
        >>> from repalign_utils import alignment
        >>> found = alignment(np.diag([4, 3]), [1, 1], bias=False, normalize=False)
        >>> found.area(), found.area(over="sigma_1"), found.ceiling
        (array([0.7]), array([0.875]), 0.8)
        """
        if over not in ("norm", "sigma_1"):
            raise ValueError(
                f"over is {over!r} but must be 'norm' or 'sigma_1': what thresholds "
                "are divided by; leave it out for the paper's axis"
            )
        relative = self.singular_values / self.singular_values[0]
        area = np.minimum(relative @ self.energy / self.target_energy, 1)
        return area * (self.ceiling if over == "norm" else 1)

    def shares(self, thresholds: Values = GRID) -> np.ndarray:
        """Captured share of each target at thresholds in units of ||Phi||_F.

        Parameters
        ----------
        thresholds : number or array (t,)
            From 0 to 1, in any order; by default the grid on which the book keeps its
            curves, `repalign_utils.GRID`.

        Returns
        -------
        array (t, k), float64, in [0, 1]
            `curve` over ||y||^2; its integral over thresholds from 0 to 1 is `area`.

        Examples
        --------
        >>> from repalign_utils import alignment
        >>> found = alignment(np.diag([4, 3]), [1, 1], bias=False, normalize=False)
        >>> found.shares([0.5, 0.7, 0.9]).ravel().tolist()
        [1.0, 0.5, 0.0]
        """
        x = arrays.vector(thresholds, "thresholds")
        return self.curve(x * self.norm) / self.target_energy

    def null(self) -> Chance:
        """What chance gives: the mean over all permutations of the targets.

        Returns
        -------
        Chance
            With `area` (k,), ``curve(thresholds)`` and, if permutations were asked for,
            `p_value` (k,).

        Examples
        --------
        >>> from repalign_utils import alignment
        >>> found = alignment(np.diag([4, 3]), [1, -1], bias=False, normalize=False)
        >>> found.null().area
        array([0.7])
        """
        energy = mean_energy(
            self.constant_energy, self.target_energy, self.target_mean, self.n
        )
        return Chance(replace(self, energy=energy), self)

    def excess(self) -> np.ndarray:
        """Area above chance, as a share of what the spectrum leaves room for.

        Returns
        -------
        array (k,), float64
            (area - null area) / (ceiling - null area): 0 at the level of chance, 1 if
            the target lies along the first direction, negative below chance; NaN where
            every permutation of the target has the largest area there can be.

        Examples
        --------
        >>> from repalign_utils import alignment
        >>> features, y = np.diag([2.0, 1.0, 1.0]), [2.0, 0.5, -0.5]
        >>> alignment(features, y, bias=False, normalize=False).excess().round(3)
        array([0.833])
        """
        chance = self.null().area
        room = self.ceiling - chance
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(room > 0, (self.area() - chance) / room, np.nan)

    def rank(self, eps: float, *, rule: str = "residual") -> np.ndarray:
        """Directions needed for all but a share of the target inside the span.

        Parameters
        ----------
        eps : float
            Positive share of the norm.
        rule : {"residual", "captured"}
            "residual": the norm of what the first k directions leave is below eps of
            the norm, as the text of the reference has it. "captured": the norm of what
            they hold is above 1 - eps of it, as in the code released with it. Since
            squares add up, the former asks for 1 - eps^2 of the energy and the latter
            for (1 - eps)^2, so that ranks differ by far: for eps = 0.1, 99 % or 81 %.

        Returns
        -------
        array (k,), int
            The smallest such k, the k(eps) of Imani et al. (2024), "Label Alignment
            Regularization for Distribution Shift", Sec. 2.2; 0 if no part of the target
            is in the span.

        Raises
        ------
        ValueError
            If `eps` is not positive, or the rule is unknown.

        Examples
        --------
        >>> from repalign_utils import alignment
        >>> found = alignment(np.diag([2, 1]), [1, 0.5], bias=False, normalize=False)
        >>> found.rank(0.2), found.rank(0.2, rule="captured")
        (array([2]), array([1]))
        """
        if not eps > 0:
            raise ValueError(
                f"eps is {eps} but must be positive: at 0 no number of directions is "
                "enough; pass e.g. 0.1"
            )
        if rule not in ("residual", "captured"):
            raise ValueError(
                f"rule is {rule!r} but must be 'residual' or 'captured'; leave it out "
                "for the definition in the text of the paper"
            )
        if rule == "captured":
            held = np.sqrt(self.energy.cumsum(0))
            return ((held <= (1 - eps) * held[-1]).sum(0) + 1) * (held[-1] > 0)
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
        >>> from repalign_utils import alignment
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
        """Draw the captured share of each target against threshold / ||Phi||_F.

        What chance gives is a thin line.

        Parameters
        ----------
        ax : matplotlib axes
            Where to draw; new axes if None.

        Returns
        -------
        matplotlib axes
        """
        from ..figures import plot_curves

        x = np.linspace(0, 1.02 * self.ceiling, 256)
        shares = self.shares(x).T  # (k, t)
        names = (
            ["target"]
            if len(shares) == 1
            else [f"target {number}" for number in range(1, len(shares) + 1)]
        )
        curves = {name: share[None] for name, share in zip(names, shares, strict=True)}
        chance = (self.null().curve(x * self.norm) / self.target_energy).T
        label = "threshold / ‖Φ‖_F"
        return plot_curves(curves, x, ax=ax, xlabel=label, chance=chance)
