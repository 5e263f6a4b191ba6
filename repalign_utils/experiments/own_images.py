"""Images of one's own, in folders: two parts of a task, or the same task in domains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from ..data import ImageFiles, ImageSet, image_files
from .transfer import split

__all__ = ["domains_of", "one_of_each", "short", "two_parts"]

_TEST = ("test", "testing", "val", "valid", "validation")
DOMAINS = 3
PARTS = 3  # of a target: to train on, to test on, and for a source


def two_parts(
    folder: str | Path, n_per_class: int, n_test: int, *, size: int, seed: int = 0
) -> tuple[ImageSet, ImageSet]:
    """Training and test images of a folder of class folders.

    Parameters
    ----------
    folder : holds ``train/CLASS/`` and ``test/CLASS/`` (or ``val``), of the same
        classes; or ``CLASS/`` alone, which is cut in two, class by class
    n_per_class, n_test : images of each class in the two parts
    size : height and width that images are brought to
    seed : of what is drawn, and of the cut

    Returns
    -------
    train, test : ``ImageSet``, without an image in common

    Raises
    ------
    ValueError
        If a class has too few images, or the parts are of different classes.
    FileNotFoundError
        If there is no such folder.
    """
    place = Path(folder).expanduser()
    tests = [place / name for name in _TEST if (place / name).is_dir()]
    if (place / "train").is_dir() and tests:
        known = image_files(place / "train")
        _enough(known, place / "train", {"n_per_class": n_per_class})
        _enough(image_files(tests[0], classes=known), tests[0], {"n_test": n_test})
        train, test = (
            image_files(part, classes=known, n_per_class=n, seed=seed).read(size)
            for part, n in ((place / "train", n_per_class), (tests[0], n_test))
        )
        return train, test
    asked = {"n_per_class": n_per_class, "n_test": n_test}
    _enough(image_files(place), place, asked)
    files = image_files(place, n_per_class=n_per_class + n_test, seed=seed)
    return split(files.read(size), n_per_class, seed)


def _enough(files: ImageFiles, folder: Path, asked: dict[str, int]) -> None:
    counts = np.bincount(files.labels, minlength=len(files.classes))
    if len(files.classes) < 2:
        raise ValueError(
            f"{folder} holds one class, {', '.join(files.classes)}; pass one with a "
            "folder of images for each of two classes or more"
        )
    if counts.min() < sum(asked.values()):
        said = " and ".join(f"{name} is {n}" for name, n in asked.items())
        raise ValueError(
            f"{said}, but class {files.classes[counts.argmin()]!r} of {folder} has "
            f"{counts.min()} images; ask for no more than these"
            f"{' together' if len(asked) > 1 else ''}"
        )


def domains_of(folder: str | Path, *, size: int) -> dict[str, ImageSet]:
    """Images of the same classes in three domains, from ``DOMAIN/CLASS/`` folders.

    Parameters
    ----------
    folder : holds a folder per domain, as Office-31 does: ``DOMAIN/CLASS/`` or
        ``DOMAIN/images/CLASS/``
    size : height and width that images are brought to

    Returns
    -------
    dict: name of the domain -> ``ImageSet``, all with the same classes

    Raises
    ------
    ValueError
        If there are not three, their classes differ, or a class has fewer than three
        images.
    """
    place = Path(folder).expanduser()
    names = [p.name for p in sorted(place.iterdir()) if p.is_dir()]
    names = [name for name in names if not name.startswith((".", "__"))]
    if len(names) != DOMAINS:
        raise ValueError(
            f"{place} holds {len(names)} folders ({', '.join(names[:5])}); pass one "
            f"with {DOMAINS} domains, each a folder with a folder of images per class"
        )
    found: dict[str, ImageFiles] = {}
    for name in names:
        inner = place / name / "images"
        where = inner if inner.is_dir() else place / name
        found[name] = image_files(where, classes=next(iter(found.values()), None))
        _enough(found[name], where, {"the number of parts of a target": PARTS})
    return {name: files.read(size) for name, files in found.items()}


def one_of_each(images: ImageSet | ImageFiles, count: int, size: int) -> np.ndarray:
    """One image of each of the first classes, to look at; only these are decoded.

    Parameters
    ----------
    images : in memory, or files
    count : classes, at most
    size : height and width

    Returns
    -------
    array (m, c, size, size), uint8

    Examples
    --------
    >>> from repalign_utils import data
    >>> one_of_each(data.digit_images((3, 5), n_per_class=2), 8, 16).shape
    (2, 1, 16, 16)
    """
    _, first = np.unique(images.labels, return_index=True)
    some = images.take(first[:count])
    if isinstance(some, ImageFiles):
        return some.read(size).images
    pixels = torch.from_numpy(some.images)
    if pixels.shape[-2:] != (size, size):
        options = {"mode": "bilinear", "antialias": True}
        pixels = F.interpolate(pixels.float(), (size, size), **options).round().byte()
    return pixels.numpy()


def short(name: str | Path) -> str:
    """Name, or the last part of a path, as a part of a recorded name.

    Examples
    --------
    >>> short("/home/me/My Images"), short("timm:vit_tiny")
    ('my_images', 'timm_vit_tiny')
    """
    last = Path(name).name.lower()
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in last)
