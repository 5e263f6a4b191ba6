"""A setting of a sweep is trained and measured as its parts say."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from repalign_utils import MLPEnsemble, alignment, fit
from repalign_utils.experiments.sweeps import Setting, train_setting
from tests.small_networks import small_task

BASE = Setting(depth=2, width=8, step_size=1e-2, batch_size=16)
OPTIONS = {"loss": "logistic", "members": 2, "seed": 5, "max_epochs": 4}
VARIED = [
    {"depth": 3},
    {"width": 5},
    {"activation": "prelu"},
    {"optimizer": "rmsprop"},
    {"step_size": 0.1},
    {"batch_size": 25},
]


def by_hand(setting, inputs, targets, dtype):
    """Last hidden layer (members, n, width) before and after, step by step."""
    networks = MLPEnsemble(
        6,
        width=setting.width,
        depth=setting.depth,
        members=2,
        seed=5,
        activation=setting.activation,
        dtype=dtype,
    )
    before = networks.hidden(inputs)[-1]
    fit(
        networks,
        inputs,
        targets,
        loss="logistic",
        optimizer=setting.optimizer,
        step_size=setting.step_size,
        batch_size=setting.batch_size,
        max_epochs=4,
        seed=5,
    )
    return before, networks.hidden(inputs)[-1]


def assert_measured(found, layers, targets):
    assert len(found) == len(layers)
    for mine, layer in zip(found, layers, strict=True):
        assert np.array_equal(mine.energy, alignment(layer, targets).energy)


@pytest.mark.parametrize("change", VARIED, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_part_of_a_setting_counts(change, dtype):
    inputs, targets = small_task()
    setting = replace(BASE, **change)
    found = train_setting(setting, inputs, targets, dtype=dtype, **OPTIONS)
    before, after = by_hand(setting, inputs, targets, dtype)
    assert_measured(found.before, before, targets)
    assert_measured(found.after, after, targets)
    plain = train_setting(BASE, inputs, targets, dtype=dtype, **OPTIONS)
    assert not np.array_equal(found.after[0].area(), plain.after[0].area())


def test_equal_settings_are_one_key():
    trained = {replace(BASE, **change): change for change in VARIED}
    assert len(trained) == len(VARIED)
    assert replace(BASE, depth=3) in trained and BASE not in trained
    assert replace(BASE, depth=BASE.depth) == BASE


def test_alignment_with_other_targets_is_measured_on_the_same_networks():
    inputs, targets = small_task()
    other = np.random.default_rng(3).normal(size=(50, 2))
    found = train_setting(BASE, inputs, targets, measured=other, **OPTIONS)
    before, after = by_hand(BASE, inputs, targets, torch.float32)
    assert_measured(found.before, before, other)
    assert_measured(found.after, after, other)


def test_each_network_is_measured_with_targets_of_its_own():
    inputs, targets = small_task()
    own = np.random.default_rng(3).normal(size=(2, 50, 1))
    found = train_setting(BASE, inputs, targets, measured=own, **OPTIONS)
    for member in range(2):
        alone = train_setting(BASE, inputs, targets, measured=own[member], **OPTIONS)
        assert np.array_equal(found.after[member].energy, alone.after[member].energy)


def test_several_targets_have_an_output_each():
    inputs, targets = small_task()
    both = np.hstack([targets, -targets])
    found = train_setting(BASE, inputs, both, **OPTIONS)
    assert found.after[0].energy.shape[1] == 2


def test_a_setting_is_trained_as_far_as_it_is_told(tmp_path):
    inputs, targets = small_task()
    epochs = []
    found = train_setting(
        BASE,
        inputs,
        targets,
        tolerance=1e9,
        checkpoints=tmp_path,
        report=lambda epoch, _: epochs.append(epoch),
        **OPTIONS,
    )
    assert epochs == [1] and found.training.converged.all()
    assert len(list(tmp_path.glob("*.pt"))) == 1


def test_what_the_networks_or_the_training_refuse_is_refused():
    with pytest.raises(ValueError, match="activation is 'gelu'; choose one of relu"):
        train_setting(replace(BASE, activation="gelu"), *small_task(), **OPTIONS)
    with pytest.raises(ValueError, match="optimizer is 'lion'; choose one of sgd"):
        train_setting(replace(BASE, optimizer="lion"), *small_task(), **OPTIONS)
