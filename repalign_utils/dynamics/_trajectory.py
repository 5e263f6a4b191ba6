"""What is known of two points at a sequence of times: H, Y and w."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import arrays
from .._extras import need
from ..arrays import Values
from ._numbers import largest_inner, positive, square

__all__ = ["Trajectory", "trajectory"]


@dataclass(frozen=True)
class Trajectory:
    """Two points during training (van Rossem & Saxe 2024), as predicted or measured.

    With dh and dy the differences of the two hidden representations and of the two
    outputs, and dy* that of the two targets:

    Attributes
    ----------
    times : array (t,), float64
        Increasing; epochs or any other unit, the inverse of that of the rates.
    H : array (t,), float64
        ||dh||^2.
    Y : array (t,), float64
        ||dy||^2.
    w : array (t,), float64
        ||dy||^2 - dy . dy*: the part of the error along the output, 0 at the end and
        negative while the outputs are moving apart.
    dx2, dy2 : float
        Squared distance of the two inputs, and of the two targets.

    Raises
    ------
    TypeError, ValueError
        If entries are no finite numbers, lengths differ, times do not increase, or dx2
        or dy2 is negative.

    Examples
    --------
    >>> run = Trajectory([0, 1], [1.0, 1.1], [0.1, 0.4], [-0.2, -0.2], dx2=1, dy2=0.9)
    >>> run.conserved(eta_h=0.1, eta_y=0.2).round(2)
    array([9.5 , 9.18])
    """

    times: np.ndarray
    H: np.ndarray
    Y: np.ndarray
    w: np.ndarray
    dx2: float
    dy2: float

    def __post_init__(self):
        """Take lists as well, and refuse what is no sequence of times."""
        for name in ("times", "H", "Y", "w"):
            column = arrays.vector(getattr(self, name), name)
            arrays.check_finite(column[:, None], name)
            object.__setattr__(self, name, column)
            if len(column) != len(self.times):
                raise ValueError(
                    f"{name} has {len(column)} entries but there are "
                    f"{len(self.times)} times; pass one entry per time"
                )
        for name in ("dx2", "dy2"):
            object.__setattr__(self, name, square(name, getattr(self, name)))
        check_times(self.times)

    def conserved(self, *, eta_h: float, eta_y: float) -> np.ndarray:
        """H / (eta_h dx2) - Y / (eta_y H), which the theory keeps constant.

        Returns
        -------
        array (t,), float64
        """
        eta_h, eta_y = positive("eta_h", eta_h), positive("eta_y", eta_y)
        positive("dx2", self.dx2)
        positive("H at its lowest", self.H.min())
        return self.H / (eta_h * self.dx2) - self.Y / (eta_y * self.H)

    def to_xarray(self) -> Any:
        """The same as an ``xarray.Dataset`` of H, Y and w along ``time``.

        Raises
        ------
        ModuleNotFoundError
            If xarray, of the extra ``run``, is not installed.
        """
        columns = {name: ("time", getattr(self, name)) for name in ("H", "Y", "w")}
        attributes = {"dx2": self.dx2, "dy2": self.dy2}
        return need("xarray", "run").Dataset(columns, {"time": self.times}, attributes)


def trajectory(
    inputs: Values, targets: Values, hidden: Any, outputs: Any, *, times: Values
) -> Trajectory:
    """H, Y and w of two points from a network's recorded layers.

    Parameters
    ----------
    inputs, targets : arrays (2, d) and (2, k)
        The two points and what the network is to answer.
    hidden, outputs : arrays (t, 2, width) and (t, 2, k)
        A layer and the answers at the times, in NumPy or PyTorch.
    times : array (t,)

    Raises
    ------
    TypeError, ValueError
        If shapes are others or entries no finite numbers, or as of `Trajectory`.

    Examples
    --------
    >>> hidden = [[[0.0, 0.0], [1.0, 1.0]]]
    >>> run = trajectory([[0], [1]], [[0], [2]], hidden, [[[0], [1]]], times=[0])
    >>> run.H, run.Y, run.w
    (array([2.]), array([1.]), array([-1.]))
    """
    (dx,) = _differences(inputs, "inputs", axes=2)
    (goal,) = _differences(targets, "targets", axes=2)
    dh = _differences(hidden, "hidden", axes=3)
    dy = _differences(outputs, "outputs", axes=3)
    if dy.shape[1] != len(goal):
        raise ValueError(
            f"outputs have {dy.shape[1]} columns but targets have {len(goal)}; pass "
            "the answers to the same targets"
        )
    output = np.square(dy).sum(1)
    return Trajectory(
        arrays.vector(times, "times"),
        np.square(dh).sum(1),
        output,
        output - dy @ goal,
        float(dx @ dx),
        float(goal @ goal),
    )


def check_times(times: np.ndarray) -> None:
    """Refuse times that do not increase."""
    back = np.flatnonzero(np.diff(times) <= 0)
    if not len(times) or len(back):
        found = f"{times[back[0]]:g} then {times[back[0] + 1]:g}" if len(back) else "[]"
        raise ValueError(f"times are {found}; pass increasing times, e.g. 0, 1, 2")


def check_measured(run: Trajectory) -> None:
    """Refuse what no two points can do; altered equations may."""
    positive("H at the first time", run.H[0], because=": a layer that tells them apart")
    for name in ("H", "Y"):
        square(f"{name} at its lowest", getattr(run, name).min())
    reach = largest_inner(run.Y, run.dy2)
    beyond = np.flatnonzero(np.abs(run.Y - run.w) > reach)
    if len(beyond):
        at = beyond[0]
        where = f"w is {run.w[at]:g} at time {run.times[at]:g}"
        raise ValueError(no_inner_product(where, float(run.Y[at]), run.dy2))


def no_inner_product(where: str, y: float, dy2: float) -> str:
    """Say that w is too far from Y, for an error."""
    return (
        f"{where}, with Y {y:g} and dy2 {dy2:g}; dy . dy* = Y - w lies within "
        f"+-sqrt(Y dy2) = {np.sqrt(y * dy2):.3g}, so pass w = ||dy||^2 - dy . dy*"
    )


def _differences(points: Any, name: str, *, axes: int) -> np.ndarray:
    """Second point minus first, (t, d), in float64; one row if there are no times."""
    found = points if hasattr(points, "shape") else np.asarray(points)
    if len(found.shape) != axes or found.shape[-2] != 2:
        form = "(2, d)" if axes == 2 else "(t, 2, d)"
        raise ValueError(
            f"{name} have shape {tuple(found.shape)}; pass the two points as {form}"
        )
    flat = found.reshape(-1, found.shape[-1])
    rows = arrays.to_numpy(arrays.features_matrix(flat)).astype(np.float64)
    arrays.check_finite(rows, name)
    first, second = rows.reshape(-1, 2, rows.shape[-1]).swapaxes(0, 1)
    return second - first
