"""One pass of a network over its inputs; hooks are always taken off again."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import nn

from .inputs import Batch
from .places import Place
from .running import evaluating, floats_of, run

__all__ = ["halving", "one_pass"]

Result = TypeVar("Result")
Use = Callable[[slice, dict[str, torch.Tensor]], Iterable[str] | None]
# Besides torch.OutOfMemoryError, which CUDA raises: the CPU's allocator, and MPS.
_NO_MEMORY = ("not enough memory", "can't allocate memory", "out of memory")


def halving(
    attempt: Callable[[int], Result], n: int | None, batch_size: int
) -> tuple[Result, int]:
    """Result of `attempt(batch_size)`, begun again with half where memory runs out.

    Parameters
    ----------
    attempt : callable
        Takes a batch size and passes all inputs through; must start from nothing.
    n : int or None
        Rows, where known: no batch is larger.
    batch_size : int
        The first to try.

    Returns
    -------
    result, int
        What `attempt` gave, and the batch size that fitted.

    Raises
    ------
    ValueError
        If the batch size is below 1.
    torch.OutOfMemoryError
        If one row at a time is still too much.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; pass at least 1")
    size = min(batch_size, n or batch_size)
    while True:
        try:
            return attempt(size), size
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            if size == 1:
                raise torch.OutOfMemoryError(
                    "out of memory even with a batch_size of 1; name fewer layers, "
                    f"or use a device with more memory ({error})"
                ) from error
        # Out here the error is gone, and with it the tensors of the failed attempt.
        warnings.warn(
            f"out of memory with a batch_size of {size}; the pass starts again with "
            f"{size // 2}, which you may pass at once",
            stacklevel=3,
        )
        size //= 2


def _is_out_of_memory(error: Exception) -> bool:
    known = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return known or any(text in str(error) for text in _NO_MEMORY)


def one_pass(
    model: nn.Module,
    batches: Iterable[Batch],
    places: list[Place],
    *,
    take: Callable[[Place, torch.Tensor, Batch, slice], torch.Tensor],
    use: Use,
    n: int | None = None,
    entering: bool = False,
) -> None:
    """Pass all batches through the model in evaluation mode; catch layers' outputs.

    Parameters
    ----------
    model : nn.Module
        Modes are restored and hooks taken off afterwards, also on an error.
    batches : iterable of `Batch`
    places : list of `Place`
        What is listened to.
    take : callable
        Of a place, the tensor there, the batch and its rows: what to keep until the
        batch is done. It must not be a view: a later layer may work in place.
    use : callable
        Called after each batch with its rows and name -> what was taken. Names that it
        returns are not listened to any longer.
    n : int or None
        Rows that there should be.
    entering : bool
        Catch what enters the layers, and not what they return.

    Raises
    ------
    ValueError
        If there are more or fewer rows than n, or a layer's output has others, or it
        ran another number of times than when it was placed.
    """
    listening = _Listening(places, take, entering)
    done = 0
    try:
        with evaluating(model):
            for batch in batches:
                rows = slice(done, done + len(batch))
                _check_count(rows.stop, n, at_end=False)
                listening.begin(batch, rows)
                run(model, batch)
                listening.drop(use(rows, listening.taken()) or ())
                done = rows.stop
    finally:
        listening.stop()
    _check_count(done, n, at_end=True)


def _check_count(done: int, n: int | None, *, at_end: bool) -> None:
    if n is not None and (done > n or (at_end and done < n)):
        raise ValueError(
            f"inputs have {'at least ' if not at_end else ''}{done} rows but targets "
            f"have {n}; pass one target per row"
        )


class _Listening:
    """Hooks on layers, and what they caught of the present batch."""

    def __init__(self, places: list[Place], take, entering: bool):
        self._take = take
        self._places = {place.name: place for place in places}
        self._taken: dict[str, torch.Tensor] = {}
        self._calls: dict[nn.Module, int] = {}
        self._now: tuple[Batch, slice] | None = None
        register = nn.Module.register_forward_hook
        if entering:
            register = nn.Module.register_forward_pre_hook
        self._hooks = {
            module: register(module, self._catch, with_kwargs=True)
            for module in {p.module: None for p in places}
        }

    def begin(self, batch: Batch, rows: slice) -> None:
        self._now = batch, rows
        self._calls = {p.module: 0 for p in self._places.values()}

    def _catch(self, module: nn.Module, inputs, keywords, *output) -> None:
        """Keep what a layer returns, or else what it is given."""
        assert self._now is not None  # begin() comes first
        values = output or (inputs, keywords)
        call = self._calls[module]
        self._calls[module] = call + 1
        for place in self._places.values():
            if place.module is module and place.call == call:
                tensor = _tensor_at(place, values, len(self._now[0]))
                self._taken[place.name] = self._take(place, tensor, *self._now)

    def taken(self) -> dict[str, torch.Tensor]:
        """What was taken of this batch, in the order of the layers."""
        for place in self._places.values():
            ran = self._calls[place.module]
            if ran != place.calls:
                raise ValueError(
                    f"layer {place.name!r} ran {ran} times in one batch and "
                    f"{place.calls} times before; name layers that always run as often"
                )
        taken, self._taken = self._taken, {}
        return {name: taken.pop(name) for name in self._places}

    def drop(self, names: Iterable[str]) -> None:
        """Listen to these no longer."""
        for name in names:
            module = self._places.pop(name).module
            if not any(p.module is module for p in self._places.values()):
                self._hooks.pop(module).remove()

    def stop(self) -> None:
        for hook in self._hooks.values():
            hook.remove()


def _tensor_at(place: Place, values, rows: int) -> torch.Tensor:
    found = floats_of(values)
    tensor = found[place.index] if place.index < len(found) else None
    dims = place.samples + 1
    if tensor is None or tensor.ndim < dims or tensor.shape[place.samples] != rows:
        gives = "nothing" if tensor is None else str(tuple(tensor.shape))
        raise ValueError(
            f"layer {place.name!r} gives {gives} for {rows} inputs; name a layer "
            f"around it that gives one row per input, on axis {place.samples}"
        )
    return tensor.detach()
