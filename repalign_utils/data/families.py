"""Which classes are natural and which artificial, for transfer between families."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import MappingProxyType

from repalign_utils.data._dataset import one_of
from repalign_utils.data.procedural.images import NAMES

_TSV = Path(__file__).with_name("imagenet_families.tsv")
_KINDS = ("natural", "artificial")

# the twenty superclasses of Krizhevsky (2009), each with its five classes
_SUPERCLASSES = {
    "aquatic mammals": "beaver dolphin otter seal whale",
    "fish": "aquarium_fish flatfish ray shark trout",
    "flowers": "orchid poppy rose sunflower tulip",
    "food containers": "bottle bowl can cup plate",
    "fruit and vegetables": "apple mushroom orange pear sweet_pepper",
    "household electrical devices": "clock keyboard lamp telephone television",
    "household furniture": "bed chair couch table wardrobe",
    "insects": "bee beetle butterfly caterpillar cockroach",
    "large carnivores": "bear leopard lion tiger wolf",
    "large man-made outdoor things": "bridge castle house road skyscraper",
    "large natural outdoor scenes": "cloud forest mountain plain sea",
    "large omnivores and herbivores": "camel cattle chimpanzee elephant kangaroo",
    "medium-sized mammals": "fox porcupine possum raccoon skunk",
    "non-insect invertebrates": "crab lobster snail spider worm",
    "people": "baby boy girl man woman",
    "reptiles": "crocodile dinosaur lizard snake turtle",
    "small mammals": "hamster mouse rabbit shrew squirrel",
    "trees": "maple_tree oak_tree palm_tree pine_tree willow_tree",
    "vehicles 1": "bicycle bus motorcycle pickup_truck train",
    "vehicles 2": "lawn_mower rocket streetcar tank tractor",
}
_ARTIFICIAL = (
    "food containers",
    "household electrical devices",
    "household furniture",
    "large man-made outdoor things",
    "vehicles 1",
    "vehicles 2",
)


def _split(
    artificial: Iterable[str], natural: Iterable[str]
) -> MappingProxyType[str, str]:
    kinds = dict.fromkeys(artificial, "artificial") | dict.fromkeys(natural, "natural")
    return MappingProxyType(dict(sorted(kinds.items())))


def _members(superclasses: Iterable[str]) -> list[str]:
    return " ".join(_SUPERCLASSES[name] for name in superclasses).split()


#: Data set -> {class: "natural" or "artificial"}. CIFAR-10 as in Imani et al. (2022):
#: four artificial classes and six natural ones; CIFAR-100 by its superclasses, which
#: is our reading; the drawn pictures, sources and targets.
FAMILIES = MappingProxyType(
    {
        "cifar10": _split(
            ("airplane", "automobile", "ship", "truck"),
            ("bird", "cat", "deer", "dog", "frog", "horse"),
        ),
        "cifar100": _split(
            _members(_ARTIFICIAL),
            _members(name for name in _SUPERCLASSES if name not in _ARTIFICIAL),
        ),
        "procedural": _split(NAMES["artificial"], NAMES["natural"]),
    }
)


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
    return tuple(wnid for wnid, kind in _imagenet() if kind == family)


@cache
def _imagenet() -> tuple[tuple[str, str], ...]:
    lines = _TSV.read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return tuple((row[1], row[2]) for row in rows)
