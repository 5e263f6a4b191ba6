"""A similarity for each pair of layers, by their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._extras import need

__all__ = ["LayerMatrix"]


@dataclass(frozen=True)
class LayerMatrix:
    """Similarity of layers of one network with those of another, or with each other.

    NumPy functions take it as the array of its values.

    Attributes
    ----------
    values : array (lx, ly), float64
    layers_x, layers_y : tuple of str
        What the rows and the columns are.
    measure : str
    n : int
        Rows of features that it is of.

    Examples
    --------
    >>> found = LayerMatrix(np.eye(1), ("conv1",), ("fc",), "cka", n=100)
    >>> found["conv1", "fc"]
    1.0
    """

    values: np.ndarray
    layers_x: tuple[str, ...]
    layers_y: tuple[str, ...]
    measure: str
    n: int

    def __getitem__(self, layers: tuple[str, str]) -> float:
        """Similarity of a layer of X with a layer of Y, by their names."""
        x, y = layers
        for name, known in ((x, self.layers_x), (y, self.layers_y)):
            if name not in known:
                raise KeyError(f"no layer {name!r}; there are {', '.join(known)}")
        return float(self.values[self.layers_x.index(x), self.layers_y.index(y)])

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        """The values."""
        return np.array(self.values, dtype, copy=copy)

    def to_xarray(self) -> Any:
        """The same as an ``xarray.DataArray`` with axes ``layer_x`` and ``layer_y``.

        Raises
        ------
        ModuleNotFoundError
            If xarray, of the extra ``run``, is not installed.
        """
        coords = {"layer_x": list(self.layers_x), "layer_y": list(self.layers_y)}
        return need("xarray", "run").DataArray(
            self.values, coords, tuple(coords), self.measure, {"n": self.n}
        )
