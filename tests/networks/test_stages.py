"""Stages are layers that exist, in the order in which the data pass through them."""

import pytest
import torch
from torch import nn

from repalign_utils import layer_alignment
from repalign_utils.networks.building import build
from repalign_utils.networks.ensembles import MLPEnsemble
from repalign_utils.networks.names import head, stages
from repalign_utils.networks.outputs import last_hidden

IMAGES = torch.rand(12, 3, 32, 32, generator=torch.Generator().manual_seed(0))
TARGETS = [1.0, -1.0] * 6
NETWORKS = {
    "small_resnet": ["stem", *[f"block {i}" for i in range(1, 5)]],
    "resnet18": ["stem", *[f"block {i}" for i in range(1, 9)]],
    "small_vit": ["patches", *[f"block {i}" for i in range(1, 5)], "last"],
}
every_network = pytest.mark.parametrize("name", NETWORKS)


@pytest.mark.parametrize(
    ("depth", "activation"), [(1, "relu"), (3, "prelu"), (2, "linear")]
)
def test_hidden_layers_of_a_perceptron_are_those_of_the_ensemble(depth, activation):
    networks = MLPEnsemble(
        6, width=7, depth=depth, members=2, activation=activation, hidden_bias=False
    )
    member, x = networks.member(1), IMAGES.flatten()[:60].reshape(10, 6)
    found = stages(member)
    assert list(found) == [*[f"hidden {i + 1}" for i in range(depth)], "output"]
    modules = dict(member.named_modules())
    for (label, name), expected in zip(found.items(), networks.hidden(x), strict=False):
        places = int(name) + 1
        torch.testing.assert_close(member[:places](x), expected[1]), label
    assert modules[found["output"]] is member


@every_network
def test_stages_of_a_network_have_these_labels(name):
    assert list(stages(build(name, 2))) == [*NETWORKS[name], "output"]


def test_stages_of_a_wrapped_network_are_those_of_the_plain_one():
    model = build("small_resnet", 2)
    assert stages(nn.DataParallel(model)) == stages(model)


@every_network
def test_data_pass_through_the_stages_in_their_order(name):
    model, met = build(name, 2).eval(), []
    modules = dict(model.named_modules())
    for label, layer in stages(model).items():
        modules[layer].register_forward_hook(lambda *_, label=label: met.append(label))
    model(IMAGES[:2])
    assert met == list(stages(model))


@every_network
def test_every_stage_can_be_measured(name):
    model = build(name, 2)
    found = layer_alignment(model, IMAGES, TARGETS, stages(model).values())
    assert all(0 <= a.area()[0] <= 1 for a in found.values())


@every_network
def test_the_last_stage_before_the_output_is_what_the_head_is_given(name):
    model = build(name, 2, seed=3).eval()
    layer = dict(model.named_modules())[list(stages(model).values())[-2]]
    caught = []
    layer.register_forward_hook(lambda _m, _i, output: caught.append(output.detach()))
    expected = torch.from_numpy(last_hidden(model, IMAGES))
    given = caught[-1].flatten(2).mean(2) if caught[-1].ndim == 4 else caught[-1]
    assert given.shape[1] == head(model)[1].in_features
    torch.testing.assert_close(given, expected)


@pytest.mark.parametrize(
    "model, children",
    [
        (nn.Linear(3, 2), "no layers inside"),
        (nn.Sequential(nn.Linear(3, 2)), "0"),
        (nn.Sequential(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), nn.ReLU()), "0, 1"),
        (nn.ModuleDict({"one": nn.Linear(3, 2), "two": nn.ReLU()}), "one, two"),
    ],
    ids=["linear", "no hidden layer", "nested", "other"],
)
def test_another_kind_of_network_is_refused_with_its_layers(model, children):
    text = (
        f"^{type(model).__name__} is no multilayer perceptron, residual network, "
        f"vision transformer; name its layers yourself, it has {children}$"
    )
    with pytest.raises(ValueError, match=text):
        stages(model)
