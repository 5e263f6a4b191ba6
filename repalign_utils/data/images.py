"""Handwritten digits: pairs of classes of MNIST, and the digits of scikit-learn."""

import gzip
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from repalign_utils.data._dataset import (
    About,
    Dataset,
    arrays_sha256,
    float32_rows,
    whole_number,
)
from repalign_utils.data._fetch import (
    DataMissing,
    check_hash,
    data_folders,
    fetch,
    file_hash,
)
from repalign_utils.data._image_set import ImageSet, draw_per_class

_RAW = Path("MNIST", "raw")
_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
# file -> the published MD5 sum of its .gz, and the SHA-256 sum of what it unpacks to;
# both stand here because to ask torchvision would keep an error waiting for torch
_MNIST_FILES = {
    "train-images-idx3-ubyte": (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "train-labels-idx1-ubyte": (
        "d53e105ee54ea40749a09fcbcd1e9432",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "t10k-images-idx3-ubyte": (
        "9fb629c4189551a2d022fa330f9573f3",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "t10k-labels-idx1-ubyte": (
        "ec29112dd5afa0611ce80d1b7f02629c",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}
_TRAINING = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")


def mnist(
    n_per_class: int = 5000,
    *,
    classes: Sequence[int] = (0, 1),
    data_dir: str | os.PathLike[str] = "",
    seed: int = 0,
) -> Dataset:
    """Read two classes of the training split of MNIST (LeCun, Cortes and Burges).

    The paper takes 5,000 images of each of the first two classes (Imani et al.
    2022); which ones it does not say. Here: the first `n_per_class` of a seeded
    permutation of each class, in the order of the file.

    Parameters
    ----------
    n_per_class : int
        Images of each class.
    classes : pair of int
        Two different digits.
    data_dir : str or path
        Folder that holds ``MNIST/raw``; empty: the environment variable
        REPALIGN_DATA. What is not found there is looked for in the cache, and
        downloaded to it.
    seed : int
        Seed of the permutations.

    Returns
    -------
    Dataset
        inputs (2 n_per_class, 784), pixels in [0, 1], row by row; targets
        (2 n_per_class, 1): -1 for the first class, +1 for the second; labels: the
        digits.

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
    >>> mnist(n_per_class=100).inputs.shape  # doctest: +SKIP
    (200, 784)
    >>> mnist(classes=(0, 10))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: classes is (0, 10) but must be two different digits from 0 to 9; ...
    """
    pair = _checked_pair(classes)
    n_per_class = whole_number("n_per_class", n_per_class)
    seed = whole_number("seed", seed, least=0)
    root = _mnist_root(data_dir)
    pixels, digits_ = _read_mnist(root)
    kept = _subset(digits_, pair, n_per_class, seed)
    about = About(
        name="mnist",
        title=f"MNIST, training split, classes {pair[0]} and {pair[1]}",
        rows=len(kept),
        total_rows=70_000,
        source="Y. LeCun, C. Cortes and C. J. C. Burges, read by torchvision",
        licence="CC BY-SA 3.0",
        sha256=file_hash(*(root / _RAW / name for name in _TRAINING)),
        note=_drawn(n_per_class, seed),
    )
    return _pair_dataset(pixels[kept] / np.float32(255), digits_[kept], pair, about)


def digits(
    classes: Sequence[int] = (0, 1), *, n_per_class: int | None = None, seed: int = 0
) -> Dataset:
    """Give two classes of scikit-learn's handwritten digits, which come with it.

    Real digits written by 13 people (the test part of Alpaydin and Kaynak 1998): the
    embedded data set for classification, which needs neither files nor network.

    Parameters
    ----------
    classes : pair of int
        Two different digits.
    n_per_class : int, optional
        Images of each class; without it all there are, about 180.
    seed : int
        Seed of the permutations that choose the images.

    Returns
    -------
    Dataset
        inputs (n, 64), 8 x 8 images in [0, 1], row by row; targets (n, 1): -1 for
        the first class, +1 for the second; labels: the digits.

    Raises
    ------
    ValueError
        If an option is out of range.

    Examples
    --------
    >>> digits(classes=(3, 8)).about.rows
    357
    """
    from sklearn.datasets import load_digits

    pair = _checked_pair(classes)
    seed = whole_number("seed", seed, least=0)
    if n_per_class is not None:
        n_per_class = whole_number("n_per_class", n_per_class)
    pixels, labels = map(np.asarray, load_digits(return_X_y=True))
    kept = _subset(labels, pair, n_per_class, seed)
    about = About(
        name="digits",
        title=f"scikit-learn's handwritten digits, classes {pair[0]} and {pair[1]}",
        rows=len(kept),
        total_rows=len(labels),
        source="E. Alpaydin and C. Kaynak, UCI data set 80, test part",
        licence="CC BY 4.0",
        sha256=arrays_sha256(pixels, labels),
        note=_drawn(n_per_class, seed),
    )
    return _pair_dataset(pixels[kept] / 16, labels[kept], pair, about)


def digit_images(
    classes: Sequence[int] = (0, 1), *, n_per_class: int | None = None, seed: int = 0
) -> ImageSet:
    """Give scikit-learn's handwritten digits as images, two classes or more.

    Parameters
    ----------
    classes : sequence of int
        Different digits; the labels count in their order.
    n_per_class : int, optional
        Images of each class; without it all there are, about 180.
    seed : int
        Seed of the permutations that choose the images.

    Returns
    -------
    ImageSet
        images (n, 1, 8, 8): the values 0 to 16 of the original times 255 / 16; classes
        "0" to "9".

    Raises
    ------
    ValueError
        If an option is out of range.

    Examples
    --------
    >>> digit_images(classes=(3, 5, 8), n_per_class=50).images.shape
    (150, 1, 8, 8)
    """
    from sklearn.datasets import load_digits

    chosen = _checked_digits(classes)
    pixels, digits_ = map(np.asarray, load_digits(return_X_y=True))
    names = tuple(str(digit) for digit in chosen)
    places = np.full(10, -1)
    places[list(chosen)] = np.arange(len(chosen))
    labels = places[digits_]  # -1: not asked for
    kept = draw_per_class(labels, names, n_per_class, seed)
    kept = kept[labels[kept] >= 0]
    about = About(
        name="digit_images",
        title=f"scikit-learn's handwritten digits, classes {', '.join(names)}",
        rows=len(kept),
        total_rows=len(digits_),
        source="E. Alpaydin and C. Kaynak, UCI data set 80, test part",
        licence="CC BY 4.0",
        sha256=arrays_sha256(pixels, digits_),
        note=_drawn(n_per_class, seed),
    )
    images = np.rint(pixels[kept] * (255 / 16)).astype(np.uint8)
    return ImageSet(images.reshape(-1, 1, 8, 8), labels[kept], names, about)


def _checked_digits(classes: Sequence[int]) -> tuple[int, ...]:
    try:
        chosen = tuple(int(c) for c in classes if int(c) == c and 0 <= c <= 9)
    except (TypeError, ValueError):
        chosen = ()
    if len(chosen) < 2 or len(classes) != len(chosen) or len(set(chosen)) < len(chosen):
        raise ValueError(
            f"classes is {classes!r} but must be two or more different digits from 0 "
            "to 9; pass for example classes=(0, 1)"
        )
    return chosen


def _checked_pair(classes: Sequence[int]) -> tuple[int, int]:
    try:
        pair = tuple(int(c) for c in classes if int(c) == c and 0 <= c <= 9)
    except (TypeError, ValueError):
        pair = ()
    if len(pair) != 2 or len(classes) != 2 or pair[0] == pair[1]:
        raise ValueError(
            f"classes is {classes!r} but must be two different digits from 0 to 9; "
            "pass for example classes=(0, 1)"
        )
    return pair


def _subset(
    labels: np.ndarray, pair: tuple[int, int], n_per_class: int | None, seed: int
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    kept = []
    for digit in pair:
        rows = np.flatnonzero(labels == digit)
        if n_per_class is not None and n_per_class > len(rows):
            raise ValueError(
                f"n_per_class is {n_per_class} but class {digit} has {len(rows)} "
                f"images; pass at most n_per_class={len(rows)}"
            )
        kept.append(rng.permutation(rows)[:n_per_class])
    return np.sort(np.concatenate(kept))


def _drawn(n_per_class: int | None, seed: int) -> str:
    if n_per_class is None:
        return "all of these classes"
    return f"{n_per_class:,} of each class drawn with seed {seed}"


def _pair_dataset(
    pixels: np.ndarray, labels: np.ndarray, pair: tuple[int, int], about: About
) -> Dataset:
    targets = np.where(labels == pair[0], -1, 1)
    return Dataset(
        float32_rows(pixels), float32_rows(targets), about, labels.astype(np.int64)
    )


def _mnist_root(data_dir: str | os.PathLike[str]) -> Path:
    folders = data_folders(data_dir)
    missing = {folder: _missing(folder) for folder in folders}
    for folder in folders:
        if not missing[folder]:
            for name in _TRAINING:
                check_hash(folder / _RAW / name, _MNIST_FILES[name][1])
            return folder
    try:
        _download_mnist(folders[-1])
    except (DataMissing, OSError) as error:
        lacking = "; ".join(
            f"{folder / _RAW} lacks {', '.join(names)}"
            for folder, names in missing.items()
        )
        raise DataMissing(
            f"MNIST is not there: {lacking}; to download it failed ({error}). "
            f"Put the unpacked files into {folders[0] / _RAW}, or name the folder that "
            "holds MNIST/raw by data_dir or REPALIGN_DATA, or take digits, which "
            "need no files."
        ) from None
    return folders[-1]


def _missing(folder: Path) -> list[str]:
    return [name for name in _MNIST_FILES if not (folder / _RAW / name).is_file()]


def _download_mnist(root: Path) -> None:
    for name in _missing(root):
        md5, sha256 = _MNIST_FILES[name]
        fetch(
            [f"{mirror}{name}.gz" for mirror in _MIRRORS],
            root / _RAW / name,
            finish=partial(_unpack, md5=md5, sha256=sha256),
        )


def _unpack(part: Path, md5: str, sha256: str) -> None:
    check_hash(part, md5, kind="md5")
    part.write_bytes(gzip.decompress(part.read_bytes()))
    check_hash(part, sha256)


def _read_mnist(root: Path) -> tuple[np.ndarray, np.ndarray]:
    from torchvision.datasets import MNIST

    training = MNIST(root, train=True, download=False)
    return training.data.numpy().reshape(-1, 784), training.targets.numpy()
