"""Sources to pretrain on, and tasks to transfer to, by family of classes."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from .. import data
from ..data import ImageFiles, ImageSet
from ..data._fetch import located
from ..data._listing import class_folders
from ..data._names import few, listed_names
from ..spelling import did_you_mean

SOURCES = ("procedural", "cifar100", "imagenet")
FAMILIES = ("artificial", "natural")


def source(
    name: str,
    family: str,
    *,
    classes: int = 0,
    n_per_class: int = 0,
    class_list: str | Path = "",
    target: str = "",
    data_dir: str | Path = "",
    seed: int = 0,
) -> ImageSet | ImageFiles:
    """Images of one family of classes, to pretrain a network on.

    Parameters
    ----------
    name : "procedural", "cifar100", "imagenet" (``imagenet/train/WNID/`` in the data
        folder), or the path of any folder with a folder per class
    family : "natural" or "artificial"; of a folder, the name of the family alone counts
    classes : how many of the family's classes, drawn by ``seed``; 0: all
    n_per_class : images of each; 0: all there are, 100 of the procedural ones
    class_list : file with the family's classes, one a line; for a folder of one's own
    target : data set whose `data.near_duplicates` are left out; empty: none are
    data_dir : where real data lie; empty: REPALIGN_DATA
    seed : of what is drawn

    Returns
    -------
    ``ImageSet``, or ``ImageFiles`` for what is too large to hold

    Raises
    ------
    DataMissing
        If the files are not on disk and cannot be downloaded.
    ValueError
        If the source, the family or a class is unknown.
    """
    if family not in FAMILIES:
        raise ValueError(f"family is {family!r}; choose one of {', '.join(FAMILIES)}")
    if name == "procedural":
        found = data.procedural_images(
            family, n_per_class=n_per_class or 100, seed=seed
        )
        return found.only(_some(found.classes, classes, seed))
    if name == "cifar100":
        near = set(chain(*data.near_duplicates(name, target).values()))
        kinds = data.FAMILIES[name].items()
        names = [c for c, kind in kinds if kind == family and c not in near]
        return data.cifar100(
            n_per_class=n_per_class or None,
            classes=_some(names, classes, seed),
            data_dir=data_dir,
            seed=seed,
        )
    if name == "imagenet":
        folder = located(name, data_dir, ["imagenet/train"])
        names = data.imagenet_classes(family)
    else:
        folder, names = Path(name).expanduser(), _class_list(name, class_list)
    files = data.image_files(folder, names, n_per_class=n_per_class or None, seed=seed)
    return files.only(_some(files.classes, classes, seed)) if classes else files


def check_families(name: str, lists: str | Path) -> dict[str, str]:
    """Check the lists of classes of the two families of a folder, before any training.

    Parameters
    ----------
    name : as of `source`; only a folder has lists
    lists : folder with ``artificial.txt`` and ``natural.txt``, the families' classes,
        one a line

    Returns
    -------
    dict: family -> file, as `source` takes it for ``class_list``; "" where none is

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a family has fewer than two classes, a class that the folder lacks, or one
        that is of the other family too.

    Examples
    --------
    >>> check_families("procedural", "")
    {'artificial': '', 'natural': ''}
    """
    if name in SOURCES:
        return dict.fromkeys(FAMILIES, "")
    folder = Path(_class_list(name, lists)).expanduser()
    files = {family: folder / f"{family}.txt" for family in FAMILIES}
    names = {file.name: listed_names(file) for file in files.values()}
    known = tuple(class_folders(Path(name).expanduser()))
    for file, found in names.items():
        if unknown := [n for n in found if n not in known]:
            raise ValueError(
                f"{file} names {few(unknown)}, for which {name} has no folder; "
                f"{did_you_mean(unknown[0], known)}name folders of classes"
            )
        if len(set(found)) < 2:
            raise ValueError(
                f"{file} names {few(found) or 'no class'}; name at least two "
                "classes, one a line, for a network to tell apart"
            )
    artificial, natural = names.values()
    if both := [n for n in natural if n in artificial]:
        raise ValueError(
            f"natural.txt and artificial.txt both name {few(both)}; a class belongs "
            "to one family"
        )
    return {family: str(file) for family, file in files.items()}


def _some(names, count: int, seed: int) -> tuple[str, ...]:
    """So many of the names, in their order; 0: all."""
    names = tuple(names)
    if count > len(names):
        raise ValueError(
            f"classes is {count} but the family has {len(names)}; pass at most these"
        )
    drawn = np.random.default_rng(seed).permutation(len(names))[: count or len(names)]
    return tuple(names[i] for i in sorted(drawn))


def _class_list(name: str, class_list: str | Path) -> str | Path:
    if not str(class_list):
        raise ValueError(
            f"source is {name!r}; choose one of {', '.join(SOURCES)}, or name a folder "
            "of images together with a file that lists the classes of the family"
        )
    return class_list


def target_tasks(
    name: str,
    *,
    split: str = "train",
    n_per_class: int = 0,
    data_dir: str | Path = "",
    seed: int = 0,
) -> dict[str, ImageSet]:
    """Images of the natural and of the artificial target classes.

    Parameters
    ----------
    name : "procedural" or "cifar10"
    split : "train" or "test"
    n_per_class : images of each class; 0: all there are, 100 of the procedural ones
    data_dir, seed : as of `source`

    Returns
    -------
    dict: "artificial" (4 classes) and "natural" (6 classes) -> ``ImageSet``
    """
    if name == "procedural":
        options: dict[str, Any] = {"role": "target", "split": split, "seed": seed}
        options["n_per_class"] = n_per_class or 100
        return {f: data.procedural_images(f, **options) for f in FAMILIES}
    found = data.cifar10(
        split, n_per_class=n_per_class or None, data_dir=data_dir, seed=seed
    )
    kinds = data.FAMILIES["cifar10"]
    return {
        f: found.only([c for c in found.classes if kinds[c] == f]) for f in FAMILIES
    }
