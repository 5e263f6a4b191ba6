"""Similarity of the layers of two networks, while the same inputs pass through both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from ..arrays import Values
from ..similarity import LayerMatrix, SimilarityStream
from ..similarity._cca import kept_share
from ..similarity._stream import OF_BATCHES, check_measure
from .inputs import Batch, dtype_of, open_inputs
from .names import plain
from .passes import halving, one_pass
from .places import Known, Place, places_of
from .positions import as_matrix, check_positions, checked_mask, mask_of
from .running import run

__all__ = ["layer_similarity"]


def layer_similarity(
    model_x: nn.Module,
    model_y: nn.Module | None,
    inputs: Any,
    *,
    layers_x: Iterable[str] | str | None = None,
    layers_y: Iterable[str] | str | None = None,
    measure: str = "debiased_cka",
    keep: float = 0.99,
    keep_of: str = "singular_values",
    positions: str = "mean",
    mask: Values | None = None,
    samples_axis: int | Mapping[str, int] | None = None,
    channels_axis: int | Mapping[str, int] | None = None,
    batch_size: int = 256,
    memory: str | int | None = "4GB",
    report: Callable[[int, int], None] | None = None,
) -> LayerMatrix:
    """Similarity of each layer of one network with each of another, in one pass.

    Both run on the same batches, in evaluation mode, without gradients, each on its
    own device, and are left as they were. No features are kept: sums of products of
    pairs of layers are, in float64, as of `repalign_utils.similarity.SimilarityStream`,
    or one number per pair for "minibatch_cka".

    Parameters
    ----------
    model_x, model_y : torch modules, on any device, also compiled or in DataParallel
        None for `model_y`, or the same module: the layers of `model_x` are compared
        with each other.
    inputs : n rows of any kind that `record_layers` takes
        Floats take the dtype of each network.
    layers_x, layers_y : iterable of str, or one str
        As in `record_layers`; `layers_y` of `model_y`, where there is one.
    measure : {"debiased_cka", "cka", "cca", "svcca", "pwcca", "minibatch_cka"}
        As of `SimilarityStream.result`.
    keep, keep_of
        As of `repalign_utils.similarity.svcca`.
    positions, mask, samples_axis, channels_axis
        As in `layer_alignment`, for both networks: an axis given by the name of a
        layer is that of this name in either.
    batch_size : int
        Rows at once; halved, with a warning, as often as memory runs out. The value of
        "minibatch_cka" depends on it; a last batch of fewer than four rows joins the
        one before.
    memory : str or int
        What the sums may take together, such as "4GB"; None for no limit.
    report : callable
        Called after each batch with the rows done and the rows to do.

    Returns
    -------
    LayerMatrix
        Layers of `model_x` by layers of `model_y`, with their names.

    Raises
    ------
    TypeError
        If the inputs are of no kind that is taken.
    ValueError
        If a name, `positions` or `measure` is unknown, rows of inputs, mask and outputs
        differ, a layer asked for by name cannot be measured, an axis is not certain,
        the sums would take more than `memory`, the networks share a layer, or a layer
        is the same in all rows; layer and network are named.
    RuntimeError
        As `layer_alignment`.

    Warns
    -----
    UserWarning
        Of layers left out where none is named, and as `SimilarityStream.result`.

    Examples
    --------
    >>> nets = [nn.Sequential(nn.Linear(4, 3), nn.ReLU()) for _ in range(2)]
    >>> found = layer_similarity(*nets, torch.randn(50, 4), measure="cka")
    >>> found.values.shape, found.layers_x
    ((2, 2), ('0', '1'))
    """
    check_positions(positions)
    check_measure(measure)
    kept_share(keep, keep_of)  # raises before the pass, and not after it
    both = _Both(model_x, None if model_y is model_x else model_y)
    if both.y is None:
        _check_none(layers_y)
    source = open_inputs(inputs)
    given = checked_mask(mask, source.n)
    places: list[Place] = []

    def take(place: Place, output: torch.Tensor, batch: Batch, rows: slice):
        return as_matrix(place, output, positions, mask_of(batch, rows, given))

    def attempt(size: int) -> SimilarityStream:
        if not places:
            first = source.first(size)
            masked = mask_of(first, slice(0, len(first)), given)
            known = Known.of(positions, masked, samples_axis, channels_axis)
            for side, layers in (("x", layers_x), ("y", layers_y)):
                places.extend(both.places(side, layers, first, known))
        stream = _stream(places, measure == OF_BATCHES, memory)

        def use(rows: slice, outputs: dict[str, torch.Tensor]) -> None:
            stream.update(*_by_side(outputs, both.y is None))
            if report:
                report(rows.stop, source.n or rows.stop)

        one_pass(both, source.batches(size), places, take=take, use=use)
        return stream

    stream, _ = halving(attempt, source.n, batch_size)
    return stream.result(measure, keep=keep, keep_of=keep_of)


class _Both(nn.Module):
    """Two networks that run on the same batch, each on its device and in its dtype."""

    def __init__(self, x: nn.Module, y: nn.Module | None) -> None:
        super().__init__()
        self.x = plain(x)
        self.y = None if y is None else plain(y)
        if self.y is not None:
            self._check_apart(self.y)

    def _check_apart(self, y: nn.Module) -> None:
        names = {id(module): name for name, module in self.x.named_modules()}
        for name, module in y.named_modules():
            if id(module) in names:
                raise ValueError(
                    f"layer {names[id(module)]!r} of model_x is layer {name!r} of "
                    "model_y too, so that their runs cannot be told apart; pass "
                    "copy.deepcopy(model_y)"
                )

    def places(self, side: str, layers: Any, first: Batch, known: Known) -> list[Place]:
        """Places of the layers of a side, named after both."""
        model = getattr(self, side)
        if model is None:
            return []
        try:
            found = places_of(model, layers, first.tensors(dtype_of(model)), known)
        except ValueError as error:
            raise ValueError(f"model_{side}: {error}") from None
        return [replace(place, name=f"{side}.{place.name}") for place in found]

    def forward(self, *arguments: Any, **keywords: Any) -> None:
        batch = Batch(arguments, keywords)
        for model in (self.x, self.y):
            if model is not None:
                run(model, batch.tensors(dtype_of(model)))


def _check_none(layers_y: Any) -> None:
    if layers_y is not None:
        raise ValueError(
            "layers_y is given but there is one network; pass layers_x alone, whose "
            "layers are compared with each other"
        )


def _stream(places: list[Place], minibatch: bool, memory: Any) -> SimilarityStream:
    x, y = ([p.name for p in places if p.name.startswith(s)] for s in ("x.", "y."))
    x, y = ([name[2:] for name in names] for names in (x, y))
    return SimilarityStream(x, y or None, minibatch=minibatch, memory=memory)


def _by_side(outputs: dict[str, torch.Tensor], one: bool) -> list[dict]:
    sides = ("x.",) if one else ("x.", "y.")
    return [
        {name[2:]: value for name, value in outputs.items() if name.startswith(side)}
        for side in sides
    ]
