"""The head of a classifier: found, and replaced by a new one."""

import torch
from torch import nn

__all__ = ["head", "new_head"]


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
