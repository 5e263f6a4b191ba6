"""Execute a section: the one runner of command line, workflow, tests and CI."""

import difflib
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import jupytext
import nbformat
import yaml
from jupyter_client.manager import AsyncKernelManager

from . import parameters as params
from . import project, results
from .files import replacing
from .parameters_cell import with_values
from .yaml12 import read_yaml


class SectionFailed(RuntimeError):
    """A cell of the section failed; the message names it and the kept notebook."""


class _KernelManager(AsyncKernelManager):
    """Kernels over sockets in a folder of their own: none to clash or to overhear."""

    def __init__(self, **options):
        self._folder = tempfile.TemporaryDirectory(prefix="repalign-")
        super().__init__(transport="ipc", ip=f"{self._folder.name}/kernel", **options)

    def cleanup_ipc_files(self):
        super().cleanup_ipc_files()
        self._folder.cleanup()


def read_section(path: Path) -> nbformat.NotebookNode:
    """Section source as a notebook, with its parameters cell.

    Raises
    ------
    project.SectionError
        If there is not exactly one cell tagged ``parameters``.
    """
    notebook = jupytext.read(path)
    tagged = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise project.SectionError(
            f"{path.name} has {len(tagged)} cells tagged 'parameters'; it needs one"
        )
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    return notebook


def parameters_cell(notebook) -> nbformat.NotebookNode:
    """Cell tagged ``parameters``."""
    return next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))


def settle(path: Path, notebook, profile: str | None, file: Path | None, given: dict):
    """Parameter values of a run: notebook, then profile, then file, then ``given``.

    Raises
    ------
    parameters.ParameterError
        If a name or value does not fit the notebook.
    """
    layers = []
    base = path.parents[1]
    if profile:
        layers.append((_profile(base, profile, path.stem), base))
    if file:
        layers.append((_mapping(file), file.resolve().parent))
    layers.append((given, Path.cwd()))
    return params.settle(parameters_cell(notebook).source, path.stem, layers)


def _profile(base: Path, profile: str, section: str) -> dict:
    """Settings of a section in a profile, in a file that only names real sections."""
    file, known = project.profile_path(base, profile), project.sections(base)
    settings = _mapping(file)
    for name, values in settings.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise params.ParameterError(
                f"{file.name} has settings for {name!r}, which is no section; {hint}"
                f"The sections are {', '.join(known)}"
            )
        if not isinstance(values, dict | None):
            raise params.ParameterError(
                f"{file.name} has {values!r} for {name}; expected lines 'name: value'"
            )
    return settings.get(section) or {}


def _mapping(file: Path) -> dict:
    """Mapping in a YAML file; an empty file is an empty one."""
    try:
        values = read_yaml(file.read_text())
    except OSError as error:
        raise params.ParameterError(
            f"{file} cannot be read: {error.strerror}"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise params.ParameterError(
            f"{file.name} is not YAML: {error}; expected lines 'name: value'"
        ) from error
    if not isinstance(values, dict | None):
        raise params.ParameterError(
            f"{file.name} holds {values!r}; expected lines 'name: value'"
        )
    return values or {}


def run(
    path: Path,
    output: Path,
    *,
    profile: str | None = None,
    file: Path | None = None,
    given: dict | None = None,
    progress: bool = True,
    progress_file: Path | None = None,
) -> dict:
    """Execute a section and move notebook and record into place once they are whole.

    Parameters
    ----------
    path : notebook source, ``notebooks/NN_name.py``
    output : executed notebook; the record goes beside it, with the suffix ``.json``
    profile : "quick" or "paper", or None for the notebook's defaults
    file : YAML file of parameter values
    given : parameter values that overlay all others
    progress : whether to show progress and the cells' messages on the terminal
    progress_file : file that gets a line ``k/n`` whenever k of n code cells have run

    Returns
    -------
    dict, the run record

    Raises
    ------
    parameters.ParameterError, project.SectionError
        Before anything runs, if the request does not fit.
    SectionFailed
        If a cell fails; the notebook so far is kept under ``logs/``.
    """
    notebook = read_section(path)
    values = settle(path, notebook, profile, file, given or {})
    usual = settle(path, notebook, profile, None, {})
    cell = parameters_cell(notebook)
    declared = params.declared(cell.source)
    cell.source = with_values(cell.source, values)
    started, state = time.time(), results.checkout()
    with tempfile.TemporaryDirectory() as folder:
        source, part = Path(folder) / "in.ipynb", Path(folder) / "out.ipynb"
        nbformat.write(notebook, source)
        executed, found = _execute(source, part, values, path, progress, progress_file)
    entry = {
        "section": path.stem,
        "profile": profile,
        "parameters": {name: declared[name].told(v) for name, v in values.items()},
        "changed": [name for name in values if values[name] != usual[name]],
        "wall_s": round(time.time() - started, 1),
        "started_from": state,
        **found,
    }
    _stamp(executed, entry)
    with replacing(output) as whole:  # last: a notebook in place means all is in place
        nbformat.write(executed, whole)
        results.write_json(output.with_suffix(".json"), entry)
    return entry


def _execute(source: Path, part: Path, values: dict, path: Path, progress, file):
    """Executed notebook, and what its cells recorded."""
    import papermill

    cells = nbformat.read(source, as_version=4).cells
    total = sum(c.cell_type == "code" and bool(c.source.strip()) for c in cells)

    shown = sys.stderr if progress else None
    _make_absolute("REPALIGN_DATA", "REPALIGN_CACHE")
    # Threads that spin while they wait slow a section twentyfold on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        papermill.execute_notebook(
            source,
            part,
            cwd=path.parents[1],
            progress_bar=progress,
            stderr_file=shown,
            kernel_manager_class=f"{__name__}._KernelManager",
            on_cell_executed=_counted(file, total) if file else None,
        )
        executed = nbformat.read(part, as_version=4)
        return executed, results.collect(executed)
    except Exception as error:
        raise _failure(error, part, path, values) from error


def _counted(file: Path, total: int):
    """Hook that adds a line ``k/n`` to the file after each code cell."""
    file.write_text(f"0/{total}\n")
    done = 0

    def executed(**_):
        nonlocal done
        done += 1
        with file.open("a") as lines:  # one short write: a reader sees whole lines
            lines.write(f"{done}/{total}\n")

    return executed


def _make_absolute(*names: str) -> None:
    """Folders in the environment keep their meaning in the kernel's folder."""
    for name in names:
        if os.environ.get(name):
            os.environ[name] = str(Path(os.environ[name]).expanduser().resolve())


def _failure(error: Exception, part: Path, path: Path, values: dict) -> SectionFailed:
    """Keep the notebook of a failed run, and say which cell failed and why."""
    kept = path.parents[1] / "logs" / f"{path.stem}-{_stamp_time()}-{os.getpid()}.ipynb"
    where, why = "", f"{type(error).__name__}: {error}"
    if part.exists():
        with replacing(kept) as whole:
            whole.write_bytes(part.read_bytes())
        notebook = nbformat.read(part, as_version=4)
        where, why = _failed_cell(notebook) or (_last_cell(notebook, error), why)
        if why.startswith("DataMissing"):
            # the loader cannot know which parameter named it
            declared = params.declared(parameters_cell(notebook).source)
            if options := params.back_to_defaults(why, values, declared):
                why += f" To do without: {options}"
    return SectionFailed(
        f"{path.stem} failed{where}: {why}\nThe notebook with its traceback is {kept}"
    )


def _failed_cell(notebook) -> tuple[str, str] | None:
    """Cell that raised, and what."""
    for position, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                return _named(position, cell), f"{output.ename}: {output.evalue}"
    return None


def _last_cell(notebook, error: Exception) -> str:
    """Cell that ran when the kernel died; it could not say so itself."""
    from nbclient.exceptions import DeadKernelError

    if not isinstance(error, DeadKernelError):
        return ""
    begun = [
        _named(position, cell)
        for position, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and cell.metadata.papermill.start_time
    ]
    return begun[-1] if begun else ""


def _named(position: int, cell) -> str:
    return f" in cell {position} ({cell.source.strip().splitlines()[0]!r})"


def _stamp_time() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


def own_folder(base: Path, section: str) -> Path:
    """Notebook path in a new folder of its own under ``runs/``."""
    return (
        base / "runs" / f"{section}-{_stamp_time()}-{os.getpid()}" / f"{section}.ipynb"
    )


def _stamp(notebook, entry: dict) -> None:
    """Say what the run was, and take out what only this machine can use."""
    for cell in notebook.cells:
        tags = cell.metadata.setdefault("tags", [])
        cell.metadata.pop("papermill", None)
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
        if "parameters" in tags:
            tags.append("hide-input")
    notebook.metadata.pop("papermill", None)
    # Parameters are not among it: who runs the notebook again may change them.
    notebook.metadata["repalign"] = {
        k: entry[k] for k in ("section", "profile", "provenance")
    }


def duration(seconds: float) -> str:
    """Seconds as people say them.

    Examples
    --------
    >>> duration(42.3), duration(3723)
    ('42 s', '1 h 2 min')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours = f"{minutes // 60} h " if minutes >= 60 else ""
    return f"{hours}{minutes % 60} min"
