"""Sections run by the command line, two at a time, one thread each."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conftest import ROOT
from tests.miniature import repalign


def run(section: str, folder: Path, given: dict, *, profile: str = "") -> dict:
    """Record of a run with the parameters ``given``."""
    output = folder / f"{section}.ipynb"
    options = [a for name, value in given.items() for a in ("-p", name, str(value))]
    options += ["--profile", profile] if profile else []
    done = repalign(ROOT, "run", section, "-o", str(output), "--quiet", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(output.with_suffix(".json").read_text())


def run_all(folder: Path, given: dict[str, dict], profiles: dict[str, str]) -> dict:
    """Records of several sections, by section; `given` holds their parameters."""
    with ThreadPoolExecutor(2) as pool:
        runs = {
            section: pool.submit(
                run, section, folder, parameters, profile=profiles.get(section, "")
            )
            for section, parameters in given.items()
        }
        return {section: done.result() for section, done in runs.items()}


def values(records: dict) -> dict[str, list[float]]:
    """Recorded values of a run's records, by name."""
    return {name: entry["values"] for name, entry in records.items()}
