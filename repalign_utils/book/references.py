"""Reference runs: kept from clean commits alone, each under a digest of its content.

``results/reference.json`` holds a run of each section at the paper's sizes, and
``results/quick.json`` one in the quick profile, which every build is compared with.
No entry is edited by hand: `keep` makes it from a run, and `spoiled` finds one that
is not as `keep` left it.
"""

import hashlib
import json
import subprocess
from pathlib import Path

import nbformat

from ..comparison import difference
from ..files import write_json
from . import paths, records, settings
from .errors import Refused
from .verdicts import measures_another_area

FILES = {"paper": "reference.json", "quick": "quick.json"}


class ReferenceRefused(Refused):
    """A run that cannot be kept as a reference; the message says why."""


def path(base: Path, profile: str) -> Path:
    """File with the reference runs of a profile."""
    return base / "results" / FILES[profile]


def read(base: Path, profile: str) -> dict[str, dict]:
    """Reference runs of a profile: section -> run record."""
    file = path(base, profile)
    return records.read_run(file) if file.exists() else {}


def read_at(base: Path, profile: str, revision: str) -> dict[str, dict]:
    """Reference runs of a profile as they were at a git revision; none before its file.

    Raises
    ------
    ReferenceRefused
        If git knows no such revision.
    """
    git = ["git", "-C", str(base)]
    known = subprocess.run(
        [*git, "rev-parse", "-q", "--verify", f"{revision}^{{commit}}"],
        capture_output=True,
    )
    if known.returncode:
        raise ReferenceRefused(
            f"git knows no revision {revision!r}; name a commit or tag"
        )
    shown = subprocess.run(
        [*git, "show", f"{revision}:./results/{FILES[profile]}"], capture_output=True
    )
    return json.loads(shown.stdout) if shown.returncode == 0 else {}


def digest(entry: dict) -> str:
    """SHA-256 of an entry's content, in hexadecimal digits, its own digest left out."""
    content = {key: value for key, value in entry.items() if key != "digest"}
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def spoiled(entries: dict[str, dict]) -> list[str]:
    """Sections whose entry is not as `keep` left it."""
    return [s for s, entry in entries.items() if entry.get("digest") != digest(entry)]


def keep(base: Path, record: Path, *, note: str = "") -> dict:
    """Keep a run as the reference of its section and profile.

    Parameters
    ----------
    base : root of the checkout
    record : run record (JSON), with the executed notebook beside it
    note : what the run is not, in a sentence for the claims page

    Returns
    -------
    dict, the entry as it was written

    Raises
    ------
    ReferenceRefused
        If the file is no run record, is not what its notebook recorded, or the run was
        made with other parameters than its profile's or from a tree with uncommitted
        changes.
    """
    entry = _read_record(record)
    _check_parameters(base, entry)
    _check_clean(entry)
    if note:
        entry["note"] = note
    entry["digest"] = digest(entry)
    kept = {**read(base, entry["profile"]), entry["section"]: entry}
    write_json(path(base, entry["profile"]), dict(sorted(kept.items())))
    return entry


def _read_record(record: Path) -> dict:
    """Run record that its notebook confirms."""
    try:
        runs = records.read_runs(record)
    except records.RecordError as error:
        raise ReferenceRefused(str(error)) from None
    if len(runs) != 1:
        raise ReferenceRefused(f"{record} holds {len(runs)} runs; expected one")
    ((section, entry),) = runs.items()
    notebook = record.with_suffix(".ipynb")
    if not notebook.exists():
        raise ReferenceRefused(
            f"{record} has no executed notebook {notebook.name} beside it that could "
            f"confirm it; run {section} again"
        )
    found = records.collect(nbformat.read(notebook, as_version=4))
    parts = ("records", "curves", "features", "provenance")
    if any(entry.get(part, {}) != found[part] for part in parts):
        raise ReferenceRefused(
            f"{record} is not what {notebook.name} recorded: one of them was edited; "
            f"run {section} again"
        )
    return entry


def _check_parameters(base: Path, entry: dict) -> None:
    section, profile = entry["section"], entry["profile"]
    if profile not in FILES:
        raise ReferenceRefused(
            f"this run of {section} has the profile {profile!r}; a reference is a run "
            f"with --profile {' or '.join(FILES)}"
        )
    source = paths.section_path(base, section)
    usual = settings.values_of(source, profile=profile)
    given = entry["parameters"]
    # Where data lie is this machine's business: a path is kept as "set".
    other = [n for n in {**usual, **given} if given.get(n) not in (usual.get(n), "set")]
    if other:
        raise ReferenceRefused(
            f"this run of {section} has other parameters than the profile {profile!r}: "
            + ", ".join(f"{n} = {given.get(n)!r}, not {usual.get(n)!r}" for n in other)
            + "; change the profile, or run without them"
        )


def _check_clean(entry: dict) -> None:
    section = entry["section"]
    for state in (entry.get("started_from", {}), entry["provenance"]):
        if not state.get("commit"):
            raise ReferenceRefused(
                f"this run of {section} does not say its commit; run it from a checkout"
            )
        if edited := state["edited"]:
            raise ReferenceRefused(
                f"this run of {section} was made with uncommitted changes, in "
                f"{', '.join(edited[:3])}{' and others' if len(edited) > 3 else ''}; "
                "commit them, and run it again"
            )
    began, ended = entry["started_from"]["commit"], entry["provenance"]["commit"]
    if began != ended:
        raise ReferenceRefused(
            f"this run of {section} began at commit {began[:12]} and ended at "
            f"{ended[:12]}; run it again in a checkout that nobody moves"
        )


def moved(before: dict[str, dict], after: dict[str, dict]) -> list[str]:
    """Recorded values that moved between two states of a file of references.

    Parameters
    ----------
    before, after : section -> run record

    Returns
    -------
    list of lines, ``section, `name`: old → new``; others say where the areas of the two
    states are over two axes, how many values are new, and which are gone
    """
    lines = []
    for section in sorted(before.keys() & after.keys()):
        old, new = before[section]["records"], after[section]["records"]
        sides = {measures_another_area(state[section]) for state in (before, after)}
        if len(sides) == 2:
            lines.append(f"- {section}: areas are over another axis from here on.")
        for name in [name for name in old if name in new]:
            found = difference(name, old[name], new[name], exact=True)
            if found.unequal:
                lines.append(f"- {section}, `{name}`: {found.first} → {found.second}")
        if added := len(new.keys() - old.keys()):
            lines.append(f"- {section}: {added} values added.")
        if gone := sorted(old.keys() - new.keys()):
            lines.append(f"- {section}, left out: {', '.join(f'`{n}`' for n in gone)}.")
    return lines
