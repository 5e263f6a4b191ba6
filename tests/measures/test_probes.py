"""Linear probes are what gradient descent leaves, step by step."""

import re

import numpy as np
import pytest
import torch

from repalign_utils import alignment
from repalign_utils.measures.probes import linear_probe


def task(n=30, d=5, k=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(n, k))


def phi_of(features):
    phi = np.column_stack([features, np.ones(len(features))])
    return phi / np.linalg.norm(phi, axis=1, keepdims=True)


def descend(phi, y, step_size, steps):
    """Weights after each number of steps, by the loop."""
    w, seen = np.zeros((phi.shape[1], y.shape[1])), {}
    for t in range(max(steps) + 1):
        seen[t] = w.copy()
        w -= step_size / len(phi) * phi.T @ (phi @ w - y)
    return np.stack([seen[t] for t in steps])


@pytest.mark.parametrize("shape", [(30, 5), (8, 20)])
def test_the_weights_are_those_of_the_loop(shape):
    features, y = task(*shape)
    phi, steps = phi_of(features), [0, 1, 7, 200]
    step_size = 0.7 * len(phi) / np.linalg.norm(phi, 2) ** 2
    probe = linear_probe(features, y, steps, step_size=step_size)
    expected = descend(phi, y, step_size, steps)
    np.testing.assert_allclose(probe.weights, expected, atol=1e-10)


@pytest.mark.parametrize("shape", [(30, 5), (8, 20)])
def test_a_probe_has_the_alignment_of_its_features(shape):
    features, y = task(*shape)
    found = linear_probe(features, y, 3).alignment
    expected = alignment(features, y, method="svd")
    assert repr(found) == repr(expected)
    np.testing.assert_allclose(found.singular_values, expected.singular_values)
    np.testing.assert_allclose(found.energy, expected.energy, atol=1e-12)
    np.testing.assert_allclose(found.target_energy, expected.target_energy)


def test_the_training_loss_is_what_alignment_says():
    features, y = task()
    found = alignment(features, y)
    step_size = found.n / found.singular_values[0] ** 2
    steps = [0, 3, 50]
    predicted = linear_probe(features, y, steps).predict(features)
    loss = ((predicted - y) ** 2).sum(1) / (2 * len(y))
    np.testing.assert_allclose(loss, found.residual(step_size, steps), rtol=1e-9)


def test_tensors_are_taken_and_predictions_follow_new_rows():
    features, y = task()
    probe = linear_probe(torch.tensor(features), torch.tensor(y[:, 0]), 10)
    new = np.random.default_rng(1).normal(size=(4, 5))
    assert probe.predict(torch.tensor(new)).shape == (1, 4, 1)
    np.testing.assert_allclose(probe.predict(new), phi_of(new) @ probe.weights)


def test_other_columns_are_refused():
    features, y = task()
    probe = linear_probe(features, y, 3)
    with pytest.raises(
        ValueError,
        match="features have 4 columns but the probe was trained on 5; pass the same",
    ):
        probe.predict(features[:, :4])


@pytest.mark.parametrize(
    ("steps", "step_size", "message"),
    [
        ([-1], None, "steps contain -1.0 but must be whole numbers from 0: gradient"),
        ([1.5], None, "steps contain 1.5 but must be whole numbers from 0: gradient"),
        ([np.nan], None, "steps contain nan but must be whole numbers from 0"),
        ([1], 0.0, "step_size is 0.0 but must be positive and finite; steps below 2 n"),
        ([1], np.nan, "step_size is nan but must be positive and finite; steps below"),
        ([1], np.inf, "step_size is inf but must be positive and finite; steps below"),
        ([1], 2.001, "step_size is 2.001 but gradient descent diverges above 2 n / "),
        ([10**9], 1000, "step_size is 1000 but gradient descent diverges above 2 n"),
    ],
)
def test_steps_and_step_size_that_make_no_sense_are_refused(steps, step_size, message):
    features = np.sqrt(3) * np.eye(3)  # 2 n / sigma_1^2 = 2
    with pytest.raises(ValueError, match=re.escape(message)):
        linear_probe(
            features,
            [1.0, -1.0, 0.5],
            steps,
            step_size=step_size,
            bias=False,
            normalize=False,
        )


def test_features_that_are_zero_throughout_are_refused():
    options = {"bias": False, "normalize": False}
    with pytest.raises(ValueError, match="all 9 rows of the features are zero and"):
        linear_probe(np.zeros((9, 2)), task(9)[1], 3, **options)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_directions_that_are_rounding_alone_get_no_weight(dtype):
    rng = np.random.default_rng(0)
    features = (rng.normal(size=(40, 3)) @ rng.normal(size=(3, 20))).astype(dtype)
    y = rng.normal(size=(40, 1))
    options = {"bias": False, "normalize": False}
    (weights,) = linear_probe(features, y, 10**12, **options).weights
    rank = len(alignment(features, y, method="svd", **options).singular_values)
    expected = np.linalg.pinv(features.astype(float), rcond=1e-3) @ y
    assert rank == 3
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
