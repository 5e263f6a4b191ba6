"""From features and targets to their alignment: which way, and within which memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import arrays
from ..arrays import Array, Values
from .alignment import Alignment
from .budgets import gram_bytes, refusal, svd_bytes
from .chance import permuted_columns
from .decompose import Spectrum, by_gram, by_svd, gram_suffices
from .gram import Design
from .memory import bytes_of

__all__ = ["alignment", "from_spectrum", "measured"]

_METHODS = ("auto", "gram", "svd")


def alignment(
    features: Values,
    targets: Values,
    *,
    bias: bool = True,
    normalize: bool = True,
    method: str = "auto",
    memory: str | int | None = None,
    permutations: int = 0,
    generator: np.random.Generator | None = None,
) -> Alignment:
    """Spectrum of features and the energy of targets along it.

    Phi is `features`, by default with a column of ones appended and every row then
    scaled to unit length (the official demo's convention; nothing is centred). All
    sums are made in float64, on the features' device.

    Parameters
    ----------
    features : array (n, d)
        NumPy, PyTorch on any device, or nested lists; float16, bfloat16, float32,
        float64 or integers; n may be smaller or larger than d.
    targets : array (n,) or (n, k)
        A vector is one target, k = 1. Class labels become columns by `one_vs_rest`.
    bias : bool
        Append the column of ones.
    normalize : bool
        Scale rows to unit length.
    method : {"auto", "gram", "svd"}
        "gram" takes the eigenvalues of the smaller Gram matrix, Phi' Phi or Phi Phi':
        fast, but directions below about 1e-7 sigma_1 are lost and the energy of those
        below 1e-4 sigma_1 is blurred. "svd" is exact to rounding. "auto" uses the Gram
        matrix where its spectrum shows that each value of ``curve`` is right to 1e-8
        ||y||^2 for float64 and integers, 1e-6 ||y||^2 for lower precision (thresholds
        at least 1e-9 or 1e-6 sigma_1 from every singular value), else the SVD. Either
        way, directions are left out that the features' precision cannot tell from
        zero (`measures.decompose.rank_floor`): at most below 2^-22 sigma_1 in
        float32, 2^-9 in float16, 2^-6 in bfloat16.
    memory : str or int
        What may be taken beyond `features`, such as "4GB"; None for no limit. Features
        are read in blocks, so that the smaller of n and d counts, and a `numpy.memmap`
        may be longer than the memory. What is too large is refused before it is
        allocated.
    permutations : int
        N random permutations of the targets, the same for all columns, measured beside
        them as further columns, for the p-value of ``null()``; each takes 8 n k bytes.
    generator : numpy Generator
        That draws them.

    Returns
    -------
    Alignment

    Raises
    ------
    TypeError
        If an array is complex, boolean or holds no numbers.
    ValueError
        If shapes do not fit, an entry is NaN or infinite, a target or all features
        are zero, a row is zero that has to be scaled, the method is unknown, more than
        `memory` would be taken, or permutations come without a generator.

    Warns
    -----
    UserWarning
        If targets are integers other than -1 and 1 in one column, as labels are, or
        if, in 20 rows or more, the mean of a target holds more than half of its
        squared norm, of which the constant column captures all.

    References
    ----------
    Imani, Hu & White (2022), "Representation Alignment in Neural Networks", TMLR,
    Eq. 1.

    Examples
    --------
    >>> features = np.array([[3.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    >>> found = alignment(features, [1.0, 2, 5], bias=False, normalize=False)
    >>> found.singular_values
    array([3., 2.])
    >>> found.energy.round(12).ravel().tolist()
    [1.0, 4.0]
    """
    if method not in _METHODS:
        raise ValueError(
            f"method is {method!r} but must be one of {', '.join(_METHODS)}; "
            "leave it out to have it chosen"
        )
    limit = bytes_of(memory)
    source = arrays.features_matrix(features)
    columns = arrays.targets_matrix(targets, source)
    draws = permuted_columns(columns, permutations, generator)
    design = Design(source, bias, normalize)
    return measured(design, columns, method=method, limit=limit, draws=draws)


def measured(
    design: Design,
    columns: Any,
    *,
    method: str = "auto",
    limit: float = np.inf,
    draws: Any = None,
) -> Alignment:
    """As `alignment`, of features and targets that have been checked.

    Parameters
    ----------
    design : Design
    columns : array (n, k), float64
        From `repalign_utils.arrays.targets_matrix`.
    method : {"auto", "gram", "svd"}
    limit : float
        Bytes that may be taken.
    draws : array (n, N k), float64, or None
        Permuted targets, from `measures.chance.permuted_columns`.

    Returns
    -------
    Alignment
    """
    judged = arrays.with_ones(columns)
    beside = (
        judged if draws is None else arrays.namespace(judged).hstack([judged, draws])
    )
    found, used = _spectrum(design, beside, judged, method, limit)
    energy, total = ((columns * columns).sum(0), columns.sum(0))
    sums = arrays.to_numpy(energy), arrays.to_numpy(total)
    return from_spectrum(found, *sums, len(columns), used)


def from_spectrum(
    found: Spectrum,
    target_energy: np.ndarray,
    target_sum: np.ndarray,
    n: int,
    method: str,
) -> Alignment:
    """Alignment of Phi with n rows.

    Parameters
    ----------
    found : Spectrum
        With the energy of the targets, of the column of ones after them, and of the
        permuted targets, if any.
    target_energy, target_sum : array (k,)
        ||y_k||^2, and the sum of the entries.
    n : int
    method : str

    Raises
    ------
    ValueError
        If all features are zero.
    """
    if not len(found.singular_values):
        raise ValueError(
            f"all {n} rows of the features are zero and span nothing; pass "
            "features that are not, or bias=True"
        )
    k = len(target_energy)
    energy, constant, drawn = np.split(found.energy, [k, k + 1], axis=1)
    permuted = None
    if drawn.shape[1]:
        weights = found.singular_values / np.linalg.norm(found.singular_values)
        permuted = (weights @ drawn).reshape(-1, k) / target_energy
    mean = target_sum / n
    return Alignment(
        found.singular_values,
        energy,
        target_energy,
        n,
        method,
        constant[:, 0],
        mean,
        permuted,
    )


def _spectrum(
    design: Design, targets: Any, judged: Any, method: str, limit: float
) -> tuple[Spectrum, str]:
    """Spectrum of the design, and which way it was found.

    `targets` begin with the columns `judged`, of which exactness is asked.
    """
    if method == "svd":
        return _by_svd(design, targets, limit), "svd"
    k = targets.shape[1] - 1
    if gram_bytes(design.shape, k) > limit:
        raise refusal(design.shape, k, limit, way="gram")
    found = by_gram(design, targets)
    if method == "gram":
        if found is None:
            raise ValueError(
                "products of the features exceed float64, so there is no Gram matrix; "
                'divide the features by their largest entry, or pass method="svd"'
            )
        return found, "gram"
    n, m = design.shape
    low = arrays.is_low_precision(design.features)
    if found:
        part = found._replace(energy=found.energy[:, : judged.shape[1]])
        whole = arrays.to_numpy((judged * judged).sum(0))
        if gram_suffices(part, whole, is_tall=n >= m, low_precision=low):
            return found, "gram"
    return _by_svd(design, targets, limit), "svd"


def _by_svd(design: Design, targets: Array, limit: float) -> Spectrum:
    k, least = targets.shape[1] - 1, min(design.shape)
    if svd_bytes(design.shape, k) > limit:
        raise refusal(design.shape, k, limit, way="svd")
    fast = 4 * least  # rows below the factor: more are no faster
    fits = svd_bytes(design.shape, k, fast) <= limit
    return by_svd(design, targets, length=fast if fits else least)
