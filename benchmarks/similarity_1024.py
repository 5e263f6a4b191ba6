"""10,000 x 1,024 float64: SVCCA and PWCCA against the plain way, and all pairs.

``python -m benchmarks.similarity_1024`` tells what bounds the ratios on this machine.
A way by Gram matrices needs X' X, Y' Y and X' Y, the first two of which are half a
product each, and the eigenvalues, if not the vectors, of three matrices d x d for SVCCA
(those of both layers decide what is kept) and of one for PWCCA. The time of these parts
alone, each by the faster of NumPy and SciPy, is the least that any such way takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np

from repalign_utils.measures.gram import inner, squares
from repalign_utils.measures.tridiagonal import Tridiagonal
from repalign_utils.similarity import cca, cka, pwcca, similarity_matrix, svcca

from . import plain_similarity as plain
from .measure import Row, medians, seconds_of

N, D = 10_000, 1024
LAYERS, FEWER, NARROWER = 20, 2_000, 512  # of all pairs: 10,000 rows take minutes


def rows() -> Iterator[Row]:
    """As fast as promised, and as exact: 1e-6."""
    x, y = plain.draw(N, D)
    few = plain.draw(3 * D, D)  # loads all that the rows use
    for name, slow, fast, required in (
        ("SVCCA", plain.svcca, svcca, 6),
        ("PWCCA", plain.pwcca, pwcca, 3.5),
    ):
        slow(*few), fast(*few)
        found: dict[str, float] = {}
        seconds = medians(
            lambda slow=slow, found=found: found.update(plain=slow(x, y)),
            lambda fast=fast, found=found: found.update(ours=fast(x, y)),
            repeats=3,
            warmed_up=True,
        )
        error = abs(found["plain"] - found["ours"])
        yield Row(f"{name} {N:,} x {D:,}, time", *seconds, required, "s", error, 1e-6)
    yield against_peer(x, y)
    layers = draw_layers()
    seconds = medians(lambda: pair_by_pair(layers), lambda: together(layers), repeats=1)
    error = float(abs(pair_by_pair(layers) - together(layers)).max())
    name = f"CKA of {LAYERS} layers {FEWER:,} x {NARROWER}, time"
    yield Row(name, *seconds, 2.3, "s", error, 1e-6)


def against_peer(x: np.ndarray, y: np.ndarray) -> Row:
    """All canonical correlations, and the directions, against cca-zoo's fit of them.

    It is the one installed package that computes any of these; scikit-learn's iterates
    for each direction, which takes minutes.
    """
    from cca_zoo.linear import CCA

    fitted = CCA(n_components=D)
    found: dict[str, np.ndarray] = {}
    seconds = medians(
        lambda: fitted.fit([x, y]),
        lambda: found.update(ours=cca(x, y).correlations),
        repeats=1,
    )
    h, g = fitted.transform([x, y])
    theirs = (h * g).sum(0) / np.linalg.norm(h, axis=0) / np.linalg.norm(g, axis=0)
    error = float(abs(theirs.mean() - found["ours"].mean()))
    return Row(f"CCA {N:,} x {D:,}, cca-zoo, time", *seconds, 1, "s", error, 1e-6)


def draw_layers(n: int = FEWER, d: int = NARROWER) -> dict[str, np.ndarray]:
    """Twenty layers, each of the one before and noise."""
    rng = np.random.default_rng(0)
    layers = {"0": rng.normal(size=(n, d))}
    for k in range(1, LAYERS):
        before = layers[str(k - 1)]
        layers[str(k)] = before + rng.normal(size=(n, d)) + 1
    return layers


def pair_by_pair(layers: dict[str, np.ndarray]) -> np.ndarray:
    """CKA (l, l), checked, centred and from three products for each pair: 570."""
    values = np.eye(len(layers))
    for (i, x), (j, y) in combinations(enumerate(layers.values()), 2):
        values[i, j] = values[j, i] = cka(x, y)
    return values


def together(layers: dict[str, np.ndarray]) -> np.ndarray:
    """The same at once: kernels, as the rows are fewer than all units."""
    return similarity_matrix(layers, measure="cka").values


def bounds() -> Iterator[str]:
    """Lines that tell what SVCCA and PWCCA spend their time on, and cannot save."""
    x, y = plain.draw(N, D)
    gram = squares(x, None)
    products = min(
        _best(lambda: (x.T @ x, y.T @ y, x.T @ y)),
        _best(lambda: (squares(x, None), squares(y, None), inner(x, y))),
    )
    values = min(
        _best(lambda: np.linalg.eigvalsh(gram)),
        _best(lambda: Tridiagonal.of(gram).values()),
    )
    yield f"three products {products:.3f} s, eigenvalues {values:.3f} s each"
    for name, slow, fast, times in (
        ("SVCCA", plain.svcca, svcca, 3),
        ("PWCCA", plain.pwcca, pwcca, 1),
    ):
        least = products + times * values
        taken, ours = _best(lambda f=slow: f(x, y), 2), _best(lambda f=fast: f(x, y))
        yield (
            f"{name}: plain {taken:.3f} s, ours {ours:.3f} s, ratio {taken / ours:.2f}"
            f"; at most {taken / products:.2f} by the products alone, "
            f"{taken / least:.2f} with eigenvalues {times} times"
        )


def _best(function: Callable, repeats: int = 5) -> float:
    """Least seconds of a few calls: what else runs on the machine only adds to it."""
    return min(seconds_of(function) for _ in range(repeats))


if __name__ == "__main__":
    for line in bounds():
        print(line, flush=True)
