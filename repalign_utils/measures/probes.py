"""Linear models on fixed features, trained by gradient descent without a loop.

Full-batch gradient descent from zero on ||Phi w - y||^2 / (2 n) has a closed form in
the singular vectors of Phi (the setting of Imani, Hu & White 2022 on optimisation), so
that the weights after any number of steps cost one decomposition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import arrays
from ..arrays import Array, Values
from .alignment import Alignment
from .decompose import Spectrum, rank_floor
from .descent import check_step_size, whole_steps
from .gram import Design
from .spectral import from_spectrum

__all__ = ["LinearProbe", "linear_probe"]


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """Linear models after given numbers of steps, one per target and number.

    Attributes
    ----------
    weights : array (t, m, k), float64
        Of the columns of Phi, the constant one last if there is a bias.
    alignment : Alignment
        Of the targets with Phi, from the decomposition that gave the weights.
    bias, normalize : bool
        How features become rows of Phi, see `repalign_utils.alignment`.
    """

    weights: np.ndarray
    alignment: Alignment
    bias: bool = True
    normalize: bool = True

    def predict(self, features: Values) -> np.ndarray:
        """Give predictions on rows of features, (t, n, k), float64.

        Parameters
        ----------
        features : array (n, d)
            With the columns that the probe was trained on.

        Raises
        ------
        ValueError
            If there are more or fewer columns.
        """
        phi = _phi(arrays.features_matrix(features), self.bias, self.normalize)
        if phi.shape[1] != self.weights.shape[1]:
            extra = int(self.bias)
            raise ValueError(
                f"features have {phi.shape[1] - extra} columns but the probe was "
                f"trained on {self.weights.shape[1] - extra}; pass the same features"
            )
        return phi @ self.weights


def linear_probe(
    features: Values,
    targets: Values,
    steps: Values,
    *,
    step_size: float | None = None,
    bias: bool = True,
    normalize: bool = True,
) -> LinearProbe:
    """Linear models as full-batch gradient descent from zero leaves them.

    With Phi = U diag(sigma) V^T the weights after t steps of size eta are

        w_t = sum_i (1 - (1 - eta sigma_i^2 / n)^t) / sigma_i (u_i^T y) v_i

    Parameters
    ----------
    features : array (n, d)
        Of any kind that `repalign_utils.alignment` takes.
    targets : array (n,) or (n, k)
    steps : integer or array (t,)
        Numbers of steps.
    step_size : float, optional
        eta, at most 2 n / sigma_1^2, beyond which gradient descent diverges; by
        default half of that.
    bias, normalize : bool
        As in `repalign_utils.alignment`.

    Returns
    -------
    LinearProbe

    Raises
    ------
    ValueError
        If arrays do not fit, all features are zero, a step is no whole number from 0,
        or the step size is not positive, not finite or diverges.

    Warns
    -----
    UserWarning
        Of targets that look like labels, as `repalign_utils.alignment` does.

    Examples
    --------
    >>> probe = linear_probe([[1.0], [2.0]], [1.0, 2.0], [0, 99], bias=False,
    ...                      normalize=False)
    >>> probe.predict([[3.0]]).round(3).ravel().tolist()
    [0.0, 3.0]
    """
    t = whole_steps(steps)
    source = arrays.features_matrix(features)
    phi = _phi(source, bias, normalize)
    y = arrays.to_numpy(arrays.targets_matrix(targets, phi))
    u, sigma, vt = np.linalg.svd(phi, full_matrices=False)
    kept = sigma > rank_floor(sigma, phi.shape, arrays.precision(source))
    u, sigma, vt = u[:, kept], sigma[kept], vt[kept]
    along = u.T @ y  # (r, k)
    energy = np.column_stack([along, u.sum(0)]) ** 2
    spectrum = Spectrum(sigma, energy, int((~kept).sum()))
    found = from_spectrum(spectrum, (y * y).sum(0), y.sum(0), len(phi), "svd")
    shrink = _relative(step_size, sigma[0], len(phi)) * (sigma / sigma[0]) ** 2
    learnt = (1 - np.power.outer(1 - shrink, t)) / sigma[:, None]  # (r, t)
    weights = vt.T @ (learnt.T[:, :, None] * along)
    return LinearProbe(weights, found, bias, normalize)


def _relative(step_size: float | None, largest: float, n: int) -> float:
    """Step size in units of n / sigma_1^2, half of the largest that is stable."""
    if step_size is None:
        return 1.0
    stable = check_step_size(step_size, largest, n)
    if step_size > stable:
        raise ValueError(
            f"step_size is {step_size} but gradient descent diverges above "
            f"2 n / sigma_1^2 = {stable:.6g}; pass less, or leave it out for half of it"
        )
    return 2 * step_size / stable


def _phi(source: Array, bias: bool, normalize: bool) -> np.ndarray:
    """Features as rows of Phi (n, m), float64: the convention of `alignment`."""
    n = len(source)
    ((phi, _),) = Design(arrays.to_numpy(source), bias, normalize).row_blocks(
        np.empty((n, 0)), n
    )
    return np.asarray(phi)
