"""Alignment of many layers of one network, measured while the data pass through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from . import arrays
from .decompose import by_factor
from .gram import Design, Triangle
from .layers import Sliceable, check_rows, chosen, halving, one_pass
from .spectral import Alignment, alignment, from_spectrum

if TYPE_CHECKING:
    from .arrays import Values

__all__ = ["layer_alignment"]


def layer_alignment(
    model: nn.Module,
    inputs: torch.Tensor | Sliceable,
    targets: Values,
    layers: Iterable[str] | None = None,
    *,
    positions: str = "mean",
    batch_size: int = 256,
    bias: bool = True,
    normalize: bool = True,
    memory: int = 4_000_000_000,
    report: Callable[[int, int], None] | None = None,
) -> dict[str, Alignment]:
    """Alignment of every named layer with the targets, in one pass over the inputs.

    The model runs in evaluation mode, without gradients, and is left as it was. A
    layer with no more columns than there are rows, m <= n, is never stored: its rows
    go into a triangular factor (`repalign_utils.gram.Triangle`), in float64 on the
    layer's device, and the result is that of ``alignment(..., method="svd")``. It
    takes 16 m^2 bytes however large n is. The rows of a wider layer are kept, in its
    own dtype, and measured by `alignment` at the end.

    Parameters
    ----------
    model : torch module, on any device
    inputs : tensor (n, ...), as the model takes them, or anything sliceable
        An object with ``len`` whose slices are tensors (b, ...), such as one that
        converts uint8 images batch by batch (`repalign_utils.layers.Sliceable`).
        Batches are moved to the device of the model.
    targets : array (n,) or (n, k)
        A vector is one target, k = 1.
    layers : iterable of str
        Names as in ``model.named_modules()``; None for every layer without children.
        In a transformer or another network of blocks name the blocks: an attention's
        inner layers may have other axes.
    positions : {"mean", "flatten"}
        What becomes of an output with more than two axes. "mean" averages over
        positions in the layer's own dtype: over axis 1 of token sequences (n, t, d),
        over all axes from 2 of feature maps (n, c, h, w). Networks with channels last,
        such as timm's Swin with its maps (n, h, w, c), need "flatten" or a layer after
        their pooling; so do one-dimensional convolutions (n, c, l). "flatten" makes
        every entry a feature.
    batch_size : int
        Rows at once; halved, with a warning, as often as memory runs out.
    bias, normalize : bool
        As in `alignment`.
    memory : int
        Bytes that kept rows of wide layers may take together. Layers that do not fit
        wait for a further pass over the inputs, or several.
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
        If targets or a layer's outputs are complex, boolean or no numbers.
    ValueError
        If a name or `positions` is unknown, targets do not fit the inputs, a layer's
        output is no tensor, has not one row per input, is too large for `memory`, or is
        such that `alignment` raises; the layer is named.
    RuntimeError
        If a layer ran not at all or more than once in one pass, or memory runs out
        (torch.OutOfMemoryError) with batches of a single row.

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
    if positions not in _POSITIONS:
        raise ValueError(
            f"positions is {positions!r} but must be one of {', '.join(_POSITIONS)}; "
            "leave it out for the mean"
        )
    modules = chosen(model, layers)
    check_rows(inputs, batch_size)
    columns: Any = arrays.targets_matrix(targets, np.empty((len(inputs), 0)), "inputs")
    options = {"bias": bias, "normalize": normalize}
    found: dict[str, Alignment] = {}
    passes = 0
    while waiting := {k: m for k, m in modules.items() if k not in found}:

        def attempt(size: int, waiting=waiting, before=passes) -> _Group:
            group = _Group(columns, options, memory, before, report)
            take = _POSITIONS[positions]
            one_pass(model, inputs, waiting, size, take=take, use=group.add)
            return group

        group, batch_size = halving(attempt, inputs, batch_size)
        found |= group.results()
        passes += 1
    return {name: found[name] for name in modules}


def _flatten(output: torch.Tensor) -> torch.Tensor:
    rows = output.shape[0] if output.ndim else 1
    return output.clone(memory_format=torch.contiguous_format).reshape(rows, -1)


def _mean(output: torch.Tensor) -> torch.Tensor:
    if output.ndim < 3:
        return _flatten(output)
    return output.mean(1 if output.ndim == 3 else tuple(range(2, output.ndim)))


_POSITIONS = {"mean": _mean, "flatten": _flatten}


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

    def add(self, rows: slice, outputs: dict[str, torch.Tensor]) -> set[str]:
        """Take up one batch; names of the layers that wait for a later pass."""
        for name, output in outputs.items():
            _check_one_row_each(name, output, rows)
        if rows.start == 0:
            self._choose(outputs)
        later = outputs.keys() - self._layers.keys()
        for name, layer in self._layers.items():
            with _naming(name):
                layer.add(rows, outputs[name])
        if self._report:
            n = len(self._columns)
            self._report(self._before * n + rows.stop, self._passes * n)
        return later

    def _choose(self, outputs: dict[str, torch.Tensor]) -> None:
        """Lay out layers over passes by their sizes; take those of the first."""
        n = len(self._columns)
        free, passes = self._memory, 1
        for name, output in outputs.items():
            if n >= output.shape[1] + self._options["bias"]:
                self._layers[name] = _Stream(self._columns, self._options)
                continue
            size = n * output.shape[1] * output.element_size()
            if size > self._memory:
                raise ValueError(
                    f"layer {name!r} has {output.shape[1]:,} columns, more than the "
                    f"{n:,} rows, which are therefore kept: {size:,} bytes, above "
                    f"memory={self._memory:,}; pass memory={size}, fewer rows, or "
                    'positions="mean"'
                )
            if size > free:
                free, passes = self._memory, passes + 1
            free -= size
            if passes == 1:
                self._layers[name] = _Kept(self._columns, self._options)
        self._passes = self._before + passes

    def results(self) -> dict[str, Alignment]:
        found = {}
        while self._layers:  # what is measured is given back at once
            name = next(iter(self._layers))
            with _naming(name):
                found[name] = self._layers.pop(name).result()
        return found


class _Stream:
    """A layer with m <= n: rows go into the triangular factor as they come."""

    def __init__(self, columns: np.ndarray, options: dict):
        self._columns = columns
        self._options = options
        self._triangle: Triangle | None = None

    def add(self, rows: slice, output: torch.Tensor) -> None:
        features = arrays.features_matrix(output)
        design = Design(features, **self._options, start=rows.start)
        if self._triangle is None:
            self._triangle = Triangle(design.shape[1])
        targets = arrays.beside(self._columns[rows], features)
        for block, part in design.row_blocks(targets):
            self._triangle.add(block, part)

    def result(self) -> Alignment:
        assert self._triangle is not None  # there was a batch
        n, m = len(self._columns), self._triangle.width
        r: Any = self._triangle.factor()
        target_energy = (self._columns * self._columns).sum(0)
        return from_spectrum(by_factor(r[:, :m], r[:, m:], n), target_energy, n, "svd")


class _Kept:
    """A layer with m > n: rows are kept as they are."""

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
        return alignment(self._features, self._columns, **self._options)


def _check_one_row_each(name: str, output: torch.Tensor, rows: slice) -> None:
    given = rows.stop - rows.start
    if len(output) != given:
        raise ValueError(
            f"layer {name!r} gives {len(output)} rows for {given} inputs; "
            "name a layer around it that gives one row per input"
        )


@contextmanager
def _naming(layer: str) -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"layer {layer!r}: {error}") from None
