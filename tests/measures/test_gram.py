import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from repalign_utils.measures.gram import Design, Triangle, moments, triangle

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 12)
SWITCH = st.booleans()


def by_hand(features, bias, normalize):
    phi = np.asarray(features, dtype=np.float64)
    if bias:
        phi = np.column_stack([phi, np.ones(len(phi))])
    if normalize:
        phi = phi / np.linalg.norm(phi, axis=1, keepdims=True)
    return phi


def draw(seed, n, d, k=2):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(n, k))


@given(SEEDS, SIZES, SIZES, st.integers(1, 5), SWITCH, SWITCH)
def test_blocks_of_rows_and_of_columns_make_up_phi(seed, n, d, size, bias, normalize):
    features, targets = draw(seed, n, d)
    phi = by_hand(features, bias, normalize)
    design = Design(features, bias, normalize)
    rows = list(design.row_blocks(targets, size))
    columns = [block for block, _ in design.column_blocks(size)]
    assert design.shape == phi.shape
    np.testing.assert_allclose(np.vstack([block for block, _ in rows]), phi, rtol=1e-14)
    np.testing.assert_array_equal(np.vstack([part for _, part in rows]), targets)
    np.testing.assert_allclose(np.vstack(columns).T, phi, rtol=1e-14)
    assert max(len(block) for block in columns + [block for block, _ in rows]) <= size


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "int8"])
def test_lower_precision_is_cast_without_rounding(dtype):
    features = torch.tensor([[1.25, -3.0], [0.0, 7.0]]).to(getattr(torch, dtype))
    phi = by_hand(features.double().numpy(), True, True)
    ((block, _),) = Design(features).row_blocks(np.ones((2, 1)))
    assert block.dtype == np.float64
    np.testing.assert_allclose(block, phi, rtol=1e-15)


@pytest.mark.parametrize("scale", [1e-310, 1e-200, 1e200, 1e300])
def test_rows_get_unit_length_whatever_their_scale(scale):
    features = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0]]) * [[scale], [1], [scale]]
    design = Design(features, bias=False)
    ((block, _),) = design.row_blocks(np.ones((3, 1)))
    expected = [[0.6, 0.8], [1, 0], [0, 1]]
    np.testing.assert_allclose(block, expected, rtol=1e-12)
    turned = np.vstack([part for part, _ in design.column_blocks(1)])
    np.testing.assert_allclose(turned.T, expected, rtol=1e-12)


@given(SEEDS, st.integers(1, 30), SIZES, st.integers(1, 7))
def test_moments_of_parts_add_up_to_those_of_the_whole(seed, n, d, size):
    features, targets = draw(seed, n, d)
    phi = by_hand(features, True, True)
    products, cross = moments(Design(features).row_blocks(targets, size))
    np.testing.assert_allclose(products, phi.T @ phi, atol=1e-12)
    np.testing.assert_allclose(cross, phi.T @ targets, atol=1e-12)


@given(SEEDS, st.integers(1, 30), SIZES, st.integers(1, 7))
def test_triangle_of_parts_has_the_products_of_the_whole(seed, n, d, size):
    features, targets = draw(seed, n, d)
    phi = by_hand(features, True, True)
    width = phi.shape[1]
    found = triangle(Design(features).row_blocks(targets, size), width)
    r, turned = found[:, :width], found[:, width:]
    assert found.shape == (min(n, width), width + 2)
    np.testing.assert_array_equal(r, np.triu(r))
    np.testing.assert_allclose(r.T @ r, phi.T @ phi, atol=1e-12)
    np.testing.assert_allclose(r.T @ turned, phi.T @ targets, atol=1e-12)


@pytest.mark.parametrize("part", [1, 7, 256, 1000])
@pytest.mark.parametrize(("n", "width"), [(1000, 3), (1000, 300), (2, 3), (200, 300)])
def test_a_triangle_filled_many_times_over_has_the_products_too(n, width, part):
    rows, targets = draw(0, n, width)
    total = Triangle(width)
    for start in range(0, n, part):
        total.add(rows[start : start + part], targets[start : start + part])
    found = total.factor()
    r, turned = found[:, :width], found[:, width:]
    assert found.shape == (min(n, width), width + 2)
    np.testing.assert_array_equal(r, np.triu(r))
    np.testing.assert_allclose(r.T @ r, rows.T @ rows, atol=1e-10)
    np.testing.assert_allclose(r.T @ turned, rows.T @ targets, atol=1e-10)


def test_a_row_that_is_part_of_more_is_named_by_its_number_there():
    with pytest.raises(ValueError, match=r"^features\[105, 3\] is nan but every entry"):
        exhaust(Design(spoilt(5, 3, np.nan), start=100), "rows")
    with pytest.raises(ValueError, match=r"^row 104 of the features is zero and"):
        zero = np.arange(7.0)[:, None] - 4
        exhaust(Design(zero, bias=False, start=100), "rows")


def test_triangle_keeps_a_direction_that_the_gram_matrix_loses():
    features = np.array([[1.0, 1.0], [0.0, 1e-9], [0.0, 0.0]])
    design = Design(features, bias=False, normalize=False)
    r = triangle(design.row_blocks(np.ones((3, 1)), 1), 2)
    assert abs(r[1, 1]) == pytest.approx(1e-9, rel=1e-6)


def test_products_beyond_float64_are_infinite_without_a_warning():
    design = Design(np.full((2, 1), 1e200), bias=False, normalize=False)
    assert moments(design.row_blocks(np.ones((2, 1))))[0] == np.inf


def spoilt(row, column, value):
    features = np.ones((7, 5), dtype=np.float32)
    features[row, column] = value
    return features


def exhaust(design, blocks):
    if blocks == "rows":
        return list(design.row_blocks(np.ones((design.shape[0], 1)), 2))
    return list(design.column_blocks(2))


@pytest.mark.parametrize("blocks", ["rows", "columns"])
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_entry_that_is_not_finite_is_named(value, normalize, blocks):
    design = Design(spoilt(5, 3, value), normalize=normalize)
    message = (
        f"features[5, 3] is {value} but every entry must be finite; drop row 5 or "
        "repair it, e.g. with nan_to_num"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        exhaust(design, blocks)


@pytest.mark.parametrize("blocks", ["rows", "columns"])
def test_a_zero_row_without_bias_is_named(blocks):
    features = np.ones((7, 5))
    features[4] = 0
    message = (
        "row 4 of the features is zero and cannot be scaled to length 1; drop it, or "
        "pass bias=True (it is then a unit row) or normalize=False"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        exhaust(Design(features, bias=False), blocks)
    exhaust(Design(features, bias=True), blocks)
    exhaust(Design(features, bias=False, normalize=False), blocks)


@pytest.mark.parametrize("blocks", ["rows", "columns"])
def test_a_row_too_long_for_float64_is_named(blocks):
    features = np.ones((7, 5))
    features[3] = 1.7e308
    message = (
        "row 3 of the features has a length beyond float64; divide the features by "
        "their largest entry"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        exhaust(Design(features), blocks)
