"""Similarity of layers measured on the way is that of their recorded outputs."""

import copy
import re

import numpy as np
import pytest
import torch
from torch import nn

from repalign_utils import layer_similarity, record_layers
from repalign_utils.similarity import SimilarityStream, cka
from tests.networks.test_layerwise import Images, averaged, draw, network

N = 40
MEASURES = ["debiased_cka", "cka", "cca", "svcca", "pwcca", "minibatch_cka"]


def recorded(model, inputs):
    outputs = record_layers(model, inputs)
    return {
        k: (averaged(v) if v.ndim > 2 else v).double().numpy()
        for k, v in outputs.items()
    }


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("batch_size", [13, 40])
@pytest.mark.filterwarnings("ignore:canonical correlations of .* want of rows")
def test_one_pass_of_both_gives_the_similarity_of_recorded_layers(measure, batch_size):
    x, y, inputs = network(Images), network(Images, 5), draw(Images)
    found = layer_similarity(x, y, inputs, measure=measure, batch_size=batch_size)
    minibatch = measure == "minibatch_cka"
    stream = SimilarityStream(found.layers_x, found.layers_y, minibatch=minibatch)
    features = recorded(x, inputs), recorded(y, inputs)
    for start in range(0, N, batch_size):  # the last of 13, 13, 13 and 1 rows
        rows = slice(start, start + batch_size)
        stream.update(*({k: v[rows] for k, v in side.items()} for side in features))
    expected = stream.result(measure)
    assert found.layers_x == expected.layers_x == tuple(features[0])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_layers_are_compared_by_name_and_networks_may_differ():
    x, inputs = network(Images), draw(Images)
    y = nn.Sequential(nn.Flatten(), nn.Linear(72, 6), nn.Tanh()).float()
    found = layer_similarity(
        x, y, inputs, layers_x=["conv", "head"], layers_y="2", measure="cka"
    )
    assert (found.layers_x, found.layers_y) == (("conv", "head"), ("2",))
    expected = cka(recorded(x, inputs)["conv"], recorded(y, inputs)["2"])
    assert found["conv", "2"] == pytest.approx(expected, abs=1e-6)  # y is float32


def test_a_network_is_compared_with_itself_by_one_run_a_batch():
    x, inputs = network(Images), draw(Images)
    runs = []
    x.register_forward_hook(lambda *_: runs.append(1))
    alone, same = (layer_similarity(x, other, inputs) for other in (None, x))
    assert len(runs) == 2 * (2 + 1)  # two to find the axes, one of all rows
    twin = layer_similarity(x, copy.deepcopy(x), inputs)
    for found in (alone, same):
        np.testing.assert_allclose(found, twin, rtol=0, atol=1e-12)


def test_networks_and_their_modes_are_left_as_they_were():
    x, y = network(Images).train(), network(Images, 5).eval()
    layer_similarity(x, y, draw(Images))
    assert x.training and x.flat[1].training and not y.training
    assert not any(m._forward_hooks for net in (x, y) for m in net.modules())


def shared_stem():
    x, y = network(Images), network(Images, 5)
    y.stem = x.stem
    return layer_similarity(x, y, draw(Images))


def constant_layer():
    x, y = network(Images), network(Images, 5)
    nn.init.zeros_(y.head.weight)
    return layer_similarity(x, y, draw(Images))


WRONG = {
    "measure is 'CKA' but must be one of debiased_cka, cka, cca, svcca, pwcca, mini": (
        lambda: layer_similarity(network(Images), None, None, measure="CKA")
    ),
    "keep is 2 but must be above 0": (
        lambda: layer_similarity(network(Images), None, None, keep=2)
    ),
    "layers_y is given but there is one network; pass layers_x": (
        lambda: layer_similarity(network(Images), None, None, layers_y="head")
    ),
    "layer 'stem' of model_x is layer 'stem' of model_y too": shared_stem,
    "layer 'head' of y is the same in all 40 rows": constant_layer,
    "model_y: the model has no layer 'nose'; the nearest of its 9 are": (
        lambda: layer_similarity(
            network(Images), network(Images, 5), draw(Images), layers_y="nose"
        )
    ),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_compared_is_refused_by_name(text):
    with pytest.raises(ValueError, match=re.escape(text)):
        WRONG[text]()


def test_rows_are_told_as_they_are_done():
    told = []
    layer_similarity(
        network(Images),
        network(Images, 5),
        draw(Images),
        batch_size=16,
        report=lambda *rows: told.append(rows),
    )
    assert told == [(16, 40), (32, 40), (40, 40)]


def test_a_mask_leaves_positions_out_of_both():
    torch.manual_seed(0)
    x, y = (nn.Sequential(nn.Linear(4, 5), nn.GELU()).double() for _ in range(2))
    inputs = torch.randn(N, 6, 4, dtype=torch.float64)
    mask = torch.ones(N, 6, dtype=torch.bool)
    mask[:, 4:] = False
    found = layer_similarity(x, y, inputs, mask=mask)
    expected = layer_similarity(x, y, inputs[:, :4])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
