"""The negative control takes the effect away: sections of the paper's neighbours."""

import pytest

from tests.sections.running import is_taken_away

pytestmark = pytest.mark.section


@pytest.mark.parametrize(
    "quantity",
    [
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
    assert is_taken_away(quantity, *controlled(quantity[:2]))
