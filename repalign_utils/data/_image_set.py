"""Images with classes: in memory, or still on disk."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from repalign_utils.data._dataset import About, one_of, whole_number
from repalign_utils.data._decode import decoded


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
        one, other = _indices(self.classes, (first, second))
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
        rows, labels, names, about = _kept(self, tuple(classes))
        return ImageSet(self.images[rows], labels, names, about)


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
        digest = hashlib.sha256()
        images = decoded(self.paths, size, digest)
        about = replace(self.about, sha256=digest.hexdigest())
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
        rows, labels, names, about = _kept(self, tuple(classes))
        paths = tuple(self.paths[i] for i in rows)
        return ImageFiles(paths, labels, names, about, self.left_out)


def checked_classes(names: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Give `names` as a tuple, if each is known and stands once."""
    if isinstance(names, str):
        raise ValueError(
            f"classes is {names!r} but must be a sequence of names; pass "
            f"classes=({one_of('class', names, known)!r},)"
        )
    checked = tuple(one_of("class", name, known) for name in names)
    if not checked:
        raise ValueError(
            f"classes is empty; pass some of {known[0]!r} to {known[-1]!r}"
        )
    twice = [name for i, name in enumerate(checked) if name in checked[:i]]
    if twice:
        raise ValueError(f"class {twice[0]!r} is named twice; name each class once")
    return checked


def draw_per_class(
    labels: np.ndarray,
    classes: Sequence[str],
    n_per_class: int | None,
    seed: int,
    place: str = "",
) -> np.ndarray:
    """Give rows (m,), ascending: the first of a seeded permutation of each class."""
    seed = whole_number("seed", seed, least=0)
    if n_per_class is None:
        return np.arange(len(labels))
    n_per_class = whole_number("n_per_class", n_per_class)
    rng = np.random.default_rng(seed)
    kept = []
    for index, name in enumerate(classes):
        rows = np.flatnonzero(labels == index)
        if n_per_class > len(rows):
            where = f" in {place}" if place else ""
            raise ValueError(
                f"n_per_class is {n_per_class} but class {name!r} has {len(rows)} "
                f"images{where}; pass at most n_per_class={len(rows)}"
            )
        kept.append(rng.permutation(rows)[:n_per_class])
    return np.sort(np.concatenate(kept))


def drawn(n_per_class: int | None, seed: int, classes: int) -> str:
    """Say for the note how the images were chosen."""
    amount = "all" if n_per_class is None else f"{n_per_class:,}"
    of = f"{amount} of each of {classes} classes"
    return of if n_per_class is None else f"{of}, drawn with seed {seed}"


def _indices(known: Sequence[str], names: Sequence[str]) -> list[int]:
    return [known.index(name) for name in checked_classes(names, known)]


def _kept(
    images: ImageSet | ImageFiles, names: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...], About]:
    """Rows of these classes; their labels, counted in this order; names; origin."""
    places = np.full(len(images.classes), -1)
    places[_indices(images.classes, names)] = np.arange(len(names))
    rows = np.flatnonzero(places[images.labels] >= 0)
    note = images.about.note
    if len(names) < len(images.classes):
        note = f"{note}; {len(names)} of these kept"
    about = replace(images.about, rows=len(rows), note=note)
    return rows, places[images.labels[rows]], names, about
