"""CIFAR-10 and CIFAR-100: from class folders, from the original batches, or fetched."""

import io
import os
import pickle
import tarfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from repalign_utils.data._dataset import About, one_of
from repalign_utils.data._fetch import (
    DataMissing,
    check_hash,
    data_folders,
    fetch,
    file_hash,
)
from repalign_utils.data._image_set import (
    ImageSet,
    checked_classes,
    draw_per_class,
    drawn,
)
from repalign_utils.data._listing import class_folders
from repalign_utils.data.families import FAMILIES
from repalign_utils.data.folders import image_files
from repalign_utils.files import replacing

_SITE = "https://www.cs.toronto.edu/~kriz/"


@dataclass(frozen=True)
class _Original:
    """What is published: an archive and the pickled batches in it, with MD5 sums."""

    name: str
    title: str
    archive: str
    archive_md5: str
    folder: str
    batches: dict[str, dict[str, str]]  # split -> {file: MD5 sum}
    label_key: str
    classes: tuple[str, ...]  # in the order of the labels
    per_class: dict[str, int]  # split -> images of a class


_CIFAR10 = _Original(
    name="cifar10",
    title="CIFAR-10",
    archive="cifar-10-python.tar.gz",
    archive_md5="c58f30108f718f92721af3b95e74349a",
    folder="cifar-10-batches-py",
    batches={
        "train": {
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        },
        "test": {"test_batch": "40351d587109b95175f43aff81a1287e"},
    },
    label_key="labels",
    classes=tuple(sorted(FAMILIES["cifar10"])),
    per_class={"train": 5000, "test": 1000},
)
_CIFAR100 = _Original(
    name="cifar100",
    title="CIFAR-100",
    archive="cifar-100-python.tar.gz",
    archive_md5="eb9058c3a382ffc7106e4002c42a8d85",
    folder="cifar-100-python",
    batches={
        "train": {"train": "16019d7e3df5f24257cddd939b257f8d"},
        "test": {"test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
    },
    label_key="fine_labels",
    classes=tuple(sorted(FAMILIES["cifar100"])),
    per_class={"train": 500, "test": 100},
)


def cifar10(
    split: str = "train",
    *,
    n_per_class: int | None = None,
    classes: Sequence[str] | None = None,
    data_dir: str | os.PathLike[str] = "",
    seed: int = 0,
) -> ImageSet:
    """Read CIFAR-10 (Krizhevsky 2009): 32 x 32 colour images of ten classes.

    Parameters
    ----------
    split : {"train", "test"}
        5,000 or 1,000 images of a class.
    n_per_class : int, optional
        Images of each class: the first of a seeded permutation of the class, in the
        order of the file; without it all there are.
    classes : sequence of str, optional
        Some of airplane, automobile, bird, cat, deer, dog, frog, horse, ship and
        truck, whose order the labels count; without it all, in this order.
    data_dir : str or path
        Folder that holds ``cifar10/SPLIT/CLASS/*.png``, or the original's
        ``cifar-10-batches-py`` or its archive; empty: the environment variable
        REPALIGN_DATA. What is not found there is looked for in the cache, and
        downloaded to it.
    seed : int
        Seed of the permutations.

    Returns
    -------
    ImageSet
        images (n, 3, 32, 32).

    Raises
    ------
    DataMissing
        If the files are not on disk and cannot be downloaded.
    ValueError
        If an option is out of range or a file is damaged.
    FileNotFoundError
        If `data_dir` does not exist.

    Examples
    --------
    >>> cifar10("test", n_per_class=100).images.shape  # doctest: +SKIP
    (1000, 3, 32, 32)
    >>> cifar10("tset")
    Traceback (most recent call last):
    ValueError: unknown split 'tset': expected one of train, test; did you mean 'test'?
    """
    return _cifar(_CIFAR10, split, n_per_class, classes, data_dir, seed)


def cifar100(
    split: str = "train",
    *,
    n_per_class: int | None = None,
    classes: Sequence[str] | None = None,
    data_dir: str | os.PathLike[str] = "",
    seed: int = 0,
) -> ImageSet:
    """Read CIFAR-100 (Krizhevsky 2009): 32 x 32 colour images of a hundred classes.

    Parameters
    ----------
    split : {"train", "test"}
        500 or 100 images of a class.
    n_per_class : int, optional
        As for `cifar10`.
    classes : sequence of str, optional
        Some of the fine classes, the keys of ``FAMILIES["cifar100"]``; without it
        all, in alphabetical order, as the original numbers them.
    data_dir : str or path
        As for `cifar10`: ``cifar100/SPLIT/CLASS/*.png`` or ``cifar-100-python``.
    seed : int
        Seed of the permutations.

    Returns
    -------
    ImageSet
        images (n, 3, 32, 32).

    Raises
    ------
    DataMissing
        If the files are not on disk and cannot be downloaded.
    ValueError
        If an option is out of range or a file is damaged.
    FileNotFoundError
        If `data_dir` does not exist.

    Examples
    --------
    >>> cifar100(classes=("oak_tree", "bus")).classes  # doctest: +SKIP
    ('oak_tree', 'bus')
    """
    return _cifar(_CIFAR100, split, n_per_class, classes, data_dir, seed)


def _cifar(
    original: _Original,
    split: str,
    n_per_class: int | None,
    classes: Sequence[str] | None,
    data_dir: str | os.PathLike[str],
    seed: int,
) -> ImageSet:
    split = one_of("split", split, original.per_class)
    chosen = original.classes if classes is None else classes
    names = checked_classes(chosen, original.classes)
    place = _find(original, split, data_dir)
    if place.name == original.folder:
        read = _from_batches(original, place, split, names, n_per_class, seed)
    else:
        read = _from_folder(original, place, split, names, n_per_class, seed)
    per_class = sum(original.per_class.values())
    about = replace(
        read.about,
        name=original.name,
        title=f"{original.title}, {split} split",
        total_rows=per_class * len(original.classes),
        source="A. Krizhevsky 2009",
        licence="none stated, for research",
    )
    return replace(read, about=about)


def _find(original: _Original, split: str, data_dir: str | os.PathLike[str]) -> Path:
    """Folder of class folders, or folder of the original batches."""
    folders = data_folders(data_dir)
    for folder in folders:
        images = folder / original.name / split
        if images.is_dir() and class_folders(images):
            return images
        for root in (folder, folder / original.name):
            if _has_batches(original, root / original.folder):
                return root / original.folder
            if (archive := root / original.archive).is_file():
                return _unpacked(original, archive, folders[-1])
    try:
        archive = fetch(
            [_SITE + original.archive],
            folders[-1] / original.archive,
            finish=partial(check_hash, expected=original.archive_md5, kind="md5"),
        )
        place = _unpacked(original, archive, folders[-1])
        archive.unlink()
    except (DataMissing, OSError) as error:
        raise DataMissing(_missing(original, split, folders, error)) from None
    return place


def _has_batches(original: _Original, place: Path) -> bool:
    files = [name for split in original.batches.values() for name in split]
    return all((place / name).is_file() for name in files)


def _missing(
    original: _Original, split: str, folders: list[Path], error: Exception
) -> str:
    lacking = "; ".join(
        f"{folder} holds neither {original.name}/{split} nor {original.folder}"
        for folder in folders
    )
    return (
        f"{original.title} is not there: {lacking}; to download it failed ({error}). "
        f"Unpack {original.archive} in {folders[0]}, or name the folder that holds "
        f"{original.folder} or {original.name}/{split}/CLASS/*.png by data_dir or "
        "REPALIGN_DATA, or take digits or drawn pictures, which need no files."
    )


def _unpacked(original: _Original, archive: Path, root: Path) -> Path:
    """Unpack the batches, and nothing else of the archive, to ``root``, once."""
    place = root / original.folder
    if _has_batches(original, place):
        return place
    check_hash(archive, original.archive_md5, kind="md5")
    with tarfile.open(archive) as packed:
        for files in original.batches.values():
            for name, md5 in files.items():
                # asked for by name: whatever else the archive holds goes nowhere
                member = packed.extractfile(f"{original.folder}/{name}")
                content = b"" if member is None else member.read()
                with replacing(place / name) as part:
                    part.write_bytes(content)
                    check_hash(part, md5, kind="md5")
    return place


def _from_batches(
    original: _Original,
    place: Path,
    split: str,
    names: tuple[str, ...],
    n_per_class: int | None,
    seed: int,
) -> ImageSet:
    files = original.batches[split]
    parts = [_batch(place / name, md5, original) for name, md5 in files.items()]
    images = np.concatenate([part[0] for part in parts])
    numbers = np.concatenate([part[1] for part in parts])
    places = np.full(len(original.classes), -1)
    places[[original.classes.index(name) for name in names]] = np.arange(len(names))
    labels = places[numbers]  # -1: not asked for
    kept = draw_per_class(labels, names, n_per_class, seed, str(place))
    kept = kept[labels[kept] >= 0]
    about = About(
        name="",
        title="",
        rows=len(kept),
        total_rows=None,
        source="",
        licence="",
        sha256=file_hash(*(place / name for name in files)),
        note=drawn(n_per_class, seed, len(names)),
    )
    return ImageSet(images[kept], labels[kept], names, about)


def _batch(path: Path, md5: str, original: _Original) -> tuple[np.ndarray, np.ndarray]:
    # a pickle can run any code: it is opened only if it is the published one
    check_hash(path, md5, kind="md5")
    with warnings.catch_warnings():
        # written by a NumPy of 2009, whose types newer ones read with a warning
        warnings.simplefilter("ignore")
        batch = pickle.load(io.BytesIO(path.read_bytes()), encoding="latin1")
    images = np.asarray(batch["data"], np.uint8).reshape(-1, 3, 32, 32)
    return images, np.asarray(batch[original.label_key], np.int64)


def _from_folder(
    original: _Original,
    place: Path,
    split: str,
    names: tuple[str, ...],
    n_per_class: int | None,
    seed: int,
) -> ImageSet:
    read = image_files(place, names, n_per_class=n_per_class, seed=seed).read()
    if read.images.shape[1:] != (3, 32, 32):
        raise ValueError(
            f"the images in {place} are {read.images.shape[3]} x "
            f"{read.images.shape[2]} but {original.title} has 32 x 32; put the images "
            "there in their original size"
        )
    held, whole = read.about.total_rows, original.per_class[split] * len(names)
    if held == whole:
        return read
    each = f"{(held or 0) / len(names):,.4g}"
    part = f"the folder holds {each} of {original.per_class[split]:,} per class"
    about = replace(read.about, note=f"{read.about.note}; {part}")
    return replace(read, about=about)
