import numpy as np
import pytest
from scipy.special import softmax

from repalign_utils import transferability
from repalign_utils._extras import need
from repalign_utils.transferability import score_table
from tests.transferability.drawn import classes, quantities

OF_SOURCE = ("leep", "nce")


def test_it_holds_what_each_score_gives_alone():
    pytest.importorskip("sklearn")
    features, labels = classes()
    theta = softmax(np.random.default_rng(1).normal(size=(80, 4)), axis=1)
    found = score_table(features, labels, source_probabilities=theta)
    assert found.left_out == {}
    for name, value in found.values().items():
        function = getattr(transferability, name.removesuffix("_shrunk"))
        options = {"shrinkage": True} if name.endswith("_shrunk") else {}
        first = theta if name in OF_SOURCE else features
        assert value == pytest.approx(function(first, labels, **options), rel=1e-12)
        assert found[name] == value
    assert set(OF_SOURCE) < set(found.values()) and len(found.scores) == 11


def test_scores_without_a_form_for_quantities_are_left_out_with_the_reason():
    pytest.importorskip("sklearn")
    features, drawn = quantities()
    found = score_table(features, drawn)
    assert set(found.values()) == {
        "log_me",
        "probe_accuracy",
        "alignment_area",
        "negative_rank",
        "label_cka",
    }
    for name in ("h_score", "trans_rate", "leep"):
        assert f"{name} is defined for classes alone" in found.left_out[name]
        with pytest.raises(KeyError, match=f"{name} is defined for classes alone"):
            found[name]


def test_what_lacks_is_told_and_the_rest_is_there(monkeypatch):
    features, labels = classes()
    rare = np.r_[labels[:-1], 9]
    for module in (transferability._table, transferability._classifiers):
        monkeypatch.setattr(module, "need", lambda _, extra: need("no_sklearn", extra))
    found = score_table(features, rare)
    assert "class 9 has too few rows, 1" in found.left_out["nearest_class_mean"]
    assert "pass source_probabilities" in found.left_out["leep"]
    assert found["h_score"] == transferability.h_score(features, rare)
    only = score_table(features, labels, only=["probe_accuracy", "label_cka"])
    assert "pip install 'repalign-utils[run]'" in only.left_out["probe_accuracy"]
    assert list(only.values()) == ["label_cka"]


def test_decompositions_are_made_once_and_counted_for_each_score(monkeypatch):
    counted = []
    whole = transferability._task.spectrum
    monkeypatch.setattr(
        transferability._task,
        "spectrum",
        lambda *given: counted.append(1) or whole(*given),
    )
    features, labels = classes(n=600, d=200)
    found = score_table(features, labels, only=["h_score", "log_me"])
    assert len(counted) == 1
    assert found.seconds < sum(score.seconds for score in found.scores)
    for score in found.scores:
        assert score.memory > 3 * features.nbytes  # checked, joined, made a triangle


def test_what_a_step_holds_counts_in_those_that_follow():
    cost = transferability._table._Cost
    steps = [cost(1.0, 10, 4), cost(2.0, 8, 3), cost(0.5, 4, 0)]
    found = transferability._table._alone("h_score", 0.0, steps)
    assert (found.seconds, found.memory) == (3.5, 12)


def test_probabilities_are_checked_before_any_score_is_made(monkeypatch):
    features, labels = classes()
    monkeypatch.setattr(transferability._task, "spectrum", None)
    with pytest.raises(ValueError, match="row 0 of source_probabilities adds to 6"):
        score_table(features, labels, source_probabilities=np.full((80, 6), 1.0))
    with pytest.raises(ValueError, match="source_probabilities have 9 rows but labels"):
        score_table(features, labels, source_probabilities=np.full((9, 1), 1.0))


def test_an_unknown_score_is_refused_with_its_nearest():
    with pytest.raises(ValueError, match="'logme'; did you mean 'log_me'. the scores"):
        score_table(*classes(), only=["logme"])
