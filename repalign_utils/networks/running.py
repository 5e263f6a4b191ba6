"""A network in evaluation mode, with every inner layer run as a module of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import Any

import torch
from torch import nn

from .inputs import Batch
from .names import plain

__all__ = ["evaluating", "floats_of", "hooks", "run", "tensors_of"]


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients, and without shortcuts past inner layers.

    Modes and settings are as before afterwards, also on an error. The fused kernel of
    ``nn.TransformerEncoder`` and compiled code run no inner module, so that hooks on
    those never fire: both are set aside meanwhile.
    """
    modes = [(m, m.training) for m in model.modules()]
    fused = torch.backends.mha.get_fastpath_enabled()
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        if "torch._dynamo" in sys.modules:  # else nothing can have been compiled
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        try:
            torch.backends.mha.set_fastpath_enabled(False)
            model.eval()
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fused)
            for module, mode in modes:
                module.training = mode  # not .train(): that would reach the children


def run(model: nn.Module, batch: Batch) -> Any:
    """Output of the plain model for a batch, which is moved to its device."""
    first = next(chain(model.parameters(), model.buffers()), None)
    if first is not None:
        batch = batch.each(lambda value: value.to(first.device))
    return plain(model)(*batch.arguments, **batch.keywords)


@contextmanager
def hooks(
    modules: Iterable[nn.Module], *, before=None, after: Callable[..., None]
) -> Iterator[None]:
    """Call functions around every run of these modules.

    Parameters
    ----------
    modules : each is listened to once, however often it is listed
    before : called with the module, its arguments (tuple) and keywords (dict)
    after : called with the same and what the module returned
    """
    with ExitStack() as stack:
        for module in dict.fromkeys(modules):
            if before:
                hook = module.register_forward_pre_hook(before, with_kwargs=True)
                stack.callback(hook.remove)
            hook = module.register_forward_hook(after, with_kwargs=True)
            stack.callback(hook.remove)
        yield


def floats_of(values: Any) -> list[torch.Tensor]:
    """Floating-point tensors in what a layer was given or returned, in their order.

    Examples
    --------
    >>> lstm = nn.LSTM(4, 3)
    >>> [tuple(t.shape) for t in floats_of(lstm(torch.zeros(5, 2, 4)))]
    [(5, 2, 3), (1, 2, 3), (1, 2, 3)]
    """
    return [t for t in tensors_of(values) if t.is_floating_point()]


def tensors_of(values: Any) -> Iterator[torch.Tensor]:
    """Tensors in tuples, lists and dicts, however nested."""
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, tuple | list | Mapping):
        for value in values.values() if isinstance(values, Mapping) else values:
            yield from tensors_of(value)
