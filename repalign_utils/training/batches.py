"""Batches of images for training: order, augmentation, decoding, all from seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional as F

from ..data import ImageSet
from ..networks.images import NetworkInputs

AUGMENTATIONS = {
    "none": (False, False),
    "crop": (True, False),
    "crop_flip": (True, True),
}
_KEPT = 2**27  # bytes of normalised images that are kept, not made anew each epoch
_MARGIN = 8  # a crop moves an image by an eighth of its size at most, as 4 of 32 pixels


class Order:
    """Order of the images: batches of indices, each cut into parts; a batch sampler.

    Parameters
    ----------
    n : images
    batch_size : images per step; what is left over at the end of an epoch waits for
        the next one's order
    parts : parts of a batch, which it is a multiple of
    seed : of the permutations; that of an epoch depends on seed and epoch alone

    Attributes
    ----------
    epoch : whose order comes next
    skip : steps of that epoch to leave out, because they were done before
    """

    def __init__(self, n: int, batch_size: int, parts: int = 1, seed: int = 0):
        self.n, self.batch, self.seed = n, batch_size, seed
        # Accelerate reads these two, to share each part among the processes.
        self.batch_size, self.drop_last = batch_size // parts, True
        self.steps = n // batch_size
        self.epoch = self.skip = 0

    def __len__(self) -> int:
        return (self.steps - self.skip) * (self.batch // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.n)
        start, stop = self.skip * self.batch, self.steps * self.batch
        for i in range(start, stop, self.batch_size):
            yield order[i : i + self.batch_size].tolist()


class Batches(torch.utils.data.Dataset):
    """Images of an ``ImageSet`` or of ``ImageFiles`` as batches for a network.

    Parameters
    ----------
    images : ``ImageSet``, or ``ImageFiles``, read when they are asked for
    size : height and width to bring images to; None: as they are
    scale : as in `NetworkInputs`
    augment : a name in ``AUGMENTATIONS``
    seed : of the augmentation; an image's depends on seed, epoch and image alone,
        however the images are shared among processes

    Attributes
    ----------
    epoch : whose augmentation comes next
    """

    def __init__(
        self,
        images,
        *,
        size: int | None = None,
        scale: str = "half",
        augment: str = "none",
        seed: int = 0,
    ):
        self.images, self.size, self.seed, self.epoch = images, size, seed, 0
        self.crop, self.flip = AUGMENTATIONS[augment]
        self.labels = torch.from_numpy(np.asarray(images.labels, dtype=np.int64))
        self.in_memory = isinstance(images, ImageSet)
        self._kept: torch.Tensor | None = None
        if not self.in_memory and size is None:
            raise ValueError(
                "images on disk differ in size, and size is None; pass size=224"
            )
        pixels = images.images if self.in_memory else np.empty((0, 3, 1, 1), np.uint8)
        self.inputs = NetworkInputs(
            pixels, size=size if self.in_memory else None, scale=scale
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitems__(self, indices: list[int]):
        """Batch: inputs (b, c, h, w), float32, and labels (b,), int64."""
        rows = np.asarray(indices)
        x = self._read(rows)
        if self.crop:
            x = self._augmented(x, self._draws()[rows])
        return x.contiguous(memory_format=torch.channels_last), self.labels[rows]

    def _read(self, rows: np.ndarray) -> torch.Tensor:
        """Normalised images, with a margin on each side if they are to be cropped."""
        if self.in_memory:
            if self._kept is None:
                first = self._padded(self.inputs[:1])
                few = first.nbytes * len(self) <= _KEPT
                self._kept = self._padded(self.inputs[:]) if few else first[:0]
            if len(self._kept):
                return self._kept[rows]
            return self._padded(self.inputs[rows])
        # On disk there is more to see: as in the paper, 256 pixels for crops of 224.
        assert self.size  # checked at the start
        side = self.size + self.size // 7 if self.crop else self.size
        paths = tuple(self.images.paths[i] for i in rows)
        some = replace(self.images, paths=paths, labels=self.images.labels[rows])
        return self.inputs.scaled(torch.from_numpy(some.read(side).images))

    def _padded(self, x: torch.Tensor) -> torch.Tensor:
        margin = max(x.shape[-1] // _MARGIN, 1)
        return F.pad(x, [margin] * 4, mode="reflect") if self.crop else x

    def _augmented(self, x: torch.Tensor, draws: np.ndarray) -> torch.Tensor:
        """Cut each image out of its margin somewhere, and mirror half of them."""
        side = self.size or self.images.images.shape[-1]
        room = x.shape[-1] - side
        down, across = (
            torch.from_numpy((draws[:, i] * (room + 1)).astype(np.int64))[:, None]
            + torch.arange(side)
            for i in range(2)
        )
        if self.flip:
            mirrored = torch.from_numpy(draws[:, 2] < 0.5)[:, None]
            across = torch.where(mirrored, across.flip(1), across)
        picked = torch.arange(len(x))[:, None, None]
        by_pixel = x.permute(0, 2, 3, 1)[picked, down[:, :, None], across[:, None]]
        return by_pixel.permute(0, 3, 1, 2)

    def _draws(self) -> np.ndarray:
        """Uniform draws of this epoch, (n, 3): down, across, mirrored."""
        key = (self.seed, self.epoch)
        if getattr(self, "_drawn", (None,))[0] != key:
            rng = np.random.default_rng((*key, 1))  # another stream than the order's
            self._drawn = key, rng.random((len(self), 3), dtype=np.float32)
        return self._drawn[1]
