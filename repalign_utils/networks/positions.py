"""What becomes of positions: outputs of layers as matrices of rows and features."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from .. import arrays
from .inputs import Batch
from .places import Place

__all__ = ["as_matrix", "check_positions", "checked_mask", "mask_of"]

_POSITIONS = ("mean", "flatten")
_OF_ENCODER = "attention_mask"


def check_positions(positions: str) -> None:
    """Raise a ValueError unless this names what becomes of positions."""
    if positions not in _POSITIONS:
        raise ValueError(
            f"positions is {positions!r} but must be one of {', '.join(_POSITIONS)}; "
            "leave it out for the mean"
        )


def checked_mask(mask: Any, n: int | None) -> torch.Tensor | None:
    """A mask as a boolean tensor (n, t).

    Raises
    ------
    ValueError
        If it has other rows or axes, values that are neither 0 nor 1, or a row
        without any position.
    """
    if mask is None:
        return None
    array = np.asarray(arrays.to_numpy(mask) if arrays.is_tensor(mask) else mask)
    if array.ndim != 2 or (n is not None and len(array) != n):
        raise ValueError(
            f"mask has shape {array.shape} but must be (n, t) with n = {n} rows, as "
            "many as the inputs have; pass 1 for positions that count"
        )
    if not np.isin(array, (0, 1)).all():
        odd = array[~np.isin(array, (0, 1))][0]
        raise ValueError(f"mask holds {odd}; pass 1 for positions that count, else 0")
    empty = np.flatnonzero(~array.any(1))
    if len(empty):
        raise ValueError(
            f"row {empty[0]} of the mask leaves no position; drop that row of the "
            "inputs, the targets and the mask"
        )
    return torch.from_numpy(array.astype(bool))


def mask_of(batch: Batch, rows: slice, mask: torch.Tensor | None) -> Any:
    """Positions (b, t) of a batch that count; None where all do.

    Raises
    ------
    ValueError
        If the inputs have an attention mask and it is not certain of which layers.
    """
    if mask is not None:
        return mask[rows]
    if batch.keywords.get(_OF_ENCODER) is None:
        return None
    other = [k for k in batch.keywords if k.startswith("decoder_")]
    if other:
        raise ValueError(
            f"inputs have {_OF_ENCODER} and {other[0]}, so that layers may have the "
            "positions of either; pass mask, (n, t), and name layers of one of them"
        )
    return checked_mask(batch.keywords[_OF_ENCODER], len(batch))


def as_matrix(
    place: Place, output: torch.Tensor, positions: str, mask: torch.Tensor | None
) -> torch.Tensor:
    """Rows and features (b, m) of an output, in its dtype; no view of it."""
    if output.ndim < 3 or (positions == "flatten" and mask is None):
        rows = output.movedim(place.samples, 0)
        return rows.clone(memory_format=torch.contiguous_format).reshape(len(rows), -1)
    if mask is not None:
        output = output.movedim((place.samples, _channels(place)), (0, 2))
        where = mask.to(output.device)[..., None]
        if where.shape[:2] != output.shape[:2]:
            raise ValueError(
                f"layer {place.name!r} has {output.shape[1]} positions but the mask "
                f"has {where.shape[1]}; name layers with the positions of the mask"
            )
        output = output.masked_fill(~where, 0)
        if positions == "flatten":
            return output.reshape(len(output), -1)
        # Sums of many positions may be beyond the range of half precision.
        exact = torch.promote_types(output.dtype, torch.float32)
        return (output.sum(1, dtype=exact) / where.sum(1)).to(output.dtype)
    kept = place.samples, _channels(place)
    means = output.mean([i for i in range(output.ndim) if i not in kept])
    return means if kept[0] < kept[1] else means.T.contiguous()


def _channels(place: Place) -> int:
    assert place.channels is not None  # it was asked for, of more than two axes
    return place.channels
