import json

import nbformat
import pytest

from repalign_utils.book import records, references
from repalign_utils.book.references import ReferenceRefused
from repalign_utils.files import write_json
from repalign_utils.statistics import interval
from tests import miniature
from tests.conftest import ROOT

CLEAN = {"commit": "0123456789abcdef" * 2, "edited": []}
PARAMETERS = {"seeds": 5, "gain": 2.0, "mode": "calm", "marker": "set", "label": "P001"}


@pytest.fixture
def base(tmp_path):
    return miniature.make(tmp_path)


def _left(base, **changes):
    """Leave a notebook and its record, as the runner does, and name the record."""
    values = {"name": "05.gain", "values": [0.1, 0.2, 0.3], "exact": False}
    facts = {**CLEAN, "wall_s": 1.0} | changes.pop("provenance", {})
    cell = nbformat.v4.new_code_cell("record(...)")
    cell.outputs = [
        nbformat.v4.new_output("display_data", {}, metadata={"repalign": told})
        for told in ({"record": values}, {"provenance": facts})
    ]
    notebook = nbformat.v4.new_notebook(cells=[cell])
    record = base / "results/quick/05_tiny.json"
    entry = {"section": "05_tiny", "profile": "quick", "parameters": PARAMETERS}
    entry |= {"started_from": CLEAN, **records.collect(notebook), **changes}
    write_json(record, entry)
    nbformat.write(notebook, record.with_suffix(".ipynb"))
    return record


def test_a_clean_run_of_the_profile_is_kept_under_its_digest(base):
    kept = references.keep(base, _left(base), note="Not all.")
    assert references.read(base, "quick") == {"05_tiny": kept}
    assert kept["note"] == "Not all."
    assert references.spoiled({"05_tiny": kept}) == []
    assert references.read(base, "paper") == {}


def test_a_new_entry_replaces_its_section_alone(base):
    other = {"section": "06_other"}
    write_json(references.path(base, "quick"), {"06_other": other})
    for wall in (1.0, 2.0):
        references.keep(base, _left(base, wall_s=wall))
    found = references.read(base, "quick")
    assert list(found) == ["05_tiny", "06_other"]
    assert (found["05_tiny"]["wall_s"], found["06_other"]) == (2.0, other)


@pytest.mark.parametrize(
    "edit",
    [
        lambda e: e["provenance"].update(device="cpu"),
        lambda e: e["records"]["05.gain"]["values"].reverse(),
        lambda e: e.update(note="All of it."),
        lambda e: e.pop("digest"),
    ],
)
def test_an_entry_edited_by_hand_is_found(base, edit):
    kept = references.keep(base, _left(base))
    edit(kept)
    assert references.spoiled({"05_tiny": kept}) == ["05_tiny"]


REFUSED = {
    "made with uncommitted changes, in notebooks/05_tiny.py; commit them": {
        "provenance": {"edited": ["notebooks/05_tiny.py"]}
    },
    "made with uncommitted changes, in a, b, c and others; commit them": {
        "started_from": CLEAN | {"edited": ["a", "b", "c", "d"]}
    },
    "does not say its commit; run it from a checkout": {"started_from": {}},
    "began at commit fedcba987654 and ended at 0123456789ab; run it again": {
        "started_from": CLEAN | {"commit": "fedcba9876543210" * 2}
    },
    "has other parameters than the profile 'quick': gain = 1.0, not 2.0; change": {
        "parameters": PARAMETERS | {"gain": 1.0}
    },
    "'quick': seeds = None, not 5, sedes = 3, not None; change the profile": {
        "parameters": {k: v for k, v in PARAMETERS.items() if k != "seeds"}
        | {"sedes": 3}
    },
    "has the profile None; a reference is a run with --profile paper or quick": {
        "profile": None
    },
    "is not what 05_tiny.ipynb recorded: one of them was edited; run 05_tiny again": {
        "features": {"05.layers": {"layers": {"fc1": [4, 3]}, "sha256": "0"}}
    },
    "is not what 05_tiny.ipynb recorded: one of them was edited; run 05_tiny": {
        "records": {"05.gain": {"values": [1.0], "exact": False, "mean": 1.0}}
    },
}


@pytest.mark.parametrize("message", REFUSED)
def test_a_run_that_is_not_what_it_seems_is_refused(base, message):
    record = _left(base, **REFUSED[message])
    with pytest.raises(ReferenceRefused) as refused:
        references.keep(base, record)
    assert message in str(refused.value)
    assert references.read(base, "quick") == {}


def test_a_record_without_its_notebook_is_refused(base):
    record = _left(base)
    record.with_suffix(".ipynb").unlink()
    with pytest.raises(
        ReferenceRefused, match="no executed notebook 05_tiny.ipynb bes"
    ):
        references.keep(base, record)


def test_the_changelog_lists_what_moved_beyond_rounding():
    def state(**values):
        return {
            "05_tiny": {
                "records": {f"05.{k}": {"values": v} for k, v in values.items()}
            }
        }

    before = state(gain=[0.1, 0.2, 0.3], loss=[1.0, 2.0, 3.0], gone=[1.0])
    after = state(
        gain=[0.1, 0.2, 0.6], loss=[1.0, 2.0, 3.0 + 1e-7], new=[1.0], too=[2.0]
    )
    lines = references.moved(before, after)
    old, new = interval([0.1, 0.2, 0.3]), interval([0.1, 0.2, 0.6])
    assert lines == [
        f"- 05_tiny, `05.gain`: {old} → {new}",
        "- 05_tiny: 2 values added.",
        "- 05_tiny, left out: `05.gone`.",
    ]

    older = {s: {**run, "form": 2} for s, run in before.items()}
    newer = {s: {**run, "form": 3} for s, run in after.items()}
    said, *rest = references.moved(older, newer)
    assert said == "- 05_tiny: areas are over another axis from here on."
    assert rest == lines


def test_the_state_of_a_revision_is_read_from_git(base):
    there = references.read_at(ROOT, "paper", "HEAD")
    assert there.keys() == references.read(ROOT, "paper").keys()
    with pytest.raises(ReferenceRefused, match="no revision 'nowhere'; name a commit"):
        references.read_at(ROOT, "paper", "nowhere")


@pytest.mark.parametrize("profile", references.FILES)
def test_no_entry_of_the_book_was_edited_by_hand(profile):
    entries = references.read(ROOT, profile)
    assert entries and references.spoiled(entries) == []
    for section, entry in entries.items():
        assert (entry["section"], entry["profile"]) == (section, profile)
        json.dumps(entry, allow_nan=False)
