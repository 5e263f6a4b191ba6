"""What people make: straight edges, right angles, circles, repetition, flat colours."""

import numpy as np

from .canvas import Canvas, Draw, Number, box, inside, repeated


def _panel(c: Canvas) -> tuple[np.ndarray, np.ndarray]:
    """Paint a rectangle, and give its cover and its colour."""
    colour = c.hue()
    cover = c.fill(box(c.x, c.y, c.uniform(0.62, 0.95), c.uniform(0.62, 0.95)))
    c.paint(cover, colour)
    return cover, colour


def brick_wall(c: Canvas) -> None:
    """Rows of long bricks, each row shifted by half a brick."""
    wall, mortar = _panel(c)
    height = c.uniform(0.26, 0.38)
    length = height * c.uniform(1.7, 2.3)
    shift = c.uniform(0, 1) * height
    row = np.round((c.y + shift) / height)
    x = repeated(c.x + (row % 2) * length / 2, length)
    y = repeated(c.y + shift, height)
    gap = c.uniform(0.04, 0.06)
    brick = c.fill(box(x, y, length / 2 - gap, height / 2 - gap))
    c.paint(wall * brick, c.partner(mortar))


def window_grid(c: Canvas) -> None:
    """A front with windows in rows and columns, wide gaps between them."""
    wall, front = _panel(c)
    across, down = c.uniform(0.36, 0.52), c.uniform(0.36, 0.52)
    x = repeated(c.x + c.uniform(0, 0.5), across)
    y = repeated(c.y + c.uniform(0, 0.5), down)
    pane = c.fill(box(x, y, across * 0.27, down * c.uniform(0.27, 0.33)))
    c.paint(wall * pane, c.partner(front))


def chessboard(c: Canvas) -> None:
    """Squares of two colours in turn."""
    board, first = _panel(c)
    edge = c.uniform(0.26, 0.42)
    x = c.fill(np.abs(repeated(c.x + c.uniform(0, 1), 2 * edge)) - edge / 2)
    y = c.fill(np.abs(repeated(c.y + c.uniform(0, 1), 2 * edge)) - edge / 2)
    c.paint(board * (x + y - 2 * x * y), c.partner(first))


def wheel(c: Canvas) -> None:
    """A tyre, a rim's gaps between straight spokes, a hub."""
    tyre, outer = c.hue(), c.uniform(0.75, 0.95)
    gap, radius = c.partner(tyre), np.hypot(c.x, c.y)
    c.paint(c.fill(radius - outer), tyre)
    turn = 2 * np.pi / c.whole(5, 9)
    along = repeated(np.arctan2(c.y, c.x) + c.uniform(0, 6), turn) * radius
    spoke = c.uniform(0.045, 0.075) - np.abs(along)
    rim = radius - outer * c.uniform(0.74, 0.82)
    hub = outer * c.uniform(0.14, 0.2) - radius
    c.paint(c.fill(inside(spoke, rim, hub)), gap)


def cog_wheel(c: Canvas) -> None:
    """A disc with square teeth and a round hole."""
    metal = c.hue()
    radius = np.hypot(c.x, c.y)
    teeth = c.whole(7, 11)
    turn = 2 * np.pi / teeth
    along = repeated(np.arctan2(c.y, c.x) + c.uniform(0, 6), turn) * radius
    outer = c.uniform(0.8, 0.95)
    disc = radius - outer * 0.76
    tooth = np.maximum(np.abs(along) - outer * turn * 0.22, radius - outer)
    c.paint(c.fill(np.minimum(disc, tooth)), metal)
    hole = c.uniform(0.2, 0.36)
    c.paint(c.fill(radius - hole), c.partner(metal))


def tower(c: Canvas) -> None:
    """Boxes of falling width on one another, a mast, a column of windows."""
    wall = c.hue()
    width = c.uniform(0.34, 0.46)
    first, second = c.uniform(-0.35, -0.15), c.uniform(0.2, 0.4)
    low = _between(c, -width, width, -0.95, first)
    middle = _between(c, -width * 0.7, width * 0.7, first, second)
    high = _between(c, -width * 0.38, width * 0.38, second, second + 0.3)
    mast = _between(c, -0.04, 0.04, second, 1)
    c.paint(c.fill(np.minimum.reduce([low, middle, high, mast])), wall)
    windows = box(c.x, repeated(c.y, c.uniform(0.2, 0.28)), width * 0.2, 0.055)
    column = _between(c, -1, 1, -0.85, second - 0.08)
    c.paint(c.fill(np.maximum(windows, column)), c.partner(wall))


def ladder(c: Canvas) -> None:
    """Two rails and rungs at equal distances."""
    width = c.uniform(0.28, 0.42)
    thick = c.uniform(0.055, 0.085)
    rails = box(np.abs(c.x) - width, c.y, thick, 0.95)
    step = repeated(c.y + c.uniform(0, 0.3), c.uniform(0.3, 0.42))
    rungs = np.maximum(box(c.x, step, width, thick * 0.9), np.abs(c.y) - 0.9)
    c.paint(c.fill(np.minimum(rails, rungs)), c.hue())


def road_barrier(c: Canvas) -> None:
    """A board of slanting stripes on two posts."""
    first = c.hue()
    height = c.uniform(0.22, 0.34)
    level = c.uniform(0.1, 0.45)
    posts = box(np.abs(c.x) - c.uniform(0.5, 0.65), c.y + 0.2, 0.06, 0.72)
    c.paint(c.fill(posts), c.hue())
    board = c.fill(box(c.x, c.y - level, 0.95, height))
    c.paint(board, first)
    period = c.uniform(0.4, 0.55)
    stripe = np.abs(repeated(c.x + c.y + c.uniform(0, 1), period)) - period / 4
    c.paint(board * c.fill(stripe * 0.7), c.partner(first))


def car(c: Canvas) -> None:
    """A low body, a cabin over its middle with two windows, two wheels."""
    paint = c.hue()
    roof = c.uniform(0.42, 0.55)
    left, right = c.uniform(-0.6, -0.45), c.uniform(0.35, 0.55)
    slant = (c.y - 0.05) * c.uniform(0.2, 0.45)
    cabin = _between(c, left + slant, right - slant, 0, roof)
    body = _between(c, -0.95, 0.95, -0.4, c.uniform(0.05, 0.14))
    c.paint(c.fill(np.minimum(cabin, body)), paint)
    glass = _between(c, left + 0.1 + slant, right - 0.1 - slant, 0.12, roof - 0.1)
    pillar = 0.05 - np.abs(c.x - (left + right) / 2)
    c.paint(c.fill(np.maximum(glass, pillar)), c.partner(paint))
    _wheels(c, (-0.55, 0.55), c.uniform(0.2, 0.28))


def bus(c: Canvas) -> None:
    """A long high body with a row of windows, two wheels."""
    paint = c.hue()
    roof = c.uniform(0.5, 0.65)
    c.paint(c.fill(_between(c, -0.97, 0.97, -0.42, roof)), paint)
    period = c.uniform(0.3, 0.42)
    sill = c.uniform(0.02, 0.12)
    pane = np.abs(repeated(c.x + c.uniform(0, 0.4), period)) - period * 0.36
    row = _between(c, -0.87, 0.87, sill, roof - 0.12)
    c.paint(c.fill(np.maximum(pane, row)), c.partner(paint))
    _wheels(c, (-0.58, 0.58), c.uniform(0.18, 0.25))


def lorry(c: Canvas) -> None:
    """A closed box, a lower cab in front of it, three wheels."""
    load = c.hue()
    front = c.uniform(0.35, 0.45)
    c.paint(c.fill(_between(c, -0.97, front, -0.32, c.uniform(0.5, 0.68))), load)
    cab = c.partner(load, 0.15)
    top = c.uniform(0.2, 0.36)
    c.paint(c.fill(_between(c, front + 0.06, 0.97, -0.42, top)), cab)
    glass = _between(c, front + 0.26, 0.97, -0.02, top - 0.09)
    c.paint(c.fill(glass), c.partner(cab))
    _wheels(c, (-0.7, -0.25, 0.68), c.uniform(0.17, 0.23))


def house(c: Canvas) -> None:
    """A box under a gable roof, a door and two windows."""
    wall = c.hue()
    width, eaves = c.uniform(0.6, 0.85), c.uniform(0, 0.2)
    c.paint(c.fill(_between(c, -width, width, -0.8, eaves)), wall)
    pitch = c.uniform(0.75, 1.05)
    ridge = eaves + pitch * (width + 0.12)
    slope = (c.y + pitch * np.abs(c.x) - ridge) / np.sqrt(1 + pitch**2)
    c.paint(c.fill(np.maximum(slope, eaves - c.y)), c.partner(wall, 0.15))
    opening = c.partner(wall)
    side = c.uniform(-0.12, 0.12)
    door = _between(c, side - 0.13, side + 0.13, -0.8, c.uniform(-0.4, -0.25))
    panes = box(np.abs(c.x) - width * 0.62, c.y + c.uniform(0.15, 0.3), 0.13, 0.13)
    c.paint(c.fill(np.minimum(door, panes)), opening)


def _between(
    c: Canvas, left: Number, right: Number, bottom: Number, top: Number
) -> np.ndarray:
    """Distance to what lies between four lines."""
    return inside(left - c.x, c.x - right, bottom - c.y, c.y - top)


def _wheels(c: Canvas, places: tuple[float, ...], radius: np.ndarray) -> None:
    tyre = c.hue() * np.float32(0.4)
    centres = np.minimum.reduce([np.abs(c.x - place) for place in places])
    distance = np.hypot(centres, c.y + 0.42)
    c.paint(c.fill(distance - radius), tyre)
    c.paint(c.fill(distance - radius * 0.42), c.partner(tyre))


SOURCES = (
    brick_wall,
    window_grid,
    chessboard,
    wheel,
    cog_wheel,
    tower,
    ladder,
    road_barrier,
)
TARGETS = (car, bus, lorry, house)


def turn(draw: Draw) -> float:
    """Give the largest angle to either side, in radians."""
    return 0.12  # all stand upright, nearly
