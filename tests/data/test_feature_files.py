"""Features and labels that people save themselves."""

import re

import numpy as np
import pytest

from repalign_utils.data.feature_files import source_features, target_labels


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(size=(6, 3))


def test_sources_go_by_the_names_of_their_files(tmp_path, features):
    np.save(tmp_path / "cars.npy", features)
    np.savez(tmp_path / "birds.npz", features=features + 1, probabilities=np.eye(6))
    (tmp_path / "notes.txt").write_text("no source")
    found, probabilities = source_features(tmp_path)
    assert list(found) == ["birds.npz", "cars.npy"]
    assert (found["cars.npy"] == features).all()
    assert list(probabilities) == ["birds.npz"]
    assert probabilities["birds.npz"].shape == (6, 6)


@pytest.mark.parametrize(
    "text, kind, values",
    [
        ("1\n2\n1\n", "i", [1, 2, 1]),
        ("label\n1\n2\n", "i", [1, 2]),
        ("0.5\n1\n", "f", [0.5, 1.0]),
        ("Target\ncat\ndog\n", "U", ["cat", "dog"]),
    ],
)
def test_the_spelling_of_labels_says_whether_they_are_classes(
    tmp_path, text, kind, values
):
    (tmp_path / "y.csv").write_text(text)
    found = target_labels(tmp_path / "y.csv")
    assert found.dtype.kind == kind and found.tolist() == values


def test_what_is_no_source_is_refused_by_name(tmp_path, features):
    np.save(tmp_path / "cars.npy", features)
    with pytest.raises(ValueError, match=r"holds 1 files .* two at least: save"):
        source_features(tmp_path)
    np.savez(tmp_path / "birds.npz", layer=features)
    message = "birds.npz holds layer; expected an array named features"
    with pytest.raises(ValueError, match=re.escape(message)):
        source_features(tmp_path)
    (tmp_path / "birds.npz").write_text("text")
    with pytest.raises(ValueError, match=r"birds\.npz cannot be read as \.npz: "):
        source_features(tmp_path)


def test_labels_that_cannot_be_read_are_refused_by_name(tmp_path):
    (tmp_path / "y.csv").write_text("1,2\n")
    with pytest.raises(ValueError, match=r"y\.csv, label 1: '1,2' has 2 columns; exp"):
        target_labels(tmp_path / "y.csv")
    np.save(tmp_path / "y.npy", np.array([None, "a"], dtype=object))
    with pytest.raises(ValueError, match=r"y\.npy cannot be read as \.npy: .*; save a"):
        target_labels(tmp_path / "y.npy")
    with pytest.raises(ValueError, match=r"y\.txt ends in '\.txt'; the target's"):
        target_labels(tmp_path / "y.txt")
