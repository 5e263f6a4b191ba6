"""What scores say of sources before fine-tuning, and what fine-tuning then gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from .. import data, training
from ..data import ImageSet
from ..measures.probes import linear_probe
from ..networks.device import Compute
from ..networks.images import NetworkInputs
from ..networks.outputs import last_hidden, predict
from ..spelling import did_you_mean
from ..training.recipes import Recipe
from ..transferability import ScoreTable, score_table
from .class_tasks import class_columns
from .domain_task import DRAWN, OFFICE
from .transfer import fine_tune, split

__all__ = ["SETTINGS", "ImageTasks", "PairResult", "image_tasks", "pair_result"]

#: Names of the settings of `image_tasks`.
SETTINGS = ("families", "domains", "cifar", "office31")


@dataclass(frozen=True, eq=False)
class ImageTasks:
    """Sources to pretrain on and targets to go on to.

    Attributes
    ----------
    sources : name -> ``ImageSet``
    targets : name -> images to train on, images to test on
    pairs : (source, target), those that are compared
    """

    sources: dict[str, ImageSet]
    targets: dict[str, tuple[ImageSet, ImageSet]]
    pairs: list[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class PairResult:
    """One source on one target.

    Attributes
    ----------
    scores : ``ScoreTable`` of the target's images to train on, before any fine-tuning
    linear : test accuracy of a linear model on the source's features
    tuned : test accuracy after fine-tuning
    short : accuracy on half of the images, after one epoch on the other half
    """

    scores: ScoreTable
    linear: float
    tuned: float
    short: float


def image_tasks(
    setting: str,
    *,
    n_source: int,
    n_target: int,
    n_test: int,
    size: int,
    data_dir: str | Path = "",
    seed: int = 0,
) -> ImageTasks:
    """Sources and targets of one kind, drawn or real.

    Parameters
    ----------
    setting : "families" (drawn: artificial and natural classes, each family's targets
        of other classes), "domains" (drawn: three domains of the same classes),
        "cifar" (families of CIFAR-100, targets of CIFAR-10) or "office31" (domains)
    n_source, n_target, n_test : images of each class; of Office-31 all that there are
        are a source, and all that training on the target leaves are tested on
    size : height and width of Office-31
    data_dir : where real data lie
    seed : of what is drawn

    Raises
    ------
    DataMissing
        If real files are not there.
    ValueError
        If the setting is unknown.

    Examples
    --------
    >>> amounts = {"n_source": 2, "n_target": 2, "n_test": 1}
    >>> image_tasks("domains", size=16, **amounts).pairs[0]
    ('plain', 'studio')
    """
    if setting not in SETTINGS:
        raise ValueError(
            f"setting is {setting!r}; {did_you_mean(setting, SETTINGS)}choose one of "
            f"{', '.join(SETTINGS)}"
        )
    options: dict[str, Any] = {"seed": seed}
    if setting in ("families", "cifar"):
        drawn = setting == "families"
        names = ("procedural", "procedural") if drawn else ("cifar100", "cifar10")
        options["data_dir"] = data_dir
        families = training.FAMILIES
        sources: dict[str, Any] = {
            f: training.source(names[0], f, n_per_class=n_source, **options)
            for f in families
        }
        some, test = (
            training.target_tasks(names[1], split=part, n_per_class=n, **options)
            for part, n in (("train", n_target), ("test", n_test))
        )
        targets = {f: (some[f], test[f]) for f in families}
        return ImageTasks(sources, targets, list(product(families, families)))
    if setting == "domains":
        sources, pools = (
            {
                d: data.procedural_images(
                    "artificial", domain=d, split=part, n_per_class=n, seed=seed
                )
                for d in DRAWN
            }
            for part, n in (("train", n_source), ("test", n_target + n_test))
        )
    else:
        sources = pools = {
            d: data.office31(d, size=size, data_dir=data_dir) for d in OFFICE
        }
    parts = {d: split(pool, n_target, seed) for d, pool in pools.items()}
    return ImageTasks(sources, parts, list(permutations(sources, 2)))


def pair_result(
    model: nn.Module,
    parts: tuple[ImageSet, ImageSet],
    recipe: Recipe,
    *,
    size: int,
    labels: np.ndarray | None = None,
    compute: Compute | None = None,
    seed: int = 0,
    checkpoints: str | Path = "",
) -> PairResult:
    """Score a source network on a target, then see what it gives there.

    Parameters
    ----------
    model : source network; left as it is
    parts : images of the target to train on, and to test on
    recipe : of fine-tuning
    size : height and width to bring images to
    labels : array (n,), what the scores are told instead of the labels, for a control
    compute, checkpoints : as of ``training.train``
    seed : of heads, order and of the half that a short fine-tuning sees

    Returns
    -------
    PairResult
    """
    some, test = parts
    inputs = [NetworkInputs(part, size=size) for part in parts]
    features = [last_hidden(model, x) for x in inputs]
    outputs = torch.as_tensor(predict(model, inputs[0])).double()
    found = score_table(
        features[0],
        some.labels if labels is None else labels,
        source_probabilities=outputs.softmax(1).numpy(),
    )
    options = {"size": size, "compute": compute, "seed": seed}
    options["checkpoints"] = checkpoints
    half = max(int(np.bincount(some.labels).min()) // 2, 1)
    brief = replace(recipe, epochs=1)
    return PairResult(
        found,
        _linear(features, parts),
        fine_tune(model, some, test, recipe, **options)[0],
        fine_tune(model, *split(some, half, seed), brief, **options)[0],
    )


def _linear(features: list[np.ndarray], parts: tuple[ImageSet, ImageSet]) -> float:
    """Test accuracy of least squares by gradient descent on fixed features."""
    probe = linear_probe(features[0], class_columns(parts[0]), [1000])
    guess = probe.predict(features[1])[0].argmax(1)
    return float((guess == parts[1].labels).mean())
