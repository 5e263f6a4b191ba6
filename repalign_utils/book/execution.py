"""Cells of a section in a kernel of their own, and what is kept if it ends early."""

import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from weakref import WeakSet

import nbformat
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop

from ..files import replacing

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TICK = 0.2  # seconds between two looks at whether a signal has come


class CellsFailed(RuntimeError):
    """A cell failed.

    Attributes
    ----------
    where : the cell, or "" if that is not known
    why : what it raised
    """

    def __init__(self, where: str, why: str):
        super().__init__(f"{where}: {why}")
        self.where, self.why = where, why


class Interrupted(RuntimeError):
    """A signal ended the kernel.

    Attributes
    ----------
    number : the signal
    """

    def __init__(self, number: int):
        super().__init__(signal.strsignal(number))
        self.number = number


class _KernelManager(AsyncKernelManager):
    """Kernels over sockets in a folder of their own: none to clash or to overhear."""

    alive: WeakSet = WeakSet()

    def __init__(self, **options):
        self._folder = tempfile.TemporaryDirectory(prefix="repalign-")
        super().__init__(transport="ipc", ip=f"{self._folder.name}/kernel", **options)
        self.alive.add(self)

    def cleanup_ipc_files(self):
        super().cleanup_ipc_files()
        self._folder.cleanup()

    def end(self) -> None:
        """Kill the kernel with the processes that it started."""
        pid = getattr(self.provisioner, "pid", None)
        if pid:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)  # a kernel leads a session of its own


def execute(
    source: Path,
    part: Path,
    *,
    cwd: Path,
    progress: bool,
    progress_file: Path | None = None,
) -> nbformat.NotebookNode:
    """Executed notebook.

    Parameters
    ----------
    source, part : notebook to execute, and the file with what has run so far
    cwd : working folder of the kernel
    progress : whether to show progress and the cells' messages on the terminal
    progress_file : file that gets a line ``k/n`` whenever k of n code cells have run

    Raises
    ------
    CellsFailed
        If a cell fails or the kernel dies.
    Interrupted
        If a signal ends the run; no kernel is left.
    """
    import papermill

    cells = nbformat.read(source, as_version=4).cells
    total = sum(c.cell_type == "code" and bool(c.source.strip()) for c in cells)
    # What it logs of a failure is told in full below.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    _make_absolute("REPALIGN_DATA", "REPALIGN_CACHE")
    # Threads that spin while they wait slow a section twentyfold on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    def work():
        papermill.execute_notebook(
            source,
            part,
            cwd=cwd,
            progress_bar=progress,
            stderr_file=sys.stderr if progress else None,
            kernel_manager_class=f"{__name__}._KernelManager",
            on_cell_executed=_counted(progress_file, total) if progress_file else None,
        )

    try:
        _until_signal(work)
    except Interrupted:
        raise
    except Exception as error:
        raise _failure(error, part) from error
    return nbformat.read(part, as_version=4)


def _until_signal(work: Callable[[], None]) -> None:
    """Do the work in a thread: there nbclient leaves the signals to us."""
    with _caught() as numbers, ThreadPoolExecutor(1) as pool:
        done = pool.submit(_with_own_loop, work)
        while not wait([done], timeout=_TICK).done:
            if numbers:  # also a kernel that was about to start when the signal came
                for manager in list(_KernelManager.alive):
                    manager.end()
        if numbers:
            raise Interrupted(numbers[0])
        done.result()


def _with_own_loop(work: Callable[[], None]) -> None:
    """Do the work with an event loop that is closed after it."""
    with closing(ensure_event_loop()):
        work()


@contextmanager
def _caught() -> Iterator[list[int]]:
    """Signals that came, but for those that who started us has switched off."""
    numbers: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, lambda n, _: numbers.append(n))
    try:
        yield numbers
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _counted(file: Path, total: int):
    """Hook that adds a line ``k/n`` to the file after each code cell."""
    file.write_text(f"0/{total}\n")
    done = 0

    def executed(**_):
        nonlocal done
        done += 1
        with file.open("a") as lines:  # one short write: a reader sees whole lines
            lines.write(f"{done}/{total}\n")

    return executed


def _make_absolute(*names: str) -> None:
    """Folders in the environment keep their meaning in the kernel's folder."""
    for name in names:
        if os.environ.get(name):
            os.environ[name] = str(Path(os.environ[name]).expanduser().resolve())


def _failure(error: Exception, part: Path) -> CellsFailed:
    """Which cell failed, and why."""
    why = f"{type(error).__name__}: {error}"
    if not part.exists():
        return CellsFailed("", why)
    notebook = nbformat.read(part, as_version=4)
    found = _failed_cell(notebook) or (_last_cell(notebook, error), why)
    return CellsFailed(*found)


def _failed_cell(notebook) -> tuple[str, str] | None:
    """Cell that raised, and what."""
    for position, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                return _named(position, cell), f"{output.ename}: {output.evalue}"
    return None


def _last_cell(notebook, error: Exception) -> str:
    """Cell that ran when the kernel died; it could not say so itself."""
    from nbclient.exceptions import DeadKernelError

    if not isinstance(error, DeadKernelError):
        return ""
    begun = [
        _named(position, cell)
        for position, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and cell.metadata.papermill.start_time
    ]
    return begun[-1] if begun else ""


def _named(position: int, cell) -> str:
    return f" in cell {position} ({cell.source.strip().splitlines()[0]!r})"


def stamp_time() -> str:
    """Now, as part of a file's name."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


def keep(base: Path, section: str, files: dict[str, str]) -> Path:
    """Keep files of a run that did not end as it should.

    Parameters
    ----------
    base : root of the checkout
    section : its name
    files : suffix -> content, a notebook among them

    Returns
    -------
    path of the notebook, under ``logs/``, or where temporary files lie if that cannot
    be written
    """
    name = f"{section}-{stamp_time()}-{os.getpid()}.ipynb"
    kept = base / "logs" / name
    try:
        _write_all(kept, files)
    except OSError:
        kept = Path(tempfile.gettempdir()) / "repalign-logs" / name
        _write_all(kept, files)
    return kept


def _write_all(path: Path, files: dict[str, str]) -> None:
    for suffix, content in files.items():
        with replacing(path.with_suffix(suffix)) as whole:
            whole.write_text(content)
