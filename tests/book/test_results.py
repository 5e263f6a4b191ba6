import json
import re
import subprocess
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest

from repalign_utils.book import results
from repalign_utils.statistics import interval


@pytest.fixture
def shown(monkeypatch):
    """Everything that is displayed, as (data, metadata)."""
    found = []

    def display(data, raw=False, metadata=None):
        assert raw
        found.append((data, metadata))

    monkeypatch.setattr("IPython.display.display", display)
    return found


def _executed(*cells):
    """Notebook with one code cell per list of (data, metadata)."""
    notebook = nbformat.v4.new_notebook()
    for outputs in cells:
        cell = nbformat.v4.new_code_cell("record(...)")
        cell.outputs = [
            nbformat.v4.new_output("display_data", data, metadata=metadata)
            for data, metadata in outputs
        ]
        notebook.cells.append(cell)
    return notebook


def test_a_record_is_what_the_page_glues_and_what_the_record_holds(shown):
    summary = results.record("02.gain.true", [0.4, 0.5, 0.6])
    assert summary == interval([0.4, 0.5, 0.6])
    glued = {
        metadata["scrapbook"]["name"]: data[results.GLUE + "text/plain"]
        for data, metadata in shown
    }
    assert glued == {
        "02.gain.true": str(summary),
        "02.gain.true.mean": repr(summary.mean),
        "02.gain.true.low": repr(summary.low),
        "02.gain.true.high": repr(summary.high),
    }
    assert all(m["scrapbook"]["mime_prefix"] == results.GLUE for _, m in shown)
    found = results.collect(_executed(shown))["records"]
    assert found == {
        "02.gain.true": {
            "exact": False,
            "values": [0.4, 0.5, 0.6],
            "mean": summary.mean,
            "low": summary.low,
            "high": summary.high,
            "n": 3,
        }
    }


def test_a_single_number_is_recorded_without_an_interval(shown):
    results.record("02.rows", 1000)
    assert [data[results.GLUE + "text/plain"] for data, _ in shown] == [
        "1,000",
        "1000.0",
        "1000.0",
        "1000.0",
    ]
    entry = results.collect(_executed(shown))["records"]["02.rows"]
    assert entry == {
        "values": [1000.0],
        "exact": False,
        "mean": 1000,
        "low": None,
        "high": None,
        "n": 1,
    }


def test_a_record_outside_a_notebook_is_printed(capsys):
    assert results.record("02.gain", [1.0, 2.0]).mean == 1.5
    printed = capsys.readouterr()
    assert "1.50 [-4.85, 7.85]" in printed.out and not printed.err


@pytest.mark.parametrize(
    "name", ["gain", "2.gain", "02", "02.Gain", "02.gain rate", "02..gain", "02.gain."]
)
def test_a_name_of_another_form_is_an_error(name, shown):
    message = (
        f"record name is {name!r}; expected a section number and lower-case words "
        "joined by dots, e.g. '02.gain.true'"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        results.record(name, [1.0])
    assert not shown


@pytest.mark.parametrize(
    "values, printed",
    [
        ([1.0, np.nan], "[1.0, nan]"),
        (np.inf, "[inf]"),
        ([], "[]"),
        ([[1.0, 2.0]], "[[1.0, 2.0]]"),
    ],
)
def test_values_that_are_not_finite_or_not_one_per_seed_are_an_error(
    values, printed, shown
):
    message = (
        f"02.gain is {printed}; expected one finite number per seed: "
        "record a run that diverged as a count, not as its loss"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        results.record("02.gain", values)
    assert not shown


def test_a_name_recorded_twice_is_an_error(shown):
    results.record("02.gain", [1.0])
    with pytest.raises(ValueError, match=r"^02\.gain is recorded twice; give each its"):
        results.collect(_executed(shown, shown))


def test_what_is_not_ours_is_not_collected():
    notebook = _executed([({"text/plain": "1"}, {"scrapbook": {"name": "02.gain"}})])
    notebook.cells.append(nbformat.v4.new_markdown_cell("02.gain"))
    notebook.cells[0].outputs.append(nbformat.v4.new_output("stream", text="02.gain"))
    assert results.collect(notebook) == {"records": {}, "provenance": {}}


def test_provenance_says_what_the_run_ran_on(shown, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    about = SimpleNamespace(
        name="digits", sentence=lambda: "360 of 1,797 rows.", sha256="ab" * 32
    )
    results.provenance(datasets=[about], device="cpu", precision="float64", seeds=4)
    ((data, metadata),) = shown
    facts = results.collect(_executed(shown))["provenance"]
    assert facts == metadata["repalign"]["provenance"]
    assert facts["seeds"] == 4 and facts["precision"] == "float64"
    assert facts["device"].startswith("cpu (") and facts["device"].endswith(
        "3 threads)"
    )
    assert facts["data"] == ["360 of 1,797 rows."]
    assert facts["data_sha256"] == ["ab" * 32]
    assert facts["versions"]["numpy"] == np.__version__
    assert facts["wall_s"] > 0 and 10 < facts["memory_mb"] < 1e5
    page = data["text/markdown"]
    assert "360 of 1,797 rows." in page and "`" + "ab" * 8 + "…`" in page
    assert f"| Memory, at most | {facts['memory_mb']:,} MB |" in page
    assert "| Seeds | 4 |" in page and f"numpy {np.__version__}" in page


def test_provenance_without_data_has_no_row_for_it(shown):
    results.provenance()
    assert "| Data" not in shown[0][0]["text/markdown"]
    assert "| Seeds | 1 |" in shown[0][0]["text/markdown"]


def test_a_package_that_is_not_installed_is_named_as_such(monkeypatch):
    monkeypatch.setattr(results, "PACKAGES", ("numpy", "no-such-package"))
    assert results._versions() == {
        "numpy": np.__version__,
        "no-such-package": "not installed",
    }


def test_the_commit_is_named_and_what_differs_from_it(tmp_path, monkeypatch):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    (tmp_path / "results.py").write_text("1")
    monkeypatch.setattr(results, "__file__", str(tmp_path / "results.py"))
    subprocess.run([*git, "init", "-q"], check=True)
    assert results.commit(results.checkout()) == "not run from a git checkout"
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "First"], check=True)
    clean = results.checkout()
    assert clean["edited"] == []
    assert re.fullmatch(r"`[0-9a-f]{12}`", results.commit(clean))
    (tmp_path / "results.py").write_text("2")
    (tmp_path / "ünt racked.py").write_text("3")
    edited = results.checkout()
    assert edited == clean | {"edited": ["results.py", "ünt racked.py"]}
    assert results.commit(edited) == (
        results.commit(clean) + " with uncommitted changes"
    )
    monkeypatch.setenv("PATH", "")
    assert results.checkout() == {"commit": "", "edited": []}


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "quick" / "02.json"
    results.write_json(path, {"wall_s": 1.5, "records": {}})
    assert results.read_run(path) == {"wall_s": 1.5, "records": {}}
    with pytest.raises(ValueError, match="Out of range float values are not JSON"):
        results.write_json(path, {"wall_s": float("nan")})
    assert json.loads(path.read_text()) == {"wall_s": 1.5, "records": {}}
    assert [p.name for p in path.parent.iterdir()] == ["02.json"]
