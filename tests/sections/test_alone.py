"""A section as a notebook of its own, where there is no clone."""

import shutil

import jupytext
import nbformat
import papermill
import pytest
import yaml

from repalign_utils.book import paths
from tests.conftest import ROOT
from tests.sections.running import SMALL

pytestmark = pytest.mark.section


@pytest.mark.parametrize("section", ["09"])
def test_a_notebook_runs_with_the_package_alone(tmp_path, monkeypatch, section):
    shutil.copytree(ROOT / "repalign_utils", tmp_path / "site/repalign_utils")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    notebook = jupytext.read(paths.section_path(ROOT, section))
    notebook.cells.append(
        nbformat.v4.new_code_cell("check_parameters.__globals__['__file__']")
    )
    nbformat.write(notebook, tmp_path / "section.ipynb")
    given = {name: yaml.safe_load(str(value)) for name, value in SMALL[section].items()}
    done = papermill.execute_notebook(
        tmp_path / "section.ipynb",
        tmp_path / "out.ipynb",
        parameters=given,
        cwd=tmp_path,
        progress_bar=False,
    )
    assert str(tmp_path) in done.cells[-1].outputs[0]["data"]["text/plain"]
    shown = [o for c in done.cells for o in c.get("outputs", []) if "data" in o]
    assert sum("image/svg+xml" in output["data"] for output in shown) > 3
