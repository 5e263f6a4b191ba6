"""Where and how a thing is photographed: plain, in a studio, or by a webcam."""

import numpy as np

from .canvas import Canvas, hsv


def plain(c: Canvas) -> np.ndarray:
    """A light background of faint tint, a good camera."""
    hue, value = c.uniform(0, 1), c.uniform(0.68, 1)
    background = hsv(hue, c.uniform(0, 0.22), value)
    picture = _over(c, background * (1 + c.uniform(0, 0.12) * _slope(c))[:, None])
    return _contrast(c, picture, 0.75, 1.05) + _grain(c, 0.005, 0.03)


def studio(c: Canvas) -> np.ndarray:
    """An even grey background, a lamp at the side, a shadow, strong contrast."""
    grey = c.uniform(0.3, 0.75)[:, None] * np.ones((1, 3, 1, 1), np.float32)
    shift = tuple(c.rng.integers(1, 4, 2))
    shadow = _blur(np.roll(c.opacity, shift, (1, 2))[:, None])
    background = grey * (1 - c.uniform(0.25, 0.6)[:, None] * shadow)
    c.colour *= (1 + c.uniform(0.15, 0.4) * _slope(c))[:, None]
    return _contrast(c, _over(c, background), 1.15, 1.5) + _grain(c, 0.002, 0.015)


def webcam(c: Canvas) -> np.ndarray:
    """A crowded background, a colour cast, low contrast, blur and noise."""
    picture = _over(c, _clutter(c))
    picture = _blur(picture, c.uniform(0.5, 1)[:, None])
    cast = 1 + 0.22 * (2 * c.rng.random((c.n, 3, 1, 1), dtype=np.float32) - 1)
    picture = _contrast(c, picture * cast, 0.45, 0.75)
    return picture * (1 + c.uniform(0, 0.2) * _slope(c))[:, None] + _grain(
        c, 0.02, 0.07
    )


DOMAINS = {"plain": plain, "studio": studio, "webcam": webcam}


def _over(c: Canvas, background: np.ndarray) -> np.ndarray:
    return c.colour + background * (1 - c.opacity)[:, None]


def _slope(c: Canvas) -> np.ndarray:
    """Light that rises evenly in some direction, -1 to 1."""
    steps = np.linspace(-1, 1, c.size, dtype=np.float32)
    angle = c.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * steps[None, None, :] + np.sin(angle) * steps[None, :, None]
    return slope / np.float32(np.sqrt(2))


def _clutter(c: Canvas) -> np.ndarray:
    """Rectangles and round things of any colour, on a wall that varies."""
    steps = np.linspace(-1, 1, c.size, dtype=np.float32)
    x, y = steps[None, None, :], steps[None, :, None]
    wall = hsv(c.uniform(0, 1), c.uniform(0, 0.5), c.uniform(0.2, 0.9))
    picture = wall + np.float32(0.08) * c.noise(2.5)[:, None]
    for index in range(7):
        dx = np.abs(x - c.uniform(-1.1, 1.1)) / c.uniform(0.15, 0.6)
        dy = np.abs(y - c.uniform(-1.1, 1.1)) / c.uniform(0.15, 0.6)
        shape = np.maximum(dx, dy) if index % 2 else np.hypot(dx, dy)
        colour = hsv(c.uniform(0, 1), c.uniform(0.1, 0.8), c.uniform(0.15, 0.95))
        picture = np.where((shape < 1)[:, None], colour, picture)
    return picture


def _blur(picture: np.ndarray, share: np.ndarray | float = 1.0) -> np.ndarray:
    """Mix each pixel with its neighbours, weights 1 2 1 in both directions."""
    padded = np.pad(picture, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    rows = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    smooth = (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 16
    return picture + (smooth - picture) * share


def _contrast(c: Canvas, picture: np.ndarray, low: float, high: float) -> np.ndarray:
    middle = np.float32(0.5)
    return middle + (picture - middle) * c.uniform(low, high)[:, None]


def _grain(c: Canvas, low: float, high: float) -> np.ndarray:
    noise = c.rng.standard_normal((c.n, 3, c.size, c.size), dtype=np.float32)
    return noise * c.uniform(low, high)[:, None]
