"""Scores of many targets at once, against one call for each."""

import re

import numpy as np
import pytest

from repalign_utils import transferability
from repalign_utils.transferability import column_scores, score_table


def drawn(n, d, k, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, d))
    quantities = features @ rng.normal(size=(d, k)) + rng.normal(size=(n, k))
    return features, quantities - quantities.mean(0)


@pytest.mark.parametrize("shape", [(40, 6), (12, 30)])
def test_each_column_scores_as_if_it_were_the_only_target(shape):
    features, quantities = drawn(*shape, 3)
    found = column_scores(features, quantities)
    assert set(found) == set(score_table(features, quantities[:, 0]).values())
    for name, values in found.items():
        alone = [getattr(transferability, name)(features, y) for y in quantities.T]
        assert values == pytest.approx(alone, rel=1e-9), name


def test_a_column_without_noise_leaves_the_others_their_evidence():
    features, quantities = drawn(20, 4, 2)
    exact = np.column_stack([features[:, 0] - features[:, 1], quantities])
    found = column_scores(features, exact, only=["log_me"])["log_me"]
    assert np.isposinf(found[0])
    alone = column_scores(features, quantities, only=["log_me"])["log_me"]
    assert found[1:] == pytest.approx(alone)


def test_scores_of_classes_and_unknown_ones_are_refused():
    features, quantities = drawn(20, 4, 2)
    with pytest.raises(ValueError, match=re.escape("only holds 'h_score'; ")):
        column_scores(features, quantities, only=["h_score"])
    with pytest.raises(ValueError, match="are classes; pass floating-point numbers"):
        column_scores(features, np.arange(20) % 2)
