"""Figures of the book: one style, one function per kind, arrays in and axes out."""

import sys
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from .statistics import interval

MARKERS = ("o", "s", "^", "D", "v", "P")
WIDTH = 0.5  # from the first series of a category to its last, as a share of its place
BESIDE = (0.36, 0.74)  # where dots stand between one series and the next
MOST_DOTS = 10  # seeds from which on an interval says enough


def use_style() -> None:
    """Draw every figure of this process in the book's style, as SVG in notebooks."""
    import matplotlib.pyplot as plt

    plt.style.use(Path(__file__).with_name("book.mplstyle"))
    shell = sys.modules.get("IPython")  # which a small installation lacks
    if shell is None or shell.get_ipython() is None:  # the next call would start one
        return
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    # No date: the same numbers give the same file.
    set_matplotlib_formats("svg", bbox_inches=None, metadata={"Date": None})


def new_axes(columns: int = 1, *, rows: int = 1, **options) -> Any:
    """Axes in a grid, in a new figure of the book's style.

    Parameters
    ----------
    columns, rows : size of the grid
    options : of ``matplotlib.pyplot.subplots``

    Returns
    -------
    One ``Axes``, or an array of them, (columns,) or (rows, columns)
    """
    import matplotlib.pyplot as plt

    use_style()
    size = (6.4, 3.6) if columns == 1 else (7.2, 2.8 * rows + 0.2)
    _, axes = plt.subplots(rows, columns, figsize=size, **options)
    return axes


def plot_curves(
    curves: Mapping,
    thresholds,
    *,
    ax=None,
    xlabel: str = "threshold",
    ylabel: str = "captured target share",
    legend: bool = True,
    chance=None,
):
    """One line per name, the mean over seeds with a band from least to greatest.

    Parameters
    ----------
    curves : name -> array (seeds, t), or (t,) for a single curve
    thresholds : array (t,), the x axis
    ax : axes to draw on; None for new ones
    xlabel, ylabel : of the axes; panels that share an axis say it at the edge alone
    legend : whether to name the lines
    chance : arrays (t,) or (m, t), what chance gives, as thin lines with one name

    Returns
    -------
    The axes
    """
    ax = new_axes() if ax is None else ax
    for name, values in curves.items():
        values = np.atleast_2d(np.asarray(values, dtype=float))
        (line,) = ax.plot(thresholds, values.mean(0), label=name)
        if len(values) > 1:
            band = values.min(0), values.max(0)
            ax.fill_between(
                thresholds, *band, color=line.get_color(), alpha=0.2, linewidth=0
            )
    if chance is not None:
        lines = np.atleast_2d(np.asarray(chance, dtype=float)).T
        thin = ax.plot(thresholds, lines, color="0.45", linewidth=0.7, zorder=1)
        thin[0].set_label("chance")
    return _named(ax, xlabel, ylabel, legend)


def _named(ax, xlabel: str, ylabel: str, legend: bool):
    """Axes with their labels and legend."""
    if here := ax.get_subplotspec():
        for other in ax.get_shared_x_axes().get_siblings(ax):
            there = other.get_subplotspec()
            if there.colspan == here.colspan and there.rowspan.stop > here.rowspan.stop:
                xlabel = ""
        for other in ax.get_shared_y_axes().get_siblings(ax):
            there = other.get_subplotspec()
            if there.rowspan == here.rowspan and there.colspan[0] < here.colspan[0]:
                ylabel = ""
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if legend:
        ax.legend()
    return ax


def plot_intervals(
    groups: Mapping[str, Mapping],
    *,
    ax=None,
    within: Sequence[float] | None = None,
    xlabel: str = "",
    ylabel: str = "",
    legend: bool = True,
):
    """Means with 95 % intervals over seeds, side by side per category.

    Below ten seeds each is a dot beside the mean, in the order of the seeds; below five
    there is no interval, and the dots alone say how they spread.

    Parameters
    ----------
    groups : series name -> {category -> array (seeds,)}, the same categories in each
    within : range of what is drawn, which intervals stay within; see
        `statistics.interval`
    ax : axes to draw on; None for new ones
    xlabel, ylabel : of the axes; panels that share an axis say it at the edge alone
    legend : whether to name the series

    Returns
    -------
    The axes
    """
    ax = new_axes() if ax is None else ax
    categories = list(next(iter(groups.values())))
    spacing = WIDTH / max(len(groups) - 1, 1)
    offsets = spacing * (np.arange(len(groups)) - (len(groups) - 1) / 2)
    for (name, values), offset, marker in zip(
        groups.items(), offsets, cycle(MARKERS), strict=False
    ):
        found = [interval(values[c], within=within) for c in categories]
        means = np.array([f.mean for f in found])
        # Where there is no interval its ends are None, which numpy reads as NaN.
        low = np.array([f.low for f in found], float)
        high = np.array([f.high for f in found], float)
        reach = [means - low, high - means]
        x = np.arange(len(categories)) + offset
        (line, *_) = ax.errorbar(x, means, reach, label=name, fmt=marker, capsize=3)
        for place, category in zip(x, categories, strict=True):
            beside = place + min(spacing, WIDTH / 2) * np.array(BESIDE)
            _plot_seeds(ax, beside, values[category], line.get_color())
    ax.set_xticks(range(len(categories)), categories)
    ax.grid(axis="x", visible=False)
    return _named(ax, xlabel, ylabel, legend)


def _plot_seeds(ax, span, values, color) -> None:
    """A dot for each seed, from one place to the other, where seeds are few."""
    if not 1 < len(values) < MOST_DOTS:
        return
    x = np.linspace(span[0], span[1], len(values))
    ax.plot(x, values, "o", color=color, markersize=2.5, markeredgewidth=0, alpha=0.8)


def plot_images(rows, *, ax=None):
    """Images in rows, without words: they are shown as they are on a dark page too.

    Parameters
    ----------
    rows : arrays (m, c, h, w), uint8, one or three channels, one size for all
    ax : axes to draw on; None for new ones

    Returns
    -------
    The axes
    """
    height, width = rows[0].shape[-2:]
    most, gap = max(len(images) for images in rows), max(width // 12, 1)
    tall, wide = height + gap, width + gap
    # Between the images the ground of the page shows: no colour, and no opacity.
    sheet = np.zeros((len(rows) * tall - gap, most * wide - gap, 4), np.uint8)
    for i, images in enumerate(rows):
        for j, image in enumerate(images):
            down, across = slice(i * tall, i * tall + height), j * wide
            place = (down, slice(across, across + width))
            sheet[(*place, slice(0, 3))] = np.moveaxis(image, 0, -1)
            sheet[(*place, 3)] = 255
    ax = new_axes() if ax is None else ax
    ax.imshow(sheet, interpolation="nearest")
    ax.set_axis_off()
    return ax
