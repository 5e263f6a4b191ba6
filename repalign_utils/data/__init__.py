"""Data: one loader each, typed, checked, with source, licence and amount.

A loader gives a `Dataset`, inputs (n, d) and targets (n, k), or an `ImageSet`, images
(n, c, h, w) and labels; and `About`, which says on the page what was used and how much
of it. Importing this package loads neither torch nor scikit-learn nor Pillow; only
`mnist` needs torch.
"""

from collections.abc import Callable
from os import PathLike
from types import MappingProxyType
from typing import Any

from repalign_utils.data._dataset import About, Dataset, one_of
from repalign_utils.data._fetch import DataMissing
from repalign_utils.data._image_set import ImageFiles, ImageSet
from repalign_utils.data.cifar import cifar10, cifar100
from repalign_utils.data.ct import ct_phantom, ct_slices
from repalign_utils.data.families import FAMILIES, imagenet_classes
from repalign_utils.data.folders import image_files, office31
from repalign_utils.data.images import digit_images, digits, mnist
from repalign_utils.data.procedural.images import procedural_images
from repalign_utils.data.procedural.peaks import PEAKS, peaks, peaks_task

__all__ = [
    "FAMILIES",
    "PEAKS",
    "About",
    "DataMissing",
    "Dataset",
    "ImageFiles",
    "ImageSet",
    "cifar10",
    "cifar100",
    "ct_phantom",
    "ct_slices",
    "digit_images",
    "digits",
    "image_files",
    "imagenet_classes",
    "load",
    "mnist",
    "office31",
    "peaks",
    "peaks_task",
    "procedural_images",
]

# those of rows and targets; an image set is asked for by its own function
_LOADERS: MappingProxyType[str, Callable[..., Dataset]] = MappingProxyType(
    {
        "ct_phantom": ct_phantom,
        "ct_slices": ct_slices,
        "digits": digits,
        "mnist": mnist,
        "peaks": peaks,
    }
)


def load(name: str, data_dir: str | PathLike[str] = "", **options: Any) -> Dataset:
    """Give a data set by its name.

    Parameters
    ----------
    name : {"ct_phantom", "ct_slices", "digits", "mnist", "peaks"}
        The loader.
    data_dir : str or path
        Handed to the loaders that read files, ``mnist`` and ``ct_slices``; the
        others need no folder, so that a notebook may always name one.
    **options
        The other options of the loader of this name.

    Returns
    -------
    Dataset
        What that loader gives.

    Raises
    ------
    ValueError
        If there is no loader of this name; the nearest one is named.

    Examples
    --------
    >>> load("digits", n_per_class=50).inputs.shape
    (100, 64)
    """
    loader = _LOADERS[one_of("data set", name, _LOADERS)]
    if name in ("ct_slices", "mnist"):
        options["data_dir"] = data_dir
    return loader(**options)
