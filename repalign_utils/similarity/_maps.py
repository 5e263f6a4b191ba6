"""Similarity of convolution maps: what becomes of their positions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import arrays
from ..arrays import Values
from ._bases import Keep, judged
from ._cca import kept_share
from ._rows import Side, sides
from ._significance import MEASURES

_MEASURES = ("svcca", "cca", "pwcca", "cka")
_POSITIONS = ("samples", "dft", "mean")
_PROBES = 16  # random directions that tell how much lies between frequencies
_EXACT = 1e-9  # share of it that is rounding


@dataclass(frozen=True)
class MapSimilarity:
    """Similarity of two layers of maps, and how it was found; ``float`` gives it.

    Attributes
    ----------
    value : float, from 0 to 1
    measure, positions : str
        As asked for.
    between_frequencies : float or None
        Of "dft" alone: the share of squared covariances that lies between different
        frequencies, which are taken for uncorrelated; the largest of X, Y and X with Y.
    """

    value: float
    measure: str
    positions: str
    between_frequencies: float | None = None

    @property
    def exact(self) -> bool:
        """Whether it is that of the data as they are, not of all their shifts."""
        return (self.between_frequencies or 0.0) < _EXACT

    def __float__(self) -> float:
        """The value."""
        return self.value


def map_similarity(
    X: Values,
    Y: Values,
    *,
    measure: str = "svcca",
    positions: str = "samples",
    keep: float = 0.99,
    keep_of: str = "singular_values",
) -> MapSimilarity:
    """Similarity of convolution maps (Raghu et al. 2017, Sec. 2.1, of both kinds).

    "samples" takes each position for a sample of the c channels, n h w rows: for the
    same layer of two networks, whose positions see the same part of the input. "dft" is
    for different layers of one size: all c h w entries are units, and the discrete
    Fourier transform of each channel makes a block of c x c of each frequency. It gives
    what CCA of all entries gives for the data together with all their circular shifts
    (their Theorem 1), and so for the data themselves where these are invariant under
    shifts; elsewhere it is an approximation, and `MapSimilarity.exact` says which. The
    mean over positions loses where things are, and fits any sizes.

    Parameters
    ----------
    X, Y : arrays (n, c, h, w) and (n, d, h, w)
        Maps of the same inputs, the channels on the second axis.
    measure : {"svcca", "cca", "pwcca", "cka"}
        "cca" is the mean correlation. Not "pwcca" of "dft": frequencies come in pairs
        of equal correlations, among which its weights depend on the directions chosen.
    positions : {"samples", "dft", "mean"}
        What becomes of them.
    keep, keep_of
        As in `svcca`; of a pair of frequencies "dft" keeps both or none.

    Returns
    -------
    MapSimilarity

    Raises
    ------
    TypeError, ValueError
        If X or Y are no maps, an option is none of these, rows differ, sizes differ
        though positions matter, or no unit of a side varies.

    Warns
    -----
    UserWarning
        As `cca`, of correlations that are 1 for want of rows.

    References
    ----------
    Raghu, Gilmer, Yosinski & Sohl-Dickstein (2017), "SVCCA: Singular Vector Canonical
    Correlation Analysis for Deep Learning Dynamics and Interpretability".

    Examples
    --------
    >>> maps = np.random.default_rng(0).normal(size=(50, 3, 4, 4))
    >>> round(float(map_similarity(maps, np.roll(maps, 1, axis=3), positions="dft")), 9)
    1.0
    """
    kept = kept_share(keep, keep_of)
    _check_options(measure, positions)
    x, y = _maps(X, "X"), _maps(Y, "Y")
    if positions != "mean" and x.shape[2:] != y.shape[2:]:
        raise ValueError(
            f"X has maps of {_size(x)} but Y of {_size(y)}, which positions="
            f"{positions!r} cannot compare; pass positions='mean', or layers of one "
            "size"
        )
    if positions == "dft":
        return _by_frequency(x, y, measure, kept)
    if positions == "samples":
        if len(x) != len(y):
            sides(x.reshape(len(x), -1), y.reshape(len(y), -1))  # raises, in inputs
        pair: Any = [np.moveaxis(m, 1, 3).reshape(-1, m.shape[1]) for m in (x, y)]
    else:
        pair = [m.mean((2, 3), dtype=np.float64) for m in (x, y)]
    options: Any = {"keep": keep, "keep_of": keep_of} if measure == "svcca" else {}
    return MapSimilarity(MEASURES[measure](*pair, **options), measure, positions)


def _check_options(measure: str, positions: str) -> None:
    for name, value, known in (
        ("measure", measure, _MEASURES),
        ("positions", positions, _POSITIONS),
    ):
        if value not in known:
            raise ValueError(f"{name} is {value!r} but must be one of {known}")
    if (measure, positions) == ("pwcca", "dft"):
        raise ValueError(
            "measure is 'pwcca', whose weights are not defined among the pairs of "
            "equal correlations of positions='dft'; pass measure='cca' or 'svcca'"
        )


def _maps(given: Values, name: str) -> np.ndarray:
    values: Any = given if hasattr(given, "reshape") else np.asarray(given)
    if len(values.shape) != 4 or 0 in values.shape:
        raise ValueError(
            f"{name} must be maps (n, channels, h, w) but has shape "
            f"{tuple(values.shape)}; pass features (n, d) to svcca or cka themselves"
        )
    flat = arrays.features_matrix(values.reshape(len(values), -1))
    return arrays.to_numpy(flat).reshape(values.shape)


def _size(maps: np.ndarray) -> str:
    return " x ".join(map(str, maps.shape[2:]))


def _by_frequency(
    x: np.ndarray, y: np.ndarray, measure: str, keep: Keep
) -> MapSimilarity:
    flat = sides(x.reshape(len(x), -1), y.reshape(len(y), -1))
    spectra = [_spectrum(s, m.shape) for s, m in zip(flat, (x, y), strict=True)]
    of_x, of_y, both = (
        _products(spectra[i], spectra[j]) for i, j in ((0, 0), (1, 1), (0, 1))
    )
    if measure == "cka":
        norms = np.linalg.norm(of_x) * np.linalg.norm(of_y)
        value = float(np.linalg.norm(both) ** 2 / norms)
    else:
        kept = keep if measure == "svcca" else None
        value = _mean_correlation(flat, (of_x, of_y, both), len(x), kept)
    left_out = max(
        _between(flat[0], x.shape, flat[0], x.shape, of_x),
        _between(flat[1], y.shape, flat[1], y.shape, of_y),
        _between(flat[0], x.shape, flat[1], y.shape, both),
    )
    return MapSimilarity(min(value, 1.0), measure, "dft", left_out)


def _spectrum(side: Side, shape: tuple[int, ...]) -> np.ndarray:
    """Transform of each map, by frequency: (h w, n, c), complex."""
    found = np.fft.fft2(side.rows.reshape(shape), norm="ortho")
    return np.ascontiguousarray(found.transpose(2, 3, 0, 1)).reshape(-1, *shape[:2])


def _products(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Sums over rows (h w, c, d) of conj(x) y at each frequency."""
    return x.conj().transpose(0, 2, 1) @ y


def _mean_correlation(flat, products, n: int, keep: Keep | None) -> float:
    of_x, of_y, both = products
    white_x, ranks_x = _whitening(of_x, flat[0], n, keep)
    white_y, ranks_y = _whitening(of_y, flat[1], n, keep)
    total = min(ranks_x.sum(), ranks_y.sum())
    forced = np.maximum(ranks_x + ranks_y - (n - 1), 0).sum()
    if forced:
        warnings.warn(
            f"{forced} of {total} canonical correlations are 1 for want of rows alone: "
            f"at some frequencies the ranks add up to more than n - 1 = {n - 1}; pass "
            "more rows, or compare fewer channels",
            stacklevel=4,
        )
    cross = white_x.conj().transpose(0, 2, 1) @ both @ white_y
    values = np.linalg.svd(cross, compute_uv=False)
    return float(np.minimum(values, 1.0).sum() / total)


def _whitening(
    products: np.ndarray, side: Side, n: int, keep: Keep | None
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (h w, c, c) of orthonormal directions, 0 beyond each rank (h w,)."""
    squares, vectors = np.linalg.eigh(products)
    ordered = np.sort(squares.ravel())
    values, _ = judged(ordered, side.rounding, (n, side.rows.shape[1]), keep)
    least = ordered[-len(values)] * (1 - _EXACT)  # and the other of its pair
    used = squares >= least
    roots = np.sqrt(np.where(used, squares, 1.0))
    return vectors * (used / roots)[:, None, :], used.sum(1)


def _between(x: Side, of_x, y: Side, of_y, products: np.ndarray) -> float:
    """Share of ||X' Y||_F^2 outside its blocks, from random directions of Y."""
    rng = np.random.default_rng(0)
    probes = rng.normal(size=(y.rows.shape[1], _PROBES))
    whole = x.rows.T @ (y.rows @ probes)
    maps = probes.T.reshape(_PROBES, *of_y[1:])
    spectra = _spectrum(Side(maps, y.rounding, 1.0), (_PROBES, *of_y[1:]))
    # Not conjugated as where both sides are summed: X' Y z takes conj(y) to z.
    along = products.conj() @ spectra.transpose(0, 2, 1)  # (h w, c, probes)
    back = along.transpose(2, 1, 0).reshape(_PROBES, *of_x[1:])
    blocks = np.fft.ifft2(back, norm="ortho").real.reshape(_PROBES, -1).T
    total = np.square(whole).sum()
    return float(np.square(whole - blocks).sum() / total) if total else 0.0
