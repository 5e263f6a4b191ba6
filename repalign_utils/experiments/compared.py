"""Networks that are compared: of weights that others trained, or trained here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..networks.building import OURS
from ..spelling import did_you_mean
from .own_images import short
from .representations import weights_files

__all__ = ["SOURCES", "Compared", "compared"]

SOURCES = ("procedural", "cifar10", "cifar100")


@dataclass(frozen=True)
class Compared:
    """A network and where its weights come from.

    Attributes
    ----------
    label : what it is called, in lower case
    network : name of the network
    file : with its weights; None for one of the library's hub, or trained here
    source : images that it is trained on here; "" if it is not
    n_per_class, epochs : of that training
    """

    label: str
    network: str
    file: Path | None = None
    source: str = ""
    n_per_class: int = 0
    epochs: int = 0

    def is_new_to(self, dataset: str) -> bool:
        """Whether it was not trained here on these classes.

        Examples
        --------
        >>> net = Compared("a", "small_resnet", source="cifar10")
        >>> net.is_new_to("cifar10"), net.is_new_to("cifar100")
        (False, True)
        """
        return dataset != self.source or dataset == "procedural"


def compared(
    networks: Sequence[str],
    recipes: Sequence[str],
    datasets: Sequence[str],
    *,
    weights: str | Path = "",
    data_dir: str | Path = "",
) -> list[Compared]:
    """Networks of all files; of the hub; and ours without a file, by every recipe.

    Parameters
    ----------
    networks : names
    recipes : texts "SOURCE IMAGES/IMAGES EPOCHS/EPOCHS": images of a class and epochs,
        each number of the one with each of the other. The source is "procedural" (drawn
        pictures of other classes than those of the tasks), "cifar10" or "cifar100"
    datasets : of the tasks; each must have a network that was not trained on it
    weights, data_dir : as of `weights_files`

    Returns
    -------
    Networks with labels of their own

    Raises
    ------
    ValueError
        If a recipe has another form, two networks have one label, or a data set has no
        network that it is new to.
    FileNotFoundError
        If there are no such weights.

    Examples
    --------
    >>> nets = compared(["small_resnet"], ["procedural 10/30 2"], ["procedural"])
    >>> [net.label for net in nets]
    ['procedural_10_2', 'procedural_30_2']
    """
    trained = [found for text in recipes for found in _recipe(text)]
    found: list[Compared] = []
    for name in networks:
        files = weights_files(name, weights, data_dir=data_dir)
        for file in files:
            label = short(file.stem if len(files) > 1 else name)
            found.append(Compared(label, name, file))
        if not files and name not in OURS:
            found.append(Compared(short(name), name))
        if not files and name in OURS:
            ours = sum(n in OURS for n in networks)
            prefix = f"{name}_" if ours > 1 else ""
            for how in trained:
                label = prefix + "_".join(map(str, how))
                found.append(Compared(label, name, None, *how))
    if str(weights) and not any(net.file for net in found):
        raise FileNotFoundError(
            f"weights are {str(weights)!r}, where no file is called after any of "
            f"{', '.join(networks)}; call files NETWORK.pt or NETWORK-*.pt, "
            "name the network in networks, or leave weights empty"
        )
    labels = [net.label for net in found]
    if twice := [label for label in labels if labels.count(label) > 1]:
        raise ValueError(
            f"two networks are called {twice[0]}; give their files names that differ "
            "in letters or digits, and each recipe once"
        )
    for dataset in datasets:
        if not any(net.is_new_to(dataset) for net in found):
            raise ValueError(
                f"recipes are {', '.join(recipes)}, so that every network was trained "
                f"on {dataset}; add a recipe of another source, or leave {dataset} out"
            )
    return found


def _recipe(text: str) -> Iterator[tuple[str, int, int]]:
    """Source, images of a class and epochs of each training that a text stands for."""
    source, *counts = text.split() or [""]
    if source not in SOURCES:
        raise ValueError(
            f"recipe {text!r} is of the source {source!r}; "
            f"{did_you_mean(source, SOURCES)}choose one of {', '.join(SOURCES)}"
        )
    try:
        amounts, lengths = ([int(n) for n in part.split("/")] for part in counts)
    except ValueError:
        amounts, lengths = [0], [0]
    if min(amounts + lengths) < 1:
        raise ValueError(
            f"recipe is {text!r}; expected a source, images of a class and epochs, "
            "each at least 1, such as 'procedural 10/30/100 2/5'"
        )
    for n in amounts:
        for epochs in lengths:
            yield source, n, epochs
