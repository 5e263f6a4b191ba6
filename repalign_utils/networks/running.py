"""A network in evaluation mode, with every inner layer run as a module of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import Any

import torch
from torch import nn

from .inputs import Batch
from .names import plain

__all__ = ["evaluating", "run"]


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
