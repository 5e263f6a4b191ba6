import re
from pathlib import Path

import pytest

from repalign_utils.book import paths, records, references, verdicts
from repalign_utils.book.claims import ClaimError, read_claims
from repalign_utils.book.notebooks import parameters_cell, read_section
from repalign_utils.book.parameters import settle
from repalign_utils.book.shortfalls import shortfalls
from tests.conftest import ROOT
from tests.miniature import CLAIMS


@pytest.fixture
def written(tmp_path):
    """Write a claims.yaml: the small book's, with one thing replaced by another."""

    def write(old: str = "", new: str = "") -> Path:
        assert old in CLAIMS
        path = tmp_path / "claims.yaml"
        path.write_text(CLAIMS.replace(old, new, 1) if old else CLAIMS)
        return path

    return write


def test_claims_are_read_in_order_with_all_that_was_written(written):
    first, second, third = read_claims(written())
    assert first.model_dump(exclude={"settings"}) == {
        "id": "05-1",
        "section": "05_tiny",
        "kind": "paper",
        "statement": "The gain is positive.",
        "place": "Figure 1",
        "rule": "each",
        "unit": "seed",
        "control": {"gain": "0"},
        "changed": "nothing",
        "limits": "",
    }
    a, b = first.settings
    assert (a.id, a.name, a.quantity) == ("05-a", "at all", "05.gain")
    assert (a.relation, a.bound, a.smallest) == ("above", 0.0, 0.1)
    assert (b.id, b.bound, b.smallest) == ("05-b", 1.5, 0.0)
    assert (second.kind, second.settings[0].relation) == ("check", "below")
    assert (third.section, third.kind) == ("06_other", "ours")


def test_a_smallest_effect_may_be_a_share_and_a_claim_may_have_a_premise(written):
    share = "relative: {share: 1e-1, of: 05.area}\n        testable: "
    share += "{quantity: 05.falls, above: 0}"
    setting = read_claims(written("smallest: 0.1", share))[0].settings[0]
    assert setting.relative and setting.testable
    assert (setting.relative.share, setting.relative.of) == (0.1, "05.area")
    assert setting.testable.above == 0


@pytest.mark.parametrize(
    "condition, words",
    [
        ("{above: 1}\n        smallest: 0.5", "above 1 by at least 0.5"),
        ("{below: 1}\n        smallest: 0", "below 1"),
        ("{equals: 1}\n        smallest: 0.5", "1 within 0.5"),
        (
            "{above: 0}\n        relative: {share: 0.1, of: 05.area}",
            "above 0 by at least 0.1 of `05.area`",
        ),
    ],
)
def test_a_condition_is_said_in_words(written, condition, words):
    path = written("{above: 0}\n        smallest: 0.1", condition)
    assert str(read_claims(path)[0].settings[0]) == words


def test_a_file_or_section_without_claims_has_none(tmp_path):
    path = tmp_path / "claims.yaml"
    for text in ("", "# nothing yet\n", "07_more:\n"):
        path.write_text(text)
        assert read_claims(path) == []


GAIN = "claims.yaml: 05_tiny > 05-1"
AT_ALL = f"{GAIN} > settings > 05-a"


@pytest.mark.parametrize(
    "old, new, message",
    [
        ('    place: "Figure 1"\n', "", f"{GAIN} > place is missing"),
        (
            "    unit: seed\n",
            "    unti: seed\n",
            f"{GAIN} > unit is missing\n{GAIN} > unti is unknown; did you mean 'unit'?",
        ),
        (
            "kind: paper",
            "kind: prper",
            f"{GAIN} > kind is 'prper'; expected 'paper'",
        ),
        ("rule: each", "rule: all", f"{GAIN} > rule is 'all'; expected 'each' or 'any"),
        ("{gain: 0}", "{}", f"{GAIN} > control is {{}}; Dictionary should have at le"),
        ("- id: 05-1\n   ", "-", "claims.yaml: 05_tiny > 0 > id is missing"),
        ("id: 05-b", "id: 05-a", "claims.yaml repeats the ids 05-a"),
        ("        name: at all\n", "", f"{AT_ALL} > name is missing"),
        (
            "{above: 0}",
            "{over: 0}",
            f"{AT_ALL} > condition > over is 'over'; expected 'above', 'below' or 'eq",
        ),
        (
            "{above: 0}",
            "{above: nan}",
            f"{AT_ALL} > condition > above is 'nan'; expected a finite number",
        ),
        (
            "{above: 0}",
            "{above: 0, below: 2}",
            f"{AT_ALL} > condition is {{'above': '0', 'below': '2'}}; Dictionary shou",
        ),
        (
            "smallest: 0.1",
            "smallest: -1",
            f"{AT_ALL} > smallest is '-1'; expected greater than or equal to 0",
        ),
        (
            "        smallest: 0.1\n",
            "",
            f"{AT_ALL} is {{'condition': {{'above': '0'}}, 'id': '05-a', 'name': 'at ",
        ),
        (
            "smallest: 0.1",
            "relative: {share: 0, of: 05.area}",
            f"{AT_ALL} > relative > share is '0'; expected greater than 0",
        ),
        (
            "smallest: 0.1",
            "smallest: 0\n        testable: {quantity: 05.falls}",
            f"{AT_ALL} > testable > above is missing",
        ),
        (CLAIMS, "05_tiny: gain", "claims.yaml: 05_tiny is 'gain'; expected a valid l"),
        (CLAIMS, "- id: 05-a", "claims.yaml holds [{'id': '05-a'}]; expected lines '"),
        (CLAIMS, "05_tiny: [", "claims.yaml is not YAML: while parsing a flow node"),
    ],
)
def test_a_malformed_claim_is_named_with_what_is_expected(written, old, new, message):
    with pytest.raises(ClaimError, match=f"^{re.escape(message)}"):
        read_claims(written(old, new))


def test_one_measure_of_the_smallest_effect_is_given(written):
    both = "smallest: 0.1\n        relative: {share: 0.1, of: 05.area}"
    for text in ("name: at all", both):
        with pytest.raises(ClaimError, match="; give one of smallest and relative$"):
            read_claims(written("smallest: 0.1", text.replace("name: at all", "")))


@pytest.mark.parametrize("old", ["{above: 0}", "kind: paper"])
def test_an_identity_cannot_hold_in_some_settings(written, old):
    new = {"{above: 0}": "{equals: 0}", "kind: paper": "kind: check"}[old]
    path = written("rule: each", "rule: any")
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ClaimError, match="give it no check and no 'equals'$"):
        read_claims(path)


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ClaimError, match=r"claims\.yaml cannot be read: No such file"):
        read_claims(tmp_path / "claims.yaml")


def test_the_claims_of_the_book_are_well_formed():
    stated = read_claims(ROOT / "claims.yaml")
    assert {c.section for c in stated} == set(paths.sections(ROOT))
    quantities = [s.quantity for c in stated for s in c.settings]
    assert len(set(quantities)) == len(quantities)
    for claim in stated:
        number = claim.section[:2]
        assert re.fullmatch(rf"{number}-[1-9]", claim.id)
        assert claim.statement.endswith(".") and claim.place and claim.changed
        for s in claim.settings:
            assert re.fullmatch(rf"{number}-[a-z]+", s.id)
            assert s.quantity.startswith(f"{number}.")
            assert records.NAME.fullmatch(s.quantity)
            named = [s.relative.of] if s.relative else []
            named += [s.testable.quantity] if s.testable else []
            assert all(records.NAME.fullmatch(name) for name in named)
            # a bar would end a table's cell
            assert "|" not in claim.statement + claim.place + s.name


def test_the_control_of_a_claim_is_set_by_parameters_of_its_section():
    stated = read_claims(ROOT / "claims.yaml")
    for section in {c.section for c in stated}:
        source = parameters_cell(read_section(paths.section_path(ROOT, section))).source
        for control in [c.control for c in stated if c.section == section]:
            assert settle(source, section, [(control, ROOT)])


def test_each_claim_that_a_kept_run_falls_short_of_says_what_may_be_why():
    stated = read_claims(ROOT / "claims.yaml")
    runs = (references.read(ROOT, profile) for profile in ("quick", "paper"))
    pairs = zip(*(verdicts.judge(stated, run) for run in runs), strict=True)
    short = [s for s in shortfalls(list(pairs), "paper") if not s.too_few]
    assert short
    assert [s.here.claim.id for s in short if not s.here.claim.limits] == []
