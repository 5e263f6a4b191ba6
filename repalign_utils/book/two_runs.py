"""Whether two runs of a section tell the same: their records under the rule."""

from ..comparison import Agreement, agreement, overall
from .errors import Refused
from .verdicts import measures_another_area

# Parameters that say where and how a run computes, not what.
ELSEWHERE = ("device", "workers")


class NotComparable(Refused):
    """Two runs of which no comparison would mean anything; the message says why."""


def agreement_of(first: dict, second: dict) -> Agreement:
    """Agreement of two runs of one section, by `comparison.agreement`.

    What no training has touched has to be equal to rounding if both have the same
    parameters. Else seeds or amounts may differ, and with them the data that all seeds
    of a run share: then values may part by a tenth of themselves, or a hundredth of
    their range, before it counts.

    Parameters
    ----------
    first, second : run records

    Raises
    ------
    NotComparable
        If they are of two sections, or measured areas over two axes.
    """
    section = first["section"]
    if section != second["section"]:
        raise NotComparable(
            f"the runs are of {section} and {second['section']}; compare runs of one "
            "section"
        )
    if measures_another_area(first) != measures_another_area(second):
        older = "first" if measures_another_area(first) else "second"
        raise NotComparable(
            f"the runs of {section} measured two areas: the {older} over the threshold "
            "in units of the largest singular value (form 1 or 2 of a record), the "
            "other in units of the norm of the features (form 3); run the section "
            "again, with repalign run --like RECORD, and compare that"
        )
    same = not other_parameters(first, second)
    return agreement(first["records"], second["records"], same=same)


def other_parameters(first: dict, second: dict) -> list[str]:
    """Names of the parameters that differ, device and paths left out."""
    mine, theirs = first["parameters"], second["parameters"]
    return [
        name
        for name in {**mine, **theirs}
        if name not in ELSEWHERE
        and mine.get(name) != theirs.get(name)
        # Of a path a record keeps no more than that it was set.
        and "set" not in (mine.get(name), theirs.get(name))
    ]


def told(first: dict[str, dict], second: dict[str, dict]) -> tuple[bool, list[str]]:
    """Whether runs agree, each section and all together, and lines that say so.

    Parameters
    ----------
    first, second : section -> run record; the sections that both have are compared

    Raises
    ------
    NotComparable
        If no section has two runs, or two of one measured areas over two axes.
    """
    both = [section for section in first if section in second]
    if not both:
        raise NotComparable(
            f"the first is of {', '.join(first)} and the second of "
            f"{', '.join(second)}; name runs of one section"
        )
    found = {s: agreement_of(first[s], second[s]) for s in both}
    lines = []
    for section, agreed in found.items():
        verb = "differ" if agreed.reasons else "agree"
        count = len(agreed.differences)
        lines.append(f"{section}: the runs {verb}; values compared: {count}")
        mine, theirs = (run[section]["parameters"] for run in (first, second))
        if others := other_parameters(first[section], second[section]):
            pairs = [f"{n} = {mine.get(n)!r} and {theirs.get(n)!r}" for n in others]
            lines.append(f"  with other parameters: {', '.join(pairs)}")
        lines += [f"  {reason}" for reason in agreed.reasons]
    agree = not any(agreed.reasons for agreed in found.values())
    if agree and len(both) > 1:
        together = overall(found.values())
        lines += [f"All sections together differ: {reason}" for reason in together]
        agree = not together
    return agree, lines
