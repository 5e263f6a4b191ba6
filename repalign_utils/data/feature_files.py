"""Features of sources and labels of a target, from files of one's own."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

_HEADERS = ("label", "labels", "target", "targets", "class")


class SourceFeatures(NamedTuple):
    """What one source says of the target's rows.

    Attributes
    ----------
    file : Path
    features : array (n, d)
    probabilities : array (n, m) of the source's classes, or None
    """

    file: Path
    features: np.ndarray
    probabilities: np.ndarray | None


def source_features(folder: str | Path) -> dict[str, SourceFeatures]:
    """Features of each source in a folder, by the name of its file.

    Parameters
    ----------
    folder : holds a ``SOURCE.npy`` with the features (n, d), or a ``SOURCE.npz`` with
        ``features`` and, for scores that need them, ``probabilities``, for each source

    Raises
    ------
    ValueError
        If there are fewer than two, two of one name, or one cannot be read as that.
    """
    place = Path(folder)
    files = sorted(f for f in place.iterdir() if f.suffix in (".npy", ".npz"))
    if len(files) < 2:
        raise ValueError(
            f"{place} holds {len(files)} files .npy or .npz; a ranking takes two at "
            "least: save the features of each source for the target's rows, (n, d), "
            "as SOURCE.npy"
        )
    found: dict[str, SourceFeatures] = {}
    for file in files:
        if file.stem in found:
            raise ValueError(
                f"{file.name} and {found[file.stem].file.name} are one source's; keep "
                "one of them"
            )
        found[file.stem] = _source(file)
    return found


def target_labels(file: str | Path) -> np.ndarray:
    """Labels of a target, one a row, from a ``.npy`` or ``.csv`` file.

    Parameters
    ----------
    file : array (n,) or (n, k); or text with one label a line, with or without a
        header line (label, target or class). Whole numbers and text are classes,
        numbers with a point or an exponent are quantities

    Returns
    -------
    array (n,) or (n, k), of integers, text or float64

    Raises
    ------
    ValueError
        If the file cannot be read as that.
    """
    path = Path(file)
    if path.suffix == ".npy":
        return _array(path)
    if path.suffix == ".csv":
        return _column(path)
    raise ValueError(
        f"{path.name} ends in {path.suffix!r}; the target's labels are read from .npy, "
        "or from .csv with one label a line"
    )


def _source(file: Path) -> SourceFeatures:
    if file.suffix == ".npy":
        return SourceFeatures(file, _array(file), None)
    try:
        with np.load(file) as held:
            arrays = {name: held[name] for name in held.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{file.name} cannot be read as .npz: {error}") from None
    if "features" not in arrays:
        raise ValueError(
            f"{file.name} holds {', '.join(arrays) or 'nothing'}; expected an array "
            "named features, (n, d): np.savez(file, features=...)"
        )
    return SourceFeatures(file, arrays["features"], arrays.get("probabilities"))


def _array(file: Path) -> np.ndarray:
    try:
        return np.load(file)
    except (OSError, EOFError, ValueError) as error:
        raise ValueError(
            f"{file.name} cannot be read as .npy: {error}; save a plain array of "
            "numbers or text with np.save"
        ) from None


def _column(file: Path) -> np.ndarray:
    with file.open(newline="", encoding="utf-8-sig") as text:
        rows = [row for row in csv.reader(text) if row]
    if rows and rows[0][0].strip().lower() in _HEADERS:
        rows = rows[1:]
    for number, row in enumerate(rows, 1):
        if len(row) != 1:
            raise ValueError(
                f"{file.name}, label {number}: {','.join(row)!r} has {len(row)} "
                "columns; expected one label a line"
            )
    cells = [row[0].strip() for row in rows]
    for kind in (np.int64, np.float64):
        try:
            return np.array(cells, dtype=kind)
        except ValueError:
            continue
    return np.array(cells)
