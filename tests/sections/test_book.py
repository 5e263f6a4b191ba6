"""The sections as the book has them: executed in the quick profile by `make book`."""

import json

import nbformat
import pytest

from repalign_utils import claims, pages, project
from tests.conftest import ROOT

pytestmark = pytest.mark.section
SECTIONS = project.sections(ROOT)
CLAIMS = claims.read_claims(ROOT / "claims.yaml")
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


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c.id)
def test_what_a_claim_is_about_was_recorded_with_seeds(runs, claim):
    entry = runs[claim.section]["records"][claim.quantity]
    assert entry["n"] >= 3
    assert entry["low"] <= entry["mean"] <= entry["high"]


# What the quick profile finds. A verdict that moves is news: for the changelog first.
REPORTED = dict.fromkeys(("04-o", "05-n", "06-g"), "not reproduced")
REPORTED |= dict.fromkeys(
    ("04-e", "04-j", "06-d", "07-a", "07-d", "07-f", "07-h", "08-b", "08-c", "08-f"),
    "inconclusive",
)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c.id)
def test_the_verdict_is_the_one_that_the_book_has_reported(runs, claim):
    (judged,) = claims.judge([claim], runs, "quick")
    assert judged.verdict == REPORTED.get(claim.id, "reproduced"), judged.value


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_has_claims_and_they_open_its_page(runs, section):
    page = nbformat.read(ROOT / "book/sections" / f"{section}.ipynb", as_version=4)
    mine = [c for c in CLAIMS if c.section == section]
    assert mine
    for claim in mine:
        assert claim.statement in page.cells[1].source
    assert "| Parameter | This run | Default | Meaning |" in page.cells[3].source


@pytest.mark.parametrize("section", SECTIONS)
def test_a_figure_cell_shows_one_image_and_nothing_else(runs, section):
    for cell in executed(section).cells:
        if "mystnb" in cell.metadata:
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
