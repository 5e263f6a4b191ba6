import numpy as np
import pytest

from repalign_utils.measures.tridiagonal import Tridiagonal, eigh


@pytest.mark.parametrize("size", [1, 2, 40])
@pytest.mark.parametrize("rank", [40, 10])
def test_some_eigenvectors_are_as_good_as_all(size, rank):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, rank)) @ rng.normal(size=(rank, size))
    gram = rows.T @ rows
    split = Tridiagonal.of(np.tril(gram))
    values, vectors = split.values(), eigh(np.tril(gram))[1]
    scale = values[-1]
    assert values == pytest.approx(np.linalg.eigvalsh(gram), abs=1e-12 * scale)
    assert vectors.T @ gram @ vectors == pytest.approx(
        np.diag(values), abs=1e-12 * scale
    )
    for stop in {1, size // 2, size}:
        few = split.vectors(0, stop)
        assert few.T @ few == pytest.approx(np.eye(stop), abs=1e-12)
        assert gram @ few == pytest.approx(few * values[:stop], abs=1e-12 * scale)
    assert split.vectors(size, size).shape == (size, 0)


def test_turning_back_undoes_turning():
    rng = np.random.default_rng(0)
    gram = np.cov(rng.normal(size=(9, 30)))
    split, columns = Tridiagonal.of(gram), rng.normal(size=(9, 2))
    assert split.turned(split.turned(columns), back=True) == pytest.approx(columns)
