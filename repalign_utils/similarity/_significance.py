"""Whether layers are more alike than by chance: permutation tests of any similarity."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import arrays
from ..arrays import Values
from ..measures.chance import check_permutations
from ..spelling import did_you_mean
from ._cca import cca, pwcca, svcca
from ._chance import CLOSED, calibrated, chance_level
from ._cka import cka
from ._distances import mutual_knn, procrustes, rsa
from ._matrix import LayerMatrix
from ._rows import centred

Measure = str | Callable[[Any, Any], float]

_TIE = 1e-12  # values closer than this are equal but for rounding
_MOST_GRAM = 2048  # rows up to which Gram matrices are kept


def _mean_cca(X: Values, Y: Values) -> float:
    return cca(X, Y).mean()


def _squared_cca(X: Values, Y: Values) -> float:
    return float((cca(X, Y).correlations ** 2).mean())


MEASURES: dict[str, Callable[..., float]] = {
    "cka": cka,
    "cca": _mean_cca,
    "squared_cca": _squared_cca,
    "svcca": svcca,
    "pwcca": pwcca,
    "procrustes": procrustes,
    "mutual_knn": mutual_knn,
    "rsa": rsa,
}


@dataclass(frozen=True)
class Significance:
    """A similarity against permutations of the rows of Y.

    Attributes
    ----------
    value : float
    null : float
        Mean over permutations.
    exact : bool
        Whether `null` is in closed form, over all n! permutations, not those drawn.
    p_value : float
        Permutations with at least the value, (1 + count) / (1 + permutations).
    rows : int
        Rows that it is of.
    """

    value: float
    null: float
    exact: bool
    p_value: float
    rows: int

    @property
    def calibrated(self) -> float:
        """(value - null) / (1 - null); 0 where chance alone gives 1."""
        return float(calibrated(self.value, self.null))


@dataclass(frozen=True)
class LayerSignificance:
    """Similarities of all pairs of layers against permutations of the rows of Y.

    Attributes
    ----------
    values, null : LayerMatrix
        Similarities, and their means over permutations.
    exact : bool
        As of `Significance`.
    p_values : LayerMatrix
        Corrected for the number of pairs: the probability that any pair stands out as
        much where no rows correspond. The least belongs to the largest similarity.
    rows : int
        Rows that they are of.
    """

    values: LayerMatrix
    null: LayerMatrix
    exact: bool
    p_values: LayerMatrix
    rows: int

    @property
    def calibrated(self) -> LayerMatrix:
        """(value - null) / (1 - null) of each pair; 0 where chance alone gives 1."""
        found, name = self.values, f"calibrated {self.values.measure}"
        values = calibrated(found.values, self.null.values)
        return LayerMatrix(values, found.layers_x, found.layers_y, name, found.n)


def significance(
    measure: Measure,
    X: Values,
    Y: Values,
    *,
    permutations: int = 200,
    generator: np.random.Generator,
    rows: int | None = None,
) -> Significance:
    """Compare a similarity with what it is where rows do not correspond.

    Parameters
    ----------
    measure : str or callable
        "cka", "cca" (mean correlation), "squared_cca", "svcca", "pwcca",
        "procrustes", "mutual_knn", "rsa", or a function
        of two arrays that returns a number, larger where they are more alike.
    X, Y : arrays (n, p) and (n, q)
        Rows are the same inputs.
    permutations : int
        Orders of the rows of Y that are drawn.
    generator : numpy.random.Generator
    rows : int, optional
        Rows that are drawn, without replacement, where n is larger; None for all.

    Returns
    -------
    Significance
        Its null is exact for CKA and the mean squared canonical correlation.

    Raises
    ------
    TypeError, ValueError
        As `cka`, or if another argument is none of these; before any work.

    Warns
    -----
    UserWarning
        As the measure, for the rows as they are.

    References
    ----------
    Phipson & Smyth (2010), "Permutation p-values should never be zero", on the 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 8))
    >>> found = significance("cka", X, X + rng.normal(size=X.shape), generator=rng)
    >>> round(found.value, 2), round(found.null, 2), round(found.calibrated, 2)
    (0.6, 0.12, 0.54)
    >>> round(found.p_value, 3), found.exact
    (0.005, True)
    """
    layers = {"X": X}, {"Y": Y}
    found = _found(measure, *layers, permutations, generator, rows)
    (value,), (null,) = found.values.ravel(), found.null.ravel()
    at_least = (found.drawn.ravel() >= value - _TIE * max(abs(value), 1)).sum()
    p_value = float((1 + at_least) / (1 + permutations))
    return Significance(float(value), float(null), found.exact, p_value, found.n)


def layer_significance(
    measure: Measure,
    layers_x: Mapping[str, Values],
    layers_y: Mapping[str, Values],
    *,
    permutations: int = 200,
    generator: np.random.Generator,
    rows: int | None = 512,
) -> LayerSignificance:
    """Compare all pairs of layers with chance, corrected for their number.

    The largest of many similarities is large by chance alone. Each permutation is of
    all layers of Y at once; similarities are standardised pair by pair, by mean and
    deviation over the permutations and the rows as they are, so that wide layers, whose
    level of chance is high, do not hide the others; and each pair is compared with the
    largest of all pairs in every permutation.

    Parameters
    ----------
    measure, permutations, generator : as of `significance`
    layers_x, layers_y : layer -> array (n, d)
        Rows are the same inputs in all.
    rows : int, optional
        Rows that are drawn, without replacement, where n is larger; None for all.

    Returns
    -------
    LayerSignificance

    Raises
    ------
    TypeError, ValueError
        As `significance`, or if a network has no layers.

    References
    ----------
    Westfall & Young (1993), "Resampling-Based Multiple Testing", Sec. 2.3, single step.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = {"fc1": rng.normal(size=(60, 8)), "fc2": rng.normal(size=(60, 50))}
    >>> y = {"fc1": x["fc1"] + rng.normal(size=(60, 8))}
    >>> found = layer_significance("cka", x, y, generator=rng)
    >>> found.values.values.round(2).ravel(), found.null.values.round(2).ravel()
    (array([0.59, 0.21]), array([0.12, 0.23]))
    >>> found.p_values.values.round(3).ravel()
    array([0.005, 1.   ])
    """
    found = _found(measure, layers_x, layers_y, permutations, generator, rows)
    every = np.concatenate([found.values[None], found.drawn])
    deviation = every.std(0)
    moves = deviation > _TIE  # a pair that no permutation moves says nothing
    scaled = (every - every.mean(0)) / np.where(moves, deviation, 1.0) * moves
    largest = scaled[1:].max((1, 2))
    at_least = (largest[:, None, None] >= scaled[0] - _TIE).sum(0)
    p_values = (1 + at_least) / (1 + permutations)
    names = tuple(layers_x), tuple(layers_y)
    values, null, p_values = (
        LayerMatrix(matrix, *names, name, found.n)
        for matrix, name in (
            (found.values, found.name),
            (found.null, f"chance of {found.name}"),
            (p_values, f"p-value of {found.name}"),
        )
    )
    return LayerSignificance(values, null, found.exact, p_values, found.n)


@dataclass(frozen=True, eq=False)
class _Found:
    """Values and null (lx, ly), and values under each permutation (N, lx, ly)."""

    values: np.ndarray
    null: np.ndarray
    drawn: np.ndarray
    exact: bool
    n: int
    name: str


def _found(measure, layers_x, layers_y, permutations, generator, rows) -> _Found:
    """Check everything, draw rows and permutations, and measure all pairs."""
    function, name = _function(measure)
    _check_counts(permutations, generator, rows)
    xs, ys = _checked_layers(layers_x, layers_y)
    n = len(xs[0])
    if rows is not None and rows < n:
        drawn = np.sort(generator.choice(n, rows, replace=False))
        xs, ys = ([side[drawn] for side in layers] for layers in (xs, ys))
        n = int(rows)
    orders = [generator.permutation(n) for _ in range(int(permutations))]
    if function is cka and n <= _MOST_GRAM:
        return _Found(*_by_kernels(xs, ys, orders), exact=True, n=n, name=name)
    values = _pairs(function, xs, ys)
    with warnings.catch_warnings():  # the same of each permutation, told once above
        warnings.simplefilter("ignore")
        drawn = np.stack([_pairs(function, xs, [y[o] for y in ys]) for o in orders])
        form = next((c for c in CLOSED if MEASURES[c] is function), None)
        null = drawn.mean(0)
        if form:
            null = _pairs(lambda x, y: chance_level(x, y, measure=form).mean, xs, ys)
    return _Found(values, null, drawn, form is not None, n, name)


def _by_kernels(xs, ys, orders) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Linear CKA of all pairs under all orders, of Gram matrices made once."""
    pairs = [centred(x, ys[0])[0] for x in xs], [centred(xs[0], y)[1] for y in ys]
    of_x, of_y = (np.stack([side @ side.T for side in layers]) for layers in pairs)
    for kernels in (of_x, of_y):
        kernels /= np.linalg.norm(kernels, axis=(1, 2), keepdims=True)
    n = len(of_x[0])
    flat = of_x.reshape(len(xs), -1)

    def against(kernels):
        return np.minimum(flat @ kernels.reshape(len(ys), -1).T, 1.0)

    traces = [kernels.trace(axis1=1, axis2=2) for kernels in (of_x, of_y)]
    null = np.minimum(np.multiply.outer(*traces) / (n - 1), 1.0)
    drawn = np.stack([against(of_y[:, o[:, None], o]) for o in orders])
    return against(of_y), null, drawn


def _pairs(function, xs, ys) -> np.ndarray:
    return np.array([[float(function(x, y)) for y in ys] for x in xs])


def _function(measure: Measure) -> tuple[Callable[[Any, Any], float], str]:
    """Function of a measure, and its name."""
    if isinstance(measure, str):
        if measure not in MEASURES:
            raise ValueError(
                f"measure is {measure!r}; {did_you_mean(measure, MEASURES)}choose one "
                f"of {', '.join(MEASURES)}, or pass a function of two arrays"
            )
        return MEASURES[measure], measure
    if not callable(measure):
        raise TypeError(
            f"measure is {measure!r}; pass a name such as 'cka', or a function of two "
            "arrays that returns a number"
        )
    name = getattr(measure, "__name__", type(measure).__name__)
    return measure, name


def _check_counts(permutations, generator, rows) -> None:
    check_permutations(permutations, generator, least=1)
    if rows is not None and (rows != int(rows) or rows < 4):
        raise ValueError(
            f"rows is {rows} but must be a whole number from 4, e.g. 500, or None for "
            "all"
        )


def _checked_layers(layers_x, layers_y) -> tuple[list, list]:
    """Layers as arrays or tensors that can be indexed, each found fit for the room."""
    if not layers_x or not layers_y:
        raise ValueError(
            f"there are {len(layers_x)} layers of X and {len(layers_y)} of Y; pass at "
            "least one of each"
        )
    xs, ys = (
        [arrays.features_matrix(side) for side in layers.values()]
        for layers in (layers_x, layers_y)
    )
    several = len(xs) + len(ys) > 2
    pairs = [(x, 0) for x in range(len(xs))] + [(0, y) for y in range(1, len(ys))]
    for i, j in pairs:
        try:
            centred(xs[i], ys[j])
        except ValueError as error:
            if not several:
                raise
            names = list(layers_x)[i], list(layers_y)[j]
            raise ValueError(
                f"X is layer {names[0]!r}, Y is layer {names[1]!r}: {error}"
            ) from None
    return xs, ys
