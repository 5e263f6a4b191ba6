"""Decode PNG and JPEG files by threads; a damaged one is an error with its name."""

import io
import os
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np

_BATCH = 256  # files whose bytes are held at a time


class Digest(Protocol):
    """What counts the bytes that were read, such as ``hashlib.sha256()``."""

    def update(self, data: bytes, /) -> None:
        """Add some bytes."""


def decoded(paths: Sequence[Path], size: int | None, digest: Digest) -> np.ndarray:
    """Decode images to red, green and blue.

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
    first = _decode(paths[0], _content(paths[0]), size)
    images = np.empty((len(paths), *first.shape), np.uint8)

    def read(index: int) -> bytes:
        content = _content(paths[index])
        image = _decode(paths[index], content, size)
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


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({error.strerror}); restore it or take it out "
            "of the folder"
        ) from None


def _decode(path: Path, content: bytes, size: int | None) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            return _pixels(image, size, Image.Resampling.BILINEAR)
    # what Pillow raises for damaged content, by format and place
    except (
        EOFError,
        OSError,
        SyntaxError,
        ValueError,
        struct.error,
        Image.DecompressionBombError,
    ) as error:
        raise ValueError(
            f"{path} is damaged or no PNG or JPEG image ({_reason(error)}); get it "
            "anew or take it out of the folder"
        ) from None


def _reason(error: Exception) -> str:
    # Pillow names the buffer by its address, which tells nobody anything
    return "not identified" if "BytesIO" in str(error) else str(error)


def _pixels(image: Any, size: int | None, averaging: Any) -> np.ndarray:
    if image.mode.startswith(("I", "F")):
        raise ValueError(f"mode {image.mode} has more than 8 bits per channel")
    if size is not None:
        # a JPEG far larger than needed is decoded at a half, a quarter or an eighth
        image.draft("RGB", (2 * size, 2 * size))
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    image = image.convert("RGB")
    if size is not None and image.size != (size, size):
        image = image.resize((size, size), averaging)
    return np.asarray(image).transpose(2, 0, 1)
