"""One setting of network and training at a time: alignment before and after."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..measures.alignment import Alignment
from ..measures.spectral import alignment
from ..networks.ensembles import MLPEnsemble
from ..training.ensembles import Training, fit


@dataclass(frozen=True)
class Setting:
    """What a sweep may vary; equal settings are equal keys, to be trained once.

    Attributes
    ----------
    depth, width : hidden layers, and units in each
    activation : as of `MLPEnsemble`
    optimizer, step_size, batch_size : as of `fit`

    Examples
    --------
    >>> from dataclasses import replace
    >>> replace(Setting(), depth=4) == Setting()
    True
    """

    depth: int = 4
    width: int = 128
    activation: Any = "relu"
    optimizer: str = "adam"
    step_size: float = 1e-3
    batch_size: int = 64


@dataclass(frozen=True, eq=False)
class Trained:
    """Alignment of the last hidden layer around a training.

    Attributes
    ----------
    before, after : one `Alignment` per member, at the initial and the final weights
    training : what the training did
    """

    before: tuple[Alignment, ...]
    after: tuple[Alignment, ...]
    training: Training


def train_setting(
    setting: Setting,
    inputs,
    targets,
    *,
    loss: str,
    measured=None,
    members: int = 5,
    seed: int = 0,
    max_epochs: int = 1000,
    tolerance: float = 1e-4,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
    checkpoints: str | Path | None = None,
    report=None,
) -> Trained:
    """Train networks of one setting together and measure their last hidden layer.

    Parameters
    ----------
    setting : size, activation and optimiser of the networks
    inputs : array or tensor (n, d)
    targets : array or tensor (n, k), the same for all members
    loss, max_epochs, tolerance, checkpoints, report : as of `fit`
    measured : array (n, k') or (members, n, k'), targets that alignment is measured
        with, the same for all members or each one's own; None for those trained on
    members, seed : number of networks, and the seed of the first's weights and batches
    device, dtype : where and in which precision the networks are trained

    Returns
    -------
    Trained

    Raises
    ------
    ValueError, FloatingPointError, RuntimeError
        As `MLPEnsemble`, `fit` and `alignment` do.

    Examples
    --------
    >>> inputs, targets = torch.eye(4), torch.tensor([[1.0], [1], [-1], [-1]])
    >>> small = Setting(depth=1, width=8)
    >>> found = train_setting(
    ...     small, inputs, targets, loss="logistic", members=3, max_epochs=2
    ... )
    >>> len(found.before), len(found.after), found.training.epochs.tolist()
    (3, 3, [2, 2, 2])
    """
    networks = MLPEnsemble(
        inputs.shape[1],
        width=setting.width,
        depth=setting.depth,
        out_features=targets.shape[1],
        members=members,
        seed=seed,
        activation=setting.activation,
        device=device,
        dtype=dtype,
    )
    measured = targets if measured is None else measured
    before = _aligned(networks, inputs, measured)
    training = fit(
        networks,
        inputs,
        targets,
        loss=loss,
        optimizer=setting.optimizer,
        step_size=setting.step_size,
        batch_size=setting.batch_size,
        max_epochs=max_epochs,
        tolerance=tolerance,
        seed=seed,
        checkpoints=checkpoints,
        report=report,
    )
    return Trained(before, _aligned(networks, inputs, measured), training)


def _aligned(networks: MLPEnsemble, inputs, targets) -> tuple[Alignment, ...]:
    hidden = networks.hidden(inputs)[-1]
    each = targets if targets.ndim == 3 else [targets] * len(hidden)
    return tuple(alignment(h, t) for h, t in zip(hidden, each, strict=True))
