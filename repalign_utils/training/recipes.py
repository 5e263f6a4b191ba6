"""How networks are trained: the paper's hyper-parameters, and ours."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..spelling import did_you_mean
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


_RECIPES = tomllib.loads(Path(__file__).with_name("recipes.toml").read_text("utf-8"))
_STAGES = ("pretrain", "finetune")


def recipe(
    name: str | Path, model: nn.Module, stage: str = "pretrain", **changes
) -> Recipe:
    """Recipe for a network.

    Parameters
    ----------
    name : "paper" (the hyper-parameters of Imani et al. 2022), "small", "cifar" or
        "quick" (ours), as in ``recipes.toml``; or the path of a TOML file with tables
        ``[resnet.pretrain]`` and so on, whose keys are fields of `Recipe`
    model : a network with attention is trained as a transformer, any other as a ResNet
    stage : "pretrain" or "finetune"
    changes : fields of `Recipe` that differ; None for as it is

    Raises
    ------
    ValueError
        If a name or value is not one of those, or a file has no such recipe.

    Examples
    --------
    >>> recipe("paper", nn.Conv2d(3, 8, 3), "finetune", epochs=2).step_size
    0.01
    """
    file = Path(name).expanduser()
    own = name not in _RECIPES and file.suffix == ".toml"
    if not (own or name in _RECIPES) or stage not in _STAGES:
        raise ValueError(
            f"recipe is {str(name)!r} and stage {stage!r}; choose one of "
            f"{', '.join(_RECIPES)}, or a .toml file, and one of {', '.join(_STAGES)}"
        )
    attends = any(type(m).__name__.endswith("Attention") for m in model.modules())
    kind = "vit" if attends else "resnet"
    given = _own(file, kind, stage) if own else _RECIPES[str(name)][kind][stage]
    return Recipe(**given | {k: v for k, v in changes.items() if v is not None})


def _own(file: Path, kind: str, stage: str) -> dict[str, Any]:
    """Fields that a file has for a network and a stage."""
    try:
        found = tomllib.loads(file.read_text("utf-8"))[kind][stage]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"recipe {file} cannot be read: {error}") from error
    except (KeyError, TypeError):
        raise ValueError(
            f"recipe {file} has no table [{kind}.{stage}]; add one, with fields such "
            "as epochs = 20"
        ) from None
    known = [f.name for f in fields(Recipe)]
    if unknown := [n for n in found if n not in known]:
        raise ValueError(
            f"recipe {file} has {unknown[0]!r} in [{kind}.{stage}]; "
            f"{did_you_mean(unknown[0], known)}expected some of {', '.join(known)}"
        )
    return found
