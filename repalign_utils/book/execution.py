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
from pathlib import Path
from typing import Any
from weakref import WeakSet

import nbformat
import papermill
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop

from . import features

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TICK = 0.2  # seconds between two looks at whether a signal has come
# What a kernel and its event loop log as they are shut down tells a reader nothing.
_QUIET = (
    "--IPKernelApp.log_level=50",
    "--IPKernelApp.exec_lines=__import__('logging').getLogger('tornado').setLevel(50)",
)


class CellsFailed(RuntimeError):
    """A cell failed; the message says which, if that is known, and what it raised."""


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
    notebook: nbformat.NotebookNode, part: Path, *, cwd: Path, progress: bool
) -> nbformat.NotebookNode:
    """Executed notebook.

    Parameters
    ----------
    notebook : to execute
    part : file with what has run so far; features that cells keep go beside it
    cwd : working folder of the kernel
    progress : whether to show progress and the cells' messages on the terminal

    Raises
    ------
    CellsFailed
        If a cell fails or the kernel dies.
    Interrupted
        If a signal ends the run; no kernel is left.
    """
    # What it logs of a failure is told in full below.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    _make_absolute("REPALIGN_DATA", "REPALIGN_CACHE")
    # Threads that spin while they wait slow a section twentyfold on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    os.environ[features.PLACE] = str(features.beside(part))

    def work():
        return papermill.execute_notebook(
            notebook,
            part,
            cwd=cwd,
            progress_bar=progress,
            stderr_file=sys.stderr if progress else None,
            kernel_manager_class=f"{__name__}._KernelManager",
            extra_arguments=list(_QUIET),
        )

    try:
        return _until_signal(work)
    except Interrupted:
        raise
    except Exception as error:
        raise CellsFailed(_told(error, part)) from error
    finally:
        os.environ.pop(features.PLACE)


def _until_signal(work: Callable[[], Any]) -> Any:
    """Do the work in a thread: there nbclient leaves the signals to us."""
    with _caught() as numbers, ThreadPoolExecutor(1) as pool:
        done = pool.submit(_with_own_loop, work)
        while not wait([done], timeout=_TICK).done:
            if numbers:  # also a kernel that was about to start when the signal came
                for manager in list(_KernelManager.alive):
                    manager.end()
        if numbers:
            raise Interrupted(numbers[0])
        return done.result()


def _with_own_loop(work: Callable[[], Any]) -> Any:
    """Do the work with an event loop that is closed after it."""
    with closing(ensure_event_loop()):
        return work()


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


def _make_absolute(*names: str) -> None:
    """Folders in the environment keep their meaning in the kernel's folder."""
    for name in names:
        if os.environ.get(name):
            os.environ[name] = str(Path(os.environ[name]).expanduser().resolve())


def _told(error: Exception, part: Path) -> str:
    """Which cell failed, and why: the last that had begun."""
    why = f"{type(error).__name__}: {error}"
    if isinstance(error, papermill.PapermillExecutionError):
        why = f"{error.ename}: {error.evalue}"
    cells = nbformat.read(part, as_version=4).cells if part.exists() else []
    begun = [
        f" in cell {position} ({cell.source.strip().splitlines()[0]!r})"
        for position, cell in enumerate(cells)
        if cell.cell_type == "code" and cell.metadata.papermill.start_time
    ]
    return f"{begun[-1] if begun else ''}: {why}"
