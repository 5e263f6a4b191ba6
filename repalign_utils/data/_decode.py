"""Decode image files by threads; a damaged one is an error with its name."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np

from repalign_utils.data._image_file import content_of, rgb

_BATCH = 256  # files whose bytes are held at a time


class Digest(Protocol):
    """What counts the bytes that were read, such as ``hashlib.sha256()``."""

    def update(self, data: bytes, /) -> None:
        """Add some bytes."""


def decoded(paths: Sequence[Path], size: int | None, digest: Digest) -> np.ndarray:
    """Decode images to red, green and blue, each as `_image_file.rgb` says.

    Parameters
    ----------
    paths : sequence of Path
        At least one.
    size : int or None
        Edge to resize to; None: all have the size of the first.
    digest : Digest
        Is given the bytes of the files, in their order.

    Returns
    -------
    array (n, 3, h, w), uint8

    Raises
    ------
    ValueError
        If a file cannot be read or decoded or has another size; names it.
    """
    first = rgb(paths[0], content_of(paths[0]), size)
    images = np.empty((len(paths), *first.shape), np.uint8)

    def read(index: int) -> bytes:
        content = content_of(paths[index])
        image = rgb(paths[index], content, size)
        if image.shape != first.shape:
            raise ValueError(
                f"{paths[index]} has {_extent(image)} pixels but {paths[0]} has "
                f"{_extent(first)}; pass size to resize them all, e.g. size=64"
            )
        images[index] = image
        return content

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(paths), _BATCH):
            for content in pool.map(
                read, range(start, min(start + _BATCH, len(paths)))
            ):
                digest.update(content)
    return images


def _extent(image: np.ndarray) -> str:
    return f"{image.shape[2]} x {image.shape[1]}"
