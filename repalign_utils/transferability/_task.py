"""The door of the room: features and labels, checked, and what scores make of them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .. import arrays
from ..array_kinds import opened, precision
from ..arrays import Array, Values
from ..measures.alignment import Alignment
from ..measures.labels import class_numbers, one_vs_rest
from ..measures.spectral import alignment
from ._spectrum import Spectrum, spectrum


class Undefined(ValueError):
    """There is no such score of these labels, though others may be had."""


@dataclass(frozen=True, eq=False)
class Task:
    """Features and labels that fit each other.

    Attributes
    ----------
    given : array (n, d)
        Features as they came.
    features : array (n, d), float64
        The same, divided by the largest entry.
    columns : array (n, k), float64
        A column of 0 and 1 for each class, or the quantities.
    numbers : array (n,), int, or None
        Number of each row's class; None of quantities.
    classes : array (k,) or None
        The classes, as they are called.
    """

    given: Array
    features: np.ndarray
    columns: np.ndarray
    numbers: np.ndarray | None
    classes: np.ndarray | None

    @cached_property
    def counts(self) -> np.ndarray:
        """Rows of each class, (k,)."""
        return self.columns.sum(0)

    @cached_property
    def centred(self) -> np.ndarray:
        """Features less their mean, (n, d), a new array."""
        return self.features - self.features.mean(0)

    @cached_property
    def spectrum(self) -> Spectrum:
        """Singular values of the features as they are, and the columns along them."""
        return spectrum(self.features, self.columns, precision(self.given))

    @cached_property
    def alignment(self) -> Alignment:
        """Alignment with the classes, each against the rest, or with the quantities."""
        targets = self.columns if self.numbers is None else one_vs_rest(self.numbers)
        return alignment(self.given, targets)


def task(features: Values, labels: Any) -> Task:
    """Check features and labels, of classes or of quantities.

    Raises
    ------
    TypeError
        If entries are of a kind that cannot be used.
    ValueError
        If the arguments are swapped, rows differ, entries are missing or not finite,
        features are probabilities or all rows the same, or labels tell no row from
        another.

    Warns
    -----
    UserWarning
        If labels are a few whole numbers given as floats.
    """
    check_order(features, labels, "features")
    given = arrays.features_matrix(features)
    rows = arrays.to_numpy(given).astype(np.float64)
    check_rows(len(rows), labels, "features")
    columns, numbers, classes = _columns(labels)
    arrays.check_finite(rows, "features")
    if (rows == rows[0]).all():
        raise ValueError(
            f"features are the same in all {len(rows)} rows and tell no class or "
            "quantity from another; pass a layer that reacts to the inputs"
        )
    _refuse_probabilities(given, rows)
    return Task(given, rows / np.abs(rows).max(), columns, numbers, classes)


def class_task(features: Values, labels: Any, score: str) -> Task:
    """As `task`, of classes alone; `score` is what asks for them."""
    check_order(features, labels, "features")
    refuse_quantities(labels, score)
    return task(features, labels)


def classes_of(labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """Classes and the number of each row's, where rows share classes."""
    classes, numbers = class_numbers(labels)
    if len(classes) == len(numbers):
        raise ValueError(
            f"all {len(numbers)} labels differ, so no class has two rows; pass the "
            "classes of the rows, and quantities as floating-point numbers"
        )
    return classes, numbers


def is_quantity(labels: Any) -> bool:
    """Whether labels are floating-point numbers: the rule of the room."""
    array = labels if arrays.is_tensor(labels) else opened(labels, "labels")
    if arrays.is_tensor(array):
        return array.is_floating_point()
    return array.dtype.kind == "f"


def refuse_quantities(labels: Any, score: str) -> None:
    """Raise if labels are quantities, of which there is no such score."""
    if is_quantity(labels):
        raise Undefined(no_regression(score))


def no_regression(score: str) -> str:
    """Why `score` is not to be had of quantities."""
    return (
        f"{score} is defined for classes alone, and labels are floating-point numbers, "
        "which are quantities; pass classes as integers or text, e.g. "
        "labels.astype(int)"
    )


def check_order(first: Any, labels: Any, name: str) -> None:
    """Raise if labels come first, as their shapes tell."""
    shapes = _shape(first), _shape(labels)
    if [len(shape) for shape in shapes] == [1, 2] and shapes[1][1] > 1:
        raise ValueError(
            f"{name} have shape {shapes[0]} and labels {shapes[1]}, as if they were "
            f"swapped; pass the {name} first, then the labels"
        )


def check_rows(rows: int, labels: Any, name: str) -> None:
    """Raise if there is not one label per row, or one row alone."""
    given = (*_shape(labels), rows)[0]  # no array has an error of its own
    if rows != given:
        longer, least = (name, given) if rows > given else ("labels", rows)
        raise ValueError(
            f"{name} have {rows} rows but labels have {given}; pass one label per "
            f"row, e.g. {longer}[:{least}]"
        )
    if rows < 2:
        raise ValueError(f"{name} have one row; pass two at least")


def _shape(values: Any) -> tuple[int, ...]:
    try:
        found = getattr(values, "shape", None)
        return tuple(np.shape(values) if found is None else found)
    except ValueError:  # of unequal lengths, which has an error of its own
        return ()


def _columns(labels: Any) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    if not is_quantity(labels):
        classes, numbers = classes_of(labels)
        return np.eye(len(classes))[numbers], numbers, classes
    array = labels if arrays.is_tensor(labels) else opened(labels, "labels")
    array = arrays.to_numpy(array).astype(np.float64)
    if array.ndim not in (1, 2) or 0 in array.shape:
        raise ValueError(
            f"labels must be (n,) or (n, k) with k > 0 but have shape {array.shape}; "
            "pass one row of quantities per row of features"
        )
    columns = array.reshape(len(array), -1)
    arrays.check_finite(columns, "labels")
    for column in np.flatnonzero((columns == columns[0]).all(0)):
        raise ValueError(
            f"column {column} of the labels is {columns[0, column]} in all "
            f"{len(columns)} rows, so there is nothing to predict; drop that column"
        )
    _warn_of_classes(columns)
    return columns, None, None


def _warn_of_classes(columns: np.ndarray) -> None:
    if columns.shape[1] > 1 or (np.abs(columns) == 1).all():
        return
    if (columns == np.floor(columns)).all() and 2 * len(np.unique(columns)) <= len(
        columns
    ):
        warnings.warn(
            "labels are a few whole numbers, given as floats, and are taken as "
            "quantities; pass labels.astype(int) if they are classes",
            stacklevel=5,
        )


def _refuse_probabilities(given: Array, rows: np.ndarray) -> None:
    eps = precision(given)
    is_whole = eps == 2**-52 and (rows == np.floor(rows)).all()
    if rows.shape[1] < 2 or is_whole or (rows < 0).any():
        return
    if (np.abs(rows.sum(1) - 1) <= 16 * eps).all():
        raise ValueError(
            "features have no entry below 0 and each row adds to 1, as probabilities "
            "of a source's classes do; pass those to leep or nce and here the layer "
            "before them, or 100 * features if they are features all the same"
        )
