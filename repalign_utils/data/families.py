"""Which classes are natural and which artificial, for transfer between families."""

import tomllib
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from ._names import one_of
from .procedural.images import NAMES

_TSV = Path(__file__).with_name("imagenet_families.tsv")
_KINDS = ("natural", "artificial")

_SUPERCLASSES = tomllib.loads(Path(__file__).with_name("families.toml").read_text())
_NEAR = _SUPERCLASSES.pop("near")


def _split(kinds: Mapping[str, Iterable[str]]) -> MappingProxyType[str, str]:
    pairs = ((name, kind) for kind, names in kinds.items() for name in names)
    return MappingProxyType(dict(sorted(pairs)))


#: Data set -> {class: "natural" or "artificial"}. CIFAR-10 as in Imani et al. (2022):
#: four artificial classes and six natural ones; CIFAR-100 by its superclasses, which
#: is our reading; the drawn pictures, sources and targets.
FAMILIES = MappingProxyType(
    {
        name: _split({kind: chain(*of.values()) for kind, of in kinds.items()})
        for name, kinds in _SUPERCLASSES.items()
    }
    | {"procedural": _split(NAMES)}
)


def near_duplicates(name: str, target: str) -> dict[str, tuple[str, ...]]:
    """Classes of a data set that are nearly classes of a target, which is our choice.

    A source that holds them has seen the target: a comparison of sources leaves them
    out.

    Parameters
    ----------
    name, target : str
        Data sets; there is a list for CIFAR-100 and CIFAR-10.

    Returns
    -------
    dict
        Class of the target -> classes of the data set; none where there is no list.

    Examples
    --------
    >>> near_duplicates("cifar100", "cifar10")["dog"]
    ('fox', 'wolf')
    >>> near_duplicates("procedural", "procedural")
    {}
    """
    found = _NEAR.get(name, {}).get(target, {})
    return {of: tuple(classes) for of, classes in found.items()}


def imagenet_classes(family: str) -> tuple[str, ...]:
    """Give the classes of ImageNet (Russakovsky et al. 2015) that are of a family.

    The counts are those of Imani et al. (2022); the list was derived anew from
    WordNet, see the head of ``imagenet_families.tsv``, so border cases may differ.

    Parameters
    ----------
    family : {"natural", "artificial"}
        449 or 551 classes.

    Returns
    -------
    tuple of str
        WordNet identifiers, as ImageNet's folders are named, ascending.

    Raises
    ------
    ValueError
        If there is no such family.

    Examples
    --------
    >>> len(imagenet_classes("natural")), imagenet_classes("artificial")[0]
    (449, 'n02666196')
    """
    family = one_of("family", family, _KINDS)
    lines = _TSV.read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return tuple(wnid for _, wnid, kind, *_ in rows if kind == family)
