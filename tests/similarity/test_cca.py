import numpy as np
import pytest

from repalign_utils.similarity import SimilarityStream, cca, pwcca, svcca


def layers(n=300, p=20, q=10, seed=0):
    """Two layers that share some directions."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 6))
    x = shared @ rng.normal(size=(6, p)) + rng.normal(size=(n, p))
    return x, shared @ rng.normal(size=(6, q)) + rng.normal(size=(n, q))


def orthonormal(side):
    """Basis of centred columns by QR, for full rank."""
    return np.linalg.qr(side - side.mean(0))[0]


def plain_pwcca(X, Y):
    """Morcos et al. (2018), as it is written."""
    x = X - X.mean(0)
    qx = orthonormal(X)
    u, rho, _ = np.linalg.svd(qx.T @ orthonormal(Y), full_matrices=False)
    alpha = np.abs((qx @ u).T @ x).sum(1)
    return alpha @ rho / alpha.sum()


@pytest.mark.parametrize("shape", [(20, 10), (10, 20), (20, 20)])
def test_correlations_are_cosines_between_the_spans(shape):
    x, y = layers(p=shape[0], q=shape[1])
    cosines = np.linalg.svd(orthonormal(x).T @ orthonormal(y), compute_uv=False)
    assert cca(x, y).correlations == pytest.approx(cosines, abs=1e-9)
    assert pwcca(x, y) == pytest.approx(plain_pwcca(x, y), abs=1e-9)


@pytest.mark.parametrize("n, p, q", [(300, 20, 10), (12, 20, 8), (25, 8, 40)])
@pytest.mark.filterwarnings("ignore:.*canonical correlations are 1 for want")
def test_variables_are_orthonormal_and_correlate_as_told(n, p, q):
    found = cca(*layers(n, p, q))
    h, g = found.x_variables, found.y_variables
    for variables in (h, g):
        assert variables.T @ variables == pytest.approx(np.eye(h.shape[1]), abs=1e-8)
    assert h.T @ g == pytest.approx(np.diag(found.correlations), abs=1e-8)
    x = layers(n, p, q)[0]
    x = x - x.mean(0)
    assert x.T @ h == pytest.approx(found.x_loadings, abs=1e-8)
    assert x @ found.x_directions == pytest.approx(h, abs=1e-8)


def test_pwcca_with_shared_directions_depends_on_the_layers_alone():
    rng = np.random.default_rng(1)
    signal, *noise = (rng.normal(size=(200, d)) for d in (5, 8, 12))
    x, y = (np.hstack([3 * signal, part]) for part in noise)
    expected = pwcca(x, y)
    assert cca(x, y).correlations[4] > 1 - 1e-9 > cca(x, y).correlations[5]
    for _ in range(3):
        other = (y @ rng.normal(size=(17, 17)))[:, rng.permutation(17)]
        assert pwcca(x, other) == pytest.approx(expected, abs=1e-6)
        order = rng.permutation(13)
        assert pwcca(5 * x[:, order] - 1, other) == pytest.approx(expected, abs=1e-6)
    stream = SimilarityStream("x", "y")
    stream.update({"x": x}, {"y": y})
    assert stream.result("pwcca")["x", "y"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("keep", [0.3, 0.8, 0.99])
@pytest.mark.parametrize("keep_of, power", [("singular_values", 1), ("variance", 2)])
def test_svcca_is_the_cca_of_the_leading_directions(keep_of, power, keep):
    sides, layer = [], layers(seed=3)
    layer[0][:, 15:] *= np.geomspace(1e-2, 1e-5, 5)
    layer[0][:, 3] = 1
    layer[1][:, 8] = layer[1][:, 7]  # a copy
    for X in layer:
        u, s, _ = np.linalg.svd(X - X.mean(0), full_matrices=False)
        held = np.cumsum(s**power) / (s**power).sum()
        sides.append(u[:, : np.argmax(held >= keep) + 1])
    assert sides[0].shape[1] < 20
    expected = np.linalg.svd(sides[0].T @ sides[1], compute_uv=False).mean()
    found = svcca(*layer, keep=keep, keep_of=keep_of)
    assert found == pytest.approx(expected, abs=1e-9)
    stream = SimilarityStream(["x"], ["y"])
    stream.update({"x": layer[0]}, {"y": layer[1]})
    found = stream.result("svcca", keep=keep, keep_of=keep_of)
    assert found["x", "y"] == pytest.approx(expected, abs=1e-9)


def test_too_few_rows_are_told_with_the_number_of_correlations_they_force():
    x, y = layers(n=26, p=20, q=10)
    expected = r"5 of 10 canonical correlations are 1 .* n - 1 = 25; pass more rows"
    with pytest.warns(UserWarning, match=expected):
        found = cca(x, y)
    assert (found.correlations > 1 - 1e-9).sum() == found.forced == 5


def test_a_share_to_keep_that_is_none_is_refused():
    x, y = layers()
    with pytest.raises(ValueError, match="keep is 1.5 but must be above 0 and at"):
        svcca(x, y, keep=1.5)
    with pytest.raises(ValueError, match="keep_of is 'energy' but must be 'singular"):
        svcca(x, y, keep_of="energy")  # pyright: ignore
