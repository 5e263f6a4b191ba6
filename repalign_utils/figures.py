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
MOST_DOTS = 10  # seeds beyond which an interval says enough
MOST_NUMBERED = 6  # layers a side up to which a matrix says its numbers
NARROW = 5.0  # inches up to which text of 9.5 points has 9 pixels on a phone
LIGHT = 0.35  # luminance of a cell from which on its number is black


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


def new_panels(rows: int = 1, *, columns: int = 1, height: float = 2.2, **options):
    """Axes below each other, so narrow that a phone shows them with legible text.

    A page of 390 pixels shows figures in 342: of a figure of 5 inches, text of 9.5
    points then has 9 pixels.

    Parameters
    ----------
    rows, columns : size of the grid
    height : of a row, in inches
    options : of ``matplotlib.pyplot.subplots``

    Returns
    -------
    One ``Axes``, or an array of them, (rows,), (columns,) or (rows, columns)

    Examples
    --------
    >>> above, below = new_panels(2, sharex=True)
    >>> above.figure.get_size_inches().tolist()
    [5.0, 4.7]
    """
    axes = new_axes(columns, rows=rows, **options)
    figure = np.ravel(axes)[0].figure
    figure.set_size_inches(NARROW, height * rows + 0.3)
    return axes


def log_axis(ax, axis: str = "x") -> None:
    """Make an axis, "x" or "y", logarithmic, with ticks at 1, 2, 5, 10 and so on.

    Examples
    --------
    >>> ax = new_panels()
    >>> ax.set_xlim(1, 40)
    (1.0, 40.0)
    >>> log_axis(ax)
    >>> [float(t) for t in ax.get_xticks() if 1 <= t <= 40]
    [1.0, 2.0, 5.0, 10.0, 20.0]
    """
    from matplotlib import ticker

    ax.set(**{f"{axis}scale": "log"})
    of = getattr(ax, f"{axis}axis")
    of.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    of.set_major_formatter("{x:g}")
    of.set_minor_locator(ticker.NullLocator())


def count_axis(ax, axis: str = "x") -> None:
    """Give an axis, "x" or "y", whole numbers as ticks, in steps of 1, 2, 5 or 10."""
    from matplotlib import ticker

    locator = ticker.MaxNLocator(integer=True, steps=[1, 2, 5, 10])
    getattr(ax, f"{axis}axis").set_major_locator(locator)


def plot_curves(
    curves: Mapping,
    thresholds,
    *,
    ax=None,
    xlabel: str = "threshold",
    ylabel: str = "captured target share",
    legend: bool | str = True,
    chance=None,
    steps: bool = False,
):
    """One line per name, the mean over seeds with a band from least to greatest.

    Parameters
    ----------
    curves : name -> array (seeds, t), or (t,) for a single curve
    thresholds : array (t,), the x axis
    ax : axes to draw on; None for new ones
    xlabel, ylabel : of the axes; panels that share an axis say it at the edge alone
    legend : whether to name the lines; "above" puts the names above the axes, three to
        a line, where they cover no data
    chance : arrays (t,) or (m, t), what chance gives, as thin lines with one name
    steps : whether a value holds from the threshold before, as that of alignment does
        between singular values; else straight lines join them

    Returns
    -------
    The axes
    """
    ax = new_axes() if ax is None else ax
    line_style, band_style = ("steps-pre", "pre") if steps else ("default", None)
    for name, values in curves.items():
        values = np.atleast_2d(np.asarray(values, dtype=float))
        (line,) = ax.plot(thresholds, values.mean(0), label=name, drawstyle=line_style)
        if len(values) > 1:
            look = {"color": line.get_color(), "alpha": 0.2, "linewidth": 0}
            band = values.min(0), values.max(0)
            ax.fill_between(thresholds, *band, step=band_style, **look)
    if chance is not None:
        lines = np.atleast_2d(np.asarray(chance, dtype=float)).T
        look = {"color": "0.45", "linewidth": 0.7, "zorder": 1}
        thin = ax.plot(thresholds, lines, drawstyle=line_style, **look)
        thin[0].set_label("chance")
    return _named(ax, xlabel, ylabel, legend)


def _named(ax, xlabel: str, ylabel: str, legend: bool | str):
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
    if legend == "above":
        ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=3)
    elif legend:
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

    Up to ten seeds each is a dot beside the mean, in the order of the seeds; below five
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
    if not 1 < len(values) <= MOST_DOTS:
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


def plot_layer_matrix(
    values,
    *,
    rows: Sequence[str],
    columns: Sequence[str] | None = None,
    ax=None,
    xlabel: str = "",
    ylabel: str = "",
    label: str = "similarity",
    within: Sequence[float] = (0, 1),
    chance=None,
    numbers: bool | None = None,
    legend: bool = True,
):
    """Similarity of layers with layers as a matrix, the first at the bottom left.

    Parameters
    ----------
    values : array (r, c); NaN where a pair was not measured, which stays blank
    rows, columns : names of the r layers from the bottom to the top and of the c layers
        from left to right; without columns the same layers on both sides
    ax : axes to draw on; None for new ones, as tall as the layers need
    xlabel, ylabel : of the axes; panels that share an axis say it at the edge alone
    label : what the colours show, beside the colour bar
    within : values of the darkest and the lightest colour; what lies beyond has the
        colour of the end, and the colour bar a point there
    chance : number, or array (r, c) of them, what chance gives: marked on the colour
        bar, from the least to the greatest
    numbers : whether each cell says its value; None for up to six layers a side
    legend : whether to draw the colour bar; panels of one range need one

    Returns
    -------
    The axes

    Raises
    ------
    ValueError
        If values are no matrix with a row and a column for each name.

    Examples
    --------
    >>> ax = plot_layer_matrix([[1, 0.4], [0.3, 0.8]], rows=["conv1", "fc1"])
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['conv1', 'fc1']
    """
    values = np.asarray(values, dtype=float)
    columns = rows if columns is None else columns
    if values.shape != (len(rows), len(columns)):
        raise ValueError(
            f"values have the shape {values.shape} but there are {len(rows)} names of "
            f"rows and {len(columns)} of columns; pass an array (rows, columns)"
        )
    if ax is None:
        ax = new_axes()
        ax.figure.set_size_inches(6.4, np.clip(1.6 + 0.2 * len(rows), 3.6, 6.4))
    image = ax.imshow(
        values, origin="lower", cmap="viridis", vmin=within[0], vmax=within[1]
    )
    ax.grid(visible=False)
    ax.spines[:].set_visible(True)
    _name_layers(ax, rows, columns)
    if max(values.shape) <= MOST_NUMBERED if numbers is None else numbers:
        _write_numbers(ax, image, values)
    if legend:
        _add_colour_bar(image, values, within, label, chance)
    return _named(ax, xlabel, ylabel, legend=False)


def _name_layers(ax, rows, columns) -> None:
    """Ticks with names as large as the cells allow, every so many where none would fit.

    Names below the columns are turned where they would run into each other.
    """
    box, inch = ax.get_position(), ax.figure.get_size_inches()
    # Cells are square; an eighth of the place goes to names and colour bar.
    room = (
        0.88
        * 72
        * min(box.width * inch[0] / len(columns), box.height * inch[1] / len(rows))
    )
    size = float(np.clip(0.8 * room, 9.5, 10))  # points
    every = int(np.ceil(1.1 * size / room))
    wide = 0.6 * size * max(map(len, columns)) > room
    ax.set_xticks(range(0, len(columns), every), columns[::every])
    ax.set_yticks(range(0, len(rows), every), rows[::every])
    ax.tick_params(axis="x", labelrotation=90 * wide)
    ax.tick_params(labelsize=size, length=2)


def _write_numbers(ax, image, values) -> None:
    """Value of each cell, dark on light colours and light on dark ones."""
    for (i, j), value in np.ndenumerate(values):
        if np.isfinite(value):
            shade = image.to_rgba(value)[:3] @ np.array([0.2126, 0.7152, 0.0722])
            colour = "black" if shade > LIGHT else "white"
            ax.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour)


def _add_colour_bar(image, values, within, label: str, chance) -> None:
    """Colour bar with what it shows, and what chance gives marked on it."""
    beyond = np.nanmin(values) < within[0], np.nanmax(values) > within[1]
    extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max"}.get(beyond, "both")
    bar = image.figure.colorbar(image, ax=image.axes, label=label, extend=extend)
    bar.ax.grid(visible=False)
    if chance is None:
        return
    low, high = np.nanmin(chance), np.nanmax(chance)
    for line, colour in ((3.5, "white"), (1.5, "black")):  # seen on every colour
        bar.ax.vlines(0.5, low, high, color=colour, linewidth=line)
        bar.ax.hlines([low, high], 0, 1, color=colour, linewidth=line)
    bar.ax.text(
        -0.25, (low + high) / 2, "chance", ha="right", va="center", size="small"
    )
