"""Representations of images to compare, of networks by name.

Claim of Imani, Hu & White (2022): the last hidden layer of networks pretrained on
ImageNet is far better aligned with other tasks than features that know no images.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import nn

from ..data._fetch import data_folders
from ..networks.building import OURS
from ..networks.device import Compute
from ..networks.images import NetworkInputs
from ..networks.outputs import last_hidden

SUFFIXES = (".safetensors", ".pth", ".pt")


def weights_files(
    name: str, weights: str | Path = "", *, data_dir: str | Path = ""
) -> list[Path]:
    """Files with weights of a network, as many as there are.

    Parameters
    ----------
    name : network
    weights : a file, taken whatever its name; a folder with files NAME.* and NAME-*.*,
        as torchvision names them; or empty, for the folder ``weights`` where data lie,
        which is not asked for networks of ours
    data_dir : where data lie; empty: REPALIGN_DATA

    Returns
    -------
    Paths in alphabetical order; none if the weights are to come from elsewhere

    Raises
    ------
    FileNotFoundError
        If a path is given that does not exist, or a folder without a file of this
        network, unless the network is ours and can be trained.

    Examples
    --------
    >>> weights_files("small_resnet")
    []
    """
    if not str(weights) and name in OURS:
        return []
    path = Path(weights).expanduser()
    if str(weights) and path.is_file():
        return [path]
    places = [path] if str(weights) else [f / "weights" for f in data_folders(data_dir)]
    bare = name.removeprefix("timm:")
    for place in places:
        found = [
            p
            for p in (sorted(place.iterdir()) if place.is_dir() else [])
            if p.suffix in SUFFIXES
            and (p.stem == bare or p.name.startswith(f"{bare}-"))
        ]
        if found:
            return found
    if str(weights) and not (path.is_dir() and name in OURS):
        raise FileNotFoundError(
            f"weights are {str(weights)!r}, which is no file, nor a folder with "
            f"{bare}.safetensors or {bare}-*.pth; name the file, or leave weights "
            "empty for the folder weights where data lie, or the library's hub"
        )
    return []


def network_features(
    model: nn.Module,
    images,
    *,
    name: str,
    size: int,
    compute: Compute | None = None,
    batch_size: int = 128,
) -> np.ndarray:
    """Last hidden layer of a network on images scaled as the network wants them.

    Parameters
    ----------
    model : network; moved to the device, and left there
    images : array (n, c, h, w), uint8, or an ``ImageSet``
    name : its name: ours take pixels from -1 to 1; all others are fed images that are
        normalised as those of ImageNet
    size : height and width that images are brought to
    compute : device and precision; None for ``Compute()``
    batch_size : images in one pass

    Returns
    -------
    array (n, d), float32

    Raises
    ------
    ValueError
        If the network takes images of one size alone.
    """
    compute = compute or Compute()
    scale = "half" if name in OURS else "imagenet"
    inputs = NetworkInputs(images, size=size, scale=scale)
    model.to(compute.where)
    try:
        with compute.autocast():
            return last_hidden(model, inputs, batch_size=batch_size)
    except AssertionError as error:  # timm's, of networks that know their size
        raise ValueError(
            f"{name} was fed images of {inputs[:1].shape[-1]} pixels per side but is "
            f"of another size ({error}); pass the size that it takes"
        ) from error
