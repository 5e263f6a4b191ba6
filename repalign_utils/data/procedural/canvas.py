"""A sheet on which many pictures of one class are drawn at once."""

from collections.abc import Callable
from functools import reduce

import numpy as np

Number = np.ndarray | float


class Canvas:
    """Pictures that are painted together, each in its own pose and colours.

    Everything that varies between pictures has shape (n, 1, 1), or (n, 3, 1, 1) for
    a colour; everything that varies within a picture (n, size, size). A class is
    drawn in the square from -1 to 1, `y` upwards.

    Attributes
    ----------
    x, y : array (n, size, size), float32
        Where each pixel lies for the class that is drawn.
    angle : array (n, 1, 1), float32
        By how much the class is turned in the picture, in radians.
    pixel : array (n, 1, 1), float32
        Width of a pixel in the same units.
    colour : array (n, 3, size, size), float32
        What was painted, in [0, 1], times its opacity.
    opacity : array (n, size, size), float32
        0 where nothing was painted, 1 where nothing shines through.
    """

    def __init__(
        self, rng: np.random.Generator, n: int, size: int, natural: bool, turn: float
    ) -> None:
        """Draw the poses; `turn` is the largest angle to either side, in radians."""
        self.rng, self.n, self.size, self._natural = rng, n, size, natural
        steps = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1
        scale = self.uniform(0.62, 1)
        x = steps[None, None, :] - self.uniform(-0.24, 0.24)
        y = -steps[None, :, None] - self.uniform(-0.24, 0.24)
        self.angle = self.uniform(-turn, turn)
        side = self.sign()  # a mirror image is as good
        cosine, sine = np.cos(self.angle) / scale, np.sin(self.angle) / scale
        self.x = side * (cosine * x + sine * y)
        self.y = cosine * y - sine * x
        self.pixel = 2 / size / scale
        self.colour = np.zeros((n, 3, size, size), np.float32)
        self.opacity = np.zeros((n, size, size), np.float32)

    def uniform(self, low: float, high: float) -> np.ndarray:
        """Give one number per picture, (n, 1, 1)."""
        values = self.rng.random((self.n, 1, 1), dtype=np.float32)
        return values * np.float32(high - low) + np.float32(low)

    def whole(self, low: int, high: int) -> np.ndarray:
        """Give one whole number per picture, from `low` to `high`, (n, 1, 1)."""
        return self.rng.integers(low, high + 1, (self.n, 1, 1)).astype(np.float32)

    def sign(self) -> np.ndarray:
        """Give -1 or +1 per picture, (n, 1, 1)."""
        return 2 * self.whole(0, 1) - 1

    def noise(self, roughness: float) -> np.ndarray:
        """Give a field with the spectrum of natural scenes, power 1/f^roughness."""
        radius = _frequencies(self.size)[2]
        return self._filtered(radius ** np.float32(-roughness / 2))

    def grain(
        self, waves: np.ndarray, along: np.ndarray, stretch: np.ndarray
    ) -> np.ndarray:
        """Give a field of a given scale, spots or, stretched along an angle, fibres.

        Parameters
        ----------
        waves : array (n, 1, 1)
            Spots, or fibres side by side, across the picture.
        along : array (n, 1, 1)
            Angle of the fibres in the picture, in radians.
        stretch : array (n, 1, 1)
            Length of a fibre by its width; 1: round spots.

        Returns
        -------
        array (n, size, size)
            Mean 0, standard deviation 1.
        """
        fx, fy, _ = _frequencies(self.size)
        cosine, sine = np.cos(along), np.sin(along)
        length = np.hypot((fx * cosine + fy * sine) * stretch, fy * cosine - fx * sine)
        return self._filtered(np.exp(-(((length - waves) / (0.35 * waves)) ** 2)))

    def fill(self, distance: np.ndarray) -> np.ndarray:
        """Give the cover (n, size, size) of a shape, by the distance to its outline."""
        return np.clip(0.5 - distance / self.pixel, 0, 1)

    def paint(
        self,
        cover: np.ndarray,
        first: np.ndarray,
        second: Number = 0,
        mix: np.ndarray | None = None,
    ) -> None:
        """Lay a colour, or a mixture that varies within the picture, over the rest."""
        colour = first
        if mix is not None:
            colour = first + (second - first) * np.clip(mix, 0, 1)[:, None]
        covered = cover[:, None]
        self.colour += covered * (colour - self.colour)
        self.opacity += cover * (1 - self.opacity)

    def hue(self) -> np.ndarray:
        """Draw the main colour of a thing of this family, (n, 3, 1, 1)."""
        anywhere = self.uniform(0, 1)
        if not self._natural:
            return hsv(anywhere, self.uniform(0.35, 1), self.uniform(0.2, 0.95))
        # earth and leaf, and now and then a flower's or a bird's colour
        muted = self.uniform(0.02, 0.42)
        hue = np.where(self.uniform(0, 1) < 0.7, muted, anywhere)
        return hsv(hue, self.uniform(0.1, 0.7), self.uniform(0.2, 0.95))

    def partner(self, colour: np.ndarray, least: float = 0.25) -> np.ndarray:
        """Draw a second colour, lighter or darker than the first by `least` or more."""
        step = self.uniform(least, least + 0.3)[:, None]
        light = colour.mean(axis=1, keepdims=True)
        up = (light < 0.3) | ((light < 0.7) & (self.sign()[:, None] > 0))
        if self._natural:
            tint = colour + (self.hue() - colour) * np.float32(0.35)
        else:
            tint = self.hue()
        moved = tint + (light - tint.mean(axis=1, keepdims=True))
        return np.clip(moved + np.where(up, step, -step), 0, 1)

    def _filtered(self, gain: np.ndarray) -> np.ndarray:
        shape = (self.n, self.size, self.size)
        white = self.rng.standard_normal(shape, dtype=np.float32)
        spectrum = np.fft.rfft2(white) * gain
        spectrum[:, 0, 0] = 0
        field = np.fft.irfft2(spectrum, s=shape[1:]).astype(np.float32)
        return field / field.std(axis=(1, 2), keepdims=True)


Draw = Callable[[Canvas], None]


def repeated(position: np.ndarray, period: Number) -> np.ndarray:
    """Give the position in its cell, -period / 2 to period / 2."""
    return position - period * np.round(position / period)


def inside(*distances: np.ndarray) -> np.ndarray:
    """Give the distance to what lies in all of some shapes, by those to the shapes."""
    return reduce(np.maximum, distances)


def box(x: np.ndarray, y: np.ndarray, width: Number, height: Number) -> np.ndarray:
    """Give the distance to a rectangle of that half width and half height."""
    return inside(np.abs(x) - width, np.abs(y) - height)


def hsv(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Give colours (n, 3, 1, 1), float32, of numbers (n, 1, 1) in [0, 1]."""
    channels = np.array([5, 3, 1], np.float32)[None, :, None, None]
    k = (channels + 6 * hue[:, None]) % 6
    fall = np.clip(np.minimum(k, 4 - k), 0, 1)
    return value[:, None] * (1 - saturation[:, None] * fall)


def _frequencies(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Waves per picture, of a real Fourier transform: across, upwards and radial."""
    across = np.fft.rfftfreq(size, 1 / size).astype(np.float32)[None, None, :]
    upwards = -np.fft.fftfreq(size, 1 / size).astype(np.float32)[None, :, None]
    radius = np.hypot(across, upwards)
    radius[0, 0, 0] = 1  # the mean is taken out
    return across, upwards, radius
