"""Tables, as Markdown, that a notebook or a generated page shows."""


def table(header, rows) -> None:
    """Show a table in the notebook; arguments as of `markdown_table`."""
    from IPython.display import Markdown, display

    display(Markdown(markdown_table(header, rows)))


def markdown_table(header, rows) -> str:
    """Markdown of a table.

    Parameters
    ----------
    header : names of the columns
    rows : one sequence of cells per row

    Examples
    --------
    >>> print(markdown_table(["layer", "area"], [[1, 0.5]]))
    | layer | area |
    |---|---|
    | 1 | 0.5 |
    """
    lines = [header, ["---"] * len(header), *rows]
    bars = ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]
    return "\n".join([bars[0], bars[1].replace(" ", ""), *bars[2:]])
