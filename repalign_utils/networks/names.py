"""Layers by name: all of them as in the plain model, the head, stages by depth."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

import torch
from torch import nn

__all__ = ["call_of", "chosen", "head", "named_layers", "new_head", "plain", "stages"]

_CALL = re.compile(r"(.+)#(\d+)")
_OUTPUT = "output"
# Label -> pattern of a name in ``named_modules()``; {} counts the layers that match.
_FAMILIES: dict[str, dict[str, str]] = {
    "residual network": {"stem": r"act1|relu", "block {}": r"layer\d+\.\d+"},
    "vision transformer": {
        "patches": "patch_embed",
        "block {}": r"blocks\.\d+",
        "last": "fc_norm",
    },
}


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
    # named_children() leaves out a child that is there under two names.
    for child_name, child in module._modules.items():
        child = None if child is None else plain(child)
        if child is not None and child not in above:  # a model may hold itself
            full = f"{name}.{child_name}" if name else child_name
            yield from _walk(child, full, (*above, module))


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


def head(model: nn.Module) -> tuple[str, nn.Module]:
    """Name and module of the classifier: the last linear layer or 1 x 1 convolution.

    Parameters
    ----------
    model : network

    Raises
    ------
    ValueError
        If the network has none.

    Examples
    --------
    >>> head(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)))[0]
    '2'
    """
    found = [(k, m) for k, m in model.named_modules() if may_be_head(m)]
    if not found:
        raise ValueError(
            f"{type(model).__name__} has no linear layer to take for its head"
        )
    return found[-1]


def may_be_head(module: nn.Module) -> bool:
    """Whether it is a linear layer, or one that is linear at each position of a map."""
    one = isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1)
    return one or isinstance(module, nn.Linear)


def new_head(model: nn.Module, classes: int, *, seed: int = 0) -> nn.Module:
    """Give the network a fresh head for other classes, in place.

    Parameters
    ----------
    model : network
    classes : outputs of the new head
    seed : of its initial weights, PyTorch's default

    Returns
    -------
    The network
    """
    name, old = head(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if isinstance(old, nn.Linear):
            new: nn.Module = nn.Linear(old.in_features, classes)
        else:
            new = nn.Conv2d(old.in_channels, classes, 1)  # type: ignore[attr-defined]
    like = next(old.parameters())
    model.set_submodule(name, new.to(like.device, like.dtype))
    return model


def stages(model: nn.Module) -> dict[str, str]:
    """Layers of a network from its input to its output, to be compared by depth.

    Each is the output of a step that the rest of the network builds on:

    - multilayer perceptron (``nn.Sequential`` of linear and activation layers, as
      `MLPEnsemble.member` gives it): hidden layers after their activation
    - residual network of torchvision or timm: the stem after its activation, and the
      residual blocks. The last hidden layer, pooled, is the last block averaged over
      positions, so it is no stage of its own
    - vision transformer of timm: patch embedding, blocks, and the last hidden layer,
      which is what the head is given

    and, of all, the output.

    Parameters
    ----------
    model : network, also compiled or in DataParallel

    Returns
    -------
    dict: label such as "hidden 1", "block 3" or "output" -> name of the layer in
        ``model.named_modules()``, where "" is the network itself

    Raises
    ------
    ValueError
        If the network is of another kind.

    Examples
    --------
    >>> stages(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1)))
    {'hidden 1': '1', 'output': ''}
    """
    model = plain(model)
    if isinstance(model, nn.Sequential):
        hidden = [n for n, m in model.named_children() if not isinstance(m, nn.Linear)]
        if hidden and not any(any(m.children()) for m in model):
            return {**_numbered("hidden {}", hidden), _OUTPUT: ""}
    names = list(named_layers(model))
    for patterns in _FAMILIES.values():
        found = {
            label: [name for name in names if re.fullmatch(pattern, name)]
            for label, pattern in patterns.items()
        }
        if all(found.values()):
            numbered = [_numbered(label, some) for label, some in found.items()]
            return {k: v for part in numbered for k, v in part.items()} | {_OUTPUT: ""}
    children = ", ".join(name for name, _ in model.named_children())
    raise ValueError(
        f"{type(model).__name__} is no multilayer perceptron, {', '.join(_FAMILIES)}; "
        f"name its layers yourself, it has {children or 'no layers inside'}"
    )


def _numbered(label: str, names: list[str]) -> dict[str, str]:
    return {label.format(i): name for i, name in enumerate(names, start=1)}
