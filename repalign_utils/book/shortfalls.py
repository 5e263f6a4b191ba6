"""Why a claim was not reproduced, in words made from what a run found."""

from collections.abc import Sequence
from dataclasses import dataclass

from .verdicts import (
    INCONCLUSIVE,
    NOT_REPRODUCED,
    NOT_RUN,
    NOT_TESTABLE,
    REPRODUCED,
    SMALL,
    Finding,
    Judged,
    needed,
)


@dataclass(frozen=True)
class Shortfall:
    """A claim that this build or the reference run did not reproduce in full.

    Attributes
    ----------
    here, there : what this build and the reference run say of it
    """

    here: Judged
    there: Judged

    @property
    def too_few(self) -> bool:
        """Whether all that is missing are units, in each run that was made."""
        missing = filter(_short, (*self.here.findings, *self.there.findings))
        wanted = needed(self.here.claim)
        return all(f.verdict == INCONCLUSIVE and f.units < wanted for f in missing)

    @property
    def told(self) -> list[tuple[str, Judged, list[str]]]:
        """Run by name, what it says, and the reason for each setting it lacks."""
        both = (("This build", self.here), ("The reference run", self.there))
        return [
            (name, judged, [reason(judged, f) for f in judged.findings if _short(f)])
            for name, judged in both
            if judged.verdict != NOT_RUN
        ]


def shortfalls(pairs: Sequence[tuple[Judged, Judged]], *kinds: str) -> list[Shortfall]:
    """Claims of these kinds that a run was made for and that were not reproduced in it.

    Parameters
    ----------
    pairs : what this build and the reference runs say of each claim
    kinds : of `claims.KINDS`
    """
    return [
        Shortfall(here, there)
        for here, there in pairs
        if here.claim.kind in kinds
        and {here.verdict, there.verdict} - {REPRODUCED, NOT_RUN}
    ]


def reason(judged: Judged, finding: Finding) -> str:
    """Why a setting was not reproduced, with the values that say so."""
    value, setting = finding.value, finding.setting
    bound = f"{setting.bound:g}"
    wanted = needed(judged.claim)
    few = f"{value} comes from {_units(finding.units)}, and a verdict takes {wanted}"
    why = {
        SMALL: f"{value} has the right sign, and does not reach the smallest effect "
        f"that counts ({setting})",
        INCONCLUSIVE: few
        if finding.units < wanted
        else f"{value} does not tell on which side of {bound} it lies ({setting})",
        NOT_REPRODUCED: f"{value} lies on the other side ({setting})",
        NOT_TESTABLE: "what the claim speaks of did not happen in the run",
    }
    return f"{setting.id} {setting.name}: {why[finding.verdict]}"


def _short(finding: Finding) -> bool:
    return finding.verdict not in (REPRODUCED, NOT_RUN)


def _units(count: int) -> str:
    return "one unit" if count == 1 else f"{count} units"
