"""Intervals of a setting drawn against its bound, as SVG that a page can style."""

from collections.abc import Sequence
from html import escape

from .claims import Setting
from .records import interval_of
from .verdicts import NOT_RUN, Finding, smallest_effect

WIDTH, ROW, DOT = 220, 13, 4


def forest(finding: Finding, other: Finding, runs: Sequence[dict | None]) -> str:
    """SVG of a setting: this build's interval above, the reference run's below.

    The shaded part is where an interval has to lie for the setting to be reproduced,
    the line is the bound. Each setting has a scale of its own.

    Parameters
    ----------
    finding, other : what this build and the reference run say of the setting
    runs : their run records; None for one that was not run

    Returns
    -------
    str, empty if neither recorded the quantity
    """
    setting = finding.setting
    both = zip((finding, other), runs, strict=True)
    kept = [run["records"] if run and f.verdict != NOT_RUN else {} for f, run in both]
    told = [_ends(setting, entries) for entries in kept]
    if not any(told):
        return ""
    good = _good(setting, max(smallest_effect(setting, r) for r in kept if r))
    seen = [setting.bound, *(v for v in good if abs(v) != float("inf"))]
    seen += [value for ends in told if ends for value in ends[:3]]
    place = _scale(min(seen), max(seen))
    left, right = (place(v) for v in good)
    height = 2 * ROW + 4
    parts = [
        f'<rect class="good" x="{left:.1f}" width="{right - left:.1f}" '
        f'y="0" height="{height}"/>',
        f'<line class="bound" x1="{place(setting.bound):.1f}" '
        f'x2="{place(setting.bound):.1f}" y1="0" y2="{height}"/>',
    ]
    for row, (name, ends) in enumerate(zip(("here", "there"), told, strict=True)):
        if ends:
            parts.append(_interval(name, 2 + ROW * row + ROW / 2, ends, place))
    words = f"{setting.name}: this build {finding.value}, reference run {other.value}"
    return (
        f'<svg class="forest" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(words)}">{"".join(parts)}</svg>'
    )


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
        at = DOT + (value - low) / span * (WIDTH - 2 * DOT) * 0.9 + WIDTH * 0.045
        return min(max(at, 0.0), float(WIDTH))

    return place


def _interval(name: str, y: float, ends, place) -> str:
    low, mean, high, whole = ends
    kind = name if whole else f"{name} few"
    return (
        f'<g class="{kind}"><line x1="{place(low):.1f}" x2="{place(high):.1f}" '
        f'y1="{y}" y2="{y}"/><circle cx="{place(mean):.1f}" cy="{y}" r="{DOT}"/></g>'
    )
