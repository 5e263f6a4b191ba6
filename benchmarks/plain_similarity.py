"""Similarity of two layers the plain way: each formula as the papers write it."""

from __future__ import annotations

import numpy as np


def draw(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two layers (n, d), float64, that share a fifth of their directions.

    They decay in scale, as those of a trained layer do.
    """
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, d // 5))
    scale = np.logspace(0, -1, d)
    layers = []
    for _ in range(2):
        mixed = shared @ rng.normal(size=(d // 5, d)) / np.sqrt(d // 5)
        layers.append((mixed + rng.normal(size=(n, d))) * scale + 1)
    return layers[0], layers[1]


def root_of_inverse(covariance: np.ndarray) -> np.ndarray:
    """Inverse square root of a covariance of full rank."""
    squares, vectors = np.linalg.eigh(covariance)
    return vectors / np.sqrt(squares) @ vectors.T


def svcca(X: np.ndarray, Y: np.ndarray, keep: float = 0.99) -> float:
    """Raghu et al. (2017): an SVD of each layer, then CCA by inverse square roots."""
    kept = []
    for side in (X, Y):
        side = side - side.mean(0)
        u, values, _ = np.linalg.svd(side, full_matrices=False)
        count = int(np.searchsorted(np.cumsum(values), keep * values.sum())) + 1
        kept.append(u[:, :count] * values[:count])
    x, y = kept
    cross = root_of_inverse(x.T @ x) @ (x.T @ y) @ root_of_inverse(y.T @ y)
    return float(np.linalg.svd(cross, compute_uv=False).mean())


def pwcca(X: np.ndarray, Y: np.ndarray) -> float:
    """Morcos et al. (2018): variables, orthonormal by QR, and what X has of them."""
    x, y = X - X.mean(0), Y - Y.mean(0)
    root = root_of_inverse(x.T @ x)
    cross = root @ (x.T @ y) @ root_of_inverse(y.T @ y)
    u, correlations, _ = np.linalg.svd(cross, full_matrices=False)
    variables, _ = np.linalg.qr(x @ (root @ u))
    weights = np.abs(variables.T @ x).sum(1)
    return float(weights @ correlations / weights.sum())
