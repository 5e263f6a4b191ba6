"""Tables: as Markdown, in a notebook or on a page, and of all that a run recorded."""

from collections.abc import Mapping
from pathlib import Path

from ..files import replacing


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


def tidy(runs: Mapping[str, dict]):
    """Everything that runs recorded, a value a row.

    Parameters
    ----------
    runs : section -> run record

    Returns
    -------
    ``pandas.DataFrame`` with the columns ``name``, ``seed`` (counted from 0), one for
    each further axis of the curves, and ``value``; an axis that a quantity does not
    have is empty

    Examples
    --------
    >>> run = {"records": {"02.gain": {"values": [0.1, 0.2]}}}
    >>> print(tidy({"02_shuffled_labels": run}))
          name  seed  value
    0  02.gain     0    0.1
    1  02.gain     1    0.2
    """
    import pandas as pd
    import xarray as xr

    frames = []
    for run in runs.values():
        arrays = {
            name: xr.DataArray(recorded["values"], dims="seed")
            for name, recorded in run["records"].items()
        }
        for name, curve in run.get("curves", {}).items():
            arrays[name] = xr.DataArray.from_dict(curve)
        for name, array in arrays.items():
            frame = array.to_dataframe("value").reset_index()
            frame.insert(0, "name", name)
            frames.append(frame)
    whole = pd.concat(frames, ignore_index=True)
    axes = [axis for axis in whole if axis not in ("name", "seed", "value")]
    return whole[["name", "seed", *axes, "value"]]


def write_tidy(runs: Mapping[str, dict], path: Path) -> None:
    """Write `tidy` as CSV or Parquet, whole or not at all.

    Parameters
    ----------
    runs : section -> run record
    path : file that ends in .csv or .parquet

    Raises
    ------
    destination.OutputRefused
        If it ends otherwise, or pyarrow is not there to write Parquet.
    """
    from .destination import OutputRefused

    if path.suffix not in (".csv", ".parquet"):
        raise OutputRefused(
            f"{path} ends in {path.suffix!r}; a table is written as .csv or .parquet"
        )
    frame = tidy(runs)
    with replacing(path) as part:
        if path.suffix == ".csv":
            frame.to_csv(part, index=False)
            return
        try:
            frame.to_parquet(part, engine="pyarrow", index=False)
        except ImportError:
            raise OutputRefused(
                f"{path} needs pyarrow to be written; pip install pyarrow, or name a "
                ".csv file"
            ) from None
