"""Features that a section keeps for later pages, in a file beside its run.

The kernel writes them to a file that the runner names, and the notebook holds no more
than their shapes and a digest. The runner moves the file into place with the run.
"""

import hashlib
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import paths, records

PLACE = "REPALIGN_FEATURES"  # environment of the kernel: the file to write
MARK = b"features of a run of repalign"  # by which a run knows the file as its own
MOST = 16_000_000  # bytes of one set


@dataclass(frozen=True)
class KeptFeatures:
    """Features of layers that a section kept.

    Attributes
    ----------
    layers : layer -> array (rows, d), float16 or float32; all of the same rows
    labels : array (rows,), or None
    """

    layers: dict[str, np.ndarray]
    labels: np.ndarray | None


@dataclass(frozen=True)
class RunFeatures:
    """Features that one run kept, and what the run says of itself.

    Attributes
    ----------
    section : name of the section that ran
    sets : name -> `KeptFeatures`, as the section recorded them
    sha256 : str
        Of all of them.
    told : str
        What the run was made on.
    """

    section: str
    sets: dict[str, KeptFeatures]
    sha256: str
    told: str

    def sentence(self) -> str:
        """What provenance says of them."""
        return f"Features of {len(self.sets)} networks of {self.section}: {self.told}"


def record_features(name: str, layers: Mapping, *, labels=None) -> None:
    """Keep the features of layers beside the run, for pages that compare measures.

    They go to ``NN_name.features.npz`` beside the executed notebook, which
    `read_features` reads; the run record holds their shapes and digest alone. In a
    notebook that the runner does not execute, nothing is written.

    Parameters
    ----------
    name : section number and words joined by dots, for example "10.layers.end"
    layers : layer -> array (rows, d), the same few hundred rows for each; float16 and
        float32 are kept as they are, other numbers as float32
    labels : array (rows,) of numbers or text, for example the class of each row

    Raises
    ------
    ValueError
        If the name has another form or is taken, a layer is no matrix of finite
        numbers, rows differ, or the whole is above 16 MB.
    """
    records.check_name(name)
    if not layers:
        raise ValueError(f"{name} has no layers; pass layer -> array (rows, d)")
    arrays = {f"layers/{layer}": _kept(name, layer, x) for layer, x in layers.items()}
    rows = {key: len(array) for key, array in arrays.items()}
    if labels is not None:
        arrays["labels"] = np.asarray(labels)
        rows["labels"] = len(arrays["labels"])
    if len(set(rows.values())) > 1 or arrays.get("labels", np.empty(0)).ndim != 1:
        raise ValueError(
            f"{name} has rows {rows}; pass layers, and labels if any, of the same rows"
        )
    size = sum(array.nbytes for array in arrays.values())
    if size > MOST:
        raise ValueError(
            f"{name} has {size / 1e6:.0f} MB; expected {MOST / 1e6:.0f} at most: keep "
            "fewer rows, or float16"
        )
    if place := os.environ.get(PLACE):
        _append(Path(place), name, arrays)
    told = {
        "layers": {layer: list(np.shape(x)) for layer, x in layers.items()},
        "labels": labels is not None,
        "sha256": _digest(arrays),
    }
    text = f"{len(layers)} layers, {next(iter(rows.values())):,} rows"
    records.glue(name, text, {"name": name, "features": told})


def _kept(name: str, layer: str, values) -> np.ndarray:
    """Matrix of a layer in the precision in which it is kept."""
    if hasattr(values, "detach"):  # a tensor, of a library that is not imported here
        values = values.detach().cpu()
    array = np.asarray(values)
    if array.dtype not in (np.float16, np.float32):
        with np.errstate(over="ignore"):  # told below
            array = array.astype(np.float32)
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        lost = array.size - int(np.isfinite(array).sum())
        raise ValueError(
            f"{name}: layer {layer!r} has shape {array.shape} and {lost} values that "
            f"{array.dtype} cannot hold; expected finite features (rows, d): average "
            "over positions, or flatten them"
        )
    return array


def _append(place: Path, name: str, arrays: dict[str, np.ndarray]) -> None:
    """Add a set to the file as `numpy.load` reads it."""
    with zipfile.ZipFile(place, "a", zipfile.ZIP_DEFLATED) as archive:
        if any(entry.startswith(f"{name}/") for entry in archive.namelist()):
            raise ValueError(f"{name} is recorded twice; give each its own name")
        archive.comment = MARK
        for key, array in arrays.items():
            with archive.open(f"{name}/{key}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of names, types, shapes and values."""
    sha = hashlib.sha256()
    for key, array in sorted(arrays.items()):
        sha.update(f"{key} {array.dtype.str} {array.shape}\n".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


def beside(output: Path) -> Path:
    """File of the features of a run whose notebook or record is ``output``."""
    return output.with_suffix(".features.npz")


def is_own(path: Path) -> bool:
    """Whether a run has written this file of features."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment == MARK
    except (OSError, zipfile.BadZipFile):
        return False


def read_features(run: str | os.PathLike) -> dict[str, KeptFeatures]:
    """Features that a run kept, as they were recorded.

    Parameters
    ----------
    run : run record (JSON), with the file of features beside it

    Returns
    -------
    dict, name -> `KeptFeatures`; empty if the section keeps none

    Raises
    ------
    records.RecordError
        If the file is missing, or is not of this run.
    """
    path = Path(run)
    entries = list(records.read_runs(path).values())
    told = {name: kept for entry in entries for name, kept in _told(entry).items()}
    if not told:
        return {}
    if not is_own(beside(path)):
        raise records.RecordError(
            f"{path} kept features, but {beside(path).name} is not beside it; run the "
            "section again"
        )
    found = {}
    with np.load(beside(path), allow_pickle=False) as file:
        for name, kept in told.items():
            start = f"{name}/"
            arrays = {k[len(start) :]: file[k] for k in file if k.startswith(start)}
            if _digest(arrays) != kept["sha256"]:
                raise records.RecordError(
                    f"{beside(path)} is not of the run that {path.name} tells of: its "
                    f"{name} is another; run the section again"
                )
            labels = arrays.get("labels")
            layers = {layer: arrays[f"layers/{layer}"] for layer in kept["layers"]}
            found[name] = KeptFeatures(layers, labels)
    return found


def read_all_features(place: str | os.PathLike) -> list[RunFeatures]:
    """Features of all runs of a folder that kept some, in the order of the sections.

    Parameters
    ----------
    place : "quick" or "paper", whose sections the book's build has run, or a folder of
        run records with the files of features beside them

    Returns
    -------
    list of `RunFeatures`

    Raises
    ------
    records.RecordError
        If there is none, two are of one section, or a file of features is not of its
        run.
    """
    folder = Path(place)
    if str(place) in paths.PROFILES:
        folder = paths.root() / "results" / place
    found: dict[str, tuple[Path, RunFeatures]] = {}
    for path in sorted(folder.glob("*.json")):
        run = _kept_by(path)
        if not run:
            continue
        if run.section in found:
            raise records.RecordError(
                f"{folder} holds two runs of {run.section}, {path.name} and "
                f"{found[run.section][0].name}; keep one of them there"
            )
        found[run.section] = path, run
    if not found:
        build = "make paper" if str(place) == "paper" else "make book"
        shown = f"results/{place}" if str(place) in paths.PROFILES else place
        raise records.RecordError(
            f"{shown} holds no run that kept features of its layers; build the book "
            f"({build}), or run the sections that keep some into a folder of yours, "
            "e.g. repalign run 09 -o FOLDER/09.ipynb, and pass it as -p runs FOLDER; "
            "-p runs own trains a few networks instead"
        )
    return [found[section][1] for section in sorted(found)]


def _kept_by(path: Path) -> RunFeatures | None:
    """Features of a run; None of what is no run record, or keeps none."""
    try:
        entry = records.read_run(path)
        kept, section = _told(entry), str(entry["section"])
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return None
    if not kept:
        return None
    digests = "".join(kept[name]["sha256"] for name in sorted(kept))
    told = " ".join(entry["provenance"].get("data", []))
    sha = hashlib.sha256(digests.encode()).hexdigest()
    return RunFeatures(section, read_features(path), sha, told)


def _told(entry: dict) -> dict:
    return entry.get("features", {})
