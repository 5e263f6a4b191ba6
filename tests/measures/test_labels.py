"""Class labels become targets, whatever library holds them."""

import re

import numpy as np
import pandas
import polars
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from repalign_utils import alignment, layer_alignment, one_vs_rest
from repalign_utils.measures.probes import linear_probe

NAMES = ["eel", "cat", "eel", "dog", "cat", "eel"]
COLUMNS = np.where(np.array(NAMES)[:, None] == ["cat", "dog", "eel"], 1.0, -1.0)
NUMBERS = [30, -1, 30, 5, -1, 30]


@pytest.mark.parametrize(
    "labels",
    [
        NAMES,
        np.array(NAMES),
        np.array(NAMES, dtype=object),
        pandas.Series(NAMES),
        pandas.Series(NAMES, dtype="category"),
        pandas.Categorical(NAMES, categories=["wolf", "eel", "dog", "cat"]),
        polars.Series(NAMES),
        polars.Series(NAMES, dtype=polars.Categorical),
        NUMBERS,
        np.array(NUMBERS, dtype=">i2"),
        np.array(NUMBERS, dtype=float),
        torch.tensor(NUMBERS),
        pandas.Series(NUMBERS, dtype="Int64"),
        polars.Series(NUMBERS),
    ],
    ids=lambda labels: f"{type(labels).__module__}-{getattr(labels, 'dtype', '')}",
)
def test_labels_of_any_library_give_a_column_per_class(labels):
    np.testing.assert_array_equal(one_vs_rest(labels, center=False), COLUMNS)
    found = one_vs_rest(labels)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, COLUMNS - COLUMNS.mean(0), rtol=1e-15)


@given(st.lists(st.booleans() | st.integers(-3, 3), min_size=2))
def test_columns_tell_each_class_from_the_rest(labels):
    classes = sorted(set(labels))
    if len(classes) < 2:
        with pytest.raises(ValueError, match="one class has nothing to be told from"):
            one_vs_rest(labels)
        return
    columns = one_vs_rest(labels, center=False)
    assert [classes[i] for i in columns.argmax(1)] == labels
    assert (columns.sum(1) == 2 - len(classes)).all()
    np.testing.assert_allclose(one_vs_rest(labels).mean(0), 0, atol=1e-15)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (["a", "a"], ValueError, "all 2 labels are 'a', and one class has nothing"),
        ([0.5, 1.0], ValueError, "labels[0] is 0.5 but labels are whole numbers"),
        ([1, None], ValueError, "labels[1] is None, which is no class; drop that row"),
        (["a", np.nan], ValueError, "labels[1] is nan, which is no class"),
        (np.array([1, np.nan]), ValueError, "labels[1] is nan, which is no class"),
        (pandas.Series([1, None], dtype="Int64"), ValueError, "labels[1] is nan"),
        (pandas.Series(["a", None], dtype="string"), ValueError, "labels[1] is <NA>"),
        (polars.Series(["a", None]), ValueError, "labels[1] is None, which is no"),
        (np.ones((2, 1)), ValueError, "have shape (2, 1); pass the column itself"),
        (np.eye(2), ValueError, "have shape (2, 2); pass numbers of classes, e.g."),
        ([], ValueError, "labels must be (n,) but have shape (0,); pass one label"),
        ([1, "a"], TypeError, "labels hold int, str but must be all text or all whole"),
        (np.array([1j, 2]), TypeError, "labels have dtype complex128 but must be text"),
    ],
)
def test_what_is_no_label_is_refused(labels, error, message):
    with pytest.raises(error, match=re.escape(message)):
        one_vs_rest(labels)


FEATURES = np.random.default_rng(0).normal(size=(40, 3))
DIGITS = np.arange(40) % 10
MEASURES = {
    "alignment": lambda y: alignment(FEATURES, y),
    "layers": lambda y: layer_alignment(
        # one layer streams, the other, wider than the rows are many, is kept
        torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 50)).double(),
        torch.from_numpy(FEATURES),
        y,
    ),
    "probe": lambda y: linear_probe(FEATURES, y, 3),
}


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (DIGITS, r"targets are whole numbers \(int64\) .* with one_vs_rest\(labels\)"),
        (torch.from_numpy(DIGITS)[:, None], r"targets are whole numbers \(int64\)"),
        (DIGITS % 2, r"targets are whole numbers \(int64\)"),
        (DIGITS + 100.0, "99.9% of the squared norm .* column 0 .*one_vs_rest"),
        (one_vs_rest(DIGITS, center=False), "64.0% of the squared norm of the targets"),
    ],
)
def test_labels_as_targets_bring_one_warning(measure, targets, message):
    with pytest.warns(UserWarning, match=message) as seen:
        MEASURES[measure](targets)
    assert len(seen) == 1
    assert seen[0].filename == __file__  # it points at who called


@pytest.mark.parametrize("measure", MEASURES)
def test_targets_that_vary_bring_no_warning(measure):
    for targets in (
        one_vs_rest(DIGITS),
        DIGITS % 2 * 2 - 1,  # -1 and 1, the targets of the paper
        DIGITS - 4.5,
        [1.0, -1.0] * 20,
    ):
        MEASURES[measure](targets)
