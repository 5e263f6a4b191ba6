"""Similarity of all pairs of layers, of rows that are all in memory."""

from __future__ import annotations

from collections.abc import Mapping

from ..arrays import Values
from ._kernels import Kernels, worthwhile
from ._matrix import LayerMatrix
from ._pairs import MEASURES
from ._stream import SimilarityStream, check_measure

__all__ = ["similarity_matrix"]


def similarity_matrix(
    layers_x: Mapping[str, Values],
    layers_y: Mapping[str, Values] | None = None,
    *,
    measure: str = "debiased_cka",
    keep: float = 0.99,
    keep_of: str = "singular_values",
    memory: str | int | None = "4GB",
) -> LayerMatrix:
    """Similarity of all pairs of layers, of rows that are all in memory.

    As a `SimilarityStream` that takes them in one batch. CKA of few rows of wide layers
    comes from kernels in place of sums, which takes a fraction of the operations and
    of the memory.

    Parameters
    ----------
    layers_x, layers_y : mappings of str to array (n, d)
        Features of each layer of one network and of the other, of any kind that
        `repalign_utils.alignment` takes, for the same rows. None: each pair of
        `layers_x` is compared.
    measure, keep, keep_of
        As of `SimilarityStream.result`.
    memory : str or int
        What sums may take, such as "4GB"; None for no limit.

    Returns
    -------
    LayerMatrix
        From 0 to 1; debiased values may lie below 0.

    Raises
    ------
    TypeError, ValueError
        As `SimilarityStream.update` and `SimilarityStream.result`.

    Warns
    -----
    UserWarning
        As `SimilarityStream.result`.

    Examples
    --------
    >>> import numpy as np
    >>> early, late = np.random.default_rng(0).normal(size=(2, 90, 5))
    >>> similarity_matrix({"early": early, "late": late}, measure="cka").values.round(3)
    array([[1.   , 0.057],
           [0.057, 1.   ]])
    """
    check_measure(measure, MEASURES)
    stream = SimilarityStream(layers_x, layers_y, memory=memory)
    features = stream.checked(layers_x, layers_y)
    n, widths = len(features[0]), [array.shape[1] for array in features]
    if MEASURES[measure].of_norms and worthwhile(n, widths):
        stream.take_all(Kernels(features))
    else:
        stream.add(features)
    return stream.result(measure, keep=keep, keep_of=keep_of)
