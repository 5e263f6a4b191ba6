"""The one place where a number is recorded, and where runs are read.

``record`` attaches the values to the cell's output.  From there the sentence on the
page (glue), the run record beside the executed notebook, the claims table and the
tests all read them.
"""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .._extras import need
from ..statistics import Interval, interval
from .errors import Refused

GLUE = "application/papermill.record/"
FORM = 3  # of a run record; see `forms.Run`
DIGITS = 6  # of a curve's values; those of one value per seed are kept whole
NAME = re.compile(r"\d\d(\.[a-z0-9_]+)+")


def record(
    name: str,
    values,
    *,
    within: Sequence[float] | None = None,
    exact: bool = False,
    pairs: bool = False,
    dims=None,
    coords=None,
) -> Interval | None:
    """Record a quantity of the section: one value per seed, or a curve per seed.

    The page reads one value per seed as ``name`` (mean and interval as text),
    ``name.mean``, ``name.low`` and ``name.high`` (numbers, to be formatted; the least
    and the greatest value where seeds are too few for an interval). A curve is kept to
    six significant digits, for tables and figures of one's own; no sentence, claim or
    comparison reads it.

    Parameters
    ----------
    name : section number and words joined by dots, for example "02.gain.true"
    values : array (seeds,), or one number for a quantity without seeds; for a curve an
        array of more axes with their names in ``dims``, or an ``xarray.DataArray``
    within : least and greatest value that the quantity can have: (0, 1) for shares,
        areas and accuracies, (-1, 1) for rank correlations, none for differences; it is
        kept beside the values, and every interval made of them stays within it
    exact : whether no training has touched the values: another machine, with the same
        seeds, must find them equal to rounding
    pairs : whether each value is a unit's mean over its pairs with all other units, see
        `statistics.interval`; its units are then what is compared, such as networks
    dims : names of the axes of a curve, "seed" among them
    coords : axis -> what its places are, for example thresholds or names of layers

    Returns
    -------
    Interval over one value per seed; None for a curve

    Raises
    ------
    ValueError
        If the name has another form, a value is not finite or outside its range, or a
        curve has no axis "seed".
    """
    check_name(name)
    told: dict = {"name": name, "exact": exact, **({"pairs": True} if pairs else {})}
    if within is not None:
        told["within"] = [float(end) for end in within]
    if dims is not None or hasattr(values, "dims"):
        curve = _labelled(name, values, dims, coords)
        if curve.dims != ("seed",):
            told["curve"] = _rounded(curve).to_dict()
            glue(name, " × ".join(map(str, curve.dims)), told)
            return None
        values = curve.values
    v = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if v.ndim != 1 or not len(v) or not np.isfinite(v).all():
        raise ValueError(
            f"{name} is {v.tolist()}; expected one finite number per seed: "
            "record a run that diverged as a count, not as its loss"
        )
    told["values"] = v.tolist()
    try:
        summary = interval_of(told)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    glue(name, str(summary), told)
    least = summary.least if summary.low is None else summary.low
    greatest = summary.greatest if summary.high is None else summary.high
    for end, at in (("mean", summary.mean), ("low", least), ("high", greatest)):
        glue(f"{name}.{end}", repr(at))
    return summary


def record_words(name: str, words: str) -> None:
    """Let a sentence of the page say words that the run chose, by ``{glue:text}``.

    Parameters
    ----------
    name : section number and words joined by dots, for example "03.answer.images"
    words : what the page says under this name: which setting was best, for example

    Raises
    ------
    ValueError
        If the name has another form, or there are no words.

    Examples
    --------
    >>> record_words("3.answer", "depth")
    Traceback (most recent call last):
        ...
    ValueError: record name is '3.answer'; expected a section number and lower-case \
words joined by dots, e.g. '02.gain.true'
    """
    check_name(name)
    if not words.strip():
        raise ValueError(
            f"{name} is {words!r}; expected what the page is to say, or 'none'"
        )
    glue(name, words)


def check_name(name: str) -> None:
    """Refuse a name that is no section number with words after it."""
    if not NAME.fullmatch(name):
        raise ValueError(
            f"record name is {name!r}; expected a section number and lower-case words "
            "joined by dots, e.g. '02.gain.true'"
        )


def interval_of(entry: dict) -> Interval:
    """Mean and interval of a recorded quantity, within the range it was recorded with.

    Parameters
    ----------
    entry : ``values``, ``within`` if the quantity has a range, and ``pairs`` if they
        are means over pairs of units, as in a run record
    """
    return interval(
        entry["values"],
        within=entry.get("within"),
        pairs=entry.get("pairs", False),
    )


def _rounded(curve):
    """Curve to six significant digits: thousands of values make up a run's file."""
    kept = [float(f"{value:.{DIGITS}g}") for value in curve.values.ravel()]
    return curve.copy(data=np.reshape(kept, curve.shape))


def _labelled(name: str, values, dims, coords):
    """Curve with its axes named, checked."""
    xarray = need("xarray", "run")
    curve = xarray.DataArray(values, dims=dims, coords=coords, name=name).astype(float)
    if "seed" not in curve.dims:
        raise ValueError(
            f"{name} has the axes {', '.join(map(str, curve.dims))}; expected one "
            "named 'seed' among them: give it length 1 if there is one seed"
        )
    if not curve.size or not np.isfinite(curve).all():
        lost = curve.size - int(np.isfinite(curve).sum())
        raise ValueError(
            f"{name} has {lost} of {curve.size} values that are not finite; record "
            "only seeds and places where the curve is known"
        )
    return curve


def glue(name: str, text: str, recorded: dict | None = None) -> None:
    """Attach ``text`` to the cell under ``name``, invisibly, for MyST's glue."""
    from IPython.display import display

    metadata: dict = {"scrapbook": {"name": name, "mime_prefix": GLUE}}
    if recorded:
        metadata["repalign"] = {"record": recorded}
    display({f"{GLUE}text/plain": text}, raw=True, metadata=metadata)


def collect(notebook) -> dict:
    """Gather what the cells of an executed notebook recorded.

    Parameters
    ----------
    notebook : nbformat notebook

    Returns
    -------
    dict with ``form``, the version of this layout, ``records`` (name -> values, their
    range ``within`` if there is one, mean, low, high, n, least, greatest), ``curves``
    (name -> axes, coordinates and values, as ``xarray.DataArray.from_dict`` takes
    them), ``features`` (name -> shapes and digest) and ``provenance``

    Raises
    ------
    ValueError
        If a name is recorded twice.
    """
    kinds = ("records", "curves", "features", "provenance")
    found: dict = {"form": FORM, **{kind: {} for kind in kinds}}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            ours = output.get("metadata", {}).get("repalign", {})
            found["provenance"] = ours.get("provenance", found["provenance"])
            if "record" not in ours:
                continue
            recorded = dict(ours["record"])
            name = recorded.pop("name")
            if any(name in found[kind] for kind in kinds):
                raise ValueError(f"{name} is recorded twice; give each its own name")
            if "features" in recorded:
                found["features"][name] = recorded["features"]
            elif "curve" in recorded:
                found["curves"][name] = recorded.pop("curve") | recorded
            else:
                found["records"][name] = recorded | asdict(interval_of(recorded))
    return found


def read_run(path: str | os.PathLike) -> dict:
    """Run record (JSON) written beside an executed notebook, as it is."""
    return json.loads(Path(path).read_text())


class RecordError(Refused):
    """A file that is no run record; the message says where it is not."""


def read_runs(path: str | os.PathLike) -> dict[str, dict]:
    """Runs that a file holds, by section: a run record, or a file of reference runs.

    Raises
    ------
    RecordError
        If it is neither, saying which key has which value and what was expected.
    """
    from .forms import Run, checked

    try:
        content = read_run(path)
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        content = None
    if not content or not isinstance(content, dict):
        raise RecordError(
            f"{path} is no run record; expected the .json beside a section's run"
        )
    runs = {content["section"]: content} if "section" in content else content
    checked(dict[str, Run], runs, f"{path} is no run record", RecordError)
    return runs
