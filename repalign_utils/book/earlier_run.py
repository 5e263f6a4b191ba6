"""Parameters of an earlier run, from its record, to run it again."""

from dataclasses import dataclass
from pathlib import Path

import nbformat

from . import parameters as params
from . import paths, records
from .notebooks import parameters_cell, read_section
from .parameters_cell import values_in


@dataclass(frozen=True)
class EarlierRun:
    """What a record tells of a run that is to be made again.

    Attributes
    ----------
    section, profile : as recorded; the profile is None where none was named
    values : name -> value; a path that a run makes is left out if it is not known
    unsaid : names of the section's parameters that are not among the values
    """

    section: str
    profile: str | None
    values: dict
    unsaid: tuple[str, ...]


def read(base: Path, record: Path, section: str | None, given=()) -> EarlierRun:
    """Earlier run that a record tells of.

    Parameters
    ----------
    base : root of the checkout
    record : run record, or file of reference runs
    section : as on the command line; needed for a file of several runs
    given : names of parameters that get other values

    Raises
    ------
    errors.Refused
        If it is no record, one of another section or another version of it, or if it
        does not say where a path led.
    """
    entry = _entry(base, record, section)
    path = paths.section_path(base, entry["section"])
    declared = params.declared(parameters_cell(read_section(path)).source)
    values = dict(entry["parameters"])
    unknown = [name for name in values if name not in declared]
    if unknown:
        raise params.ParameterError(
            f"{record} was made by another version of {path.stem}: it no longer has "
            f"{', '.join(unknown)}; check out {_commit(entry)} to run it again"
        )
    places = _paths(record.with_suffix(".ipynb"))
    for name in [n for n, v in values.items() if declared[n].kind and _is_hidden(v)]:
        values.pop(name)
        if name in places:
            values[name] = places[name]
        elif name not in given and declared[name].kind != "path":
            raise params.ParameterError(
                f"{record} does not say where {name} led; name the place with "
                f'-p {name} PATH, or -p {name} "" for none'
            )
    unsaid = tuple(n for n in declared if n not in values and n not in given)
    return EarlierRun(path.stem, entry.get("profile"), values, unsaid)


def _entry(base: Path, record: Path, section: str | None) -> dict:
    """Record of the section in a file of one or of several."""
    runs = records.read_runs(record)
    name = paths.section_path(base, section).stem if section else None
    if name is None and len(runs) == 1:
        (name,) = runs
    if name not in runs:
        asked = f", not of {name}" if name else "; name one of them"
        raise params.ParameterError(f"{record} is of {', '.join(runs)}{asked}")
    return runs[name]


def _is_hidden(value) -> bool:
    """Whether a record keeps no more of a value than that a path was set."""
    return value == "set" or isinstance(value, list) and "set" in value


def _paths(notebook: Path) -> dict:
    """Values in force in the executed notebook beside a record, if it is there."""
    if not notebook.exists():
        return {}
    cell = parameters_cell(nbformat.read(notebook, as_version=4))
    return values_in(cell.source)


def _commit(entry: dict) -> str:
    commit = entry.get("provenance", {}).get("commit")
    return f"commit {commit[:12]}" if commit else "that version"
