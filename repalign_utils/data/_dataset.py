"""What every loader returns, and the checks that they share."""

import hashlib
import operator
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ORIGINS = tomllib.loads(Path(__file__).with_name("origins.toml").read_text("utf-8"))


@dataclass(frozen=True)
class About:
    """Where a data set comes from and how much of it was used.

    Attributes
    ----------
    name : str
        The loader's name, e.g. ``"mnist"``.
    title : str
        The name on a page, e.g. ``"MNIST, classes 0 and 1"``.
    rows : int
        Rows used.
    total_rows : int or None
        Rows of the whole original; None where the rows are generated.
    source, licence : str
        Where the original is found and under which licence.
    sha256 : str
        Hexadecimal SHA-256 of what was read: of the bytes of the files, in the
        order in which they are read, or of the arrays where there is no file.
    note : str
        What else a reader has to know, e.g. that the file is a part.

    Examples
    --------
    >>> About("digits", "the digits", 360, 1797, "scikit-learn", "BSD", "").sentence()
    '360 of 1,797 rows of the digits (scikit-learn; licence: BSD).'
    """

    name: str
    title: str
    rows: int
    total_rows: int | None
    source: str
    licence: str
    sha256: str
    note: str = ""

    def sentence(self) -> str:
        """Say in one sentence which data were used and how much of them.

        Returns
        -------
        str
            Amount, title, source, licence and note, for a page.
        """
        note = f"; {self.note}" if self.note else ""
        return (
            f"{self._amount()} of {self.title} "
            f"({self.source}; licence: {self.licence}{note})."
        )

    def _amount(self) -> str:
        if self.total_rows is None:
            return f"{self.rows:,} generated rows"
        if self.rows == self.total_rows:
            return f"All {self.rows:,} rows"
        return f"{self.rows:,} of {self.total_rows:,} rows"


def origin(name: str, *, rows: int, sha256: str, note: str, which: str = "") -> About:
    """Say where the data of a loader come from, as ``origins.toml`` has it.

    Parameters
    ----------
    name : str
        The loader.
    rows, sha256, note
        As in `About`.
    which : str
        What follows the title, e.g. ``", classes 0 and 1"``.
    """
    known = ORIGINS[name]
    return About(
        name,
        known["title"] + which,
        rows,
        known.get("total_rows"),
        known["source"],
        known["licence"],
        sha256,
        note,
    )


@dataclass(frozen=True, eq=False)
class Dataset:
    """Inputs, targets and where they come from.

    Attributes
    ----------
    inputs : array (n, d), float32
    targets : array (n, k), float32
    about : About
    labels : array (n,), int64, or None
        What a row belongs to: the class of an image, the patient of a CT slice.
    variables : array (n, v), float64, or None
        The variables behind the encoded inputs, where the data are generated
        from some: ``A`` to ``F`` of the peaks functions.
    """

    inputs: np.ndarray
    targets: np.ndarray
    about: About
    labels: np.ndarray | None = None
    variables: np.ndarray | None = None


def float32_rows(values: np.ndarray) -> np.ndarray:
    """Give `values` as a contiguous float32 array (n, k); a vector is a column."""
    columns = values.reshape(len(values), -1)
    return np.ascontiguousarray(columns, dtype=np.float32)


def arrays_sha256(*arrays: np.ndarray) -> str:
    """Give the SHA-256 of the arrays' bytes, little-endian, in C order."""
    digest = hashlib.sha256()
    for array in arrays:
        little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(np.ascontiguousarray(little_endian).tobytes())
    return digest.hexdigest()


def whole_number(name: str, value: int, least: int = 1) -> int:
    """Check that an option is a whole number of at least `least`."""
    try:
        # a bool is an int in Python, but no amount
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(
            f"{name} is {value!r} but must be a whole number of at least {least}; "
            f"pass for example {name}={max(least, 1000)}"
        )
    return number
