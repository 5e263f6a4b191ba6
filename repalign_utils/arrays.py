"""The one door for arrays: what comes in is checked here, and turned into float64.

NumPy arrays, PyTorch tensors on any device, data frames, DLPack objects and plain
lists are taken. PyTorch is never imported here: a tensor can only arrive once its
library is loaded.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .array_kinds import check_dtype, dtype_name, opened, precision

if TYPE_CHECKING:
    import torch
    from numpy.typing import ArrayLike

Values: TypeAlias = "ArrayLike | torch.Tensor"
Array: TypeAlias = "np.ndarray | torch.Tensor"

_ROWS_TO_JUDGE = 20

__all__ = ["features_matrix", "to_numpy", "targets_matrix", "vector"]


def is_tensor(values: object) -> bool:
    """Whether `values` is a PyTorch tensor; PyTorch is looked up, not imported."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(values, torch.Tensor)


def namespace(array: Array) -> ModuleType:
    """Return the module, `numpy` or `torch`, whose functions take `array`."""
    return sys.modules["torch"] if is_tensor(array) else np


def is_low_precision(array: Array) -> bool:
    """Whether the entries are floats of less than 64 bits."""
    return precision(array) > precision(np.empty(0))


def to_numpy(array: Array) -> np.ndarray:
    """Give a NumPy array of the same values, copied only off another device.

    Parameters
    ----------
    array : numpy array or torch tensor, any shape
        A bfloat16 tensor becomes float32, which holds its values exactly.

    Returns
    -------
    numpy array of the same shape

    Examples
    --------
    >>> import torch
    >>> to_numpy(torch.tensor([1.5, 2.5], dtype=torch.bfloat16))
    array([1.5, 2.5], dtype=float32)
    """
    if not is_tensor(array):
        return np.asarray(array)
    tensor: Any = array
    tensor = tensor.detach().cpu()
    if dtype_name(tensor) == "bfloat16":
        tensor = tensor.float()
    return tensor.numpy()


def features_matrix(features: Values) -> Array:
    """Check features and give them as they are: no cast, no copy.

    Parameters
    ----------
    features : array (n, d)
        NumPy array, PyTorch tensor or nested list; float16, bfloat16, float32,
        float64 or integers.

    Returns
    -------
    array (n, d), same dtype
        A NumPy array, or a tensor where that is on a device that computes in
        float64 (or is bfloat16). A tensor on a device without float64 is moved to
        the CPU, with a warning.

    Raises
    ------
    TypeError
        If the entries are complex, boolean or no numbers.
    ValueError
        If the array is empty, has masked or sparse storage, or is not 2-D.

    Examples
    --------
    >>> features_matrix([[1.0, 2.0], [3.0, 4.0]]).shape
    (2, 2)
    """
    array = _numbers(features, "features")
    if array.ndim != 2:
        remedy = (
            "use features[:, None] for a single feature"
            if array.ndim == 1
            else "flatten each row, e.g. features.reshape(len(features), -1)"
        )
        raise ValueError(
            f"features must be (n, d) but have shape {_shape(array)}; {remedy}"
        )
    if 0 in array.shape:
        raise ValueError(
            f"features are empty, with shape {_shape(array)}; "
            "pass at least one row and one column"
        )
    return array


def targets_matrix(
    targets: Values, features: Array, *, name: str = "features"
) -> Array:
    """Check targets against features and give them as float64 columns beside those.

    A warning, shown at the line that called the caller, says where the targets look
    like class labels, or where a constant is most of one.

    Parameters
    ----------
    targets : array (n,) or (n, k)
        One row per row of the features; a vector is one column, k = 1.
    features : array (n, d)
        From `features_matrix`; the targets follow them to their device.
    name : str
        What has to have as many rows, in an error.

    Returns
    -------
    array (n, k), float64, on the device of `features`

    Raises
    ------
    TypeError
        If the entries are complex, boolean or no numbers.
    ValueError
        If lengths differ, or a target is NaN, infinite or zero throughout.

    Examples
    --------
    >>> targets_matrix([1, -1], np.eye(2))
    array([[ 1.],
           [-1.]])
    """
    columns, sums = target_columns(targets, features, name=name)
    sums.check()
    sums.warn(stacklevel=4)
    return columns


def target_columns(
    targets: Values, features: Array, *, name: str = "features", start: int = 0
) -> tuple[Array, TargetSums]:
    """As `targets_matrix`, of rows that may be part of more, with their sums.

    What is asked of all rows together, `TargetSums.check` and `TargetSums.warn`, is
    left to the caller.

    Parameters
    ----------
    targets, features, name : as of `targets_matrix`
    start : int
        Number of the first row, for errors.
    """
    array = _numbers(targets, "targets")
    if array.ndim not in (1, 2) or 0 in array.shape:
        raise ValueError(
            f"targets must be (n,) or (n, k) with k > 0 but have shape "
            f"{_shape(array)}; pass one row of targets per row of features"
        )
    n = features.shape[0]
    if array.shape[0] != n:
        raise ValueError(
            f"{name} have {n} rows but targets have {array.shape[0]}; "
            f"pass one target per row, e.g. {_shorter(n, array.shape[0], name)}"
        )
    columns: Any = beside(array.reshape(n, -1), features)
    check_finite(columns, "targets", start)
    dtype = dtype_name(array)
    whole = "int" in dtype and columns.shape[1] == 1
    labels = dtype if whole and not (abs(columns) == 1).all() else ""
    with np.errstate(over="ignore", under="ignore"):
        energy = namespace(columns).einsum("ij,ij->j", columns, columns)
    return columns, TargetSums(n, to_numpy(columns.sum(0)), to_numpy(energy), labels)


def with_ones(columns: Array) -> Any:
    """Targets (n, k) with a column of ones after them, (n, k + 1), a new array."""
    xp: Any = namespace(columns)
    return xp.hstack([columns, xp.ones_like(columns[:, :1])])


@dataclass(frozen=True)
class TargetSums:
    """Sums over rows of targets, which tell whether they can be measured.

    Attributes
    ----------
    rows : int
    total, energy : array (k,), float64
        Sums of the entries and of their squares.
    labels : str
        Type of a single column of whole numbers other than -1 and 1, else empty.
    """

    rows: int
    total: np.ndarray
    energy: np.ndarray
    labels: str = ""

    def __add__(self, other: TargetSums) -> TargetSums:
        return TargetSums(
            self.rows + other.rows,
            self.total + other.total,
            self.energy + other.energy,
            self.labels or other.labels,
        )

    def check(self) -> None:
        """Raise a ValueError if a target is zero, or beyond float64 when squared."""
        for column, value in enumerate(self.energy.tolist()):
            if value == 0:
                raise ValueError(
                    f"column {column} of the targets is zero in all {self.rows} "
                    "rows, and a zero target has no direction; drop that column"
                )
            if value == np.inf:
                raise ValueError(
                    f"column {column} of the targets is so large that its squared norm "
                    "exceeds float64; divide the targets by their largest entry"
                )

    def warn(self, *, stacklevel: int) -> None:
        """Warn, once, of targets that stand for classes, or that hardly vary."""
        share = (self.total / self.rows) ** 2 * self.rows / self.energy
        worst = int(share.argmax())
        if self.labels:
            text = (
                f"the targets are whole numbers ({self.labels}) and are taken as "
                "quantities; of class labels make columns with one_vs_rest(labels), "
                "and pass quantities as floats"
            )
        # The share is 1 / n by chance, and nearly never so large in this many rows.
        elif self.rows >= _ROWS_TO_JUDGE and share[worst] > 0.5:
            text = (
                f"{share[worst]:.1%} of the squared norm of the targets' column "
                f"{worst} is that of its mean, a constant that tells no row from "
                "another; subtract targets.mean(0), or make columns of labels with "
                "one_vs_rest(labels)"
            )
        else:
            return
        warnings.warn(text, stacklevel=stacklevel)


def vector(values: Values, name: str) -> np.ndarray:
    """Give numbers as one float64 NumPy row; a single number becomes a row of one.

    Parameters
    ----------
    values : number or array (t,)
        NumPy, PyTorch or list, in any order.
    name : str
        What the numbers are called in an error.

    Returns
    -------
    numpy array (t,), float64

    Raises
    ------
    TypeError
        If the entries are complex, boolean or no numbers.
    ValueError
        If the values have more than one axis.

    Examples
    --------
    >>> vector([2, 0.5], "thresholds")
    array([2. , 0.5])
    """
    array = np.atleast_1d(to_numpy(_numbers(values, name)))
    if array.ndim != 1:
        raise ValueError(
            f"{name} must be a number or (t,) but have shape {_shape(array)}; "
            f"pass {name}.ravel()"
        )
    return array.astype(np.float64)


def empty_float64(shape: tuple[int, int], like: Array) -> Array:
    """Room for a float64 block where sums over `like` are made: its device or NumPy."""
    if not on_device(like):
        return np.empty(shape)
    torch = namespace(like)
    return torch.empty(shape, dtype=torch.float64, device=like.device)


def fill(block: Any, part: Any) -> None:
    """Copy `part`, wherever it lies, into `block`, which may be on another device."""
    block[...] = (
        sys.modules["torch"].as_tensor(part) if is_tensor(block) else (to_numpy(part))
    )


def on_device(array: Array) -> bool:
    """Whether `array` stays a tensor: it lives on an accelerator."""
    return is_tensor(array) and array.device.type != "cpu"  # pyright: ignore


def check_finite(block: Array, name: str, row: int = 0, column: int = 0) -> None:
    """Raise on the first NaN or infinity; `row`, `column` is where the block starts."""
    xp: Any = namespace(block)
    finite = xp.isfinite(block)
    if finite.all():
        return
    i, j = (int(index) for index in xp.argwhere(~finite)[0])
    raise ValueError(
        f"{name}[{row + i}, {column + j}] is {float(block[i, j])} but every entry "
        f"must be finite; drop row {row + i} or repair it, e.g. with nan_to_num"
    )


def _numbers(values: Values, name: str) -> Array:
    if is_tensor(values):
        return _tensor(values, name)
    array = opened(values, name)
    if is_tensor(array):
        return _tensor(array, name)
    check_dtype(array, name, values)
    return array


def _tensor(tensor: Any, name: str) -> Array:
    if str(tensor.layout) != "torch.strided":
        raise ValueError(
            f"{name} are a {tensor.layout} tensor; make it dense with .to_dense()"
        )
    check_dtype(tensor, name)
    tensor = tensor.detach()
    if tensor.device.type != "cpu" and not _computes_float64(tensor.device):
        warnings.warn(
            f"{name} are on the device {str(tensor.device)!r}, which has no float64; "
            "they are moved to the CPU and the work is done there",
            stacklevel=5,
        )
        tensor = tensor.cpu()
    # A view, except for bfloat16: NumPy lacks it, so its blocks are cast one by one.
    return tensor if on_device(tensor) or _is_bfloat16(tensor) else tensor.numpy()


def _is_bfloat16(array: Array) -> bool:
    return dtype_name(array) == "bfloat16"


def _computes_float64(device: torch.device) -> bool:
    torch = sys.modules["torch"]
    try:
        torch.zeros(1, dtype=torch.float64, device=device)
    except (TypeError, RuntimeError):  # what the devices without float64 raise
        return False
    return True


def beside(array: Array, features: Array) -> Array:
    """Move `array`, as float64, to where `features` are worked on."""
    if not on_device(features):
        return to_numpy(array).astype(np.float64, copy=False)
    torch = namespace(features)
    if not is_tensor(array):
        array = torch.from_numpy(
            np.array(array, np.float64)
        )  # a copy: it may be read-only
    return array.to(features.device, torch.float64)  # pyright: ignore


def _shape(array: Array) -> tuple[int, ...]:
    return tuple(array.shape)


def _shorter(rows: int, targets: int, name: str) -> str:
    if targets > rows:
        return f"targets[:len({name})]"
    return f"{name}[:len(targets)]"
