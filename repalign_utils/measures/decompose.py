"""Singular values of Phi and target energy along them, the cheap way or the exact one.

The cheap way, eigenvalues of a Gram matrix, squares the condition number. Whether that
did harm is computed from the spectrum and the energies that it gave.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import arrays
from ..arrays import Array
from .gram import Design, inner, moments, triangle
from .tridiagonal import Tridiagonal

__all__ = ["Spectrum", "by_factor", "by_gram", "by_svd", "gram_bound"]
__all__ += ["gram_suffices", "rank_floor"]

_EPS = np.finfo(np.float64).eps
# What a Gram matrix and its eigenvectors are rounded by, and the least eigenvalue that
# the bound is for, see `gram_suffices`.
_NOISE, _FLOOR = 16.0, 1e3


class Spectrum(NamedTuple):
    """Singular values of Phi and the energy of targets along its left vectors.

    Attributes
    ----------
    singular_values : array (r,), float64, descending
    energy : array (r, k), float64
        (u_i' y_k)^2.
    lost : int
        Directions that are zero or too small to be told from rounding.
    """

    singular_values: np.ndarray
    energy: np.ndarray
    lost: int


def rank_floor(values: np.ndarray, shape: tuple[int, int], precision: float) -> float:
    """Least singular value that can be told from zero: the one rule for the rank.

    Features are known to their own precision alone. Rounding them moves each entry by
    about `precision` times its size: a matrix of random entries of root mean square
    s = precision ||Phi||_F / sqrt(n m), whose norm is about s (sqrt(n) + sqrt(m)).
    Directions below that may be nothing but rounding. The usual max(n, m) precision
    sigma_1 would be far more: of float16 nothing is left from n = 1024 on. This one
    is never above 2 precision sigma_1, since ||Phi||_F <= sqrt(min(n, m)) sigma_1.

    What is computed in float64 has rounding of its own, for which the usual bound is
    kept: max(n, m) 2^-52 sigma_1. It decides for float64 and integers.

    Parameters
    ----------
    values : array (r,), float64, descending
        All singular values of Phi, or all but some that are zero.
    shape : (n, m)
        Of Phi.
    precision : float
        Of the features as they were given, `repalign_utils.array_kinds.precision`.

    Returns
    -------
    float
        Singular values above it count.

    Examples
    --------
    >>> rank_floor(np.ones(100), (100, 100), 2**-10) == 2 * 2**-10
    True
    >>> rank_floor(np.array([1.0, 0.0]), (400, 2), 2**-52) == 400 * 2**-52
    True
    """
    if not len(values):
        return 0.0
    n, m = shape
    relative = values / values[0] if values[0] else values  # squares may not fit
    rounding = precision * np.linalg.norm(relative) * (n**-0.5 + m**-0.5)
    return float(values[0] * max(rounding, max(n, m) * _EPS))


def by_svd(design: Design, targets: Array, *, length: int = 0) -> Spectrum:
    """Thin SVD of the triangular factor of Phi, or of Phi' where that is taller.

    Parameters
    ----------
    design : Design
        Phi (n, m).
    targets : array (n, k), float64
        On the device of the features.
    length : int
        Rows that have room below the factor, see `measures.gram.triangle`.

    Returns
    -------
    Spectrum
        Singular values above `rank_floor`.

    Raises
    ------
    ValueError
        As `Design.row_blocks`.

    Examples
    --------
    >>> found = by_svd(Design(np.diag([2.0, 1.0]), False, False), np.ones((2, 1)))
    >>> found.singular_values
    array([2., 1.])
    """
    n, m = design.shape
    if n >= m:
        r: Any = triangle(design.row_blocks(targets), m, length=length)
        factor, side = r[:, :m], r[:, m:]
    else:
        turned: Any = triangle(design.column_blocks(), n, length=length)
        factor, side = turned.T, targets
    return by_factor(factor, side, (n, m), arrays.precision(design.features))


def by_factor(
    factor: Any, side: Any, shape: tuple[int, int], precision: float
) -> Spectrum:
    """Spectrum of Phi from a smaller matrix that differs by a rotation Q alone.

    Parameters
    ----------
    factor : array (r, m), float64
        Q' Phi, such as the triangular factor of Phi.
    side : array (r, k), float64
        Q' y.
    shape : (n, m)
        Of Phi.
    precision : float
        Of the features as they were given, see `rank_floor`.

    Returns
    -------
    Spectrum

    Examples
    --------
    >>> by_factor(np.diag([2.0, 1.0]), np.ones((2, 1)), (2, 2), 2**-52)[0]
    array([2., 1.])
    """
    u, values, _ = arrays.namespace(factor).linalg.svd(factor, full_matrices=False)
    values, along = arrays.to_numpy(values), arrays.to_numpy(u.T @ side)
    kept = values > rank_floor(values, shape, precision)
    return Spectrum(values[kept], along[kept] ** 2, int((~kept).sum()))


def by_gram(design: Design, targets: Array) -> Spectrum | None:
    """Eigenvalues of the smaller of Phi' Phi and Phi Phi'.

    Parameters
    ----------
    design : Design
        Phi (n, m).
    targets : array (n, k), float64
        On the device of the features.

    Returns
    -------
    Spectrum or None
        Singular values above `rank_floor` and above sqrt(min(n, m) 2^-52) sigma_1,
        since the rounding of sums of squares hides smaller ones; None if a product
        of features exceeds float64.

    Raises
    ------
    ValueError
        As `Design.row_blocks`.

    Examples
    --------
    >>> found = by_gram(Design(np.diag([2.0, 1.0]), False, False), np.ones((2, 1)))
    >>> found.singular_values
    array([2., 1.])
    """
    n, m = design.shape
    is_tall = n >= m
    products: Any
    side: Any
    products, side = moments(
        design.row_blocks(targets) if is_tall else design.column_blocks()
    )
    side = side if is_tall else targets
    if not arrays.namespace(products).isfinite(products).all():
        return None
    used = products.diagonal() > 0
    if not used.all():  # a dead unit is an exact zero, not a small singular value
        products, side = products[used][:, used], side[used]
    squares, along = _eigen(products, side)
    values = np.sqrt(np.maximum(squares, 0))
    floor = rank_floor(values, design.shape, arrays.precision(design.features))
    kept = (values > floor) & (squares > len(squares) * _EPS * squares[:1])
    values, along = values[kept], along[kept]
    if is_tall:  # along V, Phi' y is sigma times what y is along U
        along = along / values[:, None]
    return Spectrum(values, along**2, int((~kept).sum()))


def _eigen(products: Any, side: Any) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues, descending, and the eigenvectors' products with `side`."""
    if isinstance(products, np.ndarray) and len(products) > 2:
        values, along = _eigen_tridiagonal(products, side)
    else:
        values, vectors = arrays.namespace(products).linalg.eigh(products)
        along = inner(vectors, side)
    return arrays.to_numpy(values)[::-1], arrays.to_numpy(along)[::-1]


def _eigen_tridiagonal(products, side) -> tuple[np.ndarray, np.ndarray]:
    """As eigh, in half the time: the eigenvectors themselves are never formed.

    products = Q T Q' with T = S diag(values) S' tridiagonal, so V' side = S' (Q' side).
    """
    split = Tridiagonal.of(products, overwrite=True)
    values, vectors = split.eigh()
    return values, inner(vectors, split.turned(side, back=True))


def gram_suffices(
    found: Spectrum, target_energy: np.ndarray, *, is_tall: bool, low_precision: bool
) -> bool:
    """Whether the spectrum of a Gram matrix shows `curve` to be as exact as promised.

    Rounding makes of the Gram matrix M = sum_j lambda_j v_j v_j', lambda_j =
    sigma_j^2, another one, M + E. The energy captured by the first i directions is a
    quadratic form b' f(M) b: of M = Phi' Phi with b = Phi' y = sum_j sigma_j a_j v_j
    and f(lambda) = 1 / lambda, of M = Phi Phi' with b = y = sum_j a_j v_j + ... and
    f = 1, each from lambda_i on, and f = 0 below; a_j^2 are the energies. To first
    order (Daletskii & Krein) E moves it by

        sum_jl f[lambda_j, lambda_l] E_jl (v_j' b) (v_l' b),
        f[s, t] = (f(s) - f(t)) / (s - t),  E_jl = v_j' E v_l,

    in which pairs below the cut cancel. Pairs across it, and those above, leave

        2 sum_{j <= i < l} a_j a_l w_jl E_jl / (lambda_j - lambda_l)
        - sum_{j, l <= i} (a_j / sigma_j) E_jl (a_l / sigma_l),

    with w_jl = sigma_l / sigma_j and both sums for Phi' Phi; with w_jl = 1 and the
    first sum alone for Phi Phi', whose f is flat above the cut. By Cauchy-Schwarz,
    and ||E||_F <= noise, the error of the captured energy is at most

        2 noise sqrt(sum_{j <= i < l} a_j^2 a_l^2 w_jl^2 / (lambda_j - lambda_l)^2)
        + noise sum_{j <= i} a_j^2 / sigma_j^2.

    It is asked of every cut i, but for cuts between singular values so close that no
    threshold of the promise lies between them, and of every target. The spectrum put
    in is the one that was found, in which energy that leaked across a cut is there to
    be seen. Terms of second order count less than the first by about noise / lambda:
    eigenvalues below 1000 noise are not judged.

    The noise is 16 eps ||M||_F, eps = 2^-52. ``python -m benchmarks.gram_bound``
    measures how much is needed, over spectra, conditions, sizes and dtypes: 5.3.

    Parameters
    ----------
    found : Spectrum
        From `by_gram`.
    target_energy : array (k,)
        ||y_k||^2.
    is_tall : bool
        Whether the matrix was Phi' Phi.
    low_precision : bool
        Whether 1e-6 ||y||^2 is promised at thresholds 1e-6 sigma_1 from a singular
        value, not 1e-8 ||y||^2 at 1e-9 sigma_1.

    Returns
    -------
    bool

    References
    ----------
    Daletskii & Krein (1965), "Integration and differentiation of functions of
    Hermitian operators", on derivatives of f(M).

    Examples
    --------
    >>> energy = np.ones((2, 1))
    >>> for smallest in 1e-2, 1e-5:
    ...     found = Spectrum(np.array([1, smallest]), energy, lost=0)
    ...     gram_suffices(found, np.array([2]), is_tall=True, low_precision=False)
    True
    False
    """
    tolerance, margin = (1e-6, 1e-6) if low_precision else (1e-8, 1e-9)
    return gram_bound(found, target_energy, is_tall=is_tall, margin=margin) <= tolerance


def gram_bound(
    found: Spectrum, target_energy: np.ndarray, *, is_tall: bool, margin: float
) -> float:
    """Bound of `gram_suffices` on the error of `curve`, as a share of ||y||^2.

    Parameters
    ----------
    found, target_energy, is_tall : as of `gram_suffices`
    margin : float
        Least distance of a threshold from a singular value, in units of sigma_1.

    Returns
    -------
    float
        Of the worst cut and target; infinite where no bound holds.
    """
    values, energy, lost = found
    if lost or not len(values):
        return np.inf
    values, energy = values / values[0], energy / target_energy
    noise = _NOISE * _EPS * np.sqrt((values**4).sum())
    if values[-1] ** 2 < _FLOOR * noise:
        return np.inf
    error = 2 * noise * np.sqrt(_mixing(values, energy, is_tall, margin))
    if is_tall:
        error += noise * (energy / values[:, None] ** 2).cumsum(0)
    return float(error.max())


def _mixing(
    values: np.ndarray, energy: np.ndarray, is_tall: bool, margin: float
) -> np.ndarray:
    """Squared norm (r, k) of the pairs' coefficients, after the first 1, ..., r."""
    squares = values**2
    group = np.cumsum(np.diff(values, prepend=values[0]) < -margin)
    change = np.zeros_like(energy)
    for start in range(0, len(values), 128):  # a few MB at a time, whatever r is
        j, i = slice(start, start + 128), slice(start, None)
        gaps = np.where(
            group[j, None] < group[i], squares[j, None] - squares[i], np.inf
        )
        pairs = gaps**-2  # (b, r - start)
        if is_tall:
            pairs *= squares[i] / squares[j, None]
        change[j] += energy[j] * inner(pairs.T, energy[i])  # pairs that open here
        change[i] -= energy[i] * inner(pairs, energy[j])  # pairs that close
    return np.maximum(change.cumsum(0), 0)
