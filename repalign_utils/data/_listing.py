"""List the images below a folder, in an order that every system agrees on."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ._image_file import readable_suffixes, refuse_broken_link
from ._names import composed

# what systems leave behind, besides hidden files
_LITTER = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}


def class_folders(folder: Path) -> dict[str, str]:
    """Give the class folders: composed name -> name on disk, sorted by the first.

    Hidden folders and ``__MACOSX`` do not count.

    Raises
    ------
    ValueError
        If two names differ in nothing that can be seen.
    """
    found: dict[str, str] = {}
    for entry in _entries(folder):
        if not entry.is_dir():
            continue
        if (name := composed(entry.name)) in found:
            raise ValueError(
                f"{folder} holds {name!r} twice, in two spellings of Unicode; put "
                "their images into one folder"
            )
        found[name] = entry.name
    return dict(sorted(found.items()))


def images_beside(folder: Path) -> int:
    """Count the images in the folder itself, which are of no class.

    Raises
    ------
    ValueError
        If there is a link to nothing, which may have been a class.
    """
    suffixes, count = readable_suffixes(), 0
    for entry in _entries(folder):
        if entry.is_dir():
            continue
        refuse_broken_link(Path(entry.path))
        count += os.path.splitext(entry.name)[1].lower() in suffixes
    return count


def images_below(folder: Path) -> tuple[list[Path], Counter[str]]:
    """Give the images in a folder and in the folders in it, and what is left out.

    Parameters
    ----------
    folder : Path
        Links to folders are followed, each folder is read once.

    Returns
    -------
    images : list of Path
        Files with a suffix of a kind that Pillow decodes, sorted by composed name.
    left_out : Counter
        Suffix, or "without a suffix" -> files that are no such images; hidden ones,
        and what systems leave behind, such as ``Thumbs.db``, do not count.

    Raises
    ------
    ValueError
        If an image is a link to nothing.
    """
    suffixes = readable_suffixes()
    images, left_out = [], Counter()
    for entry in _files_below(folder):
        suffix = os.path.splitext(entry.name)[1].lower()
        if suffix not in suffixes:
            left_out[suffix or "without a suffix"] += 1
            continue
        refuse_broken_link(Path(entry.path))
        images.append(entry.path)
    return [Path(path) for path in sorted(images, key=composed)], left_out


def _files_below(folder: Path) -> Iterator[os.DirEntry]:
    seen, own, linked = set(), [str(folder)], []
    while own or linked:
        # links last, so that what is reached twice has its own name
        place = own.pop() if own else linked.pop()
        real = os.path.realpath(place)
        if real in seen:
            continue
        seen.add(real)
        for entry in sorted(_entries(place), key=lambda e: e.name, reverse=True):
            if not entry.is_dir():
                yield entry
            else:
                (linked if entry.is_symlink() else own).append(entry.path)


def _entries(place: str | os.PathLike[str]) -> list[os.DirEntry]:
    with os.scandir(place) as entries:
        return [
            e for e in entries if e.name[0] != "." and e.name.lower() not in _LITTER
        ]
