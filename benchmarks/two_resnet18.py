"""All layers of two ResNet-18 at 224 px in one pass: what comparing adds to running."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torchvision.models import resnet18

from repalign_utils import layer_similarity
from repalign_utils.similarity import LayerMatrix

from .measure import Row, medians

N, BATCH, SIZE = 256, 64, 224


def rows() -> Iterator[Row]:
    """At most 1.5 times the time of both passes."""
    pair, images = networks(), draw(N)
    forward(pair, images[:8])  # a whole pass takes half a minute
    together(pair, images[:8])
    seconds = medians(
        lambda: forward(pair, images),
        lambda: together(pair, images),
        repeats=3,
        warmed_up=True,
    )
    name = f"all layers of two ResNet-18, {N} images"
    yield Row(f"{name}, time", *seconds, required=1 / 1.5)


@torch.no_grad()
def forward(pair: list[nn.Module], images: torch.Tensor) -> None:
    """Both passes alone, in evaluation mode, nothing kept."""
    for network in pair:
        network.eval()
    for batch in images.split(BATCH):
        for network in pair:
            network(batch)


def together(pair: list[nn.Module], images: torch.Tensor) -> LayerMatrix:
    """Debiased CKA of all pairs of layers, measured while the images pass through."""
    return layer_similarity(*pair, images, batch_size=BATCH)


def networks() -> list[nn.Module]:
    """Two of different seeds."""
    made = []
    for seed in range(2):
        torch.manual_seed(seed)
        made.append(resnet18())
    return made


def draw(n: int) -> torch.Tensor:
    """Images of noise."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, 3, SIZE, SIZE, generator=generator)
