"""A procedural body, head to hip, cut across its axis: bone, air and the outline.

Lengths are centimetres, which for an adult of 180 cm are also the units of the axial
position in the UCI set: 0 at the top of the head, 180 at the soles of the feet. All
shapes are our own rough drawing, made for the same task, not for medicine.
"""

import csv
from functools import cache
from pathlib import Path

import numpy as np

from .._dataset import Dataset, float32_rows, generated, whole_number

FIRST, LAST = 2.0, 98.0  # positions that are cut, as in the UCI set: 1.7 to 97.5

_RIB_SPACING = 2.7  # cm from rib to rib; a rib descends by 8 from spine to sternum
_DISC_SPACING = 2.9  # cm from disc to disc
_BUBBLES = 7  # of gas in the bowel
_SEGMENTS = np.array([25.0, 13.0, 24.0, 38.0])  # head, neck, chest, belly: cm

_OUTSIDE = -0.25  # marks a bin that holds nothing of the body
_BONE_BINS, _AIR_BINS = (24, 10), (18, 8)  # sectors x shells
_RAYS, _STEPS = 72, 40  # sample points: the least that both grids divide
_SLICES_PER_PATIENT = 25
_BATCH = 500  # slices rendered at a time: 60 MB

Patients = dict[str, np.ndarray]


def ct_phantom(n: int = 1000, *, seed: int = 0) -> Dataset:
    """Cut procedural bodies across their axis: an embedded stand-in for CT slices.

    Bodies from head to hip, drawn of ellipses that change along the axis and vary
    from patient to patient in proportions, fat, bone, lungs, posture and the gas in
    the bowel. A slice is described as in the UCI set (Graf et al. 2011) by two
    histograms in polar coordinates: of bone and of air inside the body. That the 240
    bins are 24 sectors of 10 shells and the 144 bins 18 of 8 we read off from the bins
    that the real file marks as outside of the image; the shells end where the body
    ends in its longer direction. Here a bin holds the share of its area, in the real
    file a saturating function of the amount. Positions are uniform from 2 to 98 cm
    below the top of the head, the range of the real set.

    Parameters
    ----------
    n : int
        Slices, of about n / 25 patients (at least 2).
    seed : int
        Seed of all draws.

    Returns
    -------
    Dataset
        inputs (n, 384): 240 bins of bone, sector by sector from the inside out, then
        144 of air; shares in [0, 1], or -0.25 where a bin holds nothing of the body;
        targets (n, 1): the position, -1 at 2 cm and +1 at 98 cm; labels: the
        patients.

    Raises
    ------
    ValueError
        If `n` or `seed` is out of range.

    Examples
    --------
    >>> slices = ct_phantom(n=20)
    >>> slices.inputs.shape, slices.targets.shape
    ((20, 384), (20, 1))
    """
    n, seed = whole_number("n", n), whole_number("seed", seed, least=0)
    rng = np.random.default_rng(seed)
    count = max(2, round(n / _SLICES_PER_PATIENT))
    bodies = draw_patients(count, rng)
    labels = rng.integers(count, size=n)
    positions = rng.uniform(FIRST, LAST, n)
    parts = []
    for rows in np.split(np.arange(n), range(_BATCH, n, _BATCH)):
        cut_here = {name: values[labels[rows]] for name, values in bodies.items()}
        parts.append(_features(cut_here, positions[rows]))
    inputs = np.concatenate(parts)
    targets = float32_rows(2 * (positions - FIRST) / (LAST - FIRST) - 1)
    note = f"{count} patients, seed {seed}"
    about = generated("ct_phantom", inputs, targets, note=note)
    return Dataset(inputs, targets, about, labels)


def _features(patients: Patients, positions: np.ndarray) -> np.ndarray:
    """Histograms (n, 384) of bone and air over sectors and shells."""
    angle = (np.arange(_RAYS) + 0.5) * (2 * np.pi / _RAYS)
    radius = (np.arange(_STEPS) + 0.5) / _STEPS
    x = np.outer(np.cos(angle), radius).ravel()
    y = np.outer(np.sin(angle), radius).ravel()
    body, bone, air = cut(patients, positions, x, y)
    bones = _histogram(bone, body, radius, _BONE_BINS)
    return np.hstack([bones, _histogram(air, body, radius, _AIR_BINS)])


def _histogram(
    tissue: np.ndarray, body: np.ndarray, radius: np.ndarray, bins: tuple[int, int]
) -> np.ndarray:
    sectors, shells = bins
    cells = (-1, sectors, _RAYS // sectors, shells, _STEPS // shells)
    # a sample point stands for an area in proportion to its radius
    area = radius.reshape(shells, -1).astype(np.float32)
    area = area / (area.sum(axis=1, keepdims=True) * (_RAYS // sectors))
    share = np.einsum("nsrht,ht->nsh", tissue.reshape(cells), area)
    empty = ~body.reshape(cells).any(axis=(2, 4))
    share[empty] = _OUTSIDE
    share = share.clip(max=1)  # the areas of a bin add up to 1 but for rounding
    return share.reshape(len(share), -1)


def draw_patients(count: int, rng: np.random.Generator) -> Patients:
    """Draw what differs between patients.

    Parameters
    ----------
    count : int
        Number of patients, p.
    rng : numpy.random.Generator
        Source of all draws.

    Returns
    -------
    dict of str to array (p, ...)
        Proportions along the axis, fat, bone, lungs, posture, gas in the bowel.
    """
    low, high = [62, -9, -7, 0.8], [88, 9, 1, 2.4]  # position, x, y, radius
    return {
        "proportions": np.exp(rng.normal(0, 0.06, (count, len(_SEGMENTS)))),
        "fat": rng.uniform(0.92, 1.28, count),
        "depth": rng.normal(1, 0.05, count),
        "bone": rng.normal(1, 0.08, count),
        "lung": rng.normal(1, 0.07, count),
        "breath": rng.normal(0, 1.2, count),  # cm by which the lungs stand lower
        "phase": rng.uniform(0, 1, (count, 2)),  # of ribs and discs
        "tilt": rng.normal(0, 0.06, count),  # radians
        "gas": rng.uniform(low, high, (count, _BUBBLES, 4)),
    }


def cut(
    patients: Patients, positions: np.ndarray, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Say what lies at the points of slices through patients.

    Parameters
    ----------
    patients : dict of str to array (n, ...)
        As from `draw_patients`, one entry per slice.
    positions : array (n,), cm from the top of the head
        Where to cut.
    x, y : array (p,)
        Points relative to the body's centre, in units of the larger half-axis of its
        outline in that slice: the circle of radius 1 encloses the body.

    Returns
    -------
    body, bone, air : array (n, p), bool
        Bone and air lie inside the body and never in the same place.
    """
    z = _anatomical(positions, patients["proportions"])
    outline = _outline(z, patients)
    scale = outline[:, 2:].max(axis=1)[:, None]
    c, s = np.cos(patients["tilt"])[:, None], np.sin(patients["tilt"])[:, None]
    across = (scale * (c * x + s * y)).astype(np.float32)
    deep = (scale * (c * y - s * x) + outline[:, 1:2]).astype(np.float32)
    points = across, deep
    body = _inside(outline, *points)
    bone = body & _bone(z, patients, *points)
    air = body & ~bone & _air(z, patients, *points)
    return body, bone, air


def _anatomical(positions: np.ndarray, proportions: np.ndarray) -> np.ndarray:
    """Where the average body shows what this one shows at its own position."""
    lengths = _SEGMENTS * proportions
    lengths *= _SEGMENTS.sum() / lengths.sum(axis=1, keepdims=True)
    starts = np.cumsum(lengths, axis=1) - lengths
    passed = np.clip(positions[:, None] - starts, 0, lengths)  # (n, segments)
    return (passed * _SEGMENTS / lengths).sum(axis=1)


@cache
def _anatomy() -> dict[str, dict[str, list[list[float]]]]:
    """Group -> structure -> rows: position, centre and half-axes."""
    found = {}
    with Path(__file__).with_name("anatomy.csv").open("r", encoding="utf-8") as lines:
        for row in csv.DictReader(line for line in lines if line[0] != "#"):
            group = found.setdefault(row.pop("group"), {})
            structure = group.setdefault(row.pop("structure"), [])
            structure.append([float(value) for value in row.values()])
    return found


def _section(structure: str, z: np.ndarray, group: str = "single") -> np.ndarray:
    """Interpolate centre and half-axes (n, 4), never beyond the neighbouring rows."""
    from scipy.interpolate import PchipInterpolator  # 0.2 s that peaks do not need

    rows = np.array(_anatomy()[group][structure])
    return PchipInterpolator(rows[:, 0], rows[:, 1:])(z.clip(rows[0, 0], rows[-1, 0]))


def _outline(z: np.ndarray, patients: Patients) -> np.ndarray:
    section = _section("outline", z)
    trunk = np.clip((z - 26) / 12, 0, 1)  # the head does not grow fat
    section[:, 2:] *= 1 + (patients["fat"] - 1)[:, None] * trunk[:, None]
    section[:, 3] *= patients["depth"]
    return section


def _inside(section: np.ndarray, across: np.ndarray, deep: np.ndarray) -> np.ndarray:
    inside = np.zeros(across.shape, dtype=bool)
    (cut_here,) = np.nonzero((section[:, 2:] > 0).all(axis=1))
    if len(cut_here):
        x, y, a, b = section[cut_here].astype(np.float32).T[:, :, None]
        u, v = (across[cut_here] - x) / a, (deep[cut_here] - y) / b
        inside[cut_here] = u * u + v * v < 1
    return inside


def _pair(section: np.ndarray, across: np.ndarray, deep: np.ndarray) -> np.ndarray:
    mirrored = section * [-1, 1, 1, 1]
    return _inside(section, across, deep) | _inside(mirrored, across, deep)


def _union(tissue: str, grow: np.ndarray, z: np.ndarray, *points) -> np.ndarray:
    found = np.zeros(points[0].shape, dtype=bool)
    for group, inside in ((tissue, _inside), (f"paired {tissue}", _pair)):
        for structure in _anatomy()[group]:
            section = _section(structure, z, group)
            section[:, 2:] *= grow[:, None]
            found |= inside(section, *points)
    return found


def _ring(structure: str, thick: np.ndarray, z: np.ndarray, *points) -> np.ndarray:
    section = _section(structure, z)
    hollow = section - thick[:, None] * [0, 0, 1, 1]
    return _inside(section, *points) & ~_inside(hollow, *points)


def _bone(z: np.ndarray, patients: Patients, *points) -> np.ndarray:
    strength = patients["bone"]
    bone = _union("bone", strength, z, *points)
    bone |= _ring("skull", 0.8 * strength, z, *points)
    bone |= _ring("jaw", 1.1 * strength, z, *points) & (points[1] < -2)
    bone |= _ring("thorax", 1.1 * strength, z, *points) & _ribs(z, patients, *points)
    # a disc is softer than its vertebrae: the spine is thinner there
    disc = np.cos(2 * np.pi * (z / _DISC_SPACING + patients["phase"][:, 1])) > 0.5
    spine = _section("spine", z)
    spine[:, 2:] *= (strength * np.where(disc, 0.75, 1.0))[:, None]
    return bone | _inside(spine, *points)


def _ribs(z: np.ndarray, patients: Patients, across, deep) -> np.ndarray:
    """Where the slanting ribs cross the plane; the pattern turns as the plane sinks."""
    round_ = np.arctan2(np.abs(across), deep) / np.float32(np.pi)  # 0 back, 1 front
    start = (z / _RIB_SPACING + patients["phase"][:, 0]).astype(np.float32)
    return (start[:, None] - round_ * np.float32(8 / _RIB_SPACING)) % 1 < 0.45


def _air(z: np.ndarray, patients: Patients, *points) -> np.ndarray:
    air = _union("air", np.ones(len(z)), z, *points)
    lung = _section("lung", z - patients["breath"])
    lung[:, 2:] *= patients["lung"][:, None]
    air |= _pair(lung, *points) & ~_inside(_section("heart", z), *points)
    for at, x, y, radius in np.moveaxis(patients["gas"], (1, 2), (0, 1)):
        cap = np.sqrt(np.clip(radius**2 - (z - at) ** 2, 0, None))
        air |= _inside(np.column_stack([x, y, cap, cap]), *points)
    return air
