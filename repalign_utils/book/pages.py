"""Pages that are generated from run records: sections, claims, landing figures.

Nothing here is read back by a later page: each is made anew from the records, so
that a value that changed changes everywhere.
"""

import base64
import os
from pathlib import Path

import nbformat

from ..files import replacing
from . import claims, origin, paths, records, references
from .runner import duration, read_section
from .tables import markdown_table

MARKS = {
    claims.REPRODUCED: "✓ reproduced",
    claims.NOT_REPRODUCED: "✗ not reproduced",
    claims.INCONCLUSIVE: "? inconclusive",
    claims.NOT_RUN: "– not run",
}


def executed_path(base: Path, profile: str, section: str) -> Path:
    """Executed notebook of a section in a profile; its record has suffix .json."""
    return base / "results" / profile / f"{section}.ipynb"


def read_runs(base: Path, profile: str) -> dict[str, dict]:
    """Run records of a profile: section -> record, for the sections that were run."""
    executed = {s: executed_path(base, profile, s) for s in paths.sections(base)}
    return {
        section: records.read_run(path.with_suffix(".json"))
        for section, path in executed.items()
        if path.exists()
    }


def publish(base: Path, profile: str) -> list[claims.Judged]:
    """Write every generated page of the book from the runs of a profile.

    Parameters
    ----------
    base : root of the checkout
    profile : "quick" or "paper"

    Returns
    -------
    list of judged claims, as the pages show them
    """
    stated = claims.read_claims(base / "claims.yaml")
    runs = read_runs(base, profile)
    judged = claims.judge(stated, runs, profile)
    kept = references.read(base, "paper")
    reference = claims.judge(stated, kept, "paper")
    for section in paths.sections(base):
        mine = [j for j in judged if j.claim.section == section]
        page = _section_page(base, profile, section, mine, section in runs)
        _write(base / "book" / "sections" / f"{section}.ipynb", nbformat.writes(page))
    page = claims_page(judged, reference, profile, kept)
    _write(base / "book" / "claims.md", page)
    generated = base / "book" / "_generated"
    _write(generated / "times.md", times_table(base, runs, profile, kept))
    _write(generated / "summary.md", _summary(judged, reference, profile))
    _publish_landing_figure(base, generated, profile, runs)
    return judged


def _write(path: Path, content: str | bytes) -> None:
    """Write only what changed: the site builder goes by the time of the file."""
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == data:
        return
    with replacing(path) as part:
        part.write_bytes(data)


def _section_page(base, profile: str, section: str, judged, was_run: bool):
    """Executed notebook with its claim box; or a page that says it was not run."""
    if was_run:
        path = executed_path(base, profile, section)
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            # Paths of a profile start at the root; where that lies is not published.
            if "parameters" in cell.metadata.get("tags", []):
                cell.source = cell.source.replace(f"{base}{os.sep}", "")
    else:
        source = read_section(base / "notebooks" / f"{section}.py")
        heading = source.cells[0].source.splitlines()
        said = f"This section was not run in the {profile} profile of this build."
        notebook = nbformat.v4.new_notebook(metadata=source.metadata)
        text = "\n".join([*heading, "", ":::{warning}", said, ":::"])
        notebook.cells = [nbformat.v4.new_markdown_cell(text, id="title")]
    box = nbformat.v4.new_markdown_cell(claim_box(judged), id="claims")
    notebook.cells.insert(1, box)
    return notebook


def claim_box(judged: list[claims.Judged]) -> str:
    """Markdown box at the top of a section: its claims, values and verdicts."""
    lines = [
        "::::{admonition} What this section claims, and what this run says of it",
        ":class: claims",
        "",
    ]
    lines += [
        f"- {j.claim.statement} *{j.value}*: **{MARKS[j.verdict]}**" for j in judged
    ]
    lines += ["", "In brackets: 95 % interval over seeds. [](../claims.md) has more."]
    return "\n".join([*lines, "::::"])


def claims_page(
    judged: list[claims.Judged],
    reference: list[claims.Judged],
    profile: str,
    kept: dict[str, dict],
) -> str:
    """Markdown of the page ``book/claims``.

    Parameters
    ----------
    judged : claims judged by this build
    reference : the same claims, in the same order, judged by the reference runs
    profile : of this build
    kept : section -> record of its reference run
    """
    lines = [
        # The wide tables need the room of the page's own contents.
        "---",
        "html_theme.sidebar_secondary.remove: true",
        "---",
        "",
        "# Claims",
        "",
        "Every claim of the paper that a section of this book tests, in our words. "
        "A verdict is computed from the 95 % interval over seeds of a recorded value: "
        "it has to lie on the right side of the condition as a whole. "
        "An interval that holds the line, or a single value, is inconclusive.",
        "",
        f"This build ran the `{profile}` profile: {claims.counts(judged)}. "
        "The reference runs, at the paper's sizes unless the section's line says "
        f"otherwise: {claims.counts(reference)}. "
        "How to make a run of your own is on the page [](rerun.md).",
        "",
    ]
    for section in dict.fromkeys(j.claim.section for j in judged):
        heading = f"## [](sections/{section}.ipynb)"
        lines += [heading, "", _reference_line(kept.get(section)), ""]
        lines += [_claims_table(section, judged, reference, profile), ""]
    return "\n".join(lines) + "\n"


def _reference_line(entry: dict | None) -> str:
    """What the reference run ran on, and in what it is not the paper's size."""
    if entry is None:
        return "There is no reference run."
    facts, values = entry["provenance"], entry["parameters"]
    told = [f"Reference run, on {facts['device']}: {' '.join(facts['data'])}"]
    # Where data lie and what computes is no change of the experiment.
    changed = [n for n in entry.get("changed", []) if values[n] != "set"]
    if changed:
        listed = ", ".join(f"`{n}: {values[n]}`" for n in changed)
        told.append(f"Against the paper profile: {listed}.")
    told += [entry[words] for words in ("note", "origin") if words in entry]
    return " ".join(told)


def _claims_table(section: str, judged, reference, profile: str) -> str:
    header = ["Claim", "In the paper", "Condition"]
    header += ["This build", "Verdict", "Reference run", "Verdict"]
    rows = []
    for here, there in zip(judged, reference, strict=True):
        claim = here.claim
        if claim.section == section:
            condition = claim.condition(profile)
            if claim.condition("paper") != condition:
                condition += f" (reference: {claim.condition('paper')})"
            stated = f"**{claim.id}** {claim.statement}"
            tested = f"`{claim.quantity}` {condition}"
            found = [x for j in (here, there) for x in (j.value, MARKS[j.verdict])]
            rows.append([stated, claim.place, tested, *found])
    return markdown_table(header, rows)


def times_table(base: Path, runs: dict, profile: str, kept: dict) -> str:
    """Table of wall time and memory of each section: this build, and reference runs."""
    rows = []
    for section in paths.sections(base):
        cells = [f"[](sections/{section}.ipynb)"]
        for entry in (runs.get(section), kept.get(section)):
            if entry is None:
                cells += ["not run", ""]
                continue
            facts = entry["provenance"]
            cells += [duration(entry["wall_s"]), origin.memory(facts)]
        rows.append(cells)
    header = ["Section", f"`{profile}`", "Memory", "Reference run", "Memory"]
    return markdown_table(header, rows) + "\n"


def _summary(judged, reference, profile: str) -> str:
    return (
        f"Of {len(judged)} claims, this build (`{profile}` profile) finds "
        f"**{claims.counts(judged)}**; the reference runs, at the paper's sizes where "
        "that was possible, find "
        f"**{claims.counts(reference)}**. [See them all](claims.md).\n"
    )


def _publish_landing_figure(base: Path, folder: Path, profile: str, runs) -> None:
    """Copy the figure tagged ``landing-figure`` and its words for the landing page."""
    for section in runs:
        path = executed_path(base, profile, section)
        for cell in nbformat.read(path, as_version=4).cells:
            if "landing-figure" in cell.metadata.get("tags", []):
                image, suffix = _image(cell)
                words = cell.metadata["mystnb"]
                _write(folder / f"landing{suffix}", image)
                _write(
                    folder / "landing.md",
                    f":::{{figure}} _generated/landing{suffix}\n"
                    f":alt: {words['image']['alt']}\n\n"
                    f"{words['figure']['caption']} From the section "
                    f"[](sections/{section}.ipynb), as run for this build.\n:::\n",
                )
                return
    _write(folder / "landing.md", "The section with this figure was not run.\n")


def _image(cell) -> tuple[bytes, str]:
    """Image that a cell shows, and its suffix."""
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/svg+xml" in data:
            return "".join(data["image/svg+xml"]).encode(), ".svg"
        if "image/png" in data:
            return base64.b64decode(data["image/png"]), ".png"
    raise ValueError("the cell tagged 'landing-figure' shows no image")


def times(base: Path, profile: str) -> list[str]:
    """One line per section of a profile: how long its run took."""
    runs = read_runs(base, profile)
    return [
        f"{s:<24} {duration(runs[s]['wall_s']) if s in runs else 'not run'}"
        for s in paths.sections(base)
    ]


def index_page(base: Path) -> str:
    """Path of the built landing page, relative to the working folder if below it."""
    path = base / "_build" / "html" / "index.html"
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
