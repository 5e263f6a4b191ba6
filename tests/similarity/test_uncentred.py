import numpy as np
import pytest

from repalign_utils.similarity import _cca, pwcca, svcca
from repalign_utils.similarity._uncentred import uncentred

from .test_cca import layers


@pytest.fixture
def by_rows_alone(monkeypatch):
    """Calls a measure with no Gram matrix of rows as they are."""

    def call(measure, *sides):
        with monkeypatch.context() as patch:
            patch.setattr(_cca, "uncentred", lambda *_: None)
            return measure(*sides)

    return call


@pytest.mark.parametrize("mean", [0.0, 1.0, 10.0])
@pytest.mark.parametrize("smallest", [1.0, 1e-3])
@pytest.mark.parametrize("measure", [svcca, pwcca])
def test_centring_afterwards_changes_nothing(by_rows_alone, measure, smallest, mean):
    x, y = layers()
    sides = [s * np.geomspace(1, smallest, s.shape[1]) + mean for s in (x, y)]
    sides[0][:, 3] = 0
    sides[1][:, 5] = 0.1  # whose mean is rounded
    assert measure(*sides) == pytest.approx(by_rows_alone(measure, *sides), abs=1e-6)
    single = [side.astype(np.float32) for side in sides]
    found = measure(*single)
    assert found == pytest.approx(by_rows_alone(measure, *single), abs=1e-6)


def test_a_constant_unit_counts_for_nothing():
    x, y = layers()
    x[:, 3], y[:, 5] = 0.1, 0
    of_x, of_y, products = uncentred(x, y)
    assert not of_x.gram[3].any() and not of_y.gram[:, 5].any()
    assert not products[3].any() and not products[:, 5].any()
    assert products.any(1).sum() == x.shape[1] - 1


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x[:10],
        lambda x: x + 1e4,
        lambda x: x * 1e160,
        lambda x: x * 1e-160,
        lambda x: np.where(x == x.max(), np.nan, x),
        lambda x: np.where(x == x.max(), np.inf, x),
        np.ones_like,
    ],
    ids=["few rows", "far", "large", "small", "NaN", "infinite", "constant"],
)
def test_rows_are_asked_for_where_sums_would_lose_digits_or_a_reason(change):
    x, y = layers()
    assert uncentred(x, y)
    changed = change(x)
    assert not uncentred(changed, y[: len(changed)])
    assert not uncentred(y[: len(changed)], changed)


@pytest.mark.parametrize("mean", [3.0, 30.0])
def test_a_direction_that_rounding_hides_is_told_from_the_rows(by_rows_alone, mean):
    x, y = layers()
    x[:, 0] = x[:, 1] + 1e-7 * x[:, 0]  # found by the rows, lost in squares
    found = pwcca(x + mean, y + mean)
    assert found == pytest.approx(by_rows_alone(pwcca, x + mean, y + mean), abs=1e-6)
