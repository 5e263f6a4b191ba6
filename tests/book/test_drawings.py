"""Lighter drawings show what the drawings showed."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from repalign_utils.book.drawings import lighter

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def _drawn(draw):
    figure, ax = plt.subplots()
    draw(ax)
    file = io.StringIO()
    figure.savefig(file, format="svg")
    plt.close(figure)
    return file.getvalue()


def _pictures(drawing):
    found = re.findall(r"base64,([\w+/=\s]+)", drawing)
    return [Image.open(io.BytesIO(base64.b64decode(letters))) for letters in found]


def test_a_curve_stays_within_a_hundredth_of_a_point():
    rng = np.random.default_rng(0)
    before = _drawn(lambda ax: ax.plot(rng.normal(size=300).cumsum()))
    after = lighter(before)
    assert len(after) < 0.8 * len(before)
    drawn = [re.findall(r'd="([^"]*)"', drawing) for drawing in (before, after)]
    old, new = (np.array(NUMBER.findall("".join(d)), dtype=float) for d in drawn)
    assert old.shape == new.shape and len(old) > 600
    np.testing.assert_allclose(new, old, atol=0.005 + 1e-9)


@pytest.mark.parametrize("colours", ["viridis", "hsv"])
def test_a_picture_keeps_every_pixel(colours):
    image = np.random.default_rng(0).normal(size=(60, 60))
    look = {"cmap": colours, "interpolation": "none"}
    before = _drawn(lambda ax: ax.imshow(image, **look))
    after = lighter(before)
    assert len(after) < len(before)
    (old,), (new,) = _pictures(before), _pictures(after)
    np.testing.assert_array_equal(new.convert("RGBA"), old.convert("RGBA"))


def test_a_picture_that_shows_what_is_below_stays_as_it_is():
    image = np.random.default_rng(0).choice([0, 0.5], size=(9, 9, 4))
    before = _drawn(lambda ax: ax.imshow(image, interpolation="none"))
    (old,), (new,) = _pictures(before), _pictures(lighter(before))
    np.testing.assert_array_equal(new.convert("RGBA"), old.convert("RGBA"))


def test_a_drawing_that_is_light_stays_as_it_is():
    once = lighter(_drawn(lambda ax: ax.imshow(np.eye(5))))
    assert lighter(once) == once
