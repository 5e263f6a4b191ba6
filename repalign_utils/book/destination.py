"""Where a run's notebook and record go: checked before the run, never over others."""

import json
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import nbformat

from ..files import replacing, write_json
from . import features, records
from .errors import Refused

MIN_FREE = 40_000_000  # bytes; the largest section is half of it


class OutputRefused(Refused):
    """An output that cannot be written, or must not be; the message says which."""


def check(output: Path, *, file: Path | None = None, force: bool = False) -> None:
    """Check that a run may write its notebook, and record and features beside it.

    Parameters
    ----------
    output : executed notebook to write
    file : file of parameters of the run
    force : whether to replace what no run has written

    Raises
    ------
    OutputRefused
        If it is no notebook's name, would replace the file of parameters or what no
        run has written, or its folder cannot be written or has no space.
    """
    try:
        if output.suffix != ".ipynb" or output.is_dir():
            raise OutputRefused(
                f"-o is {str(output)!r}; expected a notebook such as runs/mine.ipynb"
            )
        _check_replaced(output, file, force)
        _check_folder(output)
    except OSError as error:
        raise OutputRefused(
            f"-o is {str(output)!r}, which cannot be written: {error.strerror}; "
            "name another place, such as runs/mine.ipynb"
        ) from error


def _check_replaced(output: Path, file: Path | None, force: bool) -> None:
    record, kept = output.with_suffix(".json"), features.beside(output)
    for path in (output, record, kept):
        if file and path.exists() and path.samefile(file):
            raise OutputRefused(
                f"-o is {str(output)!r}, and a run writes {path.name}, which is your "
                "file of parameters; name another notebook"
            )
    own = _is_record(record)
    for path, ours in (
        (output, own and _is_executed(output)),
        (record, own),
        (kept, features.is_own(kept)),
    ):
        if path.exists() and not (ours or force):
            raise OutputRefused(
                f"-o is {str(output)!r}, but {path.name} is there and not the output "
                "of a run; name another notebook, or replace it with --force"
            )


def _is_record(path: Path) -> bool:
    try:
        return {"section", "records"} <= records.read_run(path).keys()
    except (OSError, ValueError, AttributeError):
        return False


def _is_executed(path: Path) -> bool:
    try:
        return "section" in json.loads(path.read_text())["metadata"]["repalign"]
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _check_folder(output: Path) -> None:
    folder = next(p for p in output.absolute().parents if p.exists())
    if not folder.is_dir():
        raise OutputRefused(
            f"-o is {str(output)!r}, but {folder} is not a folder; name another "
            "place, such as runs/mine.ipynb"
        )
    with tempfile.TemporaryFile(dir=folder) as probe:  # what the mode says is not all
        probe.write(b"0")
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE:
        raise OutputRefused(
            f"-o is {str(output)!r}, but {folder} has {free / 1e6:.0f} MB left and a "
            f"run may need {MIN_FREE / 1e6:.0f}; make room, or name another place"
        )


def write(output: Path, notebook, entry: dict | None, kept: bytes = b"") -> None:
    """Write an executed notebook with its record and features beside it, if any.

    Parameters
    ----------
    output : executed notebook to write
    notebook : nbformat notebook
    entry : run record
    kept : file of features

    Raises
    ------
    OSError
        If they cannot be written.
    """
    with replacing(output) as whole:  # last: a notebook in place means all is in place
        nbformat.write(notebook, whole)
        if entry:
            _write_features(features.beside(output), kept)
            write_json(output.with_suffix(".json"), entry)


def _write_features(path: Path, kept: bytes) -> None:
    """Features of this run in the place of those of the one before."""
    if kept:
        with replacing(path) as part:
            part.write_bytes(kept)
    elif features.is_own(path):
        path.unlink()


def own_folder(base: Path, section: str) -> Path:
    """Notebook path in a new folder of its own under ``runs/``."""
    return base / "runs" / _name(section) / f"{section}.ipynb"


def keep(
    base: Path, section: str, notebook, entry: dict | None = None, kept: bytes = b""
) -> Path:
    """Keep a run that did not end as it should.

    Parameters
    ----------
    base : root of the checkout
    section : its name
    notebook : what has run
    entry, kept : run record and file of features, if the run was whole

    Returns
    -------
    path of the notebook, under ``logs/``, or where temporary files lie if that cannot
    be written
    """
    output = base / "logs" / f"{_name(section)}.ipynb"
    try:
        write(output, notebook, entry, kept)
    except OSError:
        output = Path(tempfile.gettempdir()) / "repalign-logs" / output.name
        write(output, notebook, entry, kept)
    return output


def _name(section: str) -> str:
    """Name that no other run has."""
    return f"{section}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}"
