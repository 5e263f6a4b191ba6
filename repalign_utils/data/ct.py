"""Slices of bodies and where along the axis they lie: the UCI set, and a phantom."""

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import IO

import numpy as np

from repalign_utils.data._dataset import (
    About,
    Dataset,
    arrays_sha256,
    float32_rows,
    whole_number,
)
from repalign_utils.data._fetch import DataMissing, data_folders, fetch, file_hash
from repalign_utils.data.procedural.phantom import (
    FIRST,
    LAST,
    Patients,
    cut,
    draw_patients,
)

_URL = (
    "https://archive.ics.uci.edu/static/public/206/"
    "relative+location+of+ct+slices+on+axial+axis.zip"
)
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
_FEATURES = 384
_HEADER = ["patientId", *(f"value{i}" for i in range(_FEATURES)), "reference"]
_HEAD, _SOLES = 0.0, 180.0  # positions of the top and the bottom of a body
_LONGEST_LINE = 1 << 16  # characters of a header; more is another kind of file
_OUTSIDE = -0.25  # marks a bin outside of the image, in the phantom of the body
_BONE_BINS, _AIR_BINS = (24, 10), (18, 8)  # sectors x shells
_RAYS, _STEPS = 72, 40  # sample points: the least that both grids divide
_SLICES_PER_PATIENT = 25
_BATCH = 500  # slices rendered at a time: 60 MB


def ct_slices(
    n: int = 1000,
    *,
    data_dir: str | os.PathLike[str] = "",
    path: str | os.PathLike[str] = "",
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
    file = _given_file(path) if os.fspath(path) else _ct_file(data_dir)
    table = _read_table(file)
    position = table[:, -1] - table[:, -1].min()
    targets = position / (position.max() / 2) - 1
    kept = np.sort(np.random.default_rng(seed).permutation(len(table))[:n])
    about = About(
        name="ct_slices",
        title='the UCI set "Relative location of CT slices on axial axis"',
        rows=len(kept),
        total_rows=max(_TOTAL_ROWS, len(table)),
        source="F. Graf et al. 2011, UCI data set 206",
        licence="CC BY 4.0",
        sha256=file_hash(file),
        note=_amount(n, len(table), seed, file.name),
    )
    inputs = float32_rows(table[kept, 1:-1])
    patients = table[kept, 0].astype(np.int64)
    return Dataset(inputs, float32_rows(targets[kept]), about, patients)


def _amount(n: int, rows: int, seed: int, file: str) -> str:
    held = f"{file} holds {rows:,} rows"
    if n > rows:
        return f"{n:,} were asked for, but {held}: all of them were used"
    if n == rows:
        return f"{held}: all of them were used"
    drawn = f"drawn with seed {seed}"
    return drawn if rows >= _TOTAL_ROWS else f"{drawn}; {held}"


def _given_file(path: str | os.PathLike[str]) -> Path:
    file = Path(path).expanduser().absolute()
    if not file.is_file():
        raise FileNotFoundError(
            f"path is {os.fspath(path)!r}, but there is no file {file}; pass a CSV "
            f"with the columns of {_CSV}, or leave path empty to search data_dir"
        )
    return file


def _ct_file(data_dir: str | os.PathLike[str]) -> Path:
    folders = data_folders(data_dir)
    for folder in folders:
        for pattern in _PATTERNS:
            if found := sorted(folder.glob(pattern)):
                return found[0]
    target = folders[-1] / "ct_slices" / _ARCHIVE
    try:
        return fetch([_URL], target, finish=_check_whole)
    except DataMissing as error:
        looked = ", ".join(str(f / p) for f in folders for p in _PATTERNS)
        raise DataMissing(
            f"the CT slices are not there: there is none of {looked}; to download "
            f"them failed ({error}). Put {_CSV} or its zip into "
            f"{folders[0] / 'ct_slices'}, or name a CSV by path, or name the folder "
            "that holds ct_slices by data_dir or REPALIGN_DATA, or take ct_phantom, "
            "which needs no files."
        ) from None


def _check_whole(file: Path) -> None:
    rows = len(_read_table(file))
    if rows != _TOTAL_ROWS:
        raise ValueError(f"{file} holds {rows:,} rows but must hold {_TOTAL_ROWS:,}")


def _read_table(file: Path) -> np.ndarray:
    """Read and check the whole table (rows, 386)."""
    try:
        with file.open("rb") as raw, _unpacked(raw, file) as plain:
            text = io.TextIOWrapper(plain, "utf-8-sig")
            _check_header(file, text.readline(_LONGEST_LINE))
            lines = [line for line in text if not line.isspace()]
    except (zipfile.BadZipFile, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(
            f"{file} is damaged ({error}); get it anew from {_URL}"
        ) from None
    if not lines:
        raise ValueError(f"{file} has a header but no rows; get it anew from {_URL}")
    try:
        table = np.loadtxt(lines, delimiter=",", ndmin=2, comments=None)
    except ValueError as error:
        raise ValueError(_first_fault(file, lines) or f"{file}: {error}") from None
    if table.shape[1] != len(_HEADER):
        raise ValueError(_first_fault(file, lines))
    _check_ranges(file, table)
    return table


@contextmanager
def _unpacked(raw: IO[bytes], file: Path) -> Iterator[IO[bytes]]:
    packed = raw.read(4) == b"PK\x03\x04"
    raw.seek(0)
    if not packed:
        yield raw
        return
    with zipfile.ZipFile(raw) as archive:
        names = [n for n in archive.namelist() if n.endswith((_CSV, _ARCHIVE))]
        if len(names) != 1:
            raise ValueError(
                f"{file} holds {archive.namelist()} but must hold one {_CSV}; "
                f"get it anew from {_URL}"
            )
        # what it holds may be a zip in turn
        with archive.open(names[0]) as inner, _unpacked(inner, file) as plain:
            yield plain


def _check_header(file: Path, line: str) -> None:
    names = [name.strip() for name in line.split(",")]
    if names == _HEADER:
        return
    pairs = zip_longest(names, _HEADER)
    at, (name, due) = next((i, p) for i, p in enumerate(pairs, 1) if p[0] != p[1])
    raise ValueError(
        f"{file} has {len(names)} columns, number {at} called {name!r}, but must have "
        f"{len(_HEADER)}, number {at} called {due!r}; pass a CSV with the first line "
        f"of {_CSV}"
    )


def _first_fault(file: Path, lines: list[str]) -> str:
    """Say in which row and column the reader of numbers stumbled."""
    for row, line in enumerate(lines, start=1):
        cells = line.rstrip("\r\n").split(",")
        if len(cells) != len(_HEADER):
            return (
                f"{file} has {len(cells)} cells in row {row} below the header but must "
                f"have {len(_HEADER)}; it is broken off or damaged: get it anew"
            )
        for column, cell in zip(_HEADER, cells, strict=True):
            if not _is_number(cell):
                return _bad_cell(file, row, column, repr(cell), "a number")
    return ""


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _bad_cell(file: Path, row: int, column: str, found: str, due: str) -> str:
    return (
        f"{file} has {found} in row {row} below the header, column {column}, but must "
        f"have {due} there; mend or drop that row, or get the file anew"
    )


def _check_ranges(file: Path, table: np.ndarray) -> None:
    # patients are numbered; shares reach from "outside" to 1
    lowest = np.array([0.0, *[_OUTSIDE] * _FEATURES, _HEAD])
    highest = np.array([1e6, *[1.0] * _FEATURES, _SOLES])
    # so written that NaN, too, is out of range
    bad = np.argwhere(~((table >= lowest) & (table <= highest)))
    if len(bad):
        row, column = bad[0]
        due = f"a number from {lowest[column]:g} to {highest[column]:g}"
        found = f"{table[row, column]:g}"
        raise ValueError(_bad_cell(file, row + 1, _HEADER[column], found, due))
    if np.ptp(table[:, -1]) == 0:
        raise ValueError(
            f"{file} has the reference {table[0, -1]:g} in all of its {len(table)} "
            "rows but needs two different ones to be rescaled; pass a longer part"
        )


def ct_phantom(n: int = 1000, *, seed: int = 0) -> Dataset:
    """Cut procedural bodies across their axis: an embedded stand-in for CT slices.

    Bodies from head to hip, drawn of ellipses that change along the axis and vary
    from patient to patient in proportions, fat, bone, lungs, posture and the gas in
    the bowel. A slice is described as in the UCI set (Graf et al. 2011) by two
    histograms in polar coordinates: of bone and of air inside the body. That the 240
    bins are 24 sectors of 10 shells and the 144 bins 18 of 8 we read off from the bins
    that the real file marks as outside of the image; the shells end where the body
    ends in its longer direction. Here a bin holds the share of its area, in the real
    file a saturating function of the amount. Positions are uniform from 2 to 98 cm
    below the top of the head, the range of the real set.

    Parameters
    ----------
    n : int
        Slices, of about n / 25 patients (at least 2).
    seed : int
        Seed of all draws.

    Returns
    -------
    Dataset
        inputs (n, 384): 240 bins of bone, sector by sector from the inside out, then
        144 of air; shares in [0, 1], or -0.25 where a bin holds nothing of the body;
        targets (n, 1): the position, -1 at 2 cm and +1 at 98 cm; labels: the
        patients.

    Raises
    ------
    ValueError
        If `n` or `seed` is out of range.

    Examples
    --------
    >>> slices = ct_phantom(n=20)
    >>> slices.inputs.shape, slices.targets.shape
    ((20, 384), (20, 1))
    """
    n, seed = whole_number("n", n), whole_number("seed", seed, least=0)
    rng = np.random.default_rng(seed)
    count = max(2, round(n / _SLICES_PER_PATIENT))
    bodies = draw_patients(count, rng)
    labels = rng.integers(count, size=n)
    positions = rng.uniform(FIRST, LAST, n)
    batches = [slice(i, i + _BATCH) for i in range(0, n, _BATCH)]
    of = [{k: v[labels[b]] for k, v in bodies.items()} for b in batches]
    inputs = np.concatenate(
        [_features(p, positions[b]) for p, b in zip(of, batches, strict=True)]
    )
    targets = float32_rows(2 * (positions - FIRST) / (LAST - FIRST) - 1)
    about = About(
        name="ct_phantom",
        title="slices through a procedural body phantom",
        rows=n,
        total_rows=None,
        source="this package, after the features of Graf et al. 2011",
        licence="none needed",
        sha256=arrays_sha256(inputs, targets),
        note=f"{count} patients, seed {seed}",
    )
    return Dataset(inputs, targets, about, labels)


def _features(patients: Patients, positions: np.ndarray) -> np.ndarray:
    """Histograms (n, 384) of bone and air over sectors and shells."""
    angle = (np.arange(_RAYS) + 0.5) * (2 * np.pi / _RAYS)
    radius = (np.arange(_STEPS) + 0.5) / _STEPS
    x = np.outer(np.cos(angle), radius).ravel()
    y = np.outer(np.sin(angle), radius).ravel()
    body, bone, air = cut(patients, positions, x, y)
    return np.hstack(
        [
            _histogram(bone, body, radius, _BONE_BINS),
            _histogram(air, body, radius, _AIR_BINS),
        ]
    )


def _histogram(
    tissue: np.ndarray, body: np.ndarray, radius: np.ndarray, bins: tuple[int, int]
) -> np.ndarray:
    sectors, shells = bins
    cells = (-1, sectors, _RAYS // sectors, shells, _STEPS // shells)
    # a sample point stands for an area in proportion to its radius
    area = radius.reshape(shells, -1).astype(np.float32)
    area = area / (area.sum(axis=1, keepdims=True) * (_RAYS // sectors))
    share = np.einsum("nsrht,ht->nsh", tissue.reshape(cells), area)
    empty = ~body.reshape(cells).any(axis=(2, 4))
    share[empty] = _OUTSIDE
    share = share.clip(max=1)  # the areas of a bin add up to 1 but for rounding
    return share.reshape(len(share), -1)
