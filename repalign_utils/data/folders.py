"""Images in a folder of class folders: any of your own, ImageNet, Office-31."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ._dataset import ORIGINS, About, origin
from ._fetch import Place, existing, located
from ._image_set import ImageFiles, Images, ImageSet, PerClass
from ._listing import class_folders, images_below, images_beside
from ._names import checked_classes, composed, few, listed_names, one_of

_SPLITS = ("train", "training", "test", "testing", "val", "valid", "validation")
# images of each domain in the original
_OFFICE_DOMAINS = {"amazon": 2817, "dslr": 498, "webcam": 795}
_OFFICE_CLASSES = tuple(ORIGINS["classes"]["office31"])


def image_files(
    path: Place,
    classes: Iterable[str] | Place | Images | None = None,
    *,
    n_per_class: int | None = None,
    seed: int = 0,
) -> ImageFiles:
    """List the images of a folder that holds one folder per class.

    Made for ImageNet (``imagenet/train/WNID/*.JPEG``), good for any such folder.

    Parameters
    ----------
    path : str or path
        Folder with ``CLASS/*.jpg``, or with files of any other kind that Pillow
        decodes. Files in folders within a class folder are of that class too; what
        is hidden does not count, nor does ``__MACOSX`` or ``Thumbs.db``.
    classes : iterable of str, path, ImageFiles or ImageSet, optional
        Names of the folders to take, whose order the labels count, or the path of a
        text file with one name per line (``#`` after a space starts a comment); or
        other images, such as those trained on, whose classes the folder must hold
        and no others. Without it all folders, in alphabetical order.
    n_per_class : int, optional
        Images of each class; without it all there are.
    seed : int
        Seed of the permutations that choose the images.

    Returns
    -------
    ImageFiles
        Class by class, and in each in the order of the names. Files of other kinds
        are counted in ``left_out``, and said by ``about``.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no such list of classes.
    ValueError
        If a class is missing or holds too few images, an image is a link to
        nothing, or the folder holds parts such as ``train`` and ``test`` in place
        of classes.

    Examples
    --------
    >>> train = image_files("imagenet/train", ["n01440764"])  # doctest: +SKIP
    >>> test = image_files("imagenet/val", classes=train)  # doctest: +SKIP
    >>> image_files("not/there")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FileNotFoundError: path is 'not/there', but there is no folder ...
    """
    draw = PerClass(n_per_class, seed)
    remedy = "pass the folder that holds one folder of images per class"
    folder = existing("path", path, "folder", remedy)
    on_disk = class_folders(folder)
    names = _class_names(folder, tuple(on_disk), classes)
    paths, labels, left_out = _listed(folder, [on_disk[name] for name in names])
    if classes is None:
        if len(names) == 1:
            _refuse_one_folder_of_folders(folder, on_disk[names[0]], paths)
        if beside := images_beside(folder):
            left_out["beside the class folders"] = beside
    kept, labels = draw.rows(labels, dict(enumerate(names)), f" in {folder}")
    chosen = tuple(paths[i] for i in kept)
    note = draw.note(len(names))
    if nested := sum(path.parents[1] != folder for path in chosen):
        note += f"; {nested:,} in folders within these"
    if left_out:
        note += f"; left out: {_counted(left_out)}"
    about = About(
        name="image_files",
        title=f"the images in {folder.name}, {len(names)} classes",
        rows=len(chosen),
        total_rows=len(paths),
        source=f"folder {folder.name}",
        licence="as its files",
        sha256=_list_sha256(folder, chosen),
        note=note,
    )
    return ImageFiles(chosen, labels, names, about, dict(left_out))


def office31(
    domain: str,
    size: int = 64,
    *,
    n_per_class: int | None = None,
    data_dir: Place = "",
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
    one_of("domain", domain, _OFFICE_DOMAINS)
    looked = [f"{at}{domain}{of}" for at in ("office31/", "") for of in ("/images", "")]
    folder = located("office31", data_dir, looked)
    files = image_files(folder, _OFFICE_CLASSES, n_per_class=n_per_class, seed=seed)
    whole, which = _OFFICE_DOMAINS[domain], f", domain {domain}"
    return read_original("office31", files, whole, which=which, size=size)


def read_original(
    name: str, files: ImageFiles, whole: int, *, which: str, size: int | None = None
) -> ImageSet:
    """Read files as the data set of that name, or as a part of it, and say so.

    Parameters
    ----------
    name, which
        As of `origin`.
    files : ImageFiles
    whole : int
        Images that the original has of these classes.
    size : int, optional
        As of `ImageFiles.read`.
    """
    read, held = files.read(size), files.about.total_rows or 0
    note, sha256 = read.about.note, read.about.sha256
    if size is not None:
        note += f"; resized to {size} x {size}"
    if held != whole:
        note += f"; the folder holds {held:,} of {whole:,}"
    about = origin(name, rows=len(read.labels), sha256=sha256, note=note, which=which)
    return replace(read, about=about)


def _class_names(
    folder: Path,
    known: Sequence[str],
    classes: Iterable[str] | Place | Images | None,
) -> tuple[str, ...]:
    if not known:
        raise ValueError(
            f"{folder} holds no folder; it must hold one folder of images per class"
        )
    if classes is None:
        _refuse_splits(folder, known)
        return tuple(known)
    if isinstance(classes, Images):
        names = classes.classes
    elif isinstance(classes, str | os.PathLike):
        names = listed_names(Path(classes))
    else:
        names = tuple(composed(n) if isinstance(n, str) else n for n in classes)
    lacking = [name for name in names if name not in known]
    # a test split of other classes than the training's is a mistake
    same = isinstance(classes, Images)
    added = [name for name in known if same and name not in names]
    if added or len(lacking) > 1:
        faults = [f"lacks {few(lacking)}"] if lacking else []
        faults += [f"has {few(added)} besides"] if added else []
        raise ValueError(
            f"{folder} {' and '.join(faults)}, of {len(names)} classes asked for; make "
            "the folders the same, or name the classes to take"
        )
    try:
        return checked_classes(names, known)
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from None


def _refuse_splits(folder: Path, known: Sequence[str]) -> None:
    if all(name.lower() in _SPLITS for name in known):
        likely = max(known, key=lambda name: name.lower().startswith("train"))
        raise ValueError(
            f"{folder} holds {', '.join(known)}, which are parts of a data set and not "
            f"classes; pass one of them, e.g. {folder / likely}"
        )


def _listed(
    folder: Path, on_disk: Sequence[str]
) -> tuple[list[Path], np.ndarray, Counter[str]]:
    paths, labels, left_out = [], [], Counter()
    for index, name in enumerate(on_disk):
        found, others = images_below(folder / name)
        if not found:
            kinds = f" but {_counted(others)}" if others else ""
            raise ValueError(
                f"{folder / name} holds no image{kinds}; put .jpg, .png or other files "
                "there that Pillow decodes, or leave the class out"
            )
        paths += found
        labels += [index] * len(found)
        left_out.update(others)
    return paths, np.array(labels, np.int64), left_out


def _refuse_one_folder_of_folders(
    folder: Path, on_disk: str, paths: Sequence[Path]
) -> None:
    inner = {path.relative_to(folder / on_disk).parts[0] for path in paths}
    if len(inner) > 1 and all((folder / on_disk / name).is_dir() for name in inner):
        raise ValueError(
            f"{folder} holds one folder, and that holds {len(inner)} folders of "
            f"images; pass the folder of the classes, e.g. {folder / on_disk}, or "
            f"classes={[on_disk]!r} if they are one class"
        )


def _counted(left_out: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(left_out.items()))


def _list_sha256(folder: Path, paths: Sequence[Path]) -> str:
    lines = (
        f"{composed(path.relative_to(folder).as_posix())}\t{path.stat().st_size}\n"
        for path in paths
    )
    # a name on Linux need not be text
    return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()
