"""A member of an ensemble is the network that PyTorch would make."""

import pytest
import torch
from torch import nn

from repalign_utils.networks.ensembles import MLPEnsemble
from tests.small_networks import networks, small_task

MODULES = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "leaky_relu": nn.LeakyReLU,
    "prelu": nn.PReLU,
    "linear": nn.Identity,
}


def by_pytorch(depth, activation, hidden_bias):
    """The stack of layers 6-8-...-8-1 as one writes it with torch.nn."""
    sizes, layers = [6, *[8] * depth], []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(fan_in, fan_out, bias=hidden_bias)]
        layers += [MODULES[activation]()]
    return nn.Sequential(*layers, nn.Linear(8, 1))


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("activation", MODULES)
@pytest.mark.parametrize("hidden_bias", [True, False])
def test_a_member_starts_as_pytorch_would_start_it(depth, activation, hidden_bias):
    options = {"activation": activation, "hidden_bias": hidden_bias}
    ensemble = networks(depth=depth, seed=5, dtype=torch.float32, **options)
    torch.manual_seed(5 + 2)
    theirs, mine = by_pytorch(depth, **options), ensemble.member(2)
    assert [type(m) for m in mine] == [type(t) for t in theirs]
    assert mine.state_dict().keys() == theirs.state_dict().keys()
    for name, value in theirs.state_dict().items():
        assert torch.equal(mine.state_dict()[name], value), name


@pytest.mark.parametrize("activation", MODULES)
@pytest.mark.parametrize("hidden_bias", [True, False])
def test_a_member_computes_what_the_ensemble_computes(activation, hidden_bias):
    ensemble = networks(activation=activation, hidden_bias=hidden_bias)
    with torch.no_grad():  # as if trained: each member and layer by itself
        for i, slope in enumerate(ensemble.slopes):
            slope += torch.tensor([0.1, -0.4, 0.3]).reshape(3, 1, 1) * (i + 1)
    inputs = torch.tensor(small_task()[0])
    together = ensemble(inputs)
    for i in range(3):
        torch.testing.assert_close(together[i], ensemble.member(i)(inputs))
        torch.testing.assert_close(
            ensemble.hidden(inputs)[-1][i], ensemble.member(i)[:-1](inputs)
        )


def test_the_slopes_of_prelu_are_learnt_and_kept():
    ensemble = networks(activation="prelu")
    ensemble(torch.tensor(small_task()[0])).sum().backward()
    assert len(ensemble.slopes) == 2
    for slope in ensemble.slopes:
        assert (slope == 0.25).all() and (slope.grad != 0).all()
    assert {"slopes.0", "slopes.1"} <= ensemble.state_dict().keys()
    assert len(list(ensemble.parameters())) == 3 + 3 + 2


@pytest.mark.parametrize("name", ["width", "depth", "members"])
def test_a_size_below_one_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} is 0; it must be at least 1"):
        MLPEnsemble(6, **{name: 0})


@pytest.mark.parametrize("given", [nn.GELU, nn.ELU(0.5), torch.sin])
def test_an_activation_of_ones_own_is_taken(given):
    ensemble, inputs = networks(activation=given), torch.tensor(small_task()[0])
    function = given() if given is nn.GELU else given
    together, first = ensemble(inputs), ensemble.hidden(inputs)[0]
    for i in range(3):
        torch.testing.assert_close(together[i], ensemble.member(i)(inputs))
        linear = ensemble.member(i)[0]
        torch.testing.assert_close(first[i], function(linear(inputs)).detach())


def test_activations_of_ones_own_are_told_apart():
    labels = {networks(activation=a).activation for a in (nn.ELU(0.5), nn.ELU(0.6))}
    labels |= {networks(activation=lambda z, k=k: z**k).activation for k in (2, 3)}
    assert len(labels) == 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "gelu",
            "activation is 'gelu'; choose one of relu, tanh, leaky_relu, prelu, l",
        ),
        (3, "activation is 3; choose one of relu, .*, or pass a function or module"),
        (nn.PReLU, "activation PReLU has weights of its own, .*; pass one without, or"),
        (nn.Softmax(0), "activation Softmax gives .* or mixes rows; pass one that"),
        (nn.Dropout(0.5), "activation Dropout gives .* or other numbers each time"),
        (nn.Threshold, "activation is the class Threshold, which needs arguments"),
    ],
)
def test_an_activation_that_does_not_keep_members_apart_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        networks(activation=given)
