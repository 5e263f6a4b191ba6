"""All scores of one target in one call, with what each costs."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .._extras import need
from ..arrays import Values
from ..measures.memory import size
from ..spelling import did_you_mean
from . import _source as source
from ._aligned import alignment_area_of, label_cka_of, negative_rank_of
from ._classifiers import nearest_class_mean_of, probe_accuracy_of
from ._coding import trans_rate_of
from ._evidence import log_me_of
from ._separation import h_score_of, h_score_shrunk_of
from ._task import Task, Undefined, check_rows, no_regression, task


class _Way(NamedTuple):
    """How a score is made of a task, and what it shares with others."""

    of: Callable[[Task], float]
    shares: tuple[str, ...]
    classes_alone: bool = False


_WAYS = {
    "h_score": _Way(h_score_of, ("spectrum",), True),
    "h_score_shrunk": _Way(h_score_shrunk_of, ("centred",), True),
    "log_me": _Way(log_me_of, ("spectrum",)),
    "trans_rate": _Way(trans_rate_of, ("centred",), True),
    "nearest_class_mean": _Way(nearest_class_mean_of, ("centred",), True),
    "probe_accuracy": _Way(probe_accuracy_of, ("centred",)),
    "alignment_area": _Way(alignment_area_of, ("alignment",)),
    "negative_rank": _Way(negative_rank_of, ("alignment",)),
    "label_cka": _Way(label_cka_of, ("centred",)),
}
OF_SOURCE = {"leep": source.leep_of, "nce": source.nce_of}
NAMES = (*_WAYS, *OF_SOURCE)


@dataclass(frozen=True)
class Score:
    """One score and what it would cost alone.

    Attributes
    ----------
    name : str
    value : float
        More is better.
    seconds : float
        Of checking the arrays, of the decomposition that it shares with others, and of
        the score itself.
    memory : int
        Bytes taken beyond the arrays given, at most, as far as Python and NumPy report
        them to `tracemalloc`.
    """

    name: str
    value: float
    seconds: float
    memory: int


@dataclass(frozen=True)
class ScoreTable:
    """Scores of one pair of features and labels; ``print`` shows it as a table.

    Attributes
    ----------
    scores : tuple of Score
    left_out : dict
        Name of each score that is not there -> the reason.
    seconds : float
        Of all together: less than the sum, since decompositions are shared.
    """

    scores: tuple[Score, ...]
    left_out: dict[str, str]
    seconds: float

    def __getitem__(self, name: str) -> float:
        """Value of a score by its name."""
        for score in self.scores:
            if score.name == name:
                return score.value
        why = self.left_out.get(name, f"there are {', '.join(self.values())}")
        raise KeyError(f"no score {name!r}: {why}")

    def values(self) -> dict[str, float]:
        """Name of each score -> its value."""
        return {score.name: score.value for score in self.scores}

    def to_pandas(self) -> Any:
        """The same as a ``pandas.DataFrame``, a score a row, by its name.

        Raises
        ------
        ModuleNotFoundError
            If pandas, of the extra ``run``, is not installed.
        """
        frame = need("pandas", "run").DataFrame([vars(score) for score in self.scores])
        return frame.set_index("name")

    def __str__(self) -> str:
        lines = [f"{'score':<19} {'value':>10} {'seconds':>9} {'memory':>9}"]
        lines += [
            f"{s.name:<19} {s.value:>10.4g} {s.seconds:>9.3g} {size(s.memory):>9}"
            for s in self.scores
        ]
        lines += [f"left out, {name}: {why}" for name, why in self.left_out.items()]
        return "\n".join(lines)


def score_table(
    features: Values,
    labels: Any,
    *,
    source_probabilities: Values | None = None,
    only: Sequence[str] | None = None,
    generator: np.random.Generator | None = None,
) -> ScoreTable:
    """All scores of the room, by their defaults, each with seconds and memory.

    Parameters
    ----------
    features : array (n, d)
        Of any kind that `repalign_utils.alignment` takes.
    labels : array (n,) or (n, k)
        Classes (integers, text or booleans) or quantities (floating-point numbers).
    source_probabilities : array (n, m), optional
        What the source says of the same inputs, for `leep` and `nce`.
    only : names of scores, optional
        Those wanted, in this order.
    generator : numpy Generator
        As of `probe_accuracy`.

    Returns
    -------
    ScoreTable
        A score that cannot be had of these labels is left out, with the reason.

    Raises
    ------
    TypeError, ValueError
        As `log_me` and `leep`, and if a name in `only` is unknown.

    Warns
    -----
    UserWarning
        As `alignment_area`.

    Examples
    --------
    >>> features = np.random.default_rng(0).normal(size=(40, 3))
    >>> found = score_table(features, features[:, 0], only=["label_cka", "h_score"])
    >>> list(found.values())
    ['label_cka']
    >>> found.left_out["h_score"][:44]
    'h_score is defined for classes alone, and la'
    """
    wanted = wanted_of(only, NAMES)
    if "probe_accuracy" in wanted:
        _load_probes()
    start = time.perf_counter()
    with _tracing():
        found, door = _measured(partial(task, features, labels))
        theta, source_door = None, door
        if source_probabilities is not None:
            check = partial(source.check_probabilities, source_probabilities)
            theta, source_door = _measured(check)
            check_rows(len(theta), found.columns, "source_probabilities")
        scores, left_out = _of_task(found, door, wanted, generator)
        others, reasons = _of_source(found.numbers, theta, source_door, wanted)
    by_name = {score.name: score for score in (*scores, *others)}
    left_out |= reasons
    return ScoreTable(
        tuple(by_name[name] for name in wanted if name in by_name),
        {name: left_out[name] for name in wanted if name in left_out},
        time.perf_counter() - start,
    )


class _Cost(NamedTuple):
    """Seconds, bytes at most, and bytes that are still held at the end."""

    seconds: float
    peak: int
    kept: int


def _of_task(
    found: Task,
    door: _Cost,
    wanted: Sequence[str],
    generator: np.random.Generator | None,
) -> tuple[list[Score], dict[str, str]]:
    shared: dict[str, _Cost] = {}
    scores, left_out = [], {}
    for name in wanted:
        if name not in _WAYS:
            continue
        way = _WAYS[name]
        if way.classes_alone and found.numbers is None:
            left_out[name] = no_regression(name)
            continue
        for part in way.shares:
            if part not in shared:
                _, shared[part] = _measured(partial(getattr, found, part))
        of: Callable[[Task], float] = way.of
        if name == "probe_accuracy":
            of = partial(probe_accuracy_of, generator=generator)
        try:
            value, own = _measured(partial(of, found))
        except (Undefined, ModuleNotFoundError) as error:
            left_out[name] = str(error)
            continue
        steps = [door, *(shared[part] for part in way.shares), own]
        scores.append(_alone(name, value, steps))
    return scores, left_out


def _of_source(
    numbers: np.ndarray | None,
    theta: np.ndarray | None,
    door: _Cost,
    wanted: Sequence[str],
) -> tuple[list[Score], dict[str, str]]:
    names = [name for name in wanted if name in OF_SOURCE]
    if numbers is None:
        return [], {name: no_regression(name) for name in names}
    if theta is None:
        return [], dict.fromkeys(names, "pass source_probabilities to have it")
    scores = []
    for name in names:
        value, own = _measured(partial(OF_SOURCE[name], theta, numbers))
        scores.append(_alone(name, value, [door, own]))
    return scores, {}


def wanted_of(
    only: Sequence[str] | None, known: Collection[str], told: str = "scores"
) -> list[str]:
    """Names in ``only``, or all that are known; raise a ValueError at another."""
    for name in only or ():
        if name not in known:
            raise ValueError(
                f"only holds {name!r}; {did_you_mean(name, known)}the {told} are "
                f"{', '.join(known)}"
            )
    return list(known if only is None else only)


def _load_probes() -> None:
    """Load scikit-learn where there is one: its import is no part of the cost."""
    try:
        need("sklearn.linear_model", "run")
        need("sklearn.model_selection", "run")
    except ModuleNotFoundError:
        pass  # told where the score is left out


@contextmanager
def _tracing() -> Iterator[None]:
    ours = not tracemalloc.is_tracing()
    if ours:
        tracemalloc.start()
    try:
        yield
    finally:
        if ours:
            tracemalloc.stop()


def _measured(call: Callable[[], Any]) -> tuple[Any, _Cost]:
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    start = time.perf_counter()
    value = call()
    seconds = time.perf_counter() - start
    after, peak = tracemalloc.get_traced_memory()
    return value, _Cost(seconds, peak - before, after - before)


def _alone(name: str, value: float, steps: Sequence[_Cost]) -> Score:
    """Score with the cost of all steps that lead to it, as if it were the only one."""
    held = most = 0
    for step in steps:
        most = max(most, held + step.peak)
        held += step.kept
    return Score(name, value, sum(step.seconds for step in steps), most)
