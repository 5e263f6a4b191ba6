"""The one place where a number is recorded, and where runs are read.

``record`` attaches the values to the cell's output.  From there the sentence on the
page (glue), the run record beside the executed notebook, the claims table and the
tests all read them.
"""

import json
import os
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..statistics import Interval, interval

GLUE = "application/papermill.record/"
NAME = re.compile(r"\d\d(\.[a-z0-9_]+)+")


def record(name: str, values, *, exact: bool = False) -> Interval:
    """Record a quantity of the section: one value per seed.

    The page reads it as ``name`` (mean and interval as text), ``name.mean``,
    ``name.low`` and ``name.high`` (numbers, to be formatted).

    Parameters
    ----------
    name : section number and words joined by dots, for example "02.gain.true"
    values : array (seeds,), or one number for a quantity without seeds
    exact : whether no training has touched the values: another machine, with the same
        seeds, must find them equal to rounding

    Returns
    -------
    Interval over the values

    Raises
    ------
    ValueError
        If the name has another form, or a value is not finite.
    """
    if not NAME.fullmatch(name):
        raise ValueError(
            f"record name is {name!r}; expected a section number and lower-case words "
            "joined by dots, e.g. '02.gain.true'"
        )
    v = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if v.ndim != 1 or not len(v) or not np.isfinite(v).all():
        raise ValueError(
            f"{name} is {v.tolist()}; expected one finite number per seed: "
            "record a run that diverged as a count, not as its loss"
        )
    summary = interval(v)
    _glue(name, str(summary), {"name": name, "values": v.tolist(), "exact": exact})
    for end in ("mean", "low", "high"):
        # A single value has no interval: its ends are the value itself.
        at = getattr(summary, end)
        _glue(f"{name}.{end}", repr(summary.mean if at is None else at))
    return summary


def _glue(name: str, text: str, recorded: dict | None = None) -> None:
    """Attach ``text`` to the cell under ``name``, invisibly, for MyST's glue."""
    from IPython.display import display

    metadata: dict = {"scrapbook": {"name": name, "mime_prefix": GLUE}}
    if recorded:
        metadata["repalign"] = {"record": recorded}
    display({f"{GLUE}text/plain": text}, raw=True, metadata=metadata)


def collect(notebook) -> dict:
    """Gather what the cells of an executed notebook recorded.

    Parameters
    ----------
    notebook : nbformat notebook

    Returns
    -------
    dict with ``records`` (name -> values, mean, low, high, n) and ``provenance``

    Raises
    ------
    ValueError
        If a name is recorded twice.
    """
    records: dict[str, dict] = {}
    facts: dict = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            ours = output.get("metadata", {}).get("repalign", {})
            facts = ours.get("provenance", facts)
            if "record" not in ours:
                continue
            recorded = dict(ours["record"])
            name = recorded.pop("name")
            if name in records:
                raise ValueError(f"{name} is recorded twice; give each its own name")
            records[name] = {**recorded, **asdict(interval(recorded["values"]))}
    return {"records": records, "provenance": facts}


def read_run(path: str | os.PathLike) -> dict:
    """Run record (JSON) written beside an executed notebook."""
    return json.loads(Path(path).read_text())
