"""Parameters of a section: what the notebook declares, checked before it runs.

A parameters cell is typed and commented, one parameter per line::

    dataset: str = "digits"  # {digits, mnist}: images with classes
    seeds: int = 5  # {1..}: networks trained together
    data_dir: str = ""  # path: folder with real data

Braces hold the choices, or a range whose ends may be left open.  ``path:`` marks
a path, which becomes absolute before the kernel starts.
"""

import ast
import difflib
import math
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import yaml

HINT = re.compile(r"^(?:(path)|\{([^}]*)\}):\s*(.*)$")
TYPES = {"int": int, "float": float, "str": str, "bool": bool, "list": list}


class ParameterError(ValueError):
    """A parameter that the section cannot run with; the message says the remedy."""


class _Loader(yaml.SafeLoader):
    """YAML in which 1e-3 is a number, as every reader expects."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),
    list("-+0123456789."),
)


def read_yaml(text: str):
    """Parse YAML; numbers in exponent form such as ``1e-3`` are floats."""
    return yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader)


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell.

    Attributes
    ----------
    name, type, default, help : as declared; ``type`` is a name in ``TYPES``
    choices : allowed values, empty for any
    low, high : bounds, None for open
    is_path : whether the value is a path
    """

    name: str
    type: str
    default: object
    help: str
    choices: tuple = ()
    low: float | None = None
    high: float | None = None
    is_path: bool = False

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

    def _convert(self, value):
        wanted = TYPES[self.type]
        if isinstance(value, str) and wanted is not str:
            try:
                value = read_yaml(value)
            except yaml.YAMLError:
                pass  # still text, so the error below names it
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        # In Python a bool is an int; here True is no number of seeds.
        odd = isinstance(value, bool) and wanted is not bool
        if odd or not isinstance(value, wanted):
            raise ParameterError(
                f"{self.name} is {value!r}; expected {self.type}, "
                f"for example {self.default!r}"
            )
        if not isinstance(value, list):
            return value
        if not value or not self._alike(value):
            raise ParameterError(
                f"{self.name} is {value!r}; expected a list such as {self.default!r}"
            )
        return [float(v) for v in value] if self._floats() else value

    def _floats(self) -> bool:
        return isinstance(self.default, list) and isinstance(self.default[0], float)

    def _alike(self, values) -> bool:
        kinds = (int, float) if self._floats() else (type(self.default[0]),)  # type: ignore[index]
        return all(isinstance(v, kinds) and not isinstance(v, bool) for v in values)

    def _check_item(self, item):
        if self.choices and str(item) not in self.choices:
            near = difflib.get_close_matches(str(item), self.choices, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ParameterError(
                f"{self.name} is {item!r}; choose one of "
                f"{', '.join(self.choices)}{hint}"
            )
        ranged = self.low is not None or self.high is not None
        if ranged and not (math.isfinite(item) and self._within(item)):
            ends = [_end(self.low), _end(self.high)]
            raise ParameterError(
                f"{self.name} is {item!r}; expected a finite value in "
                f"{ends[0]}..{ends[1]}"
            )

    def _within(self, item) -> bool:
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return low <= item <= high


def _end(bound: float | None) -> str:
    return "" if bound is None else f"{bound:g}"


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
    for line in source.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parameter = _parameter(line)
        parameters[parameter.name] = parameter
    return parameters


def _parameter(line: str) -> Parameter:
    name, kind, default, comment = _parts(line)
    hint = HINT.match(comment)
    if not hint:
        return Parameter(name, kind, default, comment)
    path, braces, text = hint.groups()
    if path:
        return Parameter(name, kind, default, text, is_path=True)
    if ".." in braces:
        low, high = (float(e) if e.strip() else None for e in braces.split(".."))
        return Parameter(name, kind, default, text, low=low, high=high)
    choices = tuple(c.strip() for c in braces.split(","))
    return Parameter(name, kind, default, text, choices=choices)


def _parts(line: str) -> tuple[str, str, object, str]:
    """Name, type, default and comment of one line of a parameters cell."""
    try:
        (node,) = ast.parse(line).body
        name, kind = node.target.id, node.annotation.id  # type: ignore[attr-defined]
        default = ast.literal_eval(node.value)  # type: ignore[attr-defined]
        after = line.encode()[node.end_col_offset :].decode()  # ast counts bytes
        comment = after.partition("#")[2].strip()
        if kind in TYPES and comment:
            return name, kind, default, comment
    except (SyntaxError, ValueError, AttributeError):
        pass  # said below
    raise ParameterError(
        f"parameters cell has the line {line!r}; expected "
        "'name: type = value  # comment' on one line, with the type one of "
        f"{', '.join(TYPES)}"
    )


def settle(
    parameters: dict[str, Parameter],
    section: str,
    layers: list[tuple[dict, Path]],
) -> dict:
    """Values of all parameters: defaults overlaid by each layer in turn, checked.

    Parameters
    ----------
    parameters : what the notebook declares
    section : its name, for the messages
    layers : (values, folder that relative paths start from), weakest first

    Raises
    ------
    ParameterError
        If a name is unknown, or a value or default does not fit its declaration.
    """
    values = {name: p.check(p.default) for name, p in parameters.items()}
    for layer, base in layers:
        for name, value in layer.items():
            if name not in parameters:
                raise ParameterError(_unknown(name, section, parameters))
            checked = parameters[name].check(value)
            if parameters[name].is_path and checked:
                checked = str((base / Path(str(checked)).expanduser()).resolve())
            values[name] = checked
    return values


def back_to_defaults(
    message: str, values: dict, parameters: dict[str, Parameter]
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
    >>> taken = declared('images: str = "digits"  # {digits, mnist}: of two classes')
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


def _unknown(name, section: str, parameters) -> str:
    near = difflib.get_close_matches(str(name), parameters, 1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return (
        f"{section} has no parameter {name!r}; {hint}It takes {', '.join(parameters)}"
    )
