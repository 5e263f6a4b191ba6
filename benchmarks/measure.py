"""How ratios are measured: medians in one process, both sides warmed up."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

LEAST = 0.2  # seconds that one side is measured for in its turn


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    name : str
        What was measured.
    plain, ours : float
        Medians of the plain way and of the package, in `unit`.
    required : float
        Least ratio plain / ours that the project promises; below 1 where `ours` does
        more than `plain`, such as a pass that measures too.
    unit : str
        "s" or "MB".
    error : float
        Greatest error of the result, relative to ||y||^2; 0 where none is measured.
    allowed : float
        Greatest error that the row may have.
    """

    name: str
    plain: float
    ours: float
    required: float
    unit: str = "s"
    error: float = 0.0
    allowed: float = 0.0

    @property
    def ratio(self) -> float:
        """How many times less the package needs."""
        return self.plain / self.ours

    @property
    def passes(self) -> bool:
        """Whether ratio and error are as promised."""
        return self.ratio >= self.required and self.error <= self.allowed


def medians(
    plain: Callable, ours: Callable, repeats: int, *, warmed_up: bool = False
) -> tuple[float, float]:
    """Median seconds a call of both sides, in turns, after one that is not counted.

    In turns, because a machine that slows down then slows both. Sides that take
    long may be warmed up beforehand on less.
    """
    if not warmed_up:
        plain()
        ours()
    times = [(seconds_of(plain), seconds_of(ours)) for _ in range(repeats)]
    return median(t[0] for t in times), median(t[1] for t in times)


def seconds_of(function: Callable) -> float:
    """Seconds a call, over as many calls as take `LEAST` together.

    One call of milliseconds would time how threads wake after the pause, and memory
    that the other side has just filled with a large decomposition.
    """
    time.sleep(0.1)  # threads of the other side may still spin, waiting for work
    start, calls, passed = time.perf_counter(), 0, 0.0
    while not calls or passed < LEAST:
        function()
        calls, passed = calls + 1, time.perf_counter() - start
    return passed / calls


def peak_in_own_process(module: str, side: str) -> float:
    """MB that ``python -m module side`` prints: the growth of a fresh process."""
    command = [sys.executable, "-m", module, side]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def peak_growth(function: Callable) -> float:
    """MB by which the memory of this process grows, at most, while `function` runs."""
    before = _reset_peak()
    function()
    return max(_peak() - before, 1.0)


def _reset_peak() -> float:
    """MB now; where the system allows it the peak starts again from here."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass  # not Linux: the peak so far is close to what is held, after a warm-up
    return _peak()


def _peak() -> float:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1e6 if sys.platform == "darwin" else 1e3)
    return next(float(x.split()[1]) / 1e3 for x in lines if x.startswith("VmHWM"))
