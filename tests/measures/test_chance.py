"""The level of chance, against permutations and independent draws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repalign_utils import GRID, AlignmentStream, alignment, linear_probe, one_vs_rest

SEEDS = st.integers(0, 2**32 - 1)


def features_of(kind, rng):
    """Features (60, d): wide, tall, rank-deficient, positive, or of unequal rows."""
    wide, tall = rng.normal(size=(60, 90)), rng.normal(size=(60, 7))
    return {
        "wide": wide,
        "tall": tall,
        "rank-deficient": tall[:, :3] @ rng.normal(size=(3, 20)),
        "positive": np.maximum(tall + 1, 0),
        "scaled": tall * np.geomspace(1, 1e3, 7),
    }[kind]


def targets_of(rng):
    """A vector far from mean zero, and two columns of unequal classes."""
    labels = rng.choice(3, 60, p=[0.6, 0.3, 0.1])
    return np.column_stack([rng.exponential(size=60), one_vs_rest(labels)[:, :2]])


@pytest.mark.filterwarnings("ignore:.* of the squared norm")
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize(
    "kind", ["wide", "tall", "rank-deficient", "positive", "scaled"]
)
def test_chance_is_the_mean_over_permutations(kind, bias, normalize):
    rng = np.random.default_rng(5)
    features, y = features_of(kind, rng), targets_of(rng)
    found = alignment(features, y, bias=bias, normalize=normalize)
    moved = [
        alignment(features, rng.permutation(y), bias=bias, normalize=normalize)
        for _ in range(400)
    ]
    areas = np.array([m.area() for m in moved])
    error = areas.std(0) / np.sqrt(len(areas))
    assert (abs(areas.mean(0) - found.null().area) < 4.5 * error + 1e-12).all()
    tau = found.norm * np.array([0, 0.02, 0.1, 0.3])
    curves = np.array([m.curve(tau) for m in moved])
    error = curves.std(0) / np.sqrt(len(curves))
    assert (abs(curves.mean(0) - found.null().curve(tau)) < 4.5 * error + 1e-9).all()
    shares = found.null().curve(GRID * found.norm) / found.target_energy
    np.testing.assert_array_equal(found.null().shares(), shares)


@given(SEEDS, st.integers(2, 4), st.integers(1, 5))
def test_chance_is_exact_where_all_permutations_can_be_tried(seed, n, d):
    from itertools import permutations

    rng = np.random.default_rng(seed)
    features, y = rng.normal(size=(n, d)), rng.normal(1, 1, size=n)
    orders = [list(order) for order in permutations(range(n))]
    tried = [alignment(features, y[o], method="svd") for o in orders]
    chance = alignment(features, y, method="svd").null()
    areas = [found.area()[0] for found in tried]
    assert chance.area[0] == pytest.approx(np.mean(areas), abs=1e-9)
    losses = np.mean([found.residual(0.5, [0, 1, 20]) for found in tried], axis=0)
    np.testing.assert_allclose(chance.residual(0.5, [0, 1, 20]), losses, atol=1e-9)


def test_chance_of_many_rows_is_that_of_independent_draws():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 40))
    y = rng.normal(size=(300, 500))
    found = alignment(features, y)
    areas = found.area()
    error = areas.std() / np.sqrt(len(areas))
    assert abs(areas.mean() - found.null().area.mean()) < 4 * error


@pytest.mark.parametrize(("d", "area"), [(10, 0.033), (100, 0.085), (400, 0.097)])
def test_random_features_of_any_width_stay_below_one_over_the_root_of_n(d, area):
    rng = np.random.default_rng(0)
    areas = [
        alignment(rng.normal(size=(100, d)), rng.normal(size=(100, 20))).area().mean()
        for _ in range(20)
    ]
    assert np.mean(areas) == pytest.approx(area, abs=0.004)
    assert np.mean(areas) < 100**-0.5


@pytest.mark.parametrize("shape", [(80, 6), (30, 50)])
def test_streams_layers_and_probes_know_the_level_of_chance_too(shape):
    rng = np.random.default_rng(1)
    features, y = np.abs(rng.normal(size=shape)), rng.normal(0.5, 1, size=(shape[0], 2))
    whole = alignment(features, y, method="svd")
    stream = AlignmentStream("layer")
    for part in (slice(0, 11), slice(11, 30), slice(30, None)):
        if len(features[part]):
            stream.update({"layer": features[part]}, y[part])
    for found in (stream.result()["layer"], linear_probe(features, y, 1).alignment):
        np.testing.assert_allclose(found.null().area, whole.null().area, rtol=1e-6)
        np.testing.assert_allclose(found.excess(), whole.excess(), rtol=1e-5)


def test_p_values_are_small_for_signal_and_uniform_for_noise():
    rng = np.random.default_rng(3)
    features = rng.normal(size=(40, 5))
    noise = rng.normal(size=(40, 200))
    options = {"permutations": 99, "generator": rng}
    values = alignment(features, noise, **options).null().p_value
    assert ((values * 100).round(9) % 1 == 0).all() and values.min() >= 0.01
    assert abs(np.mean(values <= 0.2) - 0.2) < 0.1
    signal = alignment(features, features[:, 0], **options)
    assert signal.null().p_value == [0.01]
    again = alignment(
        features, noise, permutations=99, generator=np.random.default_rng(8)
    )
    twin = alignment(
        features, noise, permutations=99, generator=np.random.default_rng(8)
    )
    assert (again.null().p_value == twin.null().p_value).all()


def test_permutations_change_nothing_else_and_agree_with_measuring_them():
    rng = np.random.default_rng(4)
    features, y = rng.normal(size=(30, 4)), rng.normal(size=(30, 2))
    plain = alignment(features, y)
    found = alignment(features, y, permutations=5, generator=np.random.default_rng(0))
    np.testing.assert_allclose(found.energy, plain.energy, atol=1e-12)
    draw = np.random.default_rng(0)
    orders = draw.permuted(np.tile(np.arange(30), (5, 1)), axis=1)
    areas = [alignment(features, y[order]).area() for order in orders]
    np.testing.assert_allclose(found.permuted_area, areas, atol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"permutations": 9}, "generator is None; pass generator=numpy.random"),
        ({"permutations": -1}, "permutations is -1 but must be a whole number from 0"),
        ({"permutations": 1.5}, "permutations is 1.5 but must be a whole number"),
    ],
)
def test_permutations_are_asked_for_rightly(options, message):
    with pytest.raises(ValueError, match=message):
        alignment(np.eye(3), [1.0, 2, 3], **options)


def test_without_permutations_there_is_no_p_value():
    with pytest.raises(ValueError, match="pass permutations=999 and a generator"):
        _ = alignment(np.eye(3), [1.0, 2, 3]).null().p_value


@given(SEEDS)
def test_excess_is_zero_at_chance_one_at_the_ceiling_and_never_more(seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(20, 4))
    phi = np.column_stack([features, np.ones(20)])
    phi /= np.linalg.norm(phi, axis=1, keepdims=True)
    top = np.linalg.svd(phi)[0][:, 0]
    found = alignment(features, np.column_stack([top, rng.normal(size=20)]))
    assert found.excess()[0] == pytest.approx(1, abs=1e-6)
    assert found.excess()[1] <= 1
    assert found.area()[0] == pytest.approx(found.ceiling)


def test_excess_has_no_value_where_chance_leaves_no_room():
    one = alignment(np.ones((4, 1)), [1.0, 1, 1, 1], bias=False)
    assert one.null().area == [1] and np.isnan(one.excess()).all()
