"""The state of a training on disk, from which it goes on after an interruption."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..files import replacing


class Checkpoint:
    """A file whose name is made of all that the result of a training depends on.

    Parameters
    ----------
    folder : where checkpoints lie
    kind : of training, the first part of the name
    facts : what the result depends on: arrays and tensors count by their entries, bytes
        as they are, anything else by its ``repr``
    every : seconds from one save to when the next is due
    """

    def __init__(self, folder: str | Path, kind: str, facts: Iterable, *, every: float):
        digest = hashlib.sha256()
        for fact in facts:
            digest.update(_bytes(fact))
        self.path = Path(folder) / f"{kind}-{digest.hexdigest()[:24]}.pt"
        self.every, self.saved = every, time.monotonic()

    def due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() - self.saved > self.every

    def save(self, state: dict[str, Any]) -> None:
        """Write the state, of tensors and plain values, whole or not at all."""
        with replacing(self.path) as part:
            torch.save(state, part)
        self.saved = time.monotonic()

    def restore(self, take: Callable[[dict[str, Any]], object]) -> None:
        """Hand the state to ``take``, if one was saved.

        Raises
        ------
        ValueError
            If it cannot be read or taken.
        """
        if not self.path.exists():
            return
        try:
            take(torch.load(self.path, map_location="cpu", weights_only=True))
        except Exception:  # of many kinds, and PyTorch's own lines say nothing here
            raise ValueError(
                f"checkpoint {self.path} cannot be read: it is damaged, or of another "
                "version; delete it to start this training again"
            ) from None


def kept(
    folder: str | Path, kind: str, facts: Iterable, make: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """What `make` gives, read from the folder where it was made before.

    Parameters
    ----------
    folder, kind, facts : as of `Checkpoint`; nothing is kept where the folder is empty
    make : gives tensors and plain values by their names
    """
    if not folder:
        return make()
    keep = Checkpoint(folder, kind, facts, every=0)
    found: dict[str, Any] = {}
    keep.restore(found.update)
    if not found:
        found = make()
        keep.save(found)
    return found


def facts_of(network: nn.Module) -> Iterator[bytes | torch.Tensor]:
    """Names and entries of a network's state, as facts of a `Checkpoint`."""
    for name, tensor in network.state_dict().items():
        yield from (name.encode(), tensor)


def _bytes(fact: Any) -> bytes:
    if isinstance(fact, torch.Tensor):
        fact = fact.detach().cpu().numpy()
    if isinstance(fact, np.ndarray):
        return np.ascontiguousarray(fact).tobytes()
    return fact if isinstance(fact, bytes) else repr(fact).encode()
