"""Class labels as targets: one column for each class against the rest."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from .. import arrays

__all__ = ["class_numbers", "one_vs_rest"]


def one_vs_rest(labels: Any, *, center: bool = True) -> np.ndarray:
    """Targets that tell each class from all others: 1 in its rows, -1 elsewhere.

    A column of many balanced classes is -1 nearly everywhere: of K classes a share
    (1 - 2 / K)^2 of its squared norm, 64 % for ten, lies in a constant, which any
    features with a column of ones hold and which tells no class from another. So the
    mean of each column is removed.

    Parameters
    ----------
    labels : array (n,)
        Text, integers, booleans or whole floats: NumPy array, PyTorch tensor, pandas
        or polars series, categorical ones too, or list.
    center : bool
        Remove the mean of each column; False leaves -1 and 1.

    Returns
    -------
    array (n, k), float64
        A column for each of the k classes that occur, in ascending order as of
        ``numpy.unique``. Of two classes, one column is the other with its sign turned.

    Raises
    ------
    TypeError
        If labels are of mixed or other kinds.
    ValueError
        If labels are not (n,), one is missing or no whole number, or all are the same.

    Examples
    --------
    >>> one_vs_rest(["cat", "dog", "cat", "eel"], center=False)
    array([[ 1., -1., -1.],
           [-1.,  1., -1.],
           [ 1., -1., -1.],
           [-1., -1.,  1.]])
    >>> one_vs_rest([7, 8, 7, 7]).tolist()
    [[0.5, -0.5], [-1.5, 1.5], [0.5, -0.5], [0.5, -0.5]]
    """
    classes, own = class_numbers(labels)
    columns = np.where(own[:, None] == np.arange(len(classes)), 1.0, -1.0)
    return columns - columns.mean(0) if center else columns


def class_numbers(labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """Classes that occur, in ascending order, and the number of each row's among them.

    Parameters
    ----------
    labels : array (n,)
        As of `one_vs_rest`, with its errors.

    Returns
    -------
    classes : array (k,), of the labels' type
    numbers : array (n,), int, from 0 to k - 1

    Examples
    --------
    >>> class_numbers(["dog", "cat", "dog"])[1]
    array([1, 0, 1])
    """
    classes, own = np.unique(_checked(labels), return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"all {len(own)} labels are {_shown(classes[0])}, and one class has "
            "nothing to be told from; pass labels of at least two"
        )
    return classes, own


def _checked(labels: Any) -> np.ndarray:
    """Labels (n,) of one kind that can be sorted, none of them missing."""
    if np.ma.isMaskedArray(labels):
        raise ValueError("labels are a masked array; drop masked rows, .compressed()")
    array = _as_array(labels)
    if array.ndim != 1 or not len(array):
        remedy = "pass numbers of classes, e.g. labels.argmax(1)"
        if array.ndim != 2:
            remedy = "pass one label per row"
        elif array.shape[1] == 1:
            remedy = "pass the column itself, e.g. labels[:, 0]"
        raise ValueError(f"labels must be (n,) but have shape {array.shape}; {remedy}")
    if array.dtype.kind == "O":
        array = _of_one_kind(array)
    if array.dtype.kind == "f":
        _check_whole(array)
    elif array.dtype.kind not in "biuSUT":
        raise TypeError(
            f"labels have dtype {array.dtype} but must be text, integers or booleans; "
            "pass the number or the name of each row's class"
        )
    return array


def _as_array(labels: Any) -> np.ndarray:
    if arrays.is_tensor(labels):
        return arrays.to_numpy(labels)
    if not isinstance(labels, (list, tuple)):
        return np.asarray(labels)
    try:  # entries as they are: NumPy would turn None and NaN beside text into text
        return np.array(labels, dtype=object)
    except ValueError:
        raise ValueError(
            "labels are no list of single values; pass one label per row"
        ) from None


def _of_one_kind(values: np.ndarray) -> np.ndarray:
    for row, value in enumerate(values):
        if _is_missing(value):
            raise _missing(row, value)
    kinds = ((bool, np.bool_), (str,), (numbers.Real, np.bool_))
    for kind in kinds:
        if all(isinstance(value, kind) for value in values):
            return np.array(values.tolist())
    names = sorted({type(value).__name__ for value in values})
    raise TypeError(
        f"labels hold {', '.join(names)} but must be all text or all whole numbers; "
        "pass e.g. [str(label) for label in labels]"
    )


def _check_whole(values: np.ndarray) -> None:
    for row in np.flatnonzero(~np.isfinite(values)):
        raise _missing(int(row), values[row])
    for row in np.flatnonzero(values != np.floor(values)):
        raise ValueError(
            f"labels[{row}] is {values[row]} but labels are whole numbers or text; a "
            "quantity is a target as it is, with no need of one_vs_rest"
        )


def _is_missing(value: Any) -> bool:
    # pandas.NA and NaT, told by name: pandas is not imported for them.
    return (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, float) and value != value)
    )


def _missing(row: int, value: Any) -> ValueError:
    return ValueError(
        f"labels[{row}] is {value}, which is no class; drop that row from features and "
        "labels, or give it a class of its own"
    )


def _shown(value: Any) -> str:
    return repr(value.item() if isinstance(value, np.generic) else value)
