"""Where and how a network computes: device, precision, parts of a batch."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

PRECISIONS = ("float32", "bfloat16", "float16")


def choose_device(name: str) -> torch.device:
    """Device of a run.

    Parameters
    ----------
    name : "auto" (CUDA, else Apple's MPS, else the CPU), "cpu", "cuda", "cuda:N", "mps"

    Raises
    ------
    ValueError
        If there is no such device on this machine.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    accelerators = torch.cuda.device_count(), torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if accelerators[0] else "mps" if accelerators[1] else "cpu"
    kind, _, index = name.partition(":")
    there = {"cpu": 1, "cuda": accelerators[0], "mps": int(accelerators[1])}
    if kind not in there or (index and not index.isdigit()):
        raise ValueError(f"device is {name!r}; expected auto, cpu, cuda, cuda:N or mps")
    if int(index or 0) >= there[kind]:
        raise ValueError(
            f"device is {name!r} but this machine has {there[kind]} of kind {kind!r}; "
            "use device=auto"
        )
    return torch.device(name)


@dataclass(frozen=True)
class Compute:
    """Where and how networks compute, whatever they compute.

    Attributes
    ----------
    device : "auto", "cpu", "cuda", "cuda:N" or "mps", as `choose_device` takes them
    precision : "float32"; or "bfloat16", "float16": products in less, weights in
        float32
    accumulate : parts in which a training computes a batch, to save memory
    workers : processes that decode images for a training

    Raises
    ------
    ValueError
        If there is no such device or precision.

    Examples
    --------
    >>> Compute("cpu", accumulate=4).where
    device(type='cpu')
    """

    device: str = "auto"
    precision: str = "float32"
    accumulate: int = 1
    workers: int = 0

    def __post_init__(self):
        choose_device(self.device)
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"precision is {self.precision!r}; choose one of "
                f"{', '.join(PRECISIONS)}"
            )

    @property
    def where(self) -> torch.device:
        """The device; "auto" is chosen by now."""
        return choose_device(self.device)

    def autocast(self) -> AbstractContextManager:
        """Context in which products are computed in the precision."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.where.type, getattr(torch, self.precision))
