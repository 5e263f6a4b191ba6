"""Alignment as the paper's official demo finds it, the plain way to compare with."""

from __future__ import annotations

import numpy as np
import torch


def draw(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, d), float32, and labels -1 and 1 (n,) that depend on the first ten.

    The features decay in scale, as those of a trained layer do.
    """
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, d)) * np.logspace(0, -1, d)
    labels = np.sign(features[:, :10].sum(1) + rng.normal(size=n))
    return features.astype(np.float32), labels


def unit_rows(features: np.ndarray) -> torch.Tensor:
    """Features with a constant column appended, rows then scaled to length 1."""
    phi = torch.from_numpy(features)
    phi = torch.cat([phi, torch.ones(len(phi), 1)], 1)
    return phi / phi.norm(dim=1, keepdim=True)


def alignment_curve(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Alignment on the demo's grid: all n left singular vectors, then a loop.

    Parameters
    ----------
    features : array (n, d), float32
    labels : array (n,), -1 and 1

    Returns
    -------
    array (62,), for thresholds from sqrt(n) down to 0
    """
    n = len(features)
    u, singular_values, _ = torch.linalg.svd(unit_rows(features), full_matrices=True)
    y = torch.from_numpy(labels).float()
    energy = (u.T @ y) ** 2
    thresholds = np.linspace(0, np.sqrt(n), 62)[::-1]
    cumulative = torch.zeros(len(thresholds))
    k = 0
    for i in range(len(singular_values)):
        while thresholds[k] > singular_values[i]:
            k += 1
            cumulative[k] += cumulative[k - 1]
        cumulative[k] += energy[i]
    cumulative[k + 1 : -1] = cumulative[k]
    cumulative[-1] = y @ y
    return cumulative.numpy()
