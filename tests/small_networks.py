"""A small task and small networks, for the tests of ensembles and of training."""

import numpy as np
import torch

from repalign_utils import MLPEnsemble


def small_task(n=50, d=6, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(n, d))
    return inputs, np.sign(rng.normal(size=(n, 1)))


def networks(members=3, seed=0, **options):
    options = {"width": 8, "depth": 2, "dtype": torch.float64, **options}
    return MLPEnsemble(6, members=members, seed=seed, **options)
