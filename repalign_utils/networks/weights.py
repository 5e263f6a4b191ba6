"""Weights of a network from a file, however it was saved; no code in it is run."""

from __future__ import annotations

import argparse
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from .heads import head
from .named_layers import plain

__all__ = ["load_weights"]

# Under which name a checkpoint keeps the weights; an average only if nothing else.
PARTS = ("state_dict", "model_state_dict", "model_state", "model", "network", "net")
PARTS += ("module", "weights", "params")
PARTS += ("ema", "model_ema", "state_dict_ema", "ema_state_dict")
_SHOWN = 4  # names of each kind of difference in a message
_COUNTERS = ("num_batches_tracked",)  # files from before PyTorch 0.4.1 lack them
# What training scripts keep beside the weights, and what runs no code when read.
_SCALAR: Any = np.float64(0).__reduce__()[0]
_HARMLESS: list[Any] = [argparse.Namespace, np.dtype, type(np.dtype("float64"))]
_HARMLESS += [
    (_SCALAR, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")
]


def load_weights(
    model: nn.Module,
    path: str | Path,
    *,
    part: str = "",
    features_only: bool = False,
) -> nn.Module:
    """Put the weights of a file into a network, all of them or none.

    Names are matched without what wrappers put before them, such as ``module.``,
    ``_orig_mod.`` or ``backbone.``, and wherever in the file a state dict lies.

    Parameters
    ----------
    model : network, changed in place; also compiled or in DataParallel
    path : ``.safetensors``, or a file of ``torch.save``, of which only tensors are
        read
    part : key or prefix in the file under which to look, where it holds several
        networks; empty: the first of ``PARTS`` that is there
    features_only : whether the head may be missing from the file, be of another number
        of classes, or have been taken off the network; it is then left as it is

    Returns
    -------
    The network

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be read, or does not fit: the first names and how many.

    Examples
    --------
    >>> import tempfile
    >>> net, new = nn.Linear(2, 1), nn.Linear(2, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     torch.save({"net": {"module.weight": net.weight, "module.bias": net.bias}},
    ...                f"{folder}/a.pt")
    ...     loaded = load_weights(new, f"{folder}/a.pt")
    >>> torch.equal(loaded.weight, net.weight)
    True
    """
    path = Path(path).expanduser()
    inner = plain(model)
    mine = inner.state_dict()
    state = _matched(_tensors(_read(path), path, part), mine, path, part)
    state = _with_ties(state, mine)
    loose = _loose(inner, state, mine) if features_only else set()
    differences = _differences(state, mine, loose)
    if differences:
        hint = "" if features_only else _hint_of_head(inner, state, mine)
        raise ValueError(
            f"weights {path.name} do not fit {type(inner).__name__}: "
            f"{'; '.join(differences)}{hint}; name the network that they are of"
        )
    fitting = {k: v for k, v in state.items() if k in mine and k not in loose}
    inner.load_state_dict(fitting, strict=False)
    return model


def _read(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f"weights are {str(path)!r}, but there is no such file")
    if not path.stat().st_size:
        raise ValueError(f"weights {path.name}: the file is empty; get it anew")
    with path.open("rb") as file:
        start = file.read(16)
    if path.suffix == ".safetensors" or start[8:9] == b"{":
        return _read_safetensors(path)
    try:
        with torch.serialization.safe_globals(_HARMLESS):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of many kinds, by the format and the place
        raise ValueError(f"weights {path.name} {_reason(error, start)}") from None


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError):
        raise ValueError(
            f"weights {path.name} are damaged or cut short, or no safetensors; get "
            "the file anew"
        ) from None


def _reason(error: Exception, start: bytes) -> str:
    """What is wrong with a file, in place of PyTorch's lines on how to trust it."""
    text = str(error)
    held = re.search(r"(?:GLOBAL|global) `?([\w.]+)", text)
    if "TorchScript" in text:
        return (
            "hold a compiled TorchScript network; save the state_dict() of "
            "torch.jit.load(FILE) instead"
        )
    if isinstance(error, pickle.UnpicklingError) and held:
        return (
            f"hold a Python object ({held[1]}), of which none is read because that "
            "could run its code; save the network's state_dict() instead"
        )
    if start.startswith((b"PK", b"\x80")):
        return "are damaged or cut short; get the file anew"
    return (
        "are no file of torch.save and no safetensors; pass a file with the state "
        "dict of the network"
    )


def _tensors(found: Any, path: Path, part: str) -> dict[str, torch.Tensor]:
    """Tensors of the state dict in a file, by their names there."""
    if part and isinstance(found, Mapping) and isinstance(found.get(part), Mapping):
        found = found[part]
    while isinstance(found, Mapping):
        inside = [k for k, v in found.items() if isinstance(v, Mapping) and v]
        known = [k for k in PARTS if k in inside]
        tensors = any(map(torch.is_tensor, found.values()))
        if not known and (tensors or len(inside) != 1):
            break
        found = found[(known or inside)[0]]
    held = found if isinstance(found, Mapping) else {}
    state = {
        str(name).replace("_orig_mod.", ""): value
        for name, value in held.items()
        if torch.is_tensor(value)
    }
    if not state:
        keys = ", ".join(map(str, list(held)[:_SHOWN]))
        raise ValueError(
            f"weights {path.name} hold no state dict, names with tensors, but "
            f"{keys or type(found).__name__}; save the network's state_dict(), or say "
            "where it lies with part=NAME"
        )
    return state


def _matched(
    state: dict[str, torch.Tensor],
    mine: Mapping[str, torch.Tensor],
    path: Path,
    part: str,
) -> dict[str, torch.Tensor]:
    """State with the network's own names: without the prefix under which most match."""
    counts = {"": sum(k in mine for k in state)}
    for name in state:
        for dot in (i for i, letter in enumerate(name) if letter == "."):
            if name[dot + 1 :] in mine:
                prefix = name[: dot + 1]
                counts[prefix] = counts.get(prefix, 0) + 1
    if part and any(p.startswith(f"{part}.") for p in counts):
        counts = {p: n for p, n in counts.items() if p.startswith(f"{part}.")}
    most = max(counts.values())
    best = [p for p, n in counts.items() if n == most]
    if most < len(mine) / 2:  # of another network: names as they stand
        return state
    if len(best) > 1:
        names = ", ".join(p.rstrip(".") or "no prefix" for p in best[:_SHOWN])
        raise ValueError(
            f"weights {path.name} hold {len(best)} networks that fit ({names}); say "
            "which one with part=NAME"
        )
    prefix = best[0]
    # What stands beside the network, such as the head of another task, is unexpected;
    # what is of another part than the one asked for is not looked at.
    return {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if name.startswith(prefix) or not part
    }


def _with_ties(
    state: dict[str, torch.Tensor], mine: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """State with the other names of a tensor that was kept once but has several."""
    names: dict[tuple, list[str]] = {}
    for name, value in mine.items():
        if value.numel():
            key = (value.data_ptr(), value.shape, value.stride())
            names.setdefault(key, []).append(name)
    full = dict(state)
    for tied in names.values():
        kept = [name for name in tied if name in state]
        full |= {name: state[kept[0]] for name in tied if kept and name not in state}
    return full


def _loose(
    model: nn.Module,
    state: Mapping[str, torch.Tensor],
    mine: Mapping[str, torch.Tensor],
) -> set[str]:
    """Names of the head that do not fit, or that the network no longer has."""
    modules = dict(model.named_modules())
    taken_off = {
        name
        for name in state
        if name not in mine
        and isinstance(modules.get(name.rpartition(".")[0]), nn.Identity)
    }
    if taken_off:
        return taken_off
    within = f"{head(model)[0]}."
    return {
        name
        for name in (*mine, *state)
        if name.startswith(within)
        and (
            name not in state
            or name not in mine
            or state[name].shape[0] != mine[name].shape[0]
        )
    }


def _differences(
    state: Mapping[str, torch.Tensor],
    mine: Mapping[str, torch.Tensor],
    loose: set[str],
) -> list[str]:
    """What does not fit, kind by kind: the first names and how many."""
    missing = [k for k in mine if k not in state and k not in loose]
    missing = [k for k in missing if not k.endswith(_COUNTERS)]
    shapes = [
        f"{k} {tuple(state[k].shape)} for {tuple(mine[k].shape)}"
        for k in mine
        if k in state and k not in loose and state[k].shape != mine[k].shape
    ]
    kinds = {
        "missing": missing,
        "unexpected": [k for k in state if k not in mine and k not in loose],
        "of another shape": shapes,
    }
    return [
        f"{len(names)} {kind} ({', '.join(names[:_SHOWN])}"
        f"{', ...' if len(names) > _SHOWN else ''})"
        for kind, names in kinds.items()
        if names
    ]


def _hint_of_head(
    model: nn.Module,
    state: Mapping[str, torch.Tensor],
    mine: Mapping[str, torch.Tensor],
) -> str:
    """Say how to do without the head, where that alone does not fit."""
    try:
        loose = _loose(model, state, mine)
    except ValueError:  # it has none
        return ""
    if _differences(state, mine, loose):
        return ""
    return " in its head alone, which features_only=True leaves out"
