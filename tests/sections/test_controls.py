"""The negative control takes the effect away: sections of the paper."""

import pytest

from repalign_utils.comparison import agreement
from tests.sections.running import SMALL, found_of, is_taken_away, run, values

pytestmark = pytest.mark.section


@pytest.mark.parametrize(
    "quantity",
    [
        "01.order.agrees",
        "01.shuffled.gap",
        "01.shuffled.slower",
        "02.input.gap.classification",
        "02.input.gap.regression",
        "02.gain.classification.true.narrow",
        "02.over_inputs.classification.true.narrow",
        "02.gain.classification.shuffled.narrow",
        "02.share.inputs_lose.classification",
        "02.share.layer_keeps.classification",
        "02.follows.untrained.classification",
        "02.hidden.regression",
        "03.gain.depth.classification",
        "03.gain.depth.regression",
        "03.depth.end.regression",
        "04.least_step.mlp",
        "04.rise.mlp",
        "04.beyond_input.mlp",
        "04.gain.mlp",
        "05.alignment.related.thermometer",
        "05.rank.all.thermometer",
        "05.rank.none.thermometer",
        "05.graded.error.thermometer",
        "06.gap.pairs.pixels",
        "06.gap_above_chance.rest.untrained",
        "06.learnt.untrained",
        "06.accuracy.untrained",
        "06.rank.trained",
        "07.alignment.artificial.cnn",
        "07.both.alignment.cnn",
        "08.order.linear",
        "08.gain.same_domain.all",
    ],
)
def test_the_negative_control_takes_the_effect_away(controlled, quantity):
    assert is_taken_away(quantity, *controlled(quantity[:2]))


def test_no_check_holds_of_predictions_from_other_features(controlled):
    quantities = ("01.identity.error", "01.bound.excess", "01.divergence.predicted")
    honest, control = controlled("01")
    told = [
        {"section": "01_alignment", "form": 3, "records": r} for r in (honest, control)
    ]
    found = [[found_of(r)[q] for q in quantities] for r in told]
    assert found == [["reproduced"] * 3, ["not reproduced"] * 3]


def test_a_run_with_shuffled_labels_does_not_agree_with_an_honest_one(controlled):
    honest, control = map(values, controlled("05"))
    assert agreement(honest, honest).reasons == []
    assert agreement(honest, control).reasons


def test_a_run_with_a_wrong_step_size_does_not_agree_with_an_honest_one(
    controlled, tmp_path
):
    wrong = run("02", tmp_path, SMALL["02"] | {"step_size": 0.1})["records"]
    assert agreement(values(wrong), values(controlled("02")[0])).reasons


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(
    controlled, tmp_path
):
    first = controlled("05")[0]
    assert run("05", tmp_path, SMALL["05"])["records"] == first
    trained = [entry["values"] for name, entry in first.items() if "error" in name]
    assert trained and all(len(set(v)) == len(v) for v in trained)
