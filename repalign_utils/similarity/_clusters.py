"""Groups of units of two networks that go together, many to many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._extras import need
from ..arrays import Values
from ._rows import centred
from ._units import correlations


@dataclass(frozen=True)
class UnitClusters:
    """Clusters of the units of X and of Y together.

    Attributes
    ----------
    of_x, of_y : arrays (p,) and (q,), int
        Number of each unit's cluster, from 0; -1 for a constant unit.
    affinity : array (p + q, p + q), float64
        Absolute correlations, of the units of X and then those of Y.
    """

    of_x: np.ndarray
    of_y: np.ndarray
    affinity: np.ndarray

    def order(self) -> np.ndarray:
        """Rows of `affinity`, cluster by cluster, constant units first (p + q,)."""
        return np.argsort(np.r_[self.of_x, self.of_y], kind="stable")


def cluster_units(X: Values, Y: Values, *, clusters: int, seed: int) -> UnitClusters:
    """Spectral clusters of the units of both networks (Li et al. 2016, Section 5).

    The affinity of two units, of one network or of both, is their absolute
    correlation; scikit-learn's spectral clustering does the rest. Affinity and one flat
    level of clusters are our choice: the paper's are hierarchical, and its details were
    not at hand.

    Parameters
    ----------
    X, Y : arrays (n, p) and (n, q)
        Rows are the same inputs, or inputs and positions of a convolution.
    clusters : int, from 2 to the number of units that vary
    seed : int
        Of the starts of k-means.

    Returns
    -------
    `UnitClusters`

    Raises
    ------
    TypeError, ValueError
        If X or Y are no features, rows differ, no unit of a side varies, or `clusters`
        is out of bounds.
    ModuleNotFoundError
        If scikit-learn is not installed.

    Examples
    --------
    >>> a, b = np.random.default_rng(0).normal(size=(2, 100, 1))
    >>> found = cluster_units(np.hstack([a, b]), np.hstack([b, a]), clusters=2, seed=0)
    >>> bool(found.of_x[0] == found.of_y[1] != found.of_x[1] == found.of_y[0])
    True
    """
    x, y = centred(X, Y)
    units = np.hstack([x, y])
    varies = np.linalg.norm(units, axis=0) > 0
    if not 2 <= clusters <= varies.sum():
        raise ValueError(
            f"clusters is {clusters}; pass 2 to {varies.sum()}, the units that vary"
        )
    affinity = np.abs(correlations(units, units))
    clustering = need("sklearn.cluster", "run").SpectralClustering(
        clusters, affinity="precomputed", random_state=seed
    )
    labels = np.full(len(varies), -1)
    labels[varies] = clustering.fit_predict(affinity[np.ix_(varies, varies)])
    return UnitClusters(labels[: x.shape[1]], labels[x.shape[1] :], affinity)
