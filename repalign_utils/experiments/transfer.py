"""From a source to a target: parts of a set, fine-tuning, and its learning curve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..data import ImageSet
from ..networks.device import Compute
from ..networks.images import NetworkInputs
from ..networks.names import new_head
from ..networks.outputs import accuracy
from ..training import Recipe, train
from ..training.checkpoints import Checkpoint


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """What a training on a target has reached, and when.

    Attributes
    ----------
    accuracy : array (t,), on the test images after the epochs that were asked for
    losses : array (epochs,), mean cross-entropy of each epoch, on the training images
    """

    accuracy: np.ndarray
    losses: np.ndarray


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


def three_parts(
    images: ImageSet, shares: tuple[float, float], seed: int = 0
) -> tuple[ImageSet, ImageSet, ImageSet]:
    """Cut a set in three, class by class.

    Parameters
    ----------
    images : ``ImageSet``
    shares : of the images of each class in the first and in the second part, rounded
        down, but one at least; the rest is the third
    seed : of the permutations that choose them

    Returns
    -------
    first, second, rest : ``ImageSet``, without an image in common

    Raises
    ------
    ValueError
        If a class has fewer than three images, or the shares leave none for the rest.

    Examples
    --------
    >>> from repalign_utils import data
    >>> parts = three_parts(data.digit_images(n_per_class=10), (0.25, 0.25))
    >>> [len(part.labels) for part in parts]
    [4, 4, 12]
    """
    counts = np.bincount(images.labels, minlength=len(images.classes))
    if counts.min() < 3:
        raise ValueError(
            f"class {images.classes[counts.argmin()]!r} has {counts.min()} images but "
            "three parts need 3; add images, or leave this class out"
        )
    if min(shares) <= 0 or sum(shares) >= 1:
        raise ValueError(
            f"shares are {shares}; pass two above 0 whose sum is below 1, so that a "
            "third part is left"
        )
    rng = np.random.default_rng(seed)
    rows: list[list[np.ndarray]] = [[], [], []]
    for label, count in enumerate(counts):
        order = rng.permutation(np.flatnonzero(images.labels == label))
        ends = np.cumsum([max(int(share * count), 1) for share in shares])
        for part, some in zip(rows, np.split(order, ends), strict=True):
            part.append(some)
    first, second, rest = (images.take(np.sort(np.concatenate(r))) for r in rows)
    return first, second, rest


def at_most(images: ImageSet, n_per_class: int, seed: int = 0) -> ImageSet:
    """Keep so many images of each class, or all that there are.

    Parameters
    ----------
    images : ``ImageSet``
    n_per_class : images of each class, 0 for all
    seed : of the permutations that choose them; a larger number keeps those of a
        smaller one

    Raises
    ------
    ValueError
        If the number is negative.

    Examples
    --------
    >>> from repalign_utils import data
    >>> len(at_most(data.digit_images(n_per_class=10), 3).labels)
    6
    """
    if n_per_class < 0:
        raise ValueError(
            f"n_per_class is {n_per_class}; pass 1 or more, or 0 for all images"
        )
    if not n_per_class:
        return images
    rng = np.random.default_rng(seed)
    kept = [
        rng.permutation(np.flatnonzero(images.labels == label))[:n_per_class]
        for label in range(len(images.classes))
    ]
    return images.take(np.sort(np.concatenate(kept)))


def learning_curve(
    model: nn.Module,
    images: ImageSet,
    test: ImageSet,
    recipe: Recipe,
    *,
    at: Sequence[int],
    size: int | None = None,
    compute: Compute | None = None,
    seed: int = 0,
    checkpoints: str | Path = "",
) -> LearningCurve:
    """Train a copy of a network, with a new head, and look at it on the way.

    As `fine_tune`, whose network it is at the end.

    Parameters
    ----------
    model : network; left as it is
    images, test : ``ImageSet`` of the target, to train on and to test on
    recipe : how
    at : epochs after which the accuracy is measured, from 1 to ``recipe.epochs``
    size, compute : as of ``training.train``
    seed : of the new head, the order and the augmentation
    checkpoints : folder that keeps the finished curve, under a name made of all that it
        depends on

    Returns
    -------
    LearningCurve

    Raises
    ------
    ValueError
        If an epoch lies outside the training.

    Examples
    --------
    >>> from repalign_utils import data
    >>> from repalign_utils.networks.convnets import convnet
    >>> train_, test = split(data.digit_images((3, 8), n_per_class=8), 4)
    >>> network = convnet("c4", 2, size=8, channels=1)
    >>> how = Recipe(epochs=2, batch_size=4, augment="none")
    >>> len(learning_curve(network, train_, test, how, at=[1, 2]).accuracy)
    2
    """
    if not at or not 1 <= min(at) <= max(at) <= recipe.epochs:
        raise ValueError(
            f"at is {list(at)} but the training has epochs 1 to {recipe.epochs}; pass "
            "some of these"
        )
    compute = compute or Compute()
    tuned = new_head(deepcopy(model), len(images.classes), seed=seed)
    found: dict[str, Any] = {"accuracy": [], "losses": []}
    keep = None
    if checkpoints:
        facts = _facts(tuned, images, test, (recipe, list(at), size, compute, seed))
        keep = Checkpoint(checkpoints, "curve", facts, every=0)
        keep.restore(found.update)
    if not found["losses"]:
        inputs = NetworkInputs(test, size=size)

        def look(epoch: int, *_) -> None:
            if epoch in at:
                found["accuracy"].append(accuracy(tuned, inputs, test.labels))

        options: dict[str, Any] = {"size": size, "compute": compute, "seed": seed}
        history = train(tuned, images, recipe, report=look, **options)
        found["losses"] = history.losses.tolist()
        if keep:
            keep.save(found)
    return LearningCurve(*(np.array(found[k]) for k in ("accuracy", "losses")))


def _facts(model: nn.Module, images: ImageSet, test: ImageSet, options) -> Iterator:
    """All that a learning curve depends on."""
    yield 1, torch.__version__, options, str(model)
    for part in (images, test):
        yield from (part.images, part.labels)
    for name, tensor in model.state_dict().items():
        yield from (name.encode(), tensor)
