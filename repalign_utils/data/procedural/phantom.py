"""A procedural body, head to hip, cut across its axis: bone, air and the outline.

Lengths are centimetres, which for an adult of 180 cm are also the units of the axial
position in the UCI set: 0 at the top of the head, 180 at the soles of the feet. All
shapes are our own rough drawing, made for the same task, not for medicine.
"""

import numpy as np

FIRST, LAST = 2.0, 98.0  # positions that are cut, as in the UCI set: 1.7 to 97.5

# position, centre (x to the patient's left, y to the back), half-axes across x and y;
# half-axes of 0 end a structure, and what lies between the rows is interpolated
_OUTLINE = (
    (0, 0, 0, 1.0, 1.2), (2, 0, 0, 5.0, 6.3), (6, 0, 0, 7.3, 9.2),
    (12, 0, 0, 7.6, 9.6), (18, 0, -0.4, 6.8, 9.0), (23, 0, 0, 6.0, 7.2),
    (27, 0, 0.5, 6.2, 6.4), (31, 0, 0.5, 11.5, 7.6), (36, 0, 0, 19.0, 10.2),
    (45, 0, 0, 17.5, 11.4), (55, 0, 0, 16.4, 11.6), (65, 0, 0, 14.8, 10.6),
    (75, 0, 0, 15.6, 10.6), (86, 0, 0, 17.4, 11.4), (100, 0, 0, 17.2, 11.0),
)  # fmt: skip
_SKULL = (
    (0.4, 0, 0, 0, 0), (2, 0, 0, 4.3, 5.6), (6, 0, 0, 6.7, 8.6), (12, 0, 0, 7.0, 9.0),
    (17, 0, 1.0, 6.0, 7.4), (20, 0, 3.0, 3.0, 3.0), (21, 0, 3.0, 0, 0),
)  # fmt: skip
_JAW = ((14, 0, -4, 0, 0), (16, 0, -3.4, 4.6, 4.4), (21, 0, -2.8, 4.8, 4.6),
        (23.5, 0, -3, 3.4, 3), (24, 0, -3, 0, 0))  # fmt: skip
_THORAX = (
    (31, 0, 0.5, 0, 0), (34, 0, 0.5, 7.5, 5.6), (40, 0, 0.2, 12.6, 8.4),
    (50, 0, 0, 14.6, 10.0), (60, 0, 0, 13.8, 9.6), (65, 0, 0, 13.0, 9.0),
    (67, 0, 0, 0, 0),
)  # fmt: skip

_SPINE = ((17, 0, 3.4, 0, 0), (18, 0, 3.4, 1.3, 1.0), (27, 0, 3.0, 1.4, 1.2),
          (36, 0, 5.0, 1.6, 1.5), (50, 0, 6.2, 1.9, 1.8), (66, 0, 4.6, 2.3, 2.0),
          (82, 0, 4.4, 2.6, 2.1), (86, 0, 6.4, 4.6, 2.0), (92, 0, 8.6, 2.6, 1.1),
          (95, 0, 8.8, 0, 0))  # fmt: skip

# solid structures in the middle, and those that stand on both sides
_BONES = (
    ((19, 0, 5.6, 0, 0), (22, 0, 5.4, 0.4, 1.0), (36, 0, 8.0, 0.4, 1.4),
     (50, 0, 9.2, 0.4, 1.2), (66, 0, 8.0, 0.4, 1.6), (84, 0, 8.2, 0, 0)),  # spinous
    ((34, 0, -6.5, 0, 0), (36, 0, -7.4, 2.4, 0.7), (44, 0, -9.6, 1.8, 0.6),
     (52, 0, -10.2, 1.4, 0.5), (54, 0, -10.2, 0, 0)),  # sternum
)  # fmt: skip
_PAIRED_BONES = (
    ((30.5, 9, -2, 0, 0), (32, 8, -2.8, 4.6, 0.7), (34.5, 4, -5.2, 2.6, 0.7),
     (36, 3, -6.4, 0, 0)),  # clavicle
    ((32, 11, 4, 0, 0), (34, 12, 4.4, 3.2, 0.8), (41, 11, 7.2, 3.4, 0.5),
     (48, 9.6, 8.6, 1.2, 0.4), (49.5, 9.4, 8.6, 0, 0)),  # scapula
    ((32, 15.4, 0, 0, 0), (35, 15.6, 0, 2.3, 2.3), (38, 16, 0, 1.6, 1.6),
     (41, 16, 0, 0, 0)),  # humerus
    ((79.5, 10.4, 2, 0, 0), (82, 10.6, 1.6, 2.6, 1.2), (87, 9.6, 2.6, 1.9, 3.6),
     (91, 9.2, 1.0, 1.8, 2.6), (94, 8.0, 1.2, 1.2, 2.8), (96, 6, 3, 0, 0)),  # ilium
    ((89.5, 9.8, -0.6, 0, 0), (92, 10.2, -0.6, 2.4, 2.4), (95, 12.6, 0, 3.2, 1.9),
     (100, 13.2, 0.4, 1.8, 1.8)),  # femur
    ((91.5, 3.4, -5, 0, 0), (94, 3.6, -5.4, 3.0, 1.1), (97, 3.0, -4.2, 1.4, 1.4),
     (100, 4.2, -1, 1.5, 2)),  # pubis
)  # fmt: skip
_AIR = (
    # frontal sinus, nose, pharynx and windpipe
    ((9, 0, -7.6, 0, 0), (10.5, 0, -7.4, 1.8, 0.8), (12, 0, -7, 0, 0)),
    ((11.5, 0, -5, 0, 0), (13, 0, -5.4, 1.0, 2.6), (16.5, 0, -5, 1.2, 2.8),
     (17.5, 0, -4, 0, 0)),
    ((16.6, 0, -0.6, 0, 0), (18.5, 0, -0.6, 1.3, 0.8), (23, 0, -1.4, 1.0, 0.7),
     (27, 0, -1.8, 0.9, 0.9), (36, 0, 0.4, 0.9, 0.9), (42, 0, 2.0, 0.9, 0.9),
     (44, 0, 2.2, 0, 0)),
)  # fmt: skip
_PAIRED_AIR = (
    # maxillary sinus, mastoid, bronchus
    ((12.6, 3, -4.8, 0, 0), (14.4, 3.1, -4.8, 1.4, 1.6), (16.4, 3, -4.6, 0, 0)),
    ((13.4, 5.2, 1.8, 0, 0), (15.2, 5.4, 2.0, 0.8, 1.1), (17.4, 5.2, 2.2, 0, 0)),
    ((42.5, 0.9, 2.2, 0, 0), (44, 1.6, 2.4, 0.8, 0.7), (47, 3.8, 2.8, 0.6, 0.5),
     (48.5, 4.4, 3, 0, 0)),
)  # fmt: skip
_LUNG = ((32.5, 4.6, 0.6, 0, 0), (35, 5.2, 0.8, 2.8, 3.2), (42, 6.8, 0.6, 4.4, 6.4),
         (50, 7.4, 0.6, 5.0, 7.6), (56, 8.4, 2.6, 4.4, 6.0), (60, 9.4, 5.0, 2.6, 3.2),
         (62, 9.6, 6.0, 0, 0))  # fmt: skip
_HEART = ((43.5, 1, -3.6, 0, 0), (47, 2, -3.8, 3.6, 3.4), (53, 3.4, -4, 5.6, 4.2),
          (57.5, 3, -4, 0, 0))  # fmt: skip

_RIB_SPACING = 2.7  # cm from rib to rib; a rib descends by 8 from spine to sternum
_DISC_SPACING = 2.9  # cm from disc to disc
_BUBBLES = 7  # of gas in the bowel
_SEGMENTS = np.array([25.0, 13.0, 24.0, 38.0])  # head, neck, chest, belly: cm

Patients = dict[str, np.ndarray]


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


def _section(table: tuple, z: np.ndarray) -> np.ndarray:
    """Interpolate centre and half-axes (n, 4), never beyond the neighbouring rows."""
    from scipy.interpolate import PchipInterpolator  # 0.2 s that peaks do not need

    rows = np.array(table, dtype=np.float64)
    return PchipInterpolator(rows[:, 0], rows[:, 1:])(z.clip(rows[0, 0], rows[-1, 0]))


def _outline(z: np.ndarray, patients: Patients) -> np.ndarray:
    section = _section(_OUTLINE, z)
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


def _union(
    middle: tuple, pairs: tuple, grow: np.ndarray, z: np.ndarray, *points: np.ndarray
) -> np.ndarray:
    found = np.zeros(points[0].shape, dtype=bool)
    for table in (*middle, *pairs):
        section = _section(table, z)
        section[:, 2:] *= grow[:, None]
        found |= (_pair if table in pairs else _inside)(section, *points)
    return found


def _ring(table: tuple, thick: np.ndarray, z: np.ndarray, *points) -> np.ndarray:
    section = _section(table, z)
    hollow = section - thick[:, None] * [0, 0, 1, 1]
    return _inside(section, *points) & ~_inside(hollow, *points)


def _bone(z: np.ndarray, patients: Patients, *points) -> np.ndarray:
    strength = patients["bone"]
    bone = _union(_BONES, _PAIRED_BONES, strength, z, *points)
    bone |= _ring(_SKULL, 0.8 * strength, z, *points)
    bone |= _ring(_JAW, 1.1 * strength, z, *points) & (points[1] < -2)
    bone |= _ring(_THORAX, 1.1 * strength, z, *points) & _ribs(z, patients, *points)
    # a disc is softer than its vertebrae: the spine is thinner there
    disc = np.cos(2 * np.pi * (z / _DISC_SPACING + patients["phase"][:, 1])) > 0.5
    spine = _section(_SPINE, z)
    spine[:, 2:] *= (strength * np.where(disc, 0.75, 1.0))[:, None]
    return bone | _inside(spine, *points)


def _ribs(z: np.ndarray, patients: Patients, across, deep) -> np.ndarray:
    """Where the slanting ribs cross the plane; the pattern turns as the plane sinks."""
    round_ = np.arctan2(np.abs(across), deep) / np.float32(np.pi)  # 0 back, 1 front
    start = (z / _RIB_SPACING + patients["phase"][:, 0]).astype(np.float32)
    return (start[:, None] - round_ * np.float32(8 / _RIB_SPACING)) % 1 < 0.45


def _air(z: np.ndarray, patients: Patients, *points) -> np.ndarray:
    air = _union(_AIR, _PAIRED_AIR, np.ones(len(z)), z, *points)
    lung = _section(_LUNG, z - patients["breath"])
    lung[:, 2:] *= patients["lung"][:, None]
    air |= _pair(lung, *points) & ~_inside(_section(_HEART, z), *points)
    for at, x, y, radius in np.moveaxis(patients["gas"], (1, 2), (0, 1)):
        cap = np.sqrt(np.clip(radius**2 - (z - at) ** 2, 0, None))
        air |= _inside(np.column_stack([x, y, cap, cap]), *points)
    return air
