"""Centred kernel alignment."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from .. import arrays
from ..arrays import Values
from ._distances import squared_distances
from ._rows import centred

KERNELS = ("linear", "rbf")
_LEAST = 4  # rows that the unbiased HSIC needs
# Share of a squared norm that float64 sums cannot tell from nothing.
ROUNDING = 1e-13


def cka(
    X: Values,
    Y: Values,
    *,
    kernel: Literal["linear", "rbf"] = "linear",
    debiased: bool = False,
) -> float:
    """Centred kernel alignment (Kornblith et al. 2019, Eq. 3 and 4), from 0 to 1.

    Invariant to rotations and to isotropic scale of either side.

    Parameters
    ----------
    X, Y : arrays (n, p) and (n, q)
        Rows are the same inputs.
    kernel : {"linear", "rbf"}
        "linear": ||Y' X||_F^2 / (||X' X||_F ||Y' Y||_F) of centred features, by
        products on the smaller side. "rbf": exp(-|x - x'|^2 / (2 m^2)) with m the
        median distance between two rows of that side, as Kornblith et al. set it by a
        share of the median, which is 1 here; takes n^2 numbers.
    debiased : bool
        With the unbiased estimate of HSIC (Song et al. 2012, Eq. 5): 0 on average where
        rows do not correspond, so that it may lie below 0. `cka` as it is rises with
        the units, to 1 where they outnumber the rows by far.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If X or Y are no features, rows differ, no unit of a side varies, the kernel is
        unknown, or debiasing leaves nothing, as of fewer than four rows.

    References
    ----------
    Kornblith, Norouzi, Lee & Hinton (2019), "Similarity of neural network
    representations revisited"; Song, Smola, Gretton, Bedo & Borgwardt (2012), "Feature
    selection via dependence maximization".

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> round(cka(X, 3 * X[:, ::-1] + 1), 12)
    1.0
    """
    if kernel not in KERNELS:
        raise ValueError(f"kernel is {kernel!r}; pass one of {', '.join(KERNELS)}")
    x, y = centred(X, Y)
    if debiased and len(x) < _LEAST:
        raise ValueError(
            f"X and Y have {len(x)} rows but debiasing needs {_LEAST}; pass more rows, "
            "or debiased=False"
        )
    if kernel == "rbf":
        both, of_x, of_y = _of_kernels(_rbf(x), _rbf(y), debiased)
    else:
        both, of_x, of_y = _debiased(x, y) if debiased else hsic(x, y)
    if not min(of_x, of_y) > 0:
        raise ValueError(
            f"nothing is left of {'X' if of_x <= 0 else 'Y'} once debiased, as where "
            f"one of its {len(x)} rows alone differs; pass more rows, or debiased=False"
        )
    return kernel_ratio(both, of_x, of_y)


def kernel_ratio(both: float, of_x: float, of_y: float) -> float:
    """HSIC of both sides over the geometric mean of those of each, at most 1."""
    return float(min(both / (of_x**0.5 * of_y**0.5), 1.0))


def unbiased(product: float, norms: float, x: float, y: float, n: int) -> float:
    """Unbiased HSIC (Song et al. 2012, Eq. 5) of linear kernels, times n (n - 3).

    Parameters
    ----------
    product : float
        ||X' Y||_F^2 of centred rows.
    norms : float
        Sum over rows of |x|^2 |y|^2.
    x, y : float
        Sums over rows of |x|^2 and of |y|^2.
    n : int
    """
    return product - n / (n - 2) * norms + x * y / ((n - 1) * (n - 2))


def hsic(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """HSIC of both, of X and of Y, up to a factor, for linear kernels.

    By products on the smaller side of the centred rows.
    """
    if len(x) < min(x.shape[1], y.shape[1]):
        k, other = x @ x.T, y @ y.T
        found = np.vdot(k, other), np.vdot(k, k), np.vdot(other, other)
    else:
        found = (np.square(a.T @ b).sum() for a, b in ((x, y), (x, x), (y, y)))
    both, of_x, of_y = map(float, found)
    return both, of_x, of_y


def _debiased(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """The same, unbiased."""
    both, of_x, of_y = hsic(x, y)
    a, b = (np.square(side).sum(1) for side in (x, y))
    n, sums = len(x), (float(a.sum()), float(b.sum()))
    mine = unbiased(of_x, float(a @ a), sums[0], sums[0], n)
    theirs = unbiased(of_y, float(b @ b), sums[1], sums[1], n)
    return (
        unbiased(both, float(a @ b), *sums, n),
        mine if mine > ROUNDING * of_x else 0.0,
        theirs if theirs > ROUNDING * of_y else 0.0,
    )


def _of_kernels(k: np.ndarray, other: np.ndarray, debiased: bool) -> tuple[float, ...]:
    """The same of kernel matrices (n, n)."""
    k, other = (
        u_centred(side) if debiased else _doubly_centred(side) for side in (k, other)
    )
    pairs = (k, other), (k, k), (other, other)
    return tuple(float(np.vdot(a, b)) for a, b in pairs)


def _doubly_centred(k: np.ndarray) -> np.ndarray:
    return k - k.mean(0) - k.mean(1)[:, None] + k.mean()


def u_centred(kernel: Any) -> Any:
    """Kernel (n, n), U-centred (Szekely & Rizzo 2014), an array or a tensor.

    The inner product of two is the unbiased HSIC, times n (n - 3).
    """
    n = len(kernel)
    off = 1 - arrays.beside(np.eye(n), kernel)
    kernel = kernel * off
    means = kernel.sum(0) / (n - 2)
    means = means - means.sum() / (2 * (n - 1))
    return (kernel - means[:, None] - means) * off


def _rbf(rows: np.ndarray) -> np.ndarray:
    squares = squared_distances(rows, rows)
    median = np.median(np.sqrt(squares[np.triu_indices(len(rows), 1)]))
    if not median > 0:
        raise ValueError(
            "the median distance between rows is 0, since more than half of them are "
            'equal, and leaves kernel="rbf" without a width; pass kernel="linear"'
        )
    return np.exp(-squares / (2 * median**2))
