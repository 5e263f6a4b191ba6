"""What a network gives for inputs: its last hidden layer, outputs and accuracy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from .. import arrays
from .channel_axes import ChannelAxes
from .inputs import Batch, open_inputs
from .layers import record_layers
from .names import chosen, may_be_head, named_layers
from .passes import halving, one_pass
from .places import Place
from .positions import as_matrix
from .running import evaluating, floats_of, hooks, run

__all__ = ["accuracy", "last_hidden", "predict"]

_ROWS = 3  # on which the last hidden layer is looked for
_NOTHING = nn.Identity | nn.Flatten | nn.Dropout | nn.Dropout1d | nn.Dropout2d


def last_hidden(
    model: nn.Module,
    inputs: Any,
    *,
    layer: str | None = None,
    batch_size: int = 256,
    report: Callable[[int, int | None], None] | None = None,
) -> np.ndarray:
    """Last hidden layer: what the head is given, averaged over positions.

    The head is the last linear layer or 1 x 1 convolution that runs, where only layers
    without weights run after it; else the last layer that runs, such as the identity
    that was put in the place of a head. It must give the model's output again.

    Parameters
    ----------
    model : network; evaluated in evaluation mode, and left as it was
    inputs : n rows, of any kind that `record_layers` takes
    layer : name of the layer to take for the head
    batch_size : rows in one pass; halved, with a warning, as often as memory runs out
    report : called as ``report(done, n)`` after each batch

    Returns
    -------
    array (n, d), float32

    Raises
    ------
    ValueError
        If what enters that layer does not give the model's output; name the layer.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> last_hidden(net, torch.zeros(2, 4)).shape
    (2, 3)
    """
    source = open_inputs(inputs, model)
    places: list[Place] = []

    def attempt(size: int) -> list[np.ndarray]:
        if not places:
            places.append(_head_of(model, source.first(size), layer))
        found: list[np.ndarray] = []

        def keep(rows: slice, outputs: dict[str, torch.Tensor]) -> None:
            found.append(outputs[places[0].name].float().cpu().numpy())
            if report:
                report(rows.stop, source.n)

        batches = source.batches(size)
        one_pass(model, batches, places, take=_mean, use=keep, entering=True)
        return found

    found, _ = halving(attempt, source.n, batch_size)
    return np.concatenate(found)


def _mean(place: Place, tensor: torch.Tensor, _batch, _rows) -> torch.Tensor:
    return as_matrix(place, tensor, "mean", None)


@dataclass
class _Call:
    """One run of a layer inside of which no other ran."""

    module: nn.Module
    given: torch.Tensor | None
    values: torch.Tensor | None  # a copy: a later layer may work in place


def _head_of(model: nn.Module, batch: Batch, layer: str | None) -> Place:
    """Where the last hidden layer enters the head."""
    names = {id(m): name for name, m in reversed(named_layers(model).items())}
    with evaluating(model), ChannelAxes() as axes:
        calls, output = _calls(model, batch.repeated(_ROWS))
    if layer is not None:
        (module,) = chosen(model, layer).values()
        calls = [c for c in calls if c.module is module]
        if not calls:
            raise ValueError(
                f"layer {layer!r} did not run or holds other layers; name one that has "
                "none inside"
            )
        at = len(calls) - 1
    else:
        at = _head_among([c.module for c in calls])
        with evaluating(model):
            same = _gives(calls[at:], output)
        if not same:
            raise ValueError(
                f"what enters {names[id(calls[at].module)]!r}, the last layer that may "
                f"be the head of {type(model).__name__}, does not give the model's "
                "output; say what to take for the head with layer=NAME"
            )
    call = calls[at]
    runs = [i for i, c in enumerate(calls) if c.module is call.module]
    name = names[id(call.module)]
    channels = _channels(name, call, axes)
    number = runs.index(at)
    return Place(name, call.module, number, len(runs), channels=channels)


def _channels(name: str, call: _Call, axes: ChannelAxes) -> int | None:
    given = call.given
    if given is None or not given.ndim or len(given) != _ROWS:
        shape = "no tensor" if given is None else tuple(given.shape)
        raise ValueError(
            f"layer {name!r} is given {shape} for {_ROWS} inputs; name a layer that is "
            "given one row per input"
        )
    channels = axes.of(given)
    if given.ndim > 2 and channels is None:
        raise ValueError(
            f"layer {name!r} is given {tuple(given.shape)} for {_ROWS} inputs, and "
            "which axes are channels and which positions is not known; name another"
        )
    return channels if given.ndim > 2 else None


def _calls(model: nn.Module, batch: Batch) -> tuple[list[_Call], Any]:
    """Runs of layers in their order, and the output of the model."""
    calls: list[_Call] = []
    before: list[tuple[int, torch.Tensor | None, torch.Tensor | None]] = []

    def enter(_module, inputs, keywords) -> None:
        given = next(iter(floats_of((inputs, keywords))), None)
        before.append((len(calls), given, None if given is None else given.clone()))

    def leave(module, *_) -> None:
        count, given, values = before.pop()
        if len(calls) == count:
            calls.append(_Call(module, given, values))

    with hooks(named_layers(model).values(), before=enter, after=leave):
        return calls, run(model, batch)


def _head_among(modules: list[nn.Module]) -> int:
    """Number of the head among layers in the order in which they ran."""
    last = len(modules) - 1
    busy = last
    while busy > 0 and isinstance(modules[busy], _NOTHING):
        busy -= 1
    if any(isinstance(m, nn.Identity) for m in modules[busy + 1 :]):
        return busy if may_be_head(modules[busy]) else last
    while busy > 0 and not any(True for _ in modules[busy].parameters()):
        busy -= 1
    return busy if may_be_head(modules[busy]) else last


def _gives(calls: list[_Call], output: Any) -> bool:
    """Whether these layers, one after the other, give the output of the model."""
    expected = next(iter(floats_of(output)), None)
    x = calls[0].values
    if x is None or expected is None:
        return False
    try:
        for call in calls:
            x = call.module(x)
    except (TypeError, RuntimeError):  # a layer that takes more, or another shape
        return False
    if not isinstance(x, torch.Tensor) or x.numel() != expected.numel():
        return False
    x, expected = x.float().flatten(), expected.float().flatten()
    scale = 1e-3 * float(expected.abs().max())
    return torch.allclose(x, expected, rtol=0, atol=scale, equal_nan=True)


def predict(model: nn.Module, inputs: Any, *, batch_size: int = 256) -> np.ndarray:
    """Outputs of a network in evaluation mode.

    Parameters
    ----------
    model : network
    inputs : n rows, of any kind that `record_layers` takes
    batch_size : rows in one pass

    Returns
    -------
    array (n, classes), float32; the first with rows where the network gives several
    """
    found = record_layers(model, inputs, "", batch_size=batch_size)[""]
    return found.float().cpu().numpy()


def accuracy(model: nn.Module, inputs: Any, labels, *, batch_size: int = 256) -> float:
    """Share of inputs whose largest output is their label's.

    Parameters
    ----------
    model : network
    inputs : n rows, of any kind that `record_layers` takes
    labels : array (n,), integers
    batch_size : rows in one pass

    Raises
    ------
    ValueError
        If there are not as many labels as rows.
    """
    right = arrays.to_numpy(labels) if arrays.is_tensor(labels) else np.asarray(labels)
    found = predict(model, inputs, batch_size=batch_size).argmax(1)
    if right.shape != found.shape:
        raise ValueError(
            f"inputs have {len(found)} rows but labels have shape {right.shape}; pass "
            "one integer per row"
        )
    return float((found == right).mean())
