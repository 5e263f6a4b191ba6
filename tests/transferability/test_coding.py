import numpy as np
import pytest

from repalign_utils.transferability import trans_rate
from tests.transferability.drawn import classes, turned


def rate(z, eps):
    n, d = z.shape
    return np.log(np.linalg.det(np.eye(d) + z.T @ z / (n * eps))) / 2


@pytest.mark.parametrize("eps", [1e-4, 0.1])
@pytest.mark.parametrize("d", [1, 6, 30])
def test_it_is_the_formula_of_the_paper(d, eps):
    features, labels = classes(d=d)
    z = features - features.mean(0)
    z = z / np.sqrt((z**2).sum(1).mean())
    parts = [z[labels == label] for label in np.unique(labels)]
    within = sum(len(part) * rate(part, eps) for part in parts) / len(z)
    expected = rate(z, eps) - within
    assert trans_rate(features, labels, eps=eps) == pytest.approx(expected, rel=1e-9)


def test_a_rotation_and_a_shift_keep_it():
    features, labels = classes(d=100)
    moved = 5 * turned(features) - 3
    expected = trans_rate(features, labels)
    assert trans_rate(moved, labels) == pytest.approx(expected)


def test_it_grows_with_the_distance_of_classes_and_is_zero_of_classes_alike():
    near, labels = classes(spread=0.1, seed=3)
    far, _ = classes(spread=2.0, seed=3)
    assert trans_rate(far, labels) > 2 * trans_rate(near, labels)
    twice = np.vstack([near, near])
    alike = np.repeat(["a", "b"], len(near))
    assert trans_rate(twice, alike) == pytest.approx(0, abs=1e-9)


def test_a_distortion_of_zero_is_refused():
    with pytest.raises(ValueError, match="eps is 0 but must be positive and finite"):
        trans_rate(*classes(), eps=0)
