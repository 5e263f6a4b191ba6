"""What grows: curved outlines, branching, and textures that never quite repeat."""

import numpy as np

from .canvas import Canvas, Draw, inside, repeated


def _bend(c: Canvas, amount: float) -> None:
    """Move the places of the pixels a little, smoothly, so that no line is straight."""
    c.x = c.x + np.float32(amount) * c.noise(4)
    c.y = c.y + np.float32(amount) * c.noise(4)


def _blob(c: Canvas) -> np.ndarray:
    """Distance to an irregular round outline."""
    angle = np.arctan2(c.y * c.uniform(1, 1.35), c.x)
    outline = c.uniform(0.75, 0.9) * np.ones_like(angle)
    for wave in (2, 3, 5):
        size = c.uniform(0, 0.36 / wave)
        outline = outline + size * np.cos(wave * angle + c.uniform(0, 2 * np.pi))
    return np.hypot(c.x, c.y) - outline


def _coat(c: Canvas, body: np.ndarray, colour: np.ndarray | None = None) -> np.ndarray:
    """Paint a body whose colour varies on all scales, as skin and leaves do."""
    colour = c.hue() if colour is None else colour
    c.paint(c.fill(body), colour, c.partner(colour, 0.1), 0.5 + 0.25 * c.noise(2))
    return colour


def spotted_fur(c: Canvas) -> None:
    """Separate dark or light spots of about one size."""
    body = _blob(c)
    coat = _coat(c, body)
    spots = c.grain(c.uniform(4.2, 6), c.uniform(0, 3), c.uniform(1, 1.2))
    c.paint(c.fill(body) * _soft(spots - 0.7), c.partner(coat, 0.35))


def striped_fur(c: Canvas) -> None:
    """Stripes that run side by side, swing, split and end."""
    body = _blob(c)
    coat = _coat(c, body)
    stripes = c.grain(c.uniform(4, 5.6), c.uniform(0, 3.14), c.uniform(3.5, 5))
    c.paint(c.fill(body) * _soft(stripes - 0.15), c.partner(coat, 0.35))


def leaf(c: Canvas) -> None:
    """A blade pointed at both ends, a midrib and slanting side veins."""
    _bend(c, 0.03)
    y = c.y + c.uniform(-0.3, 0.3) * (c.x**2 - 0.4)
    width = c.uniform(0.36, 0.56) * (1 - np.minimum(c.x**2, 1)) ** 0.8
    blade = np.maximum(np.abs(y) - width * (1 - 0.35 * c.x), np.abs(c.x) - 1)
    green = _coat(c, blade)
    vein = np.abs(repeated(c.x - np.abs(y) * c.uniform(0.6, 1.1), c.uniform(0.28, 0.4)))
    rib = np.minimum(np.abs(y) - 0.045, vein * 0.8 - 0.035)
    c.paint(c.fill(np.maximum(rib, blade)), c.partner(green, 0.3))


def fern(c: Canvas) -> None:
    """A curved stem with narrow leaflets on both sides, shorter towards the tip."""
    _bend(c, 0.02)
    y = c.y + c.uniform(-0.45, 0.45) * (c.x**2 - 0.4)
    reach = c.uniform(0.55, 0.75) * np.clip(0.95 - c.x, 0, 1.3) / 1.3
    period = c.uniform(0.24, 0.32)
    along = np.abs(repeated(c.x - np.abs(y) * c.uniform(0.3, 0.7), period))
    leaflet = np.maximum(along - period * 0.27, np.abs(y) - reach)
    stem = np.abs(y) - 0.04
    plant = np.maximum(np.minimum(leaflet, stem), np.abs(c.x) - 0.95)
    _coat(c, plant)


def flower(c: Canvas) -> None:
    """Round petals about a rough heart."""
    _bend(c, 0.03)
    radius, angle = np.hypot(c.x, c.y), np.arctan2(c.y, c.x)
    lobe = np.abs(np.cos(angle * c.whole(4, 8) / 2 + c.uniform(0, 3)))
    outline = c.uniform(0.8, 0.95) * (0.4 + 0.6 * lobe ** c.uniform(0.5, 0.9))
    petal = c.hue()
    shade = 1.4 * radius - 0.2 + 0.25 * c.noise(2)
    c.paint(c.fill(radius - outline), petal, c.partner(petal, 0.2), shade)
    heart = c.partner(petal)
    mix = 0.5 + 0.5 * c.noise(0.5)
    c.paint(c.fill(radius - c.uniform(0.2, 0.3)), heart, c.partner(heart, 0.15), mix)


def shell(c: Canvas) -> None:
    """A spiral that widens by the same factor at each turn."""
    _bend(c, 0.02)
    radius = np.hypot(c.x + 0.1, c.y) + np.float32(1e-3)  # the logarithm of 0 is none
    angle = np.arctan2(c.y, c.x + 0.1)
    growth = c.uniform(0.62, 0.8)  # of the radius, as its logarithm, per turn
    turns = np.log(radius / 0.95) / growth - angle / (2 * np.pi)
    body = radius - 0.95 * np.exp(growth * (angle / (2 * np.pi) - 0.5))
    tint = _coat(c, body)
    seam = (np.abs(repeated(turns + 0.5, 1.0)) - 0.13) * growth * radius
    c.paint(c.fill(np.maximum(seam, body)), c.partner(tint, 0.35))


def bare_tree(c: Canvas) -> None:
    """A trunk that forks, and forks again."""
    _bend(c, 0.03)
    bark = c.hue()
    spread = c.uniform(0.4, 0.65)
    tree = np.full_like(c.x, np.inf)
    tips = [(c.uniform(-0.1, 0.1), c.uniform(-1, -0.95), c.uniform(1.45, 1.7))]
    length, thick = c.uniform(0.6, 0.75), 0.1
    for _ in range(4):
        grown = []
        for x, y, angle in tips:
            end_x, end_y = x + length * np.cos(angle), y + length * np.sin(angle)
            limb = _segment(c, x, y, end_x, end_y) - np.float32(thick)
            tree = np.minimum(tree, limb)
            for side in (-1, 1):
                fork = angle + side * spread * c.uniform(0.6, 1.3)
                grown.append((end_x, end_y, fork))
        tips, length, thick = grown, length * 0.68, thick * 0.68
    _coat(c, tree, bark)


def pebbles(c: Canvas) -> None:
    """Round stones of different colours, close together."""
    _bend(c, 0.02)
    cell = c.uniform(0.42, 0.6)
    x, y = c.x / cell + 8, c.y / cell + 8
    places = c.rng.random((c.n, 16, 16, 3), dtype=np.float32)
    first = second = np.full_like(x, 9)
    tone = np.zeros_like(x)
    picture = np.arange(c.n)[:, None, None]
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            column, row = np.floor(x) + i, np.floor(y) + j
            stone = places[picture, row.astype(int) % 16, column.astype(int) % 16]
            dx = column + 0.15 + 0.7 * stone[..., 0] - x
            dy = row + 0.15 + 0.7 * stone[..., 1] - y
            distance = np.hypot(dx, dy)
            nearer = distance < first
            second = np.where(nearer, first, np.minimum(second, distance))
            tone = np.where(nearer, stone[..., 2], tone)
            first = np.where(nearer, distance, first)
    ground, body = c.hue(), _blob(c)
    c.paint(c.fill(body), ground)
    stone = c.fill(np.maximum((0.2 - (second - first)) * cell, body))
    light = c.partner(ground, 0.35)
    c.paint(stone, light, c.partner(light, 0.3), tone + 0.15 * c.noise(2))


def fish(c: Canvas) -> None:
    """A spindle with a forked tail, rows of scales and an eye."""
    _bend(c, 0.02)
    y = c.y + c.uniform(-0.25, 0.25) * c.x**2
    half = c.uniform(0.3, 0.45) * np.clip(1 - ((c.x - 0.2) / 0.75) ** 2, 0, 1) ** 0.7
    body = np.maximum(np.abs(y) - half, np.abs(c.x - 0.2) - 0.75)
    fork = np.abs(y) - 0.75 * (-c.x - 0.38)
    notch = -0.95 + 0.5 * (0.35 - np.abs(y)) - c.x
    tail = inside(fork, notch, c.x + 0.4)
    skin = _coat(c, np.minimum(body, tail))
    size = c.uniform(0.2, 0.27)
    row = np.round(y / size * 1.6)
    along = repeated(c.x + (row % 2) * size / 2, size)
    scale = np.hypot(along, repeated(y, size / 1.6))
    scales = np.maximum(np.abs(c.x - 0.05) - 0.5, body + 0.03)
    c.paint(c.fill(np.maximum(scale - size * 0.3, scales)), c.partner(skin, 0.2))
    eye = np.hypot(c.x - 0.7, y - 0.07) - 0.075
    c.paint(c.fill(eye), c.partner(skin))


def shaggy_fur(c: Canvas) -> None:
    """Long thin hairs that lie alongside, with tufts at the outline."""
    along, hue = c.uniform(0, 3.14), c.hue()
    hairs = c.grain(c.uniform(5.5, 8), along, c.uniform(3.5, 5.5))
    body = _blob(c) + 0.09 * hairs
    shade = 0.5 + 0.3 * hairs + 0.2 * c.noise(3)
    c.paint(c.fill(body), hue, c.partner(hue), shade)


def tree_bark(c: Canvas) -> None:
    """A trunk or a limb with long ridges and deep cracks."""
    _bend(c, 0.06)
    trunk = np.abs(c.x + 0.12 * c.y**2 * c.sign()) - c.uniform(0.34, 0.5)
    trunk = np.maximum(trunk + 0.04 * c.noise(2), np.abs(c.y) - c.uniform(1, 1.4))
    bark = _coat(c, trunk)
    # along the trunk, which lies as the picture is turned
    along = c.angle + np.pi / 2 + c.uniform(-0.2, 0.2)
    cracks = c.grain(c.uniform(4, 6), along, c.uniform(3, 4.5))
    deep = _soft(0.45 - np.abs(cracks - 0.3))
    c.paint(c.fill(trunk) * deep, c.partner(bark))


def brain_coral(c: Canvas) -> None:
    """A round lump with winding furrows that fill it like a maze."""
    body = _blob(c)
    lump = _coat(c, body)
    maze = c.grain(c.uniform(3.6, 5), c.uniform(0, 3), c.uniform(1, 1.1))
    c.paint(c.fill(body) * _soft(0.4 - np.abs(maze)), c.partner(lump))


def mushroom(c: Canvas) -> None:
    """A domed cap on a curved stem."""
    _bend(c, 0.03)
    stem = c.hue()
    lean = c.uniform(-0.25, 0.25) * (c.y - 0.1) ** 2
    width = c.uniform(0.12, 0.22) * (1 - 0.25 * c.y)
    stalk = np.maximum(np.abs(c.x + lean) - width, np.abs(c.y + 0.4) - 0.52)
    _coat(c, stalk, stem)
    cap = c.partner(stem, 0.15)
    wide, high = c.uniform(0.7, 0.92), c.uniform(0.6, 0.85)
    dome = np.hypot(c.x / wide, (c.y - 0.05) / high) - 1
    under = 0.02 + 0.14 * (c.x / wide) ** 2 - c.y
    rim = c.partner(cap, 0.2)
    shade = 0.5 - 0.6 * c.y + 0.35 * c.noise(2)
    c.paint(c.fill(np.maximum(dome * 0.7, under)), cap, rim, shade)


def feather(c: Canvas) -> None:
    """A narrow curved vane of fine barbs, split here and there, on a long quill."""
    _bend(c, 0.02)
    y = c.y + c.uniform(-0.4, 0.4) * (c.x**2 - 0.4)
    along = np.clip((c.x + 0.45) / 1.4, 0, 1)  # from where the vane begins to its tip
    width = c.uniform(0.34, 0.5) * np.clip(6 * along * (1 - along**4), 0, 1) ** 0.6
    slant = c.x - np.abs(y) * c.uniform(0.8, 1.3)
    split = repeated(slant + np.sign(y) * 0.17 + c.uniform(0, 1), c.uniform(0.6, 0.9))
    vane = np.maximum(np.abs(y) - width, 0.05 - np.abs(split))
    down = c.hue()
    barbs = 0.5 + 0.35 * np.cos(slant * c.uniform(24, 30)) + 0.3 * c.noise(2)
    c.paint(c.fill(vane), down, c.partner(down, 0.15), barbs)
    quill = np.maximum(np.abs(y) - 0.04, np.abs(c.x) - 0.97)
    c.paint(c.fill(quill), c.partner(down))


def _soft(level: np.ndarray) -> np.ndarray:
    """Cover of where a field lies above 0."""
    return np.clip(0.5 + 2 * level, 0, 1)


def _segment(
    c: Canvas, x0: np.ndarray, y0: np.ndarray, x1: np.ndarray, y1: np.ndarray
) -> np.ndarray:
    """Distance to a line between two points."""
    dx, dy = x1 - x0, y1 - y0
    px, py = c.x - x0, c.y - y0
    t = np.clip((px * dx + py * dy) / (dx * dx + dy * dy), 0, 1)
    return np.hypot(px - t * dx, py - t * dy)


SOURCES = (spotted_fur, striped_fur, leaf, fern, flower, shell, bare_tree, pebbles)
TARGETS = (fish, shaggy_fur, tree_bark, brain_coral, mushroom, feather)


def turn(draw: Draw) -> float:
    """Give the largest angle to either side, in radians."""
    if draw in (bare_tree, mushroom):
        return 0.35  # grows upwards, nearly
    # some lie or hang more along than across, the others as they fell
    return 0.9 if draw in (leaf, fern, fish, feather) else np.pi
