"""Judged claims in words, for pages and the terminal, each kind counted apart."""

from collections.abc import Sequence

from .claims import KINDS
from .verdicts import (
    COMPARISONS,
    NOT_RUN,
    NOT_TESTABLE,
    REPRODUCED,
    VERDICTS,
    Judged,
    comparison,
)


def lines(judged: Judged, reference: Judged, *, control: bool = False) -> list[str]:
    """What a run says of a headline claim, for the terminal: a line each setting.

    Parameters
    ----------
    judged, reference : what the run and the reference run say of it
    control : whether it is a run in which the claim must not hold
    """
    claim, findings = judged.claim, judged.findings
    head = f"{judged!s:<21} {claim.id} ({claim.kind})  {claim.statement}"
    beside = "control: must not hold" if control else comparison(judged, reference)
    if len(findings) == 1:
        return [f"{head} {findings[0].value} ({beside})"]
    told = [f"{head} ({beside})"]
    for here, there in zip(findings, reference.findings, strict=True):
        line = f"  {here.verdict:<21} {here.setting.id}  {here.setting.name}: "
        line += here.value
        told.append(line if control else f"{line} ({comparison(here, there)})")
    return told


def tally(judged: Sequence[Judged]) -> str:
    """Count of the claims by kind, those of the paper first.

    Returns
    -------
    str, such as ``of 14 headline claims of papers 9 reproduced, 5 inconclusive;
    checks: 3 of 3; ours: 1 of 2, 1 not run``
    """
    told = []
    for kind in KINDS:
        found = [j.verdict for j in judged if j.claim.kind == kind]
        if found and kind == "paper":
            many = "claim" if len(found) == 1 else "claims"
            words = _counted(found)
            told.append(f"of {len(found)} headline {many} of papers {words}")
        elif found:
            name = {"check": "checks", "ours": "ours"}[kind]
            rest = _counted([v for v in found if v != REPRODUCED])
            whole = f"{name}: {found.count(REPRODUCED)} of {len(found)}"
            told.append(f"{whole}, {rest}" if rest else whole)
    return "; ".join(told) or "no claims"


def compared(judged: Sequence[Judged], reference: Sequence[Judged]) -> str:
    """How many headline claims of the paper agree with the reference runs.

    Parameters
    ----------
    judged, reference : all claims, as this run and the reference runs have them
    """
    both = zip(judged, reference, strict=True)
    found = [comparison(j, r) for j, r in both if j.claim.kind == "paper"]
    words = (*COMPARISONS, NOT_TESTABLE, NOT_RUN)
    each = [f"{word}: {found.count(word)}" for word in words if word in found]
    return ", ".join(each) or "no claims"


def span(judged: Judged) -> str:
    """Least and greatest mean over the settings of a claim, such as ``0.37 to 0.53``.

    Returns
    -------
    str, empty if no setting was run
    """
    means = [f.mean for f in judged.findings if f.mean is not None]
    ends = [f"{end:.2f}" for end in (min(means), max(means))] if means else []
    return " to ".join(dict.fromkeys(ends))


def _counted(found: Sequence[str]) -> str:
    """How many there are of each verdict, in a fixed order."""
    return ", ".join(f"{found.count(v)} {v}" for v in VERDICTS if v in found)
