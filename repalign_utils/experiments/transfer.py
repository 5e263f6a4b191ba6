"""From a source to a target: fine-tuning against a new start, and what was in reach."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ..data import ImageSet
from ..measures.alignment import Alignment
from ..measures.probes import linear_probe
from ..measures.spectral import alignment
from ..networks.device import Compute
from ..networks.images import NetworkInputs
from ..networks.names import new_head
from ..networks.outputs import accuracy, last_hidden
from ..training import Recipe, train
from .class_tasks import class_columns


@dataclass(frozen=True, eq=False)
class Start:
    """What a network, trained elsewhere or not at all, is worth on a target.

    Attributes
    ----------
    accuracy : on the test part, after training the whole network on the other part
    linear : the same of a linear model on the fixed features
    aligned : ``Alignment`` of the features of all target images with `class_columns`
    """

    accuracy: float
    linear: float
    aligned: Alignment

    def area(self) -> float:
        """Area under the alignment curve, mean over the classes."""
        return float(self.aligned.area().mean())


@dataclass(frozen=True, eq=False)
class DomainTransfer:
    """Transfer between domains, for one seed.

    Attributes
    ----------
    fits : source -> accuracy of the source network on the images it was trained on
    scratch : target -> ``Start`` of the untrained network
    tuned : (source, target) -> ``Start`` of the source network
    """

    fits: dict[str, float]
    scratch: dict[str, Start]
    tuned: dict[tuple[str, str], Start]

    def gain(self, source: str, target: str, of: str = "accuracy") -> float:
        """Start at the source minus a new start.

        Parameters
        ----------
        source, target : domains
        of : "accuracy", "linear" or "area"; positive is positive transfer, or higher
            alignment
        """
        new, old = self.scratch[target], self.tuned[source, target]
        if of == "area":
            return old.area() - new.area()
        return getattr(old, of) - getattr(new, of)


def fine_tune(
    model: nn.Module,
    images: ImageSet,
    test: ImageSet,
    recipe: Recipe | None = None,
    *,
    size: int | None = None,
    compute: Compute | None = None,
    seed: int = 0,
    checkpoints: str | Path = "",
) -> tuple[float, nn.Module]:
    """Train a copy of a network, with a new head, on a target task.

    A network with fresh weights is trained from scratch by the same call.

    Parameters
    ----------
    model : network; left as it is
    images : ``ImageSet`` of the target to train on
    test : ``ImageSet`` with the same classes, for the accuracy
    recipe : how; None for ``Recipe()``
    size, compute, checkpoints : as of ``training.train``
    seed : of the new head, the order and the augmentation

    Returns
    -------
    accuracy : float, share of the test images that are classified rightly
    model : the trained copy

    Raises
    ------
    ValueError
        If the two sets have different classes.
    """
    if images.classes != test.classes:
        raise ValueError(
            f"images have {len(images.classes)} classes and test has "
            f"{len(test.classes)}, or in another order; pass two parts of one task"
        )
    tuned = new_head(deepcopy(model), len(images.classes), seed=seed)
    train(
        tuned,
        images,
        recipe,
        size=size,
        compute=compute,
        seed=seed,
        checkpoints=checkpoints,
    )
    inputs = NetworkInputs(test, size=size)
    return accuracy(tuned, inputs, test.labels), tuned


def split(
    images: ImageSet, n_per_class: int, seed: int = 0
) -> tuple[ImageSet, ImageSet]:
    """Cut a set without an official split in two, class by class.

    Parameters
    ----------
    images : ``ImageSet``
    n_per_class : images of each class in the first part
    seed : of the permutations that choose them

    Returns
    -------
    first, rest : ``ImageSet``, together all images, each in the order that they had

    Raises
    ------
    ValueError
        If a class has no image left for the rest, or none is asked for.

    Examples
    --------
    >>> from repalign_utils import data
    >>> first, rest = split(data.digit_images(n_per_class=10), 4)
    >>> len(first.labels), len(rest.labels)
    (8, 12)
    """
    counts = np.bincount(images.labels, minlength=len(images.classes))
    if not 1 <= n_per_class < counts.min():
        raise ValueError(
            f"n_per_class is {n_per_class} but class "
            f"{images.classes[counts.argmin()]!r} has {counts.min()} images; pass 1 to "
            f"{counts.min() - 1}, so that one is left to test on"
        )
    rng = np.random.default_rng(seed)
    first = np.zeros(len(images.labels), bool)
    for label in range(len(images.classes)):
        rows = rng.permutation(np.flatnonzero(images.labels == label))
        first[rows[:n_per_class]] = True
    return images.take(np.flatnonzero(first)), images.take(np.flatnonzero(~first))


def domain_transfer(
    model: nn.Module,
    sources: Mapping[str, ImageSet],
    targets: Mapping[str, tuple[ImageSet, ImageSet]],
    source_recipe: Recipe,
    target_recipe: Recipe,
    *,
    linear_steps: int = 1000,
    size: int | None = None,
    compute: Compute | None = None,
    seed: int = 0,
    checkpoints: str | Path = "",
    report=None,
) -> DomainTransfer:
    """Train on each domain and go on to each other one, against a new start there.

    Parameters
    ----------
    model : untrained network for the classes of the sources, from which all trainings
        start; left as it is
    sources : domain -> ``ImageSet`` to train on
    targets : domain -> the part to train on and the part to test on; its keys are those
        of ``sources``
    source_recipe, target_recipe : how; the second is that of the new start too
    linear_steps : steps of gradient descent of the linear models, see ``linear_probe``
    size, compute, checkpoints : as of ``training.train``
    seed : of heads, order and augmentation
    report : called as ``report(text)`` when a training is over

    Returns
    -------
    DomainTransfer

    Raises
    ------
    ValueError
        If sources and targets have different domains.
    """
    if set(sources) != set(targets):
        raise ValueError(
            f"sources are {', '.join(sources)} but targets are {', '.join(targets)}; "
            "pass the same domains for both"
        )
    options = {"size": size, "compute": compute}
    options |= {"seed": seed, "checkpoints": checkpoints}
    say = report or (lambda text: None)
    networks, fits, scratch, tuned = {}, {}, {}, {}
    for name, images in sources.items():
        networks[name] = deepcopy(model)
        train(networks[name], images, source_recipe, **options)
        inputs = NetworkInputs(images, size=size)
        fits[name] = accuracy(networks[name], inputs, images.labels)
        say(f"source {name}: {fits[name]:.3f} of its own images")
    for name, parts in targets.items():
        scratch[name] = _start(model, parts, target_recipe, linear_steps, options)
        say(f"target {name} from scratch: {scratch[name].accuracy:.3f}")
    for a, b in permutations(sources, 2):
        tuned[a, b] = _start(
            networks[a], targets[b], target_recipe, linear_steps, options
        )
        say(f"target {b} from {a}: {tuned[a, b].accuracy:.3f}")
    return DomainTransfer(fits, scratch, tuned)


def _start(
    model: nn.Module,
    parts: tuple[ImageSet, ImageSet],
    recipe: Recipe,
    steps: int,
    options: dict[str, Any],
) -> Start:
    """Features of a network on a target, a linear model on them, and fine-tuning."""
    some, test = parts
    inputs = [NetworkInputs(part, size=options["size"]) for part in parts]
    features = [last_hidden(model, x) for x in inputs]
    found = alignment(np.concatenate(features), class_columns(*parts))
    probe = linear_probe(features[0], class_columns(some), [steps])
    guess = probe.predict(features[1])[0].argmax(1)
    linear = float((guess == test.labels).mean())
    return Start(fine_tune(model, some, test, recipe, **options)[0], linear, found)
