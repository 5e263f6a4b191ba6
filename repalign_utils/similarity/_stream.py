"""Similarity of all pairs of layers, of rows that come in batches."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from .. import arrays
from ..arrays import Array, Values
from ..measures.memory import bytes_of, size
from ..measures.stream import check_alike, names_of
from ._bases import Basis, Remainder
from ._batches import LEAST, Batches
from ._canonical import forced_ones
from ._cca import kept_share
from ._kernels import Kernels
from ._matrix import LayerMatrix
from ._pairs import MEASURES, Measure
from ._sums import Sums, bytes_of_sums

__all__ = ["SimilarityStream"]

_SMALLEST, _LARGEST = 1e-70, 1e70  # entries whose fourth powers float64 can sum
OF_BATCHES = "minibatch_cka"
Side = tuple[str, str]  # "x" or "y", and the name of a layer


class SimilarityStream:
    """Similarity of all pairs of layers, of rows that come in batches.

    Sums of products of all pairs of layers are kept, in float64 on the device of the
    first layer: of layers with P columns in one network and Q in the other about
    8 P Q bytes, however many rows come. Every measure of all rows follows from
    them, the debiased CKA exactly: with centred rows x of one layer and y of another
    its numerator is

        ||X' Y||^2 - n / (n - 2) sum |x|^2 |y|^2
            + sum |x|^2 sum |y|^2 / ((n - 1) (n - 2)),

    and what centring leaves of the middle sum, all of whose rows have gone by, is in
    the sums of |x|^2, |x|^2 y, |y|^2 x, |x|^2 |y|^2 beside those of X' Y. Being made
    of squares, they do not see directions whose variance is below 1e-14 or so of the
    largest.

    Streams of parts of the rows are merged, in any order, and can be pickled, on the
    way without their device, as `repalign_utils.AlignmentStream` can.

    Parameters
    ----------
    layers_x : iterable of str, or one str
        Names of layers of one network.
    layers_y : iterable of str, or one str, optional
        Of the other. None: each pair of `layers_x` is compared, its products made
        once.
    minibatch : bool
        Keep what the minibatch form of CKA needs (Nguyen et al. 2021), and that alone:
        one number per pair of layers. Its value depends on the batches.
    memory : str or int
        What the sums may take, such as "4GB"; None for no limit.

    Attributes
    ----------
    layers_x, layers_y : tuple of str
    n : int
        Rows so far.

    Raises
    ------
    ValueError
        If no layer is named on a side.

    References
    ----------
    Kornblith, Norouzi, Lee & Hinton (2019), "Similarity of neural network
    representations revisited"; Song et al. (2012), "Feature selection via dependence
    maximization", on the unbiased HSIC; Nguyen, Raghu & Kornblith (2021), "Do wide and
    deep networks learn the same things?", on minibatches; Chan, Golub & LeVeque
    (1983), "Algorithms for computing the sample variance", on sums about a point.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> early, late = rng.normal(size=(2, 90, 5))
    >>> halves = [SimilarityStream(["early", "late"]) for _ in range(2)]
    >>> for half, rows in zip(halves, (slice(0, 40), slice(40, 90))):
    ...     half.update({"early": early[rows], "late": late[rows]})
    >>> halves[0].merge(halves[1]).result("cka").values.round(3)
    array([[1.   , 0.057],
           [0.057, 1.   ]])
    """

    def __init__(
        self,
        layers_x: Iterable[str] | str,
        layers_y: Iterable[str] | str | None = None,
        *,
        minibatch: bool = False,
        memory: str | int | None = "4GB",
    ) -> None:
        self.layers_x = names_of(layers_x, "layers_x")
        one = layers_y is None
        self.layers_y = (
            self.layers_x if layers_y is None else names_of(layers_y, "layers_y")
        )
        self._sides: list[Side] = [("x", name) for name in self.layers_x]
        if not one:
            self._sides += [("y", name) for name in self.layers_y]
        self._others = None if one else len(self.layers_x)
        self._minibatch = minibatch
        self._memory = bytes_of(memory)
        self._widths: list[int] = []
        self._sums: Any = None  # Sums, Batches or Kernels, once widths are known
        self.n = 0

    def update(
        self, batch_x: Mapping[str, Values], batch_y: Mapping[str, Values] | None = None
    ) -> None:
        """Take up the next rows, all of them or none.

        Parameters
        ----------
        batch_x, batch_y : mappings of str to array (b, d)
            Features of each layer, of any kind that `repalign_utils.alignment` takes,
            for the same rows; `batch_y` where the stream has `layers_y`. Layers that
            it was not made for are passed over. The arrays may be written over
            afterwards.

        Raises
        ------
        TypeError
            If an array is complex, boolean or holds no numbers.
        ValueError
            If a layer is not there, rows differ, columns are others than before, an
            entry is not finite, or the sums would take more than `memory`.
        """
        self.add(self.checked(batch_x, batch_y))

    def add(self, features: list[Array]) -> None:
        """Take up what `checked` gave; raises as `update` where widths do not fit."""
        self._begin([array.shape[1] for array in features])
        self._sums.add(features)
        self.n += len(features[0])

    def checked(self, batch_x: Mapping, batch_y: Mapping | None) -> list[Array]:
        """Features of all layers, of the same rows; raises as `update`."""
        if (batch_y is None) is not (self._others is None):
            there = "no layers_y" if self._others is None else "layers_y"
            raise ValueError(
                f"the stream has {there}; pass "
                + ("batch_x alone" if self._others is None else "batch_x and batch_y")
            )
        batches = {"x": batch_x, "y": batch_y or {}}
        features = [self._features(batches, *side) for side in self._sides]
        b = len(features[0])
        for (side, name), array in zip(self._sides, features, strict=True):
            if len(array) != b:
                raise ValueError(
                    f"layer {name!r} of {side} has {len(array)} rows but layer "
                    f"{self.layers_x[0]!r} of x has {b} in the same batch; pass the "
                    "same rows of all layers"
                )
        return features

    def _features(self, batches: Mapping, side: str, name: str) -> Array:
        if name not in batches[side]:
            raise ValueError(
                f"batch_{side} has no layer {name!r}, only "
                f"{', '.join(batches[side]) or 'none'}; pass features of all of "
                f"{', '.join(getattr(self, f'layers_{side}'))}"
            )
        try:
            features = arrays.features_matrix(batches[side][name])
            arrays.check_finite(features, "features", self.n)
            _check_range(features)
        except (TypeError, ValueError) as error:
            raise type(error)(f"layer {name!r} of {side}: {error}") from None
        return features

    def take_all(self, kernels: Kernels) -> None:
        """Take up all rows that there will be, for measures that need kernels alone."""
        self._sums, self.n = kernels, kernels.n

    def _begin(self, widths: list[int]) -> None:
        if not self._widths:
            needed = bytes_of_sums(widths, self._others)
            if not self._minibatch and needed > self._memory:
                raise ValueError(
                    f"the sums of {len(widths)} layers with {sum(widths):,} columns "
                    f"take {size(needed)}, above memory={size(self._memory)}; name "
                    "fewer layers, pass more memory, or minibatch=True, which keeps "
                    "one number per pair of layers"
                )
            self._widths = widths
            self._sums = (
                Batches(len(widths), self._others, self._memory)
                if self._minibatch
                else Sums(widths, self._others)
            )
        self._check_widths(widths)

    def _check_widths(self, widths: list[int]) -> None:
        pairs = zip(self._sides, self._widths, widths, strict=True)
        for (side, name), expected, width in pairs:
            if width != expected:
                raise ValueError(
                    f"layer {name!r} of {side} has {width} columns after {expected} "
                    "before; pass the same features of all rows"
                )

    def merge(self, other: SimilarityStream) -> SimilarityStream:
        """Take up all rows of another stream, which stays as it is.

        Parameters
        ----------
        other : SimilarityStream
            Of the same layers, in the same order, and the same `minibatch`.

        Returns
        -------
        SimilarityStream
            This one.

        Raises
        ------
        ValueError
            If layers, columns or `minibatch` differ.
        """
        mine, theirs = (
            {"layers": stream._sides, "minibatch": stream._minibatch}
            for stream in (self, other)
        )
        check_alike(mine, theirs)
        if other.n:
            self._begin(other._widths)
            self._sums.merge(other._sums)
            self.n += other.n
        return self

    def result(
        self,
        measure: str | None = None,
        *,
        keep: float = 0.99,
        keep_of: str = "singular_values",
    ) -> LayerMatrix:
        """Similarity of each layer of X with each of Y, of all rows so far.

        Parameters
        ----------
        measure : {"debiased_cka", "cka", "cca", "svcca", "pwcca"} or "minibatch_cka"
            None: "debiased_cka" (Kornblith et al. 2019, with the unbiased HSIC), which
            does not rise with the columns as "cka" does; of a stream with
            ``minibatch=True`` "minibatch_cka", its only one. "cca" is the mean
            correlation; "pwcca" has weights from the layer of the row.
        keep, keep_of
            As in `svcca`, of that measure alone.

        Returns
        -------
        LayerMatrix
            From 0 to 1; debiased values may lie below 0.

        Raises
        ------
        ValueError
            If the measure is unknown or not kept, rows are too few, or a layer is
            constant.

        Warns
        -----
        UserWarning
            Of pairs whose ranks add up to more than n - 1, as in `cca`, once.
        """
        known = (OF_BATCHES,) if self._minibatch else tuple(MEASURES)
        measure = measure or known[0]
        check_measure(measure, known)
        kept = kept_share(keep, keep_of)
        least = LEAST if measure.startswith(("debiased", "mini")) else 2
        if self.n < least:
            raise ValueError(
                f"{self.n} rows have come but {measure} needs {least}; pass more to "
                "update first"
            )
        if self._minibatch:
            values = self._over_batches()
        else:
            found = MEASURES[measure]
            if measure == "svcca":
                found = found._replace(prepare=partial(found.prepare, keep=kept))
            values = self._over_rows(found)
        return LayerMatrix(values, self.layers_x, self.layers_y, measure, self.n)

    def _over_batches(self) -> np.ndarray:
        shared, own = self._sums.result()
        for (side, name), value in zip(self._sides, own, strict=True):
            if not value > 0:
                raise ValueError(_nothing(name, side, "batches, once debiased"))
        first = self._others or len(own)
        norms = np.sqrt(own)
        values = shared / np.outer(norms[:first], norms[self._others or 0 :])
        return np.minimum(values, 1.0)

    def _over_rows(self, measure: Measure) -> np.ndarray:
        common = self._sums.norms if measure.of_norms else self._sums.pair
        layers = []
        for k, (side, name) in enumerate(self._sides):
            layer = self._sums.layer(k)
            if not layer.energy > 0:
                raise ValueError(_nothing(name, side, f"{self.n} rows"))
            try:
                layers.append(measure.prepare(layer))
            except ValueError as error:
                raise ValueError(f"layer {name!r} of {side}: {error}") from None
        values = np.ones((len(self.layers_x), len(self.layers_y)))
        first = self._others or 0
        for i, j in np.ndindex(values.shape):
            if first or i < j:
                x, y, shared = layers[i], layers[first + j], common(i, first + j)
                values[i, j] = measure.compare(x, y, shared)
                if not first:
                    back = shared if measure.of_norms else shared.T
                    values[j, i] = measure.compare(y, x, back)
        if isinstance(layers[0], Basis | Remainder):
            self._warn_of_forced(layers)
        return np.minimum(values, 1.0)

    def _warn_of_forced(self, bases: list[Basis | Remainder]) -> None:
        first, forced = self._others or 0, {}
        for i, x in enumerate(self.layers_x):
            for j, y in enumerate(self.layers_y):
                if first or i < j:
                    forced[x, y] = forced_ones(bases[i], bases[first + j], self.n)
        worst = max(forced, key=lambda pair: forced[pair], default=None)
        if worst and forced[worst]:
            warnings.warn(
                f"canonical correlations of {sum(map(bool, forced.values()))} of "
                f"{len(forced)} pairs of layers are 1 for want of rows alone, most of "
                f"{worst[0]} with {worst[1]} ({forced[worst]}): their ranks add up to "
                f"more than n - 1 = {self.n - 1}; pass more rows, or leave out wide "
                "layers",
                stacklevel=4,
            )


def check_measure(measure: str, known: Iterable[str] = (*MEASURES, OF_BATCHES)) -> None:
    """Raise a ValueError unless this is one of the measures that a stream gives."""
    if measure not in known:
        raise ValueError(
            f"measure is {measure!r} but must be one of {', '.join(known)}; of a "
            f"stream with minibatch=True it is {OF_BATCHES}, and of no other"
        )


def _check_range(features: Array) -> None:
    largest = float(abs(arrays.beside(features, features)).max())
    if not _SMALLEST < largest < _LARGEST and largest:
        raise ValueError(
            f"the largest entry is {largest:.3g}, whose fourth power float64 cannot "
            "hold; divide the features by their largest entry, of all rows"
        )


def _nothing(name: str, side: str, where: str) -> str:
    return (
        f"layer {name!r} of {side} is the same in all {where}, so nothing can be "
        "similar to it; leave out a layer that does not react to the inputs"
    )
