"""Handwritten digits: pairs of classes of MNIST, and the digits of scikit-learn."""

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .._extras import need
from ._dataset import ORIGINS, About, Dataset, arrays_sha256, float32_rows, origin
from ._fetch import Place, all_intact, fetch, files_sha256, located
from ._image_set import ImageSet, PerClass
from ._names import checked_classes

_MIRRORS = ORIGINS["urls"]["mnist"]
# torchvision knows sums too, but to ask it would keep an error waiting for torch
_MNIST_FILES = ORIGINS["sums"]["mnist"]
_TRAINING = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")


def mnist(
    n_per_class: int = 5000,
    *,
    classes: Sequence[int] = (0, 1),
    data_dir: Place = "",
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
    >>> mnist(classes=(0, 1, 2))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: classes is (0, 1, 2) but must be two different digits from 0 to 9; ...
    """
    pair, draw = _digits(classes, most=2), PerClass(n_per_class, seed)
    looked = [f"MNIST/raw/{name}" for name in _MNIST_FILES]
    raw = located("mnist", data_dir, looked, _whole, _download)
    datasets = need("torchvision.datasets", "networks")
    training = datasets.MNIST(raw.parents[1], train=True, download=False)
    pixels, numbers = training.data.numpy(), training.targets.numpy()
    sha256 = files_sha256(*(raw / name for name in _TRAINING))
    return _pair("mnist", pixels, numbers, pair, draw, sha256)


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
    pair, draw = _digits(classes, most=2), PerClass(n_per_class, seed)
    pixels, numbers = need("sklearn.datasets", "run").load_digits(return_X_y=True)
    sha256 = arrays_sha256(pixels, numbers)
    return _pair("digits", pixels, numbers, pair, draw, sha256)


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
    chosen, draw = _digits(classes), PerClass(n_per_class, seed)
    pixels, numbers = need("sklearn.datasets", "run").load_digits(return_X_y=True)
    sha256 = arrays_sha256(pixels, numbers)
    rows, labels, about = _drawn("digit_images", numbers, chosen, draw, sha256)
    images = np.rint(pixels[rows] * (255 / 16)).astype(np.uint8)
    return ImageSet(images.reshape(-1, 1, 8, 8), labels, tuple(chosen.values()), about)


def _digits(classes: Sequence[int], most: int = 10) -> dict[int, str]:
    """Check that these are different digits; give each with its name."""
    names = checked_classes([str(c) for c in classes], list("0123456789"))
    if not 2 <= len(names) <= most:
        raise ValueError(
            f"classes is {classes!r} but must be two{' or more' if most > 2 else ''} "
            "different digits from 0 to 9; pass for example classes=(0, 1)"
        )
    return {int(name): name for name in names}


def _drawn(
    name: str, numbers: np.ndarray, chosen: dict[int, str], draw: PerClass, sha256: str
) -> tuple[np.ndarray, np.ndarray, About]:
    """Rows of the chosen digits, their labels, and what they are."""
    rows, labels = draw.rows(numbers, chosen)
    note, which = draw.note(len(chosen)), f", classes {', '.join(chosen.values())}"
    about = origin(name, rows=len(rows), sha256=sha256, note=note, which=which)
    return rows, labels, about


def _pair(
    name: str,
    pixels: np.ndarray,
    numbers: np.ndarray,
    pair: dict[int, str],
    draw: PerClass,
    sha256: str,
) -> Dataset:
    rows, labels, about = _drawn(name, numbers, pair, draw, sha256)
    inputs = float32_rows(pixels[rows] / np.float32(pixels.max()))  # of 16, or of 255
    digits = numbers[rows].astype(np.int64)
    return Dataset(inputs, float32_rows(2 * labels - 1), about, digits)


def _whole(folder: Path) -> Path | None:
    raw = folder / "MNIST" / "raw"
    return raw if all_intact(raw, _MNIST_FILES) else None


def _download(folder: Path) -> Path:
    raw = folder / "MNIST" / "raw"
    for name, known_hash in _MNIST_FILES.items():
        urls = [f"{mirror}{name}.gz" for mirror in _MIRRORS]
        fetch(urls, raw / name, known_hash=known_hash, finish=_unpack)
    return raw


def _unpack(part: Path) -> None:
    try:
        part.write_bytes(gzip.decompress(part.read_bytes()))
    except (EOFError, zlib.error) as error:
        raise ValueError(f"the download is damaged: {error}") from None
