"""The training loop: batches, steps, checkpoints, in one process or in many."""

from __future__ import annotations

import hashlib
import math
import os
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..files import replacing
from ..networks.device import Compute, choose_device
from .batches import Batches, Order
from .recipes import Recipe

PRECISIONS = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}
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
    parts = _fitting(recipe, images, compute.accumulate)
    with _accelerator(compute.device, compute.precision) as accelerator:
        share = parts.batch_size // parts.accumulate
        if share % accelerator.num_processes:
            raise ValueError(
                f"batch_size {parts.batch_size} in {parts.accumulate} parts cannot be "
                f"shared by {accelerator.num_processes} processes; pass a multiple of "
                f"{parts.accumulate * accelerator.num_processes}"
            )
        data = Batches(
            images, size=size, scale=scale, augment=recipe.augment, seed=seed
        )
        run = _Run(accelerator, model, data, recipe, parts, compute.workers, seed)
        keep = _Checkpoint(checkpoints, run, compute.precision) if checkpoints else None
        try:
            run.all_epochs(keep, report)
        except torch.OutOfMemoryError as error:
            raise RuntimeError(
                f"training ran out of memory on {accelerator.device} with batch_size "
                f"{parts.batch_size} in {parts.accumulate} parts; pass "
                f"accumulate={2 * parts.accumulate} for the same result in less "
                f"memory, or batch_size={max(parts.batch_size // 2, 1)}"
            ) from error
        model.eval()
        return run.history()


@dataclass(frozen=True)
class _Parts:
    batch_size: int
    accumulate: int


def _fitting(recipe: Recipe, images, accumulate: int) -> _Parts:
    """Batch size and parts, checked against the number of images."""
    n = len(images.labels)
    batch_size = min(recipe.batch_size, n)
    if not 1 <= accumulate <= batch_size or batch_size % accumulate:
        raise ValueError(
            f"accumulate is {accumulate} but must divide the batch size {batch_size} "
            f"(of {n} images); pass 1 for no accumulation"
        )
    return _Parts(batch_size, accumulate)


@contextmanager
def _accelerator(device: str, precision: str):
    """Accelerate's view of this process, on the device asked for."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState
    from accelerate.utils import DataLoaderConfiguration

    distributed = int(os.environ.get("WORLD_SIZE", 1)) > 1
    if distributed and ":" in device:
        raise ValueError(
            f"device is {device!r} but this is one of several processes; pass "
            "device=auto, each process takes its own"
        )
    where = choose_device(device)
    if precision == "float16" and where.type == "cpu":
        raise ValueError("precision is 'float16' but the CPU has none; use bfloat16")
    if not distributed:
        # Accelerate keeps the first training's device and precision for all later ones.
        AcceleratorState._reset_state(reset_partial_state=True)
    told = os.environ.get("ACCELERATE_TORCH_DEVICE")
    try:
        if not distributed:
            os.environ["ACCELERATE_TORCH_DEVICE"] = str(where)
        yield Accelerator(
            cpu=where.type == "cpu",
            mixed_precision=PRECISIONS[precision],
            dataloader_config=DataLoaderConfiguration(split_batches=True),
        )
    finally:
        if not distributed:
            os.environ.pop("ACCELERATE_TORCH_DEVICE", None)
            if told is not None:
                os.environ["ACCELERATE_TORCH_DEVICE"] = told


class _Run:
    """A training in progress: model, optimizer, order of the batches, position."""

    def __init__(self, accelerator, model, data, recipe, parts, workers, seed):
        self.accelerator, self.data, self.recipe, self.parts = (
            accelerator,
            data,
            recipe,
            parts,
        )
        self.seed = seed
        self.order = Order(len(data), parts.batch_size, parts.accumulate, seed)
        loader = torch.utils.data.DataLoader(
            data,
            batch_sampler=self.order,  # pyright: ignore[reportArgumentType]
            collate_fn=_as_it_is,
            num_workers=workers,
        )
        model.to(memory_format=torch.channels_last)  # faster convolutions
        self.plain = model
        optimizer = recipe.make_optimizer(model.parameters())
        self.model, self.optimizer, self.batches = accelerator.prepare(
            model, optimizer, loader
        )
        self.epoch, self.step = 0, 0  # step: finished ones of this epoch
        self.losses: list[float] = []
        self.sums = [0.0, 0]  # loss times images, and images, of this epoch
        self.seconds, self.seen = 0.0, 0

    def all_epochs(self, keep, report) -> None:
        if keep:
            keep.restore()
        while self.epoch < self.recipe.epochs:
            self._epoch(keep)
            self.losses.append(self.sums[0] / self.sums[1])
            self.epoch, self.step, self.sums = self.epoch + 1, 0, [0.0, 0]
            if keep:
                keep.save()
            if report and self.accelerator.is_main_process:
                report(self.epoch, self.losses[-1], self.rate())

    def _epoch(self, keep) -> None:
        started = time.perf_counter()
        self.model.train()
        self.data.epoch = self.order.epoch = self.epoch
        self.order.skip = self.step
        total, count = torch.zeros((), device=self.accelerator.device), 0
        for part, (inputs, labels) in enumerate(self.batches, start=1):
            last = part % self.parts.accumulate == 0
            total += self._part(inputs, labels, last) * len(labels)
            count += len(labels)
            if last:
                self.step += 1
                if keep and keep.due():
                    total, count = self._settle(total, count)
                    keep.save()
        self._settle(total, count)
        self.seconds += time.perf_counter() - started

    def _part(self, inputs, labels, last: bool) -> torch.Tensor:
        """Gradients of one part of a batch; after the last one the step."""
        # Dropout and the like draw from the global generators: seeded by the position,
        # so that a resumed run needs none of their state.
        index = self.epoch * self.order.steps + self.step
        position = (self.seed, index, self.accelerator.process_index)
        _seed_generators(self.accelerator.device, _digest(position))
        # Only with the last part's gradients do the processes wait for each other.
        with nullcontext() if last else self.accelerator.no_sync(self.model):
            with self.accelerator.autocast():
                loss = F.cross_entropy(self.model(inputs), labels)
            self.accelerator.backward(loss / self.parts.accumulate)
        if last:
            time_ = self.epoch + self.step / self.order.steps
            for group in self.optimizer.param_groups:
                group["lr"] = self.recipe.step_size_at(time_)
            self.optimizer.step()
            self.optimizer.zero_grad()
        return loss.detach().float()

    def _settle(self, total, count):
        """Add the processes' sums of loss to those of the epoch."""
        both = torch.stack([total.float(), torch.tensor(float(count)).to(total.device)])
        both = self.accelerator.reduce(both, "sum")
        self.sums = [self.sums[0] + float(both[0]), self.sums[1] + int(both[1])]
        self.seen += int(both[1])
        if not math.isfinite(self.sums[0]):
            raise FloatingPointError(
                f"the loss is {self.sums[0]} in epoch {self.epoch + 1}; lower the step "
                f"size (now {self.recipe.step_size}) or use precision=float32"
            )
        return torch.zeros_like(total), 0

    def rate(self) -> float:
        return self.seen / self.seconds if self.seconds else 0.0

    def history(self) -> History:
        steps = self.epoch * self.order.steps
        processes = self.accelerator.num_processes
        return History(np.array(self.losses), steps, self.rate(), processes)


def _seed_generators(device: torch.device, digest: bytes) -> None:
    """Seed the global generators of the CPU and of this device alone.

    ``torch.manual_seed`` does so for devices that are not in use, too: each call takes
    the stack down for later, a tenth of the time of a small network's step.
    """
    seed = int.from_bytes(digest[:7], "big")
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def _as_it_is(batch):
    return batch  # `Batches` gives whole batches


def _digest(*values) -> bytes:
    return hashlib.sha256(repr(values).encode()).digest()


class _Checkpoint:
    """A training's state on disk, under a name of all that the result depends on.

    The number of processes and parts is not in it: it changes the order of sums alone.
    """

    def __init__(self, folder: str | Path, run: _Run, precision: str):
        self.run, self.accelerator = run, run.accelerator
        images, data = run.data.images, run.data
        facts = (2, torch.__version__, self.accelerator.device.type, precision)
        facts += (run.recipe, run.parts.batch_size, run.seed, data.size)
        facts += (data.inputs.mean.tolist(), images.about.sha256, str(run.plain))
        digest = hashlib.sha256(repr(facts).encode())
        digest.update(data.labels.numpy().tobytes())
        if data.in_memory:  # two draws of the same file have the same checksum
            digest.update(np.ascontiguousarray(images.images).tobytes())
        else:
            digest.update(repr([p.name for p in images.paths]).encode())
        for name, tensor in run.plain.state_dict().items():
            digest.update(name.encode() + _bytes(tensor))
        self.path = Path(folder) / f"pretraining-{digest.hexdigest()[:24]}.pt"
        self.saved = time.monotonic()

    def due(self) -> bool:
        """Whether to save within an epoch; the main process's clock counts for all."""
        late = torch.tensor(float(time.monotonic() - self.saved > SAVE_EVERY))
        if self.accelerator.num_processes > 1:
            from accelerate.utils import broadcast

            late = broadcast(late.to(self.accelerator.device))
        return bool(late)

    def save(self) -> None:
        self.saved = time.monotonic()
        if self.accelerator.is_main_process:
            with replacing(self.path) as part:
                torch.save(self._state(), part)
        self.accelerator.wait_for_everyone()

    def _state(self) -> dict:
        run, scaler = self.run, self.accelerator.scaler
        return {
            "weights": run.plain.state_dict(),
            "optimizer": run.optimizer.state_dict(),
            "scaler": scaler.state_dict() if scaler else None,
            "position": [run.epoch, run.step],
            "losses": run.losses,
            "sums": run.sums,
        }

    def restore(self) -> None:
        if not self.path.exists():
            return
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            self._take(state)
        except Exception:  # of many kinds, and PyTorch's own lines say nothing here
            raise ValueError(
                f"checkpoint {self.path} cannot be read: it is damaged, or of another "
                "version; delete it to start this training again"
            ) from None

    def _take(self, state: dict) -> None:
        run = self.run
        run.plain.load_state_dict(state["weights"])
        run.optimizer.load_state_dict(state["optimizer"])
        if state["scaler"] and self.accelerator.scaler:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        run.epoch, run.step = state["position"]
        run.losses, run.sums = state["losses"], state["sums"]


def _bytes(tensor: torch.Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().numpy().tobytes()
