"""Execute a section: the one runner of command line, workflow, tests and CI."""

import tempfile
import time
from pathlib import Path

import nbformat

from . import destination, execution, features, notebooks, origin, records, settings
from . import parameters as params
from .errors import Failed, Stopped
from .parameters_cell import with_values


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
) -> dict:
    """Execute a section and move notebook and record into place once they are whole.

    Parameters
    ----------
    path : notebook source, ``notebooks/NN_name.py``
    output : executed notebook; the record goes beside it, with the suffix ``.json``,
        and features that the section keeps, with ``.features.npz``
    profile : as of `settings.values_of`, or None for the notebook's defaults
    file : YAML file of parameter values
    given : parameter values that overlay all others
    like : parameter values of an earlier run, that overlay the profile's
    force : whether to replace an output that no run has written
    progress : whether to show progress and the cells' messages on the terminal

    Returns
    -------
    dict, the run record

    Raises
    ------
    errors.Refused
        Before anything runs, if the request does not fit.
    errors.Failed
        If a cell fails or the output cannot be written; what there is so far is kept
        under ``logs/``.
    errors.Stopped
        If a signal ends the run; the notebook so far is kept there too.
    """
    values = settings.values_of(
        path, profile=profile, like=like, file=file, given=given
    )
    usual = settings.values_of(path, profile=profile)
    notebook = notebooks.read_section(path)
    cell = notebooks.parameters_cell(notebook)
    declared = params.declared(cell.source)
    cell.source = with_values(cell.source, values)
    destination.check(output, file=file, force=force)
    settings.check_with_torch(declared, values)
    started, state = time.time(), origin.checkout()
    executed, found, kept = _executed(notebook, path, values, declared, progress)
    entry = {
        "section": path.stem,
        "profile": profile,
        "parameters": {name: declared[name].told(v) for name, v in values.items()},
        "changed": [name for name in values if values[name] != usual[name]],
        "wall_s": round(time.time() - started, 1),
        "started_from": state,
        **found,
    }
    notebooks.stamp(executed, entry)
    try:
        destination.check(output, file=file, force=force)  # a run may have taken days
        destination.write(output, executed, entry, kept)
    except (OSError, destination.OutputRefused) as error:
        raise _unwritten(error, output, path, executed, entry, kept) from error
    return entry


def _executed(notebook, path: Path, values: dict, declared: dict, progress: bool):
    """Executed notebook, what its cells recorded, and the file of features."""
    base, section = path.parents[1], path.stem
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "part.ipynb"
        try:
            executed = execution.execute(notebook, part, cwd=base, progress=progress)
            file = features.beside(part)
            layers = file.read_bytes() if file.exists() else b""
            return executed, records.collect(executed), layers
        except execution.Interrupted as error:
            kept = _kept(base, section, part, " so far")
            raise Stopped(
                f"{section} was stopped ({error}); the same command {_again(values)}."
                f"{kept}",
                128 + error.number,
            ) from None
        except (execution.CellsFailed, ValueError) as error:
            told = str(error)
            if not isinstance(error, execution.CellsFailed):
                told = f": ValueError: {error}"
            if "DataMissing" in told:  # the loader knows no parameter's name
                options = settings.back_to_defaults(told, values, declared)
                told += f" To do without: {options}" if options else ""
            kept = _kept(base, section, part, " with its traceback")
            raise Failed(f"{section} failed{told}{kept}") from error


def _kept(base: Path, section: str, part: Path, what: str) -> str:
    """Sentence that says where the notebook was kept; none if nothing had run."""
    if not part.exists():
        return ""
    kept = destination.keep(base, section, nbformat.read(part, as_version=4))
    return f"\nThe notebook{what} is {kept}"


def _again(values: dict) -> str:
    """What the same command does after a run was stopped."""
    if values.get("checkpoints"):
        return "goes on from its checkpoints"
    option = "; with -p checkpoints FOLDER it would go on"
    return "starts anew" + (option if "checkpoints" in values else "")


def _unwritten(error, output: Path, path: Path, executed, entry, kept) -> Failed:
    """Keep a run that is whole but could not be put into its place."""
    place = destination.keep(path.parents[1], path.stem, executed, entry, kept)
    told = str(error)
    if isinstance(error, OSError):
        told = f"{output} cannot be written: {error.strerror}"
    return Failed(
        f"{path.stem} ran to its end, but {told}\n"
        f"The notebook is {place}, and its record lies beside it"
    )
