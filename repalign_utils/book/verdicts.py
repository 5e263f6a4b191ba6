"""Verdicts that recorded values give the claims.

Of a setting, by the 95 % interval over the units drawn anew, with ``b`` the bound and
``s`` the smallest effect that counts:

====================  ==================================  ===========================
verdict               ``above: b`` (``below`` mirrored)   ``equals: b``
====================  ==================================  ===========================
reproduced            wholly beyond ``b``, by ``s``       wholly in ``b - s .. b + s``
right sign but small  wholly beyond ``b``, not by ``s``
inconclusive          holds ``b``; or there is none       holds ``b - s`` or ``b + s``
not reproduced        wholly on the other side            wholly outside
not testable          what the claim speaks of did not happen in the run
not run               the quantity was not recorded
====================  ==================================  ===========================

There is no interval below five units.  A check is judged by its worst value instead: it
is reproduced if each value meets the condition, else not reproduced.

Of a headline claim with the rule ``each``, by the first line that fits its settings:

=======================  ==========================================================
reproduced               all are reproduced
right sign but small     all have the right sign
in some settings         some have the right sign: "in 4 of 5 settings" reproduced
not reproduced           none has the right sign, and some are not reproduced
inconclusive             some are inconclusive
not testable, not run    none was tested
=======================  ==========================================================

With the rule ``any`` the settings are judged by exact two-sided sign-flip tests against
the bound, corrected by Holm for their number: where the p-value is below .05, the mean
stands for the interval, else the setting is inconclusive.  The claim is then reproduced
if any setting is, or else has its right sign, is inconclusive or is not reproduced.

A run is set beside the reference run by the side of the bound (for ``equals``: within
or outside) on which each lies: it *agrees* on the same side and *differs* on the other;
there are *too few units to tell* if either interval holds the line or is none; and
there is *no reference* if the reference was not run or not testable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..statistics import FEWEST, holm, sign_flip, units_needed
from .claims import Claim, Setting
from .records import interval_of
from .settings import typed

REPRODUCED = "reproduced"
SMALL = "right sign but small"
SOME = "in some settings"
INCONCLUSIVE = "inconclusive"
NOT_REPRODUCED = "not reproduced"
NOT_TESTABLE = "not testable"
NOT_RUN = "not run"
VERDICTS = (
    REPRODUCED,
    SMALL,
    SOME,
    INCONCLUSIVE,
    NOT_REPRODUCED,
    NOT_TESTABLE,
    NOT_RUN,
)
AGREES, DIFFERS = "agrees", "differs"
TOO_FEW, NO_REFERENCE = "too few units to tell", "no reference"
COMPARISONS = (AGREES, DIFFERS, TOO_FEW, NO_REFERENCE)
# First form of a run record whose areas are those over the norm of the features; what
# was recorded before measured something else under the same names.
AREA_FORM = 3
LEVEL = 0.05


@dataclass(frozen=True)
class Finding:
    """What one run says of a setting.

    Attributes
    ----------
    setting : the setting
    verdict : one of `VERDICTS`
    side : whether the interval lies wholly on the right side of the line (True), wholly
        on the wrong one (False), or neither
    value : value and interval as text, or why there is none
    units : number of values
    mean : mean of the values, None if there are none
    """

    setting: Setting
    verdict: str
    side: bool | None
    value: str
    units: int = 0
    mean: float | None = None


@dataclass(frozen=True)
class Judged:
    """A headline claim with what one run says of it.

    Attributes
    ----------
    claim : the claim
    findings : of its settings
    verdict : one of `VERDICTS`
    """

    claim: Claim
    findings: tuple[Finding, ...]
    verdict: str

    @property
    def side(self) -> bool | None:
        """Side on which it lies, by its verdict; None if on neither."""
        sides = {REPRODUCED: True, SMALL: True, NOT_REPRODUCED: False}
        return sides.get(self.verdict)

    def __str__(self) -> str:
        """Verdict in words; where settings differ, in how many."""
        if self.verdict != SOME:
            return self.verdict
        found = [f.verdict for f in self.findings]
        whole, right, wrong = map(found.count, (REPRODUCED, SMALL, NOT_REPRODUCED))
        of = f"of {len(found)} settings"
        if whole:
            return f"in {whole} {of}"
        other = f", the other way in {wrong}" if wrong else ""
        return f"right sign but small in {right} {of}{other}"


def judge(claims: Sequence[Claim], runs: Mapping[str, dict]) -> list[Judged]:
    """Judge every claim by the run of its section.

    Parameters
    ----------
    claims : the claims
    runs : section -> run record
    """
    judged = []
    for claim in claims:
        run = runs.get(claim.section)
        findings = tuple(_finding(claim, s, run) for s in claim.settings)
        if run and claim.rule == "any":
            findings = _corrected(findings, run["records"])
        verdict = _headline[claim.rule]({f.verdict for f in findings})
        judged.append(Judged(claim, findings, verdict))
    return judged


def needed(claim: Claim) -> int:
    """Units with which a setting could get another verdict than "inconclusive".

    One for a check; as many as an interval takes where each setting has to hold; and as
    many as an exact sign-flip test, corrected, where any may.
    """
    if claim.kind == "check":
        return 1
    if claim.rule == "each":
        return FEWEST
    return units_needed(LEVEL, tests=len(claim.settings))


def measures_another_area(run: dict) -> bool:
    """Whether a run was recorded when areas were taken over another axis."""
    return run.get("form", 1) < AREA_FORM


def recorded(claims: Sequence[Claim], run: dict) -> list[Claim]:
    """Claims of which a run says something, with the settings that it recorded."""
    kept = []
    for claim in claims:
        mine = tuple(s for s in claim.settings if s.quantity in run["records"])
        if mine:
            kept.append(claim.model_copy(update={"settings": mine}))
    return kept


def under_control(claim: Claim, run: dict) -> bool:
    """Whether a run has the parameters with which a claim must not hold."""
    given = run["parameters"]
    return all(_is(given.get(name), text) for name, text in claim.control.items())


def _is(value, text: str) -> bool:
    """Whether a parameter has the value that ``claims.yaml`` has as text."""
    if isinstance(value, float):
        try:
            return value == float(text)
        except ValueError:
            return False
    return typed(value) == text


def _finding(claim: Claim, setting: Setting, run: dict | None) -> Finding:
    lacks = _lacks(setting, run)
    if run is None or lacks:
        return Finding(setting, NOT_RUN, None, lacks)
    records = run["records"]
    entry = records[setting.quantity]
    value, units, mean = str(interval_of(entry)), len(entry["values"]), entry["mean"]
    wanted = setting.testable
    if wanted and records[wanted.quantity]["mean"] <= wanted.above:
        return Finding(setting, NOT_TESTABLE, None, value, units, mean)
    least = smallest_effect(setting, records)
    if claim.kind == "check":
        low, high = min(entry["values"]), max(entry["values"])
        side = bool(_side(setting, least, low, high))
    else:
        low, high = entry["low"], entry["high"]
        side = None if low is None else _side(setting, least, low, high)
    verdict = _verdict(setting, least, side, low, high)
    return Finding(setting, verdict, side, value, units, mean)


def _lacks(setting: Setting, run: dict | None) -> str:
    """Why a run says nothing of a setting; empty if it does."""
    if run is None:
        return "section not run"
    if measures_another_area(run):
        return "run before the area was changed"
    needed = [setting.quantity]
    needed += [setting.testable.quantity] if setting.testable else []
    needed += [setting.relative.of] if setting.relative else []
    lacking = [name for name in needed if name not in run["records"]]
    if lacking == [setting.quantity]:
        return "quantity not recorded"
    return f"{', '.join(lacking)} not recorded" if lacking else ""


def smallest_effect(setting: Setting, records: dict) -> float:
    """Smallest effect that counts, in a run with these records."""
    if setting.relative:
        return setting.relative.share * abs(records[setting.relative.of]["mean"])
    return setting.smallest or 0.0


def _side(setting: Setting, least: float, low: float, high: float) -> bool | None:
    """Whether an interval lies on the right side of the line; None if it holds it."""
    bound = setting.bound
    if setting.relation == "equals":
        if bound - least <= low and high <= bound + least:
            return True
        return False if high < bound - least or low > bound + least else None
    above, below = low > bound, high < bound
    if not above and not below:
        return None
    return above if setting.relation == "above" else below


def _verdict(setting: Setting, least: float, side, low, high) -> str:
    if side is None:
        return INCONCLUSIVE
    if not side:
        return NOT_REPRODUCED
    enough = {
        "above": low >= setting.bound + least,
        "below": high <= setting.bound - least,
        "equals": True,
    }
    return REPRODUCED if enough[setting.relation] else SMALL


def _corrected(findings: Sequence[Finding], records: dict) -> tuple[Finding, ...]:
    """Findings of a claim on any setting, by tests corrected for their number."""
    tested = [f for f in findings if f.verdict not in (NOT_RUN, NOT_TESTABLE)]
    if not tested:
        return tuple(findings)
    entries = [records[f.setting.quantity] for f in tested]
    p_values = [
        sign_flip(
            entry["values"],
            bound=f.setting.bound,
            generator=np.random.default_rng(0),  # beyond 40 values signs are drawn
        )
        for f, entry in zip(tested, entries, strict=True)
    ]
    judged = {}
    for f, entry, p in zip(tested, entries, holm(p_values), strict=True):
        mean, least = entry["mean"], smallest_effect(f.setting, records)
        side = _side(f.setting, least, mean, mean) if p < LEVEL else None
        verdict = _verdict(f.setting, least, side, mean, mean)
        judged[f.setting.id] = replace(f, verdict=verdict, side=side)
    return tuple(judged.get(f.setting.id, f) for f in findings)


def _in_each(found: set[str]) -> str:
    """Verdict on a claim that is to hold in each of its settings."""
    if len(found) == 1:
        return next(iter(found))
    if found == {REPRODUCED, SMALL}:
        return SMALL
    if found & {REPRODUCED, SMALL}:
        return SOME
    order = (NOT_REPRODUCED, INCONCLUSIVE, NOT_TESTABLE, NOT_RUN)
    return next(v for v in order if v in found)


def _in_any(found: set[str]) -> str:
    """Verdict on a claim that is to hold in some of its settings."""
    order = (REPRODUCED, SMALL, INCONCLUSIVE, NOT_REPRODUCED, NOT_TESTABLE, NOT_RUN)
    return next(v for v in order if v in found)


_headline = {"each": _in_each, "any": _in_any}


def comparison(here: Finding | Judged, there: Finding | Judged) -> str:
    """What a run says beside the reference run, of a setting or a headline claim.

    A headline claim on each of its settings agrees if each that the reference has does,
    and differs if one does; a claim on any of them goes by its own verdicts.

    Parameters
    ----------
    here, there : what the run and the reference run say of the same

    Returns
    -------
    str, one of `COMPARISONS`; or "not run" or "not testable" where the run says nothing
    """
    if isinstance(here, Judged) and isinstance(there, Judged):
        if here.claim.rule == "each":
            beside = zip(here.findings, there.findings, strict=True)
            found = {comparison(*both) for both in beside}
            order = (DIFFERS, TOO_FEW, NOT_TESTABLE, NOT_RUN, AGREES, NO_REFERENCE)
            return next(c for c in order if c in found)
    if there.verdict in (NOT_RUN, NOT_TESTABLE):
        return NO_REFERENCE
    if here.verdict in (NOT_RUN, NOT_TESTABLE):
        return here.verdict
    if here.side is None or there.side is None:
        return TOO_FEW
    return AGREES if here.side == there.side else DIFFERS
