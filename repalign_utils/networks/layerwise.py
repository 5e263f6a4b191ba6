"""Alignment of many layers of one network, measured while the data pass through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from .. import arrays
from ..arrays import Values
from ..measures.alignment import Alignment
from ..measures.memory import bytes_of
from ..measures.stream import AlignmentStream, bytes_of_layer, measured_layers
from .inputs import Batch, open_inputs
from .passes import halving, one_pass
from .places import Known, Place, places_of
from .positions import as_matrix, check_positions, checked_mask, mask_of

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
    source = open_inputs(inputs, model)
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
            known = Known.of(positions, masked, samples_axis, channels_axis)
            places.extend(places_of(model, layers, first, known))
        waiting = [place for place in places if place.name not in found]
        group = _Group(columns, options, limit, passes, report)
        batches = source.batches(size)
        one_pass(model, batches, waiting, take=take, use=group.add, n=n)
        return group

    while not places or len(found) < len(places):
        group, batch_size = halving(attempt, n, batch_size)
        found |= measured_layers(group.stream)
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
        self.stream: Any = None
        self._widths: dict[str, int] = {}

    def add(self, rows: slice, outputs: dict[str, torch.Tensor]) -> set[str]:
        """Take up one batch; names of the layers that wait for a later pass."""
        n = len(self._columns)
        if rows.start == 0:
            names = self._chosen(outputs)
            self.stream = AlignmentStream(names, **self._options, rows=n)
            self._widths = {name: outputs[name].shape[1] for name in names}
        for name, expected in self._widths.items():
            width = outputs[name].shape[1]
            if width != expected:
                raise ValueError(
                    f"layer {name!r}: it has {width} columns after {expected} in the "
                    "first batch; pad all inputs to one length, or pass "
                    'positions="mean"'
                )
        self.stream.update(outputs, self._columns[rows])
        if self._report:
            self._report(self._before * n + rows.stop, self._passes * n)
        return outputs.keys() - self._widths.keys()

    def _chosen(self, outputs: dict[str, torch.Tensor]) -> list[str]:
        """Lay out layers over passes by their sizes; names of those of the first."""
        n, k = self._columns.shape
        free, passes, chosen = self._memory, 1, []
        for name, output in outputs.items():
            needed = bytes_of_layer(
                (n, output.shape[1]),
                k,
                bias=self._options["bias"],
                itemsize=output.element_size(),
            )
            if needed > self._memory:
                raise ValueError(
                    f"layer {name!r} has {output.shape[1]:,} columns in {n:,} rows, "
                    f"which take {needed:,} bytes, above memory={self._memory:,.0f}; "
                    f'pass memory={needed}, fewer rows, or positions="mean"'
                )
            if needed > free:
                free, passes = self._memory, passes + 1
            free -= needed
            if passes == 1:
                chosen.append(name)
        self._passes = self._before + passes
        return chosen
