"""Sources in the order in which a score says that they will transfer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..arrays import Values
from ..spelling import did_you_mean
from ._table import NAMES, OF_SOURCE, score_table


class RankedSource(NamedTuple):
    """A source with its score.

    Attributes
    ----------
    name : str
    value : float
        More is better.
    seconds : float
        That the score took.
    """

    name: str
    value: float
    seconds: float


def rank_sources(
    sources: Mapping[str, Values],
    labels: Any,
    *,
    score: str = "log_me",
    source_probabilities: Mapping[str, Values] | None = None,
) -> list[RankedSource]:
    """Sources by a score of their features on a target, the best first.

    Parameters
    ----------
    sources : name -> array (n, d)
        Features of the same n inputs of the target, from each source.
    labels : array (n,) or (n, k)
        Classes (integers, text or booleans) or quantities (floating-point numbers).
    score : str
        One of `score_table`'s.
    source_probabilities : name -> array (n, m), optional
        What each source says of the inputs, for `leep` and `nce`.

    Returns
    -------
    list of RankedSource
        Sources of equal score keep the order in which they were given.

    Raises
    ------
    TypeError, ValueError
        As `score_table`, the message beginning with the source; if the score is
        unknown, or not to be had of these labels.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(40, 3))
    >>> y = x[:, 0] > 0
    >>> found = rank_sources({"noise": rng.normal(size=(40, 3)), "same": x}, y)
    >>> [source.name for source in found]
    ['same', 'noise']
    """
    if score not in NAMES:
        raise ValueError(
            f"score is {score!r}; {did_you_mean(score, NAMES)}the scores are "
            f"{', '.join(NAMES)}"
        )
    given = source_probabilities or {}
    for name in sources if score in OF_SOURCE else ():
        if name not in given:
            raise ValueError(
                f"{name} comes without the source's probabilities, which {score} is "
                "made of; pass them as source_probabilities (in a file: the array "
                "probabilities of SOURCE.npz)"
            )
    found = []
    for name, features in sources.items():
        try:
            table = score_table(
                features, labels, source_probabilities=given.get(name), only=[score]
            )
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}: {error}") from None
        if table.left_out:
            raise ValueError(f"{name}: {table.left_out[score]}")
        found.append(RankedSource(name, table[score], table.scores[0].seconds))
    return sorted(found, key=lambda source: -source.value)
