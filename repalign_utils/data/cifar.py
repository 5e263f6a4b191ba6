"""CIFAR-10 and CIFAR-100: from class folders, from the original batches, or fetched.

Addresses, names of files and their sums are torchvision's.
"""

import tarfile
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .._extras import need
from ..files import replacing
from ._dataset import origin
from ._fetch import Place, all_intact, cache_folder, fetch, files_sha256, located
from ._image_set import ImageSet, PerClass
from ._listing import class_folders
from ._names import checked_classes, one_of
from .families import FAMILIES
from .folders import image_files, read_original

# images of a class
_PER_CLASS = {
    "cifar10": {"train": 5000, "test": 1000},
    "cifar100": {"train": 500, "test": 100},
}


def cifar10(
    split: str = "train",
    *,
    n_per_class: int | None = None,
    classes: Sequence[str] | None = None,
    data_dir: Place = "",
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
    return _cifar("cifar10", split, PerClass(n_per_class, seed), classes, data_dir)


def cifar100(
    split: str = "train",
    *,
    n_per_class: int | None = None,
    classes: Sequence[str] | None = None,
    data_dir: Place = "",
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
    return _cifar("cifar100", split, PerClass(n_per_class, seed), classes, data_dir)


def _cifar(
    name: str,
    split: str,
    draw: PerClass,
    classes: Sequence[str] | None,
    data_dir: Place,
) -> ImageSet:
    known = tuple(sorted(FAMILIES[name]))  # as the original numbers them
    split = one_of("split", split, _PER_CLASS[name])
    names = checked_classes(known if classes is None else classes, known)
    looked = (f"{name}/{split}", "the original's batches", "their archive")
    look, get = partial(_look, name, split), partial(_download, name)
    place = located(name, data_dir, looked, look, get)
    which = f", {split} split"
    if place.parts[-2:] == (name, split):
        files = image_files(place, names, n_per_class=draw.n, seed=draw.seed)
        whole = _PER_CLASS[name][split] * len(names)
        return _of_its_size(place, read_original(name, files, whole, which=which))
    pixels, numbers, sha256 = _batches(_original(name), place, split)
    chosen = {known.index(name): name for name in names}
    rows, labels = draw.rows(numbers, chosen, f" in {place}")
    note = draw.note(len(names))
    about = origin(name, rows=len(rows), sha256=sha256, note=note, which=which)
    images = np.ascontiguousarray(pixels[rows].transpose(0, 3, 1, 2))
    return ImageSet(images, labels, names, about)


def _of_its_size(place: Path, read: ImageSet) -> ImageSet:
    height, width = read.images.shape[2:]
    if (height, width) != (32, 32):
        raise ValueError(
            f"the images in {place} are {width} x {height} but those of the original "
            "have 32 x 32; put the images there in their original size"
        )
    return read


def _original(name: str) -> Any:
    datasets = need("torchvision.datasets", "networks")
    return {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]


def _look(name: str, split: str, folder: Path) -> Path | None:
    """Folder of class folders, or folder that holds the folder of the batches."""
    images = folder / name / split
    if images.is_dir() and class_folders(images):
        return images
    original = _original(name)
    for root in (folder, folder / name):
        # a pickle can run any code: it is opened only if it is the published one
        if all_intact(root, _sums(original)):
            return root
        if all_intact(root, {original.filename: f"md5:{original.tgz_md5}"}):
            return _unpacked(original, root, cache_folder())
    return None


def _download(name: str, folder: Path) -> Path:
    original = _original(name)
    archive = folder / original.filename
    fetch([original.url], archive, known_hash=f"md5:{original.tgz_md5}")
    _unpacked(original, folder, folder)
    archive.unlink()
    return folder


def _sums(original: Any) -> dict[str, str]:
    """File in the archive -> its sum, of all that is read."""
    meta = (original.meta["filename"], original.meta["md5"])
    files = [*original.train_list, *original.test_list, meta]
    return {f"{original.base_folder}/{name}": f"md5:{md5}" for name, md5 in files}


def _unpacked(original: Any, folder: Path, root: Path) -> Path:
    """Unpack what is read, and no more, of the archive in a folder, to ``root``."""
    if all_intact(root, _sums(original)):
        return root
    with tarfile.open(folder / original.filename) as packed:
        for name in _sums(original):
            # asked for by name: whatever else the archive holds goes nowhere
            member = packed.extractfile(name)
            with replacing(root / name) as part:
                part.write_bytes(b"" if member is None else member.read())
    return root


def _batches(
    original: Any, root: Path, split: str
) -> tuple[np.ndarray, np.ndarray, str]:
    """Pixels (n, 32, 32, 3) and class numbers (n,) of a split; SHA-256 of its files."""
    with warnings.catch_warnings():
        # written by a NumPy of 2009, whose types newer ones read with a warning
        warnings.simplefilter("ignore")
        read = original(root, train=split == "train")
    files = original.train_list if split == "train" else original.test_list
    sha256 = files_sha256(*(root / original.base_folder / name for name, _ in files))
    return read.data, np.array(read.targets), sha256
