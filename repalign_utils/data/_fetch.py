"""Find data files on disk, else download them whole; say where they belong."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from ._dataset import ORIGINS

_TIMEOUT = 4.0  # seconds for an answer, and again for each block of a download

Place = str | os.PathLike[str]


class DataMissing(RuntimeError):
    """The data are neither on disk nor to be had from the network."""


def _no_download(_: Path) -> Path:
    raise OSError("there is no download of this set")


def located(
    name: str,
    data_dir: Place,
    patterns: Sequence[str],
    look: Callable[[Path], Path | None] | None = None,
    get: Callable[[Path], Path] = _no_download,
) -> Path:
    """Find the data of a loader on disk, else get them.

    Parameters
    ----------
    name : str
        The loader.
    data_dir : str or path
        As of `data_folders`.
    patterns : sequence of str
        What is looked for, in the order of preference.
    look : callable, optional
        Gives the place of the data in a folder, or None. Without it, the first file or
        folder that matches a pattern is taken.
    get : callable, optional
        Downloads them to a folder, and gives their place; raises OSError.

    Raises
    ------
    DataMissing
        If they are neither there nor to be had; says what to put where.
    """
    folders = data_folders(data_dir)
    look = look or partial(_first_match, patterns)
    for folder in folders:
        if place := look(folder):
            return place
    try:
        return get(folders[-1])
    except OSError as error:
        looked = f"{', '.join(patterns)} in {' and in '.join(map(str, folders))}"
        tried = f"to download it failed ({error})"
        absent = ORIGINS["absent"][name]
        text = absent.format(looked=looked, tried=tried, folder=folders[0])
        raise DataMissing(text) from None


def _first_match(patterns: Sequence[str], folder: Path) -> Path | None:
    found = (place for pattern in patterns for place in sorted(folder.glob(pattern)))
    return next(found, None)


def data_folders(data_dir: Place = "") -> list[Path]:
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
    cache = cache_folder()
    told_by = "data_dir" if os.fspath(data_dir) else "REPALIGN_DATA"
    told = os.fspath(data_dir) or os.environ.get("REPALIGN_DATA", "")
    remedy = (
        f"pass the folder that holds the data, or leave {told_by} empty to use the "
        f"cache {cache}"
    )
    return [existing(told_by, told, "folder", remedy), cache] if told else [cache]


def existing(name: str, told: Place, kind: str, remedy: str) -> Path:
    """Give the absolute path of a file or a folder that an option names.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    path = Path(told).expanduser().absolute()
    if not (path.is_dir() if kind == "folder" else path.is_file()):
        found = f"that is no {kind}" if path.exists() else f"there is no {kind} {path}"
        raise FileNotFoundError(f"{name} is {os.fspath(told)!r}, but {found}; {remedy}")
    return path


def cache_folder() -> Path:
    """Give the folder for downloads: REPALIGN_CACHE, else the user's cache."""
    import platformdirs

    told = os.environ.get("REPALIGN_CACHE", "")
    cache = platformdirs.user_cache_path("repalign", appauthor=False, opinion=False)
    return Path(told).expanduser().absolute() if told else cache


def fetch(
    urls: Sequence[str],
    target: Path,
    *,
    known_hash: str | None = None,
    finish: Callable[[Path], object] = Path,
) -> Path:
    """Download a file whole or not at all, with progress on standard error.

    Parameters
    ----------
    urls : sequence of str
        Addresses of the same file, tried in order.
    target : Path
        Where the file goes; its folder is made.
    known_hash : str, optional
        ``"md5:..."`` or ``"sha256:..."`` of the finished file.
    finish : callable
        Called with the path of the complete download before it takes its name: checks
        the content, raising ValueError if it is wrong, and may unpack it in place.

    Returns
    -------
    Path
        `target`.

    Raises
    ------
    OSError
        If no address gave the file; says what went wrong with each.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")
    options = {"timeout": _TIMEOUT, "progressbar": find_spec("tqdm") is not None}

    def download(url: str, part: str, _: object) -> None:
        with ExitStack() as opened:
            # else a connection whose download failed stays open
            hooks = {"response": lambda answer, **_: opened.enter_context(answer)}
            pooch.HTTPDownloader(**options, hooks=hooks)(url, part, None)
        finish(Path(part))

    failures = []
    for url in urls:
        place = {"path": target.parent, "downloader": download}
        try:
            return Path(pooch.retrieve(url, known_hash, target.name, **place))
        except (OSError, ValueError) as error:
            # of a refused connection, what lies beneath the layers of libraries
            reason = getattr(next(iter(error.args), None), "reason", error)
            failures.append(f"{url}: {reason}")
    raise OSError("; ".join(failures))


def files_sha256(*files: Path) -> str:
    """Give the hexadecimal SHA-256 of the files' bytes, one file after the other."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def all_intact(folder: Path, sums: Mapping[str, str]) -> bool:
    """Say whether a folder holds all of some files, each as it was published.

    Parameters
    ----------
    folder : Path
    sums : mapping of str to str
        File within the folder -> ``"md5:..."`` or ``"sha256:..."``.

    Raises
    ------
    ValueError
        If all are there, but one is not what it should be; names it.
    """
    if not all((folder / name).is_file() for name in sums):
        return False
    import pooch

    for name, expected in sums.items():
        kind, _, due = expected.partition(":")
        found = pooch.file_hash(folder / name, kind)
        if found != due:
            raise ValueError(
                f"{folder / name} is damaged: its {kind.upper()} sum is {found} "
                f"instead of {due}; get it anew"
            )
    return True
