"""Alignment of many layers of one network, measured while the data pass through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from .. import arrays
from ..measures.decompose import by_factor
from ..measures.gram import Design, Triangle
from ..measures.memory import bytes_of
from ..measures.spectral import Alignment, from_spectrum, measured
from .model_inputs import Batch, open_inputs, place_of
from .passes import halving, one_pass
from .places import Known, Place, places_of
from .positions import as_matrix, check_positions, checked_mask, mask_of

if TYPE_CHECKING:
    from ..arrays import Values

__all__ = ["layer_alignment"]


def layer_alignment(
    model: nn.Module,
    inputs: Any,
    targets: Values,
    layers: Iterable[str] | str | None = None,
    *,
    positions: str = "mean",
    mask: Values | None = None,
    samples_axis: int | Mapping[str, int] | None = None,
    channels_axis: int | Mapping[str, int] | None = None,
    batch_size: int = 256,
    bias: bool = True,
    normalize: bool = True,
    memory: str | int | None = "4GB",
    report: Callable[[int, int], None] | None = None,
) -> dict[str, Alignment]:
    """Alignment of every named layer with the targets, in one pass over the inputs.

    The model runs in evaluation mode, without gradients, and is left as it was. A
    layer with no more columns than there are rows, m <= n, is never stored: its rows
    go into a triangular factor (`measures.gram.Triangle`), in float64 on the
    layer's device, and the result is that of ``alignment(..., method="svd")``. It
    takes 16 m^2 bytes however large n is. The rows of a wider layer are kept, in its
    own dtype, and measured by `alignment` at the end.

    Before, the model is run on two and on three rows. The axis that grows is that of
    the samples. The axis of the channels is known from convolutions, linear and
    recurrent layers, and followed from there (`networks.channel_axes`). What
    remains uncertain is refused, never guessed.

    Parameters
    ----------
    model : torch module, on any device, also compiled or in DataParallel
    inputs : n rows of any kind that `record_layers` takes
        Those that can be read only once, such as a generator, must do in one pass.
    targets : array (n,) or (n, k)
        A vector is one target, k = 1.
    layers : iterable of str, or one str
        As in `record_layers`.
    positions : {"mean", "flatten"}
        What becomes of an output that has other axes than samples and channels. "mean"
        averages over them, in the layer's own dtype. "flatten" makes every entry a
        feature.
    mask : array (n, t)
        Positions that count, as 1 or True; the others, such as padding, are left out
        of the mean, and zero if flattened. None: ``attention_mask`` of named inputs
        (b, t), where there is one. Layers with positions need t of them.
    samples_axis, channels_axis : int, or dict name -> int
        Axes of a layer's output where they are not recognised.
    batch_size : int
        Rows at once; halved, with a warning, as often as memory runs out.
    bias, normalize : bool
        As in `alignment`.
    memory : str or int
        What factors and kept rows may take together, such as "4GB"; None for no limit.
        Layers that do not fit wait for a further pass over the inputs, or several.
    report : callable
        Called after each batch with the rows done and the rows to do, both summed over
        passes.

    Returns
    -------
    dict
        Name -> `Alignment`, in the order of `layers`.

    Raises
    ------
    TypeError
        If the inputs are of no kind that is taken, or targets are complex, boolean or
        no numbers.
    ValueError
        If a name or `positions` is unknown, rows of inputs, targets, mask and outputs
        differ, a layer asked for by name cannot be measured or is too large for
        `memory`, an axis is not certain, or `alignment` raises; the layer is named.
    RuntimeError
        If memory runs out (torch.OutOfMemoryError) with batches of a single row, or
        inputs have to be read again that can be read only once.

    References
    ----------
    Imani, Hu & White (2022), "Representation Alignment in Neural Networks", TMLR, on
    the alignment of hidden layers; Demmel, Grigori, Hoemmen & Langou (2012),
    "Communication-optimal parallel and sequential QR and LU factorizations", on the
    triangular factor of rows that come in parts.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten())
    >>> images = torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    >>> for name, found in layer_alignment(net, images, [1.0, -1.0] * 10).items():
    ...     print(name, found.energy.shape)
    0 (4, 1)
    1 (13, 1)
    """
    check_positions(positions)
    limit = bytes_of(memory)
    source = open_inputs(inputs, place_of(model)[1])
    n = len(targets) if source.n is None else source.n  # pyright: ignore
    columns: Any = arrays.targets_matrix(targets, np.empty((n, 0)), name="inputs")
    given = checked_mask(mask, n)
    options = {"bias": bias, "normalize": normalize}
    found: dict[str, Alignment] = {}
    places: list[Place] = []
    passes = 0

    def take(place: Place, output: torch.Tensor, batch: Batch, rows: slice):
        return as_matrix(place, output, positions, mask_of(batch, rows, given))

    def attempt(size: int) -> _Group:
        if not places:
            first = source.first(size)
            masked = mask_of(first, slice(0, len(first)), given)
            known = Known(
                positions=positions == "mean" or masked is not None,
                masked=None if masked is None else masked.shape[1],
                samples_axis=samples_axis,
                channels_axis=channels_axis,
            )
            places.extend(places_of(model, layers, first, known))
        waiting = [place for place in places if place.name not in found]
        group = _Group(columns, options, limit, passes, report)
        batches = source.batches(size)
        one_pass(model, batches, waiting, take=take, use=group.add, n=n)
        return group

    while not places or len(found) < len(places):
        group, batch_size = halving(attempt, n, batch_size)
        found |= group.results()
        passes += 1
    return {place.name: found[place.name] for place in places}


class _Group:
    """Layers measured in one pass: all that stream, and wide ones while they fit."""

    def __init__(self, columns: np.ndarray, options: dict, memory, before, report):
        self._columns = columns
        self._options = options
        self._memory = memory
        self._before = before  # passes
        self._report = report
        self._passes = 0
        self._layers: dict[str, _Stream | _Kept] = {}
        self._widths: dict[str, int] = {}

    def add(self, rows: slice, outputs: dict[str, torch.Tensor]) -> set[str]:
        """Take up one batch; names of the layers that wait for a later pass."""
        if rows.start == 0:
            self._choose(outputs)
        later = outputs.keys() - self._layers.keys()
        for name, layer in self._layers.items():
            with _naming(name):
                self._check_width(name, outputs[name].shape[1])
                layer.add(rows, outputs[name])
        if self._report:
            n = len(self._columns)
            self._report(self._before * n + rows.stop, self._passes * n)
        return later

    def _check_width(self, name: str, width: int) -> None:
        expected = self._widths.setdefault(name, width)
        if width != expected:
            raise ValueError(
                f"it has {width} columns after {expected} in the first batch; pad all "
                'inputs to one length, or pass positions="mean"'
            )

    def _choose(self, outputs: dict[str, torch.Tensor]) -> None:
        """Lay out layers over passes by their sizes; take those of the first."""
        n = len(self._columns)
        free, passes = self._memory, 1
        for name, output in outputs.items():
            width = output.shape[1]
            kind = _Stream if n >= width + self._options["bias"] else _Kept
            needed = kind.bytes_for(output, self._columns)
            if needed > self._memory:
                raise ValueError(
                    f"layer {name!r} has {width:,} columns in {n:,} rows, which take "
                    f"{needed:,} bytes, above memory={self._memory:,.0f}; pass "
                    f'memory={needed}, fewer rows, or positions="mean"'
                )
            if needed > free:
                free, passes = self._memory, passes + 1
            free -= needed
            if passes == 1:
                self._layers[name] = kind(self._columns, self._options)
        self._passes = self._before + passes

    def results(self) -> dict[str, Alignment]:
        found = {}
        while self._layers:  # what is measured is given back at once
            name = next(iter(self._layers))
            with _naming(name):
                found[name] = self._layers.pop(name).result()
        return found


_FEW = 2**8  # columns below which the factor grows no smaller


class _Stream:
    """A layer with m <= n: rows go into the triangular factor as they come."""

    @staticmethod
    def bytes_for(output: torch.Tensor, columns: np.ndarray) -> int:
        """What the factor takes, with a column for the bias."""
        width = output.shape[1] + 1
        return 8 * 2 * max(width, _FEW) * (width + columns.shape[1])

    def __init__(self, columns: np.ndarray, options: dict):
        self._columns = columns
        self._options = options
        self._triangle: Triangle | None = None
        self._precision = 0.0

    def add(self, rows: slice, output: torch.Tensor) -> None:
        features = arrays.features_matrix(output)
        design = Design(features, **self._options, start=rows.start)
        if self._triangle is None:
            self._triangle = Triangle(design.shape[1])
        self._precision = max(self._precision, arrays.precision(features))
        targets = arrays.beside(self._columns[rows], features)
        for block, part in design.row_blocks(targets):
            self._triangle.add(block, part)

    def result(self) -> Alignment:
        assert self._triangle is not None  # there was a batch
        n, m = len(self._columns), self._triangle.width
        r: Any = self._triangle.factor()
        target_energy = (self._columns * self._columns).sum(0)
        found = by_factor(r[:, :m], r[:, m:], (n, m), self._precision)
        return from_spectrum(found, target_energy, n, "svd")


class _Kept:
    """A layer with m > n: rows are kept as they are."""

    @staticmethod
    def bytes_for(output: torch.Tensor, columns: np.ndarray) -> int:
        """What the rows take in their dtype."""
        return len(columns) * output.shape[1] * output.element_size()

    def __init__(self, columns: np.ndarray, options: dict):
        self._columns = columns
        self._options = options
        self._features: torch.Tensor | None = None

    def add(self, rows: slice, output: torch.Tensor) -> None:
        if self._features is None:
            self._features = output.new_empty(len(self._columns), output.shape[1])
        self._features[rows] = output

    def result(self) -> Alignment:
        assert self._features is not None  # there was a batch
        features = arrays.features_matrix(self._features)
        columns = arrays.beside(self._columns, features)
        return measured(Design(features, **self._options), columns)


@contextmanager
def _naming(layer: str) -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"layer {layer!r}: {error}") from None
