import numpy as np
import pytest

from repalign_utils import alignment, one_vs_rest
from repalign_utils.similarity import cka
from repalign_utils.transferability import alignment_area, label_cka, negative_rank
from tests.transferability.drawn import classes, quantities, turned


def test_area_and_rank_are_the_books_own_of_each_class_against_the_rest():
    features, labels = classes()
    found = alignment(features, one_vs_rest(labels))
    assert alignment_area(features, labels) == found.area().mean()
    for eps, rule in ((0.1, "residual"), (0.3, "captured")):
        expected = -found.rank(eps, rule=rule).mean()
        assert negative_rank(features, labels, eps=eps, rule=rule) == expected


def test_area_and_rank_of_quantities_take_them_as_they_are():
    features, drawn = quantities()
    found = alignment(features, drawn)
    assert alignment_area(features, drawn) == found.area().mean()
    assert negative_rank(features, drawn) == -found.rank(0.1).mean()


@pytest.mark.parametrize("d", [6, 200])
def test_the_labels_kernel_is_one_within_a_class(d):
    features, labels = classes(d=d)
    middle = np.eye(80) - 1 / 80
    same = middle @ (labels[:, None] == labels) @ middle
    kernel = middle @ features @ features.T @ middle
    norms = np.linalg.norm(same) * np.linalg.norm(kernel)
    assert label_cka(features, labels) == pytest.approx((same * kernel).sum() / norms)


def test_of_quantities_it_is_the_linear_cka_with_them():
    features, drawn = quantities()
    assert label_cka(features, drawn) == pytest.approx(cka(features, drawn))


@pytest.mark.parametrize("score", [alignment_area, negative_rank, label_cka])
def test_rotation_order_and_names_keep_them(score):
    features, labels = classes()
    order = np.random.default_rng(1).permutation(80)
    names = np.array(["wolf", "bee", "cat"])[labels]
    found = score(turned(features)[order], names[order])
    assert found == pytest.approx(score(features, labels), rel=1e-9)
