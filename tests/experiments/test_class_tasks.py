"""Scores of features on pairs of classes, and on each class against the rest."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from repalign_utils import alignment, data
from repalign_utils.experiments.class_tasks import (
    class_columns,
    drawn_pairs,
    pair_scores,
    rest_scores,
)
from repalign_utils.measures.probes import linear_probe

X = np.linspace(0, 1, 21)
STEPS = np.array([0, 1, 10, 200])


@pytest.fixture(scope="module")
def images():
    draw = data.digit_images
    return tuple(draw((0, 1, 2), n_per_class=20, seed=s) for s in (0, 1))


@pytest.fixture
def pixels(images):
    return tuple(i.pixels() for i in images)


def test_few_pairs_are_all_of_them_and_many_are_drawn_without_repetition():
    names = [f"c{i}" for i in range(20)]
    everything = list(combinations(names, 2))
    assert drawn_pairs(names, 190) == drawn_pairs(names, 500, seed=3) == everything
    drawn = drawn_pairs(names, 60, seed=1)
    assert len(set(drawn)) == 60 and set(drawn) < set(everything)
    assert drawn == drawn_pairs(names, 60, seed=1) != drawn_pairs(names, 60, seed=2)


@pytest.mark.parametrize(("names", "count"), [(("a",), 4), (("a", "b"), 0)])
def test_pairs_that_cannot_be_drawn_are_refused(names, count):
    with pytest.raises(
        ValueError, match=f"{count} pairs of {len(names)} classes .* at least one"
    ):
        drawn_pairs(names, count)


def test_pairs_are_scored_one_by_one_and_averaged(images, pixels):
    pairs = drawn_pairs(images[0].classes, 3)
    options = {"thresholds": X, "steps": STEPS}
    whole = pair_scores(pixels, images, pairs, **options)
    parts = [pair_scores(pixels, images, [p], **options) for p in pairs]
    assert whole.areas.shape == (3,)
    for name in ("areas", "curve", "chance_curve", "loss", "chance_loss", "accuracy"):
        expected = np.mean([getattr(p, name) for p in parts], axis=0)
        found = getattr(whole, name)
        np.testing.assert_allclose(
            found.mean() if name == "areas" else found, expected.squeeze()
        )


def test_a_pair_is_scored_as_alignment_and_probe_say(images, pixels):
    pair = images[0].classes[:2]
    found = pair_scores(pixels, images, [pair], thresholds=X, steps=STEPS)
    rows, y = images[0].pair(*pair)
    aligned = alignment(pixels[0][rows], y)
    assert found.areas == pytest.approx(aligned.area(), rel=1e-9)
    # the area under the curve as drawn, over threshold / sqrt(n)
    fine = (np.arange(20000) + 0.5) / 20000
    drawn = aligned.curve(fine * np.sqrt(aligned.n))[:, 0].mean() / aligned.n
    assert found.areas[0] == pytest.approx(drawn, abs=1e-4)
    assert found.chance == pytest.approx(aligned.null().area)
    assert found.ceilings == pytest.approx(aligned.ceiling)
    energy = aligned.curve(X * np.sqrt(40))[:, 0]
    np.testing.assert_allclose(found.curve, energy / 40)
    # the loss of the very models whose accuracy is told
    outputs = linear_probe(pixels[0][rows], y, STEPS).predict(pixels[0][rows])
    loss = ((outputs - y) ** 2).mean((1, 2))
    np.testing.assert_allclose(found.loss, loss, atol=1e-9)
    assert found.loss[0] == pytest.approx(1) and (np.diff(found.loss) < 0).all()
    assert found.accuracy[0] == 0.5 and found.accuracy[-1] > 0.9


def test_the_rest_is_scored_without_the_share_that_a_constant_holds(images, pixels):
    found = rest_scores(pixels, images, thresholds=X, steps=STEPS)
    raw = alignment(pixels[0], images[0].targets()).area()
    assert found.areas.shape == (3,) and (found.areas < raw).all()
    assert found.accuracy[0] == pytest.approx(1 / 3) and found.accuracy[-1] > 0.9
    constant = rest_scores(
        tuple(np.zeros((60, 1)) for _ in images), images, thresholds=X, steps=STEPS
    )
    np.testing.assert_allclose(constant.areas, 0, atol=1e-12)
    np.testing.assert_allclose(constant.loss, 1)


def test_features_of_permuted_rows_know_nothing(images, pixels):
    mixed = tuple(np.random.default_rng(0).permutation(p) for p in pixels)
    options = {"thresholds": X, "steps": STEPS}
    for score in (
        lambda f: pair_scores(f, images, drawn_pairs(images[0].classes, 3), **options),
        lambda f: rest_scores(f, images, **options),
    ):
        honest, blind = score(pixels), score(mixed)
        assert blind.areas.mean() < honest.areas.mean() / 2
        assert blind.accuracy[-1] < honest.accuracy[-1] - 0.3


def test_features_and_images_must_go_together(images, pixels):
    options = {"thresholds": X, "steps": STEPS}
    with pytest.raises(
        ValueError, match="test features have 59 rows but there are 60 test images; "
    ):
        rest_scores((pixels[0], pixels[1][:-1]), images, **options)
    fewer = data.digit_images((0, 1), n_per_class=20)
    with pytest.raises(
        ValueError, match="are of 3 classes and test images of 2, or in another order"
    ):
        rest_scores((pixels[0], fewer.pixels()), (images[0], fewer), **options)


def test_a_class_without_images_is_refused(images):
    some = replace(images[0], labels=images[0].labels % 2)
    with pytest.raises(ValueError, match="there are images of 2 of 3 classes; keep"):
        class_columns(some)
