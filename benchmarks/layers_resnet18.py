"""All blocks of ResNet-18 on 5,000 images: what measuring adds to the forward pass."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import torch
from torch import nn
from torchvision.models import resnet18

from repalign_utils import alignment, layer_alignment, record_layers

from .measure import Row, medians, peak_growth, peak_in_own_process

N, BATCH = 5_000, 250
FEW, FEW_BATCH = 1_000, 50  # for memory: the maps of an image take 1.2 MB
BLOCKS = [f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1)]
LAYERS = ["maxpool", *BLOCKS, "avgpool"]


def rows() -> Iterator[Row]:
    """At most 1.3 times the time of the pass, at least 10 times less memory."""
    network, images, labels = _network(), _images(N), _labels(N)
    forward(network, images[:BATCH], labels, BATCH)  # a whole pass takes a minute
    together(network, images[:BATCH], labels[:BATCH], BATCH)
    plain, ours = medians(
        lambda: forward(network, images, labels, BATCH),
        lambda: together(network, images, labels, BATCH),
        repeats=1,  # 20 batches each: what disturbs one of them weighs little
        warmed_up=True,
    )
    name = "all blocks of ResNet-18 in one pass"
    yield Row(f"{name}, time", plain, ours, required=1 / 1.3)
    most, least = (peak_in_own_process(__name__, side) for side in ("plain", "ours"))
    yield Row(f"{name}, memory", most, least, required=10, unit="MB")


@torch.no_grad()
def forward(network, images, _labels, batch_size: int) -> None:
    """The pass alone, in evaluation mode, nothing kept."""
    network.eval()
    for batch in images.split(batch_size):
        network(batch)


def one_by_one(network, images, labels, batch_size: int) -> dict:
    """Alignment the plain way: record all maps, average, measure."""
    found = {}
    maps = record_layers(network, images, LAYERS, batch_size=batch_size)
    for name, output in maps.items():
        found[name] = alignment(output.mean((2, 3)), labels)
    return found


def together(network, images, labels, batch_size: int) -> dict:
    """Alignment measured while the images pass through."""
    return layer_alignment(network, images, labels, LAYERS, batch_size=batch_size)


def _network() -> nn.Module:
    """ResNet-18 for images 32 x 32: a stem without stride, and "maxpool" its output."""
    torch.manual_seed(0)
    network = resnet18(num_classes=10)
    network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    network.maxpool = nn.Identity()
    return network


def _images(n: int) -> torch.Tensor:
    return torch.randn(n, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def _labels(n: int) -> torch.Tensor:
    return torch.sign(torch.randn(n, generator=torch.Generator().manual_seed(1)))


SIDES = {"plain": one_by_one, "ours": together}


def _memory(side: str) -> float:
    """MB of one side on few images, in batches small enough not to count."""
    network, images, labels = _network(), _images(FEW), _labels(FEW)
    some = slice(0, FEW_BATCH)
    SIDES[side](network, images[some], labels[some], FEW_BATCH)  # loads libraries
    return peak_growth(lambda: SIDES[side](network, images, labels, FEW_BATCH))


if __name__ == "__main__":
    print(_memory(sys.argv[1]))
