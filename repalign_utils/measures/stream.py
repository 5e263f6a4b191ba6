"""Alignment of rows that come in batches, of many layers at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import arrays
from ..arrays import Array, Values
from .alignment import Alignment
from .decompose import by_factor
from .gram import Design, Triangle
from .spectral import from_spectrum, measured

_FEW = 2**8  # columns below which the factor grows no smaller


class AlignmentStream:
    """Alignment of layers with targets, of rows that come in batches.

    Rows of a layer with m columns (its own and the constant one) are kept, in their
    own dtype, while there are fewer than m. From then on they go into a triangular
    factor (`measures.gram.Triangle`), in float64 on the layer's device, which
    takes 16 m^2 bytes however many rows come. The result is that of ``alignment`` on
    all rows at once: with ``method="svd"`` where there is a factor, else with its
    default.

    Streams of parts of the rows are merged, in any order, and can be pickled, on the
    way without their device. So processes that each pass their own rows end up with
    the alignment of all of them::

        streams = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(streams, stream)
        total = functools.reduce(AlignmentStream.merge, streams)

    No row may come twice: a ``torch.utils.data.DistributedSampler`` repeats some
    unless the processes divide the rows; `rows` tells.

    Parameters
    ----------
    layers : iterable of str, or one str
        Names of the layers.
    bias, normalize : bool
        As in `repalign_utils.alignment`.
    rows : int, optional
        How many rows there will be in all, where that is known. A layer with no more
        columns is then never kept, and `result` refuses another number.

    Attributes
    ----------
    layers : tuple of str

    Raises
    ------
    ValueError
        If no layer is named.

    References
    ----------
    Demmel, Grigori, Hoemmen & Langou (2012), "Communication-optimal parallel and
    sequential QR and LU factorizations", on the triangular factor of rows in parts.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> hidden, y = rng.normal(size=(90, 5)), rng.normal(size=90)
    >>> halves = AlignmentStream("hidden"), AlignmentStream("hidden")
    >>> for start in range(0, 90, 30):
    ...     rows = slice(start, start + 30)
    ...     halves[start % 20 > 0].update({"hidden": hidden[rows]}, y[rows])
    >>> halves[0].merge(halves[1]).result()
    {'hidden': Alignment(n=90, rank=6, targets=1, method='svd')}
    """

    def __init__(
        self,
        layers: Iterable[str] | str,
        *,
        bias: bool = True,
        normalize: bool = True,
        rows: int | None = None,
    ) -> None:
        self.layers = names = names_of(layers, "layers")
        self._made = {"layers": sorted(names), "bias": bias, "normalize": normalize}
        self._made["rows"] = rows
        self._rows = {name: _Rows(bias, normalize, rows) for name in names}
        self._targets = arrays.TargetSums(0, np.zeros(()), np.zeros(()))
        self._is_whole = True

    @property
    def n(self) -> int:
        """Rows so far."""
        return self._targets.rows

    def update(self, batch: Mapping[str, Values], targets: Values) -> None:
        """Take up the next rows.

        Parameters
        ----------
        batch : mapping of str to array (b, d)
            Features of each layer, of any kind that `repalign_utils.alignment` takes;
            layers that the stream was not made for are passed over. The arrays may be
            written over afterwards.
        targets : array (b,) or (b, k)
            Of the same rows.

        Raises
        ------
        TypeError
            If an array is complex, boolean or holds no numbers.
        ValueError
            If a layer is not there, rows differ, columns or dtypes are others than
            before, or an entry is not finite; the layer is named.
        """
        self._check_whole()
        features = {name: self._features(batch, name) for name in self.layers}
        first = self.layers[0]
        b = len(features[first])
        for name, array in features.items():
            if len(array) != b:
                raise ValueError(
                    f"layer {name!r} has {len(array)} rows but layer {first!r} has {b} "
                    "in the same batch; pass the same rows of all layers"
                )
        columns, sums = arrays.target_columns(targets, np.empty((b, 0)), start=self.n)
        self._check_targets(sums)
        columns = arrays.with_ones(columns)  # a copy: kept rows outlive the caller's
        self._is_whole = False
        for name, array in features.items():
            with _naming(name):
                self._rows[name].add(array, columns)
        self._targets += sums
        self._is_whole = True

    def merge(self, other: AlignmentStream) -> AlignmentStream:
        """Take up all rows of another stream, which stays as it is.

        Parameters
        ----------
        other : AlignmentStream
            Of the same layers and options.

        Returns
        -------
        AlignmentStream
            This one.

        Raises
        ------
        ValueError
            If layers, options, columns or dtypes differ.
        """
        check_alike(self._made, other._made)
        self._check_whole()
        other._check_whole()
        self._check_targets(other._targets)
        for name in self.layers:
            with _naming(name):
                self._rows[name].check(other._rows[name].kind)
        self._is_whole = False
        for name in self.layers:
            with _naming(name):
                self._rows[name].merge(other._rows[name])
        self._targets += other._targets
        self._is_whole = True
        return self

    def result(self) -> dict[str, Alignment]:
        """Alignment of all rows so far; more may follow.

        Returns
        -------
        dict
            Layer -> `Alignment`, in the order of `layers`.

        Raises
        ------
        ValueError
            If no row has come, or another number than was announced, a target or all
            features of a layer are zero, or an entry that was kept is not finite.

        Warns
        -----
        UserWarning
            Of targets that look like labels, as `repalign_utils.alignment` does.
        """
        self._check_whole()
        rows = self._made["rows"]
        if rows not in (None, self.n):
            raise ValueError(
                f"rows is {rows} but {self.n} have come; pass each row once, or leave "
                "rows out"
            )
        if not self.n:
            raise ValueError("no row has come yet; pass batches to update first")
        self._targets.check()
        self._targets.warn(stacklevel=3)
        return measured_layers(self)

    def _features(self, batch: Mapping[str, Values], name: str) -> Array:
        if name not in batch:
            raise ValueError(
                f"the batch has no layer {name!r}, only {', '.join(batch) or 'none'}; "
                f"pass features of all of {', '.join(self.layers)}"
            )
        with _naming(name):
            features = arrays.features_matrix(batch[name])
            self._rows[name].check(_kind_of(features))
        return features

    def _check_targets(self, sums: arrays.TargetSums) -> None:
        k, expected = sums.total.size, self._targets.total.size
        if self.n and sums.rows and k != expected:
            raise ValueError(
                f"targets have {k} columns after {expected} before; pass the same "
                "targets of all rows"
            )

    def _check_whole(self) -> None:
        if not self._is_whole:
            raise ValueError(
                "an error stopped this stream while it took up rows, so that some "
                "layers have more of them than others; begin again with a new one"
            )


def names_of(layers: Iterable[str] | str, which: str) -> tuple[str, ...]:
    """Names of layers, each once; a ValueError where there is none."""
    names = (layers,) if isinstance(layers, str) else tuple(dict.fromkeys(layers))
    if not names:
        raise ValueError(f"{which} is empty; pass the name of one layer at least")
    return names


def check_alike(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """Raise a ValueError unless streams that were made so can be merged."""
    for option, value in mine.items():
        if value != theirs[option]:
            raise ValueError(
                f"{option} is {value} here but {theirs[option]} there; merge streams "
                "of the same layers and options"
            )


def measured_layers(stream: AlignmentStream) -> dict[str, Alignment]:
    """As `AlignmentStream.result`, of targets that have been checked."""
    found = {}
    for name, rows in stream._rows.items():
        with _naming(name):
            found[name] = rows.result(stream._targets)
    return found


def bytes_of_layer(
    shape: tuple[int, int], targets: int, *, bias: bool, itemsize: int
) -> int:
    """What `AlignmentStream` takes for a layer, the number of rows known beforehand.

    Parameters
    ----------
    shape : (n, d)
        Of the features of all rows.
    targets : int
        Columns of the targets, k.
    bias : bool
        Whether a constant column is appended.
    itemsize : int
        Bytes of an entry of the features.

    Examples
    --------
    >>> bytes_of_layer((10, 20), 1, bias=True, itemsize=8)
    1600
    """
    n, d = shape
    if n < d + bias:
        return n * d * itemsize
    return 8 * 2 * max(d + 1, _FEW) * (d + 2 + targets)  # with the ones beside them


def _kind_of(features: Array) -> tuple[int, str, float]:
    """Columns, dtype and precision, which all rows of a layer share."""
    precision = arrays.precision(features)
    return features.shape[1], arrays.dtype_name(features), precision


class _Rows:
    """Rows of one layer: kept while they are fewer than columns, then a triangle."""

    def __init__(self, bias: bool, normalize: bool, expected: int | None) -> None:
        self._options = {"bias": bias, "normalize": normalize}
        self._expected = expected
        self._n = 0
        self.kind: tuple[int, str, float] | None = None
        self._kept: Any = None  # room (at least n, d) in the dtype of the features
        self._targets: list[Any] = []  # of rows kept, shared by the layers
        self._triangle: Triangle | None = None

    def __getstate__(self) -> dict[str, Any]:
        kept = self._kept
        if kept is not None:
            kept = kept[: self._n]
            kept = kept.cpu().clone() if arrays.is_tensor(kept) else kept
        return {**self.__dict__, "_kept": kept}

    def check(self, kind: tuple[int, str, float] | None) -> None:
        """Raise unless rows of this kind can follow those before."""
        if self.kind and kind and kind != self.kind:
            raise ValueError(
                f"features have {kind[0]} columns of {kind[1]} after {self.kind[0]} of "
                f"{self.kind[1]} before; pass the same features of all rows"
            )

    def add(self, features: Array, targets: np.ndarray) -> None:
        """Take up rows of features (b, d) and of the targets (b, k)."""
        self.kind = _kind_of(features)
        if self._triangle is None and self._are_few(len(features)):
            self._keep(features, [targets])
        else:
            self._sum(features, [targets], start=self._n)
        self._n += len(features)

    def merge(self, other: _Rows) -> None:
        """Take up all rows of another layer, which is left as it is."""
        if not other._n:
            return
        self.kind = other.kind
        both_kept = self._triangle is None and other._triangle is None
        if both_kept and self._are_few(other._n):
            self._keep(other._kept[: other._n], other._targets)
        elif other._triangle is None:
            self._sum(other._kept[: other._n], other._targets, start=self._n)
        else:
            self._settled().merge(other._triangle)
        self._n += other._n

    def result(self, sums: arrays.TargetSums) -> Alignment:
        """Alignment with targets of these sums."""
        if self._triangle is None:
            features = self._kept[: self._n]
            targets = np.concatenate(self._targets)[:, :-1]  # without the ones
            columns = arrays.beside(targets, features)
            return measured(Design(features, **self._options), columns)
        assert self.kind is not None
        m, r = self._triangle.width, self._triangle.factor()
        found = by_factor(r[:, :m], r[:, m:], (self._n, m), self.kind[2])
        return from_spectrum(found, sums.energy, sums.total, self._n, "svd")

    def _width(self) -> int:
        """Columns m of Phi."""
        assert self.kind is not None
        return self.kind[0] + self._options["bias"]

    def _are_few(self, more: int) -> bool:
        """Whether with `more` there are, or will be, fewer rows than columns."""
        return (self._expected or self._n + more) < self._width()

    def _keep(self, features: Any, targets: list[np.ndarray]) -> None:
        stop = self._n + len(features)
        if self._kept is None or stop > len(self._kept):
            length = max(stop, self._expected or 2 * self._n)
            shape = length, features.shape[1]
            if arrays.is_tensor(features):
                room = features.new_empty(shape)
            else:
                room = np.empty(shape, features.dtype)
            if self._kept is not None:
                arrays.fill(room[: self._n], self._kept[: self._n])
            self._kept = room
        arrays.fill(self._kept[self._n : stop], features)
        self._targets = self._targets + targets

    def _settled(self) -> Triangle:
        """The triangle, at first of the rows that were kept."""
        if self._triangle is None:
            kept: Any = self._kept
            targets, self._kept, self._targets = self._targets, None, []
            self._triangle = Triangle(self._width())
            if kept is not None:
                self._sum(kept[: self._n], targets, start=0)
        return self._triangle

    def _sum(self, features: Array, targets: list[np.ndarray], *, start: int) -> None:
        triangle = self._settled()
        design = Design(features, **self._options, start=start)
        columns = arrays.beside(np.concatenate(targets), features)
        for rows, part in design.row_blocks(columns):
            triangle.add(rows, part)


@contextmanager
def _naming(layer: str) -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"layer {layer!r}: {error}") from None
