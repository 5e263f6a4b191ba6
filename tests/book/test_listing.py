import pytest

from repalign_utils.book import listing
from repalign_utils.files import write_json
from tests import miniature


@pytest.fixture
def base(tmp_path):
    return miniature.make(tmp_path)


def _line(lines, first):
    (line,) = (line for line in lines if line.startswith(first))
    return line.split()


def test_each_section_is_listed_with_its_title_and_the_times_of_kept_runs(base):
    kept = {"parameters": {"gain": 1.0, "marker": "set"}}
    runs = {"05_tiny": {"wall_s": 30, "changed": ["marker"], **kept}}
    write_json(base / "results/reference.json", runs)
    (base / "results/quick").mkdir()
    (base / "results/quick/05_tiny.ipynb").touch()
    write_json(base / "results/quick/05_tiny.json", {"wall_s": 4})
    lines = listing.sections(base)
    assert _line(lines, "05") == "05 A tiny section 4 s 30 s".split()
    assert _line(lines, "06") == "06 Another section - -".split()
    # at other sizes than the profile's, its time would mislead
    runs["05_tiny"]["changed"] = ["gain"]
    write_json(base / "results/reference.json", runs)
    assert _line(listing.sections(base), "05")[-1] == "-"


def test_each_parameter_is_listed_with_what_it_takes(base):
    lines = listing.parameters(base, "05_tiny")
    assert _line(lines, "seeds") == "seeds int 5 6 {1..} their number".split()
    assert _line(lines, "gain") == "gain float 1.0 2.0 {0..10} what is found".split()
    assert lines[-1] == "Needs seeds * gain <= 40: there is no more to gain."
