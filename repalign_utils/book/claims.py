"""Claims of the paper, and the verdicts that recorded values give them.

A claim in ``claims.yaml`` names a recorded quantity, a condition on it, and a
tolerance per profile.  The 95 % interval over seeds decides:

``above: b``
    reproduced if the interval lies above ``b + tolerance``, not reproduced if it
    lies below it (the tolerance is the smallest difference that counts)
``below: b``
    the same, mirrored
``equals: b``
    reproduced if the interval lies within ``b - tolerance .. b + tolerance``, not
    reproduced if it lies outside

and inconclusive if the interval holds the line, or there is one value only.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat

from .errors import Refused
from .forms import checked
from .plain_yaml import read_yaml
from .records import interval_of

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
INCONCLUSIVE = "inconclusive"
NOT_RUN = "not run"
Kind = Literal["above", "below", "equals"]
CONDITIONS = get_args(Kind)
_WHOLE = ConfigDict(extra="forbid")


class ClaimError(Refused):
    """A claim that cannot be read; the message says which and why."""


@dataclass(frozen=True)
class Claim:
    """One claim of ``claims.yaml``.

    Attributes
    ----------
    id, section : "02-a" and "02_shuffled_labels"
    statement : the claim in our words
    place : where the paper makes it
    quantity : name of the recorded value
    kind, bound : condition, for example "above" and 0.0
    tolerance : profile -> tolerance
    """

    id: str
    section: str
    statement: str
    place: str
    quantity: str
    kind: str
    bound: float
    tolerance: dict[str, float]

    def condition(self, profile: str) -> str:
        """Condition in words, for example ``above 0 by at least 0.02``."""
        t = self.tolerance[profile]
        if self.kind == "equals":
            return f"{self.bound:g} within {t:g}"
        return f"{self.kind} {self.bound:g}" + (f" by at least {t:g}" if t else "")

    def bounds(self, profile: str) -> tuple[float, float]:
        """Least and greatest value with which the claim holds."""
        t = self.tolerance[profile]
        return {
            "above": (self.bound + t, math.inf),
            "below": (-math.inf, self.bound - t),
            "equals": (self.bound - t, self.bound + t),
        }[self.kind]

    def verdict(self, entry: dict | None, profile: str) -> str:
        """Verdict on a recorded value.

        Parameters
        ----------
        entry : mean, low, high and n as recorded, or None if it was not recorded
        profile : "quick" or "paper"
        """
        if entry is None:
            return NOT_RUN
        low, high = entry["low"], entry["high"]
        least, greatest = self.bounds(profile)
        if low is None or low < least <= high or low <= greatest < high:
            return INCONCLUSIVE
        return REPRODUCED if least <= low <= greatest else NOT_REPRODUCED


class _Tolerance(BaseModel):
    model_config = _WHOLE
    quick: FiniteFloat
    paper: FiniteFloat


class _Stated(BaseModel):
    """A claim as ``claims.yaml`` has it."""

    model_config = _WHOLE
    id: str
    statement: str
    place: str
    quantity: str
    condition: dict[Kind, FiniteFloat] = Field(min_length=1, max_length=1)
    tolerance: _Tolerance


def read_claims(path: Path) -> list[Claim]:
    """Claims of a ``claims.yaml``, in its order.

    Raises
    ------
    ClaimError
        If the file cannot be read, or a claim lacks a field, has an unknown one or
        one of the wrong form, or repeats an id.
    """
    try:
        content = read_yaml(path.read_text()) or {}
    except OSError as error:
        raise ClaimError(f"{path} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ClaimError(f"{path.name} is not YAML: {error}") from error
    # A section with no claims yet is an empty line.
    several = Annotated[list[_Stated], BeforeValidator(lambda found: found or [])]
    stated = checked(dict[str, several], content, path.name, ClaimError)
    claims = [_claim(s, entry) for s in stated for entry in stated[s]]
    ids = [c.id for c in claims]
    repeated = sorted({i for i in ids if ids.count(i) > 1})
    if repeated:
        raise ClaimError(f"{path.name} repeats the ids {', '.join(repeated)}")
    return claims


def _claim(section: str, stated: _Stated) -> Claim:
    fields = stated.model_dump(exclude={"condition"})
    ((kind, bound),) = stated.condition.items()
    return Claim(section=section, kind=kind, bound=bound, **fields)


@dataclass(frozen=True)
class Judged:
    """A claim with what one run says of it.

    Attributes
    ----------
    claim : the claim
    verdict : "reproduced", "not reproduced", "inconclusive" or "not run"
    value : value and interval as text, or why there is none
    """

    claim: Claim
    verdict: str
    value: str


def judge(claims: list[Claim], runs: dict[str, dict], profile: str) -> list[Judged]:
    """Judge every claim by the run of its section.

    Parameters
    ----------
    claims : the claims
    runs : section -> run record
    profile : whose tolerances to use
    """
    judged = []
    for claim in claims:
        run = runs.get(claim.section)
        entry = run["records"].get(claim.quantity) if run else None
        if entry:
            value = str(interval_of(entry))
        else:
            value = "quantity not recorded" if run else "section not run"
        judged.append(Judged(claim, claim.verdict(entry, profile), value))
    return judged


def counts(judged: list[Judged]) -> str:
    """How many claims got which verdict, such as ``7 reproduced, 1 inconclusive``."""
    kinds = (REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE, NOT_RUN)
    found = {k: sum(j.verdict == k for j in judged) for k in kinds}
    return ", ".join(f"{n} {k}" for k, n in found.items() if n) or "no claims"
