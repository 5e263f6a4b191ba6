"""Features of sources and labels of a target, from files of one's own."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import numpy as np

_HEADERS = ("label", "labels", "target", "targets", "class")


def source_features(
    folder: str | Path,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Features of each source in a folder, by the name of its file.

    Parameters
    ----------
    folder : holds a ``SOURCE.npy`` with the features (n, d), or a ``SOURCE.npz`` with
        ``features`` and, for scores that need them, ``probabilities``, for each source

    Returns
    -------
    features : dict, file -> array (n, d)
    probabilities : dict, file -> array (n, m), of the sources that have them

    Raises
    ------
    ValueError
        If there are fewer than two, or one cannot be read as that.
    """
    place = Path(folder)
    files = sorted(f for f in place.iterdir() if f.suffix in (".npy", ".npz"))
    if len(files) < 2:
        raise ValueError(
            f"{place} holds {len(files)} files .npy or .npz; a ranking takes two at "
            "least: save the features of each source for the target's rows, (n, d), "
            "as SOURCE.npy"
        )
    features, probabilities = {}, {}
    for file in files:
        held = _arrays(file)
        if "features" not in held:
            raise ValueError(
                f"{file.name} holds {', '.join(held) or 'nothing'}; expected an array "
                "named features, (n, d): np.savez(file, features=...)"
            )
        features[file.name] = held["features"]
        if "probabilities" in held:
            probabilities[file.name] = held["probabilities"]
    return features, probabilities


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
        return _arrays(path)["features"]
    if path.suffix == ".csv":
        return _column(path)
    raise ValueError(
        f"{path.name} ends in {path.suffix!r}; the target's labels are read from .npy, "
        "or from .csv with one label a line"
    )


def _arrays(file: Path) -> dict[str, np.ndarray]:
    """Arrays of a ``.npz`` by name; that of a ``.npy`` is called "features"."""
    try:
        held = np.load(file)
        if isinstance(held, np.ndarray):
            return {"features": held}
        with held:
            return dict(held)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{file.name} cannot be read as {file.suffix}: {error}; save a plain array "
            "of numbers or text with np.save"
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
