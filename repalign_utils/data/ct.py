"""Slices of bodies and where along the axis they lie: the UCI set."""

import os
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np

from .._extras import need
from ._dataset import ORIGINS, Dataset, float32_rows, origin, whole_number
from ._fetch import Place, existing, fetch, files_sha256, located
from ._names import few

_URLS = ORIGINS["urls"]["ct_slices"]
_CSV = "slice_localization_data.csv"
_ARCHIVE = "slice_localization_data.zip"
# in the order of preference; a dot starts the name of an unfinished download
_PATTERNS = (
    f"ct_slices/{_CSV}",
    _CSV,
    "ct_slices/[!.]*.csv",
    "ct_slices/[!.]*.zip",
    _ARCHIVE,
)
_TOTAL_ROWS = 53_500
# column -> its least and largest value; shares reach from "outside" to 1, positions
# from the top of the head to the soles of the feet
_RANGES = {
    "patientId": (0, 1e6),
    **{f"value{i}": (-0.25, 1) for i in range(384)},
    "reference": (0, 180),
}


def ct_slices(
    n: int = 1000,
    *,
    data_dir: Place = "",
    path: Place = "",
    seed: int = 0,
) -> Dataset:
    """Read the UCI set "Relative location of CT slices on axial axis" (Graf 2011).

    Known in the paper as CT Position. The target is rescaled over the whole file as
    in the author's code: the smallest reference becomes -1, the largest +1; the
    features stay as they are (Imani et al. 2022, as in the code of their follow-up).

    Parameters
    ----------
    n : int
        Rows to draw from the file without replacement; all there are if it holds
        fewer, which ``about.note`` then says.
    data_dir : str or path
        Folder with ``ct_slices/*.csv``, ``slice_localization_data.csv`` or the zip;
        empty: the environment variable REPALIGN_DATA. What is not found there is
        looked for in the cache, and downloaded to it.
    path : str or path
        A CSV of that shape, or a zip that holds one; goes before `data_dir`.
    seed : int
        Seed of the draw.

    Returns
    -------
    Dataset
        inputs (n, 384): 240 of bone, 144 of air; targets (n, 1) in [-1, 1];
        labels: the patients.

    Raises
    ------
    DataMissing
        If the file is not on disk and cannot be downloaded.
    ValueError
        If a cell, a row or a column is not as it should be; names file and place.
    FileNotFoundError
        If `path` or `data_dir` does not exist.

    Examples
    --------
    >>> ct_slices(n=100).inputs.shape  # doctest: +SKIP
    (100, 384)
    >>> ct_slices(n=0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: n is 0 but must be a whole number of at least 1; ...
    """
    n, seed = whole_number("n", n), whole_number("seed", seed, least=0)
    if os.fspath(path):
        remedy = (
            f"pass a CSV with the columns of {_CSV}, or leave path empty to search "
            "data_dir"
        )
        file = existing("path", path, "file", remedy)
    else:
        file = located("ct_slices", data_dir, _PATTERNS, get=_download)
    table = _read_table(file)
    position = table[:, -1] - table[:, -1].min()
    targets = position / (position.max() / 2) - 1
    kept = np.sort(np.random.default_rng(seed).permutation(len(table))[:n])
    note = f"{n:,} asked for of the {len(table):,} in {file.name}, seed {seed}"
    sha256 = files_sha256(file)
    about = origin("ct_slices", rows=len(kept), sha256=sha256, note=note)
    about = replace(about, total_rows=max(_TOTAL_ROWS, len(table)))
    inputs = float32_rows(table[kept, 1:-1])
    patients = table[kept, 0].astype(np.int64)
    return Dataset(inputs, float32_rows(targets[kept]), about, patients)


def slice_pictures(inputs: np.ndarray, *, size: int = 48) -> np.ndarray:
    """Draw the bone of slices: discs of 24 sectors and 10 shells.

    Parameters
    ----------
    inputs : array (m, 384)
        As of `ct_slices` or `ct_phantom`; the first 240 columns are drawn, sector by
        sector from the inside out.
    size : int
        Pixels a side.

    Returns
    -------
    array (m, 1, size, size), uint8
        The square root of each share, so that little bone is seen; 0 outside.

    Raises
    ------
    ValueError
        If the inputs are no rows of 384 columns.

    Examples
    --------
    >>> ribs = np.ones((2, 384))
    >>> pictures = slice_pictures(ribs, size=9)
    >>> pictures.shape, pictures[0, 0, 4].tolist()
    ((2, 1, 9, 9), [255, 255, 255, 255, 255, 255, 255, 255, 255])
    """
    rows, size = np.asarray(inputs, dtype=float), whole_number("size", size)
    if rows.ndim != 2 or rows.shape[1] != 384:
        raise ValueError(
            f"inputs have shape {rows.shape} but must be (m, 384), as of ct_slices; "
            "pass rows such as inputs[:8]"
        )
    middles = (2 * np.arange(size) + 1) / size - 1
    across, down = np.meshgrid(middles, middles)
    turn = np.arctan2(down, across) / (2 * np.pi) % 1
    sector = np.minimum((24 * turn).astype(int), 23)
    radius = np.hypot(across, down)
    shell = np.minimum((10 * radius).astype(int), 9)
    share = rows[:, :240].reshape(-1, 24, 10)[:, sector, shell].clip(0, 1)
    return (255 * np.sqrt(share) * (radius < 1)).astype(np.uint8)[:, None]


def _download(folder: Path) -> Path:
    return fetch(_URLS, folder / "ct_slices" / _ARCHIVE, finish=_check_whole)


def _check_whole(file: Path) -> None:
    rows = len(_read_table(file))
    if rows != _TOTAL_ROWS:
        raise ValueError(f"{file} holds {rows:,} rows but must hold {_TOTAL_ROWS:,}")


def _read_table(file: Path) -> np.ndarray:
    """Read and check the whole table (rows, 386)."""
    pd = need("pandas", "run")
    try:
        with file.open("rb") as raw:
            read = pd.read_csv(
                _unpacked(raw),
                encoding="utf-8-sig",
                index_col=False,
                low_memory=False,
            )
    except (ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{file} is damaged ({error}); get it anew from {_URLS[0]}"
        ) from None
    if lacking := [name for name in _RANGES if name not in read]:
        raise ValueError(
            f"{file} lacks {few(lacking)} of its {len(_RANGES)} columns; pass a CSV "
            f"with the first line of {_CSV}"
        )
    read = read[list(_RANGES)]
    table = read.apply(pd.to_numeric, errors="coerce").to_numpy(float)
    lowest, highest = np.array(list(_RANGES.values())).T
    # so written that NaN, too, is out of range
    for row, column in np.argwhere(~((table >= lowest) & (table <= highest))):
        raise ValueError(
            f"{file} has {read.iat[row, column]} in row {row + 1} below the header, "
            f"column {read.columns[column]}, but must have a number from "
            f"{lowest[column]:g} to {highest[column]:g} there; mend or drop that row, "
            "or get the file anew"
        )
    if len(set(table[:, -1])) < 2:
        raise ValueError(
            f"{file} has {len(table)} rows and not two different references, by which "
            f"to rescale them; pass a longer part, or get it anew from {_URLS[0]}"
        )
    return table


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    packed = file.read(4) == b"PK\x03\x04"
    file.seek(0)
    if not packed:
        return file
    archive = zipfile.ZipFile(file)
    names = [n for n in archive.namelist() if n.endswith((_CSV, _ARCHIVE))]
    if len(names) != 1:
        raise ValueError(f"it holds {archive.namelist()} but must hold one {_CSV}")
    return _unpacked(archive.open(names[0]))  # which may be a zip in turn
