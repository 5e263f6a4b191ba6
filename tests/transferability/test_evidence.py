import numpy as np
import pytest
from scipy.stats import multivariate_normal

from repalign_utils.transferability import log_me
from tests.transferability.drawn import classes, quantities, turned


def steps_of_the_paper(features, y, steps=3000):
    """You et al. (2021), Algorithm 1: log evidence at its stationary point."""
    n, d = features.shape
    a = b = 1.0
    gram = features.T @ features
    for _ in range(steps):
        inverse = np.linalg.inv(a * np.eye(d) + b * gram)
        m = b * inverse @ features.T @ y
        gamma = d - a * np.trace(inverse)
        a = gamma / (m @ m)
        b = (n - gamma) / np.square(y - features @ m).sum()
    precision = a * np.eye(d) + b * gram
    m = b * np.linalg.solve(precision, features.T @ y)
    fit = b * np.square(y - features @ m).sum() + a * m @ m
    terms = n * np.log(b) + d * np.log(a) - n * np.log(2 * np.pi) - fit
    return (terms - np.linalg.slogdet(precision)[1]) / 2 / n


def evidence(features, y, ratio):
    """Log evidence per row with weights of variance 1 / ratio and the best noise."""
    n = len(y)
    shape = np.eye(n) + features @ features.T / ratio
    scale = y @ np.linalg.solve(shape, y) / n
    return -np.log(2 * np.pi * scale) / 2 - 1 / 2 - np.linalg.slogdet(shape)[1] / 2 / n


def test_it_is_where_the_steps_of_the_paper_end():
    features, labels = classes()
    columns = [1.0 * (labels == label) for label in range(3)]
    expected = np.mean([steps_of_the_paper(features, y) for y in columns])
    assert log_me(features, labels) == pytest.approx(expected, rel=1e-6)
    features, drawn = quantities()
    expected = np.mean([steps_of_the_paper(features, y) for y in drawn.T])
    assert log_me(features, drawn) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("n, d", [(30, 4), (30, 30), (30, 90)])
@pytest.mark.parametrize("noise", [0.0001, 0.5, 100])
def test_no_ratio_of_weights_and_noise_has_more_evidence(n, d, noise):
    features, drawn = quantities(n, d, noise=noise)
    y = drawn[:, 0]
    ratios = np.geomspace(1e-10, 1e10, 401)
    expected = max(evidence(features, y, ratio) for ratio in ratios)
    assert expected <= log_me(features, y) + 1e-9
    assert log_me(features, y) == pytest.approx(expected, abs=1e-3)


def test_a_rotation_keeps_it_and_the_unit_of_a_quantity_shifts_it():
    features, drawn = quantities()
    expected = log_me(features, drawn)
    assert log_me(turned(features), drawn) == pytest.approx(expected, rel=1e-9)
    doubled = log_me(features, 2 * drawn)
    assert doubled == pytest.approx(expected - np.log(2), rel=1e-9)


def test_features_that_tell_nothing_leave_the_evidence_of_noise_alone():
    features = np.array([[1.0], [-1], [1], [-1]])
    y = np.array([1.0, 1, -1, -1])
    expected = multivariate_normal(cov=np.eye(4)).logpdf(y) / 4
    assert log_me(features, y) == pytest.approx(expected, abs=1e-6)


def test_a_quantity_that_is_linear_in_the_features_has_no_largest_evidence():
    features, _ = quantities()
    assert log_me(features, features @ np.arange(5.0)) == np.inf


def test_ten_times_less_noise_adds_its_logarithm_for_each_direction_of_noise():
    less, more = (log_me(*quantities(60, 5, noise=x)) for x in (1e-10, 1e-9))
    assert less - more == pytest.approx((1 - 5 / 60) * np.log(10), abs=1e-4)
