"""Open image files as people have them: upright, on white, 8 bits per channel."""

import contextlib
import hashlib
import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from .._extras import need

# Pillow knows these by name alone, or asks another program to draw them
_NOT_DECODED = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
_PHOTOMETRIC, _BITS = 262, 258  # tags of TIFF
_WHITE = 255


class _Unsupported(ValueError):
    """The file is whole, but of a kind that has no one picture in 8 bits."""


def readable_suffixes() -> frozenset[str]:
    """Give the suffixes, such as ``".png"``, of all kinds that Pillow decodes.

    Returns
    -------
    frozenset of str
        In small letters.
    """
    Image = need("PIL.Image", "networks")
    known = Image.registered_extensions()  # of kinds that are only written too
    # several JPEG pictures in one file, MPO, are opened as JPEG
    decoded = {*Image.OPEN, "MPO"} - _NOT_DECODED
    return frozenset(suffix for suffix, kind in known.items() if kind in decoded)


def decoded(paths: Sequence[Path], size: int | None) -> tuple[np.ndarray, str]:
    """Decode images by threads to red, green and blue, each as `rgb` says.

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


def content_of(path: Path) -> bytes:
    """Give the bytes of a file.

    Raises
    ------
    ValueError
        If it cannot be read; names it.
    """
    refuse_broken_link(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({error.strerror}); restore it or take it out of "
            "the folder"
        ) from None


def refuse_broken_link(path: Path) -> None:
    """Raise ValueError, naming the file, if it links to nothing."""
    if path.is_symlink() and not path.exists():
        raise ValueError(
            f"{path} links to nothing, {os.readlink(path)} is not there; restore that "
            "or take it out of the folder"
        )


def rgb(path: Path, content: bytes, size: int | None = None) -> np.ndarray:
    """Decode one image to red, green and blue.

    It is turned as its EXIF orientation says. What is transparent lies on white. Grey
    of 16 bits is scaled to 8; CMYK, palettes, grey and black-and-white become red,
    green and blue, without regard to colour profiles. Of an animation, or of several
    pages, the first is taken.

    Parameters
    ----------
    path : Path
        For the errors, and for what its suffix says where the content has no mark.
    content : bytes
        Of the file.
    size : int, optional
        Edge to resize to, with averaging; None: as it is.

    Returns
    -------
    array (3, h, w), uint8

    Raises
    ------
    ValueError
        If the content is damaged, no image, or of a kind that is not read; names the
        file and says which.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=_kinds(path)) as image:
            return _pixels(image, size)
    except UnidentifiedImageError:
        # twelve bytes tell a HEIC photograph that is called .jpg
        begins = f"it begins with {content[:12]!r}" if content else "it is empty"
        said = (
            f"is no image that Pillow can read, or damaged at its head ({begins}); "
            "save it as PNG, get it anew"
        )
    except (_Unsupported, NotImplementedError) as error:
        said = f"is of a kind that is not read: {error}; save it as PNG"
    except Image.DecompressionBombError as error:
        said = f"is too large ({error}); save it with fewer pixels"
    except MemoryError:
        raise
    except Exception as error:  # damaged content makes Pillow raise nearly anything
        said = f"is damaged ({str(error) or type(error).__name__}); get it anew"
    raise ValueError(f"{path} {said} or take it out of the folder")


def _kinds(path: Path) -> list[str]:
    """Kinds that a file may be of, whatever its suffix says."""
    from PIL import Image

    own = Image.registered_extensions().get(path.suffix.lower())
    # a kind without a mark at its head would take damaged files of others for its own
    return [
        kind
        for kind, (_, has_mark) in Image.OPEN.items()
        if kind not in _NOT_DECODED and (has_mark or kind == own)
    ]


def _pixels(image: Any, size: int | None) -> np.ndarray:
    from PIL import Image, ImageOps

    if size is not None:
        # a JPEG far larger than needed is decoded at a half, a quarter or an eighth
        image.draft("RGB", (2 * size, 2 * size))
    image.load()
    with contextlib.suppress(Exception):  # EXIF that is damaged turns nothing
        ImageOps.exif_transpose(image, in_place=True)
    if image.mode != "RGB" or "transparency" in image.info:
        image = _on_white(_eight_bits(image))
    if size is not None and image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(image).transpose(2, 0, 1)


def _eight_bits(image: Any) -> Any:
    from PIL import Image

    if image.mode == "F" or (image.mode == "I" and image.format != "PPM"):
        kind = "fractions" if image.mode == "F" else "whole numbers with a sign"
        raise _Unsupported(
            f"its pixels are {kind} (Pillow's mode {image.mode}), of which nothing "
            "says what is black and what is white"
        )
    if not image.mode.startswith("I"):
        return image
    tags = getattr(image, "tag_v2", {})  # of TIFF alone
    white = 2 ** min(tags.get(_BITS, (16,))[0], 16) - 1
    values = np.asarray(image).astype(np.uint32)
    grey = ((values * _WHITE + white // 2) // white).astype(np.uint8)
    if tags.get(_PHOTOMETRIC) == 0:  # zero is white, which Pillow minds up to 8 bits
        grey = _WHITE - grey
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = _WHITE
    return Image.fromarray(grey)


def _on_white(image: Any) -> Any:
    from PIL import Image

    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    try:
        return image.convert("RGB")
    except ValueError as error:
        raise _Unsupported(str(error)) from None
