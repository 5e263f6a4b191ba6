"""What a call may take is known before it takes it."""

import tracemalloc

import numpy as np
import pytest

from repalign_utils import alignment
from repalign_utils.measures.budgets import gram_bytes, svd_bytes


def draw(n, d, condition=1.0):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(n, d)) * np.logspace(0, -np.log10(condition), d)
    return features, rng.normal(size=n)


def peak_of(call):
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", [(700, 300), (300, 700)])
@pytest.mark.parametrize("method", ["gram", "svd"])
def test_a_limit_is_kept_and_gives_the_same(shape, method):
    features, y = draw(*shape)
    phi = shape[0], shape[1] + 1
    needed = (gram_bytes if method == "gram" else svd_bytes)(phi, 1)
    limited = []
    peak = peak_of(
        lambda: limited.append(alignment(features, y, method=method, memory=needed))
    )
    assert peak < needed
    free = alignment(features, y, method=method)
    np.testing.assert_allclose(limited[0].area(), free.area(), rtol=1e-10)


@pytest.mark.parametrize("method", ["auto", "gram", "svd"])
def test_what_is_too_large_is_refused_before_it_is_allocated(method):
    # A million columns that take no room: what is made of them would take terabytes.
    features = np.broadcast_to(np.float32(1), (10**6, 10**6))
    message = (
        r"1,000,000 rows of 1,000,001 columns need .* TB by method .*, above "
        r"memory=4.0 GB; pass memory=\d+, fewer rows"
    )
    y = np.arange(10**6) % 2 - 0.5

    def refused():
        with pytest.raises(ValueError, match=message):
            alignment(features, y, method=method, memory="4GB")

    assert peak_of(refused) < 50e6  # the targets


def test_where_the_gram_matrix_is_too_coarse_the_error_offers_what_there_is():
    features, y = draw(600, 500, condition=1e9)
    phi = (600, 501)
    limit = (gram_bytes(phi, 1) + svd_bytes(phi, 1)) // 2
    with pytest.raises(ValueError, match=r'by method \'svd\'.*, or method="gram"'):
        alignment(features, y, normalize=False, memory=limit)
    found = alignment(features, y, normalize=False, memory=svd_bytes(phi, 1))
    assert found.method == "svd"


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "f2"])
def test_a_memory_map_is_read_block_by_block(tmp_path, dtype):
    n, d = 40_000, 48
    shape = n, d
    mapped = np.memmap(tmp_path / "features", dtype, "w+", shape=shape)
    mapped[:] = np.random.default_rng(0).normal(size=shape)
    y = np.random.default_rng(1).normal(size=n)
    for method in ("auto", "svd"):
        peak = peak_of(lambda method=method: alignment(mapped, y, method=method))
        assert peak < 8 * n * d  # float64 of all of it
    kept = alignment(np.asarray(mapped, float), y).area()
    np.testing.assert_allclose(alignment(mapped, y).area(), kept, atol=1e-6)
