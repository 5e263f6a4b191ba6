"""The sections as the book has them: executed in the quick profile by `make book`."""

import json
from functools import cache

import nbformat
import pytest

from repalign_utils.book import claims, pages, paths, references, settings, verdicts
from repalign_utils.book.two_runs import agreement_of
from repalign_utils.comparison import overall
from tests.conftest import ROOT
from tests.sections.running import run_all

pytestmark = pytest.mark.section
SECTIONS = paths.sections(ROOT)
CLAIMS = claims.read_claims(ROOT / "claims.yaml")
# Each claim on one of its settings.
SINGLE = [c.model_copy(update={"settings": (s,)}) for c in CLAIMS for s in c.settings]
FACTS = {"commit", "versions", "seeds", "device", "precision", "data", "wall_s"}


@pytest.fixture(scope="module")
def runs(site):
    return pages.read_runs(ROOT, "quick")


def executed(section):
    path = pages.executed_path(ROOT, "quick", section)
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_was_run_and_says_what_it_ran_on(runs, section):
    facts = runs[section]["provenance"]
    assert facts.keys() >= FACTS
    assert facts["wall_s"] > 0 and all(facts["data"]) and facts["data_sha256"]


def _setting(claim):
    return claim.settings[0].id


@pytest.mark.parametrize("claim", SINGLE, ids=_setting)
def test_what_a_claim_is_about_was_recorded_with_seeds(runs, claim):
    (setting,) = claim.settings
    assert runs[claim.section]["records"][setting.quantity]["n"] >= 3


@pytest.fixture(scope="module")
def compared(request, tmp_path_factory):
    """Agreement of each section's run with the kept one."""
    first = request.config.getoption("--first-seed")
    kept = references.read(ROOT, "quick")
    if first is None:
        found = request.getfixturevalue("runs")
    else:
        folder = tmp_path_factory.mktemp("moved")
        given = {s: {"seed": first} for s in SECTIONS}
        found = run_all(folder, given, dict.fromkeys(SECTIONS, "quick"))

    @cache
    def of(section):
        return agreement_of(found[section], kept[section])

    return of


@pytest.mark.parametrize("section", SECTIONS)
def test_the_kept_run_has_the_parameters_of_the_profile(section):
    source = paths.section_path(ROOT, section)
    usual = settings.values_of(source, profile="quick")
    kept = references.read(ROOT, "quick")[section]["parameters"]
    assert kept == usual, f"run it again, then: repalign reference {section[:2]} ..."


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_agrees_with_its_kept_run(compared, section):
    assert compared(section).reasons == []


def test_the_book_agrees_with_its_kept_runs_as_a_whole(compared):
    assert overall(compared(section) for section in SECTIONS) == []


def _settled(claim):
    """Verdict of the kept run where no processor can move it, else None.

    Trainings part on another processor after some steps, so the interval's ends move.
    What no training has touched, or lies five half-widths from the lines, stays.
    """
    kept = references.read(ROOT, "quick")
    (judged,) = verdicts.judge([claim], kept)
    (setting,) = claim.settings
    entry = kept[claim.section]["records"].get(setting.quantity)
    if judged.verdict == verdicts.NOT_RUN or entry is None:
        return None
    if entry["exact"]:
        return judged.verdict
    if entry["low"] is None or setting.smallest is None:
        return None
    half = (entry["high"] - entry["low"]) / 2
    lines = [setting.bound + k * setting.smallest for k in (-1, 0, 1)]
    distance = min(abs(entry["mean"] - x) for x in lines)
    return judged.verdict if half and distance > 5 * half else None


SETTLED = [claim for claim in SINGLE if _settled(claim)]


@pytest.mark.parametrize("claim", SETTLED, ids=_setting)
def test_a_verdict_far_from_its_line_stays(runs, claim):
    (judged,) = verdicts.judge([claim], runs)
    assert judged.verdict == _settled(claim), judged.findings[0].value


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_has_claims_and_they_open_its_page(runs, section):
    page = nbformat.read(ROOT / "book/sections" / f"{section}.ipynb", as_version=4)
    mine = [c for c in CLAIMS if c.section == section]
    assert mine
    at = next(i for i, cell in enumerate(page.cells) if cell.get("id") == "claims")
    assert at <= 2  # below the title, and the figure of the finding
    for claim in mine:
        assert claim.statement in page.cells[at].source
    (table,) = page.cells[at + 2].outputs
    assert "| Parameter | This run | Default | Meaning |" in table.data["text/markdown"]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_figure_cell_shows_one_image_and_nothing_else(runs, section):
    for cell in executed(section).cells:
        if "figure" in cell.metadata.get("mystnb", {}):
            (output,) = cell.outputs
            assert "image/svg+xml" in output["data"] or "image/png" in output["data"]


@pytest.mark.parametrize("section", SECTIONS)
def test_the_page_ends_with_findings_exercises_and_provenance(runs, section):
    headings = [
        line[3:]
        for cell in executed(section).cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]
    assert headings[-3:] == ["What was found", "Exercises", "Provenance"]


@pytest.mark.parametrize("section", SECTIONS)
def test_the_notebook_holds_no_path_of_this_machine(runs, section):
    text = json.dumps(executed(section))
    assert str(ROOT) not in text and "/tmp/" not in text
