"""Networks that section 06 compares."""

from collections import Counter

import pytest

from repalign_utils.experiments.compared import compared


def labels(*arguments, **options):
    return [net.label for net in compared(*arguments, **options)]


def test_every_file_is_a_network_and_the_rest_is_trained_or_fetched(tmp_path):
    for name in ("vgg11-a.pth", "vgg11-b.pth", "alexnet.pt"):
        (tmp_path / name).touch()
    networks = ["vgg11", "alexnet", "small_resnet"]
    found = compared(networks, ["cifar10 5 1"], ["cifar100"], weights=tmp_path)
    told = [(net.label, net.file and net.file.name, net.source) for net in found]
    assert told == [
        ("vgg11_a", "vgg11-a.pth", ""),
        ("vgg11_b", "vgg11-b.pth", ""),
        ("alexnet", "alexnet.pt", ""),
        ("cifar10_5_1", None, "cifar10"),
    ]


def test_a_recipe_is_each_amount_with_each_length():
    recipes = ["procedural 5/9 1/2/3", "cifar10 7 4"]
    found = compared(["small_resnet"], recipes, ["procedural"])
    assert Counter(net.source for net in found) == {"procedural": 6, "cifar10": 1}
    assert {(n.n_per_class, n.epochs) for n in found[:-1]} == {
        (n, epochs) for n in (5, 9) for epochs in (1, 2, 3)
    }


def test_two_networks_of_ours_keep_labels_apart():
    both = ["small_resnet", "small_vit"]
    found = labels(both, ["procedural 5 1"], ["procedural"])
    assert found == ["small_resnet_procedural_5_1", "small_vit_procedural_5_1"]


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("cifar01 5 1", r"'cifar01 5 1' is of the source 'cifar01'; did you mean"),
        ("procedural 5", r"'procedural 5'; expected a source, images of a class and"),
        ("procedural 5 0", r"epochs, each at least 1, such as 'procedural 10/30/100"),
        ("procedural 5/x 1", r"'procedural 5/x 1'; expected a source"),
        ("procedural 5/5 1", r"two networks are called procedural_5_1; give"),
    ],
)
def test_a_recipe_of_another_form_is_refused(recipe, message):
    with pytest.raises(ValueError, match=message):
        labels(["small_resnet"], [recipe], ["procedural"])


def test_a_data_set_that_every_network_was_trained_on_is_refused():
    with pytest.raises(ValueError, match=r"every network was trained on cifar10; add"):
        labels(["small_resnet"], ["cifar10 5 1"], ["cifar100", "cifar10"])


def test_weights_that_no_network_takes_are_refused(tmp_path):
    (tmp_path / "resnet18-a.pt").touch()
    with pytest.raises(FileNotFoundError, match=r"called after any of small_resnet; c"):
        labels(["small_resnet"], ["cifar10 5 1"], ["cifar100"], weights=tmp_path)
