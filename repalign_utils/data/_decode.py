"""Decode image files by threads; a damaged one is an error with its name."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ._image_file import content_of, rgb


def decoded(paths: Sequence[Path], size: int | None) -> tuple[np.ndarray, str]:
    """Decode images to red, green and blue, each as `_image_file.rgb` says.

    Parameters
    ----------
    paths : sequence of Path
        At least one.
    size : int or None
        Edge to resize to; None: all have the size of the first.

    Returns
    -------
    images : array (n, 3, h, w), uint8
    sha256 : str
        Of the bytes of the files, one after the other.

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

    digest = hashlib.sha256()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for content in pool.map(read, range(len(paths))):
            digest.update(content)
    return images, digest.hexdigest()


def _extent(image: np.ndarray) -> str:
    return f"{image.shape[2]} x {image.shape[1]}"
