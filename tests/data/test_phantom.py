import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repalign_utils import data
from repalign_utils.data.procedural import phantom as drawing
from repalign_utils.data.procedural.phantom import cut, draw_patients


@pytest.fixture(scope="module")
def phantom():
    return data.ct_phantom(n=1000)


def test_a_phantom_has_the_form_of_the_slices(phantom):
    assert phantom.inputs.shape == (1000, 384) and phantom.inputs.dtype == np.float32
    assert phantom.targets.shape == (1000, 1) and phantom.targets.dtype == np.float32
    assert phantom.targets.min() >= -1 and phantom.targets.max() <= 1
    assert set(phantom.labels) == set(range(40))
    assert phantom.about.sentence() == (
        "1,000 generated rows of slices through a procedural body phantom (this "
        "package, after the features of Graf et al. 2011; licence: none needed; "
        "40 patients, seed 0)."
    )


def test_a_seed_fixes_the_phantom(phantom):
    again, other = data.ct_phantom(n=1000), data.ct_phantom(n=1000, seed=1)
    np.testing.assert_array_equal(again.inputs, phantom.inputs)
    np.testing.assert_array_equal(again.targets, phantom.targets)
    assert again.about == phantom.about
    assert other.about.sha256 != phantom.about.sha256


def test_bins_hold_shares_or_the_mark_of_an_empty_bin(phantom):
    shares = phantom.inputs[phantom.inputs != -0.25]
    assert shares.min() == 0 and shares.max() == 1
    # bone and air share the bins that they fill: no place is both
    sectors, shells = np.array([24, 18]), np.array([10, 8])
    areas = []
    for part, s, r in zip((slice(240), slice(240, None)), sectors, shells, strict=True):
        bins = phantom.inputs[:, part].clip(0).reshape(-1, s, r)
        edges = np.linspace(0, 1, r + 1) ** 2
        areas.append((bins * np.diff(edges) / s).sum((1, 2)))
    assert (sum(areas) < 0.9).all()


def test_each_position_has_what_belongs_there(phantom):
    cm = 50 + 48 * phantom.targets[:, 0]
    bone, air = phantom.inputs[:, :240], phantom.inputs[:, 240:]
    bone, air = bone.clip(0).mean(1), air.clip(0).mean(1)
    head, chest = cm < 8, (cm > 44) & (cm < 52)
    assert bone[head].min() > 1.2 * bone[chest].mean()  # the skull
    assert air[chest].min() > 0.1 > 0 == air[head].max()  # the lungs
    outside = (phantom.inputs == -0.25).mean(1)
    assert outside[chest].min() > outside[head].mean()  # a chest is wide, a head round


def _shares(position, count=20):
    """Bone (count, 24, 10) and air (count, 18, 8) at one position of some bodies."""
    patients = draw_patients(count, np.random.default_rng(1))
    features = drawing._features(patients, np.full(count, position)).clip(0)
    return features[:, :240].reshape(-1, 24, 10), features[:, 240:].reshape(-1, 18, 8)


def test_hips_stand_on_both_sides_and_the_belly_has_its_spine_at_the_back():
    hip, belly = _shares(92.0)[0].sum(2), _shares(74.0)[0].sum(2)
    # sectors go round from the patient's left over the back
    left, right = np.r_[0:3, 21:24], np.r_[9:15]
    assert (hip[:, left].sum(1) > 1).all() and (hip[:, right].sum(1) > 1).all()
    assert (belly[:, 4:8].sum(1) > 0.5).all() and not belly[:, 12:].any()


def test_the_heart_leaves_less_room_to_the_left_lung():
    air = _shares(51.0)[1].sum(2)
    left, right = np.r_[0:4, 14:18], np.r_[5:13]
    assert (air[:, left].sum(1) < air[:, right].sum(1)).all()


def test_air_outside_of_the_body_is_not_counted():
    patients = draw_patients(5, np.random.default_rng(1))
    patients["gas"][..., 0] = 74  # at the height of the cut
    patients["gas"][..., 1] = 17  # cm to the left: within the circle or beyond
    patients["gas"][..., 3] = 6
    points = np.linspace(-1, 1, 41)
    x, y = (grid.ravel() for grid in np.meshgrid(points, points))
    body, _, air = cut(patients, np.full(5, 74.0), x, y)
    assert air.any() and not (air & ~body).any()


def _one(patients, row=0, count=1):
    return {name: values[[row] * count] for name, values in patients.items()}


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), position=st.floats(2, 98))
def test_bone_and_air_lie_in_the_body_and_never_in_one_place(seed, position):
    patient = draw_patients(1, np.random.default_rng(seed))
    x, y = np.meshgrid(np.linspace(-1.4, 1.4, 57), np.linspace(-1.4, 1.4, 57))
    body, bone, air = cut(patient, np.array([position]), x.ravel(), y.ravel())
    assert body.any() and not (bone & ~body).any() and not (air & ~body).any()
    assert not (bone & air).any()
    # the circle of radius 1 encloses the body and touches it
    radius = np.hypot(x, y).ravel()[body[0]]
    assert 0.9 < radius.max() <= 1


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_body_changes_smoothly_along_its_axis(seed):
    patients = draw_patients(1, np.random.default_rng(seed))
    at = np.repeat(np.arange(4.0, 96, 4), 3)
    at[1::3] += 0.02
    at[2::3] += 4
    features = drawing._features(_one(patients, count=len(at)), at).reshape(-1, 3, 384)
    near, far = (np.abs(features[:, i] - features[:, 0]).sum(1) for i in (1, 2))
    assert near.sum() < far.sum() / 5


def test_a_head_held_straight_is_symmetric():
    patients = draw_patients(5, np.random.default_rng(2))
    patients["tilt"][:] = 0
    features = drawing._features(patients, np.linspace(4, 22, 5))
    for bins, (sectors, shells) in (
        (features[:, :240], (24, 10)),
        (features[:, 240:], (18, 8)),
    ):
        bins = bins.reshape(-1, sectors, shells)
        mirrored = bins[:, (sectors // 2 - 1 - np.arange(sectors)) % sectors]
        np.testing.assert_allclose(bins, mirrored, atol=1e-6)


def test_a_histogram_holds_shares_of_area():
    radius = (np.arange(40) + 0.5) / 40
    everywhere = np.ones((1, 72 * 40), dtype=bool)
    disc = np.broadcast_to(radius < 0.5, (72, 40)).reshape(1, -1)
    for sectors, shells in ((24, 10), (18, 8)):
        bins = drawing._histogram(disc, everywhere, radius, (sectors, shells))
        bins = bins.reshape(sectors, shells)
        np.testing.assert_allclose(bins[:, : shells // 2], 1, atol=1e-6)
        assert not bins[:, shells // 2 :].any()


@pytest.mark.parametrize("edge", [0.525, 0.55, 0.575])
def test_a_bin_that_is_cut_holds_its_share_of_area(edge):
    radius = (np.arange(40) + 0.5) / 40
    everywhere = np.ones((1, 72 * 40), dtype=bool)
    disc = np.broadcast_to(radius < edge, (72, 40)).reshape(1, -1)
    cut_bins = drawing._histogram(disc, everywhere, radius, (24, 10)).reshape(24, 10)[
        :, 5
    ]
    expected = (edge**2 - 0.5**2) / (0.6**2 - 0.5**2)
    np.testing.assert_allclose(cut_bins, expected, atol=1e-6)


def test_a_bin_without_body_is_marked_and_rays_belong_to_their_sectors():
    radius = (np.arange(40) + 0.5) / 40
    body = np.broadcast_to(radius < 0.5, (72, 40)).reshape(1, -1)
    half = body & (np.arange(72 * 40) // 40 < 36)
    bins = drawing._histogram(half, body, radius, (24, 10)).reshape(24, 10)
    np.testing.assert_allclose(bins[:12, :5], 1, atol=1e-6)
    assert not bins[12:, :5].any() and (bins[:, 5:] == -0.25).all()


def test_the_position_of_unseen_patients_is_in_the_features_but_not_linearly():
    drawn = data.ct_phantom(n=1500, seed=3)
    seen = drawn.labels < 45
    cm = 48 * drawn.targets[:, 0].astype(np.float64)
    phi = np.column_stack([drawn.inputs, np.ones(1500)]).astype(np.float64)
    train, test = phi[seen], phi[~seen]
    weights = np.linalg.solve(train.T @ train + np.eye(385), train.T @ cm[seen])
    linear = test @ weights - cm[~seen]
    squares = (test**2).sum(1)[:, None] + (train**2).sum(1) - 2 * test @ train.T
    nearest = cm[seen][np.argmin(squares, axis=1)] - cm[~seen]
    spread = cm[~seen].std()
    assert np.sqrt((linear**2).mean()) < 0.4 * spread
    assert np.median(np.abs(nearest)) < 0.8 * np.median(np.abs(linear))
