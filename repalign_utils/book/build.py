"""Build the book: Snakemake behind a lock, followed, and gone on with after any end.

Snakemake decides what is to be run and runs it; here is what it has not: a lock that
dies with its holder, steps that die with the build, and a short account of it all.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from .. import files
from . import pages, paths, progress
from .runner import duration

INTERRUPTED = 130  # the exit status of what Ctrl-C has ended
_POLL = 0.1


class BuildRefused(RuntimeError):
    """Another build runs in the same folder; the message names it."""


class BuildFailed(RuntimeError):
    """A step failed; the message has the cause and the log's path."""


def make_book(
    base: Path, profile: str, *, cores: str = "all", wait=False, with_parent=False
) -> int:
    """Execute the sections that changed, publish them and build the site.

    Parameters
    ----------
    base : root of the checkout
    profile : "quick" or "paper"
    cores : how many Snakemake may use, or "all"
    wait : whether to wait for another build of the folder, instead of refusing
    with_parent : whether to end, with all steps, once the calling process is gone

    Returns
    -------
    int, 0, or 130 if interrupted; what had ended is kept, and the next call goes on

    Raises
    ------
    BuildRefused
        If another build is running in this folder.
    BuildFailed
        If a step failed; the others were run all the same.
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
            print(
                "Interrupted: what had ended is kept, the same command goes on from "
                f"there, and the notebooks so far are under {_near(logs.parent)}."
            )
            return INTERRUPTED
        failed = [name for name, bad in steps.items() if bad]
        if status:
            raise BuildFailed(_causes(logs, failed))
    sections = paths.sections(base)
    run = len(steps.keys() & set(sections))
    took = duration(time.monotonic() - started)
    print(f"{run} of {len(sections)} sections run, in {took}")
    print(f"The book is at {pages.index_page(base)}")
    print(f"What the tools said is in {_near(logs)}")
    return 0


@contextlib.contextmanager
def _alone(folder: Path, wait: bool) -> Iterator[None]:
    """Hold the folder's lock, which the system takes back whatever ends the process."""
    folder.mkdir(exist_ok=True)
    with (folder / "build.lock").open("a+") as lock:
        if not _locked(lock, None if wait else 2):
            lock.seek(0)
            raise BuildRefused(
                f"another build is running in this folder ({lock.read().strip()}); "
                "wait until it has ended, or stop it"
            )
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, since {datetime.now():%H:%M:%S}")
        lock.flush()
        with (folder / "steps.lock").open("a") as steps:
            _locked(steps, None)  # what a killed build has left ends within a second
        yield


def _locked(file, patience: float | None) -> bool:
    """Whether the lock was got, within so many seconds; None waits as long as needed.

    A killed build needs a moment to be gone, so that even a refusal is not at once.
    """
    deadline = time.monotonic() + (patience if patience is not None else 1e9)
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL)


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
    steps: dict[str, bool | None] = {}
    events = _lines(logs / "events")
    with progress.display(sys.stdout) as shown:
        while True:
            ended = snakemake.poll()
            for name, *outcome in events():
                if not outcome:
                    steps[name] = None
                    shown.started(name)
                else:
                    failed, seconds = outcome[0] != "0", float(outcome[1])
                    steps[name] = failed
                    shown.ended(name, failed, duration(seconds))
            for name in (n for n, failed in steps.items() if failed is None):
                _advance(shown, name, logs / f"{name}.cells")
            if ended is not None:
                return ended, {
                    name: failed is not False for name, failed in steps.items()
                }
            if parent is not None and os.getppid() != parent:
                os._exit(1)  # nobody is left to tell
            time.sleep(_POLL)


def _lines(path: Path):
    """Function that gives the events since its last call, as words without the verb."""
    seen = 0

    def new() -> list[list[str]]:
        nonlocal seen
        lines = path.read_text().splitlines() if path.exists() else []
        fresh, seen = lines[seen:], len(lines)
        events = [line.split()[1:] for line in fresh]
        return [words for words in events if words[0] != "snakemake"]

    return new


def _advance(shown, name: str, cells: Path) -> None:
    if cells.exists() and (lines := cells.read_text().splitlines()):
        done, total = lines[-1].split("/")
        shown.advanced(name, int(done), int(total))


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
        lines = log.read_text(errors="replace").replace("\r", "\n").splitlines()
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
