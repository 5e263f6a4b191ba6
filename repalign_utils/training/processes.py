"""The processes that share a training: one alone, or those of torchrun."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import distributed, nn
from torch.utils.data import DataLoader

from ..networks.device import Compute


class Processes:
    """Those that share a training; Hugging Face Accelerate brings several together.

    Parameters
    ----------
    compute : whose device is that of a process alone; of many each takes its own

    Attributes
    ----------
    count, index : processes, and which of them this one is
    device : of this process

    Raises
    ------
    ValueError
        If one of several processes is told which GPU to take.
    """

    def __init__(self, compute: Compute):
        self.count = int(os.environ.get("WORLD_SIZE", 1))
        self.index, self.device = 0, compute.where
        if self.count == 1:
            return
        if ":" in compute.device:
            raise ValueError(
                f"device is {compute.device!r} but this is one of several processes; "
                "pass device=auto, each process takes its own"
            )
        from accelerate import Accelerator, DataLoaderConfiguration

        self._accelerator = Accelerator(
            cpu=self.device.type == "cpu",
            mixed_precision="no",  # the training does so, as it does alone
            dataloader_config=DataLoaderConfiguration(split_batches=True),
        )
        self.index = self._accelerator.process_index
        self.device = self._accelerator.device

    def share(
        self, model: nn.Module, batches: DataLoader
    ) -> tuple[nn.Module, DataLoader]:
        """The model with gradients averaged, and this process's share of each batch."""
        if self.count == 1:
            return model, batches
        return self._accelerator.prepare(model, batches)

    def apart(self, model: nn.Module) -> AbstractContextManager:
        """Context in which the gradients of a shared model are not averaged yet."""
        return nullcontext() if self.count == 1 else self._accelerator.no_sync(model)

    def add(self, value: torch.Tensor) -> None:
        """Make the value of each process their sum."""
        if self.count > 1:
            distributed.all_reduce(value)

    def agree(self, answer: bool) -> bool:
        """The first process's answer, for all."""
        if self.count == 1:
            return answer
        said = torch.tensor(int(answer), device=self.device)
        distributed.broadcast(said, 0)
        return bool(said)

    def wait(self) -> None:
        """Wait until all are here."""
        if self.count > 1:
            self._accelerator.wait_for_everyone()
