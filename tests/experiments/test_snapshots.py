"""A training leaves its weights on the way, and frozen layers stay as they were."""

import numpy as np
import pytest
import torch

from repalign_utils import convnet, data, train
from repalign_utils.experiments import snapshots
from repalign_utils.experiments.snapshots import train_with_snapshots
from repalign_utils.training.recipes import Recipe

BRIEF = Recipe(epochs=4, batch_size=8, augment="none")


@pytest.fixture(scope="module")
def digits():
    return data.digit_images((0, 1, 2), n_per_class=10)


def network():
    return convnet("c3 bn p f6", 3, size=8, channels=1, seed=1)


def same(one, other):
    return {name for name in one if torch.equal(one[name], other[name])}


def test_a_layer_changes_until_its_share_of_the_epochs_and_not_after(digits):
    shares = {"c1": 0, "fc1": 0.5}
    way = train_with_snapshots(
        network(), digits, BRIEF, epochs_kept=range(5), freeze=shares
    )
    w = way.weights
    still = [
        {name.split(".")[0] for name in same(w[e], w[e + 1]) if "weight" in name}
        for e in range(4)
    ]
    assert still == [{"c1"}, {"c1"}, {"c1", "fc1"}, {"c1", "fc1"}]


def test_without_freezing_it_is_the_training_itself_and_nothing_stays_frozen(digits):
    kept, plain = network(), network()
    start = {k: v.clone() for k, v in kept.state_dict().items()}
    way = train_with_snapshots(kept, digits, BRIEF, epochs_kept=[0, 2], seed=3)
    train(plain, digits, BRIEF, seed=3)
    assert sorted(way.weights) == [0, 2, 4] and way.seconds > 0
    assert same(way.weights[0], start) == set(start)
    assert same(way.weights[4], plain.state_dict()) == set(start)
    frozen = network()
    train_with_snapshots(frozen, digits, BRIEF, epochs_kept=[], freeze={"c1": 0})
    assert all(p.requires_grad for p in frozen.parameters())


def test_what_was_kept_is_read_again_if_it_depends_on_the_same(
    digits, tmp_path, monkeypatch
):
    def run(**changes):
        options = {"epochs_kept": [2], "freeze": {"c1": 0.5}, "seed": 3} | changes
        net = network()
        way = train_with_snapshots(net, digits, BRIEF, checkpoints=tmp_path, **options)
        return net.state_dict(), way

    weights, way = run()
    monkeypatch.setattr(snapshots, "train", lambda *_, **__: pytest.fail("trains"))
    again, read = run()
    assert same(weights, again) == set(weights) and read.seconds == way.seconds
    assert np.array_equal(sorted(read.weights), [2, 4])
    for change in ({"seed": 4}, {"freeze": {}}, {"epochs_kept": [1]}):
        with pytest.raises(pytest.fail.Exception, match="trains"):
            run(**change)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs_kept": [5]}, r"has 5 but the training has 4 epochs; pass 0 to 4"),
        ({"freeze": {"c9": 0.5}}, r"module 'c9' that the network lacks; .* c1"),
        ({"freeze": {"c1": 1.5}}, r"freeze\['c1'\] is 1.5 but must be a share"),
    ],
)
def test_an_epoch_module_or_share_out_of_range_is_refused(digits, options, message):
    with pytest.raises(ValueError, match=message):
        train_with_snapshots(network(), digits, BRIEF, **{"epochs_kept": []} | options)
