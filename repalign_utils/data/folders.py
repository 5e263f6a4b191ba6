"""Images in a folder of class folders: any of your own, ImageNet, Office-31."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from repalign_utils.data._dataset import About, one_of
from repalign_utils.data._fetch import DataMissing, data_folders
from repalign_utils.data._image_set import (
    ImageFiles,
    ImageSet,
    checked_classes,
    draw_per_class,
    drawn,
)

_SUFFIXES = (".jpeg", ".jpg", ".png")
# images of each domain in the original
_OFFICE_DOMAINS = {"amazon": 2817, "dslr": 498, "webcam": 795}
_OFFICE_CLASSES = tuple(
    "back_pack bike bike_helmet bookcase bottle calculator desk_chair desk_lamp "
    "desktop_computer file_cabinet headphones keyboard laptop_computer letter_tray "
    "mobile_phone monitor mouse mug paper_notebook pen phone printer projector "
    "punchers ring_binder ruler scissors speaker stapler tape_dispenser "
    "trash_can".split()
)


def image_files(
    path: str | os.PathLike[str],
    classes: Iterable[str] | str | os.PathLike[str] | None = None,
    n_per_class: int | None = None,
    seed: int = 0,
) -> ImageFiles:
    """List the images of a folder that holds one folder per class.

    Made for ImageNet (``imagenet/train/WNID/*.JPEG``), good for any such folder.

    Parameters
    ----------
    path : str or path
        Folder with ``CLASS/*.jpg``, ``.jpeg`` or ``.png`` (capitals too).
    classes : iterable of str, or path, optional
        Names of the folders to take, whose order the labels count, or the path of a
        text file with one name per line (``#`` starts a comment). Without it all
        folders, in alphabetical order.
    n_per_class : int, optional
        Images of each class; without it all there are.
    seed : int
        Seed of the permutations that choose the images.

    Returns
    -------
    ImageFiles
        Class by class, and in each in the order of the names.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no such list of classes.
    ValueError
        If a class is missing or holds too few images.

    Examples
    --------
    >>> image_files("imagenet/train", classes=["n01440764"])  # doctest: +SKIP
    >>> image_files("not/there")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FileNotFoundError: path is 'not/there', but there is no folder ...
    """
    folder = Path(path).expanduser().absolute()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"path is {os.fspath(path)!r}, but there is no folder {folder}; pass the "
            "folder that holds one folder of images per class"
        )
    names = _class_names(folder, classes)
    paths, labels = _listed(folder, names)
    kept = draw_per_class(labels, names, n_per_class, seed, str(folder))
    chosen = tuple(paths[i] for i in kept)
    about = About(
        name="image_files",
        title=f"the images in {folder.name}, {len(names)} classes",
        rows=len(chosen),
        total_rows=len(paths),
        source=f"folder {folder.name}",
        licence="as its files",
        sha256=_list_sha256(folder, chosen),
        note=drawn(n_per_class, seed, len(names)),
    )
    return ImageFiles(chosen, labels[kept], names, about)


def office31(
    domain: str,
    size: int = 64,
    n_per_class: int | None = None,
    data_dir: str | os.PathLike[str] = "",
    seed: int = 0,
) -> ImageSet:
    """Read one domain of Office-31 (Saenko et al. 2010): things of an office.

    Parameters
    ----------
    domain : {"amazon", "dslr", "webcam"}
        From a shop's pages, a reflex camera, or a webcam.
    size : int
        Each image is resized to ``size x size``.
    n_per_class : int, optional
        Images of each of the 31 classes; without it all there are.
    data_dir : str or path
        Folder that holds ``office31/DOMAIN/CLASS/*.jpg``, or the original's
        ``DOMAIN/images/CLASS``, with or without ``office31/``; empty: the
        environment variable REPALIGN_DATA. The cache is looked through too.
    seed : int
        Seed of the permutations that choose the images.

    Returns
    -------
    ImageSet
        images (n, 3, size, size); the 31 classes in alphabetical order, so that a
        label means the same in each domain.

    Raises
    ------
    DataMissing
        If the files are not on disk; there is no download.
    ValueError
        If an option is out of range, a class is missing or a file is damaged.
    FileNotFoundError
        If `data_dir` does not exist.

    Examples
    --------
    >>> office31("dslr").images.shape  # doctest: +SKIP
    (498, 3, 64, 64)
    """
    folder = _office_folder(one_of("domain", domain, _OFFICE_DOMAINS), data_dir)
    files = image_files(folder, _OFFICE_CLASSES, n_per_class, seed)
    total = sum(_OFFICE_DOMAINS.values())
    held, whole = files.about.total_rows, _OFFICE_DOMAINS[domain]
    part = "" if held == whole else f"; the folder holds {held:,} of {whole:,}"
    read = files.read(size)
    about = replace(
        read.about,
        name="office31",
        title=f"Office-31, domain {domain}",
        total_rows=total,
        source="K. Saenko, B. Kulis, M. Fritz and T. Darrell 2010",
        licence="none stated, for research",
        note=f"{read.about.note}; resized to {size} x {size}{part}",
    )
    return replace(read, about=about)


def folder_names(folder: Path) -> list[str]:
    """Give the names of the class folders, sorted; hidden ones do not count."""
    return sorted(
        entry.name
        for entry in os.scandir(folder)
        if entry.is_dir() and not entry.name.startswith(".")
    )


def _class_names(
    folder: Path, classes: Iterable[str] | str | os.PathLike[str] | None
) -> tuple[str, ...]:
    known = folder_names(folder)
    if not known:
        raise ValueError(
            f"{folder} holds no folder; it must hold one folder of images per class"
        )
    if classes is None:
        return tuple(known)
    if isinstance(classes, str | os.PathLike):
        names: Sequence[str] = _lines(Path(classes))
    else:
        names = tuple(classes)
    missing = [name for name in names if name not in known]
    if len(missing) > 1:
        raise ValueError(
            f"{folder} lacks {len(missing)} of {len(names)} classes: "
            f"{', '.join(missing[:5])}{', ...' if len(missing) > 5 else ''}; "
            "put them there or ask for others"
        )
    try:
        return checked_classes(names, known)
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from None


def _lines(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        raise FileNotFoundError(
            f"classes is {os.fspath(path)!r}, but there is no such file; pass a text "
            "file with one name per line, or a sequence of names"
        )
    lines = (x.partition("#")[0].strip() for x in path.read_text("utf-8").splitlines())
    return tuple(line for line in lines if line)


def _listed(folder: Path, names: Sequence[str]) -> tuple[list[Path], np.ndarray]:
    paths, labels = [], []
    for index, name in enumerate(names):
        found = sorted(
            entry.name
            for entry in os.scandir(folder / name)
            if entry.name.lower().endswith(_SUFFIXES) and entry.name[0] != "."
        )
        if not found:
            raise ValueError(
                f"{folder / name} holds no image; put {', '.join(_SUFFIXES)} files "
                "there or leave the class out"
            )
        paths += [folder / name / file for file in found]
        labels += [index] * len(found)
    return paths, np.array(labels, np.int64)


def _list_sha256(folder: Path, paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        line = f"{path.relative_to(folder).as_posix()}\t{path.stat().st_size}\n"
        digest.update(line.encode())
    return digest.hexdigest()


def _office_folder(domain: str, data_dir: str | os.PathLike[str]) -> Path:
    tried = []
    for folder in data_folders(data_dir):
        for root in (folder / "office31", folder):
            for place in (root / domain / "images", root / domain):
                if place.is_dir():
                    return place
                tried.append(place)
    raise DataMissing(
        f"Office-31 is not there: there is no folder {tried[1]}, nor "
        f"{tried[0]} as in the original, nor the same in {tried[-1].parent}. There is "
        "no download of this set: get it from the project page of its authors (K. "
        "Saenko, Adapting Visual Category Models to New Domains, 2010), unpack it to "
        f"{tried[1].parent}, or name the folder that holds office31 by data_dir or "
        "REPALIGN_DATA, or take drawn pictures, which need no files."
    )
