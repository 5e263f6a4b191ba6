"""Layers by name, as in the plain model, whatever it is wrapped in."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from torch import nn

__all__ = ["chosen", "named_layers", "plain"]

_CALL = re.compile(r"(.+)#(\d+)")


def plain(model: nn.Module) -> nn.Module:
    """The model inside what ``torch.compile``, DataParallel and the like made of it.

    Examples
    --------
    >>> net = nn.Linear(2, 1)
    >>> plain(nn.DataParallel(net)) is net
    True
    """
    while True:
        inside = getattr(model, "_orig_mod", None)
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inside = model.module
        if not isinstance(inside, nn.Module):
            return model
        model = inside


def named_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Every module by its name in the plain model; one that is shared by all its names.

    Examples
    --------
    >>> list(named_layers(nn.DataParallel(nn.Sequential(nn.Linear(2, 1)))))
    ['', '0']
    """
    return dict(_walk(plain(model), "", ()))


def _walk(
    module: nn.Module, name: str, above: tuple[nn.Module, ...]
) -> Iterator[tuple[str, nn.Module]]:
    yield name, module
    for child_name, child in _children(module):
        child = plain(child)
        if not any(child is one for one in above):  # a model that holds itself
            full = f"{name}.{child_name}" if name else child_name
            yield from _walk(child, full, (*above, module))


def _children(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    # named_children() leaves out a child that is there under two names.
    return ((k, m) for k, m in module._modules.items() if m is not None)


def chosen(
    model: nn.Module, layers: Iterable[str] | str | None
) -> dict[str, nn.Module]:
    """Modules of these names; of every layer without children if None.

    Parameters
    ----------
    model : nn.Module
    layers : names, or one name; ``"relu#2"`` is the second call of ``"relu"``

    Raises
    ------
    ValueError
        If there is no layer of a name; the nearest are given.
    """
    known = named_layers(model)
    if layers is None:
        leaves = {k: m for k, m in known.items() if not any(m.children())}
        first = {id(m): k for k, m in reversed(leaves.items())}
        return {k: m for k, m in leaves.items() if first[id(m)] == k}
    names = [layers] if isinstance(layers, str) else list(layers)
    return {name: known[_known_name(name, known, model)] for name in names}


def call_of(name: str, known: Iterable[str]) -> int | None:
    """Number of the call that a name asks for, from 1; None for all calls."""
    match = _CALL.fullmatch(name)
    return int(match[2]) if match and name not in known else None


def _known_name(name: str, known: dict[str, nn.Module], model: nn.Module) -> str:
    match = _CALL.fullmatch(str(name))
    bare = match[1] if match and name not in known else name
    if bare in known:
        return bare
    names = [k for k in known if k]
    near = difflib.get_close_matches(str(bare), names, 4, cutoff=0.5)
    near = near or [k for k, _ in plain(model).named_children()][:6]
    raise ValueError(
        f"the model has no layer {name!r}; the nearest of its {len(names)} are "
        f"{', '.join(near)}"
        if near
        else f"the model has no layer {name!r}, and none inside; "
        "leave out `layers`, or name '', the model itself"
    )
