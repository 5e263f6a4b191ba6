"""Values that a run gives its parameters: from profile, file and command line."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

from ..spelling import did_you_mean
from . import parameters as params
from . import paths
from .notebooks import parameters_cell, read_section
from .plain_yaml import read_mapping

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


def values_of(
    path: Path,
    *,
    profile: str | None = None,
    like: dict | None = None,
    file: Path | None = None,
    given: dict | None = None,
) -> dict:
    """Values of a section's parameters; each option overlays those before it.

    Parameters
    ----------
    path : notebook source, which has the defaults
    profile : "quick", "paper" or one of ``paths.LARGE``, whose paths start at the root
        of the checkout
    like : values of an earlier run
    file : YAML file of values, whose paths start where it lies
    given : values, or their text

    Raises
    ------
    parameters.ParameterError
        If a name or value does not fit the notebook.
    """
    base, here = path.parents[1], Path.cwd()
    layers = [
        (_profile(base, profile, path.stem) if profile else {}, base),
        (like or {}, here),
        (_given_in(file), file.resolve().parent) if file else ({}, here),
        (given or {}, here),
    ]
    return params.settle(parameters_cell(read_section(path)).source, path.stem, layers)


def _profile(base: Path, profile: str, section: str) -> dict:
    """Settings of a section in a profile, in a file that only names real sections."""
    file, known = paths.profile_path(base, profile), paths.sections(base)
    settings = read_mapping(file, params.ParameterError)
    for name, values in settings.items():
        if name not in known:
            raise params.ParameterError(
                f"{file.name} has settings for {name!r}, which is no section; "
                f"{did_you_mean(name, known)}the sections are {', '.join(known)}"
            )
        if values and not isinstance(values, dict):
            raise params.ParameterError(
                f"{file.name} has {values!r} for {name}; expected lines 'name: value'"
            )
    if profile in paths.LARGE and section not in settings:
        raise params.ParameterError(
            f"profile {profile} is for {', '.join(settings)} alone, not for {section}; "
            f"choose {' or '.join(paths.PROFILES)}"
        )
    return settings.get(section) or {}


def _given_in(file: Path) -> dict:
    """Values of a user's file, which may well be a run record instead."""
    values = read_mapping(file, params.ParameterError)
    if values.keys() >= {"section", "parameters", "records"}:
        raise params.ParameterError(
            f"{file.name} is the record of a run; to run it again: "
            f"repalign run --like {file}"
        )
    return values


def check_with_torch(declared: dict[str, params.Parameter], values: dict) -> None:
    """Ask torch, in a process of its own, for what was named in place of a default.

    Parameters
    ----------
    declared : name -> parameter
    values : name -> checked value

    Raises
    ------
    parameters.ParameterError
        If there is no such device or network.
    """
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


def back_to_defaults(
    message: str, values: dict, declared: dict[str, params.Parameter]
) -> str:
    """Options for the command line that give up what a message names.

    Parameters
    ----------
    message : text of an error, in which capitals do not count
    values : name -> value of the run that ended with it
    declared : name -> parameter

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
    for name, p in declared.items():
        value = values[name]
        words = value if isinstance(value, list) else [value]
        # a path may well be named as the place where something lacks
        named = any(
            re.search(rf"(?i)(?<!\w){re.escape(word)}(?!\w)", message)
            for word in words
            if isinstance(word, str) and word and word[0] != "/"
        )
        if named and value != p.default:
            options.append(f"-p {name} {shlex.quote(typed(p.default))}")
    return " ".join(options)


def typed(value) -> str:
    """Value as one types it behind ``-p NAME``."""
    if isinstance(value, list):
        return ",".join(map(typed, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
