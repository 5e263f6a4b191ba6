"""Run all benchmarks, print a table, write ``results.json``; fail if one falls short.

``python -m benchmarks`` from the root of a clone; ratios, not times, are promised.
"""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from repalign_utils.book.origin import processor
from repalign_utils.files import write_json

from . import (
    alignment_128,
    alignment_1024,
    chance_cka,
    ensemble,
    layers_resnet18,
    similarity_1024,
    two_resnet18,
)
from .measure import Row

RESULTS = Path(__file__).with_name("results.json")
BENCHMARKS = (
    alignment_128,
    alignment_1024,
    ensemble,
    layers_resnet18,
    chance_cka,
    similarity_1024,
    two_resnet18,
)
PACKAGES = ("repalign-utils", "numpy", "scipy", "torch")


def main() -> int:
    """Measure all rows; the exit status says whether each is as promised."""
    rows: list[Row] = []
    _print("", "plain", "ours", "ratio", "required", "error", "")
    for benchmark in BENCHMARKS:
        for row in benchmark.rows():  # measured one by one, each told when it is
            rows.append(row)
            _print(*_cells(row))
    write_json(RESULTS, {"machine": _machine(), "rows": [_record(r) for r in rows]})
    short = [row.name for row in rows if not row.passes]
    if short:
        print(f"{len(short)} of {len(rows)} fall short: {'; '.join(short)}")
    return bool(short)


def _cells(row: Row) -> list[str]:
    error = f"{row.error:.1e}" if row.allowed else ""
    times = [f"{value:.4g} {row.unit}" for value in (row.plain, row.ours)]
    verdict = "ok" if row.passes else "SHORT"
    ratios = [_times(row.ratio, ".1f"), _times(row.required, "g")]
    return [row.name, *times, *ratios, error, verdict]


def _times(ratio: float, form: str) -> str:
    """A ratio, or where `ours` does more and takes longer, 1 over how many times."""
    if ratio >= 1:
        return format(ratio, form)
    return f"1/{1 / ratio:.2f}"


def _print(name: str, *cells: str) -> None:
    print(f"{name:44}" + "".join(f"{cell:>11}" for cell in cells), flush=True)


def _record(row: Row) -> dict:
    return asdict(row) | {"ratio": row.ratio, "passes": row.passes}


def _machine() -> dict:
    return {
        "processor": processor(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


if __name__ == "__main__":
    sys.exit(main())
