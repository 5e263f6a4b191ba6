"""From a source to a target: parts of a set, fine-tuning, and its learning curve."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from ..data import ImageSet
from ..networks.device import Compute
from ..networks.images import NetworkInputs
from ..networks.names import new_head
from ..networks.outputs import accuracy
from ..training import Recipe, train
from ..training.checkpoints import facts_of, kept


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
    tuned = _for_task(model, images, test, seed)
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


def _for_task(
    model: nn.Module, images: ImageSet, test: ImageSet, seed: int
) -> nn.Module:
    """Copy of a network with a new head for a task of these two parts."""
    if images.classes != test.classes:
        raise ValueError(
            f"images have {len(images.classes)} classes and test has "
            f"{len(test.classes)}, or in another order; pass two parts of one task"
        )
    return new_head(deepcopy(model), len(images.classes), seed=seed)


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
    counts = _counts(images)
    if not 1 <= n_per_class < counts.min():
        raise ValueError(
            f"n_per_class is {n_per_class} but class "
            f"{images.classes[counts.argmin()]!r} has {counts.min()} images; pass 1 to "
            f"{counts.min() - 1}, so that one is left to test on"
        )
    first, rest = _cut(images, [n_per_class], seed)
    return first, rest


def _cut(images: ImageSet, sizes: ArrayLike, seed: int) -> list[ImageSet]:
    """Parts of a set, of so many images of each class (k,) or (classes, k), and a rest.

    The images of a class are permuted, and each part has them in their old order.
    """
    rng = np.random.default_rng(seed)
    ends = np.cumsum(sizes, axis=-1) + np.zeros((len(images.classes), 1), int)
    cut = [
        np.split(rng.permutation(np.flatnonzero(images.labels == label)), at)
        for label, at in enumerate(ends)
    ]
    rows = [np.sort(np.concatenate(part)) for part in zip(*cut, strict=True)]
    return [images.take(part) for part in rows]


def _counts(images: ImageSet) -> np.ndarray:
    return np.bincount(images.labels, minlength=len(images.classes))


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
    counts = _counts(images)
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
    sizes = np.maximum(np.outer(counts, shares).astype(int), 1)
    first, second, rest = _cut(images, sizes, seed)
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
    return _cut(images, [n_per_class], seed)[0] if n_per_class else images


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
        If the two sets have different classes, or an epoch lies outside the training.

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
    tuned = _for_task(model, images, test, seed)
    inputs = NetworkInputs(test, size=size)
    reached: list[float] = []

    def look(epoch: int, *_) -> None:
        if epoch in at:
            reached.append(accuracy(tuned, inputs, test.labels))

    def curve() -> dict[str, list[float]]:
        options: dict[str, Any] = {"size": size, "compute": compute, "seed": seed}
        history = train(tuned, images, recipe, report=look, **options)
        return {"accuracy": reached, "losses": history.losses.tolist()}

    how = (recipe, list(at), size, compute, seed)
    facts = [(1, torch.__version__, how, str(tuned)), *facts_of(tuned)]
    facts[1:1] = images.images, images.labels, test.images, test.labels
    found = kept(checkpoints, "curve", facts, curve)
    return LearningCurve(np.array(found["accuracy"]), np.array(found["losses"]))
