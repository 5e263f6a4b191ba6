"""What a file has to hold, as pydantic checks it, with its errors in our words."""

import re
import reprlib
from typing import Any, Literal

from pydantic import BaseModel, Field, FiniteFloat, TypeAdapter, ValidationError

from ..spelling import did_you_mean


class _Recorded(BaseModel):
    values: list[FiniteFloat] = Field(min_length=1)
    within: tuple[FiniteFloat, FiniteFloat] | None = None
    pairs: bool = False


class _Curve(BaseModel):
    dims: list[str]
    coords: dict[str, Any]
    data: list


class _Features(BaseModel):
    layers: dict[str, tuple[int, int]]
    sha256: str


class Run(BaseModel):
    """What is read from a run record, of this form or of those before.

    The first had neither form nor curves. In the first two, areas are taken over the
    threshold in units of the largest singular value, and values have no range; since
    the third they are over that in units of the norm of the features.
    """

    form: Literal[1, 2, 3] = 1
    section: str
    profile: str | None
    parameters: dict[str, Any]
    records: dict[str, _Recorded]
    curves: dict[str, _Curve] = {}
    features: dict[str, _Features] = {}
    provenance: dict[str, Any]


def checked(form: Any, content: Any, file: str, refused: type[Exception]) -> Any:
    """Content of a file in the form that it has to have.

    Parameters
    ----------
    form : type that pydantic knows, such as a model or a dict of them
    content : what was read
    file : name of the file, with which the message begins
    refused : class of the error to raise

    Raises
    ------
    refused
        If the content has another form: a line for each place where it has, with what
        is there and what was expected.

    Examples
    --------
    >>> checked(dict[str, int], {"a": {"b": 1}}, "numbers.yaml", ValueError)
    Traceback (most recent call last):
    ValueError: numbers.yaml: a is {'b': 1}; expected a valid integer
    """
    try:
        return TypeAdapter(form).validate_python(content)
    except ValidationError as error:
        errors = error.errors()
        told = [f"{file}: {_told(found, errors, content)}" for found in errors]
        raise refused("\n".join(told)) from None


def _told(found, errors, content) -> str:
    """One thing that does not fit, where it stands and what was expected."""
    *way, key = found["loc"] or ("",)
    place = _place(found["loc"], content)
    if found["type"] == "missing":
        return f"{place} is missing"
    if found["type"] == "extra_forbidden":
        lacking = [e for e in errors if e["type"] == "missing"]
        beside = [str(e["loc"][-1]) for e in lacking if [*e["loc"][:-1]] == way]
        hint = did_you_mean(key, beside).strip()
        return f"{place} is unknown; {hint or 'leave it out'}"
    # Of the names of our classes the reader of a file knows nothing.
    words = re.sub(" or instance of .*", "", found["msg"])
    words = words.replace("Input should be ", "expected ")
    return f"{place or 'it'} is {reprlib.repr(found['input'])}; {words}"


def _place(location, content: Any) -> str:
    """Keys that lead to a place; an item of a list goes by its id, where it has one."""
    names = []
    for key in location:
        if key == "[key]":  # how pydantic says that it is the key that is wrong
            continue
        try:
            content = content[key]
        except (LookupError, TypeError):
            content = None
        named = isinstance(key, int) and isinstance(content, dict)
        names.append(str(content.get("id", key) if named else key))
    return " > ".join(names)
