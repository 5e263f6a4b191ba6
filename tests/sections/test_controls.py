"""Small runs of sections: the negative control takes the effect away."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest

from repalign_utils.comparison import agreement, difference
from tests.sections.running import CLAIMS, SMALL, found_of, run, values

pytestmark = pytest.mark.section
BELOW = {s.quantity for c in CLAIMS for s in c.settings if s.relation == "below"}


@pytest.fixture(scope="module")
def controlled(tmp_path_factory):
    """Records of a small run and of the same with its negative control, by section."""
    folder = tmp_path_factory.mktemp("controlled")

    @cache
    def both(section):
        given = [SMALL[section] | {"control": c} for c in ("false", "true")]
        with ThreadPoolExecutor() as pool:  # two processes of one thread each
            runs = [pool.submit(run, section, folder / g["control"], g) for g in given]
        return [done.result()["records"] for done in runs]

    return both


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
        "09.spread.last",
        "09.subspace.first",
        "09.several.first",
        "09.sparse_fall",
        "09.learned.last",
        "10.loss.fc1",
        "10.lead.fc1",
        "10.order.progress",
        "10.freeze.accuracy",
        "10.between.first",
        "10.between.out",
        "11.toy.mean",
        "11.toy.svcca",
        "11.closer.later",
        "11.stable.held_out",
        "11.wider.calibrated",
        "11.noise.slower",
        "11.noise.error",
        "12.error.relu",
        "12.layer.first",
        "12.off.rich",
        "12.merged.rich",
        "12.images.rich",
        "12.structure.rich",
        "12.gain.rich_less_lazy",
        "13.above.linear",
        "13.order.linear.alignment_area",
        "13.over_short.linear",
        "13.kept.linear",
        "14.fewer.classification.captured",
        "14.fewer.regression.captured",
        "14.fewer.classification.residual",
        "14.plane.stretched",
        "14.gain.turned",
        "14.gain.textured",
        "14.early",
        "18.agree.layers",
        "18.depth.cka",
        "18.agree.scores",
        "18.told.scores",
    ],
)
def test_the_negative_control_takes_the_effect_away(controlled, quantity):
    runs = [r[quantity] for r in controlled(quantity[:2])]
    honest, control = (run["values"] for run in runs)
    more, less = (control, honest) if quantity in BELOW else (honest, control)
    assert sum(more) / len(more) > sum(less) / len(less)
    assert difference(quantity, *runs).errors > 2


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
