"""What can be run, with which parameters, and how long it takes."""

from pathlib import Path

from . import pages, paths, references
from . import parameters as params
from .notebooks import parameters_cell, read_section
from .origin import duration
from .plain_yaml import read_mapping
from .settings import typed, values_of

_NOT_KEPT = "-"


def sections(base: Path) -> list[str]:
    """One line per section: number, title, and how long it took in each profile.

    Parameters
    ----------
    base : root of the checkout
    """
    rows = [["", "Section", *paths.PROFILES]]
    for name in paths.sections(base):
        took = [_took(base, profile, name) for profile in paths.PROFILES]
        rows.append([name[:2], _title(base, name), *took])
    return _aligned(rows)


def parameters(base: Path, section: str) -> list[str]:
    """Title and time of a section, then one line per parameter.

    Parameters
    ----------
    base : root of the checkout
    section : name of the section
    """
    path = paths.section_path(base, section)
    cell = parameters_cell(read_section(path)).source
    large = [p for p in paths.LARGE if section in _settings_of(base, p)]
    names = [*paths.PROFILES, *large]
    profiles = [values_of(path, profile=p) for p in names]
    rows = [["Parameter", "Type", "Default", *names, "Meaning"]]
    for name, p in params.declared(cell).items():
        default = p.check(p.default)
        values = [p.told(values[name]) for values in profiles]
        shown = ["" if v == default else typed(v) or '""' for v in values]
        limits = f"{{{p.limits}}} " if p.limits else f"{p.kind}: " if p.kind else ""
        or_path = "path or " if p.kind == "path or choice" else ""
        rows.append(
            [name, p.type, typed(default) or '""', *shown, f"{or_path}{limits}{p.help}"]
        )
    took = [f"{p} {_took(base, p, section)}" for p in paths.PROFILES]
    conditions = [f"Needs {c.expression}: {c.why}." for c in params.conditions(cell)]
    title = f"{section}: {_title(base, section)} ({', '.join(took)})"
    return [title, *_aligned(rows), *conditions]


def _settings_of(base: Path, profile: str) -> dict:
    """Settings of a profile; none where a checkout has no such file."""
    file = paths.profile_path(base, profile)
    return read_mapping(file, params.ParameterError) if file.exists() else {}


def _title(base: Path, section: str) -> str:
    """Heading of a section's page."""
    cells = read_section(paths.section_path(base, section)).cells
    lines = cells[0].source.splitlines()
    return next(line[2:] for line in lines if line.startswith("# "))


def _took(base: Path, profile: str, section: str) -> str:
    """Time of the kept run of a profile, or of this checkout's own."""
    entry = references.read(base, profile).get(section)
    if entry is None or _smaller(entry):
        entry = pages.read_runs(base, profile).get(section)
    return duration(entry["wall_s"]) if entry else _NOT_KEPT


def _smaller(entry: dict) -> bool:
    """Whether a kept run had other parameters than its profile, paths aside."""
    changed = entry.get("changed") or ()
    return any(entry["parameters"][name] != "set" for name in changed)


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
