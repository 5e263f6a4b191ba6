"""Whole files or none: every file of the project is written through here."""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NUMBERS = re.compile(r"\[\n\s*([-+.\deE\s,]+?)\s*\]")  # no string holds a newline


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path that becomes ``path`` only if the block succeeds.

    The temporary file lies in the folder of ``path`` (made if absent), is
    flushed to disk and takes the place of ``path`` in one step, so a reader
    never sees half a file, whatever ends the process.

    Parameters
    ----------
    path : path of the file to write

    Raises
    ------
    OSError
        If the folder cannot be written; ``path`` is then as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.stem}-", suffix=f".part{path.suffix}"
    )
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.chmod(0o666 & ~_umask())  # mkstemp gives 0600
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: str | os.PathLike, value) -> None:
    """Write ``value`` as JSON, whole or not at all."""
    with replacing(path) as part:
        part.write_text(as_json(value))


def write_changed(path: Path, content: str | bytes) -> None:
    """Write only what changed: the site builder goes by the time of the file."""
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == data:
        return
    with replacing(path) as part:
        part.write_bytes(data)


def as_json(value) -> str:
    """Text of a JSON file as the project writes them."""
    text = json.dumps(value, indent=1, allow_nan=False)
    # One line for a row of numbers: a curve is then read, and compared, as one.
    return _NUMBERS.sub(lambda row: f"[{' '.join(row[1].split())}]", text) + "\n"


def remove_parts(folder: str | os.PathLike) -> None:
    """Remove the temporary files that killed writers have left in a folder.

    Parameters
    ----------
    folder : path of the folder, into which nobody may be writing; it may be absent
    """
    for part in Path(folder).glob(".*-*.part*"):
        part.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
