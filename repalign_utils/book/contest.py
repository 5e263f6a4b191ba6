"""Which score won section 13's contest, and what that is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from . import references
from .records import interval_of

SECTION = "13_predicting_transfer"
DEFAULT = "log_me"  # where there is no kept run
_WINS = "13.wins.tuned."


class Standing(NamedTuple):
    """A score and what the kept run says of it.

    Attributes
    ----------
    score : its name
    told : a sentence for whoever relies on it
    """

    score: str
    told: str


def standing(base: Path | None, score: str = "") -> Standing:
    """The score that won, or the one that is asked for, with its standing.

    Parameters
    ----------
    base : root of the checkout, whose kept run in the quick profile is read; None
        where there is none
    score : name; empty for the one that won most often where networks are fine-tuned
    """
    kept = references.read(base, "quick").get(SECTION) if base else None
    records: dict[str, Any] = kept["records"] if kept else {}
    wins = {
        name.removeprefix(_WINS): interval_of(entry).mean
        for name, entry in records.items()
        if name.startswith(_WINS)
    }
    best = max(wins, key=lambda name: wins[name], default=DEFAULT)
    chosen = score or best
    names = [f"13.order.{of}.{chosen}" for of in ("tuned", "linear")]
    who = f"{chosen} won section 13's contest" if chosen == best else chosen
    if not wins:
        by = "as asked" if score else "by default"
        told = f"{chosen}, {by}: no kept run of section 13 says how well it orders"
    elif not all(name in records for name in names):
        told = f"{who}: section 13 has not judged it on its own tasks"
    else:
        tuned, linear = (interval_of(records[name]) for name in names)
        told = (
            f"{who}; there its rank correlation with the gain was {tuned} after fine-"
            f"tuning and {linear} for linear models (1 is the right order, 0 chance)"
        )
    return Standing(chosen, told)
