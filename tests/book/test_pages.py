import base64
import json
from dataclasses import asdict

import nbformat
import pytest
from bs4 import BeautifulSoup

from repalign_utils.book import pages, places, records, references, runner, verdicts
from repalign_utils.files import write_json
from repalign_utils.statistics import interval
from tests import miniature

SECTION = "book/sections/05_tiny.ipynb"
OTHER = "book/sections/06_other.ipynb"
PAGES = (
    SECTION,
    OTHER,
    "book/claims.md",
    "book/_generated/sections.md",
    "book/_generated/findings.md",
    "book/_generated/times.md",
)


def _run(base, gain):
    output = pages.executed_path(base, "quick", "05_tiny")
    section = base / "notebooks/05_tiny.py"
    given = {"gain": gain}
    return runner.run(section, output, profile="quick", given=given, progress=False)


def _publish(base):
    """Judged claims, and the text of every page."""
    judged = pages.publish(base, "quick")
    return judged, {name: (base / name).read_text() for name in PAGES}


def _rows(text, marked):
    return [line for line in text.splitlines() if marked in line]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    made = miniature.make(tmp_path_factory.mktemp("book"))
    (made / "book").mkdir()
    (made / "book/questions.yaml").write_text("05_tiny: What does it gain?\n")
    return made


@pytest.fixture(scope="module")
def published(base):
    """Pages and verdicts before and after the section found something else."""
    _run(base, 2)
    values = [0.148, 0.149, 0.15, 0.151, 0.152]  # positive, and not by far
    entry = {"values": values, **asdict(interval(values))}
    kept = {"section": "05_tiny", "wall_s": 80, "records": {"05.gain": entry}}
    kept["form"] = records.FORM
    kept |= {
        "parameters": {"gain": 3.0, "marker": "set"},
        "changed": ["gain", "marker"],
    }
    kept["provenance"] = {"device": "cpu (a chip)", "data": ["9 of 10 rows."]}
    kept["note"] = "It needs a cluster."
    write_json(references.path(base, "paper"), {"05_tiny": kept})
    before = _publish(base)
    times = {name: (base / name).stat().st_mtime_ns for name in PAGES}
    again = _publish(base)
    untouched = {name: (base / name).stat().st_mtime_ns for name in PAGES}
    _run(base, 0)
    return before, (times, untouched), again, _publish(base)


@pytest.fixture
def empty(tmp_path):
    return miniature.make(tmp_path)


def _pretend(base, *cells):
    """Leave an executed notebook of these cells, with an empty record beside it."""
    path = pages.executed_path(base, "quick", "05_tiny")
    title = nbformat.v4.new_markdown_cell("# A tiny section")
    record = {"records": {}, "wall_s": 3723, "provenance": {"memory_mb": 1234}}
    write_json(path.with_suffix(".json"), record)
    nbformat.write(nbformat.v4.new_notebook(cells=[title, *cells]), path)


def test_the_values_of_a_run_are_on_every_page(published):
    (judged, text), *_ = published
    assert [str(j) for j in judged] == ["reproduced", "not run", "not run"]
    value = "2.02 [2.00, 2.04]"
    assert judged[0].findings[0].value == value
    for name in (SECTION, "book/claims.md"):
        assert value in text[name] and "✓ reproduced" in text[name]
    counted = ": of 1 headline claim of papers 1 reproduced; checks: 0 of 1, 1 not"
    assert counted in text["book/_generated/sections.md"]


def test_a_value_that_changes_changes_on_every_page(published):
    (_, before), _, _, (judged, after) = published
    assert [j.verdict for j in judged] == ["in some settings", "not run", "not run"]
    value = "0.0200 [3.68e-04, 0.0396]"
    words = "right sign but small in 1 of 2 settings, the other way in 1"
    assert (judged[0].findings[0].value, str(judged[0])) == (value, words)
    for name in (SECTION, "book/claims.md"):
        assert value in after[name] and value not in before[name]
        assert words in after[name] and "2.02 [2.00" not in after[name]
    counted = "of 1 headline claim of papers 1 in some settings"
    assert counted in after["book/_generated/sections.md"]


def test_the_sentence_of_the_section_reads_the_same_value(published):
    for _, text in (published[0], published[3]):
        notebook = nbformat.reads(text[SECTION], as_version=4)
        glued = {
            output.metadata.scrapbook.name: output.data[records.GLUE + "text/plain"]
            for cell in notebook.cells
            for output in cell.get("outputs", [])
            if "scrapbook" in output.get("metadata", {})
        }
        assert f" {glued['05.gain']}, " in text["book/claims.md"]


def test_pages_that_do_not_change_are_not_written(published):
    (_, before), (times, untouched), (_, again), _ = published
    assert times == untouched and before == again


def test_the_section_page_opens_with_its_claims_below_its_title(published):
    (_, text), *_ = published
    notebook = nbformat.reads(text[SECTION], as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# 05 · A tiny section")
    *lines, told, _ = notebook.cells[1].source.splitlines()
    assert [line for line in lines if line] == [
        "::::{admonition} What this section claims, and what this run says of it",
        ":class: claims",
        "**Claims of the paper**",
        "- **✓ reproduced**: The gain is positive. (differs)",
        "**Checks**",
        "- **– not run**: The loss is small. (no reference)",
        ":::{dropdown} The numbers, setting by setting",
        "- 05-a at all: *2.02 [2.00, 2.04]*, ✓ reproduced",
        "- 05-b by far: *2.02 [2.00, 2.04]*, ✓ reproduced",
        "- 05-c at the end: *quantity not recorded*, – not run",
        "In square brackets: 95 % interval, from five values on.",
        ":::",
    ]
    assert told.startswith("In round brackets: whether the run agrees with the ref")


def _claim(page, name):
    """Row of a headline claim, as a reader without a browser would see it."""
    return BeautifulSoup(page, "html.parser").find(id=name)


def test_the_claims_page_sets_this_build_beside_the_reference(published):
    (_, text), *_ = published
    page = text["book/claims.md"]
    row = _claim(page, "05-1")
    told = row.summary.get_text()
    assert "The gain is positive. of the paper" in told
    assert "✓ reproduced reference: ◐ in 1 of 2 settings" in told
    by_far = " ".join(row.find(id="05-b").stripped_strings)
    assert (
        "by far above 1.5 This build: 2.02 [2.00, 2.04], ✓ reproduced (5 of" in by_far
    )
    assert "Reference run: 0.150 [0.148, 0.152], ✗ not reproduced" in by_far
    assert "Compared: differs." in by_far
    assert "Changed after data were seen: nothing." in row.get_text()
    assert _claim(page, "06-1")["data-verdict"] == "not-run"
    assert "**05**, on cpu (a chip): 9 of 10 rows." in page
    assert "Against the paper profile: `gain: 3.0`. It needs a cluster." in page
    assert "There is no reference run of 06; the kept run of the quick" in page


def test_a_claim_is_linked_to_the_cell_and_the_figure_of_its_value(published):
    (_, text), *_ = published
    links = _claim(text["book/claims.md"], "05-a").find_all("a")
    figure, cell = (link["href"] for link in links[1:])
    assert figure == "sections/05_tiny.html#fig-tiny"
    assert cell == "sections/05_tiny.html#recorded-05-gain"
    cells = nbformat.reads(text[SECTION], as_version=4).cells
    marks = [c.source for c in cells if 'id="recorded-05-gain"' in c.source]
    assert len(marks) == 1


def test_the_data_of_the_run_are_offered_below_its_figure(published, base):
    (_, text), *_ = published
    cells = nbformat.reads(text[SECTION], as_version=4).cells
    (at,) = [i for i, cell in enumerate(cells) if places.figure(cell)]
    assert "../_generated/05_tiny.csv" in cells[at + 1].source
    rows = (base / "book/_generated/05_tiny.csv").read_text().splitlines()
    kept = json.loads((base / "book/_generated/05_tiny.json").read_text())
    values = [float(row.split(",")[-1]) for row in rows[1:]]
    assert values == kept["records"]["05.gain"]["values"]


def test_what_a_run_lacks_is_told_with_the_value_that_says_so(published):
    (_, text), *_ = published
    told = text["book/claims.md"].partition("## What did not reproduce")[2]
    assert (
        "This build: *reproduced*. The reference run: *in 1 of 2 settings*; "
        "05-b by far: 0.150 [0.148, 0.152] lies on the other side (above 1.5)."
    ) in told


def test_a_reference_run_of_another_area_is_not_judged_and_the_page_says_so(empty):
    entry = {"values": [1.0] * 5, **asdict(interval([1.0] * 5))}
    facts = {"device": "cpu", "data": []}
    kept = {"wall_s": 1, "records": {"05.gain": entry}, "provenance": facts}
    write_json(references.path(empty, "paper"), {"05_tiny": kept})
    pages.publish(empty, "quick")
    page = (empty / "book/claims.md").read_text()
    assert page.count("It was run before the area was taken over $\\|\\Phi\\|_F$") == 1
    assert (
        "The reference runs, at the paper's sizes unless the section's line says"
        in (page)
    )
    assert "otherwise: of 1 headline claim of papers 1 not run;" in page


def test_the_table_of_times_sets_time_and_memory_side_by_side(published):
    (_, text), *_ = published
    (row,) = _rows(text["book/_generated/times.md"], "05_tiny")
    link, time_, memory, there, not_measured = row.strip("| ").split(" | ")
    assert link == "[](sections/05_tiny.ipynb)" and there == "80 s"
    assert time_.endswith(" s") and int(memory.removesuffix(" MB").replace(",", "")) > 9
    assert not_measured == "not measured"


def test_no_generated_page_glues_from_another(published):
    (_, text), *_ = published
    for name in PAGES:
        assert name == SECTION or "glue" not in text[name]
    assert "::05" not in text[SECTION]


def test_a_section_that_was_not_run_has_a_page_that_says_so(published):
    (_, text), *_ = published
    first, box = nbformat.reads(text[OTHER], as_version=4).cells
    assert first.source.splitlines() == [
        "(sec-06)=",
        "# 06 · Another section",
        "",
        ":::{warning}",
        "This section was not run in the quick profile of this build.",
        ":::",
    ]
    assert "- **– not run**: The other is one." in box.source


def test_the_front_page_has_a_mark_for_each_claim_of_a_section(published):
    (_, text), *_ = published
    table = text["book/_generated/sections.md"]
    (row,) = _rows(table, "05_tiny")
    marks = BeautifulSoup(row, "html.parser").find_all("a", class_="mark")
    assert [m["href"] for m in marks] == ["claims.html#05-1", "claims.html#05-2"]
    assert [m["data-verdict"] for m in marks] == ["reproduced", "not-run"]
    assert "What does it gain?" in row and "What does it gain?" not in text[OTHER]


def test_the_front_page_counts_what_held_and_what_failed(published):
    (_, text), *_ = published
    told = text["book/_generated/findings.md"]
    assert "Of the papers' 1 claims 1 held in full in this build and 0 in the" in told
    assert "0 failed in one of the two" in told


def test_a_figure_that_is_a_bitmap_is_decoded(empty):
    cell = nbformat.v4.new_code_cell("plot()")
    words = {"name": "fig-dots", "caption": "Dots."}
    cell.metadata = {
        "tags": ["lead-figure"],
        "mystnb": {"figure": words, "image": {"alt": "Two dots."}},
    }
    png = {"image/png": base64.b64encode(b"dots").decode()}
    text = nbformat.v4.new_output("execute_result", {"text/plain": "<Axes>"})
    cell.outputs = [text, nbformat.v4.new_output("display_data", png)]
    _pretend(empty, cell)
    pages.publish(empty, "quick")
    assert (empty / "book/_generated/05_tiny.png").read_bytes() == b"dots"
    page = nbformat.read(empty / SECTION, as_version=4)
    assert "05_tiny.png" in page.cells[1].source


def test_a_tagged_figure_without_an_image_is_an_error(empty):
    cell = nbformat.v4.new_code_cell("plot()", metadata={"tags": ["lead-figure"]})
    _pretend(empty, cell)
    with pytest.raises(ValueError, match=r"tagged 'lead-figure' shows no image$"):
        pages.publish(empty, "quick")


def test_the_lead_figure_stands_below_the_lead_and_where_it_was_made(empty):
    words = {"name": "fig-dots", "caption": "Dots."}
    picture = {"alt": "Two dots.", "classes": "dark-light"}
    cell = nbformat.v4.new_code_cell("plot()")
    cell.metadata = {
        "tags": ["lead-figure"],
        "mystnb": {"figure": words, "image": picture},
    }
    cell.outputs = [nbformat.v4.new_output("display_data", {"image/svg+xml": "<svg/>"})]
    _pretend(empty, nbformat.v4.new_markdown_cell("Words."), cell)
    pages.publish(empty, "quick")
    page = nbformat.read(empty / SECTION, as_version=4)
    assert [c.get("id") for c in page.cells[1:3]] == ["lead", "claims"]
    assert page.cells[1].source.splitlines() == [
        "::::{container} lead-figure",
        ":::{image} ../_generated/05_tiny.svg",
        ":alt: Two dots.",
        ":class: dark-light",
        ":::",
        "",
        "Dots. *({numref}`fig-dots`, from this run.)*",
        "::::",
    ]
    assert (empty / "book/_generated/05_tiny.svg").read_text() == "<svg/>"
    assert page.cells[-1].outputs == cell.outputs


def test_every_verdict_has_a_mark_of_its_own():
    assert set(pages.MARKS) == set(verdicts.VERDICTS)
    assert len(set(pages.MARKS.values())) == len(verdicts.VERDICTS)


def test_without_any_run_every_page_is_there_and_says_so(empty):
    judged = pages.publish(empty, "quick")
    assert [j.verdict for j in judged] == ["not run"] * 3
    for name in PAGES:
        assert (empty / name).exists()
    told = (empty / "book/_generated/sections.md").read_text()
    assert ": of 1 headline claim of papers 1 not run; checks: 0 of 1, 1" in told
