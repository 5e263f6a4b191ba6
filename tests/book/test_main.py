import json
import re

import nbformat
import pytest
from click.testing import CliRunner

from repalign_utils import __main__
from repalign_utils.book import runner, settings
from tests import miniature


@pytest.fixture
def base(tmp_path, monkeypatch):
    monkeypatch.chdir(miniature.make(tmp_path))
    return tmp_path


@pytest.fixture
def never(monkeypatch):
    """Nothing may be executed."""

    def executed(*args):
        raise AssertionError("the section was executed")

    monkeypatch.setattr(runner, "_executed", executed)


def _invoke(*arguments):
    # An exception that is no message of the command line fails the test.
    return CliRunner(catch_exceptions=False).invoke(__main__.main, arguments)


def _refused(message, *arguments, rest=True):
    """Check that the request ends with exit code 2 and just this message."""
    result = _invoke(*arguments)
    assert result.exit_code == 2
    said = result.output.split("\nError: ")[1]
    assert said.startswith(message) if rest else said == message + "\n"


def test_a_misspelt_parameter_ends_with_the_right_hint_and_no_traceback(base):
    run = miniature.repalign(base, "run", "05", "-p", "sedes", "2")
    assert run.returncode == 2 and not run.stdout
    assert run.stderr.endswith(
        "\nError: 05_tiny has no parameter 'sedes'; did you mean 'seeds'? "
        "it takes seeds, gain, mode, marker, label\n"
    )
    assert "Traceback" not in run.stderr
    assert not (base / "runs").exists()


def test_a_cell_that_fails_is_named_and_its_notebook_kept(base):
    output = base / "out.ipynb"
    run = miniature.repalign(
        base, "run", "05", "-p", "mode", "fail", "-p", "gain=1e-3", "-o", str(output)
    )
    assert run.returncode == 1 and not run.stdout
    assert "Traceback" not in run.stderr
    assert "Executing:" in run.stderr and "on the terminal" in run.stderr
    (kept,) = (base / "logs").iterdir()
    assert re.search(
        r"\nError: 05_tiny failed in cell \d+ \('if mode == \"fail\":'\): "
        rf"RuntimeError: gain is 0\.001\nThe notebook with its traceback is {kept}\n$",
        run.stderr,
    )
    assert not output.exists() and not output.with_suffix(".json").exists()
    position = int(re.search(r"cell (\d+)", run.stderr)[1])
    failed = nbformat.read(kept, as_version=4).cells[position]
    assert failed.source.startswith('if mode == "fail":')
    assert "RuntimeError" in "".join(failed.outputs[-1].traceback)


def test_a_run_without_output_goes_to_its_own_folder_and_says_what_holds(base):
    result = _invoke("run", "05", "-p", "gain", "3", "--quiet")
    assert result.exit_code == 0
    (folder,) = (base / "runs").iterdir()
    assert sorted(p.name for p in folder.iterdir()) == ["05_tiny.ipynb", "05_tiny.json"]
    *told, where = result.stdout.splitlines()  # nothing on what was not recorded
    assert [" ".join(line.split()) for line in told] == [
        "reproduced 05-1 (paper) The gain is positive. (no reference)",
        "reproduced 05-a at all: 3.02 [3.00, 3.04] (no reference)",
        "reproduced 05-b by far: 3.02 [3.00, 3.04] (no reference)",
    ]
    assert re.fullmatch(rf"05_tiny: \d+ s, in {folder}/05_tiny\.ipynb", where)
    assert not (base / "book").exists() and not (base / "results").exists()


@pytest.mark.parametrize(
    "given, message",
    [
        (["-p", "seeds", "2.5"], "seeds is '2.5'; expected int in 1.., for example 5"),
        (["-p", "seeds=0"], "seeds is '0'; expected int in 1.., for example 5"),
        (["-p", "label=a=b", "-p", "gain="], "gain is ''; expected finite float in"),
        (["-p", "label", "x=1", "-p", "gain", "-1"], "gain is '-1'; expected finite"),
        (
            ["-p", "seeds", "9", "-p", "gain=9"],
            "seeds is 9 and gain is 9.0; expected s",
        ),
        (["-p", "seeds", "2", "-p", "seeds=3"], "-p seeds is given twice, as 2 and 3;"),
        (
            ["-f", "record.json"],
            "record.json is the record of a run; to run it again: ",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_refused_before_the_run(
    base, never, given, message
):
    record = {"section": "05_tiny", "parameters": {}, "records": {}}
    (base / "record.json").write_text(json.dumps(record))
    _refused(message, "run", "05", *given)
    assert not (base / "runs").exists()


def test_a_device_that_is_not_there_is_refused_before_the_run(base, never):
    section = base / "notebooks/06_other.py"
    text = section.read_text() + 'device: str = "auto"  # device: that computes\n'
    section.write_text(text)
    message = "device is 'cuda:77' but this machine has "
    _refused(message, "run", "06", "-p", "device", "cuda:77")


def test_every_network_of_a_list_is_asked_for_before_the_run(base, never, monkeypatch):
    asking = "import sys; sys.argv[1] == 'a' or 1 / 0\nraise ValueError('no a')"
    monkeypatch.setitem(settings._ASKING, "network", asking)
    section = base / "notebooks/06_other.py"
    text = section.read_text() + 'nets: list = ["c"]  # network: to compare\n'
    section.write_text(text)
    _refused("nets is 'a': no a", "run", "06", "-p", "nets", "b,a")


def test_a_run_is_made_again_with_its_parameters_but_those_given(base, monkeypatch):
    asked = []

    def run(path, _output, *, profile, given, like, **_):
        asked.append((path.stem, profile, given, like))
        return {"records": {}, "wall_s": 1.0}

    monkeypatch.setattr(runner, "run", run)
    record = {"section": "05_tiny", "profile": "quick", "records": {}, "provenance": {}}
    values = {"seeds": 7, "gain": 3.0, "mode": "calm", "marker": ""}
    (base / "mine.json").write_text(json.dumps({**record, "parameters": values}))
    result = _invoke("run", "--like", "mine.json", "-p", "seeds=9")
    assert asked == [("05_tiny", "quick", {"seeds": "9"}, values)]
    assert result.stderr == "mine.json does not say: label; as usual here\n"


def test_a_section_or_a_run_has_to_be_named(base, never):
    _refused("name a section, such as 05, or a run with --like", "run")
    _refused("no section '99'; the sections are 05_tiny, 06_other", "run", "99")


@pytest.mark.parametrize(
    "text, message",
    [
        ("gain: [1\n", "mine.yaml is not YAML: while parsing a flow sequence"),
        ("- gain\n", "mine.yaml holds ['gain']; expected lines 'name: value'"),
        ("gian: 2\n", "05_tiny has no parameter 'gian'; did you mean 'gain'? it takes"),
        (
            "gain: big\n",
            "gain is 'big'; expected finite float in 0..10, for example 1.0",
        ),
    ],
)
def test_a_file_of_parameters_that_does_not_fit_is_refused(base, never, text, message):
    (base / "mine.yaml").write_text(text)
    _refused(message, "run", "05", "-f", "mine.yaml")


def test_a_file_of_parameters_that_is_missing_is_refused(base, never):
    result = _invoke("run", "05", "-f", "mine.yaml")
    assert result.exit_code == 2
    assert "File 'mine.yaml' does not exist." in result.output


def test_claims_that_cannot_be_read_are_known_before_the_run(base, never):
    (base / "claims.yaml").write_text("05_tiny:\n  - id: 05-1\n")
    message = "claims.yaml: 05_tiny > 05-1 > kind is missing\n"
    _refused(message, "run", "05")
    _refused(message, "publish")


@pytest.mark.parametrize("arguments", [["run", "05"], ["publish"], ["list"]])
def test_outside_the_book_the_way_back_is_named(
    arguments, tmp_path, monkeypatch, never
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(__main__.paths, "__file__", str(tmp_path / "a/b/paths.py"))
    message = (
        f"{tmp_path} is not inside the book; change into a clone of its repository: "
        "the sections lie there, in notebooks/, and no installation brings them"
    )
    _refused(message, *arguments, rest=False)


def test_publishing_without_any_run_says_so(base):
    result = _invoke("publish")
    assert result.exit_code == 0
    assert result.output == (
        "Of 1 headline claim of papers 1 not run; checks: 0 of 1, 1 not run; "
        "ours: 0 of 1, 1 not run\n"
    )


def test_what_is_no_run_of_the_profile_is_refused_as_a_reference(base):
    (base / "05.json").write_text("[]")
    message = "05.json is no run record; expected the .json beside a section's run"
    _refused(message, "reference", "05.json", rest=False)
    message = "no section '09'; the sections are 05_tiny, 06_other"
    _refused(message, "reference", "09", rest=False)


def test_help_names_every_command():
    result = _invoke("-h")
    assert result.exit_code == 0
    for name in ("run", "list", "publish", "reference", "numbers", "table"):
        assert re.search(rf"^  {name} +\w", result.output, re.M)
