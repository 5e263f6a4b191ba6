"""Sections as notebooks: read from their source, and stamped after a run."""

from pathlib import Path

from .._extras import need
from .paths import SectionError

need("papermill", "run")
import jupytext  # noqa: E402
import nbformat  # noqa: E402

_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def read_section(path: Path) -> nbformat.NotebookNode:
    """Section source as a notebook, with its parameters cell.

    Raises
    ------
    paths.SectionError
        If there is not exactly one cell tagged ``parameters``.
    """
    notebook = jupytext.read(path)
    count = len(_tagged(notebook))
    if count != 1:
        raise SectionError(
            f"{path.name} has {count} cells tagged 'parameters'; it needs one"
        )
    notebook.metadata["kernelspec"] = _KERNEL
    return notebook


def parameters_cell(notebook) -> nbformat.NotebookNode:
    """Cell tagged ``parameters``."""
    return _tagged(notebook)[0]


def _tagged(notebook) -> list:
    return [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]


def stamp(notebook, entry: dict) -> None:
    """Say what the run was, and take out what only this machine can use.

    Parameters
    ----------
    notebook : executed notebook, which is changed
    entry : run record
    """
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    parameters_cell(notebook).metadata.tags.append("hide-input")
    notebook.metadata.pop("papermill", None)
    # Parameters are not among it: who runs the notebook again may change them.
    notebook.metadata["repalign"] = {
        k: entry[k] for k in ("section", "profile", "provenance")
    }
