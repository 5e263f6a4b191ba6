"""Find data files on disk, else download them whole; check what was got."""

import hashlib
import http.client
import os
import queue
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from tqdm import tqdm

from repalign_utils.files import replacing

_TIMEOUT = 4.0  # seconds for an answer, and again for each block of a download
_BLOCK = 1 << 18


class DataMissing(RuntimeError):
    """The data are neither on disk nor to be had from the network."""


def data_folders(data_dir: str | os.PathLike[str] = "") -> list[Path]:
    """Give the folders in which data may lie, in the order of search.

    Parameters
    ----------
    data_dir : str or path
        Where the user keeps data; empty: the environment variable REPALIGN_DATA.

    Returns
    -------
    list of Path
        Absolute; the user's folder, if any, then the cache (see `cache_folder`).

    Raises
    ------
    FileNotFoundError
        If the user's folder does not exist.
    """
    told_by = "data_dir" if os.fspath(data_dir) else "REPALIGN_DATA"
    told = os.fspath(data_dir) or os.environ.get("REPALIGN_DATA", "")
    if not told:
        return [cache_folder()]
    folder = Path(told).expanduser().absolute()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{told_by} is {told!r}, but there is no folder {folder}; "
            f"pass the folder that holds the data, or leave {told_by} empty "
            f"to use the cache {cache_folder()}"
        )
    return [folder, cache_folder()]


def cache_folder() -> Path:
    """Give the folder for downloads: REPALIGN_CACHE, else the user's cache."""
    told = os.environ.get("REPALIGN_CACHE", "")
    if told:
        return Path(told).expanduser().absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "~/AppData/Local")
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "repalign"


def fetch(urls: Sequence[str], target: Path, finish: Callable[[Path], object]) -> Path:
    """Download a file whole or not at all, with progress on standard error.

    Parameters
    ----------
    urls : sequence of str
        Addresses of the same file, tried in order. A dropped or hanging connection
        to the only address is tried once more.
    target : Path
        Where the file goes; its folder is made.
    finish : callable
        Called with the path of the complete download before it takes its name: checks
        the content, raising ValueError if it is wrong, and may unpack it in place.

    Returns
    -------
    Path
        `target`.

    Raises
    ------
    DataMissing
        If no address gave the file; says what went wrong with each.
    """
    failures = []
    refused = set()  # which no second try will change
    for url in urls if len(urls) > 1 else [*urls, *urls]:
        if url in refused:
            continue
        try:
            return _download(url, target, finish)
        except urllib.error.HTTPError as error:
            error.close()
            failures.append(f"{url}: {error}")
            refused.add(url)
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            failures.append(f"{url}: {reason or type(error).__name__}")
    raise DataMissing("; ".join(dict.fromkeys(failures)))


def _download(url: str, target: Path, finish: Callable[[Path], object]) -> Path:
    answer = _connect(url, _TIMEOUT)
    with answer, replacing(target) as part:
        _copy(answer, part, target.name)
        try:
            finish(part)
        except ValueError as error:
            # the temporary name, soon gone, would mislead
            said = str(error).replace(str(part), "the download")
            raise ValueError(said) from None
    return target


def _connect(url: str, seconds: float) -> http.client.HTTPResponse:
    # urlopen's timeout does not cover the look-up of the name, which can hang for
    # a minute behind a dead resolver: hence a thread that may be left behind
    answers: queue.Queue = queue.Queue(1)

    def attempt() -> None:
        try:
            answers.put(urllib.request.urlopen(url, timeout=seconds))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=attempt, daemon=True).start()
    try:
        answer = answers.get(timeout=1.25 * seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _copy(answer: http.client.HTTPResponse, part: Path, name: str) -> None:
    expected = int(answer.headers.get("Content-Length") or 0)
    bar = tqdm(total=expected or None, unit="B", unit_scale=True, desc=name)
    with bar, part.open("wb") as file:
        while block := answer.read(_BLOCK):
            file.write(block)
            bar.update(len(block))
        if expected and file.tell() != expected:
            raise OSError(f"broke off after {file.tell():,} of {expected:,} bytes")


def file_hash(*files: Path, kind: str = "sha256") -> str:
    """Give the hexadecimal hash of the files' bytes, one file after the other."""
    digest = hashlib.new(kind)
    for path in files:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def check_hash(path: Path, expected: str, kind: str = "sha256") -> None:
    """Raise ValueError, naming the file, unless its hash is the expected one."""
    found = file_hash(path, kind=kind)
    if found != expected:
        raise ValueError(
            f"{path} is damaged: its {kind.upper()} sum is {found} instead of "
            f"{expected}; get it anew"
        )
