from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repalign_utils.book import telling, verdicts
from repalign_utils.book.claims import Claim, Setting
from repalign_utils.book.records import interval_of
from repalign_utils.book.verdicts import (
    AGREES,
    DIFFERS,
    INCONCLUSIVE,
    NO_REFERENCE,
    NOT_REPRODUCED,
    NOT_RUN,
    NOT_TESTABLE,
    REPRODUCED,
    SMALL,
    SOME,
    TOO_FEW,
    comparison,
)
from repalign_utils.statistics import interval

NUMBERS = st.integers(-100, 100).map(lambda i: i / 10)


def _setting(quantity="05.gain", relation="above", bound=1.0, smallest=0.5, **more):
    return Setting.model_validate(
        {
            "id": quantity,
            "name": "a place",
            "quantity": quantity,
            "condition": {relation: bound},
            "smallest": smallest,
        }
        | more
    )


def _claim(*settings, rule="each", kind="paper"):
    return Claim(
        id="05-1",
        section="05_tiny",
        kind=kind,
        statement="The gain is positive.",
        place="Figure 1",
        rule=rule,
        unit="seed",
        control={"gain": "0"},
        changed="nothing",
        settings=settings or (_setting(),),
    )


def _entry(low, high, values=None):
    """Recorded quantity with this interval; without, by its values."""
    values = values or [low, high] * 3
    given = {"values": values, "mean": sum(values) / len(values), "n": len(values)}
    return given | {"low": low, "high": high}


def _judged(claim, form=3, **entries):
    """What a run with these entries says; names of quantities without 05."""
    named = {f"05.{name}": entry for name, entry in entries.items()}
    runs = {"05_tiny": {"form": form, "section": "05_tiny", "records": named}}
    (judged,) = verdicts.judge([claim], runs)
    return judged


def _verdict(low, high, **given):
    return _judged(_claim(_setting(**given)), gain=_entry(low, high)).verdict


@pytest.mark.parametrize(
    "relation, low, high, verdict",
    [
        ("above", 1.5, 2.0, REPRODUCED),
        ("above", 1.49, 2.0, SMALL),
        ("above", 1.2, 1.4, SMALL),
        ("above", 1.0, 2.0, INCONCLUSIVE),
        ("above", 0.9, 1.0, INCONCLUSIVE),
        ("above", 1.0, 1.0, INCONCLUSIVE),
        ("above", 0.5, 0.99, NOT_REPRODUCED),
        ("below", 0.0, 0.5, REPRODUCED),
        ("below", 0.0, 0.51, SMALL),
        ("below", 0.6, 1.0, INCONCLUSIVE),
        ("below", 1.01, 9.0, NOT_REPRODUCED),
        ("equals", 0.5, 1.5, REPRODUCED),
        ("equals", 1.2, 1.3, REPRODUCED),
        ("equals", 0.4, 1.5, INCONCLUSIVE),
        ("equals", 0.0, 2.0, INCONCLUSIVE),
        ("equals", 1.6, 1.7, NOT_REPRODUCED),
        ("equals", 0.1, 0.2, NOT_REPRODUCED),
    ],
)
def test_the_interval_as_a_whole_decides(relation, low, high, verdict):
    # the bound is 1, the smallest effect 0.5
    assert _verdict(low, high, relation=relation) == verdict


@given(a=NUMBERS, b=NUMBERS, bound=NUMBERS, smallest=st.floats(0, 10))
def test_below_is_above_mirrored(a, b, bound, smallest):
    low, high = sorted([a, b])
    above = _verdict(low, high, bound=bound, smallest=smallest)
    mirrored = {"relation": "below", "bound": -bound, "smallest": smallest}
    assert above == _verdict(-high, -low, **mirrored)


@given(
    relation=st.sampled_from(["above", "below", "equals"]),
    ends=st.tuples(NUMBERS, NUMBERS),
    shift=st.integers(-50, 50),
)
def test_the_distance_from_the_bound_alone_counts(relation, ends, shift):
    low, high = sorted(round(e, 3) for e in ends)
    given = {"relation": relation, "smallest": 0.5004}
    there = _verdict(low, high, bound=0.0, **given)
    assert there == _verdict(low + shift, high + shift, bound=shift, **given)


@given(ends=st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS))
def test_a_narrower_interval_never_takes_a_verdict_back(ends):
    low, inner_low, inner_high, high = sorted(ends)
    for relation in ("above", "below", "equals"):
        wide = _verdict(low, high, relation=relation)
        narrow = _verdict(inner_low, inner_high, relation=relation)
        if wide == SMALL:
            assert narrow in (SMALL, REPRODUCED)
        elif wide != INCONCLUSIVE:
            assert narrow == wide


def test_without_an_interval_nothing_is_decided_and_without_a_value_nothing_run():
    values = [3.0, 4.0]
    judged = _judged(_claim(), gain=_entry(None, None, values))
    assert judged.verdict == INCONCLUSIVE
    assert judged.findings[0].units == 2
    assert judged.findings[0].value == str(interval_of({"values": values}))
    judged = _judged(_claim())
    assert (judged.verdict, judged.findings[0].value) == (
        NOT_RUN,
        "quantity not recorded",
    )
    (judged,) = verdicts.judge([_claim()], {})
    assert (judged.verdict, judged.findings[0].value) == (NOT_RUN, "section not run")


@pytest.mark.parametrize(
    "values, verdict",
    [([1.0], REPRODUCED), ([1.5, 0.5], REPRODUCED), ([1.0] * 9 + [2], NOT_REPRODUCED)],
)
def test_a_check_is_judged_by_its_worst_value(values, verdict):
    check = _claim(_setting(relation="equals"), kind="check")
    assert _judged(check, gain=_entry(None, None, values)).verdict == verdict


@pytest.mark.parametrize("form", [1, 2])
def test_a_run_from_before_the_area_was_changed_is_not_judged(form):
    judged = _judged(_claim(), form=form, gain=_entry(2, 3))
    assert judged.verdict == NOT_RUN
    assert judged.findings[0].value == "run before the area was changed"


def test_what_did_not_happen_cannot_be_tested():
    premise = {"testable": {"quantity": "05.falls", "above": 0}}
    claim = _claim(_setting(**premise))
    gain, none, some = _entry(2, 3), _entry(0, 0), _entry(0, 0.2)
    assert _judged(claim, gain=gain, falls=none).verdict == NOT_TESTABLE
    assert _judged(claim, gain=gain, falls=some).verdict == REPRODUCED
    (finding,) = _judged(claim, gain=gain).findings
    assert (finding.verdict, finding.value) == (NOT_RUN, "05.falls not recorded")


def test_a_smallest_effect_follows_the_quantity_that_it_is_a_share_of():
    share = {"smallest": None, "relative": {"share": 0.1, "of": "05.area"}}
    claim = _claim(_setting(bound=0.0, **share))
    for area, verdict in ((2.0, REPRODUCED), (4.0, SMALL), (-4.0, SMALL)):
        entries = {"gain": _entry(0.3, 0.5), "area": _entry(area, area)}
        assert _judged(claim, **entries).verdict == verdict


LIES = {
    REPRODUCED: _entry(2, 3),
    SMALL: _entry(1.1, 1.2),
    INCONCLUSIVE: _entry(0, 2),
    NOT_REPRODUCED: _entry(0, 0.5),
}


def _headline(*found):
    """Judged claim whose settings get these verdicts."""
    names = "abcd"[: len(found)]
    premise = {"testable": {"quantity": "05.falls", "above": 0}}
    settings = [
        _setting(f"05.{n}", **(premise if v == NOT_TESTABLE else {}))
        for n, v in zip(names, found, strict=True)
    ]
    entries = {
        n: LIES.get(v, LIES[REPRODUCED])
        for n, v in zip(names, found, strict=True)
        if v != NOT_RUN
    }
    return _judged(_claim(*settings), falls=_entry(0, 0), **entries)


@pytest.mark.parametrize(
    "found, verdict, words",
    [
        ([REPRODUCED, REPRODUCED], REPRODUCED, "reproduced"),
        ([REPRODUCED, SMALL], SMALL, "right sign but small"),
        ([REPRODUCED, REPRODUCED, NOT_REPRODUCED], SOME, "in 2 of 3 settings"),
        ([REPRODUCED, INCONCLUSIVE], SOME, "in 1 of 2 settings"),
        ([REPRODUCED, NOT_RUN], SOME, "in 1 of 2 settings"),
        (
            [SMALL, INCONCLUSIVE],
            SOME,
            "right sign but small in 1 of 2 settings",
        ),
        (
            [SMALL, NOT_REPRODUCED],
            SOME,
            "right sign but small in 1 of 2 settings, the other way in 1",
        ),
        ([INCONCLUSIVE, NOT_REPRODUCED], NOT_REPRODUCED, "not reproduced"),
        ([INCONCLUSIVE, NOT_RUN], INCONCLUSIVE, "inconclusive"),
        ([NOT_TESTABLE, NOT_TESTABLE], NOT_TESTABLE, "not testable"),
        ([NOT_TESTABLE, NOT_RUN], NOT_TESTABLE, "not testable"),
        ([NOT_RUN, NOT_RUN], NOT_RUN, "not run"),
    ],
)
def test_a_claim_on_each_setting_takes_all_of_them(found, verdict, words):
    judged = _headline(*found)
    assert [f.verdict for f in judged.findings] == found
    assert (judged.verdict, str(judged)) == (verdict, words)


@pytest.mark.parametrize(
    "n, settings, verdict",
    # the p-value of n values on one side is 2 / 2^n
    [
        (6, 1, REPRODUCED),
        (6, 2, INCONCLUSIVE),
        (7, 2, REPRODUCED),
        (5, 1, INCONCLUSIVE),
    ],
)
def test_a_claim_on_any_setting_is_corrected_for_their_number(n, settings, verdict):
    right = [2.0 + i / 10 for i in range(n)]
    chance = [1.1, 0.9] * 4
    names = "ab"[:settings]
    claim = _claim(*(_setting(f"05.{name}") for name in names), rule="any")
    entries = {"a": _entry(1.9, 3, right), "b": _entry(0.9, 1.1, chance)}
    judged = _judged(claim, **{name: entries[name] for name in names})
    assert judged.verdict == verdict
    assert verdicts.needed(claim) == 5 + settings
    if settings == 2:
        assert judged.findings[1].verdict == INCONCLUSIVE


@pytest.mark.parametrize("settings", [1, 3])
def test_a_claim_on_each_setting_needs_as_many_units_as_an_interval(settings):
    claim = _claim(*(_setting(f"05.{i}") for i in range(settings)))
    right = [2.0 + i / 10 for i in range(verdicts.needed(claim))]
    for values, verdict in ((right[:-1], INCONCLUSIVE), (right, REPRODUCED)):
        entry = {"values": values, **asdict(interval(values))}
        found = _judged(claim, **{str(i): entry for i in range(settings)})
        assert found.verdict == verdict


@pytest.mark.parametrize(
    "values, verdict",
    [([1.1] * 6, SMALL), ([0.9] * 6, NOT_REPRODUCED), ([3.0] * 50, REPRODUCED)],
)
def test_a_claim_on_any_setting_goes_by_the_side_of_the_mean(values, verdict):
    judged = _judged(_claim(rule="any"), gain=_entry(0, 3, values))
    assert judged.verdict == verdict


@pytest.mark.parametrize(
    "here, there, told",
    [
        (REPRODUCED, REPRODUCED, AGREES),
        (SMALL, REPRODUCED, AGREES),
        (NOT_REPRODUCED, NOT_REPRODUCED, AGREES),
        (NOT_REPRODUCED, SMALL, DIFFERS),
        (INCONCLUSIVE, REPRODUCED, TOO_FEW),
        (REPRODUCED, INCONCLUSIVE, TOO_FEW),
        (REPRODUCED, NOT_RUN, NO_REFERENCE),
        (NOT_RUN, NOT_RUN, NO_REFERENCE),
        (INCONCLUSIVE, NOT_TESTABLE, NO_REFERENCE),
        (NOT_RUN, REPRODUCED, NOT_RUN),
        (NOT_TESTABLE, REPRODUCED, NOT_TESTABLE),
    ],
)
def test_a_run_is_set_beside_the_reference_by_the_side_it_lies_on(here, there, told):
    mine, kept = _headline(here), _headline(there)
    assert comparison(mine.findings[0], kept.findings[0]) == told
    assert comparison(mine, kept) == told


@pytest.mark.parametrize(
    "here, there, told",
    [
        ([REPRODUCED, SMALL], [REPRODUCED, NOT_RUN], AGREES),
        ([REPRODUCED, INCONCLUSIVE], [REPRODUCED, SMALL], TOO_FEW),
        ([NOT_REPRODUCED, INCONCLUSIVE], [REPRODUCED, SMALL], DIFFERS),
    ],
)
def test_a_headline_claim_agrees_where_all_its_settings_do(here, there, told):
    assert comparison(_headline(*here), _headline(*there)) == told


def test_a_claim_on_any_setting_agrees_by_its_own_verdict():
    claim = _claim(_setting("05.a"), _setting("05.b"), rule="any")
    high, low = _entry(2, 3, [2, 3] * 4), _entry(0, 0.5, [0, 0.5] * 4)
    mine = _judged(claim, a=high, b=low)
    assert comparison(mine, _judged(claim, a=low, b=high)) == AGREES
    assert comparison(mine, _judged(claim, a=low, b=low)) == DIFFERS


def test_the_kinds_are_counted_apart_and_the_paper_first():
    found = {"ours": LIES[SMALL], "check": _entry(0, 9), "paper": LIES[REPRODUCED]}
    judged = [_judged(_claim(kind=kind), gain=entry) for kind, entry in found.items()]
    assert telling.tally([*judged, _judged(_claim())]) == (
        "of 2 headline claims of papers 1 reproduced, 1 not run; "
        "checks: 0 of 1, 1 not reproduced; ours: 0 of 1, 1 right sign but small"
    )
    assert telling.tally([]) == "no claims"


@pytest.mark.parametrize(
    "parameters, control",
    [
        ({"gain": 0.0, "shuffled": True, "seeds": 3}, True),
        ({"gain": 0, "shuffled": False}, False),
        ({"shuffled": True}, False),
    ],
)
def test_a_run_with_the_parameters_of_its_control_is_known(parameters, control):
    claim = _claim().model_copy(update={"control": {"gain": "0", "shuffled": "true"}})
    assert verdicts.under_control(claim, {"parameters": parameters}) == control


def test_under_its_control_a_claim_is_not_set_beside_the_reference():
    judged, kept = _headline(NOT_REPRODUCED), _headline(REPRODUCED)
    assert telling.lines(judged, kept)[0].endswith("(differs)")
    (line,) = telling.lines(judged, kept, control=True)
    assert line.endswith("(control: must not hold)")


def test_only_settings_that_a_run_recorded_are_told_of():
    claim = _claim(_setting("05.a"), _setting("05.b"))
    run = {"records": {"05.a": _entry(2, 3)}}
    (mine,) = verdicts.recorded([claim], run)
    assert [s.quantity for s in mine.settings] == ["05.a"]
    assert verdicts.recorded([claim], {"records": {}}) == []
