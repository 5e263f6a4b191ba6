"""Claims, as ``claims.yaml`` states them by section; `verdicts` judges them.

A *headline* claim is of one of three kinds: a ``check`` of an identity, a claim of the
``paper``, or one of ``ours``.  Its *settings* are where it is tested, each by a
recorded quantity, a condition on it and the smallest effect that counts:

``rule: each``
    says that the claim holds in every setting; each is judged at its own level
``rule: any``
    says that it holds in some setting; the settings are corrected for being many
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat
from pydantic import model_validator as validated
from pydantic_core import PydanticCustomError

from .errors import Refused
from .forms import checked
from .plain_yaml import read_mapping

Kind = Literal["paper", "check", "ours"]
Relation = Literal["above", "below", "equals"]
KINDS = get_args(Kind)
RELATIONS = get_args(Relation)
_AS_WRITTEN = ConfigDict(extra="forbid", frozen=True)
_Share = Annotated[FiniteFloat, Field(gt=0)]


class ClaimError(Refused):
    """A claim that cannot be read; the message says which and why."""


class Relative(BaseModel):
    """Smallest effect that counts, as a share of another recorded quantity's mean."""

    model_config = _AS_WRITTEN
    share: _Share
    of: str


class Premise(BaseModel):
    """What has to have happened in a run for a claim to speak of it.

    Attributes
    ----------
    quantity : name of the recorded value, whose mean counts
    above : the line above which it has to lie
    """

    model_config = _AS_WRITTEN
    quantity: str
    above: FiniteFloat


class Setting(BaseModel):
    """One place where a claim is tested.

    Attributes
    ----------
    id, name : "02-c" and "images, narrow networks"
    quantity : name of the recorded value
    condition : relation -> bound, for example ``{"above": 0.0}``
    smallest : smallest effect that counts; for ``equals`` the largest difference
    relative : the same as a share of another quantity; one of the two
    testable : what has to have happened, if the claim speaks of something that may not
    """

    model_config = _AS_WRITTEN
    id: str
    name: str
    quantity: str
    condition: dict[Relation, FiniteFloat] = Field(min_length=1, max_length=1)
    smallest: Annotated[FiniteFloat, Field(ge=0)] | None = None
    relative: Relative | None = None
    testable: Premise | None = None

    @validated(mode="after")
    def _one_measure(self) -> Self:
        if (self.smallest is None) == (self.relative is None):
            raise PydanticCustomError("one_of", "give one of smallest and relative")
        return self

    @property
    def relation(self) -> str:
        """How the quantity has to lie to the bound: one of `RELATIONS`."""
        return next(iter(self.condition))

    @property
    def bound(self) -> float:
        """Line that the condition draws."""
        return next(iter(self.condition.values()))

    def __str__(self) -> str:
        """Condition in words, for example ``above 0 by at least 0.02``."""
        if self.relative:
            least = f"{self.relative.share:g} of `{self.relative.of}`"
        else:
            least = f"{self.smallest:g}"
        if self.relation == "equals":
            return f"{self.bound:g} within {least}"
        line = f"{self.relation} {self.bound:g}"
        return line if least == "0" else f"{line} by at least {least}"


class Claim(BaseModel):
    """One headline claim of ``claims.yaml``.

    Attributes
    ----------
    id, section : "02-2" and "02_shuffled_labels"
    kind : "paper", "check" or "ours"
    statement, place : the claim in our words, and where the paper makes it
    rule : "each" or "any": in how many of its settings it has to hold
    unit : what was drawn anew for each recorded value, and what was not
    control : parameters of a run in which it must not hold
    changed : what was changed after data were seen
    limits : what sets our runs apart and may be why it falls short
    settings : where it is tested
    """

    model_config = _AS_WRITTEN
    id: str
    section: str
    kind: Kind
    statement: str
    place: str
    rule: Literal["each", "any"]
    unit: str
    control: dict[str, str] = Field(min_length=1)
    changed: str
    limits: str = ""
    settings: tuple[Setting, ...] = Field(min_length=1)

    @validated(mode="after")
    def _rule_fits(self) -> Self:
        exact = self.kind == "check" or any(
            s.relation == "equals" for s in self.settings
        )
        if self.rule == "any" and exact:
            raise PydanticCustomError(
                "rule",
                "rule 'any' tests the side of a line: give it no check and no 'equals'",
            )
        return self


def read_claims(path: Path) -> list[Claim]:
    """Claims of a ``claims.yaml``, in its order.

    Raises
    ------
    ClaimError
        If the file cannot be read, or a claim lacks a field, has an unknown one or
        one of the wrong form, or an id is repeated.
    """
    content = read_mapping(path, ClaimError)
    content = {s: _of_section(s, claims) for s, claims in content.items()}
    stated = checked(dict[str, list[Claim]], content, path.name, ClaimError)
    claims = [claim for of_section in stated.values() for claim in of_section]
    ids = [i for c in claims for i in (c.id, *(s.id for s in c.settings))]
    if repeated := sorted({i for i in ids if ids.count(i) > 1}):
        raise ClaimError(f"{path.name} repeats the ids {', '.join(repeated)}")
    return claims


def _of_section(section: str, claims: Any) -> Any:
    """Claims as written, each with its section; none for an empty line."""
    if not isinstance(claims, list):
        return claims or []
    return [{"section": section, **c} if isinstance(c, dict) else c for c in claims]
