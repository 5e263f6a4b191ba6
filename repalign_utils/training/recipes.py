"""How networks are trained: the paper's hyper-parameters, and ours."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from .batches import AUGMENTATIONS


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes
    ----------
    epochs : passes over the images
    batch_size : images per step, over all processes
    optimizer : "sgd" (with momentum), "adam" or "adamw"
    step_size : at the start
    schedule : "constant", "steps" (a tenth every ``drop_every`` epochs) or
        "cosine" (to 0)
    drop_every : epochs
    weight_decay, momentum : of the optimizer
    augment : "none", "crop" (random crop) or "crop_flip" (and random mirror image)
    """

    epochs: int = 20
    batch_size: int = 64
    optimizer: str = "sgd"
    step_size: float = 0.05
    schedule: str = "cosine"
    drop_every: int = 30
    weight_decay: float = 1e-4
    momentum: float = 0.9
    augment: str = "crop_flip"

    def __post_init__(self):
        choices = {
            "optimizer": ("sgd", "adam", "adamw"),
            "schedule": ("constant", "steps", "cosine"),
            "augment": tuple(AUGMENTATIONS),
        }
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; choose one of "
                    f"{', '.join(known)}"
                )
        for name in ("epochs", "batch_size", "step_size", "drop_every"):
            if not getattr(self, name) > 0:
                raise ValueError(
                    f"{name} is {getattr(self, name)}; it must be positive"
                )

    def step_size_at(self, epoch: float) -> float:
        """Step size at a time in epochs, also within one."""
        if self.schedule == "steps":
            return self.step_size * 0.1 ** (int(epoch) // self.drop_every)
        if self.schedule == "cosine":
            return self.step_size * (1 + math.cos(math.pi * epoch / self.epochs)) / 2
        return self.step_size

    def make_optimizer(self, parameters) -> torch.optim.Optimizer:
        """Optimizer of ``torch.optim`` over the parameters."""
        options: dict[str, Any] = {"lr": self.step_size}
        options["weight_decay"] = self.weight_decay
        if self.optimizer == "sgd":
            return torch.optim.SGD(parameters, momentum=self.momentum, **options)
        kind = torch.optim.Adam if self.optimizer == "adam" else torch.optim.AdamW
        return kind(parameters, fused=True, **options)  # one kernel for all weights


# Appendix of Imani, Hu & White (2022), by what it most probably belongs to: SGD for the
# ResNet; for the vision transformer only batch sizes are known, the rest is the default
# of its authors (AdamW, 5e-4, decay 0.05, cosine), our choice.
_PAPER = {
    "resnet": {
        "pretrain": Recipe(40, 1024, "sgd", 0.1, "steps"),
        "finetune": Recipe(10, 256, "sgd", 0.01, "steps"),
    },
    "vit": {
        "pretrain": Recipe(40, 256, "adamw", 5e-4, "cosine", weight_decay=0.05),
        "finetune": Recipe(10, 64, "adamw", 5e-5, "cosine", weight_decay=0.05),
    },
}
# Ours, for sources of some hundred to some thousand small images.
_SMALL = {
    "resnet": {
        "pretrain": Recipe(20, 64, "sgd", 0.05, "cosine", weight_decay=5e-4),
        "finetune": Recipe(10, 32, "sgd", 0.01, "cosine", weight_decay=5e-4),
    },
    "vit": {
        "pretrain": Recipe(20, 64, "adamw", 1e-3, "cosine", weight_decay=0.05),
        "finetune": Recipe(10, 32, "adamw", 3e-4, "cosine", weight_decay=0.05),
    },
}
_RECIPES = {"paper": _PAPER, "small": _SMALL}


def recipe(name: str, model: nn.Module, stage: str = "pretrain", **changes) -> Recipe:
    """Recipe for a network.

    Parameters
    ----------
    name : "paper" (the hyper-parameters of Imani et al. 2022) or "small" (ours)
    model : a network with attention is trained as a transformer, any other as a ResNet
    stage : "pretrain" or "finetune"
    changes : fields of `Recipe` that differ; None for as it is

    Raises
    ------
    ValueError
        If a name or value is not one of those.

    Examples
    --------
    >>> recipe("paper", nn.Conv2d(3, 8, 3), "finetune", epochs=2).step_size
    0.01
    """
    if name not in _RECIPES or stage not in ("pretrain", "finetune"):
        raise ValueError(
            f"recipe is {name!r} and stage {stage!r}; choose one of "
            f"{', '.join(_RECIPES)} and one of pretrain, finetune"
        )
    attends = any(type(m).__name__.endswith("Attention") for m in model.modules())
    found = _RECIPES[name]["vit" if attends else "resnet"][stage]
    return replace(found, **{k: v for k, v in changes.items() if v is not None})
