"""Drawings (SVG) in fewer letters, for pages that show many of them."""

import base64
import re
from io import BytesIO

# Points of 1/72 inch: what comes behind the second decimal is far below a pixel. A
# number below 1 may be a scale, and stays.
_LONG = re.compile(r"(?<![\w.])-?[1-9]\d*\.\d{3,}(?![\w.])")
_PICTURE = re.compile(r"data:image/png;base64,([\w+/=\s]+)")
_ABOUT = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_INDENT = re.compile(r"\n +")


def lighter(drawing: str) -> str:
    """Return an SVG that shows the same in fewer letters.

    Coordinates keep two decimals, a picture of up to 256 colours gets a palette, and
    indents and what the program says of itself are left out.

    Examples
    --------
    >>> lighter('<path d="M 20.197179 163.59976" transform="scale(0.015625)"/>')
    '<path d="M 20.2 163.6" transform="scale(0.015625)"/>'
    """
    drawing = _INDENT.sub("\n", _ABOUT.sub("", drawing.strip()))
    drawing = _LONG.sub(lambda found: _rounded(found[0]), drawing)
    return _PICTURE.sub(lambda found: _with_palette(found[1]), drawing)


def _rounded(number: str) -> str:
    return f"{float(number):.2f}".rstrip("0").rstrip(".")


def _with_palette(letters: str) -> str:
    """Address of the same picture, with a palette if that is exact and smaller."""
    from PIL import Image

    picture = base64.b64decode(letters)
    with Image.open(BytesIO(picture)) as image:
        colours = image.convert("RGB")
        opacity = image.convert("RGBA").getchannel("A").getextrema()
    packed = colours.quantize(256, dither=Image.Dither.NONE)
    if opacity == (255, 255) and packed.convert("RGB").tobytes() == colours.tobytes():
        smaller = BytesIO()
        packed.save(smaller, "png", optimize=True)
        picture = min(picture, smaller.getvalue(), key=len)
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"
