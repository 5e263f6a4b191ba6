"""Outputs of a network's layers, caught by hooks that are always taken off."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import torch
from torch import nn

__all__ = ["Sliceable", "record_layers"]

Result = TypeVar("Result")
Use = Callable[[slice, dict[str, torch.Tensor]], Iterable[str] | None]
# Besides torch.OutOfMemoryError, which CUDA raises: the CPU's allocator, and MPS.
_NO_MEMORY = ("not enough memory", "can't allocate memory", "out of memory")


class Sliceable(Protocol):
    """What a tensor of inputs offers here, and an object that makes batches too.

    Such an object need not hold the inputs: it may convert uint8 images, or read
    files, batch by batch.

    Examples
    --------
    >>> class Scaled:
    ...     def __init__(self, images):
    ...         self.images = images
    ...     def __len__(self):
    ...         return len(self.images)
    ...     def __getitem__(self, rows):
    ...         return self.images[rows].float() / 255
    >>> record_layers(nn.Identity(), Scaled(torch.full((2, 1), 255)))[""].tolist()
    [[1.0], [1.0]]
    """

    def __len__(self) -> int:
        """Rows n."""
        ...

    def __getitem__(self, rows: slice, /) -> torch.Tensor:
        """Inputs (b, ...) of these rows."""
        ...


def record_layers(
    model: nn.Module,
    inputs: torch.Tensor | Sliceable,
    layers: Iterable[str] | None = None,
    *,
    batch_size: int = 1024,
) -> dict[str, torch.Tensor]:
    """Outputs of named layers of any module, in evaluation mode.

    Parameters
    ----------
    model : network; each submodule's mode is as before afterwards, also on an error
    inputs : tensor (n, ...), or anything sliceable (`Sliceable`), moved batch by
        batch to the device of the model
    layers : names as in ``model.named_modules()``; None for every layer without
        children, in the order of the module
    batch_size : rows in one pass; halved, with a warning, as often as memory runs out

    Returns
    -------
    dict: name -> tensor (n, ...) in the layer's dtype, on the device of ``inputs``,
        on the CPU where those are sliceable but no tensor

    Raises
    ------
    ValueError
        If a name is unknown, there are no inputs, or a layer's output is no tensor.
    RuntimeError
        If a layer ran not at all or more than once in one pass, or memory runs out
        (torch.OutOfMemoryError) with batches of a single row.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> {k: tuple(v.shape) for k, v in record_layers(net, torch.zeros(2, 4)).items()}
    {'0': (2, 3), '1': (2, 3), '2': (2, 1)}
    """
    modules = chosen(model, layers)
    home = getattr(inputs, "device", torch.device("cpu"))

    def attempt(size: int) -> dict[str, list[torch.Tensor]]:
        parts: dict[str, list[torch.Tensor]] = {name: [] for name in modules}

        def keep(_rows, outputs) -> None:
            for name, output in outputs.items():
                parts[name].append(output.to(home))

        # A later in-place layer (ReLU(inplace=True)) would change what was caught.
        one_pass(model, inputs, modules, size, take=torch.clone, use=keep)
        return parts

    parts, _ = halving(attempt, inputs, batch_size)
    return {name: torch.cat(some) for name, some in parts.items()}


def chosen(model: nn.Module, layers: Iterable[str] | None) -> dict[str, nn.Module]:
    """Modules of these names; of every layer without children if None."""
    known = dict(model.named_modules())
    if layers is None:
        return {k: m for k, m in known.items() if not any(m.children())}
    names = list(layers)
    unknown = [n for n in names if n not in known]
    if unknown:
        raise ValueError(
            f"the model has no layer {unknown[0]!r}; "
            f"it has {', '.join(k for k in known if k)}"
        )
    return {n: known[n] for n in names}


def check_rows(inputs: Sliceable, batch_size: int) -> None:
    """Raise if there is nothing to pass through."""
    if not len(inputs) or batch_size < 1:
        raise ValueError(
            f"inputs have {len(inputs)} rows and batch_size is {batch_size}; "
            "pass at least one row and a batch_size of at least 1"
        )


def halving(
    attempt: Callable[[int], Result], inputs: Sliceable, batch_size: int
) -> tuple[Result, int]:
    """Result of `attempt(batch_size)`, begun again with half where memory runs out.

    Parameters
    ----------
    attempt : callable
        Takes a batch size and passes all inputs through; must start from nothing.
    inputs : sliceable
        Only their number counts.
    batch_size : int
        The first to try, or all rows where that is less.

    Returns
    -------
    result, int
        What `attempt` gave, and the batch size that fitted.

    Raises
    ------
    ValueError
        If there are no inputs or the batch size is below 1.
    torch.OutOfMemoryError
        If one row at a time is still too much.
    """
    check_rows(inputs, batch_size)
    size = min(batch_size, len(inputs))
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


@torch.no_grad()
def one_pass(
    model: nn.Module,
    inputs: Sliceable,
    modules: dict[str, nn.Module],
    batch_size: int,
    *,
    take: Callable[[torch.Tensor], torch.Tensor],
    use: Use,
) -> None:
    """Pass all inputs through the model in evaluation mode; catch modules' outputs.

    Parameters
    ----------
    model : nn.Module
        Modes are restored and hooks taken off afterwards, also on an error.
    inputs : sliceable
    modules : dict
        Name -> module of the model that is listened to.
    batch_size : int
    take : callable
        What to keep of an output until the batch is done; must not be a view of it.
    use : callable
        Called after each batch with its rows and name -> what was taken. Names that it
        returns are not listened to any longer.

    Raises
    ------
    ValueError
        If an output is no tensor.
    RuntimeError
        If a module ran not at all or more than once for a batch.
    """
    modes = [(m, m.training) for m in model.modules()]
    caught: dict[str, list[torch.Tensor]] = {name: [] for name in modules}
    hooks = {}
    try:
        for name, module in modules.items():
            hook = _catch(name, caught[name], take)
            hooks[name] = module.register_forward_hook(hook)
        model.eval()
        first = next(model.parameters(), None)
        for start in range(0, len(inputs), batch_size):
            batch = inputs[start : start + batch_size]
            model(batch if first is None else batch.to(first.device))
            rows = slice(start, start + len(batch))
            for name in use(rows, _ran_once(caught)) or ():
                hooks.pop(name).remove()
                del caught[name]
    finally:
        for hook in hooks.values():
            hook.remove()
        for module, mode in modes:
            module.training = mode  # not .train(): that would reach the children


def _catch(name: str, parts: list[torch.Tensor], take):
    def hook(_module, _inputs, output):
        if not isinstance(output, torch.Tensor):
            raise ValueError(
                f"layer {name!r} returns {type(output).__name__}, not a tensor; "
                "name a layer inside it"
            )
        parts.append(take(output.detach()))

    return hook


def _ran_once(caught: dict[str, list[torch.Tensor]]) -> dict[str, torch.Tensor]:
    """What each layer gave for one batch, taken out of where it was caught."""
    for name, parts in caught.items():
        if len(parts) != 1:
            raise RuntimeError(
                f"layer {name!r} ran {len(parts)} times in one pass; "
                "record layers that run exactly once"
            )
    return {name: parts.pop() for name, parts in caught.items()}
