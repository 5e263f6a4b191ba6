import numpy as np
import pytest
from scipy.special import softmax

from repalign_utils.transferability import leep, nce


def source(n=60, m=5, k=3, seed=0):
    """Probabilities (n, m) that depend on the classes (n,)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % k
    return softmax(rng.normal(size=(n, m)) + 2 * np.eye(k, m)[labels], axis=1), labels


def test_leep_is_the_formula_of_the_paper():
    theta, labels = source()
    n, m = theta.shape
    joint = np.array([theta[labels == y].sum(0) / n for y in range(3)])
    given = joint / joint.sum(0)
    terms = [
        np.log(sum(given[labels[i], z] * theta[i, z] for z in range(m)))
        for i in range(n)
    ]
    assert leep(theta, labels) == pytest.approx(np.mean(terms), rel=1e-12)


def test_nce_is_minus_the_entropy_left_by_the_likeliest_class():
    theta, labels = source()
    likeliest = theta.argmax(1)
    left = 0.0
    for z in set(likeliest):
        within = labels[likeliest == z]
        share = np.unique(within, return_counts=True)[1] / len(within)
        left -= len(within) / len(labels) * (share * np.log(share)).sum()
    assert nce(theta, labels) == pytest.approx(-left, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_leep_is_bounded_by_nce_and_the_source_as_the_paper_proves(seed):
    theta, labels = source(seed=seed)
    doubt = np.log(theta.max(1)).mean()
    assert nce(theta, labels) + doubt <= leep(theta, labels) <= 0


@pytest.mark.parametrize("score", [leep, nce])
def test_order_and_names_of_both_kinds_of_classes_do_not_matter(score):
    theta, labels = source()
    rng = np.random.default_rng(1)
    rows, columns = rng.permutation(len(theta)), rng.permutation(theta.shape[1])
    names = np.array(["wolf", "bee", "cat"])[labels]
    unused = np.hstack([theta[rows][:, columns], np.zeros((60, 1))])
    expected = score(theta, labels)
    assert score(unused, names[rows]) == pytest.approx(expected, rel=1e-12)
    assert score(theta.astype("f4"), labels + 1) == pytest.approx(expected, abs=1e-6)


def test_the_rounding_of_sums_is_divided_out():
    theta, labels = source()
    assert leep(1.00005 * theta, labels) == pytest.approx(leep(theta, labels), 1e-12)


def test_a_source_of_one_class_leaves_the_entropy_of_the_labels():
    labels = list("aabbbbcc")
    expected = (0.5 * np.log(0.25) + 0.5 * np.log(0.5)).item()
    assert leep(np.ones((8, 1)), labels) == pytest.approx(expected)
    assert nce(np.ones((8, 1)), labels) == pytest.approx(expected)


@pytest.mark.parametrize("score", [leep, nce])
@pytest.mark.parametrize(
    "wrong, told",
    [
        (lambda p, y: (2 * p, y), "row 0 of source_probabilities adds to 2 but must"),
        (lambda p, y: (-p, y), r"source_probabilities\[0, 0\] is -0.* never negative"),
        (lambda p, y: (y, p), r"source_probabilities have shape \(60,\) .* swapped"),
        (lambda p, y: (p[:9], y), "source_probabilities have 9 rows but labels have"),
        (lambda p, y: (p * np.nan, y), r"source_probabilities\[0, 0\] is nan but"),
        (lambda p, y: (p, y * 0), "all 60 labels are 0, and one class has nothing"),
    ],
)
def test_what_is_no_pair_of_probabilities_and_classes_is_refused(score, wrong, told):
    with pytest.raises(ValueError, match=told):
        score(*wrong(*source()))
