"""Sources in the order of a score."""

import numpy as np
import pytest

from repalign_utils import transferability
from repalign_utils.transferability import rank_sources


@pytest.fixture
def sources():
    """Features with less and less of the labels, and the labels."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 20)
    signal = np.eye(3)[labels]
    noise = {f"noise{s}": s * rng.normal(size=(60, 3)) for s in (2, 0.5, 1)}
    return {name: signal + x for name, x in noise.items()}, labels


@pytest.mark.parametrize("score", ["log_me", "probe_accuracy", "alignment_area"])
def test_sources_are_ordered_by_the_score_of_each(sources, score):
    features, labels = sources
    found = rank_sources(features, labels, score=score)
    assert [s.name for s in found] == ["noise0.5", "noise1", "noise2"]
    alone = getattr(transferability, score)
    for source in found:
        assert source.value == pytest.approx(alone(features[source.name], labels))


def test_a_source_that_does_not_fit_is_named(sources):
    features, labels = sources
    features["short"] = features["noise1"][:50]
    with pytest.raises(ValueError, match="short: features have 50 rows but labels ha"):
        rank_sources(features, labels)


def test_a_score_that_is_not_to_be_had_is_refused_with_the_reason(sources):
    features, labels = sources
    with pytest.raises(ValueError, match="noise2 comes without the source's probab"):
        rank_sources(features, labels, score="leep")
    with pytest.raises(ValueError, match="h_score is defined for classes alone"):
        rank_sources(features, labels + 0.5, score="h_score")
