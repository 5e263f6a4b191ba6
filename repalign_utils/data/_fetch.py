"""Find data files on disk, else download them whole; say where they belong."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

_TIMEOUT = 4.0  # seconds for an answer, and again for each block of a download

Place = str | os.PathLike[str]


class DataMissing(RuntimeError):
    """The data are neither on disk nor to be had from the network."""


def missing(
    title: str,
    looked: Iterable[object],
    tried: object,
    put: str,
    holds: str,
    instead: str = "drawn pictures",
) -> DataMissing:
    """Word the error of absent data: what was looked for, tried, and is to be done.

    Parameters
    ----------
    title : str
        The data set.
    looked : iterable
        What was not found.
    tried : object
        The error of the download, or a sentence on why there is none.
    put : str
        Which file belongs where.
    holds : str
        What the user's folder has to hold.
    instead : str
        Data that need no files.
    """
    if isinstance(tried, OSError):
        tried = f"to download it failed ({tried})"
    absent = ", nor ".join(map(str, looked))
    return DataMissing(
        f"{title} is not there: there is no {absent}; {tried}. {put}, or name the "
        f"folder that holds {holds} by data_dir or REPALIGN_DATA, or take {instead}, "
        "which need no files."
    )


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
    get = pooch.HTTPDownloader(
        timeout=_TIMEOUT, progressbar=find_spec("tqdm") is not None
    )

    def download(url: str, part: str, _: object) -> None:
        get(url, part, None)
        finish(Path(part))

    failures = []
    for url in urls:
        options = {"path": target.parent, "downloader": download}
        try:
            return Path(pooch.retrieve(url, known_hash, target.name, **options))
        except (OSError, ValueError) as error:
            failures.append(f"{url}: {error}")
    raise OSError("; ".join(failures))


def files_sha256(*files: Path) -> str:
    """Give the hexadecimal SHA-256 of the files' bytes, one file after the other."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def check_hash(path: Path, expected: str) -> None:
    """Raise ValueError, naming the file, unless its hash is ``"kind:sum"``."""
    import pooch

    kind, _, due = expected.partition(":")
    found = pooch.file_hash(path, kind)
    if found != due:
        raise ValueError(
            f"{path} is damaged: its {kind.upper()} sum is {found} instead of {due}; "
            "get it anew"
        )
