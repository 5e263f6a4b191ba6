"""Parameters of a section: what the notebook declares, checked before it runs.

A parameters cell is typed and commented, one parameter per line::

    dataset: str = "digits"  # {digits, mnist}: images with classes
    task: str = "P001"  # {P001..P120}: what is learnt
    seeds: int = 5  # {1..}: networks trained together
    step_size: float = 1e-3  # {0<..}: of Adam
    source: str = "drawn"  # path or {drawn, cifar10}: images to pretrain on
    data_dir: str = ""  # existing path: folder with real data
    checkpoints: str = ""  # path: folder that is made if there is none
    device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps
    cnn: str = "small_resnet"  # network: ours, or one of torchvision or timm
    # {n_target <= n}: the points of a target task are drawn from the n

Braces hold the choices, or a range whose ends may be left open, or that of numbered
names; ``""`` among choices is empty text. A path becomes absolute before the kernel
starts. A line of its own holds a condition between parameters, in Python, and why.
"""

import ast
import difflib
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from .yaml12 import read_yaml

_PATHS = ("path", "existing path", "path or choice")
_HINT = re.compile(
    r"(?:(existing path|path|device|network)|(path or )?\{([^}]*)\}):\s*(.*)"
)
_RANGE = re.compile(r"(.*?)(<?)\.\.(.*)")
_CONDITION = re.compile(r"#\s*\{(.+)\}:\s*(.+)")
_DEFAULT = re.compile(r"(.*) \[default (.+)\]")
# What a condition may call.
_FUNCTIONS = {f.__name__: f for f in (all, any, len, max, min, set, sorted, sum)}
TYPES = {"int": int, "float": float, "str": str, "bool": bool, "list": list}


class ParameterError(ValueError):
    """A parameter that the section cannot run with; the message says the remedy."""


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell.

    Attributes
    ----------
    name, type, default, help : as declared; ``type`` is a name in ``TYPES``
    choices : allowed values, empty for any
    low, high : bounds, None for open
    above : whether ``low`` itself is left out
    kind : "path", "existing path", "path or choice", "device", "network", or "" for a
        plain value
    limits : choices or bounds, as declared
    """

    name: str
    type: str
    default: object
    help: str
    choices: tuple = ()
    low: float | None = None
    high: float | None = None
    above: bool = False
    kind: str = ""
    limits: str = ""

    def check(self, value):
        """Value in the declared type.

        Parameters
        ----------
        value : as parsed from YAML, or text from the command line

        Raises
        ------
        ParameterError
            If it has the wrong type or lies outside the choices or the range.
        """
        value = self._convert(value)
        for item in value if isinstance(value, list) else [value]:
            self._check_item(item)
        return value

    def located(self, value, base: Path):
        """Checked value, with paths made absolute.

        Parameters
        ----------
        value : as `check` gives it
        base : folder that a relative path starts from

        Raises
        ------
        ParameterError
            If there is nothing at a path that has to exist, or one that a run is to
            write cannot be made.
        """
        if isinstance(value, list):
            return [self.located(item, base) for item in value]
        if self.kind not in _PATHS or not value or value in self.choices:
            return value
        path = (base / Path(value).expanduser()).resolve()
        if self.kind != "path" and not path.exists():
            what = f"; choose one of {self.limits}, or a path" if self.choices else ""
            raise ParameterError(
                f"{self.name} is {value!r}{what}; there is no {path}{self._near(value)}"
            )
        there = next(p for p in (path, *path.parents) if p.exists())
        if self.kind == "path" and not os.access(there, os.W_OK):
            raise ParameterError(
                f"{self.name} is {value!r}; {there} cannot be written, name another"
            )
        return str(path)

    def told(self, value):
        """Value as a record tells it: that a path was set, not where it leads."""
        if isinstance(value, list):
            return [self.told(item) for item in value]
        private = self.kind in _PATHS and value and value not in self.choices
        return "set" if private else value

    def _convert(self, value):
        wanted = TYPES[self.type]
        if isinstance(value, str) and wanted is not str:
            value = _parsed(value, wanted)
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        # In Python a bool is an int; here True is no number of seeds.
        odd = isinstance(value, bool) and wanted is not bool
        if odd or not isinstance(value, wanted):
            raise ParameterError(
                f"{self.name} is {value!r}; expected {self.type}, "
                f"for example {self.default!r}"
            )
        return self._convert_list(value) if isinstance(value, list) else value

    def _convert_list(self, values: list) -> list:
        first = next(iter(self.default), None)  # type: ignore[call-overload]
        kinds = (int, float) if isinstance(first, float) else (type(first),)
        alike = all(isinstance(v, kinds) and not isinstance(v, bool) for v in values)
        if not values or not alike:
            raise ParameterError(
                f"{self.name} is {values!r}; expected a list such as {self.default!r}"
            )
        if len(set(values)) < len(values):
            raise ParameterError(f"{self.name} is {values!r}; give each value once")
        return [float(v) for v in values] if isinstance(first, float) else values

    def _check_item(self, item):
        if self.choices and self.kind not in _PATHS and str(item) not in self.choices:
            raise ParameterError(
                f"{self.name} is {item!r}; choose one of {self.limits}"
                f"{self._near(item)}"
            )
        endless = isinstance(item, float) and not math.isfinite(item)
        if endless or not self._within(item):
            raise ParameterError(
                f"{self.name} is {item!r}; expected a finite value{self._range()}"
            )

    def _within(self, item) -> bool:
        if self.low is None and self.high is None:
            return True
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return low <= item <= high and not (self.above and item == low)

    def _range(self) -> str:
        """Range in words."""
        if not self.above:
            return f" in {self.limits}" if self.limits else ""
        low, high = self.limits.split("<..")
        return f" above {low}" + (f", at most {high}" if high else "")

    def _near(self, item) -> str:
        words = () if ".." in self.limits else self.choices  # numbers are all alike
        near = difflib.get_close_matches(str(item), words, 1)
        return f"; did you mean {near[0]!r}?" if near else ""


def _parsed(text: str, wanted: type):
    """Value that text on the command line stands for; a list needs no brackets."""
    for form in (text, f"[{text}]") if wanted is list and text else (text,):
        try:
            value = read_yaml(form)
        except (yaml.YAMLError, ValueError):
            continue
        if isinstance(value, wanted) or wanted is not list:
            return value
    return text  # the error that follows names it


@dataclass(frozen=True)
class Condition:
    """Condition between parameters.

    Attributes
    ----------
    expression : in Python, of the parameters' names and a few functions such as `len`
    why : what it is good for
    """

    expression: str
    why: str

    def check(self, values: dict) -> None:
        """Check it.

        Parameters
        ----------
        values : name -> value of every parameter

        Raises
        ------
        ParameterError
            If it does not hold, or is no expression of the parameters.
        """
        try:
            tree = ast.parse(self.expression)
            holds = eval(self.expression, {"__builtins__": {}, **_FUNCTIONS}, values)
        except Exception as error:
            raise ParameterError(
                f"parameters cell has the condition {self.expression!r}; "
                f"expected one of its parameters and {', '.join(_FUNCTIONS)} ({error})"
            ) from error
        if not holds:
            names = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name)]
            given = [f"{n} is {v!r}" for n, v in values.items() if n in names]
            raise ParameterError(
                f"{' and '.join(given)}; expected {self.expression}: {self.why}"
            )


def conditions(source: str) -> list[Condition]:
    """Conditions that a parameters cell states, in order.

    Parameters
    ----------
    source : code of the cell tagged ``parameters``
    """
    found = [_CONDITION.fullmatch(line.strip()) for line in source.split("\n")]
    return [Condition(*match.groups()) for match in found if match]


def declared(source: str) -> dict[str, Parameter]:
    """Parameters that a cell declares, in order.

    Parameters
    ----------
    source : code of the cell tagged ``parameters``

    Raises
    ------
    ParameterError
        If a line is not of the form ``name: type = value  # comment``.
    """
    parameters = {}
    for _, line in parameter_lines(source):
        parameter = _parameter(line)
        parameters[parameter.name] = parameter
    return parameters


def _parameter(line: str) -> Parameter:
    node, default, comment = parsed_line(line)
    if ran := _DEFAULT.fullmatch(comment):
        # A run has put its own value in the place of the default.
        comment, default = ran[1], ast.literal_eval(ran[2])
    first = (node.target.id, node.annotation.id, default)  # type: ignore[attr-defined]
    hint = _HINT.fullmatch(comment)
    if not hint:
        return Parameter(*first, comment)
    mark, or_path, limits, text = hint.groups()
    if mark:
        return Parameter(*first, text, kind=mark)
    if choices := _choices(limits):
        kind = "path or choice" if or_path else ""
        return Parameter(*first, text, choices=choices, kind=kind, limits=limits)
    low, above, high = _RANGE.fullmatch(limits).groups()  # type: ignore[union-attr]
    low, high = (float(end) if end else None for end in (low, high))
    return Parameter(*first, text, low=low, high=high, above=bool(above), limits=limits)


def _choices(limits: str) -> tuple[str, ...]:
    """Choices that braces hold; none if they hold a range of numbers."""
    if ".." not in limits:
        return tuple(c.strip().replace('""', "") for c in limits.split(","))
    ends = re.fullmatch(r"([A-Za-z_]+)(\d+)\.\.\1(\d+)", limits)
    if not ends:
        return ()
    word, first, last = ends.groups()
    numbers = range(int(first), int(last) + 1)
    return tuple(f"{word}{number:0{len(first)}}" for number in numbers)


def parameter_lines(source: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line of a parameters cell that declares a parameter."""
    for i, line in enumerate(source.split("\n")):
        if line.strip() and not line.lstrip().startswith("#"):
            yield i, line


def parsed_line(line: str) -> tuple[ast.AnnAssign, object, str]:
    """Syntax, value and comment of one line of a parameters cell.

    Raises
    ------
    ParameterError
        If it is not of the form ``name: type = value  # comment``.
    """
    try:
        (node,) = ast.parse(line).body
        kind = node.annotation.id  # type: ignore[attr-defined]
        value = ast.literal_eval(node.value)  # type: ignore[attr-defined]
        after = line.encode()[node.end_col_offset :].decode()  # ast counts bytes
        comment = after.partition("#")[2].strip()
        if isinstance(node, ast.AnnAssign) and kind in TYPES and comment:
            return node, value, comment
    except (SyntaxError, ValueError, AttributeError):
        pass  # said below
    raise ParameterError(
        f"parameters cell has the line {line!r}; expected "
        "'name: type = value  # comment' on one line, with the type one of "
        f"{', '.join(TYPES)}"
    )


def settle(source: str, section: str, layers: list[tuple[dict, Path]]) -> dict:
    """Values of all parameters: defaults overlaid by each layer in turn, checked.

    Parameters
    ----------
    source : code of the cell tagged ``parameters``
    section : its name, for the messages
    layers : (values, folder that relative paths start from), weakest first

    Raises
    ------
    ParameterError
        If a name is unknown, a value or default does not fit its declaration, or the
        values together break a condition.
    """
    parameters = declared(source)
    values = {name: p.check(p.default) for name, p in parameters.items()}
    for layer, base in layers:
        for name, value in layer.items():
            if name not in parameters:
                raise ParameterError(_unknown(name, section, parameters))
            parameter = parameters[name]
            values[name] = parameter.located(parameter.check(value), base)
    for condition in conditions(source):
        condition.check(values)
    return values


def _unknown(name, section: str, parameters) -> str:
    near = difflib.get_close_matches(str(name), parameters, 1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return (
        f"{section} has no parameter {name!r}; {hint}It takes {', '.join(parameters)}"
    )
