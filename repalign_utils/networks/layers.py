"""Outputs of a network's layers, as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from ..measures.memory import bytes_of, size
from .inputs import open_inputs
from .passes import halving, one_pass
from .places import Known, Place, places_of

__all__ = ["record_layers"]


def record_layers(
    model: nn.Module,
    inputs: Any,
    layers: Iterable[str] | str | None = None,
    *,
    batch_size: int = 1024,
    samples_axis: int | Mapping[str, int] | None = None,
    memory: str | int | None = None,
) -> dict[str, torch.Tensor]:
    """Outputs of named layers of any module, in evaluation mode.

    The network is first run on two and on three rows: the axis that grows is that of
    the samples, also where it is not the first, as in a sequence-first transformer.

    Parameters
    ----------
    model : network, also compiled or in DataParallel; each submodule's mode is as
        before afterwards, also on an error
    inputs : moved batch by batch to the device of the model; one of

        - tensor or array (n, ...); floats take the dtype of the model
        - tuple of them: several arguments; dict of them: named arguments, which may
          hold None, numbers and words too, such as the tokens of a tokenizer
        - list of n samples, or a ``Dataset``; of a sample (input, target) the input
        - ``DataLoader`` in order, generator or other iterable of batches; of a batch
          (inputs, targets) the inputs
        - object with ``len`` whose slices ``[a:b]`` are batches; it need not hold the
          inputs, and may convert or read them batch by batch

    layers : names as in ``model.named_modules()`` of the plain model, or one name; None
        for every layer without children, in the order of the module. Those that did
        not run or hold no floating-point tensor with a row per input are then left
        out, and listed in one warning. A layer that ran several times gives
        ``"relu#1"``, ``"relu#2"``, and may be asked for by either
    batch_size : rows in one pass; halved, with a warning, as often as memory runs out
    samples_axis : axis of the samples, or name -> axis, where several grow with them
    memory : most that the outputs may take together, such as "4GB"

    Returns
    -------
    dict: name -> tensor in the layer's dtype and with its axes, (n, ...) but for a
        layer with its samples on another axis; the first floating-point tensor with
        rows where it returns several. On the device of ``inputs``, on the CPU where
        those are no tensors

    Raises
    ------
    TypeError
        If the inputs are of no kind that is taken.
    ValueError
        If a name is unknown, a layer asked for by name cannot be recorded, rows do not
        fit, there are none, or the outputs would take more than ``memory``.
    RuntimeError
        If memory runs out (torch.OutOfMemoryError) with batches of a single row, or
        with a generator, which cannot be read again.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> {k: tuple(v.shape) for k, v in record_layers(net, torch.zeros(2, 4)).items()}
    {'0': (2, 3), '1': (2, 3), '2': (2, 1)}
    """
    limit = bytes_of(memory)
    source = open_inputs(inputs, model)
    places: list[Place] = []

    def attempt(batch: int) -> dict[str, list[torch.Tensor]]:
        if not places:
            known = Known(samples_axis=samples_axis)
            places.extend(places_of(model, layers, source.first(batch), known))
        parts: dict[str, list[torch.Tensor]] = {place.name: [] for place in places}

        def keep(rows: slice, outputs: dict[str, torch.Tensor]) -> None:
            _check_fits(outputs, rows, source.n, limit)
            for name, output in outputs.items():
                parts[name].append(output.to(source.home))

        one_pass(model, source.batches(batch), places, take=_clone, use=keep)
        return parts

    parts, _ = halving(attempt, source.n, batch_size)
    return {p.name: _joined(p, parts.pop(p.name)) for p in places}


def _clone(_place: Place, tensor: torch.Tensor, _batch, _rows) -> torch.Tensor:
    # A later in-place layer (ReLU(inplace=True)) would change what was caught.
    return tensor.clone()


def _check_fits(outputs: dict, rows: slice, n: int | None, limit: float) -> None:
    """Raise if all rows, or those so far, take more than the limit."""
    each = sum(t.numel() * t.element_size() for t in outputs.values())
    each /= rows.stop - rows.start
    total = each * (n or rows.stop)
    if total > limit:
        raise ValueError(
            f"outputs of {len(outputs)} layers take {size(total)} for "
            f"{n or rows.stop:,} rows, above memory={size(limit)}; name fewer layers, "
            "pass fewer rows, or more memory"
        )


def _joined(place: Place, parts: list[torch.Tensor]) -> torch.Tensor:
    """Batches behind one another on the axis of the samples."""
    axis = place.samples
    shapes = {(*p.shape[:axis], *p.shape[axis + 1 :]) for p in parts}
    if len(shapes) > 1:
        raise ValueError(
            f"layer {place.name!r} gives {tuple(parts[0].shape)} for the first batch "
            f"and other sizes later, {len(shapes)} in all; pad all inputs to one length"
        )
    return torch.cat(parts, axis)
