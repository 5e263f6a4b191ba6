"""What a file has to hold, as pydantic checks it, and its errors in our words."""

import reprlib
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..spelling import did_you_mean


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
    expected = found["msg"].removeprefix("Input should be ")
    return f"{place or 'it'} is {reprlib.repr(found['input'])}; expected {expected}"


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
