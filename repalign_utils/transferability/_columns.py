"""Scores of many quantities, each a target of its own, from one decomposition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from ..arrays import Values
from ._aligned import areas_of, label_ckas_of, negative_ranks_of
from ._classifiers import predicted_of
from ._evidence import evidences_of
from ._table import wanted_of
from ._task import Task, task

_WAYS: dict[str, Callable[[Task], np.ndarray]] = {
    "log_me": evidences_of,
    "probe_accuracy": predicted_of,
    "alignment_area": areas_of,
    "negative_rank": negative_ranks_of,
    "label_cka": label_ckas_of,
}


def column_scores(
    features: Values,
    quantities: Values,
    *,
    only: Sequence[str] | None = None,
    generator: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    """Scores of each column of quantities, as if it were the only target.

    One decomposition of the features serves all columns, where `score_table` takes one
    for each and the mean over columns.

    Parameters
    ----------
    features : array (n, d)
        Of any kind that `repalign_utils.alignment` takes.
    quantities : array (n, k)
        Floating-point numbers, a target a column.
    only : names of scores, optional
        Of those that are defined for quantities: log_me, probe_accuracy,
        alignment_area, negative_rank and label_cka; by default all of them.
    generator : numpy Generator
        As of `probe_accuracy`.

    Returns
    -------
    dict
        Name -> array (k,), float64; more is better in each.

    Raises
    ------
    TypeError, ValueError
        As `log_me`; if quantities are labels of classes, and if a name in ``only`` is
        none of those.

    Warns
    -----
    UserWarning
        As `alignment_area`.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(40, 3))
    >>> found = column_scores(x, x[:, :2], only=["label_cka"])
    >>> found["label_cka"].shape
    (2,)
    """
    wanted = wanted_of(only, _WAYS, "scores of quantities")
    found = task(features, quantities)
    if found.numbers is not None:
        raise ValueError(
            "quantities are integers or text, which are classes; pass floating-point "
            "numbers, or use score_table, which takes classes"
        )
    ways = dict(_WAYS)
    ways["probe_accuracy"] = partial(predicted_of, generator=generator)
    return {name: ways[name](found) for name in wanted}
