"""Arrays of any library as NumPy arrays or tensors, else the remedy that works.

Nothing is imported for it: a kind is told by what it offers, such as `toarray`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["check_dtype", "dtype_name", "opened", "precision"]

# Distance from 1 to the next float; integers are exact, and computed with in float64.
_EPS = {"float16": 2**-10, "bfloat16": 2**-7, "float32": 2**-23, "float64": 2**-52}
_REAL = "float16, bfloat16, float32, float64 or an integer type"
_CPU = 1  # kDLCPU of DLPack


def opened(values: Any, name: str) -> Any:
    """Give what is no tensor as an array, without a copy where its library allows.

    Parameters
    ----------
    values : NumPy array, data frame, series, object with ``__dlpack__`` or list
    name : str
        What the values are called in an error.

    Returns
    -------
    numpy array, or torch tensor of what a DLPack object holds on another device

    Raises
    ------
    ValueError
        If the values are masked, sparse or of unequal lengths.

    Examples
    --------
    >>> opened([[1, 2], [3, 4]], "features").shape
    (2, 2)
    """
    if np.ma.isMaskedArray(values):
        raise ValueError(f"{name} are a masked array; fill it first with .filled(0)")
    if hasattr(values, "toarray"):
        raise ValueError(
            f"{name} are sparse, of the kind {type(values).__name__}; make them dense "
            "with .toarray()"
        )
    if hasattr(values, "__dlpack__") and not hasattr(values, "__array__"):
        return _from_dlpack(values)
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(
            f"{name} are no rectangular array ({error}); give all rows one length"
        ) from None


def _from_dlpack(values: Any) -> Any:
    if values.__dlpack_device__()[0] == _CPU:
        return np.from_dlpack(values)
    return importlib.import_module("torch").from_dlpack(values)


def dtype_name(array: Any) -> str:
    """Name of the type of the entries, without library or byte order.

    Examples
    --------
    >>> dtype_name(np.ones(2, ">f4"))
    'float32'
    """
    if isinstance(array, np.ndarray) and array.dtype.kind in "biufc":
        return array.dtype.name
    return str(array.dtype).removeprefix("torch.")


def precision(array: Any) -> float:
    """Relative precision of the entries as they were given.

    Parameters
    ----------
    array : numpy array or torch tensor
        Of a type that `check_dtype` lets pass.

    Returns
    -------
    float
        The machine epsilon of floats; that of float64 for integers, which are exact.

    Examples
    --------
    >>> precision(np.ones(2, np.float16)), precision(np.ones(2, int)) == 2**-52
    (0.0009765625, True)
    """
    return _EPS.get(dtype_name(array), _EPS["float64"])


def check_dtype(array: Any, name: str, given: Any = None) -> None:
    """Raise unless the entries are real numbers.

    Parameters
    ----------
    array : numpy array or torch tensor
    name : str
        What it is called in the error.
    given : what it was made from, to which a remedy is applied

    Raises
    ------
    TypeError
        With the remedy that works for this kind.
    """
    dtype = dtype_name(array)
    if dtype.startswith(("int", "uint")) or dtype in _EPS:
        return
    remedy = f"convert {name} to float64"
    if dtype == "bool":
        remedy = f"pass numbers, e.g. 1.0 * {name}"
        if name == "targets":
            remedy = "pass one_vs_rest(targets), or 2.0 * targets - 1 as one column"
    elif dtype.startswith("complex"):
        remedy = (
            f"pass {name}.real, or real and imaginary parts as columns of their own"
        )
    elif isinstance(array, np.ndarray) and array.dtype.kind in "OSUT":
        remedy = _of_objects(array, name, given)
    raise TypeError(f"{name} have dtype {dtype} but must be {_REAL}; {remedy}")


def _of_objects(array: np.ndarray, name: str, given: Any) -> str:
    """Remedy for text, and for numbers in a column that could hold anything."""
    if array.ndim == 0:
        return (
            f"a {type(given).__name__} is no array: pass the numbers it holds, "
            "one row per sample"
        )
    if array.dtype.kind == "O":
        if hasattr(given, "iloc") and _works(lambda: given.to_numpy(float)):
            return f"pass {name}.to_numpy(float)"
        if _works(lambda: array.astype(float)):
            return f"pass numpy.asarray({name}).astype(float)"
    at, text = _first_text(array)
    place = f"{name}[{', '.join(map(str, at))}] is {text!r}"
    if name == "targets":
        return f"{place}: of labels make columns with one_vs_rest(targets)"
    return f"{place}: leave that column out, or make columns of it with one_vs_rest"


def _works(convert: Callable[[], Any]) -> bool:
    try:
        convert()
    except (TypeError, ValueError):
        return False
    return True


def _first_text(array: np.ndarray) -> tuple[tuple[int, ...], Any]:
    """Place and value of the first entry that is no number."""
    for at, value in np.ndenumerate(array):
        if isinstance(value, str) or not _works(lambda value=value: float(value)):
            return at, value.item() if isinstance(value, np.generic) else value
    return (0,) * array.ndim, array.flat[0]
