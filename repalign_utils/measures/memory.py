"""Limits on memory, as people write them."""

import re

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_FORM = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-zA-Z]*)\s*")


def bytes_of(memory: str | int | None) -> float:
    """Bytes that a limit allows.

    Parameters
    ----------
    memory : "4GB", "500 MB", "2GiB", a whole number of bytes, or None for no limit

    Returns
    -------
    float, inf where there is no limit

    Raises
    ------
    ValueError
        If it has another form or is not positive.

    Examples
    --------
    >>> bytes_of("1.5 GB"), bytes_of(None)
    (1500000000.0, inf)
    """
    if memory is None:
        return float("inf")
    match = _FORM.fullmatch(str(memory))
    unit = match and _UNITS.get(match[2].upper())
    if not match or not unit or float(match[1]) == 0:
        raise ValueError(
            f"memory is {memory!r}; expected a positive size such as '4GB' or '500MB', "
            "or None for no limit"
        )
    return float(match[1]) * unit


def size(count: float) -> str:
    """Bytes as people say them.

    Examples
    --------
    >>> size(1_234_567_890)
    '1.2 GB'
    """
    for unit in ("TB", "GB", "MB", "KB"):
        if count >= _UNITS[unit]:
            return f"{count / _UNITS[unit]:.1f} {unit}"
    return f"{count:.0f} B"
