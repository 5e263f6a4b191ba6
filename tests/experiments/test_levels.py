"""Networks that stop at a loss, each as if it were trained alone."""

import re
from functools import partial

import numpy as np
import pytest
import torch

from repalign_utils.experiments import levels
from repalign_utils.experiments.levels import train_to_level

SIZES = torch.tensor([0.3, 0.1, 0.02])


def layers(parameters, x):
    hidden = torch.tanh(torch.bmm(x, parameters[0]))
    return [hidden, torch.bmm(hidden, parameters[1])]


def problem(members=3):
    draw = torch.Generator().manual_seed(0)
    shapes = [(members, 2, 6), (members, 6, 1), (members, 8, 2), (members, 8, 1)]
    *weights, x, y = (torch.randn(*s, generator=draw) for s in shapes)
    return weights, x, y


def trained(weights, x, y, **changes):
    options = {"step_sizes": SIZES[: len(x)], "level": 0.2, "epochs": 40}
    options["watch"] = answers
    return train_to_level(layers, weights, x, y, **options | changes)


def answers(outputs):
    return outputs[-1]


def losses(outputs, y):
    return ((outputs - y.numpy()) ** 2).mean((-2, -1)) / 2


def test_a_network_stops_where_its_loss_first_falls_below_the_level():
    weights, x, y = problem()
    found = trained(weights, x, y)
    assert 0 < found.reached.sum() < 3  # of some, or the level tells nothing
    for i, end in enumerate(found.epochs):
        course = losses(found.watched[: end + 1, i], y[i])
        assert (course[:-1] >= 0.2).all()
        assert (course[-1] < 0.2) == found.reached[i]
        assert np.isnan(found.watched[end + 1 :, i]).all()


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_a_network_is_trained_as_it_would_be_alone(optimizer):
    weights, x, y = problem()
    sizes = SIZES / 10 if optimizer == "adam" else SIZES
    together = trained(weights, x, y, optimizer=optimizer, step_sizes=sizes)
    for i in range(3):
        own = [w[i : i + 1] for w in weights]
        alone = trained(
            own,
            x[i : i + 1],
            y[i : i + 1],
            optimizer=optimizer,
            step_sizes=sizes[i : i + 1],
        )
        assert alone.epochs[0] == together.epochs[i]
        for one, all_ in zip(alone.parameters, together.parameters, strict=True):
            torch.testing.assert_close(one[0], all_[i])


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_the_steps_are_those_of_pytorch(optimizer):
    weights, x, y = problem(1)
    found = trained(weights, x, y, optimizer=optimizer, level=0.0, epochs=20)
    own = [w.clone().requires_grad_() for w in weights]
    momentum = {"momentum": 0.9} if optimizer == "momentum" else {}
    kind = torch.optim.Adam if optimizer == "adam" else torch.optim.SGD
    stepper = kind(own, lr=float(SIZES[0]), **momentum)
    for _ in range(20):
        stepper.zero_grad()
        ((layers(own, x)[-1] - y).square().mean() / 2).backward()
        stepper.step()
    for one, other in zip(found.parameters, own, strict=True):
        torch.testing.assert_close(one, other.detach())


def test_a_network_that_diverges_stops_and_has_not_got_there():
    weights, x, y = problem()
    linear = lambda p, x: [torch.bmm(torch.bmm(x, p[0]), p[1])]  # noqa: E731
    sizes = torch.tensor([0.01, 50.0, 0.01])
    found = train_to_level(
        linear,
        weights,
        x,
        y,
        step_sizes=sizes,
        level=0.0,
        epochs=30,
        watch=lambda outputs: outputs[-1],
    )
    assert found.epochs[1] < 30 and found.epochs[0] == found.epochs[2] == 30
    assert not found.reached.any()


def test_a_result_on_disk_is_read_and_not_made_again(tmp_path, monkeypatch):
    weights, x, y = problem()
    first = trained(weights, x, y, checkpoints=tmp_path)
    monkeypatch.setattr(levels, "_Run", None)  # nothing is trained again
    again = trained(weights, x, y, checkpoints=tmp_path)
    monkeypatch.undo()
    np.testing.assert_array_equal(again.watched, first.watched)
    assert (again.epochs == first.epochs).all()
    trained(weights, x, y, checkpoints=tmp_path, level=0.3)
    assert len(list(tmp_path.iterdir())) == 2


def test_results_of_functions_that_differ_in_what_is_bound_are_told_apart(tmp_path):
    def scaled(parameters, x, factor):
        return [factor * h for h in layers(parameters, x)]

    weights, x, y = problem()
    options = {"step_sizes": SIZES, "level": 0.2, "epochs": 5, "watch": answers}
    ends = [
        train_to_level(
            partial(scaled, factor=f), weights, x, y, checkpoints=tmp_path, **options
        ).watched[0]
        for f in (1, 2, 1)
    ]
    np.testing.assert_array_equal(ends[0], ends[2])
    np.testing.assert_allclose(ends[1], 2 * ends[0], rtol=1e-6)


def test_what_cannot_be_trained_is_refused_by_name():
    weights, x, y = problem()
    said = "optimizer is 'lion'; pass one of adam, momentum, sgd"
    with pytest.raises(ValueError, match=said):
        trained(weights, x, y, optimizer="lion")
    said = "step_sizes have shape (2,) but there are 3 networks; pass one step size"
    with pytest.raises(ValueError, match=re.escape(said)):
        trained(weights, x, y, step_sizes=SIZES[:2])
