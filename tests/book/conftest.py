"""What a cell displays, and a notebook that holds it."""

import nbformat
import pytest


@pytest.fixture
def shown(monkeypatch):
    """Everything that is displayed, as (data, metadata)."""
    found = []

    def display(data, raw=False, metadata=None):
        assert raw
        found.append((data, metadata))

    monkeypatch.setattr("IPython.display.display", display)
    return found


def executed(*cells):
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
