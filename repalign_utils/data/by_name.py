"""A data set by its name, as a parameter of a notebook has it."""

from typing import Any

from ._dataset import Dataset
from ._fetch import Place
from ._names import one_of
from .ct import ct_slices
from .handwriting import digits, mnist
from .procedural import ct_phantom, peaks

# those of rows and targets; an image set is asked for by its own function
_LOADERS = {
    loader.__name__: loader for loader in (ct_phantom, ct_slices, digits, mnist, peaks)
}


def load(name: str, data_dir: Place = "", **options: Any) -> Dataset:
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
    if loader in (ct_slices, mnist):
        options["data_dir"] = data_dir
    return loader(**options)
