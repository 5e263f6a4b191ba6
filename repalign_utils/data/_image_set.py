"""Images with classes: in memory, or still on disk."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ._dataset import About, whole_number
from ._image_file import decoded
from ._names import checked_classes


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images in memory, their classes and where they come from.

    Attributes
    ----------
    images : array (n, c, h, w), uint8
        Channels first; c is 3 (red, green, blue), or 1 for grey.
    labels : array (n,), int64
        Index into ``classes``.
    classes : tuple of str
        Names, each once.
    about : About
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    about: About

    def pixels(self) -> np.ndarray:
        """Give each image as one row of numbers.

        Returns
        -------
        array (n, c * h * w), float32
            Values in [0, 1]: channel by channel, and row by row in each.
        """
        rows = self.images.reshape(len(self.images), -1)
        return rows.astype(np.float32) / np.float32(255)

    def targets(self) -> np.ndarray:
        """Give one column per class.

        Returns
        -------
        array (n, len(classes)), float32
            +1 in the column of the own class, -1 in the others.
        """
        own = self.labels[:, None] == np.arange(len(self.classes))
        return np.where(own, np.float32(1), np.float32(-1))

    def pair(self, first: str, second: str) -> tuple[np.ndarray, np.ndarray]:
        """Give the binary task between two classes.

        Parameters
        ----------
        first, second : str
            Names of two different classes.

        Returns
        -------
        rows : array (m,), int64
            Which images belong to either class, ascending.
        targets : array (m, 1), float32
            -1 for the first class, +1 for the second.

        Raises
        ------
        ValueError
            If a class is unknown, which names the nearest one, or named twice.

        Examples
        --------
        >>> from repalign_utils import data
        >>> rows, targets = data.digit_images((3, 5, 8), n_per_class=2).pair("3", "8")
        >>> len(rows), float(targets.sum())
        (4, 0.0)
        """
        names = checked_classes((first, second), self.classes)
        one, other = map(self.classes.index, names)
        rows = np.flatnonzero((self.labels == one) | (self.labels == other))
        sign = np.where(self.labels[rows] == one, np.float32(-1), np.float32(1))
        return rows, sign[:, None]

    def only(self, classes: Iterable[str]) -> "ImageSet":
        """Keep the images of some classes.

        Parameters
        ----------
        classes : iterable of str
            Names; the labels count in their order.

        Returns
        -------
        ImageSet
            Its images in the order that they had.

        Raises
        ------
        ValueError
            If a class is unknown, which names the nearest one, or named twice.
        """
        return _only(self, classes)

    def take(self, rows: np.ndarray) -> "ImageSet":
        """Keep some images, by their indices (m,), in that order."""
        about = replace(self.about, rows=len(rows))
        some = {"images": self.images[rows], "labels": self.labels[rows]}
        return replace(self, **some, about=about)


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """Images that are still on disk, their classes and where they come from.

    Attributes
    ----------
    paths : tuple of Path
        One file per image, of any kind that Pillow decodes.
    labels : array (n,), int64
        Index into ``classes``.
    classes : tuple of str
        Names, each once.
    about : About
        Its ``sha256`` is of the list of files, their names and sizes; that of an
        image set which `read` gives is of their bytes.
    left_out : mapping of str to int
        Suffix of files that are not read, or where they lie -> their number.
    """

    paths: tuple[Path, ...]
    labels: np.ndarray
    classes: tuple[str, ...]
    about: About
    left_out: Mapping[str, int] = field(default_factory=dict)

    def read(self, size: int | None = None) -> ImageSet:
        """Decode all images into memory, by several threads.

        An image is turned as its EXIF orientation says; what is transparent lies on
        white; grey of 16 bits is scaled to 8; grey, palettes and CMYK become red,
        green and blue, without regard to colour profiles; of an animation the first
        picture is taken.

        Parameters
        ----------
        size : int, optional
            Edge in pixels: each image is resized to ``size x size``, with averaging
            and without regard to its proportions. Without it, all images must have
            the size of the first one.

        Returns
        -------
        ImageSet
            images (n, 3, h, w).

        Raises
        ------
        ValueError
            If a file is damaged, of a kind that is not read, a link to nothing, or
            of another size; names the file and says which.
        """
        if size is not None:
            size = whole_number("size", size)
        images, sha256 = decoded(self.paths, size)
        about = replace(self.about, sha256=sha256)
        return ImageSet(images, self.labels, self.classes, about)

    def only(self, classes: Iterable[str]) -> "ImageFiles":
        """Keep the files of some classes; the labels count in their order.

        Parameters
        ----------
        classes : iterable of str
            Names.

        Returns
        -------
        ImageFiles
            Its files in the order that they had.

        Raises
        ------
        ValueError
            If a class is unknown, which names the nearest one, or named twice.
        """
        return _only(self, classes)

    def take(self, rows: np.ndarray) -> "ImageFiles":
        """Keep some files, by their indices (m,), in that order."""
        about = replace(self.about, rows=len(rows))
        paths = tuple(self.paths[i] for i in rows)
        return replace(self, paths=paths, labels=self.labels[rows], about=about)


#: Images with classes, wherever they are: both have `labels`, `classes` and `about`,
#: and give a part of themselves by `take` (rows) and `only` (classes).
Images = ImageSet | ImageFiles


@dataclass(frozen=True)
class PerClass:
    """So many images of each class: the first of a seeded permutation of the class.

    Attributes
    ----------
    n : int or None
        Images of a class; None: all there are.
    seed : int

    Raises
    ------
    ValueError
        If either is out of range.
    """

    n: int | None
    seed: int

    def __post_init__(self) -> None:
        """Check both, before any file is read."""
        if self.n is not None:
            whole_number("n_per_class", self.n)
        whole_number("seed", self.seed, least=0)

    def rows(
        self, numbers: np.ndarray, classes: Mapping[int, str], place: str = ""
    ) -> tuple[np.ndarray, np.ndarray]:
        """Choose images of some classes, by the class's number of each image.

        Parameters
        ----------
        numbers : array (n,), int
        classes : mapping of int to str
            Number of a class -> its name; the labels count in this order.
        place : str
            Where the images are, for the error.

        Returns
        -------
        rows : array (m,), int64
            Ascending.
        labels : array (m,), int64

        Raises
        ------
        ValueError
            If a class has too few images.
        """
        rng = np.random.default_rng(self.seed)
        label_of = np.full(len(numbers), -1)
        for label, (number, name) in enumerate(classes.items()):
            rows = np.flatnonzero(numbers == number)
            if self.n is not None:
                if self.n > len(rows):
                    raise ValueError(
                        f"n_per_class is {self.n} but class {name!r} has {len(rows)} "
                        f"images{place}; pass at most n_per_class={len(rows)}"
                    )
                rows = rng.permutation(rows)[: self.n]
            label_of[rows] = label
        kept = np.flatnonzero(label_of >= 0)
        return kept, label_of[kept]

    def note(self, classes: int) -> str:
        """Say how the images of so many classes were chosen."""
        if self.n is None:
            return f"all of each of {classes} classes"
        return f"{self.n:,} of each of {classes} classes, drawn with seed {self.seed}"


def _only(images: "Images", classes: Iterable[str]) -> Any:
    names = checked_classes(tuple(classes), images.classes)
    chosen = {images.classes.index(name): name for name in names}
    rows, labels = PerClass(None, 0).rows(images.labels, chosen)
    kept = images.take(rows)
    about = kept.about
    if len(names) < len(images.classes):
        about = replace(about, note=f"{about.note}; {len(names)} of these kept")
    return replace(kept, labels=labels, classes=names, about=about)
