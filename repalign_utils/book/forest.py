"""Where the intervals of a setting lie on a drawing, against its bound."""

from collections.abc import Sequence

from .claims import Setting
from .records import interval_of
from .verdicts import NOT_RUN, Finding, smallest_effect

WIDTH, MARGIN = 220, 4


def forest(finding: Finding, other: Finding, runs: Sequence[dict | None]) -> dict:
    """Places of what ``forest.svg.jinja`` draws: this build above, the reference below.

    The shaded part is where an interval has to lie for the setting to be reproduced,
    the line is the bound. Each setting has a scale of its own.

    Parameters
    ----------
    finding, other : what this build and the reference run say of the setting
    runs : their run records; None for one that was not run

    Returns
    -------
    dict with the ``width`` of the drawing, the ends ``left`` and ``right`` of the
    shaded part, ``bound`` and ``rows``: name of the run -> places of the lower end,
    mean and upper end, and whether they are an interval's; None for one that did not
    record it. Empty if neither did
    """
    setting = finding.setting
    both = zip((finding, other), runs, strict=True)
    kept = [run["records"] if run and f.verdict != NOT_RUN else {} for f, run in both]
    told = [_ends(setting, entries) for entries in kept]
    if not any(told):
        return {}
    good = _good(setting, max(smallest_effect(setting, r) for r in kept if r))
    seen = [setting.bound, *(v for v in good if abs(v) != float("inf"))]
    seen += [value for ends in told if ends for value in ends[:3]]
    place = _scale(min(seen), max(seen))
    rows = [ends and (*map(place, ends[:3]), ends[3]) for ends in told]
    return {
        "width": WIDTH,
        "left": place(good[0]),
        "right": place(good[1]),
        "bound": place(setting.bound),
        "rows": dict(zip(("here", "there"), rows, strict=True)),
    }


def _ends(setting: Setting, entries: dict) -> tuple[float, float, float, bool] | None:
    """Lower end, mean and upper end in a run, and whether they are an interval's."""
    if setting.quantity not in entries:
        return None
    found = interval_of(entries[setting.quantity])
    if found.low is None or found.high is None:
        return found.least, found.mean, found.greatest, False
    return found.low, found.mean, found.high, True


def _good(setting: Setting, least: float) -> tuple[float, float]:
    """Where an interval has to lie."""
    if setting.relation == "above":
        return setting.bound + least, float("inf")
    if setting.relation == "below":
        return -float("inf"), setting.bound - least
    return setting.bound - least, setting.bound + least


def _scale(low: float, high: float):
    """Place of a value on the drawing, from the least to the greatest with a margin."""
    span = (high - low) or abs(high) or 1.0

    def place(value: float) -> float:
        at = MARGIN + (value - low) / span * (WIDTH - 2 * MARGIN) * 0.9 + WIDTH * 0.045
        return min(max(at, 0.0), float(WIDTH))

    return place
