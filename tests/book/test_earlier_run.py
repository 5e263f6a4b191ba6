import re

import nbformat
import pytest

from repalign_utils.book import destination, earlier_run, paths
from repalign_utils.book.errors import Refused
from repalign_utils.files import write_json
from tests import miniature

CELL = 'gain: float = 3.0  # {0..10}: what [default 1.0]\nmarker: str = "/m"  # path: x'


@pytest.fixture
def base(tmp_path):
    return miniature.make(tmp_path)


def _entry(**parameters):
    parameters = {"gain": 3.0, "marker": "set"} | parameters
    return {"section": "05_tiny", "profile": "quick", "records": {}} | {
        "parameters": parameters,
        "provenance": {"commit": "0123456789abcdef"},
    }


def _refused(message, *arguments):
    with pytest.raises(Refused, match=f"^{re.escape(message)}"):
        earlier_run.read(*arguments)


def test_a_run_is_known_from_its_record_with_the_paths_of_its_notebook(base):
    record = base / "mine.json"
    write_json(record, _entry())
    assert earlier_run.read(base, record, None, ["mode"]).unsaid == (
        "seeds",
        "marker",
        "label",
    )
    alone = earlier_run.read(base, record, None)
    assert (alone.section, alone.profile, alone.values) == (
        "05_tiny",
        "quick",
        {"gain": 3.0},
    )
    cell = nbformat.v4.new_code_cell(CELL, metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[cell])
    destination.write(record.with_suffix(".ipynb"), notebook, _entry())
    assert earlier_run.read(base, record, "05").values == {"gain": 3.0, "marker": "/m"}


def test_one_of_several_runs_is_chosen_by_its_section(base):
    runs = {"05_tiny": _entry(gain=4.0), "07": _entry() | {"section": "07"}}
    write_json(base / "several.json", runs)
    found = earlier_run.read(base, base / "several.json", "05")
    assert found.values["gain"] == 4.0
    message = f"{base}/several.json is of 05_tiny, 07"
    _refused(f"{message}; name one of them", base, base / "several.json", None)
    _refused(f"{message}, not of 06_other", base, base / "several.json", "06")


def test_a_record_of_another_version_names_the_commit_to_check_out(base):
    write_json(base / "mine.json", _entry(depth=3))
    message = (
        f"{base}/mine.json was made by another version of 05_tiny: it no longer has "
        "depth; check out commit 0123456789ab to run it again"
    )
    _refused(message, base, base / "mine.json", None)


def test_a_path_that_has_to_be_there_has_to_be_named(base):
    section = paths.section_path(base, "05")
    section.write_text(
        section.read_text().replace("# path: file", "# existing path: f")
    )
    write_json(base / "mine.json", _entry())
    message = (
        f"{base}/mine.json does not say where marker led; name the place with -p m"
    )
    _refused(message, base, base / "mine.json", None)
    assert earlier_run.read(base, base / "mine.json", None, ["marker"]).values


@pytest.mark.parametrize("text", ["[]", "{", '{"seeds": 3}', "{}"])
def test_what_is_no_record_is_refused(base, text):
    (base / "mine.json").write_text(text)
    _refused(f"{base}/mine.json is no", base, base / "mine.json", "05")
