"""Names of classes and options: known ones, the nearest one, a list cut short."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..spelling import did_you_mean
from ._fetch import existing


def one_of(what: str, value: object, known: Iterable[str]) -> str:
    """Check that `value` is a known name, else name the nearest one."""
    names = list(known)
    if isinstance(value, str) and value in names:
        return value
    listed = ", ".join(names) if len(names) <= 12 else f"{names[0]} to {names[-1]}"
    raise ValueError(
        f"unknown {what} {value!r}: expected one of {listed}; "
        + did_you_mean(value, names, cutoff=0).strip()
    )


def few(names: Sequence[str], most: int = 3) -> str:
    """Give the first names, and how many more there are, for an error.

    Examples
    --------
    >>> few("abcdefg")
    "'a', 'b', 'c' and 4 more"
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


def checked_classes(names: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Give `names` as a tuple, if each is known and stands once."""
    if isinstance(names, str):
        raise ValueError(
            f"classes is {names!r} but must be a sequence of names; pass "
            f"classes=({one_of('class', names, known)!r},)"
        )
    checked = tuple(one_of("class", name, known) for name in names)
    if not checked:
        raise ValueError(
            f"classes is empty; pass some of {known[0]!r} to {known[-1]!r}"
        )
    twice = [name for i, name in enumerate(checked) if name in checked[:i]]
    if twice:
        raise ValueError(f"class {twice[0]!r} is named twice; name each class once")
    return checked


def composed(name: str) -> str:
    """Give a name in Unicode's composed form (NFC): macOS takes letters apart."""
    return unicodedata.normalize("NFC", name)


def listed_names(path: Path) -> tuple[str, ...]:
    """Give the names in a text file, one a line, in composed form.

    A ``#`` after a space starts a comment.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    remedy = "pass a text file with one name per line, or a sequence of names"
    path = existing("classes", path, "file", remedy)
    # a name may hold the sign itself: c#
    text = path.read_text("utf-8-sig").splitlines()
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in text)
    return tuple(composed(line) for line in lines if line)
