"""Tasks between the classes of an image set: how features are aligned and learnt.

Two kinds: to tell one class from another, for pairs of classes, and to tell each class
from all the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import combinations

import numpy as np

from ..data import ImageSet
from ..measures.alignment import Alignment
from ..measures.labels import one_vs_rest
from ..measures.probes import linear_probe

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class TaskScores:
    """Features on tasks: alignment and linear models, mean over the tasks.

    Attributes
    ----------
    areas : array (tasks,), of each task, as of ``Alignment.area``
    chance : array (tasks,), their level of chance, ``Alignment.null().area``
    ceilings : array (tasks,), the largest area that a target can have
    curve : array (t,), captured share of the target energy at each threshold
    chance_curve : array (t,), the same by chance, the mean over permuted targets
    loss : array (s,), training loss after each number of steps, 1 before the first
    chance_loss : array (s,), the same by chance
    accuracy : array (s,), share of right answers on test images
    """

    areas: np.ndarray
    chance: np.ndarray
    ceilings: np.ndarray
    curve: np.ndarray
    chance_curve: np.ndarray
    loss: np.ndarray
    chance_loss: np.ndarray
    accuracy: np.ndarray


def drawn_pairs(classes: Sequence[str], count: int, *, seed: int = 0) -> Pairs:
    """Pairs of classes: so many drawn without repetition, or all there are.

    Parameters
    ----------
    classes : names
    count : number of pairs
    seed : of the draw

    Raises
    ------
    ValueError
        If there are fewer than two classes or no pair is asked for.

    Examples
    --------
    >>> drawn_pairs(("cat", "dog", "ship"), 45)
    [('cat', 'dog'), ('cat', 'ship'), ('dog', 'ship')]
    """
    if len(classes) < 2 or count < 1:
        raise ValueError(
            f"{count} pairs of {len(classes)} classes are asked for; "
            "pass at least one of at least two classes"
        )
    pairs = list(combinations(classes, 2))
    if count >= len(pairs):
        return pairs
    rng = np.random.default_rng(seed)
    return [pairs[i] for i in sorted(rng.choice(len(pairs), count, replace=False))]


def pair_scores(
    features: tuple[np.ndarray, np.ndarray],
    images: tuple[ImageSet, ImageSet],
    pairs: Pairs,
    *,
    thresholds,
    steps,
) -> TaskScores:
    """Features on binary tasks, targets -1 for the first class, +1 for the second.

    Linear models are trained on all training images of the two classes, by full-batch
    gradient descent with step size n / sigma_1^2; the sign of the output is the answer.

    Parameters
    ----------
    features : arrays (n, d), of training and of test images
    images : training and test images, whose rows those are
    pairs : names of two classes each
    thresholds : array (t,), in units of ||Phi||_F, such as `repalign_utils.GRID`
    steps : array (s,) of whole numbers

    Returns
    -------
    TaskScores, areas in the order of the pairs
    """
    _check(features, images)
    found = []
    for pair in pairs:
        (rows, y), (test_rows, test_y) = (i.pair(*pair) for i in images)
        phi, phi_test = features[0][rows], features[1][test_rows]
        probe = linear_probe(phi, y, steps)
        outputs = probe.predict(phi_test)  # (s, n, 1)
        accuracy = ((outputs > 0) == (test_y > 0)).mean((1, 2))
        found.append(_scores(probe.alignment, thresholds, steps, accuracy))
    return _mean(found)


def rest_scores(
    features: tuple[np.ndarray, np.ndarray],
    images: tuple[ImageSet, ImageSet],
    *,
    thresholds,
    steps,
) -> TaskScores:
    """Features on telling each class from the rest; the largest output is the answer.

    The mean of each target is taken off: with ten balanced classes 64 % of the energy
    of -1 and +1 lies in a constant, which any features with a bias column hold.

    Parameters
    ----------
    features, images, thresholds, steps : as of `pair_scores`

    Returns
    -------
    TaskScores, areas in the order of the classes
    """
    _check(features, images)
    targets = class_columns(images[0])
    probe = linear_probe(features[0], targets, steps)
    outputs = probe.predict(features[1])
    accuracy = (outputs.argmax(2) == images[1].labels).mean(1)
    return _scores(probe.alignment, thresholds, steps, accuracy)


def class_columns(*parts: ImageSet) -> np.ndarray:
    """One-vs-rest columns of all parts without their means, (n, classes), float64.

    With many classes a column is -1 nearly everywhere, and its mean, which tells no
    class from another, holds nearly all of its energy: 88 % with 31 classes. A column
    of two classes of one size, as the paper takes them, has no mean to lose.
    """
    columns = one_vs_rest(np.concatenate([part.labels for part in parts]))
    if columns.shape[1] != len(parts[0].classes):
        raise ValueError(
            f"there are images of {columns.shape[1]} of {len(parts[0].classes)} "
            "classes; keep those that have images, with .only(...)"
        )
    return columns


def _check(features, images) -> None:
    for part, rows, of in zip(("training", "test"), features, images, strict=True):
        if len(rows) != len(of.labels):
            raise ValueError(
                f"{part} features have {len(rows)} rows but there are "
                f"{len(of.labels)} {part} images; pass one row per image"
            )
    if images[0].classes != images[1].classes:
        raise ValueError(
            f"training images are of {len(images[0].classes)} classes and test images "
            f"of {len(images[1].classes)}, or in another order; pass two splits of one "
            "data set"
        )


def _scores(found: Alignment, thresholds, steps, accuracy: np.ndarray) -> TaskScores:
    areas, chance = found.area(), found.null()
    at = np.asarray(thresholds) * found.norm
    step_size = found.n / found.singular_values[0] ** 2
    unit = found.target_energy / (2 * found.n)  # the loss before the first step
    return TaskScores(
        areas,
        chance.area,
        np.full_like(areas, found.ceiling),
        found.shares(thresholds).mean(1),
        (chance.curve(at) / found.target_energy).mean(1),
        (found.residual(step_size, steps) / unit).mean(1),
        (chance.residual(step_size, steps) / unit).mean(1),
        accuracy,
    )


def _mean(found: list[TaskScores]) -> TaskScores:
    areas, chance, ceilings, *others = zip(*map(astuple, found), strict=True)
    of_tasks = map(np.concatenate, (areas, chance, ceilings))
    return TaskScores(*of_tasks, *(np.mean(values, axis=0) for values in others))
