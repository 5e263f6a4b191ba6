"""Build the book: Snakemake behind a lock, followed, and gone on with after any end.

Snakemake decides what is to be run and runs it; here is what it has not: a lock that
dies with its holder, steps that die with the build, and a short account of it all.
"""

import contextlib
import fcntl
import math
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from .. import files
from . import paths
from .errors import Failed, Stopped
from .origin import duration
from .progress import Steps

INTERRUPTED = 130  # the exit status of what Ctrl-C has ended
_POLL = 0.1
_CELLS = re.compile(r"(\d+)/(\d+) \[")  # as papermill counts them in a step's log


def make_book(
    base: Path, profile: str, *, cores: str = "all", wait=False, with_parent=False
) -> None:
    """Execute the sections that changed, publish them and build the site.

    Parameters
    ----------
    base : root of the checkout
    profile : "quick" or "paper"
    cores : how many Snakemake may use, or "all"
    wait : whether to wait for another build of the folder, instead of refusing
    with_parent : whether to end, with all steps, once the calling process is gone

    Raises
    ------
    errors.Failed
        If another build is running in this folder, or if a step failed; the others
        were run all the same.
    errors.Stopped
        If interrupted; what had ended is kept, and the next call goes on.
    """
    logs = base / "logs" / f"build-{profile}"
    parent = os.getppid() if with_parent else None
    with _alone(base / "logs", wait):
        _clear(base, profile, logs)
        started = time.monotonic()
        snakemake = _start(base, profile, logs, cores)
        try:
            status, steps = _follow(snakemake, logs, parent)
        except KeyboardInterrupt:
            _stop(snakemake)
            raise Stopped(
                "Interrupted: what had ended is kept, the same command goes on from "
                f"there, and the notebooks so far are under {_near(logs.parent)}.",
                INTERRUPTED,
            ) from None
        if status:
            raise Failed(_causes(logs, [name for name, bad in steps.items() if bad]))
    sections = paths.sections(base)
    run = len(steps.keys() & set(sections))
    took = duration(time.monotonic() - started)
    print(f"{run} of {len(sections)} sections run, in {took}")
    print(f"The book is at {_near(base / '_build' / 'html' / 'index.html')}")
    print(f"What the tools said is in {_near(logs)}")


@contextlib.contextmanager
def _alone(folder: Path, wait: bool) -> Iterator[None]:
    """Hold the folder's lock, which the system takes back whatever ends the process."""
    folder.mkdir(exist_ok=True)
    with (folder / "build.lock").open("a+") as lock:
        # A killed build needs a moment to be gone: even a refusal is not at once.
        if not _locked(lock, math.inf if wait else 2):
            lock.seek(0)
            raise Failed(
                f"another build is running in this folder ({lock.read().strip()}); "
                "wait until it has ended, or stop it"
            )
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, since {datetime.now():%H:%M:%S}")
        lock.flush()
        with (folder / "steps.lock").open("a") as steps:
            _locked(steps, math.inf)  # what a killed build has left ends soon
        yield


def _locked(file, patience: float) -> bool:
    """Whether the lock was got, within so many seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_POLL)
    return False


def _clear(base: Path, profile: str, logs: Path) -> None:
    """Take away what a build that was killed has left half written."""
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    for folder in (f"results/{profile}", "book", "book/sections", "book/_generated"):
        files.remove_parts(base / folder)
    # Sphinx takes a page for whole if it is newer than its source.
    site = base / "_build"
    if site.exists() and not (site / "html" / ".built").exists():
        shutil.rmtree(site)


def _start(base: Path, profile: str, logs: Path, cores: str) -> subprocess.Popen:
    """Snakemake, as a step of its own, so that it ends when this process does."""
    step = [sys.executable, str(base / "workflow" / "step.py"), "snakemake"]
    command = [sys.executable, "-m", "snakemake", "--cores", cores, "--keep-going"]
    # The lock is ours; what was being made when a build ended is made anew.
    command += ["--nolock", "--rerun-incomplete", "book"]
    command += ["--config", f"profile={profile}"]
    env = {**os.environ, "REPALIGN_BUILD": str(logs)}
    return subprocess.Popen([*step, *command], cwd=base, env=env)


def _follow(snakemake, logs: Path, parent: int | None) -> tuple[int, dict[str, bool]]:
    """Show the steps until Snakemake ends: its status; step -> whether it failed."""
    failed: dict[str, bool] = {}  # a step that has not ended yet counts as failed
    seen, running = 0, set()
    with Steps() as shown:
        while True:
            ended = snakemake.poll()
            events = _read(logs / "events").splitlines()
            for event in events[seen:]:
                _, name, *outcome = event.split()
                if name == "snakemake":
                    continue
                failed[name] = outcome[:1] != ["0"]
                if outcome:
                    running.remove(name)
                    shown.ended(name, failed[name], duration(float(outcome[1])))
                else:
                    running.add(name)
                    shown.started(name)
            seen = len(events)
            for name in running:
                if cells := _CELLS.findall(_read(logs / f"{name}.log")):
                    shown.advanced(name, *map(int, cells[-1]))
            if ended is not None:
                return ended, failed
            if parent is not None and os.getppid() != parent:
                os._exit(1)  # nobody is left to tell
            time.sleep(_POLL)


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _stop(snakemake) -> None:
    """Wait for what was interrupted to keep what it has; a second Ctrl-C ends it."""
    try:
        snakemake.wait()
    except KeyboardInterrupt:
        snakemake.kill()


def _causes(logs: Path, failed: list[str]) -> str:
    """Say what went wrong, step by step, each with the end of its log."""
    told = []
    for name in failed or ["snakemake"]:
        log = logs / f"{name}.log"
        lines = _read(log).replace("\r", "\n").splitlines()
        told.append(f"{name} failed; the whole log is {_near(log)}")
        told += [f"  {line}" for line in _end([x for x in lines if x.strip()])]
    return "\n".join(told)


def _end(lines: list[str]) -> list[str]:
    """Last lines of a log, from the error on if it says where that begins."""
    begins = [
        i for i, line in enumerate(lines) if line.startswith(("Error", "WARNING"))
    ]
    return lines[begins[-1] :][:12] if begins else lines[-12:]


def _near(path: Path) -> str:
    """Return the path as one would type it here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
