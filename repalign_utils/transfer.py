"""From a source to a target: fine-tuning against a new start, and what was in reach."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import nn

from .data import ImageSet
from .networks import NetworkInputs, accuracy, new_head
from .pretrain import Recipe, train


def fine_tune(
    model: nn.Module,
    images: ImageSet,
    test: ImageSet,
    recipe: Recipe | None = None,
    classes: int | None = None,
    *,
    size: int | None = None,
    scale: str = "half",
    device: str = "auto",
    precision: str = "float32",
    accumulate: int = 1,
    seed: int = 0,
    checkpoints: str | Path = "",
    report=None,
) -> tuple[float, nn.Module]:
    """Train a copy of a network, with a new head, on a target task.

    A network with fresh weights is trained from scratch by the same call.

    Parameters
    ----------
    model : network; left as it is
    images : ``ImageSet`` of the target to train on
    test : ``ImageSet`` with the same classes, for the accuracy
    recipe : how; None for ``Recipe()``
    classes : outputs of the new head; None for those of ``images``
    size, scale, device, precision, accumulate, checkpoints, report : as of
        ``pretrain.train``
    seed : of the new head, the order and the augmentation

    Returns
    -------
    accuracy : float, share of the test images that are classified rightly
    model : the trained copy

    Raises
    ------
    ValueError
        If the two sets have different classes, or there are fewer outputs.
    """
    classes = len(images.classes) if classes is None else classes
    if images.classes != test.classes or classes < len(images.classes):
        raise ValueError(
            f"images have {len(images.classes)} classes, test has {len(test.classes)} "
            f"and the head {classes}; pass two parts of one task, and no fewer outputs "
            "than its classes"
        )
    tuned = new_head(deepcopy(model), classes, seed=seed)
    train(
        tuned,
        images,
        recipe,
        size=size,
        scale=scale,
        device=device,
        precision=precision,
        accumulate=accumulate,
        seed=seed,
        checkpoints=checkpoints,
        report=report,
    )
    inputs = NetworkInputs(test, size=size, scale=scale)
    return accuracy(tuned, inputs, test.labels), tuned


def split(images: ImageSet, n_per_class: int, seed: int = 0) -> tuple[ImageSet, ...]:
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
    return _rows(images, first), _rows(images, ~first)


def _rows(images: ImageSet, chosen: np.ndarray) -> ImageSet:
    about = replace(images.about, rows=int(chosen.sum()))
    return replace(
        images, images=images.images[chosen], labels=images.labels[chosen], about=about
    )
