"""Features that tell classes or quantities apart to some degree."""

import numpy as np


def classes(n=80, d=6, k=3, seed=0, spread=1.0):
    """Features (n, d), not centred, and numbers of classes, of unequal size."""
    rng = np.random.default_rng(seed)
    labels = np.minimum(rng.integers(k + 1, size=n), k - 1)
    labels[: 2 * k] = np.repeat(np.arange(k), 2)
    features = rng.normal(size=(n, d)) * np.geomspace(1, 0.1, d)
    return features + spread * rng.normal(size=(k, d))[labels] + 0.5, labels


def quantities(n=60, d=5, seed=0, noise=0.5):
    """Features (n, d) and two quantities (n, 2)."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, d))
    drawn = features @ rng.normal(size=(d, 2)) + noise * rng.normal(size=(n, 2))
    return features, drawn


def turned(features, seed=1):
    """The features under a rotation."""
    d = features.shape[1]
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))
    return features @ q
