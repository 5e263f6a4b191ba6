"""Execute a section: the one runner of command line, workflow, tests and CI."""

import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
import yaml

from ..files import as_json
from . import destination, execution, origin, paths, records
from . import parameters as params
from .parameters_cell import with_values
from .plain_yaml import read_yaml

# Kind of a parameter -> program that fails if torch has no such thing.
_ASKING = {
    "device": (
        "import sys; from repalign_utils import choose_device\n"
        "choose_device(sys.argv[1])"
    ),
    "network": (
        "import sys, torch; from repalign_utils import build\n"
        "with torch.device('meta'): build(sys.argv[1], 2)"  # without its weights
    ),
}


class SectionFailed(RuntimeError):
    """A run did not end as it should; the message says why and what was kept."""


class Stopped(RuntimeError):
    """A signal ended a run; the message says how to go on.

    Attributes
    ----------
    status : exit status of a command that ends so
    """

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


def read_section(path: Path) -> nbformat.NotebookNode:
    """Section source as a notebook, with its parameters cell.

    Raises
    ------
    paths.SectionError
        If there is not exactly one cell tagged ``parameters``.
    """
    notebook = jupytext.read(path)
    tagged = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise paths.SectionError(
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


def settle(
    path: Path,
    notebook,
    profile: str | None,
    file: Path | None,
    given: dict,
    *,
    like: dict | None = None,
):
    """Parameter values: notebook, profile, run to be ``like``, file, ``given``.

    Raises
    ------
    parameters.ParameterError
        If a name or value does not fit the notebook.
    """
    layers = []
    base = path.parents[1]
    if profile:
        layers.append((_profile(base, profile, path.stem), base))
    if like:
        layers.append((like, Path.cwd()))
    if file:
        layers.append((_mapping(file), file.resolve().parent))
    layers.append((given, Path.cwd()))
    return params.settle(parameters_cell(notebook).source, path.stem, layers)


def _profile(base: Path, profile: str, section: str) -> dict:
    """Settings of a section in a profile, in a file that only names real sections."""
    file, known = paths.profile_path(base, profile), paths.sections(base)
    settings = _mapping(file)
    for name, values in settings.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise params.ParameterError(
                f"{file.name} has settings for {name!r}, which is no section; {hint}"
                f"The sections are {', '.join(known)}"
            )
        if values and not isinstance(values, dict):
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
    values = values or {}
    if values.keys() >= {"section", "parameters", "records"}:
        raise params.ParameterError(
            f"{file.name} is the record of a run; to run it again: "
            f"repalign run --like {file}"
        )
    return values


def run(
    path: Path,
    output: Path,
    *,
    profile: str | None = None,
    file: Path | None = None,
    given: dict | None = None,
    like: dict | None = None,
    force: bool = False,
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
    like : parameter values of an earlier run, that overlay the profile's
    force : whether to replace an output that no run has written
    progress : whether to show progress and the cells' messages on the terminal
    progress_file : file that gets a line ``k/n`` whenever k of n code cells have run

    Returns
    -------
    dict, the run record

    Raises
    ------
    parameters.ParameterError, paths.SectionError, destination.OutputRefused
        Before anything runs, if the request does not fit.
    SectionFailed
        If a cell fails or the output cannot be written; what there is so far is kept
        under ``logs/``.
    Stopped
        If a signal ends the run; the notebook so far is kept there too.
    """
    notebook = read_section(path)
    values = settle(path, notebook, profile, file, given or {}, like=like)
    usual = settle(path, notebook, profile, None, {})
    cell = parameters_cell(notebook)
    declared = params.declared(cell.source)
    cell.source = with_values(cell.source, values)
    destination.check(output, file=file, force=force)
    _check_with_torch(declared, values)
    started, state = time.time(), origin.checkout()
    executed, found = _executed(notebook, path, values, progress, progress_file)
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
    try:
        destination.check(output, file=file, force=force)  # a run may have taken days
        destination.write(output, executed, entry)
    except (OSError, destination.OutputRefused) as error:
        raise _unwritten(error, output, path, executed, entry) from error
    return entry


def _check_with_torch(declared: dict[str, params.Parameter], values: dict) -> None:
    """Ask torch, in a process of its own, for what was named in place of a default."""
    for name, parameter in declared.items():
        if parameter.kind not in _ASKING or values[name] in (parameter.default, "cpu"):
            continue
        value = values[name]
        for item in value if isinstance(value, list) else [value]:
            command = [sys.executable, "-c", _ASKING[parameter.kind], item]
            asked = subprocess.run(command, capture_output=True, text=True)
            said = asked.stderr.strip().rpartition("\n")[2]
            if asked.returncode and said.startswith("ValueError: "):
                why = said.removeprefix("ValueError: ")
                named = why if why.startswith(name) else f"{name} is {item!r}: {why}"
                raise params.ParameterError(named)


def _executed(notebook, path: Path, values: dict, progress: bool, progress_file):
    """Executed notebook, and what its cells recorded."""
    base = path.parents[1]
    with tempfile.TemporaryDirectory() as folder:
        source, part = Path(folder) / "in.ipynb", Path(folder) / "out.ipynb"
        nbformat.write(notebook, source)
        try:
            executed = execution.execute(
                *(source, part),
                cwd=base,
                progress=progress,
                progress_file=progress_file,
            )
            return executed, _collected(executed)
        except execution.CellsFailed as error:
            why = error.why + _way_without(error.why, notebook, values)
            kept = _kept(base, path.stem, part, " with its traceback")
            raise SectionFailed(
                f"{path.stem} failed{error.where}: {why}{kept}"
            ) from error
        except execution.Interrupted as error:
            kept = _kept(base, path.stem, part, " so far")
            raise Stopped(
                f"{path.stem} was stopped ({error}); the same command {_again(values)}."
                f"{kept}",
                128 + error.number,
            ) from None


def _collected(executed) -> dict:
    try:
        return records.collect(executed)
    except ValueError as error:
        raise execution.CellsFailed("", f"ValueError: {error}") from error


def _way_without(why: str, notebook, values: dict) -> str:
    """Options that do without missing data: the loader knows no parameter's name."""
    if not why.startswith("DataMissing"):
        return ""
    declared = params.declared(parameters_cell(notebook).source)
    options = back_to_defaults(why, values, declared)
    return f" To do without: {options}" if options else ""


def back_to_defaults(
    message: str, values: dict, parameters: dict[str, params.Parameter]
) -> str:
    """Options for the command line that give up what a message names.

    Parameters
    ----------
    message : text of an error, in which capitals do not count
    values : name -> value of the run that ended with it
    parameters : what the notebook declares

    Returns
    -------
    str, empty if the message names no value other than a default

    Examples
    --------
    >>> taken = params.declared('images: str = "digits"  # of two classes')
    >>> back_to_defaults("MNIST is not there", {"images": "mnist"}, taken)
    '-p images digits'
    """
    options = []
    for name, p in parameters.items():
        value = values[name]
        words = value if isinstance(value, list) else [value]
        # a path may well be named as the place where something lacks
        named = [w for w in words if isinstance(w, str) and w and w[0] != "/"]
        named = [
            w for w in named if re.search(rf"(?i)(?<!\w){re.escape(w)}(?!\w)", message)
        ]
        if named and value != p.default:
            usual = yaml.safe_dump(p.default, default_flow_style=True)
            usual = usual.removesuffix("\n...\n").strip()
            options.append(f"-p {name} {shlex.quote(usual)}")
    return " ".join(options)


def _kept(base: Path, section: str, part: Path, what: str) -> str:
    """Sentence that says where the notebook was kept; none if nothing had run."""
    if not part.exists():
        return ""
    kept = execution.keep(base, section, {".ipynb": part.read_text()})
    return f"\nThe notebook{what} is {kept}"


def _again(values: dict) -> str:
    """What the same command does after a run was stopped."""
    if values.get("checkpoints"):
        return "goes on from its checkpoints"
    option = "; with -p checkpoints FOLDER it would go on"
    return "starts anew" + (option if "checkpoints" in values else "")


def _unwritten(error, output: Path, path: Path, executed, entry) -> SectionFailed:
    """Keep a run that is whole but could not be put into its place."""
    contents = {".json": as_json(entry), ".ipynb": nbformat.writes(executed)}
    kept = execution.keep(path.parents[1], path.stem, contents)
    told = str(error)
    if isinstance(error, OSError):
        told = f"{output} cannot be written: {error.strerror}"
    return SectionFailed(
        f"{path.stem} ran to its end, but {told}\n"
        f"The notebook is {kept}, and its record lies beside it"
    )


def own_folder(base: Path, section: str) -> Path:
    """Notebook path in a new folder of its own under ``runs/``."""
    name = f"{section}-{execution.stamp_time()}-{os.getpid()}"
    return base / "runs" / name / f"{section}.ipynb"


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
