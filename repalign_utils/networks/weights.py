"""Weights of a network from a file, however it was saved; no code in it is run."""

from __future__ import annotations

import argparse
import pickle
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from .._extras import need
from .names import may_be_head, plain

__all__ = ["load_weights"]

_SHOWN = 4  # names of each kind of difference in a message
_COUNTER = "num_batches_tracked"  # files from before PyTorch 0.4.1 lack it
_AVERAGE = re.compile(r"(.*[._])?ema([._].*)?")
# What training scripts keep beside the weights, and what runs no code when read.
_SCALAR: Any = np.float64(0).__reduce__()[0]
_HARMLESS: list[Any] = [argparse.Namespace, np.dtype, type(np.dtype("float64"))]
_HARMLESS += [
    (_SCALAR, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")
]

State = dict[str, torch.Tensor]


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
        networks that fit; empty: the only one, an average (``ema``) left aside
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
        If it cannot be read, several networks in it fit, or none does: the first names
        that differ and how many.

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
    state = _matched(_read(path), mine, path.name, part)
    differ = _differences(state, mine)
    heads = _heads(inner, [name for kind, name in differ if kind == "unexpected"])
    beyond = [(k, name) for k, name in differ if name.rpartition(".")[0] not in heads]
    if beyond or (differ and not features_only):
        found = _sentence(beyond if features_only else differ, state, mine)
        if not beyond:
            found += " in its head alone, which features_only=True leaves out"
        raise ValueError(
            f"weights {path.name} do not fit {type(inner).__name__}: {found}; name the "
            "network that they are of"
        )
    differing = {name for _, name in differ}
    fitting = {k: v for k, v in state.items() if k not in differing}
    inner.load_state_dict(fitting, strict=False)
    return model


def _read(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f"weights are {str(path)!r}, but there is no such file")
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        raise ValueError(f"weights {path.name}: the file is empty; get it anew")
    safe = path.suffix == ".safetensors" or start[8:9] == b"{"
    # Not at the top: ensembles and layers do without it.
    library = need("safetensors.torch", "networks") if safe else None
    try:
        if library:
            return library.load_file(path)
        with torch.serialization.safe_globals(_HARMLESS):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of many kinds, by the format and the place
        raise ValueError(f"weights {path.name} {_reason(error, start, safe)}") from None


def _reason(error: Exception, start: bytes, safe: bool) -> str:
    """What is wrong with a file, in place of PyTorch's lines on how to trust it."""
    text = str(error)
    held = re.search(r"(?:GLOBAL|global) `?([\w.]+)", text)
    if safe:
        return "are damaged or cut short, or no safetensors; get the file anew"
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


def _state_dicts(found: Any, *keys: str) -> Iterator[tuple[tuple[str, ...], State]]:
    """Dicts with tensors in a file, under the keys by which each is reached."""
    if isinstance(found, Mapping):
        tensors = {str(k): v for k, v in found.items() if torch.is_tensor(v)}
        if tensors:
            yield keys, {k.replace("_orig_mod.", ""): v for k, v in tensors.items()}
        for key, value in found.items():
            yield from _state_dicts(value, *keys, str(key))


def _matched(found: Any, mine: State, file: str, part: str) -> State:
    """The state dict under which most names match, without what stands before them."""
    dicts = dict(_state_dicts(found))
    if not dicts:
        held = ", ".join(map(str, found)) if isinstance(found, Mapping) else ""
        raise ValueError(
            f"weights {file} hold no state dict, names with tensors, but "
            f"{held or type(found).__name__}; save the network's state_dict()"
        )
    matches = Counter(
        (keys, name[:start])
        for keys, state in dicts.items()
        for name in state
        for start in (0, *(i for i, sign in enumerate(name, 1) if sign == "."))
        if name[start:] in mine
    )
    asked = _of_part(matches, file, part) if part else matches
    most = max(asked.values(), default=0)
    if most < len(mine) / 2:  # of another network: names as they stand
        return max(dicts.values(), key=len)
    best = [at for at, n in asked.items() if n == most]
    best = [at for at in best if not _AVERAGE.fullmatch(_told(at))] or best
    if len(best) > 1:
        raise ValueError(
            f"weights {file} hold {len(best)} networks that fit "
            f"({', '.join(map(_told, best[:_SHOWN]))}); say which one with part=NAME"
        )
    ((keys, prefix),) = best
    # What stands beside the network, such as the head of another task, is unexpected;
    # what is of another part than the one asked for is not looked at.
    return {
        name.removeprefix(prefix): value
        for name, value in dicts[keys].items()
        if name.startswith(prefix) or not part
    }


def _of_part(matches: Counter, file: str, part: str) -> dict:
    """Those of the matches that lie under a name of the user's."""
    asked = {at: n for at, n in matches.items() if f".{part}." in f".{_told(at)}."}
    if not asked:
        fit = ", ".join(map(_told, list(matches)[:_SHOWN]))
        raise ValueError(
            f"weights {file} hold no part {part!r} that fits; leave part out, or name "
            f"{fit or 'the network that they are of'}"
        )
    return asked


def _told(at: tuple[tuple[str, ...], str]) -> str:
    keys, prefix = at
    return ".".join((*keys, prefix)).rstrip(".") or "no prefix"


def _differences(state: State, mine: State) -> list[tuple[str, str]]:
    """Kind and name of all that does not fit."""
    # A tensor that has several names may be kept under one of them.
    kept = {value.data_ptr() for name, value in mine.items() if name in state}
    found = [
        ("missing", name)
        for name, value in mine.items()
        if name not in state and value.data_ptr() not in kept
        if not name.endswith(_COUNTER)
    ]
    found += [("unexpected", name) for name in state if name not in mine]
    return found + [
        ("of another shape", name)
        for name, value in mine.items()
        if name in state and state[name].shape != value.shape
    ]


def _heads(model: nn.Module, unexpected: list[str]) -> set[str]:
    """Modules whose weights are a head's: those taken off, else the last linear one."""
    modules = dict(model.named_modules())
    owners = {name.rpartition(".")[0] for name in unexpected}
    taken_off = {k for k in owners if isinstance(modules.get(k), nn.Identity)}
    last = [name for name, module in modules.items() if may_be_head(module)][-1:]
    return taken_off or set(last)


def _sentence(differ: list[tuple[str, str]], state: State, mine: State) -> str:
    """What does not fit, kind by kind: how many names and the first."""
    kinds: dict[str, list[str]] = {}
    for kind, name in differ:
        if name in state and name in mine:
            name += f" {tuple(state[name].shape)} for {tuple(mine[name].shape)}"
        kinds.setdefault(kind, []).append(name)
    return "; ".join(
        f"{len(names)} {kind} ({', '.join(names[:_SHOWN])}"
        f"{', ...' if len(names) > _SHOWN else ''})"
        for kind, names in kinds.items()
    )
