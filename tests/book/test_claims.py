import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from repalign_utils.book import claims, paths, records
from repalign_utils.book.claims import (
    INCONCLUSIVE,
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
    ClaimError,
    read_claims,
)
from repalign_utils.statistics import interval
from tests.conftest import ROOT
from tests.miniature import CLAIMS

CLAIM = claims.Claim(
    id="05-a",
    section="05_tiny",
    statement="The gain is positive.",
    place="Figure 1",
    quantity="05.gain",
    kind="above",
    bound=1.0,
    tolerance={"quick": 0.5, "paper": 0.0},
)
NUMBERS = st.floats(-100, 100)


def _entry(low, high):
    return {"mean": (low + high) / 2, "low": low, "high": high, "n": 5}


@pytest.fixture
def written(tmp_path):
    """Write a claims.yaml: the small book's, with one thing replaced by another."""

    def write(old: str = "", new: str = "") -> Path:
        assert old in CLAIMS
        path = tmp_path / "claims.yaml"
        path.write_text(CLAIMS.replace(old, new, 1) if old else CLAIMS)
        return path

    return write


@pytest.mark.parametrize(
    "kind, low, high, verdict",
    [
        ("above", 1.5, 2.0, REPRODUCED),
        ("above", 1.49, 2.0, INCONCLUSIVE),
        ("above", 1.2, 1.5, INCONCLUSIVE),
        ("above", 1.2, 1.4, NOT_REPRODUCED),
        ("above", -9.0, -8.0, NOT_REPRODUCED),
        ("below", 0.0, 0.5, REPRODUCED),
        ("below", 0.0, 0.51, INCONCLUSIVE),
        ("below", 0.6, 0.8, NOT_REPRODUCED),
        ("below", 8.0, 9.0, NOT_REPRODUCED),
        ("equals", 0.5, 1.5, REPRODUCED),
        ("equals", 1.0, 1.0, REPRODUCED),
        ("equals", 1.2, 1.3, REPRODUCED),
        ("equals", 0.4, 1.5, INCONCLUSIVE),
        ("equals", 0.0, 2.0, INCONCLUSIVE),
        ("equals", 1.4, 1.6, INCONCLUSIVE),
        ("equals", 1.6, 1.7, NOT_REPRODUCED),
        ("equals", 0.1, 0.2, NOT_REPRODUCED),
    ],
)
def test_the_interval_as_a_whole_decides(kind, low, high, verdict):
    # the bound is 1, the tolerance 0.5
    assert replace(CLAIM, kind=kind).verdict(_entry(low, high), "quick") == verdict


def test_each_profile_has_its_own_tolerance():
    assert CLAIM.verdict(_entry(1.2, 1.4), "quick") == NOT_REPRODUCED
    assert CLAIM.verdict(_entry(1.2, 1.4), "paper") == REPRODUCED


@pytest.mark.parametrize("kind", claims.CONDITIONS)
def test_a_single_value_decides_nothing_and_no_value_was_not_run(kind):
    claim = replace(CLAIM, kind=kind)
    assert claim.verdict({"mean": 9, "low": None, "high": None, "n": 1}, "quick") == (
        INCONCLUSIVE
    )
    assert claim.verdict(None, "quick") == NOT_RUN


@given(a=NUMBERS, b=NUMBERS, bound=NUMBERS, tolerance=st.floats(0, 10))
def test_below_is_above_mirrored(a, b, bound, tolerance):
    low, high = sorted([a, b])
    above = replace(CLAIM, bound=bound, tolerance={"quick": tolerance})
    below = replace(above, kind="below", bound=-bound)
    assert above.verdict(_entry(low, high), "quick") == below.verdict(
        _entry(-high, -low), "quick"
    )


@given(a=NUMBERS, b=NUMBERS, shift=st.integers(-50, 50))
def test_equals_depends_on_the_distance_from_the_bound_alone(a, b, shift):
    low, high = sorted([round(a, 3), round(b, 3)])
    there = replace(CLAIM, kind="equals", bound=0.0, tolerance={"quick": 0.5004})
    here = replace(there, bound=float(shift))
    assert there.verdict(_entry(low, high), "quick") == here.verdict(
        _entry(low + shift, high + shift), "quick"
    )
    assert there.verdict(_entry(low, high), "quick") == there.verdict(
        _entry(-high, -low), "quick"
    )


@given(ends=st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS))
def test_a_narrower_interval_never_takes_a_verdict_back(ends):
    low, inner_low, inner_high, high = sorted(ends)
    for kind in claims.CONDITIONS:
        claim = replace(CLAIM, kind=kind)
        wide = claim.verdict(_entry(low, high), "quick")
        if wide != INCONCLUSIVE:
            assert claim.verdict(_entry(inner_low, inner_high), "quick") == wide


@pytest.mark.parametrize(
    "kind, profile, words",
    [
        ("above", "quick", "above 1 by at least 0.5"),
        ("above", "paper", "above 1"),
        ("below", "quick", "below 1 by at least 0.5"),
        ("equals", "quick", "1 within 0.5"),
        ("equals", "paper", "1 within 0"),
    ],
)
def test_a_condition_is_said_in_words(kind, profile, words):
    assert replace(CLAIM, kind=kind).condition(profile) == words


def test_claims_are_read_in_order(written):
    first, second, third = read_claims(written())
    assert first == replace(
        CLAIM, bound=0.0, tolerance={"quick": 0.1, "paper": 0.2}
    )  # all fields, as written
    assert (second.id, second.kind, second.bound) == ("05-b", "below", 1e-3)
    assert (third.section, third.kind) == ("06_other", "equals")


def test_a_file_or_section_without_claims_has_none(tmp_path):
    path = tmp_path / "claims.yaml"
    for text in ("", "# nothing yet\n", "07_more:\n"):
        path.write_text(text)
        assert read_claims(path) == []


GAIN = "claims.yaml: 05_tiny > 05-a"


@pytest.mark.parametrize(
    "old, new, message",
    [
        ('    place: "Figure 1"\n', "", f"{GAIN} > place is missing"),
        (
            "    quantity: 05.gain\n",
            "    quantity: 05.gain\n    page: 3\n",
            f"{GAIN} > page is unknown; leave it out",
        ),
        (
            "    quantity: 05.gain\n",
            "    quantty: 05.gain\n",
            f"{GAIN} > quantity is missing\n"
            f"{GAIN} > quantty is unknown; did you mean 'quantity'?",
        ),
        ("- id: 05-a\n   ", "-", "claims.yaml: 05_tiny > 0 > id is missing"),
        ("id: 05-b", "id: 05-a", "claims.yaml repeats the ids 05-a"),
        (
            "{above: 0}",
            "{over: 0}",
            f"{GAIN} > condition > over is 'over'; expected 'above', 'below' or 'equal",
        ),
        (
            "{above: 0}",
            "{above: .nan}",
            f"{GAIN} > condition > above is '.nan'; expected a valid number",
        ),
        (
            "{above: 0}",
            "{above: nan}",
            f"{GAIN} > condition > above is 'nan'; expected a finite number",
        ),
        (
            "{above: 0}",
            "{above: zero}",
            f"{GAIN} > condition > above is 'zero'; expected a valid number",
        ),
        (
            "{above: 0}",
            "{above: 0, below: 2}",
            f"{GAIN} > condition is {{'above': '0', 'below': '2'}}; Dictionary should "
            "have at most 1 item after validation",
        ),
        ("{above: 0}", "{}", f"{GAIN} > condition is {{}}; Dictionary should have at"),
        (
            "{above: 0}",
            "above 0",
            f"{GAIN} > condition is 'above 0'; expected a valid dictionary",
        ),
        (
            "{quick: 0.1, paper: 0.2}",
            "{quick: 0.1}",
            f"{GAIN} > tolerance > paper is missing",
        ),
        (
            "{quick: 0.1, paper: 0.2}",
            "0.1",
            f"{GAIN} > tolerance is '0.1'; expected a valid dictionary",
        ),
        (
            "{quick: 0.1, paper: 0.2}",
            "{quick: inf, paper: 0.2}",
            f"{GAIN} > tolerance > quick is 'inf'; expected a finite number",
        ),
        (CLAIMS, "05_tiny: gain", "claims.yaml: 05_tiny is 'gain'; expected a valid l"),
        (
            CLAIMS,
            "- id: 05-a",
            "claims.yaml: it is [{'id': '05-a'}]; expected a valid ",
        ),
        (CLAIMS, "05_tiny: [", "claims.yaml is not YAML: while parsing a flow node"),
    ],
)
def test_a_malformed_claim_is_named_with_what_is_expected(written, old, new, message):
    with pytest.raises(ClaimError, match=f"^{re.escape(message)}"):
        read_claims(written(old, new))


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ClaimError, match=r"claims\.yaml cannot be read: No such file"):
        read_claims(tmp_path / "claims.yaml")


def test_every_claim_is_judged_by_the_run_of_its_section(written):
    entry = {"values": [1.0, 1.1, 1.2], **_entry(0.85, 1.35)}
    runs = {"05_tiny": {"records": {"05.gain": entry}}}
    judged = claims.judge(read_claims(written()), runs, "quick")
    assert [(j.claim.id, j.verdict, j.value) for j in judged] == [
        ("05-a", REPRODUCED, str(interval([1.0, 1.1, 1.2]))),
        ("05-b", NOT_RUN, "quantity not recorded"),
        ("06-a", NOT_RUN, "section not run"),
    ]
    assert claims.counts(judged) == "1 reproduced, 2 not run"


def test_counts_name_the_verdicts_there_are_in_a_fixed_order():
    order = (INCONCLUSIVE, REPRODUCED, NOT_RUN, NOT_REPRODUCED, REPRODUCED)
    judged = [claims.Judged(CLAIM, verdict, "") for verdict in order]
    assert claims.counts(judged) == (
        "2 reproduced, 1 not reproduced, 1 inconclusive, 1 not run"
    )
    assert claims.counts([]) == "no claims"


def test_the_claims_of_the_book_are_well_formed():
    stated = read_claims(ROOT / "claims.yaml")
    assert {c.section for c in stated} == set(paths.sections(ROOT))
    for claim in stated:
        number = claim.section[:2]
        assert re.fullmatch(rf"{number}-[a-z]", claim.id)
        assert claim.quantity.startswith(f"{number}.")
        assert records.NAME.fullmatch(claim.quantity)
        assert claim.statement.endswith(".") and claim.place
        assert "|" not in claim.statement + claim.place  # it would end a table's cell
        assert min(claim.tolerance.values()) >= 0


def test_each_claim_of_the_book_has_an_id_and_a_quantity_of_its_own():
    text = yaml.safe_load((ROOT / "claims.yaml").read_text())
    entries = [e for section in text.values() for e in section]
    assert len({e["id"] for e in entries}) == len(entries)
    assert len({e["quantity"] for e in entries}) == len(entries)
