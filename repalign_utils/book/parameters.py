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
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml

from .._extras import need
from ..spelling import did_you_mean
from .errors import Refused
from .plain_yaml import read_yaml

need("pydantic", "run")
from pydantic import (  # noqa: E402
    AfterValidator,
    BeforeValidator,
    Field,
    Strict,
    TypeAdapter,
    ValidationError,
)

_PATHS = ("path", "existing path", "path or choice")
_HINT = re.compile(
    r"(?:(existing path|path|device|network)|(path or )?\{([^}]*)\}):\s*(.*)"
)
_NUMBERED = re.compile(r"([A-Za-z_]+)(\d+)\.\.\1(\d+)")
_RANGE = re.compile(r"(.*?)(<?)\.\.(.*)")
_CONDITION = re.compile(r"#\s*\{(.+)\}:\s*(.+)")
_DEFAULT = re.compile(r"(.*) \[default (.+)\]")
# What a condition may call.
_FUNCTIONS = {f.__name__: f for f in (all, any, len, max, min, set, sorted, sum)}
TYPES = {"int": int, "float": float, "str": str, "bool": bool, "list": list}


class ParameterError(Refused):
    """A parameter that the section cannot run with; the message says the remedy."""


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell.

    Attributes
    ----------
    name, type, default, help : as declared; ``type`` is a name in ``TYPES``
    limits : choices or bounds, as declared, or ""
    kind : "path", "existing path", "path or choice", "device", "network", or "" for a
        plain value
    """

    name: str
    type: str
    default: object
    help: str
    limits: str = ""
    kind: str = ""

    @property
    def choices(self) -> tuple[str, ...]:
        """Allowed words, those of ``P001..P120`` too; none if there is no choice."""
        if numbered := _NUMBERED.fullmatch(self.limits):
            word, first, last = numbered.groups()
            numbers = range(int(first), int(last) + 1)
            return tuple(f"{word}{number:0{len(first)}}" for number in numbers)
        words = "" if ".." in self.limits else self.limits
        return tuple(w.strip().replace('""', "") for w in words.split(",") if w)

    def check(self, value, base: Path | None = None):
        """Value in the declared type.

        Parameters
        ----------
        value : of the declared type, or text, as typed or as a YAML file holds it; the
            text of a list needs no brackets
        base : folder that a relative path starts from; paths become absolute. Without
            it, paths are not looked at

        Raises
        ------
        ParameterError
            If it has the wrong type or lies outside the choices or the range, if there
            is nothing at a path that has to exist, or if one that a run is to write
            cannot be made.
        """
        if self.type == "list" and isinstance(value, str):
            value = _listed(value)
        items = value if isinstance(value, list) else [value]
        text = all(isinstance(item, str) for item in items)
        try:
            # Text may mean any type; True is no number of seeds, and 8 no name.
            return TypeAdapter(self._annotation()).validate_python(
                value, strict=None if text else True, context=base
            )
        except ValidationError as error:
            raise ParameterError(self._refusal(error.errors()[0])) from None

    def told(self, value):
        """Value as a record tells it: that a path was set, not where it leads."""
        if isinstance(value, list):
            return [self.told(item) for item in value]
        private = self.kind in _PATHS and value and value not in self.choices
        return "set" if private else value

    def _item_type(self) -> Any:
        """Type of the value, or of each in a list."""
        if isinstance(self.default, list):
            return type(next(iter(self.default), None))
        return TYPES[self.type]

    def _annotation(self) -> Any:
        """Type with its limits, for pydantic."""
        item: Any = self._item_type()
        limits: dict = {"allow_inf_nan": False} if item is float else {}
        if self.kind in _PATHS:
            item = Annotated[item, AfterValidator(self._located)]
        elif self.choices:
            item = Literal[self.choices]
        elif item is bool:  # of all that pydantic takes for one, YAML 1.2 has two words
            item = Annotated[bool, Strict(), BeforeValidator(_truth)]
        elif self.limits:
            low, above, high = _RANGE.fullmatch(self.limits).groups()  # type: ignore
            limits |= {"gt" if above else "ge": float(low)} if low else {}
            limits |= {"le": float(high)} if high else {}
        item = Annotated[item, Field(**limits)]
        if self.type != "list":
            return item
        several: Any = list[item]
        return Annotated[several, Field(min_length=1), AfterValidator(_unique)]

    def _located(self, value: str, info) -> str:
        """Absolute path, if it can be used."""
        if info.context is None or not value or value in self.choices:
            return value
        path = (info.context / Path(value).expanduser()).resolve()
        if self.kind != "path" and not path.exists():
            what = f"choose one of {self.limits}, or a path; " if self.choices else ""
            raise ValueError(f"{what}there is no {path}{_near(value, self.choices)}")
        there = next(p for p in (path, *path.parents) if p.exists())
        if self.kind == "path" and not os.access(there, os.W_OK):
            raise ValueError(f"{there} cannot be written, name another")
        return str(path)

    def _refusal(self, found) -> str:
        """Message for an error of pydantic: the value, and what was expected."""
        if found["type"] == "value_error":
            expected = str(found["ctx"]["error"])
        elif found["type"] == "literal_error":
            expected = f"choose one of {self.limits}"
            if ".." not in self.limits:  # numbers are all alike
                expected += _near(found["input"], self.choices)
        else:
            expected = f"expected {self._form()}, for example {self.default!r}"
        return f"{self.name} is {found['input']!r}; {expected}"

    def _form(self) -> str:
        """Type and range in words."""
        form = "finite float" if self.type == "float" else self.type
        if self.type == "list" and self.default:
            form = f"list of {self._item_type().__name__}"
        if not self.limits or self.choices:
            return form
        if self.limits.endswith("<.."):
            return f"{form} above {self.limits.removesuffix('<..')}"
        return f"{form} in {self.limits}"


def _truth(value: Any) -> Any:
    """True or False of the word, anything else as it is."""
    return {"true": True, "false": False}.get(str(value).lower(), value)


def _listed(text: str) -> list | str:
    """List that text stands for, or the text; the error that follows names it."""
    try:
        return read_yaml(text if text.lstrip().startswith("[") else f"[{text}]")
    except yaml.YAMLError:
        return text


def _unique(values: list) -> list:
    if len(set(values)) < len(values):
        raise ValueError("give each value once")
    return values


def _near(word, known) -> str:
    hint = did_you_mean(word, known).strip()
    return hint and f"; {hint}"


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
    return {p.name: p for p in (_parameter(*s[1:]) for s in statements(source))}


def _parameter(node: ast.AnnAssign, default, comment: str) -> Parameter:
    if ran := _DEFAULT.fullmatch(comment):
        # A run has put its own value in the place of the default.
        comment, default = ran[1], ast.literal_eval(ran[2])
    first = (node.target.id, node.annotation.id, default)  # type: ignore[attr-defined]
    hint = _HINT.fullmatch(comment)
    if not hint:
        return Parameter(*first, comment)
    kind, or_path, limits, text = hint.groups()
    kind = kind or ("path or choice" if or_path else "")
    return Parameter(*first, text, limits or "", kind)


def statements(source: str) -> Iterator[tuple[int, Any, Any, str]]:
    """Number, syntax, value and comment of each line that declares a parameter.

    Parameters
    ----------
    source : code of the cell tagged ``parameters``

    Raises
    ------
    ParameterError
        If a line is not of the form ``name: type = value  # comment``.
    """
    for number, line in enumerate(source.split("\n")):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            (node,) = ast.parse(line).body
            kind, value = node.annotation.id, ast.literal_eval(node.value)  # type: ignore
            after = line.encode()[node.end_col_offset :].decode()  # ast counts bytes
            comment = after.partition("#")[2].strip()
            if kind not in TYPES or not comment:
                raise ValueError
        except (SyntaxError, ValueError, AttributeError):
            raise ParameterError(
                f"parameters cell has the line {line!r}; expected "
                "'name: type = value  # comment' on one line, with the type one of "
                f"{', '.join(TYPES)}"
            ) from None
        yield number, node, value, comment


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
                raise ParameterError(
                    f"{section} has no parameter {name!r}; "
                    f"{did_you_mean(name, parameters)}it takes {', '.join(parameters)}"
                )
            values[name] = parameters[name].check(value, base)
    for condition in conditions(source):
        condition.check(values)
    return values
