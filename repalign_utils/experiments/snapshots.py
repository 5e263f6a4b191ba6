"""A network as it was at several times of its training, some layers frozen on the way.

Raghu et al. (2017, section 4.1) freeze each layer of a network when it is about to have
converged, from the first to the last, and save the rest of its updates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..data import ImageSet
from ..networks.device import Compute
from ..training.checkpoints import facts_of, kept
from ..training.classifiers import train
from ..training.recipes import Recipe

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Snapshots:
    """What a training left on its way.

    Attributes
    ----------
    weights : epochs done -> the network's state then, on the CPU
    seconds : that the steps took, without what the snapshots took
    """

    weights: dict[int, Weights]
    seconds: float


def train_with_snapshots(
    network: nn.Module,
    images: ImageSet,
    recipe: Recipe,
    *,
    epochs_kept: Iterable[int],
    freeze: Mapping[str, float] | None = None,
    compute: Compute | None = None,
    seed: int = 0,
    checkpoints: str | Path = "",
) -> Snapshots:
    """Train a network and keep its weights after some epochs.

    Parameters
    ----------
    network : images (n, c, h, w) -> (n, classes), trained in place
    images : to train on
    recipe : how
    epochs_kept : epochs done when weights are kept, 0 for the start
    freeze : name of a module -> share of the epochs after which its weights stay as
        they are: 0 for from the start, 1 for never. The statistics of a batch
        normalisation go on
    compute, seed : as for `repalign_utils.train`
    checkpoints : folder that keeps the result, under a name made of all that it depends
        on; empty: none

    Returns
    -------
    Snapshots

    Raises
    ------
    ValueError
        If a module is unknown, or an epoch or a share is out of range.

    Examples
    --------
    >>> from repalign_utils import convnet, data
    >>> digits, net = data.digit_images(n_per_class=8), convnet("c2", 2, channels=1)
    >>> brief = Recipe(epochs=2, batch_size=8, augment="none")
    >>> found = train_with_snapshots(net, digits, brief, epochs_kept=[0, 2])
    >>> sorted(found.weights)
    [0, 2]
    """
    epochs, freeze = sorted(set(epochs_kept)), dict(freeze or {})
    modules = dict(network.named_modules())
    _check(epochs, freeze, recipe.epochs, modules)
    compute = compute or Compute()
    weights: dict[int, Weights] = {}

    def after(epoch: int, *_told: float) -> None:
        for name, share in freeze.items():
            modules[name].requires_grad_(epoch < share * recipe.epochs)
        if epoch in epochs or epoch == recipe.epochs:
            state = network.state_dict()
            weights[epoch] = {k: v.detach().cpu().clone() for k, v in state.items()}

    def trained() -> dict[str, Any]:
        after(0)
        how = {"compute": compute, "seed": seed}
        history = train(network, images, recipe, report=after, **how)
        network.requires_grad_(True)
        seen = history.steps * min(recipe.batch_size, len(images.labels))
        return {"weights": weights, "seconds": seen / history.images_per_second}

    about = (images.about.sha256, str(network), (recipe, epochs, freeze, compute, seed))
    facts = [(1, torch.__version__, *about), images.labels, images.images]
    facts += facts_of(network)
    found = Snapshots(**kept(checkpoints, "snapshots", facts, trained))
    network.load_state_dict(found.weights[recipe.epochs])
    return found


def _check(asked: list[int], freeze: dict, epochs: int, modules: dict) -> None:
    outside = [epoch for epoch in asked if not 0 <= epoch <= epochs]
    if outside:
        raise ValueError(
            f"epochs_kept has {outside[0]} but the training has {epochs} epochs; pass "
            f"0 to {epochs}"
        )
    for name, share in freeze.items():
        if name not in modules:
            raise ValueError(
                f"freeze has a module {name!r} that the network lacks; pass names such "
                f"as {', '.join(list(modules)[1:4])}"
            )
        if not 0 <= share <= 1:
            raise ValueError(
                f"freeze[{name!r}] is {share} but must be a share of the epochs; pass "
                "0 (from the start) to 1 (never)"
            )
