"""Networks by name, and their weights from a hub or a file."""

import difflib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import nn

from .weights import load_weights


def _small_resnet(classes: int, size: int, channels: int) -> nn.Module:
    """Four residual blocks of 16 to 128 channels: 0.3 million weights."""
    from timm.models.resnet import BasicBlock, ResNet

    widths = (16, 32, 64, 128)
    model = ResNet(
        BasicBlock,  # pyright: ignore[reportArgumentType]
        (1, 1, 1, 1),
        num_classes=classes,
        channels=widths,
        stem_type="deep",  # whose output has twice the stem's width
        stem_width=widths[0] // 2,
    )
    return _small_stem(model, widths[0], channels)


def _resnet18_cifar(classes: int, size: int, channels: int) -> nn.Module:
    """ResNet-18 with a stem for images of 32 x 32: no stride, no pooling."""
    from torchvision.models import resnet18

    return _small_stem(resnet18(num_classes=classes), 64, channels)


def _small_stem(model, width: int, channels: int) -> nn.Module:
    model.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    model.maxpool = nn.Identity()
    return model


def _vit(
    name: str, across: int, width: int, classes: int, size: int, channels: int
) -> nn.Module:
    """Four blocks of this width on so many patches across."""
    from timm.models.vision_transformer import VisionTransformer

    if size % across:
        raise ValueError(
            f"size is {size} but {name} cuts it into {across} x {across} patches; "
            f"pass a multiple of {across}, such as {across * max(size // across, 1)}"
        )
    return VisionTransformer(
        img_size=size,
        patch_size=size // across,
        in_chans=channels,
        num_classes=classes,
        embed_dim=width,
        depth=4,
        num_heads=width // 32,
    )


OURS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "small_resnet": _small_resnet,
    "small_vit": partial(_vit, "small_vit", 8, 96),  # 0.5 million weights
    "tiny_vit": partial(_vit, "tiny_vit", 4, 64),  # 0.2 million
    "resnet18_cifar": _resnet18_cifar,
}


def build(
    name: str, classes: int, *, size: int = 32, channels: int = 3, seed: int = 0
) -> nn.Module:
    """Network with fresh weights.

    Parameters
    ----------
    name : "small_resnet", "small_vit", "tiny_vit" (ours, for two cores),
        "resnet18_cifar", or any classifier of torchvision, else of timm; "timm:NAME"
        asks timm alone
    classes : outputs
    size : height and width of the images
    channels : of the images; torchvision's own networks take three
    seed : of the initial weights, which are the library's

    Returns
    -------
    ``nn.Module``, images (n, channels, size, size) -> (n, classes)

    Raises
    ------
    ValueError
        If there is no network of this name; the nearest are named.

    Examples
    --------
    >>> build("small_resnet", 10)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """
    # The libraries draw from the global generator: it is seeded here, and put back.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name in OURS:
            return OURS[name](classes, size, channels)
        library, known = _library(name)
        if library == "torchvision":
            from torchvision.models import get_model

            return get_model(known, weights=None, num_classes=classes)
        return _timm(known, num_classes=classes, img_size=size, in_chans=channels)


def pretrained(name: str, weights: str | Path = "", *, size: int = 224) -> nn.Module:
    """Pretrained network, with a head of 1,000 classes.

    Parameters
    ----------
    name : network of torchvision or timm; with a file, also one of ours
    weights : file with a state dict (see `load_weights`), whose head may be of other
        classes or missing; empty: from the library's hub
    size : height and width of the images, of a network that knows it; with a file

    Raises
    ------
    ValueError
        If the name is unknown, or the file does not fit the network.
    RuntimeError
        If the hub cannot be reached; says how to name a file.
    """
    if str(weights):
        return load_weights(build(name, 1000, size=size), weights, features_only=True)
    library, known = _library(name)
    try:
        if library == "torchvision":
            from torchvision.models import get_model

            return get_model(known, weights="DEFAULT")
        return _timm(known, pretrained=True)
    except Exception as error:  # each hub fails in its own way
        raise RuntimeError(
            f"weights of {name} could not be had from the hub of {library} ({error}); "
            "name a file with a state dict instead: -p weights PATH"
        ) from error


def _library(name: str) -> tuple[str, str]:
    """Library that has the network, and the name there."""
    import timm
    from torchvision import models

    bare = name.removeprefix("timm:")
    here = models.list_models(module=models)
    if bare == name and name in here:
        return "torchvision", name
    if timm.is_model(bare):
        return "timm", bare
    known = {*OURS, *here, *timm.list_models()}
    near = difflib.get_close_matches(bare, sorted(known), 3)
    raise ValueError(
        f"no network {name!r} in torchvision or timm; nearest: {', '.join(near)}"
        if near
        else f"no network {name!r} in torchvision or timm; {', '.join(OURS)} are ours"
    )


def _timm(name: str, img_size: int | None = None, **options) -> nn.Module:
    import timm

    if img_size:
        try:  # networks with positions need the size, others refuse to be told
            return timm.create_model(name, img_size=img_size, **options)
        except TypeError:
            pass
    return timm.create_model(name, **options)
