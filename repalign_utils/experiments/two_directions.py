"""Alignment in two dimensions: one cloud of points, two targets, for the front page."""

from pathlib import Path

import numpy as np

from ..files import write_changed
from ..measures.spectral import alignment

POINTS, LONG, SHORT, TURN = 160, 3.0, 0.6, np.deg2rad(25)
STEPS = np.arange(31)
NAMES = {"long": "along the long direction", "short": "along the short direction"}
SIZE = (3.1, 1.9)
HUES = ["#0072B2", "#8a8a8a", "#D55E00"]  # seen on a light ground and on a dark one


def cloud(seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Points of the plane with a long and a short direction, and a target along each.

    Parameters
    ----------
    seed : of the draw

    Returns
    -------
    points (160, 2), and the targets (160,) "long" and "short", of mean square 1

    Examples
    --------
    >>> points, targets = cloud()
    >>> areas = {name: alignment(points, y, bias=False, normalize=False).area()[0]
    ...          for name, y in targets.items()}
    >>> {name: float(area.round(1)) for name, area in areas.items()}
    {'long': 1.0, 'short': 0.2}
    """
    drawn = np.random.default_rng(seed).normal(size=(POINTS, 2))
    turn = np.array([[np.cos(TURN), np.sin(TURN)], [-np.sin(TURN), np.cos(TURN)]])
    scaled = drawn / np.sqrt((drawn**2).mean(0))
    points = scaled * [LONG, SHORT] @ turn
    return points, dict(zip(NAMES, scaled.T, strict=True))


def write(folder: Path) -> None:
    """Draw the cloud with each target, and how fast each is learnt, into a folder.

    Parameters
    ----------
    folder : where ``idea-long.svg``, ``idea-short.svg`` and ``idea-loss.svg`` go, with
        ``idea.md``, which shows them with their areas and losses in words
    """
    from matplotlib.colors import LinearSegmentedColormap

    from .. import figures

    colours = LinearSegmentedColormap.from_list("answers", HUES)
    points, targets = cloud()
    found = {
        name: alignment(points, y, bias=False, normalize=False)
        for name, y in targets.items()
    }
    eta = 0.5 * POINTS / found["long"].singular_values[0] ** 2
    losses = {name: np.ravel(a.residual(eta, STEPS)) * 2 for name, a in found.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for name, y in targets.items():
        ax = _axes(figures)
        ax.scatter(*points.T, c=y, cmap=colours, s=12)
        ax.set_aspect("equal")
        ax.set_axis_off()
        ax.set_title(f"Alignment {found[name].area()[0]:.2f}")
        _save(ax, folder / f"idea-{name}.svg")
    ax = _axes(figures)
    for name, loss in losses.items():
        ax.plot(STEPS, loss, label=NAMES[name])
    ax.set(xlabel="step of training", ylim=(0, 1.05), title="Loss of a linear model")
    ax.legend(fontsize=9)
    _save(ax, folder / "idea-loss.svg")
    write_changed(folder / "idea.md", _words(found, losses))


def _words(found, losses) -> str:
    """Markdown that shows the three drawings."""
    at = int(STEPS[-1])
    areas = {name: f"{a.area()[0]:.2f}" for name, a in found.items()}
    left = {name: f"{loss[-1]:.0%}" for name, loss in losses.items()}
    alts = {
        "long": "An elongated cloud of points whose colours change along its length",
        "short": "The same cloud with colours that change across it",
        "loss": "Loss against step: one curve falls at once, the other slowly",
    }
    pictures = "\n".join(
        f":::{{image}} _generated/idea-{name}.svg\n:alt: {alt}\n:::"
        for name, alt in alts.items()
    )
    return f"""\
:::::{{container}} idea
{pictures}
:::::

Each point is an input as a network represents it (drawn at random here), and its
colour the answer wanted, from low (blue) to high (orange). In the first picture answers
run along the cloud's long direction: alignment {areas["long"]}. In the second they run
along the short one: alignment {areas["short"]}. The third shows how fast a weighted sum
of the two coordinates, a linear model, learns them: after {at} steps it has
{left["long"]} of its error, the loss, left along the long direction and
{left["short"]} along the short one.
"""


def _axes(figures):
    ax = figures.new_axes()
    ax.figure.set_size_inches(*SIZE)
    return ax


def _save(ax, path: Path) -> None:
    """Write the figure of some axes as SVG, without the date, and close it."""
    import io

    import matplotlib.pyplot as plt

    drawn = io.BytesIO()
    ax.figure.savefig(drawn, format="svg", metadata={"Date": None})
    plt.close(ax.figure)
    write_changed(path, drawn.getvalue())
