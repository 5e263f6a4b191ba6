"""Training many networks at once equals training each alone, interrupted or not."""

import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from repalign_utils.training import ensembles as training
from repalign_utils.training.ensembles import fit
from tests.small_networks import networks, small_task

PLAIN = {
    "sgd": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
# A step with which each optimiser learns the small task in some hundred epochs.
STEPS = {"sgd": 0.5, "momentum": 0.1, "rmsprop": 1e-2, "adam": 1e-2, "adamw": 1e-2}
every_optimizer = pytest.mark.parametrize("optimizer", PLAIN)


def train_alone(
    network, inputs, targets, *, seed, epochs, loss, optimizer, step_size, batch_size
):
    """The plain loop: one network, PyTorch's own loss and optimiser."""
    criterion = nn.MSELoss() if loss == "squared" else nn.BCEWithLogitsLoss()
    targets = targets if loss == "squared" else (targets + 1) / 2
    plain = PLAIN[optimizer](network.parameters(), lr=step_size)
    order = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for rows in torch.randperm(len(inputs), generator=order).split(batch_size):
            plain.zero_grad()
            criterion(network(inputs[rows]), targets[rows]).backward()
            plain.step()


def assert_same(mine, theirs, rtol, atol):
    for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=rtol, atol=atol)


@pytest.mark.parametrize("loss", ["logistic", "squared"])
@every_optimizer
def test_each_member_equals_the_same_network_trained_alone(loss, optimizer):
    equals_alone(networks(), loss=loss, optimizer=optimizer, step_size=1e-2)


@pytest.mark.parametrize("hidden_bias", [True, False])
@pytest.mark.parametrize("activation", ["tanh", "leaky_relu", "prelu", "linear"])
def test_so_it_does_with_other_layers(activation, hidden_bias):
    ensemble = networks(activation=activation, hidden_bias=hidden_bias)
    start = [slope.clone() for slope in ensemble.slopes]
    equals_alone(ensemble, loss="logistic", optimizer="adam", step_size=1e-2)
    for before, after in zip(start, ensemble.slopes, strict=True):
        assert (before != after).all()


def equals_alone(ensemble, **options):
    inputs, targets = small_task()
    options["batch_size"] = 16
    alone = [ensemble.member(i) for i in range(3)]
    fit(ensemble, inputs, targets, max_epochs=5, tolerance=0, seed=7, **options)
    for i, network in enumerate(alone):
        x, y = torch.tensor(inputs), torch.tensor(targets)
        train_alone(network, x, y, seed=7 + i, epochs=5, **options)
        assert_same(ensemble.member(i), network, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("activation", ["relu", "prelu"])
@every_optimizer
def test_a_member_that_converged_is_frozen_and_the_others_go_on_unchanged(
    optimizer, activation
):
    inputs, targets = small_task(n=20)
    per_member = np.stack([targets, np.random.default_rng(1).permutation(targets)])
    options = {"loss": "logistic", "tolerance": 0.2, "seed": 3, "max_epochs": 400}
    options |= {"optimizer": optimizer, "step_size": STEPS[optimizer]}
    together = networks(members=2, activation=activation)
    training = fit(together, inputs, per_member, **options)
    assert training.converged.all()
    assert training.epochs[0] != training.epochs[1], "the test needs different stops"
    for i in range(2):
        alone = networks(members=1, seed=i, activation=activation)
        options["seed"] = 3 + i
        other = fit(alone, inputs, per_member[i], **options)
        assert other.epochs[0] == training.epochs[i]
        assert_same(together.member(i), alone.member(0), rtol=1e-8, atol=1e-10)


def test_training_reports_losses_epochs_and_who_converged():
    inputs, targets = small_task(n=20)
    ensemble = networks(members=2)
    seen = []
    training = fit(
        ensemble,
        inputs,
        targets,
        loss="squared",
        max_epochs=4,
        tolerance=0,
        report=lambda epoch, losses: seen.append(epoch),
    )
    assert seen == [1, 2, 3, 4]
    assert training.losses.shape == (4, 2)
    assert (training.epochs == 4).all() and not training.converged.any()
    np.testing.assert_array_equal(training.final_losses(), training.losses[-1])


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    inputs, targets = small_task()

    def trained(seed):
        ensemble = networks(members=1, seed=seed, dtype=torch.float32)
        fit(ensemble, inputs, targets, loss="logistic", max_epochs=3, seed=seed)
        return ensemble.weights[0].detach()

    assert torch.equal(trained(0), trained(0))
    assert not torch.equal(trained(0), trained(1))


KILLED = """
from repalign_utils.training import ensembles as training
from tests.small_networks import networks, small_task
training.SAVE_EVERY = 0  # seconds: after every epoch
inputs, targets = small_task()
def report(epoch, losses):
    print(epoch, flush=True)
training.fit(networks(), inputs, targets, loss="logistic", max_epochs=1000,
             tolerance=0, checkpoints={folder!r}, report=report)
"""


def test_a_killed_training_goes_on_to_the_weights_of_an_unbroken_one(tmp_path):
    code = KILLED.format(folder=str(tmp_path))
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 5:
                break
        time.sleep(0.05)  # somewhere within a save or an epoch
        process.send_signal(signal.SIGKILL)
    inputs, targets = small_task()
    options = {"loss": "logistic", "max_epochs": 1000, "tolerance": 0}
    resumed, unbroken, epochs = networks(), networks(), []
    fit(
        resumed,
        inputs,
        targets,
        checkpoints=tmp_path,
        report=lambda epoch, _: epochs.append(epoch),
        **options,
    )
    fit(unbroken, inputs, targets, **options)
    assert epochs[0] >= 5, "it started again instead of going on"
    for mine, theirs in zip(resumed.parameters(), unbroken.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_a_finished_training_is_read_back_and_other_data_is_not(tmp_path):
    inputs, targets = small_task()
    options = {"loss": "logistic", "max_epochs": 3, "checkpoints": tmp_path}
    first, again, other = networks(), networks(), networks()
    fit(first, inputs, targets, **options)
    epochs = []
    options["report"] = lambda epoch, _: epochs.append(epoch)
    assert (fit(again, inputs, targets, **options).epochs == 3).all()
    assert not epochs and torch.equal(first.weights[0], again.weights[0])
    fit(other, inputs + 1e-9, targets, **options)
    assert epochs == [1, 2, 3]


@every_optimizer
def test_an_interrupted_training_goes_on_with_its_optimizer(
    optimizer, tmp_path, monkeypatch
):
    inputs, targets = small_task()
    options = {"loss": "logistic", "max_epochs": 6, "tolerance": 0}
    options |= {"optimizer": optimizer, "step_size": STEPS[optimizer]}
    resumed, unbroken = (networks(activation="prelu") for _ in range(2))

    def interrupt(epoch, losses):
        if epoch == 4:  # reported before it is saved: three epochs are kept
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "SAVE_EVERY", 0)
    with pytest.raises(KeyboardInterrupt):
        broken = networks(activation="prelu")
        fit(broken, inputs, targets, checkpoints=tmp_path, report=interrupt, **options)
    epochs = []
    options["report"] = lambda epoch, _: epochs.append(epoch)
    fit(resumed, inputs, targets, checkpoints=tmp_path, **options)
    assert epochs == [4, 5, 6]
    fit(unbroken, inputs, targets, **options)
    assert_same(resumed, unbroken, rtol=0, atol=0)


def test_each_optimizer_has_a_checkpoint_of_its_own(tmp_path):
    inputs, targets = small_task()
    options = {"loss": "logistic", "max_epochs": 1, "checkpoints": tmp_path}
    for optimizer in PLAIN:
        fit(networks(), inputs, targets, optimizer=optimizer, **options)
    assert len(list(tmp_path.glob("*.pt"))) == len(PLAIN)


def test_a_longer_training_is_not_taken_for_a_shorter_one(tmp_path):
    inputs, targets = small_task()
    options = {"loss": "logistic", "checkpoints": tmp_path}
    fit(networks(), inputs, targets, max_epochs=4, **options)
    shorter = fit(networks(), inputs, targets, max_epochs=2, **options)
    assert (shorter.epochs == 2).all()


def test_a_damaged_checkpoint_is_named(tmp_path):
    inputs, targets = small_task()
    options = {"loss": "logistic", "max_epochs": 1, "checkpoints": tmp_path}
    fit(networks(), inputs, targets, **options)
    (path,) = tmp_path.glob("*.pt")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=f"{path.name} cannot be read.*; delete it"):
        fit(networks(), inputs, targets, **options)


def test_a_loss_that_is_not_finite_names_member_epoch_and_remedy():
    inputs, targets = small_task()
    with pytest.raises(
        FloatingPointError,
        match=r"member 0 has loss (inf|nan) in epoch \d+; lower the step size "
        r"\(now 1e\+200\)",
    ):
        fit(networks(), inputs, targets, loss="squared", step_size=1e200)


def test_too_little_memory_names_the_batch_the_members_and_a_smaller_batch(
    monkeypatch,
):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    ensemble = networks()
    monkeypatch.setattr(ensemble, "layers", full)
    message = "no memory left for 3 members with batch_size 50; try batch_size 25, or"
    with pytest.raises(RuntimeError, match=f"{message} fewer members$"):
        fit(ensemble, *small_task(), loss="squared", batch_size=50)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"targets": np.zeros((49, 1))},
            "inputs have shape (50, 6) and targets (3, 49, 1); expected (n, 6) and "
            "(n, k) or (3, 50, 1)",
        ),
        (
            {"inputs": np.zeros((50, 7))},
            "inputs have shape (50, 7) and targets (3, 50, 1); expected (n, 6) and "
            "(n, k) or (3, 50, 1)",
        ),
        ({"loss": "hinge"}, "loss is 'hinge'; choose one of logistic, squared"),
        (
            {"optimizer": "lion"},
            "optimizer is 'lion'; choose one of sgd, momentum, rmsprop, adam, adamw",
        ),
        (
            {"targets": np.zeros((50, 1))},
            "logistic loss needs targets -1 and +1; map labels by 2 y - 1",
        ),
        ({"batch_size": 0}, "batch_size is 0; it must be at least 1"),
        ({"max_epochs": 0}, "max_epochs is 0; it must be at least 1"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(change, message):
    inputs, targets = small_task()
    given = {"inputs": inputs, "targets": targets, "loss": "logistic", **change}
    with pytest.raises(ValueError, match=re.escape(message)):
        fit(networks(), **given)
