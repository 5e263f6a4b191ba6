"""Which layers of a network to compare along its depth."""

import re

from torch import nn

from .named_layers import named_layers, plain

__all__ = ["stages"]

OUTPUT = "output"
# Label -> pattern of a name in ``named_modules()``; {} counts the layers that match.
_FAMILIES: dict[str, dict[str, str]] = {
    "residual network": {"stem": r"act1|relu", "block {}": r"layer\d+\.\d+"},
    "vision transformer": {
        "patches": "patch_embed",
        "block {}": r"blocks\.\d+",
        "last": "fc_norm",
    },
}


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
            return {**_numbered("hidden {}", hidden), OUTPUT: ""}
    names = list(named_layers(model))
    for patterns in _FAMILIES.values():
        found = {
            label: [name for name in names if re.fullmatch(pattern, name)]
            for label, pattern in patterns.items()
        }
        if all(found.values()):
            numbered = [_numbered(label, some) for label, some in found.items()]
            return {k: v for part in numbered for k, v in part.items()} | {OUTPUT: ""}
    children = ", ".join(name for name, _ in model.named_children())
    raise ValueError(
        f"{type(model).__name__} is no multilayer perceptron, {', '.join(_FAMILIES)}; "
        f"name its layers yourself, it has {children or 'no layers inside'}"
    )


def _numbered(label: str, names: list[str]) -> dict[str, str]:
    return {label.format(i): name for i, name in enumerate(names, start=1)}
