"""What a decomposition takes beyond the features, and which way fits a limit."""

from __future__ import annotations

from .memory import size

__all__ = ["gram_bytes", "refusal", "svd_bytes"]

_BLOCKS = 4 * 2**19  # entries: one block of the features, and what is made of it
_ROWS = 64  # least length of a block


def gram_bytes(shape: tuple[int, int], targets: int) -> int:
    """Bytes for the Gram matrix and its eigenvectors, at most.

    Parameters
    ----------
    shape : (n, m)
        Of Phi.
    targets : int
        Columns of the targets, k, beside which a column of ones is measured.

    Examples
    --------
    >>> gram_bytes((10**5, 1000), 1) < 60_000_000
    True
    """
    p, targets = min(shape), targets + 1
    return 8 * (4 * p * p + 4 * p * (targets + 128)) + _shared(shape, targets)


def svd_bytes(shape: tuple[int, int], targets: int, length: int | None = None) -> int:
    """Bytes for the triangular factor and its SVD, at most.

    Parameters
    ----------
    shape : (n, m)
        Of Phi.
    targets : int
        Columns of the targets, k.
    length : int
        Rows below the factor, min(n, m) where None, the least.

    Examples
    --------
    >>> svd_bytes((9000, 1000), 1) < svd_bytes((9000, 1000), 1, 4000)
    True
    """
    p, targets = min(shape), targets + 1
    width = p + (targets if shape[0] >= shape[1] else 0)
    room = (p + max(p if length is None else length, 256)) * width
    factor = 2 * room + p * width  # LAPACK's copy of the room, and R
    values = room + 9 * p * p  # copy, U, V and LAPACK's work space
    return 8 * (max(factor, values) + p * targets) + _shared(shape, targets)


def refusal(
    shape: tuple[int, int], targets: int, limit: float, *, way: str
) -> ValueError:
    """Error of a limit that `way`, "gram" or "svd", exceeds: what it would need."""
    needed = (gram_bytes if way == "gram" else svd_bytes)(shape, targets)
    n, m = shape
    side = "rows" if n < m else "columns"
    other = ', or method="gram", which is less exact'
    if way == "gram" or gram_bytes(shape, targets) > limit:
        other = ""
    return ValueError(
        f"{n:,} rows of {m:,} columns need {size(needed)} by method {way!r}, above "
        f"memory={size(limit)}; pass memory={needed}, fewer {side}{other}"
    )


def _shared(shape: tuple[int, int], targets: int) -> int:
    """Bytes of a block of the features, and of the targets as float64."""
    return 8 * (max(_BLOCKS, 4 * _ROWS * min(shape)) + 3 * shape[0] * targets)
