"""Plain convolutional networks, written as they are drawn: one word per layer."""

import re

import torch
from torch import nn

_WORD = re.compile(r"(cb|c|f)(\d+)(?:/(\d+))?|bn|p")
_EXAMPLE = "'c8 c8 bn p c16 bn p f32' or 'cb8 cb16/2'"


def convnet(
    layers: str, classes: int, *, size: int = 32, channels: int = 3, seed: int = 0
) -> nn.Sequential:
    """Plain convolutional network with fresh weights and layers that have short names.

    Parameters
    ----------
    layers : words with spaces between, in the order of the layers

        - ``c16``: convolution 3 x 3 with 16 channels, then ReLU; ``c16/2``: stride 2
        - ``cb16``, ``cb16/2``: the same with batch normalisation before the ReLU
        - ``bn``: batch normalisation
        - ``p``: maximum over 2 x 2 pixels
        - ``f64``: fully connected, 64 units, then ReLU

        A network without ``f`` takes the mean over positions before its outputs
    classes : outputs
    size : height and width of the images
    channels : of the images
    seed : of the initial weights, drawn as PyTorch draws them

    Returns
    -------
    ``nn.Sequential``, images (n, channels, size, size) -> (n, classes), whose modules
    are called c1, c2, bn1, p1, ..., fc1, ... as in Raghu et al. (2017), and logits

    Raises
    ------
    ValueError
        If a word is none of these, there is none, or no pixel is left to pool.

    Examples
    --------
    >>> net = convnet("c4 c4 bn p f8", 10, size=8, channels=1)
    >>> [name for name, _ in net.named_children()]
    ['c1', 'c2', 'bn1', 'p1', 'flat', 'fc1', 'logits']
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _built(layers.split(), classes, size, channels)


def _built(words: list[str], classes: int, size: int, width: int) -> nn.Sequential:
    if not words:
        raise ValueError(f"layers is empty; pass words such as {_EXAMPLE}")
    network, count = nn.Sequential(), {"c": 0, "bn": 0, "p": 0, "fc": 0}
    is_flat = False

    def add(kind: str, module: nn.Module) -> None:
        count[kind] += 1
        network.add_module(f"{kind}{count[kind]}", module)

    for word in words:
        kind, units, stride = _read(word, is_flat)
        if kind in ("c", "cb"):
            convolution = nn.Conv2d(width, units, 3, stride=stride, padding=1)
            norm = [nn.BatchNorm2d(units)] if kind == "cb" else []
            add("c", nn.Sequential(convolution, *norm, nn.ReLU()))
            width, size = units, -(-size // stride)
        elif kind == "bn":
            add("bn", nn.BatchNorm1d(width) if is_flat else nn.BatchNorm2d(width))
        elif kind == "p":
            if size < 2:
                raise ValueError(f"{' '.join(words)}: no pixel is left to pool")
            add("p", nn.MaxPool2d(2))
            size //= 2
        else:
            if not is_flat:
                network.add_module("flat", nn.Flatten())
                width, is_flat = width * size**2, True
            add("fc", nn.Sequential(nn.Linear(width, units), nn.ReLU()))
            width = units
    if not is_flat:
        mean = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        network.add_module("mean", mean)
    network.add_module("logits", nn.Linear(width, classes))
    return network


def _read(word: str, is_flat: bool) -> tuple[str, int, int]:
    """Kind, units and stride that a word says."""
    found = _WORD.fullmatch(word)
    if not found or "0" in (found[2], found[3]):
        raise ValueError(f"layer {word!r} is none of ours; pass words as {_EXAMPLE}")
    if is_flat and not word.startswith(("f", "bn")):
        raise ValueError(
            f"layer {word!r} comes after a fully connected one, which has no pixels; "
            "only f and bn may follow"
        )
    kind = found[1] or word
    return kind, int(found[2] or 0), int(found[3] or 1)
