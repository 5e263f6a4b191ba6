"""Sources and targets of images, for which scores foretell what a source gives."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path
from typing import Any

from .. import data, training
from ..data import ImageSet
from ..spelling import did_you_mean
from .domain_task import DRAWN, OFFICE
from .transfer import split

__all__ = ["SETTINGS", "ImageTasks", "image_tasks"]

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
