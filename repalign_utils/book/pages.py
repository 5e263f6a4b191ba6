"""Pages that are generated from run records: sections, claims, and the front page's.

Nothing here is read back by a later page: each is made anew from the records, so
that a value that changed changes everywhere.
"""

import base64
import json
import os
import re
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path

import nbformat

from ..files import write_changed
from . import (
    claims,
    origin,
    paths,
    places,
    plain_yaml,
    records,
    references,
    tables,
    telling,
    verdicts,
)
from .drawings import lighter
from .forest import forest
from .notebooks import read_section
from .shortfalls import shortfalls

MARKS = {
    verdicts.REPRODUCED: "✓",
    verdicts.SMALL: "↗",
    verdicts.SOME: "◐",
    verdicts.INCONCLUSIVE: "?",
    verdicts.NOT_REPRODUCED: "✗",
    verdicts.NOT_TESTABLE: "○",
    verdicts.NOT_RUN: "–",
}
# Kind of a claim -> its heading, and the words behind a claim of it.
KINDS = {"paper": "Claims of the paper", "check": "Checks", "ours": "Our own claims"}
LABELS = {"paper": "of the paper", "check": "check", "ours": "ours"}


def marked(found: verdicts.Judged | verdicts.Finding) -> str:
    """Verdict in words, behind its mark."""
    words = found.verdict if isinstance(found, verdicts.Finding) else str(found)
    return f"{MARKS[found.verdict]} {words}"


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


def publish(base: Path, profile: str) -> list[verdicts.Judged]:
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
    judged = verdicts.judge(stated, runs)
    kept = references.read(base, "paper")
    reference = verdicts.judge(stated, kept)
    values = {
        "profile": profile,
        "sections": paths.sections(base),
        "runs": runs,
        "kept": kept,
        "older": [s for s in kept if verdicts.measures_another_area(kept[s])],
        "judged": judged,
        "reference": reference,
        "pairs": list(zip(judged, reference, strict=True)),
        "linked": {},
        "questions": _questions(base),
    }
    values["missing"] = shortfalls(values["pairs"], "paper")
    book, generated = base / "book", base / "book" / "_generated"
    for section in paths.sections(base):
        mine = [both for both in values["pairs"] if both[0].claim.section == section]
        page = _section_page(base, profile, section, mine, section in runs)
        claimed = {s.quantity for here, _ in mine for s in here.claim.settings}
        values["linked"][section] = _link_cells(page, section, claimed)
        if section in runs and runs[section]["records"]:
            _offer_data(page, generated, section, runs[section])
        _insert_lead_figure(page, generated, section)
        write_changed(book / "sections" / f"{section}.ipynb", nbformat.writes(page))
    write_changed(book / "claims.md", _filled("claims", **values))
    for name in ("times", "findings", "sections"):
        write_changed(generated / f"{name}.md", _filled(name, **values))
    return judged


def _questions(base: Path) -> dict[str, str]:
    """What each section asks; a section of one's own need not be among them."""
    path = base / "book" / "questions.yaml"
    return plain_yaml.read_yaml(path.read_text()) if path.exists() else {}


@cache
def _shelf():
    """Templates of the pages, and what they may call."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    shelf = Environment(
        loader=PackageLoader("repalign_utils.book"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    shelf.filters |= {"inline": _inline, "slug": _slug}
    shelf.globals |= {"forest": forest, "span": telling.span}
    shelf.globals |= {"marked": marked, "kinds": KINDS, "tally": telling.tally}
    shelf.globals |= {"comparison": verdicts.comparison, "compared": telling.compared}
    shelf.globals |= {"labels": LABELS, "marks": MARKS, "needed": verdicts.needed}
    shelf.globals |= {"duration": origin.duration, "memory": origin.memory}
    return shelf


def _filled(template: str, **values) -> str:
    """Markdown of a template with these values."""
    return _shelf().get_template(f"{template}.md.jinja").render(values)


def _inline(words: object) -> str:
    """HTML of words, whose backticks mark code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(str(words)))


def _slug(words: str) -> str:
    """Words as one, for a style sheet."""
    return words.replace(" ", "-")


def _section_page(base, profile: str, section: str, pairs, was_run: bool):
    """Executed notebook with its claim box; or a page that says it was not run."""
    if was_run:
        path = executed_path(base, profile, section)
        notebook = nbformat.read(path, as_version=4)
        _fold_parameters(notebook, base)
        _lighten(notebook)
    else:
        source = read_section(base / "notebooks" / f"{section}.py")
        # The title alone: the lead speaks of what a run has found.
        heading, _, _ = source.cells[0].source.partition("\n\n")
        text = _filled("not_run", heading=heading, profile=profile).rstrip()
        notebook = nbformat.v4.new_notebook(metadata=source.metadata)
        notebook.cells = [nbformat.v4.new_markdown_cell(text, id="title")]
    _number_title(notebook.cells[0], section)
    text = _filled("claim_box", pairs=pairs).rstrip()
    box = nbformat.v4.new_markdown_cell(text, id="claims")
    notebook.cells.insert(1, box)
    return notebook


def _number_title(cell, section: str) -> None:
    """Number a section's title as the commands do."""
    cell.source = re.sub(
        r"^# ", f"# {section[:2]} · ", cell.source, count=1, flags=re.M
    )


def _fold_parameters(notebook, base: Path) -> None:
    """Fold the cell of parameters, and the table of them that the next one shows."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, shown in pairwise(code):
        if "parameters" in cell.metadata.get("tags", []):
            # Paths of a profile start at the root; where that lies is not published.
            cell.source = cell.source.replace(f"{base}{os.sep}", "")
            cell.metadata["mystnb"] = {"code_prompt_show": "Show the parameters cell"}
            shown.metadata.setdefault("tags", []).append("hide-output")
            shown.metadata["mystnb"] = {"code_prompt_show": "Show the parameters"}


def _lighten(notebook) -> None:
    """Have the cells show their drawings in fewer letters."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/svg+xml" in data:
                data["image/svg+xml"] = lighter("".join(data["image/svg+xml"]))


def _link_cells(page, section: str, claimed: set[str]) -> dict[str, dict[str, str]]:
    """Give an anchor to each cell that records a claimed quantity; addresses of both.

    Returns
    -------
    dict, quantity -> addresses of its figure and of the cell that records it
    """
    address = f"sections/{section}.html"
    shown = places.figures(page)
    linked, cells = {}, []
    for cell in page.cells:
        mine = [name for name in places.recorded(cell) if name in claimed]
        if mine:
            marks = "".join(
                f'<span id="{places.anchor(name)}"></span>' for name in mine
            )
            cells.append(nbformat.v4.new_markdown_cell(marks, id=f"at-{cell.id}"[:64]))
        cells.append(cell)
        for name in mine:
            label = shown.get(name, places.anchor(name))
            cell_at = f"{address}#{places.anchor(name)}"
            linked[name] = {"figure": f"{address}#{label}", "cell": cell_at}
    page.cells = cells
    return linked


def _offer_data(page, folder: Path, section: str, run: dict) -> None:
    """Write what the run recorded as CSV and JSON, with links below each figure."""
    write_changed(
        folder / f"{section}.csv", tables.tidy({section: run}).to_csv(index=False)
    )
    write_changed(folder / f"{section}.json", json.dumps(run))
    text = _filled("data", section=section).rstrip()
    cells = []
    for cell in page.cells:
        cells.append(cell)
        if places.figure(cell):
            name = f"data-{places.figure(cell)}"
            cells.append(nbformat.v4.new_markdown_cell(text, id=name[:64]))
    page.cells = cells


def _insert_lead_figure(page, folder: Path, section: str) -> None:
    """Show the figure tagged ``lead-figure`` below the lead as well."""
    for cell in page.cells:
        if "lead-figure" in cell.metadata.get("tags", []):
            content, suffix = _image(cell)
            write_changed(folder / f"{section}{suffix}", content)
            words = cell.metadata["mystnb"]
            text = _filled("lead", image=f"{section}{suffix}", words=words).rstrip()
            page.cells.insert(1, nbformat.v4.new_markdown_cell(text, id="lead"))
            return


def _image(cell) -> tuple[bytes, str]:
    """Image that a cell shows, and its suffix."""
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/svg+xml" in data:
            return "".join(data["image/svg+xml"]).encode(), ".svg"
        if "image/png" in data:
            return base64.b64decode(data["image/png"]), ".png"
    raise ValueError("the cell tagged 'lead-figure' shows no image")
