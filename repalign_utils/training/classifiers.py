"""The training loop: batches, steps, checkpoints, in one process or in many."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..networks.device import Compute
from .batches import Batches, Order
from .checkpoints import Checkpoint, facts_of
from .processes import Processes
from .recipes import Recipe

SAVE_EVERY = 600  # seconds between checkpoints within an epoch


@dataclass(frozen=True)
class History:
    """What a training did.

    Attributes
    ----------
    losses : array (epochs,), mean cross-entropy of each epoch as met batch by batch
    steps : optimizer steps in all
    images_per_second : of the epochs trained in this process; 0 if none was
    processes : processes that shared the batches
    """

    losses: np.ndarray
    steps: int
    images_per_second: float
    processes: int


def train(
    model: nn.Module,
    images,
    recipe: Recipe | None = None,
    *,
    size: int | None = None,
    scale: str = "half",
    compute: Compute | None = None,
    seed: int = 0,
    checkpoints: str | Path = "",
    report=None,
) -> History:
    """Train a classifier with cross-entropy; the same call in every kind of process.

    Parameters
    ----------
    model : network, images (n, c, h, w) -> (n, classes); trained in place, and left on
        the device, in evaluation mode
    images : ``ImageSet``, or ``ImageFiles`` that are decoded as they are needed
    recipe : how; None for ``Recipe()``
    size : height and width to bring images to; None: as they are
    scale : "half" or "imagenet", as in ``networks.NetworkInputs``
    compute : device, precision, accumulation and workers; None for ``Compute()``. In a
        distributed run each process has a device of its own
    seed : of order, augmentation and dropout
    checkpoints : folder that keeps the state, under a name made of all that the result
        depends on; a run that finds its state goes on, on a CPU to the same weights as
        an unbroken run
    report : called as ``report(epoch, loss, images_per_second)`` after each epoch

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If sizes, labels, device or precision do not fit.
    FloatingPointError
        If the loss is no longer finite.
    RuntimeError
        If memory runs out; suggests what to pass instead.
    """
    recipe, compute = recipe or Recipe(), compute or Compute()
    if compute.precision == "float16" and compute.where.type == "cpu":
        raise ValueError("precision is 'float16' but the CPU has none; use bfloat16")
    together = Processes(compute)
    batch_size = min(recipe.batch_size, len(images.labels))
    _check_parts(batch_size, compute.accumulate, together.count, len(images.labels))
    data = Batches(images, size=size, scale=scale, augment=recipe.augment, seed=seed)
    run = _Run(model, data, recipe, batch_size, compute, together)
    keep = None
    if checkpoints:
        keep = Checkpoint(checkpoints, "pretraining", run.facts(), every=SAVE_EVERY)
        keep.restore(run.take)
    try:
        run.all_epochs(keep, report)
    except torch.OutOfMemoryError as error:
        raise RuntimeError(
            f"training ran out of memory on {together.device} with batch_size "
            f"{batch_size} in {compute.accumulate} parts; pass "
            f"accumulate={2 * compute.accumulate} for the same result in less "
            f"memory, or batch_size={max(batch_size // 2, 1)}"
        ) from error
    model.eval()
    return run.history()


def _check_parts(batch_size: int, parts: int, processes: int, n: int) -> None:
    if not 1 <= parts <= batch_size or batch_size % parts:
        raise ValueError(
            f"accumulate is {parts} but must divide the batch size {batch_size} "
            f"(of {n} images); pass 1 for no accumulation"
        )
    if batch_size // parts % processes:
        raise ValueError(
            f"batch_size {batch_size} in {parts} parts cannot be shared by {processes} "
            f"processes; pass a multiple of {parts * processes}"
        )


class _Run:
    """A training in progress: model, optimizer, order of the batches, position."""

    def __init__(self, model, data, recipe, batch_size, compute, together):
        self.data, self.recipe, self.compute = data, recipe, compute
        self.together, self.device = together, together.device
        self.order = Order(len(data), batch_size, compute.accumulate, data.seed)
        loader = torch.utils.data.DataLoader(
            data,
            batch_sampler=self.order,  # pyright: ignore[reportArgumentType]
            collate_fn=_as_it_is,
            num_workers=compute.workers,
        )
        # faster convolutions
        self.plain = model.to(self.device, memory_format=torch.channels_last)
        self.optimizer = recipe.make_optimizer(model.parameters())
        self.scaler = torch.amp.GradScaler(
            self.device.type, enabled=compute.precision == "float16"
        )
        self.model, self.batches = together.share(model, loader)
        self.epoch, self.step = 0, 0  # step: finished ones of this epoch
        self.losses: list[float] = []
        self.sums = [0.0, 0]  # loss times images, and images, of this epoch
        self.seconds, self.seen = 0.0, 0

    def all_epochs(self, keep: Checkpoint | None, report) -> None:
        while self.epoch < self.recipe.epochs:
            self._epoch(keep)
            self.losses.append(self.sums[0] / self.sums[1])
            self.epoch, self.step, self.sums = self.epoch + 1, 0, [0.0, 0]
            if keep:
                self._save(keep)
            if report and self.together.index == 0:
                report(self.epoch, self.losses[-1], self.rate())

    def _epoch(self, keep: Checkpoint | None) -> None:
        started = time.perf_counter()
        self.model.train()
        self.data.epoch = self.order.epoch = self.epoch
        self.order.skip = self.step
        total, count = torch.zeros((), device=self.device), 0
        for part, (inputs, labels) in enumerate(self.batches, start=1):
            last = part % self.compute.accumulate == 0
            total += self._part(inputs, labels, last) * len(labels)
            count += len(labels)
            if last:
                self.step += 1
                if keep and self.together.agree(keep.due()):
                    self._settle(total, count)
                    total, count = torch.zeros_like(total), 0
                    self._save(keep)
        self._settle(total, count)
        self.seconds += time.perf_counter() - started

    def _part(self, inputs, labels, last: bool) -> torch.Tensor:
        """Gradients of one part of a batch; after the last one the step."""
        # Dropout and the like draw from the global generators: seeded by the position,
        # so that a resumed run needs none of their state.
        index = self.epoch * self.order.steps + self.step
        _seed_generators(self.device, (self.data.seed, index, self.together.index))
        inputs, labels = inputs.to(self.device), labels.to(self.device)
        # Only with the last part's gradients do the processes wait for each other.
        with nullcontext() if last else self.together.apart(self.model):
            with self.compute.autocast():
                loss = F.cross_entropy(self.model(inputs), labels)
            self.scaler.scale(loss / self.compute.accumulate).backward()
        if last:
            time_ = self.epoch + self.step / self.order.steps
            for group in self.optimizer.param_groups:
                group["lr"] = self.recipe.step_size_at(time_)
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.optimizer.zero_grad()
        return loss.detach().float()

    def _settle(self, total: torch.Tensor, count: int) -> None:
        """Add the processes' sums of loss to those of the epoch."""
        self.together.add(total)
        count *= self.together.count
        self.sums = [self.sums[0] + float(total), self.sums[1] + count]
        self.seen += count
        if not math.isfinite(self.sums[0]):
            raise FloatingPointError(
                f"the loss is {self.sums[0]} in epoch {self.epoch + 1}; lower the step "
                f"size (now {self.recipe.step_size}) or use precision=float32"
            )

    def rate(self) -> float:
        return self.seen / self.seconds if self.seconds else 0.0

    def history(self) -> History:
        steps = self.epoch * self.order.steps
        return History(np.array(self.losses), steps, self.rate(), self.together.count)

    def facts(self) -> Iterator:
        """What the result depends on, before the first step.

        Not the number of processes and parts: it changes the order of sums alone.
        """
        images, data = self.data.images, self.data
        facts = (2, torch.__version__, self.device.type, self.compute.precision)
        facts += (self.recipe, self.order.batch, data.seed, data.size)
        facts += (data.inputs.mean.tolist(), images.about.sha256, str(self.plain))
        yield facts
        yield data.labels
        # two draws of the same file have the same checksum
        yield images.images if data.in_memory else [p.name for p in images.paths]
        yield from facts_of(self.plain)

    def _save(self, keep: Checkpoint) -> None:
        if self.together.index == 0:
            keep.save(
                {
                    "weights": self.plain.state_dict(),
                    "optimizer": self.optimizer.state_dict(),
                    "scaler": self.scaler.state_dict(),
                    "position": [self.epoch, self.step],
                    "losses": self.losses,
                    "sums": self.sums,
                }
            )
        self.together.wait()

    def take(self, state: dict) -> None:
        """Go on from a saved state."""
        self.plain.load_state_dict(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.epoch, self.step = state["position"]
        self.losses, self.sums = state["losses"], state["sums"]


def _seed_generators(device: torch.device, position: tuple) -> None:
    """Seed the global generators of the CPU and of this device alone.

    ``torch.manual_seed`` does so for devices that are not in use, too: each call takes
    the stack down for later, a tenth of the time of a small network's step.
    """
    digest = hashlib.sha256(repr((position,)).encode()).digest()
    seed = int.from_bytes(digest[:7], "big")
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def _as_it_is(batch):
    return batch  # `Batches` gives whole batches
