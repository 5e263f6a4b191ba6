"""Linear models on fixed features, trained by gradient descent without a loop.

Full-batch gradient descent from zero on ||Phi w - y||^2 / (2 n) has a closed form in
the singular vectors of Phi (the setting of Imani, Hu & White 2022 on optimisation), so
that the weights after any number of steps cost one decomposition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import arrays
from .gram import Design

if TYPE_CHECKING:
    from .arrays import Values

__all__ = ["LinearProbe", "linear_probe"]

_NULL = 1e-10  # smaller singular values, in units of the largest, are rounding


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """Linear models after given numbers of steps, one per target and number.

    Attributes
    ----------
    weights : array (t, m, k), float64
        Of the columns of Phi, the constant one last if there is a bias.
    bias, normalize : bool
        How features become rows of Phi, see `repalign_utils.alignment`.
    """

    weights: np.ndarray
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
        phi = _phi(features, self.bias, self.normalize)
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
        eta; by default n / sigma_1^2, half the largest stable one.
    bias, normalize : bool
        As in `repalign_utils.alignment`.

    Returns
    -------
    LinearProbe

    Raises
    ------
    ValueError
        If arrays do not fit, a step is negative or the step size is not positive.

    Examples
    --------
    >>> probe = linear_probe([[1.0], [2.0]], [1.0, 2.0], [0, 99], bias=False,
    ...                      normalize=False)
    >>> probe.predict([[3.0]]).round(3).ravel().tolist()
    [0.0, 3.0]
    """
    phi = _phi(features, bias, normalize)
    y = arrays.to_numpy(arrays.targets_matrix(targets, phi))
    t = arrays.vector(steps, "steps")
    if (t < 0).any() or not (step_size is None or step_size > 0):
        raise ValueError(
            f"steps are {t.tolist()} and step_size is {step_size}; steps count from 0 "
            "and a step size is positive: leave step_size out for n / sigma_1^2"
        )
    u, sigma, vt = np.linalg.svd(phi, full_matrices=False)
    kept = sigma > _NULL * sigma[0]
    u, sigma, vt = u[:, kept], sigma[kept], vt[kept]
    shrink = (sigma / sigma[0]) ** 2
    if step_size is not None:
        shrink = step_size * sigma**2 / len(phi)
    learnt = (1 - np.power.outer(1 - shrink, t)) / sigma[:, None]  # (r, t)
    along = learnt.T[:, :, None] * (u.T @ y)  # (t, r, k)
    return LinearProbe(vt.T @ along, bias, normalize)


def _phi(features: Values, bias: bool, normalize: bool) -> np.ndarray:
    """Features as rows of Phi (n, m), float64: the convention of `alignment`."""
    source = arrays.to_numpy(arrays.features_matrix(features))
    n = len(source)
    ((phi, _),) = Design(source, bias, normalize).row_blocks(np.empty((n, 0)), n)
    return np.asarray(phi)
