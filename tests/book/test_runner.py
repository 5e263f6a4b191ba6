import os
import re
import tempfile

import nbformat
import papermill
import pytest

from repalign_utils.book import records, runner
from repalign_utils.book.parameters import ParameterError
from repalign_utils.book.paths import SectionError
from tests import miniature


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return miniature.make(tmp_path_factory.mktemp("book"))


@pytest.fixture(scope="module")
def ran(base):
    """Output and record of a run that went well."""
    output = base / "results/quick/05_tiny.ipynb"
    section = base / "notebooks/05_tiny.py"
    return output, runner.run(
        section,
        output,
        profile="quick",
        given={"label": "010"},
        progress=False,
        progress_file=base.parent / "progress",
    )


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A small book that a test may spoil, with the working folder outside."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return miniature.make(tmp_path / "book")


def _settled(base, **options):
    path = base / "notebooks/05_tiny.py"
    asked = {"profile": None, "file": None, "given": {}, **options}
    return runner.settle(path, runner.read_section(path), **asked)


def _tagged(notebook, tag):
    return [c for c in notebook.cells if tag in c.metadata.get("tags", [])]


def _in_logs(base):
    return sorted((base / "logs").glob("*.ipynb")) if (base / "logs").exists() else []


def test_the_record_holds_section_parameters_values_and_provenance(ran):
    output, entry = ran
    assert records.read_run(output.with_suffix(".json")) == entry
    assert (entry["section"], entry["profile"]) == ("05_tiny", "quick")
    assert entry["parameters"] == {
        "seeds": 3,
        "gain": 2.0,
        "mode": "calm",
        "marker": "",
        "label": "010",
    }
    assert entry["changed"] == ["label"]
    gain = entry["records"]["05.gain"]
    assert gain["values"] == [2.0, 2.01, 2.02] and gain["n"] == 3
    assert entry["provenance"]["seeds"] == 3
    assert 0 < entry["wall_s"] < 600


def test_the_progress_file_counts_the_cells_that_have_run(base, ran):
    notebook = nbformat.read(ran[0], as_version=4)
    total = sum(c.cell_type == "code" for c in notebook.cells)
    lines = (base.parent / "progress").read_text().splitlines()
    assert lines == [f"{done}/{total}" for done in range(total + 1)]


def test_nothing_but_notebook_and_record_is_left(base, ran):
    output, _ = ran
    assert sorted(p.name for p in output.parent.iterdir()) == [
        "05_tiny.ipynb",
        "05_tiny.json",
    ]
    assert sorted(p.name for p in base.iterdir()) == [
        "_toc.yml",
        "claims.yaml",
        "notebooks",
        "results",
    ]


def test_the_one_parameters_cell_holds_the_values_in_force(ran):
    notebook = nbformat.read(ran[0], as_version=4)
    (cell,) = _tagged(notebook, "parameters")
    assert 'label: str = "010"  # any text' in cell.source.splitlines()[4]
    assert "hide-input" in cell.metadata.tags
    assert not _tagged(notebook, "injected-parameters")
    (table,) = notebook.cells[notebook.cells.index(cell) + 1].outputs
    assert "| `label` | `010` | `P001` | any text |" in table.data["text/markdown"]


def test_an_executed_notebook_runs_again_with_its_values_but_one(ran, tmp_path):
    again = tmp_path / "again.ipynb"
    papermill.execute_notebook(ran[0], again, {"seeds": 2}, progress_bar=False)
    notebook = nbformat.read(again, as_version=4)
    found = records.collect(notebook)
    assert found["records"]["05.gain"]["values"] == [2.0, 2.01]
    shown = str([c.outputs for c in notebook.cells if "outputs" in c])
    assert "| `seeds` | `2` | `3` |" in shown and "| `gain` | `2.0` | `1.0`" in shown


def test_the_page_shows_what_is_meant_for_it_and_nothing_of_this_machine(base, ran):
    notebook = nbformat.read(ran[0], as_version=4)
    outputs = [o for c in notebook.cells for o in c.get("outputs", [])]
    assert [o.text for o in outputs if o.output_type == "stream"] == ["on the page\n"]
    assert notebook.metadata["repalign"]["provenance"] == ran[1]["provenance"]
    assert "papermill" not in notebook.metadata
    assert not [c for c in notebook.cells if "papermill" in c.metadata]
    text = ran[0].read_text()
    assert tempfile.gettempdir() not in text and str(base) not in text
    nbformat.validate(notebook)


def test_a_name_recorded_twice_fails_the_run(fresh, monkeypatch):
    def execute(source, *_, **__):
        notebook = nbformat.read(source, as_version=4)
        code = [c for c in notebook.cells if c.cell_type == "code"]
        recorded = {"repalign": {"record": {"name": "05.gain", "values": [1.0]}}}
        for cell in code[:2]:
            cell.outputs = [nbformat.v4.new_output("display_data", metadata=recorded)]
        return notebook

    monkeypatch.setattr(runner.execution, "execute", execute)
    output = fresh / "out.ipynb"
    message = r"^05_tiny failed: ValueError: 05\.gain is recorded twice; give each its "
    with pytest.raises(runner.SectionFailed, match=message):
        runner.run(fresh / "notebooks/05_tiny.py", output, progress=False)
    assert not output.exists() and not output.with_suffix(".json").exists()


def test_a_run_that_cannot_be_put_into_its_place_is_kept(fresh, monkeypatch):
    def execute(source, *_, **__):
        (fresh / "out").write_text("in the way")
        return nbformat.read(source, as_version=4)

    monkeypatch.setattr(runner.execution, "execute", execute)
    output = fresh / "out/05.ipynb"
    message = (
        rf"^05_tiny ran to its end, but -o is '{output}', but {fresh}/out is not a f"
    )
    with pytest.raises(runner.SectionFailed, match=message) as failure:
        runner.run(fresh / "notebooks/05_tiny.py", output, progress=False)
    (kept,) = _in_logs(fresh)
    assert str(kept) in str(failure.value)
    nbformat.validate(nbformat.read(kept, as_version=4))
    assert records.read_run(kept.with_suffix(".json"))["section"] == "05_tiny"


def test_missing_data_are_answered_with_the_parameter_that_names_them(fresh):
    with pytest.raises(
        runner.SectionFailed,
        match=r"DataMissing: MNIST is not there\. To do without: -p label P001\nThe ",
    ):
        runner.run(
            fresh / "notebooks/05_tiny.py",
            fresh / "out.ipynb",
            given={"label": "mnist", "gain": 2.0},
            progress=False,
        )


def test_what_a_message_names_is_given_up_for_the_default():
    cell = """\
images: str = "digits"  # {digits, mnist}: of two classes
codes: list = ["bumps", "binary"]  # {bumps, thermometer, binary}: of the inputs
folder: str = ""  # path: of data
"""
    usual = {"images": "digits", "codes": ["bumps", "binary"], "folder": ""}

    def options(message, **given):
        declared = runner.params.declared(cell)
        return runner.back_to_defaults(message, {**usual, **given}, declared)

    assert options("MNIST is not there", images="mnist") == "-p images digits"
    assert options("MNIST2 and x_mnist are not there", images="mnist") == ""
    assert options("digits are not there") == ""
    assert (
        options("no thermometer", codes=["thermometer"]) == "-p codes '[bumps, binary]'"
    )
    assert options("/a lacks MNIST", folder="/a") == ""


def test_each_layer_overlays_the_one_before(fresh):
    file = fresh / "mine.yaml"
    file.write_text("gain: 1e-3\nseeds: 7\n")
    assert _settled(fresh)["gain"] == 1.0
    assert _settled(fresh, profile="quick")["gain"] == 2.0
    assert _settled(fresh, profile="quick", file=file)["gain"] == 1e-3
    values = _settled(fresh, profile="quick", file=file, given={"gain": "4"})
    assert (values["gain"], values["seeds"]) == (4.0, 7)


def test_paths_start_at_the_root_the_file_and_the_working_folder(fresh):
    (fresh / "notebooks/profiles/quick.yaml").write_text("05_tiny: {marker: a}")
    file = fresh / "notebooks/mine.yaml"
    file.write_text("marker: ../b")
    assert _settled(fresh, profile="quick")["marker"] == str(fresh / "a")
    assert _settled(fresh, file=file)["marker"] == str(fresh / "b")
    here = str(fresh.parent / "elsewhere/c")
    assert _settled(fresh, given={"marker": "c"})["marker"] == here


def test_an_empty_file_and_an_empty_section_of_a_profile_change_nothing(fresh):
    (fresh / "notebooks/profiles/quick.yaml").write_text("05_tiny:\n")
    (fresh / "empty.yaml").write_text("# nothing\n")
    values = _settled(fresh, profile="quick", file=fresh / "empty.yaml")
    assert values == _settled(fresh)


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "05_tyni:\n  gain: 2\n",
            "quick.yaml has settings for '05_tyni', which is no section; "
            "did you mean '05_tiny'? The sections are 05_tiny, 06_other",
        ),
        (
            "gain: 2\n",
            "quick.yaml has settings for 'gain', which is no section; "
            "The sections are 05_tiny, 06_other",
        ),
        (
            "06_other: 2\n",
            "quick.yaml has '2' for 06_other; expected lines 'name: value'",
        ),
        (
            "05_tiny: [gain]\n",
            "quick.yaml has ['gain'] for 05_tiny; expected lines 'name: value'",
        ),
        ("- gain\n", "quick.yaml holds ['gain']; expected lines 'name: value'"),
        ("0\n", "quick.yaml holds '0'; expected lines 'name: value'"),
        (
            "05_tiny:\n  sedes: 2\n",
            "05_tiny has no parameter 'sedes'; did you mean 'seeds'? It takes seeds, "
            "gain, mode, marker, label",
        ),
    ],
)
def test_a_profile_that_does_not_fit_the_sections_is_an_error(fresh, text, message):
    (fresh / "notebooks/profiles/quick.yaml").write_text(text)
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        _settled(fresh, profile="quick")


def test_files_that_cannot_be_read_as_yaml_are_errors_that_name_them(fresh):
    file = fresh / "mine.yaml"
    with pytest.raises(ParameterError, match=r"mine\.yaml cannot be read: No such fil"):
        _settled(fresh, file=file)
    file.write_text("gain: [1\n")
    with pytest.raises(
        ParameterError, match=r"(?s)^mine\.yaml is not YAML: .*expected lines 'name: va"
    ):
        _settled(fresh, file=file)
    file.write_bytes(b"gain: \xff\n")
    with pytest.raises(ParameterError, match=r"^mine\.yaml is not YAML: .*byte 0xff"):
        _settled(fresh, file=file)


@pytest.mark.parametrize("cells, count", [("", 0), ("\n\n".join(["x"] * 2), 2)])
def test_a_section_needs_one_parameters_cell(fresh, cells, count):
    cells = cells.replace("x", '# %% tags=["parameters"]\nn: int = 1  # rows')
    path = fresh / "notebooks/07_odd.py"
    path.write_text(f"{miniature.HEADER}\n# %% [markdown]\n# # Odd\n\n{cells}\n")
    with pytest.raises(
        SectionError, match=rf"^07_odd\.py has {count} cells tagged 'parameters'; it ne"
    ):
        runner.read_section(path)


def test_a_run_of_ones_own_has_a_folder_of_its_own(base):
    path = runner.own_folder(base, "05_tiny")
    assert path.name == "05_tiny.ipynb" and path.parents[1] == base / "runs"
    assert re.fullmatch(rf"05_tiny-\d{{8}}T\d{{6}}Z-{os.getpid()}", path.parent.name)
    assert not path.parent.exists()


@pytest.mark.parametrize(
    "seconds, words",
    [
        (0.4, "0 s"),
        (99.4, "99 s"),
        (100, "2 min"),
        (3500, "58 min"),
        (3590, "1 h 0 min"),
        (5880, "1 h 38 min"),
        (36000, "10 h 0 min"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds, words):
    assert runner.duration(seconds) == words
