"""The parameters cell of a notebook: given its values, and checked where it runs."""

import json
from pathlib import Path

from .parameters import ParameterError, declared, settle, statements
from .tables import table


def values_in(source: str) -> dict:
    """Values that a parameters cell holds.

    Parameters
    ----------
    source : code of the cell

    Examples
    --------
    >>> values_in("n: int = 7  # rows [default 5]")
    {'n': 7}
    """
    return {node.target.id: value for _, node, value, _ in statements(source)}


def with_values(source: str, values: dict) -> str:
    r"""Parameters cell in which the values of a run are in force.

    Lines whose value differs get it, with the default noted behind their comment.

    Parameters
    ----------
    source : code of the cell
    values : name -> checked value

    Examples
    --------
    >>> print(with_values("n: int = 5  # rows\nm: int = 3  # columns", {"n": 7}))
    n: int = 7  # rows [default 5]
    m: int = 3  # columns
    """
    parameters = declared(source)
    lines = source.split("\n")
    for i, node, old, _ in statements(source):
        name = node.target.id
        if name not in values or values[name] == old:
            continue
        code = lines[i].encode()  # ast counts bytes
        start, end = node.value.col_offset, node.value.end_col_offset
        before, after = code[:start].decode(), code[end:].decode().rstrip()
        lines[i] = before + _literal(values[name]) + after
        if " [default " not in after:
            lines[i] += f" [default {_literal(parameters[name].default)}]"
    return "\n".join(lines)


def _literal(value) -> str:
    """Python for a value, with the quotes of the notebooks."""
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def check_parameters(namespace: dict) -> None:
    """Check the parameters that are in force in a notebook, and show them in a table.

    To be called in the cell below the parameters cell. What it finds is right however
    a value came there: edited in the cell, set below it by papermill, or by a run.
    Does nothing outside a notebook, where the cell's text is not known.

    Parameters
    ----------
    namespace : ``globals()``; values get their declared types and paths become absolute

    Raises
    ------
    ParameterError
        If a value does not fit its declaration, or they break a condition together.
    """
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None:
        return
    source = _last_parameters_cell(shell.user_ns["In"])
    given = {name: namespace[name] for name in declared(source)}
    values = settle(source, "this notebook", [(given, Path.cwd())])
    namespace.update(values)
    table(["Parameter", "This run", "Default", "Meaning"], _rows(source, values))


def _last_parameters_cell(history: list[str]) -> str:
    """Text of the parameters cell that ran last."""
    for source in reversed(history):
        try:
            if declared(source):
                return source
        except ParameterError:
            continue
    raise ParameterError("no parameters cell has run; run the cell above this one")


def _rows(source: str, values: dict) -> list[list[str]]:
    """Rows of the table: name, value in force, default, meaning."""
    rows = []
    for name, p in declared(source).items():
        meaning = p.help + (f" ({p.limits})" if p.choices else "")
        default = _shown(p.check(p.default))
        rows.append([f"`{name}`", _shown(p.told(values[name])), default, meaning])
    return rows


def _shown(value) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(v) for v in value)
    return f"`{value}`" if value != "" else "(empty)"
