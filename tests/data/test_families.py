import re
from collections import Counter

import pytest

from repalign_utils import data
from repalign_utils.data import families


@pytest.mark.parametrize(
    ("name", "natural", "artificial"),
    [("cifar10", 6, 4), ("cifar100", 70, 30), ("procedural", 14, 12)],
)
def test_a_family_has_so_many_classes(name, natural, artificial):
    count = Counter(data.FAMILIES[name].values())
    assert count == {"natural": natural, "artificial": artificial}


def test_a_near_duplicate_is_of_the_family_of_its_target_and_of_no_other_data_set():
    near = data.near_duplicates("cifar100", "cifar10")
    ten, hundred = data.FAMILIES["cifar10"], data.FAMILIES["cifar100"]
    for target, names in near.items():
        assert names and {hundred[n] for n in names} == {ten[target]}
    assert data.near_duplicates("cifar100", "procedural") == {}


def test_the_families_cannot_be_changed():
    with pytest.raises(TypeError):
        data.FAMILIES["cifar10"]["cat"] = "artificial"


def test_a_superclass_has_five_classes_and_a_class_one_superclass():
    kinds = families._SUPERCLASSES["cifar100"].values()
    members = [names for superclasses in kinds for names in superclasses.values()]
    assert [len(names) for names in members] == [5] * 20
    assert len(set(sum(members, []))) == 100


@pytest.mark.parametrize(
    ("name", "kind"),
    [("oak_tree", "natural"), ("woman", "natural"), ("sea", "natural"),
     ("bus", "artificial"), ("bridge", "artificial"), ("clock", "artificial")],
)  # fmt: skip
def test_a_class_of_cifar100_is_of_the_family_of_its_superclass(name, kind):
    assert data.FAMILIES["cifar100"][name] == kind


def test_drawn_classes_are_of_their_family():
    for family in ("natural", "artificial"):
        for role in ("source", "target"):
            drawn = data.procedural_images(family, role, n_per_class=1)
            kinds = {data.FAMILIES["procedural"][name] for name in drawn.classes}
            assert kinds == {family}


def test_the_classes_of_imagenet_are_split_as_in_the_paper():
    natural, artificial = map(data.imagenet_classes, ("natural", "artificial"))
    assert (len(natural), len(artificial)) == (449, 551)
    everything = {*natural, *artificial}
    assert len(everything) == 1000
    assert all(re.fullmatch(r"n\d{8}", wnid) for wnid in everything)
    assert list(natural) == sorted(natural) and list(artificial) == sorted(artificial)


@pytest.mark.parametrize(
    ("wnid", "family"),
    [("n01440764", "natural"),  # tench
     ("n02123045", "natural"),  # tabby
     ("n03345487", "artificial"),  # fire engine
     ("n04552348", "artificial")],  # warplane
)  # fmt: skip
def test_a_class_of_imagenet_is_of_its_family(wnid, family):
    assert wnid in data.imagenet_classes(family)


def test_an_unknown_family_is_refused():
    text = "unknown family 'nature': expected one of natural, artificial; did you mean"
    with pytest.raises(ValueError, match=re.escape(text) + " 'natural'"):
        data.imagenet_classes("nature")
