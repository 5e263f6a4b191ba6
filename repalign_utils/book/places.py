"""Where a page records a quantity and where it shows it, for links to both."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

GLUE = re.compile(r"\{glue:\w+\}`([^`:]+?)(?:\.(?:mean|low|high))?(?::[^`]*)?`")
FIGURE = re.compile(r"\{numref\}`(?:[^`<]*<)?([\w-]+)>?`")


@dataclass
class Part:
    """What stands under one heading of a page.

    Attributes
    ----------
    recorded : names of the quantities that its cells record
    figures : labels of its figures
    """

    recorded: list[str]
    figures: list[str]


def anchor(quantity: str) -> str:
    """Anchor of the cell that records a quantity."""
    return "recorded-" + quantity.replace(".", "-").replace("_", "-")


def recorded(cell) -> list[str]:
    """Names of the quantities that a cell records, in its order."""
    ours = [o.get("metadata", {}).get("repalign", {}) for o in cell.get("outputs", [])]
    return [found["record"]["name"] for found in ours if "record" in found]


def figure(cell) -> str:
    """Label of the figure that a cell shows; empty if it shows none."""
    return cell.metadata.get("mystnb", {}).get("figure", {}).get("name", "")


def parts(notebook) -> Iterator[tuple[int, Part]]:
    """Number of each cell, with the part of the page under whose heading it stands."""
    part = Part([], [])
    headed = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and re.search(r"^## ", cell.source, re.M):
            part = Part([], [])
        part.recorded += recorded(cell)
        part.figures += [figure(cell)] if figure(cell) else []
        headed.append(part)
    yield from enumerate(headed)


def figures(notebook) -> dict[str, str]:
    """Figure that shows each quantity that the page records.

    It is the one that a paragraph names together with the quantity, or else the next
    one under the same heading, or the one before, or the page's last before that.

    Returns
    -------
    dict, quantity -> label; a quantity of a page without figures is left out
    """
    shown: dict[str, str] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for paragraph in re.split(r"\n\s*\n", cell.source):
                names, labels = GLUE.findall(paragraph), FIGURE.findall(paragraph)
                for name in names if labels else ():
                    shown.setdefault(name, labels[0])
    last = ""
    for at, part in parts(notebook):
        here = notebook.cells[at]
        for name in recorded(here):
            after = [figure(c) for c in notebook.cells[at:] if figure(c)]
            near = [label for label in after if label in part.figures]
            label = next(iter(near or part.figures or [last]), "")
            if label:
                shown.setdefault(name, label)
        last = figure(here) or last
    return shown
