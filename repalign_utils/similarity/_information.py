"""Mutual information of every unit of one network with every unit of another."""

from __future__ import annotations

import numpy as np

from .. import arrays
from ..arrays import Values

# Against the largest activation of the unit: what counts as zero.
_NEAR_ZERO = 1e-6


def mutual_information(X: Values, Y: Values, *, bins: int = 10) -> np.ndarray:
    """Mutual information (p, q) in nats, of a 2-D histogram (Li et al. 2016).

    The first bin of a unit holds activations near zero, below 1e-6 of its largest; the
    others hold equally many of the rest. Counts of n rows make information even where
    there is none; its expectation there, (a - 1)(b - 1) / (2 n) with a and b the bins
    that hold any row (Miller 1955), is subtracted: an estimate may lie below 0. (The
    released code subtracts a term in bits, a b / (2 n ln 2), from nats.)

    Parameters
    ----------
    X, Y : arrays (n, p) and (n, q), of the same finite rows
    bins : int, at least 2

    Returns
    -------
    array (p, q), float64
    """
    x, y = (_binned(_rows(side), bins) for side in (X, Y))
    n, q = y.shape
    other = _indicators(y, bins)
    spread = _entropies(other.reshape(n, q, bins).sum(0) / n)
    occupied = (other.reshape(n, q, bins).any(0)).sum(1)
    found = np.empty((x.shape[1], q))
    for unit, column in enumerate(x.T):
        own = _indicators(column[:, None], bins)
        joint = (own.T @ other).reshape(bins, q, bins).swapaxes(0, 1)  # (q, bins, bins)
        entropy = _entropies(own.sum(0)[None] / n)
        raw = entropy + spread - _entropies(joint.reshape(q, -1) / n)
        found[unit] = raw - (own.any(0).sum() - 1) * (occupied - 1) / (2 * n)
    return found


def _rows(side: Values) -> np.ndarray:
    return arrays.to_numpy(arrays.features_matrix(side)).astype(np.float64)


def _binned(side: np.ndarray, bins: int) -> np.ndarray:
    """Bin (n, p) of each entry, 0 to bins - 1; equal entries share one."""
    found = np.zeros(side.shape, int)
    for unit, values in enumerate(side.T):
        away = np.abs(values) > _NEAR_ZERO * np.abs(values).max()
        if away.any():
            edges = np.quantile(values[away], np.linspace(0, 1, bins)[1:-1])
            found[away, unit] = 1 + np.searchsorted(edges, values[away])
    return found


def _indicators(binned: np.ndarray, bins: int) -> np.ndarray:
    """1 for the bin that an entry is in, (n, p * bins), float32: counts are exact."""
    return (binned[..., None] == np.arange(bins)).reshape(len(binned), -1) * np.float32(
        1
    )


def _entropies(shares: np.ndarray) -> np.ndarray:
    """Entropy in nats of each row of shares."""
    logs = np.log(shares, out=np.zeros(shares.shape), where=shares > 0)
    return -(shares * logs).sum(1)
