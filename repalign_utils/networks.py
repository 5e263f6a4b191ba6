"""Networks by name, and their weights from a hub or a file."""

import difflib
import pickle
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

WRAPPERS = ("state_dict", "model_state_dict", "model")  # of weights in a checkpoint


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


def _small_vit(classes: int, size: int, channels: int) -> nn.Module:
    """Four blocks of 96 units on 8 x 8 patches: 0.5 million weights."""
    return _vit("small_vit", 8, 96, classes, size, channels)


def _tiny_vit(classes: int, size: int, channels: int) -> nn.Module:
    """Four blocks of 64 units on 4 x 4 patches: 0.2 million weights."""
    return _vit("tiny_vit", 4, 64, classes, size, channels)


def _vit(
    name: str, across: int, width: int, classes: int, size: int, channels: int
) -> nn.Module:
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
    "small_vit": _small_vit,
    "tiny_vit": _tiny_vit,
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


def pretrained(name: str, weights: str | Path = "") -> nn.Module:
    """ImageNet-pretrained network with its head of 1,000 classes.

    Parameters
    ----------
    name : network of torchvision or timm
    weights : file with a state dict (see `load_weights`); empty: from the library's hub

    Raises
    ------
    ValueError
        If the name is unknown, or the file does not fit the network.
    RuntimeError
        If the hub cannot be reached; says how to name a file.
    """
    library, known = _library(name)
    if str(weights):
        return load_weights(build(name, 1000, size=224), weights)
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
    from torchvision.models import list_models

    bare = name.removeprefix("timm:")
    here = list_models(module=__import__("torchvision").models)
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


def load_weights(model: nn.Module, path: str | Path) -> nn.Module:
    """Put the weights of a file into a network, all of them or none.

    Parameters
    ----------
    model : network, changed in place
    path : ``.safetensors``, or a file of ``torch.save``, of which only tensors are
        read; a state dict, also one within a checkpoint or of a distributed run

    Returns
    -------
    The network

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be read, or keys or shapes differ: each one is named.
    """
    state = _read_state(Path(path).expanduser())
    mine = model.state_dict()
    lines = [f"missing: {k}" for k in mine if k not in state]
    lines += [f"unexpected: {k}" for k in state if k not in mine]
    lines += [
        f"shape: {k} is {tuple(state[k].shape)}, expected {tuple(mine[k].shape)}"
        for k in mine
        if k in state and state[k].shape != mine[k].shape
    ]
    if lines:
        raise ValueError(
            f"{path} does not fit {type(model).__name__}: {len(lines)} differences; "
            "name the network that the weights are of:\n  " + "\n  ".join(lines)
        )
    model.load_state_dict(state)
    return model


def _read_state(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise FileNotFoundError(f"weights are {str(path)!r}, but there is no such file")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"weights {path} cannot be read: {error}") from None
    except Exception as error:  # safetensors has an error of its own
        raise ValueError(f"weights {path} are damaged: {error}") from None
    for name in WRAPPERS:
        if isinstance(state, dict) and isinstance(state.get(name), dict):
            state = state[name]
    if not isinstance(state, dict) or not all(map(torch.is_tensor, state.values())):
        raise ValueError(f"weights {path} hold no state dict: names with tensors")
    return {str(k).removeprefix("module."): v for k, v in state.items()}


def head(model: nn.Module) -> tuple[str, nn.Module]:
    """Name and module of the classifier: the last linear layer or 1 x 1 convolution.

    Raises
    ------
    ValueError
        If the network has none.
    """
    found = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
        or (isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1))
    ]
    if not found:
        raise ValueError(
            f"{type(model).__name__} has no linear layer to take for its head"
        )
    return found[-1]


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
