"""Where the samples and the channels of a layer's output are: found by two runs.

The network is run on two and on three rows. The axis that grows with them is that of
the samples; that of the channels is followed by `repalign_utils.networks.channel_axes`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn

from .channel_axes import ChannelAxes
from .inputs import Batch
from .names import call_of, chosen, named_layers
from .running import evaluating, floats_of, hooks, run

__all__ = ["Known", "Place", "places_of"]

Shape = tuple[int, ...]
Axis = int | Mapping[str, int] | None
_ROWS = 2, 3  # of the two runs
_TIME = nn.RNNBase | nn.MultiheadAttention  # layers that take one axis for time


@dataclass(frozen=True)
class Place:
    """A tensor in what one call of a layer returns, and what its axes mean.

    Attributes
    ----------
    name : of the layer; with "#2" the second call of one that ran several times
    module : the layer
    call : number of the call in a pass, from 0
    calls : in a pass
    index : of the tensor among the floating-point tensors returned
    samples : axis of the rows
    channels : axis of the channels; None where there are no positions beside them, or
        they were not asked for
    """

    name: str
    module: nn.Module
    call: int
    calls: int
    index: int = 0
    samples: int = 0
    channels: int | None = None


@dataclass(frozen=True)
class Known:
    """What the caller knows of the axes, and asks of them.

    Attributes
    ----------
    positions : whether channels and positions are to be told apart
    masked : number of positions that a mask has; None: there is no mask
    samples_axis, channels_axis : int, or name -> int
    """

    positions: bool = False
    masked: int | None = None
    samples_axis: Axis = None
    channels_axis: Axis = None

    @classmethod
    def of(cls, positions: str, mask: Any, samples: Axis, channels: Axis) -> Known:
        """What a pass needs that makes matrices of layers, with a mask or None."""
        apart = positions == "mean" or mask is not None
        return cls(apart, None if mask is None else mask.shape[1], samples, channels)

    def axis(self, which: str, name: str, dims: int) -> int | None:
        """What was said of a layer; None where nothing was."""
        said = getattr(self, which)
        if isinstance(said, Mapping):
            said = said.get(name, said.get(name.partition("#")[0]))
        if said is not None and not -dims <= said < dims:
            raise _Unfit(f"has no axis {said}", "", f"give it another {which}")
        return None if said is None else said % dims


class _Unfit(Exception):
    """Why a layer cannot be measured, what was seen of it, and what would help."""

    def __init__(self, kind: str, seen: str, remedy: str):
        super().__init__(kind, seen, remedy)
        self.kind = kind
        self.sentence = f"{kind}: {seen}; {remedy}" if seen else f"{kind}; {remedy}"


def places_of(
    model: nn.Module, layers: Any, batch: Batch, known: Known | None = None
) -> list[Place]:
    """Places of the layers that can be measured, in their order.

    Parameters
    ----------
    model : nn.Module
    layers : names, or one; None: every layer without children
    batch : rows to run on
    known : what the caller knows and asks

    Returns
    -------
    list of `Place`; layers left out of "every layer" are listed in one warning

    Raises
    ------
    ValueError
        If a layer asked for by name cannot be measured, none can, or a layer takes the
        rows of the inputs for time.
    """
    known = known or Known()
    modules = chosen(model, layers)
    names = named_layers(model)
    of_time = {k: m for k, m in names.items() if isinstance(m, _TIME)}
    watched = [*modules.values(), *of_time.values()]
    fewer, more = (_seen(model, watched, batch.repeated(n), known) for n in _ROWS)
    if known.samples_axis is None:
        for name, module in of_time.items():
            _check_time(name, module, fewer[module], more[module])
    found: list[Place] = []
    left_out: dict[str, list[str]] = {}
    for name, module in modules.items():
        seen = fewer[module], more[module]
        try:
            found += _places(name, module, *seen, known, call_of(name, names))
        except _Unfit as error:
            if layers is not None:
                raise ValueError(f"layer {name!r} {error.sentence}") from None
            left_out.setdefault(error.kind, []).append(name)
    if left_out:
        _list(left_out, found)
    return found


def _list(left_out: dict[str, list[str]], found: list[Place]) -> None:
    some = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in left_out.items())
    count = sum(map(len, left_out.values()))
    if not found:
        raise ValueError(
            f"none of the model's {count} layers can be measured ({some}); "
            "name other layers"
        )
    warnings.warn(
        f"{count} of the model's layers are left out ({some})",
        stacklevel=5,
    )


class _Call(NamedTuple):
    """One run of a layer: what it was given first, and the tensors it returned."""

    given: Shape | None
    returned: list[tuple[Shape, int | None]]  # and the axis of the channels, if known


def _seen(
    model: nn.Module, modules: list[nn.Module], batch: Batch, known: Known
) -> dict[nn.Module, list[_Call]]:
    """Calls of each layer in a run."""
    calls: dict[nn.Module, list] = {module: [] for module in modules}
    axes = ChannelAxes() if known.positions else None

    def note(module, inputs, keywords, output) -> None:
        given = next(iter((*inputs, *keywords.values())), None)
        shape = tuple(given.shape) if isinstance(given, torch.Tensor) else None
        calls[module].append((shape, floats_of(output)))

    with evaluating(model), axes or nullcontext(), hooks(modules, after=note):
        run(model, batch)
    # Only now: what a layer takes for channels is known of its input too.
    return {
        module: [
            _Call(given, [(tuple(t.shape), axes and axes.of(t)) for t in tensors])
            for given, tensors in kept
        ]
        for module, kept in calls.items()
    }


def _places(
    name: str,
    module: nn.Module,
    fewer: list[_Call],
    more: list[_Call],
    known: Known,
    asked: int | None,
) -> Iterator[Place]:
    if not fewer or not more:
        raise _Unfit("did not run", "", "name a layer that runs in evaluation mode")
    if len(fewer) != len(more):
        raise _Unfit(
            "ran more often for more rows",
            f"{len(fewer)} times for {_ROWS[0]}, {len(more)} times for {_ROWS[1]}",
            "name a layer that runs as often for any number of rows",
        )
    if asked is not None and not 1 <= asked <= len(fewer):
        raise _Unfit(
            "is not there",
            f"it ran {len(fewer)} times",
            f"name a call from 1 to {len(fewer)}",
        )
    for call, (few, many) in enumerate(zip(fewer, more, strict=True)):
        if asked in (None, call + 1):
            numbered = asked is None and len(fewer) > 1
            full = f"{name}#{call + 1}" if numbered else name
            axes = _axes(full, few.returned, many.returned, known)
            yield Place(full, module, call, len(fewer), *axes)


def _axes(
    name: str, few: list, many: list, known: Known
) -> tuple[int, int, int | None]:
    """Which tensor has rows, the axis of these, and that of the channels."""
    if not few or len(few) != len(many):
        raise _Unfit(
            "returned no floating-point tensor", "", "name a layer that returns one"
        )
    growing = [_growing(a, b) for (a, _), (b, _) in zip(few, many, strict=True)]
    index = next((i for i, axes in enumerate(growing) if axes), 0)
    (shape, channels), (larger, _) = few[index], many[index]
    gives = f"it gives {larger} for {_ROWS[1]} inputs"
    said = known.axis("samples_axis", name, len(shape))
    samples = _samples(growing[index], said, gives)
    if not known.positions or len(shape) < 3:
        return index, samples, None
    said = known.axis("channels_axis", name, len(shape))
    channels = channels if said is None else said
    if channels is None or channels == samples:
        raise _Unfit(
            "has channels on an axis that is not known",
            gives,
            "say which with channels_axis, or pass positions='flatten'",
        )
    places = tuple(s for i, s in enumerate(shape) if i not in (samples, channels))
    if known.masked is not None and places != (known.masked,):
        raise _Unfit(
            "has other positions than the mask",
            f"{places}, and the mask has {known.masked}",
            "name layers with the positions of the mask, or pass another mask",
        )
    return index, samples, channels


def _samples(growing: list[int], said: int | None, gives: str) -> int:
    """The axis of the rows among those that grow with them."""
    if not growing:
        raise _Unfit(
            "has no axis with one entry per input",
            gives,
            "name a layer around it that gives one row per input",
        )
    if said is not None and said not in growing:
        raise _Unfit(f"has no samples on axis {said}", gives, "leave out samples_axis")
    if said is None and len(growing) > 1:
        axes = " or ".join(map(str, growing))
        kind = f"may have its samples on axis {axes}"
        raise _Unfit(kind, gives, "say which with samples_axis")
    return growing[0] if said is None else said


def _growing(shape: Shape, larger: Shape) -> list[int]:
    """Axes that grow as the rows do."""
    if len(shape) != len(larger):
        return []
    pairs = enumerate(zip(shape, larger, strict=True))
    return [axis for axis, sizes in pairs if sizes == _ROWS]


def _check_time(name: str, module, fewer: list[_Call], more: list[_Call]) -> None:
    """Raise where the rows of the inputs are, to a layer, the steps of a sequence."""
    for few, many in zip(fewer, more, strict=False):
        shape, larger = few.given or (), many.given or ()
        time = 1 if module.batch_first and len(shape) == 3 else 0
        if len(shape) in (2, 3) and time in _growing(shape, larger):
            raise ValueError(
                f"layer {name!r} has batch_first={module.batch_first} and is given "
                f"{larger} for {_ROWS[1]} inputs, so that to it these are the "
                "steps of one sequence; build it with the other batch_first, "
                "transpose what it is given, or pass samples_axis if this is meant"
            )
