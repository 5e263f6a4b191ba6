"""What a word that is not known was perhaps meant to be."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: object, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Hint at the known word that is nearest, for the middle of an error's text.

    Parameters
    ----------
    word : what was written
    known : words that may be written there
    cutoff : likeness, from 0 to 1, below which nothing is hinted at

    Examples
    --------
    >>> did_you_mean("quantty", ["quantity", "place"])
    "did you mean 'quantity'? "
    >>> did_you_mean("page", ["quantity"])
    ''
    """
    near = difflib.get_close_matches(str(word), list(known), 1, cutoff=cutoff)
    return f"did you mean {near[0]!r}? " if near else ""
