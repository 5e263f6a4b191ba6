import tempfile

import nbformat
import papermill
import pytest

from repalign_utils.book import records, runner
from repalign_utils.book.errors import Failed
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
    )


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A small book that a test may spoil, with the working folder outside."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return miniature.make(tmp_path / "book")


def _tagged(notebook, tag):
    return [c for c in notebook.cells if tag in c.metadata.get("tags", [])]


def _in_logs(base):
    return sorted((base / "logs").glob("*.ipynb")) if (base / "logs").exists() else []


def test_the_record_holds_section_parameters_values_and_provenance(ran):
    output, entry = ran
    assert records.read_run(output.with_suffix(".json")) == entry
    assert (entry["section"], entry["profile"]) == ("05_tiny", "quick")
    assert entry["parameters"] == {
        "seeds": 5,
        "gain": 2.0,
        "mode": "calm",
        "marker": "",
        "label": "010",
    }
    assert entry["changed"] == ["label"]
    gain = entry["records"]["05.gain"]
    assert gain["values"] == [2.0, 2.01, 2.02, 2.03, 2.04] and gain["n"] == 5
    assert entry["provenance"]["seeds"] == 5
    assert 0 < entry["wall_s"] < 600


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
    assert "| `seeds` | `2` | `5` |" in shown and "| `gain` | `2.0` | `1.0`" in shown


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
    def execute(notebook, *_, **__):
        code = [c for c in notebook.cells if c.cell_type == "code"]
        recorded = {"repalign": {"record": {"name": "05.gain", "values": [1.0]}}}
        for cell in code[:2]:
            cell.outputs = [nbformat.v4.new_output("display_data", metadata=recorded)]
        return notebook

    monkeypatch.setattr(runner.execution, "execute", execute)
    output = fresh / "out.ipynb"
    message = r"^05_tiny failed: ValueError: 05\.gain is recorded twice; give each its "
    with pytest.raises(Failed, match=message):
        runner.run(fresh / "notebooks/05_tiny.py", output, progress=False)
    assert not output.exists() and not output.with_suffix(".json").exists()


def test_a_run_that_cannot_be_put_into_its_place_is_kept(fresh, monkeypatch):
    def execute(notebook, *_, **__):
        (fresh / "out").write_text("in the way")
        return notebook

    monkeypatch.setattr(runner.execution, "execute", execute)
    output = fresh / "out/05.ipynb"
    message = (
        rf"^05_tiny ran to its end, but -o is '{output}', but {fresh}/out is not a f"
    )
    with pytest.raises(Failed, match=message) as failure:
        runner.run(fresh / "notebooks/05_tiny.py", output, progress=False)
    (kept,) = _in_logs(fresh)
    assert str(kept) in str(failure.value)
    nbformat.validate(nbformat.read(kept, as_version=4))
    assert records.read_run(kept.with_suffix(".json"))["section"] == "05_tiny"


def test_missing_data_are_answered_with_the_parameter_that_names_them(fresh):
    with pytest.raises(
        Failed,
        match=r"DataMissing: MNIST is not there\. To do without: -p label P001\nThe ",
    ):
        runner.run(
            fresh / "notebooks/05_tiny.py",
            fresh / "out.ipynb",
            given={"label": "mnist", "gain": 2.0},
            progress=False,
        )
