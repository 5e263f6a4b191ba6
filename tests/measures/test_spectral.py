import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repalign_utils import GRID, alignment, arrays
from repalign_utils.measures.alignment import Alignment

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(2, 25)


def prepared(features, bias=True, normalize=True):
    """Phi as the paper's demo makes it, in one float64 piece."""
    phi = torch.as_tensor(features).double().numpy()
    if bias:
        phi = np.column_stack([phi, np.ones(len(phi))])
    if normalize:
        phi = phi / np.linalg.norm(phi, axis=1, keepdims=True)
    return phi


def thin_svd(phi, targets, dtype):
    """Singular values and energies of the reference, down to the numerical rank."""
    u, values, _ = np.linalg.svd(phi, full_matrices=False)
    # The norm that rounding to this type has, entry by entry and at random.
    rounding = torch.finfo(getattr(torch, dtype)).eps * np.linalg.norm(phi)
    rounding *= sum(length**-0.5 for length in phi.shape)
    kept = values > max(rounding, max(phi.shape) * 2.2e-16 * values[0])
    return values[kept], ((u.T @ targets) ** 2)[kept]


def thresholds_of(values, margin, lowest):
    """Middles of the gaps and a grid, without what lies too near a singular value."""
    middles = (values + np.append(values[1:], 0)) / 2
    tau = np.append(middles, np.linspace(0, 1.1 * values[0], 62)[1:])
    far = abs(tau[:, None] - values).min(1) > margin * values[0]
    return tau[far & (tau > lowest * values[0])]


def assert_matches_thin_svd(targets, found, phi, dtype):
    tolerance, margin = (1e-8, 1e-9) if dtype == "float64" else (1e-6, 1e-6)
    values, energy = thin_svd(phi, targets, dtype)
    total = (targets**2).sum(0)
    tau = thresholds_of(values, margin, 1e-6)
    curve = (values >= tau[:, None]) @ energy
    assert (abs(found.curve(tau) - curve) <= tolerance * total).all()
    assert found.curve(0.0)[0] == pytest.approx(total, rel=1e-14)
    area = values @ energy / total
    assert (abs(found.area() - area / np.linalg.norm(values)) <= tolerance).all()
    relative = found.area(over="sigma_1")
    assert (abs(relative - area / values[0]) <= tolerance).all()


def given_spectrum(values, energy, target_energy, n):
    """Alignment of these numbers, with targets of mean zero."""
    values, energy, whole = map(np.array, (values, energy, target_energy))
    rest = np.zeros(len(values)), np.zeros(len(whole))
    return Alignment(values, energy, whole, n, "svd", *rest)


def orthonormal(rng, rows, columns):
    return np.linalg.qr(rng.normal(size=(rows, columns)))[0]


def conditioned(rng, n, d, condition, rank=None):
    rank = rank or min(n, d)
    u, v = orthonormal(rng, n, rank), orthonormal(rng, d, rank)
    return (u * np.logspace(0, -np.log10(condition), rank)) @ v.T


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(60, 20), (20, 60), (30, 30), (1, 5), (5, 1)])
@pytest.mark.parametrize("condition", [1, 1e2, 1e4, 1e6, 1e10])
@pytest.mark.parametrize("deficient", [False, True])
@pytest.mark.parametrize("prepare", [True, False])
def test_curve_and_area_match_a_thin_svd(dtype, shape, condition, deficient, prepare):
    rng = np.random.default_rng(3)
    rank = max(min(shape) // 2, 1) if deficient else None
    phi = conditioned(rng, *shape, condition, rank)
    features = torch.from_numpy(phi).to(getattr(torch, dtype))
    targets = rng.normal(size=(shape[0], 2)) + [[0, 0.5]]
    # Rows of features that need not be scaled may be zero after rounding to float16.
    found = alignment(features, targets, bias=prepare, normalize=prepare)
    phi = prepared(features, prepare, prepare)
    assert_matches_thin_svd(targets, found, phi, dtype)


@pytest.mark.parametrize("method", ["svd", "auto"])
def test_hidden_units_with_a_dominant_direction_match_a_thin_svd(method):
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(400, 30))
    for width in (60, 60, 60):
        weights = rng.normal(size=(hidden.shape[1], width)) * hidden.shape[1] ** -0.5
        hidden = np.maximum(hidden @ weights, 0)
    features = hidden.astype(np.float32)
    targets = np.sign(rng.normal(size=(400, 1)) + hidden[:, :1] - hidden[:, 1:2])
    found = alignment(features, targets, method=method)
    assert_matches_thin_svd(targets, found, prepared(features), "float32")


@pytest.mark.parametrize("shape", [(80, 20), (20, 80)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_gram_matrix_is_chosen_where_it_suffices_else_the_svd(shape, dtype):
    rng = np.random.default_rng(0)
    targets = rng.normal(size=shape[0])
    chosen = {
        condition: alignment(
            conditioned(rng, *shape, condition).astype(dtype),
            targets,
            bias=False,
            normalize=False,
        ).method
        for condition in (1, 1e2, 1e7, 1e10)
    }
    assert chosen == {1: "gram", 1e2: "gram", 1e7: "svd", 1e10: "svd"}


def test_a_condition_between_is_settled_by_the_precision_asked_for():
    rng = np.random.default_rng(0)
    features = conditioned(rng, 80, 20, 3e3).astype(np.float32)
    last = np.linalg.svd(features.astype(float))[0][:, 18:20].sum(1)
    options = {"bias": False, "normalize": False}
    assert alignment(features, last, **options).method == "gram"
    assert alignment(features.astype(float), last, **options).method == "svd"


@pytest.mark.parametrize(("shape", "method"), [((80, 20), "svd"), ((20, 80), "gram")])
def test_the_smaller_side_decides_for_a_target_in_the_last_direction(shape, method):
    # Phi' Phi knows a left singular vector through 1 / sigma, Phi Phi' directly.
    features = conditioned(np.random.default_rng(0), *shape, 3e3)
    last = np.linalg.svd(features, full_matrices=False)[0][:, -1]
    assert alignment(features, last, bias=False, normalize=False).method == method


@pytest.mark.parametrize("method", ["gram", "svd"])
def test_the_user_decides_on_the_method(method):
    rng = np.random.default_rng(0)
    for condition in (1, 1e10):
        features = conditioned(rng, 20, 10, condition)
        targets = rng.normal(size=20)
        assert alignment(features, targets, method=method).method == method


def test_a_method_that_does_not_exist_is_refused():
    message = "method is 'qr' but must be one of auto, gram, svd; leave it out"
    with pytest.raises(ValueError, match=message):
        alignment(np.eye(2), [1.0, 2], method="qr")


def test_a_gram_matrix_beyond_float64_is_left_for_the_svd_or_refused():
    features, targets = np.diag([2e200, 1e200]), [1.0, 1.0]
    options = {"bias": False, "normalize": False}
    found = alignment(features, targets, **options)
    assert found.method == "svd"
    assert found.area(over="sigma_1") == pytest.approx(0.75)
    message = (
        "products of the features exceed float64, so there is no Gram matrix; divide "
        'the features by their largest entry, or pass method="svd"'
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        alignment(features, targets, method="gram", **options)


def walk_of_the_demo(phi, y, grid):
    """Cumulative energies as the official demo finds them, one by one."""
    u, values, _ = np.linalg.svd(phi, full_matrices=True)
    cumulative, k = np.zeros(len(grid)), 0
    for i, value in enumerate(values):
        while grid[k] > value:
            k += 1
            cumulative[k] += cumulative[k - 1]
        cumulative[k] += (u[:, i] @ y) ** 2
    cumulative[k + 1 : -1] = cumulative[k]
    cumulative[-1] = y @ y
    return cumulative


@pytest.mark.parametrize("shape", [(100, 30), (50, 50), (30, 100)])
def test_the_curve_is_that_of_the_official_demo(shape):
    rng = np.random.default_rng(0)
    features, y = rng.normal(size=shape), np.sign(rng.normal(size=shape[0]))
    grid = np.linspace(0, np.sqrt(shape[0]), 62)[::-1]
    expected = walk_of_the_demo(prepared(features), y, grid)
    found = alignment(features, y).curve(grid)[:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-10 * (y @ y))


@given(SEEDS, SIZES, SIZES)
def test_rotating_the_features_keeps_area_and_singular_values(seed, n, d):
    rng = np.random.default_rng(seed)
    features, y = rng.normal(size=(n, d)), rng.normal(size=n)
    turn, _ = np.linalg.qr(rng.normal(size=(d, d)))
    found, turned = alignment(features, y), alignment(features @ turn, y)
    # area, not curve: a curve may step where a threshold meets a singular value
    assert turned.area() == pytest.approx(found.area(), abs=1e-8)
    np.testing.assert_allclose(
        turned.singular_values[:1], found.singular_values[:1], rtol=1e-12
    )


@given(SEEDS, SIZES, SIZES)
def test_the_order_of_the_rows_does_not_matter(seed, n, d):
    rng = np.random.default_rng(seed)
    features, y = rng.normal(size=(n, d)), rng.normal(size=n)
    order = rng.permutation(n)
    found = alignment(features, y).area()
    assert alignment(features[order], y[order]).area() == pytest.approx(found, abs=1e-8)


@given(SEEDS, SIZES, SIZES, st.floats(-30, 30))
def test_scaling_the_targets_scales_the_energies_alone(seed, n, d, digits):
    rng = np.random.default_rng(seed)
    features, y = rng.normal(size=(n, d)), rng.normal(size=n)
    scale = -(10**digits)
    found, scaled = alignment(features, y), alignment(features, scale * y)
    np.testing.assert_allclose(scaled.area(), found.area(), atol=1e-8)
    np.testing.assert_allclose(scaled.target_energy, scale**2 * found.target_energy)
    np.testing.assert_array_equal(scaled.rank(0.1), found.rank(0.1))


@given(SEEDS, SIZES, SIZES, st.floats(-20, 20))
def test_the_units_of_the_features_only_scale_the_singular_values(seed, n, d, digits):
    rng = np.random.default_rng(seed)
    features, y = rng.normal(size=(n, d)), rng.normal(size=n)
    options = {"bias": False, "normalize": False}
    found = alignment(features, y, **options)
    scaled = alignment(10**digits * features, y, **options)
    np.testing.assert_allclose(scaled.area(), found.area(), atol=1e-8)
    np.testing.assert_allclose(
        scaled.singular_values[:1], 10**digits * found.singular_values[:1]
    )


@given(SEEDS, SIZES, SIZES)
def test_each_target_is_measured_as_if_alone(seed, n, d):
    rng = np.random.default_rng(seed)
    features, targets = rng.normal(size=(n, d)), rng.normal(size=(n, 3))
    together = alignment(features, targets, method="svd")
    for column in range(3):
        alone = alignment(features, targets[:, column], method="svd")
        np.testing.assert_allclose(together.energy[:, column], alone.energy[:, 0])
        assert together.area()[column] == pytest.approx(alone.area()[0])


@given(SEEDS, SIZES, SIZES)
def test_the_curve_never_rises_and_starts_at_the_whole(seed, n, d):
    rng = np.random.default_rng(seed)
    found = alignment(rng.normal(size=(n, d)), rng.normal(size=(n, 2)))
    tau = np.concatenate([[0], np.logspace(-12, 2, 100)])
    curve = found.curve(tau)
    assert (curve[0] == found.target_energy).all()
    assert (np.diff(curve, axis=0) <= 0).all()
    assert (curve[-1] == 0).all()
    assert (found.area() >= 0).all() and (found.area() <= 1).all()


@given(SEEDS, SIZES, SIZES)
def test_the_area_is_the_integral_of_the_normalised_curve(seed, n, d):
    rng = np.random.default_rng(seed)
    found = alignment(rng.normal(size=(n, d)), rng.normal(size=n))
    # The curve is constant between neighbouring singular values.
    ends = np.append(found.singular_values, 0)
    heights = found.curve((ends[1:] + ends[:-1]) / 2)[:, 0] / found.target_energy[0]
    integral = heights @ -np.diff(ends) / found.norm
    assert found.area()[0] == pytest.approx(integral, abs=1e-12)
    assert found.norm == pytest.approx(np.sqrt(n))  # rows have unit length
    assert found.area()[0] <= found.ceiling <= 1


@given(SEEDS, SIZES, SIZES)
def test_shares_are_the_curve_in_units_of_the_norm(seed, n, d):
    rng = np.random.default_rng(seed)
    targets = rng.normal(size=(n, 2))
    found = alignment(7 * rng.normal(size=(n, d)), targets, normalize=False)
    shares = found.shares()
    assert shares.shape == (len(GRID), 2) and (shares[0] == 1).all()
    by_curve = found.curve(GRID * found.norm) / found.target_energy
    np.testing.assert_array_equal(shares, by_curve)
    assert np.trapezoid(shares, GRID, axis=0) == pytest.approx(found.area(), abs=0.05)


def test_thresholds_come_in_any_order_and_kind():
    rng = np.random.default_rng(0)
    found = alignment(rng.normal(size=(20, 5)), rng.normal(size=(20, 2)))
    tau = np.array([2.0, 0.0, 0.5, 9.0, 0.5])
    curve = found.curve(tau)
    assert curve.shape == (5, 2) and curve.dtype == np.float64
    order = np.argsort(tau)
    np.testing.assert_array_equal(found.curve(np.sort(tau)), curve[order])
    for kind in (list(tau), torch.from_numpy(tau), tau.astype(np.float32)):
        np.testing.assert_array_equal(found.curve(kind), curve)
    np.testing.assert_array_equal(found.curve(2), curve[:1])
    assert found.curve([]).shape == (0, 2)


def test_a_singular_value_counts_at_its_own_threshold():
    found = given_spectrum([2.0, 1.0], [[3.0], [4.0]], [9.0], n=5)
    tau = [2.0, np.nextafter(2, 3), 1.0, np.nextafter(1, 2), 1e-300, 0.0, -0.0, np.inf]
    assert found.curve(tau).ravel().tolist() == [3, 0, 7, 3, 7, 9, 9, 0]


@pytest.mark.parametrize(("threshold", "shown"), [(-0.5, "-0.5"), (np.nan, "nan")])
def test_a_threshold_below_zero_is_refused(threshold, shown):
    found = alignment(np.eye(2), [1.0, 2])
    message = (
        f"thresholds contain {shown} but must be 0 or greater: they are in the units "
        "of the singular values; drop it"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        found.curve([1.0, threshold])


def test_rank_counts_the_directions_that_hold_all_but_eps():
    energy = [[4.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 9.0, 0.0], [1e-20, 0, 0]]
    found = given_spectrum([4.0, 3.0, 2.0, 1.0], energy, [6.0, 9.0, 2.0], n=8)
    assert found.rank(0.5).tolist() == [1, 3, 0]
    assert found.rank(0.4).tolist() == [3, 3, 0]
    assert found.rank(1e-9).tolist() == [3, 3, 0]
    assert found.rank(1e-12).tolist() == [4, 3, 0]
    assert found.rank(1.1).tolist() == [0, 0, 0]


@given(SEEDS, SIZES, SIZES, st.floats(0.01, 0.9))
def test_the_two_rules_of_rank_are_shares_of_the_energy(seed, n, d, eps):
    rng = np.random.default_rng(seed)
    found = alignment(rng.normal(size=(n, d)), rng.normal(size=n), method="svd")
    held = found.energy[:, 0].cumsum() / found.energy.sum()
    for rule, needed in (("residual", 1 - eps**2), ("captured", (1 - eps) ** 2)):
        (count,) = found.rank(eps, rule=rule)
        assert held[count - 1] > needed - 1e-9
        assert count == 1 or held[count - 2] <= needed + 1e-9
    assert found.rank(eps) >= found.rank(eps, rule="captured")


def test_an_unknown_rule_or_axis_is_refused():
    found = alignment(np.eye(2), [1.0, 2])
    with pytest.raises(ValueError, match="rule is 'lost' but must be 'residual' or"):
        found.rank(0.1, rule="lost")
    with pytest.raises(ValueError, match="over is 'n' but must be 'norm' or 'sigma_1'"):
        found.area(over="n")


def test_rank_wants_the_tail_strictly_below_eps():
    found = given_spectrum([2.0, 1.0], [[3.0], [1.0]], [4.0], n=2)
    assert found.rank(0.5).tolist() == [2]  # the tail is exactly half of the norm
    assert found.rank(0.5000001).tolist() == [1]


@pytest.mark.parametrize(("eps", "shown"), [(0, "0"), (-0.1, "-0.1"), (np.nan, "nan")])
def test_rank_refuses_an_eps_that_is_not_positive(eps, shown):
    message = f"eps is {shown} but must be positive: at 0 no number of directions"
    with pytest.raises(ValueError, match=re.escape(message)):
        alignment(np.eye(2), [1.0, 2]).rank(eps)


def descent(phi, targets, step_size, steps):
    """Losses ||Phi w - y||^2 / (2 n) of full-batch gradient descent, step by step."""
    w, losses = np.zeros((phi.shape[1], targets.shape[1])), []
    for _ in range(steps + 1):
        errors = phi @ w - targets
        losses.append((errors**2).sum(0) / (2 * len(phi)))
        w = w - step_size * phi.T @ errors / len(phi)
    return np.array(losses)


@pytest.mark.parametrize("shape", [(30, 8), (8, 30), (10, 10)])
@pytest.mark.parametrize("method", ["gram", "svd"])
@pytest.mark.parametrize("relative_step", [0.1, 1.0, 1.9, 2.2])
def test_residual_is_the_loss_of_gradient_descent(shape, method, relative_step):
    rng = np.random.default_rng(0)
    features, targets = rng.normal(size=shape), rng.normal(size=(shape[0], 2))
    found = alignment(features, targets, method=method)
    step_size = relative_step * shape[0] / found.singular_values[0] ** 2
    expected = descent(prepared(features), targets, step_size, 200)
    losses = found.residual(step_size, range(201))
    np.testing.assert_allclose(losses, expected, rtol=1e-6, atol=1e-12)
    assert (losses[-1] > losses[0]).all() == (relative_step > 2)
    picked = torch.tensor([200, 0, 7])
    again = found.residual(step_size, picked)
    np.testing.assert_allclose(again, losses[picked], rtol=1e-12)


def test_residual_keeps_the_part_outside_the_span():
    found = alignment([[1.0], [0.0]], [2.0, 3.0], bias=False, normalize=False)
    assert found.residual(0.5, [10**6]).tolist() == [[9 / 4]]


def test_residual_vanishes_where_the_features_span_everything():
    rng = np.random.default_rng(0)
    found = alignment(rng.normal(size=(6, 20)), rng.normal(size=(6, 30)))
    assert (found.residual(3.0, 10**6) < 1e-100).all()


def test_residual_of_a_diverging_step_grows_to_infinity():
    phi = np.diag([2.0, 1.0])
    found = alignment(phi, [[1, 0], [1, 1]], bias=False, normalize=False)
    losses = found.residual(10.0, [1, 10, 100, 10**6])
    assert (np.diff(losses[:3], axis=0) > 0).all()
    assert (losses[3] == np.inf).all()


@pytest.mark.parametrize(
    ("step_size", "steps", "message"),
    [
        (0.0, [1], "step_size is 0.0 but must be positive and finite; steps below"),
        (-1, [1], "step_size is -1 but must be positive and finite; steps below"),
        (np.nan, [1], "step_size is nan but must be positive and finite; steps below"),
        (
            np.inf,
            [1],
            "step_size is inf but must be positive and finite; steps below "
            "2 n / sigma_1^2 = 1 converge",
        ),
        (1, [3, -2], "steps contain -2.0 but must be whole numbers from 0: gradient"),
        (1, [1.5], "steps contain 1.5 but must be whole numbers from 0: gradient"),
        (1, [np.nan], "steps contain nan but must be whole numbers from 0: gradient"),
        (1, [np.inf], "steps contain inf but must be whole numbers from 0: gradient"),
    ],
)
def test_residual_refuses_steps_that_cannot_be_taken(step_size, steps, message):
    found = alignment(2 * np.eye(2), [1.0, 2], bias=False, normalize=False)
    with pytest.raises(ValueError, match=re.escape(message)):
        found.residual(step_size, steps)


def test_lists_and_integers_are_taken():
    found = alignment([[1, 2], [3, 4], [5, 6]], [1, -1, 1])
    expected = alignment(np.array([[1.0, 2], [3, 4], [5, 6]]), np.array([1.0, -1, 1]))
    np.testing.assert_array_equal(found.energy, expected.energy)
    pixels = torch.tensor([[1, 2], [3, 4], [5, 6]], dtype=torch.uint8)
    again = alignment(pixels, torch.tensor([1, -1, 1]))
    np.testing.assert_array_equal(again.energy, expected.energy)


def test_the_result_is_float64_and_frozen():
    found = alignment(np.eye(3, dtype=np.float16), torch.ones(3))
    for array in (found.singular_values, found.energy, found.target_energy):
        assert array.dtype == np.float64
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    assert found.energy.shape == (3, 1)
    assert repr(found) == "Alignment(n=3, rank=3, targets=1, method='gram')"


def test_the_inputs_are_left_as_they_were():
    rng = np.random.default_rng(0)
    features, targets = rng.normal(size=(9, 4)), rng.normal(size=9)
    copies = features.copy(), targets.copy()
    for method in ("gram", "svd"):
        alignment(features, targets, method=method)
    np.testing.assert_array_equal(features, copies[0])
    np.testing.assert_array_equal(targets, copies[1])


def test_more_rows_than_fit_one_block_give_the_same():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(3000, 700)).astype(np.float32)
    targets = np.sign(features[:, 0] + rng.normal(size=3000))[:, None]
    found = alignment(features, targets)
    assert found.method == "gram"
    exact = alignment(features, targets, method="svd")
    np.testing.assert_allclose(found.singular_values, exact.singular_values, rtol=1e-10)
    np.testing.assert_allclose(found.area(), exact.area(), atol=1e-10)


@settings(max_examples=25)
@given(
    SEEDS,
    st.sampled_from(["float16", "bfloat16", "float32", "float64"]),
    st.sampled_from([(30, 12), (12, 30), (90, 90), (300, 8)]),
    st.integers(1, 4),
    st.booleans(),
)
def test_rounding_adds_no_direction_in_any_precision_or_way(
    seed, dtype, shape, rank, normalize
):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(shape[0], rank)) @ orthonormal(rng, shape[1], rank).T
    features = torch.from_numpy(features).to(getattr(torch, dtype))
    y = rng.normal(size=shape[0])
    for bias in (False, True):
        options = {"bias": bias, "normalize": normalize}
        for method in ("auto", "gram", "svd"):
            found = alignment(features, y, method=method, **options)
            assert len(found.singular_values) == rank + bias
            assert found.energy.sum() < found.target_energy[0]


@pytest.mark.parametrize("method", ["auto", "gram", "svd"])
def test_rounding_adds_no_direction_to_many_rows_of_float32(method):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 3)) @ rng.normal(size=(3, 200))
    found = alignment(features.astype(np.float32), rng.normal(size=300), method=method)
    assert len(found.singular_values) == 4  # three and the bias


def test_float16_keeps_the_rank_of_many_rows():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2048, 16)).astype(np.float16)
    for method in ("auto", "gram", "svd"):
        found = alignment(features, features[:, 0], method=method)
        assert len(found.singular_values) == 17


def test_integers_are_exact_so_that_small_directions_count():
    features, options = np.diag([10**8, 1, 1]), {"bias": False, "normalize": False}
    found = alignment(features, np.ones(3), method="svd", **options)
    assert len(found.singular_values) == 3
    rounded = alignment(features.astype("f4"), np.ones(3), method="svd", **options)
    assert len(rounded.singular_values) == 1


@pytest.mark.parametrize("method", ["auto", "gram", "svd"])
@pytest.mark.parametrize("shape", [(6, 3), (3, 6)])
def test_features_that_are_zero_throughout_are_refused(method, shape):
    message = (
        f"all {shape[0]} rows of the features are zero and span nothing; pass features "
        "that are not, or bias=True"
    )
    zeros, targets = np.zeros(shape), np.ones(shape[0])
    with pytest.raises(ValueError, match=f"^{message}$"):
        alignment(zeros, targets, bias=False, normalize=False, method=method)
    assert alignment(zeros, targets, method=method).area() == pytest.approx([1])


@pytest.mark.parametrize("method", ["auto", "svd"])
@pytest.mark.parametrize("shape", [(9, 4), (4, 9)])
def test_a_bad_row_is_named_whichever_way_is_taken(method, shape):
    features = np.ones(shape)
    features[2] = 0
    with pytest.raises(ValueError, match=r"^row 2 of the features is zero and cannot"):
        alignment(features, np.ones(shape[0]), bias=False, method=method)
    features[2, 3] = np.nan
    with pytest.raises(ValueError, match=r"^features\[2, 3\] is nan but every entry"):
        alignment(features, np.ones(shape[0]), method=method)


def test_targets_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"5 rows but targets have 4; pass one target"):
        alignment(np.ones((5, 2)), np.ones(4))
    with pytest.raises(ValueError, match=r"column 1 of the targets is zero in all 2 "):
        alignment(np.eye(2), [[1, 0], [1, 0]])


def test_plot_draws_one_line_per_target():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    found = alignment(
        np.diag([2.0, 1.0]), [[1, 2], [1, 0]], bias=False, normalize=False
    )
    axes = found.plot()
    lines = axes.get_lines()
    labels = [line.get_label() for line in lines]
    assert labels[:3] == ["target 1", "target 2", "chance"] and len(lines) == 4
    x, share = lines[0].get_data()
    np.testing.assert_allclose(share, found.shares(x)[:, 0])
    np.testing.assert_allclose(lines[2].get_data()[1], found.null().shares(x)[:, 0])
    assert share[0] == 1 and share[-1] == 0
    _, mine = pyplot.subplots()
    assert alignment(np.eye(2), [1.0, 2]).plot(ax=mine) is mine
    pyplot.close("all")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(200, 30), (30, 200), (30, 30), (2, 1)])
@pytest.mark.parametrize(("condition", "method"), [(10, "gram"), (1e8, "svd")])
def test_the_way_of_a_gpu_gives_the_same_on_cpu_tensors(
    monkeypatch, dtype, shape, condition, method
):
    # What decides that sums are made by PyTorch, where the tensor lies.
    monkeypatch.setattr(arrays, "on_device", arrays.is_tensor)
    rng = np.random.default_rng(0)
    features = torch.from_numpy(conditioned(rng, *shape, condition))
    features = features.to(getattr(torch, dtype))
    targets = rng.normal(size=(shape[0], 2))
    for prepare in (True, False):
        found = alignment(features, targets, bias=prepare, normalize=prepare)
        phi = prepared(features, prepare, prepare)
        assert_matches_thin_svd(targets, found, phi, dtype)
    if dtype == "float64" and min(shape) > 1:
        assert found.method == method


@pytest.mark.parametrize("shape", [(9, 4), (4, 9)])
def test_the_way_of_a_gpu_names_bad_rows_too(monkeypatch, shape):
    monkeypatch.setattr(arrays, "on_device", arrays.is_tensor)
    features, targets = torch.ones(shape), torch.ones(shape[0])
    features[2] = 0
    with pytest.raises(ValueError, match=r"^row 2 of the features is zero and cannot"):
        alignment(features, targets, bias=False)
    assert alignment(features, targets, bias=False, normalize=False).n == shape[0]
    features[2, 3] = torch.nan
    with pytest.raises(ValueError, match=r"^features\[2, 3\] is nan but every entry"):
        alignment(features, targets)
    with pytest.raises(ValueError, match=r"column 0 of the targets is zero in all"):
        alignment(torch.ones(shape), 0 * targets)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(200, 30), (30, 200)])
@pytest.mark.parametrize("condition", [10, 1e8])
def test_a_gpu_gives_what_the_cpu_gives(dtype, shape, condition):
    rng = np.random.default_rng(0)
    features = torch.from_numpy(conditioned(rng, *shape, condition))
    features = features.to(getattr(torch, dtype))
    targets = rng.normal(size=(shape[0], 2))
    found = alignment(features.cuda(), targets)
    assert_matches_thin_svd(targets, found, prepared(features), dtype)
