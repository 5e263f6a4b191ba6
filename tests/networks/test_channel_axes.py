"""The axis of the channels is followed as NumPy would move it, or given up."""

import pytest
import torch
from torch.nn import functional as F

from repalign_utils.networks.channel_axes import ChannelAxes

MAPS, TOKENS = torch.rand(2, 3, 5, 7), torch.rand(2, 5, 3)
KERNEL, WEIGHT = torch.rand(4, 3, 1, 1), torch.rand(4, 3)


def followed(x, layer, change):
    with ChannelAxes() as axes:
        result = change(layer(x))
        result = result[0] if isinstance(result, tuple) else result
    return axes.of(result)


def convolved(change):
    return followed(MAPS, lambda x: F.conv2d(x, KERNEL), change)  # (2, 4, 5, 7)


def projected(change):
    return followed(TOKENS, lambda x: F.linear(x, WEIGHT), change)  # (2, 5, 4)


@pytest.mark.parametrize(
    ("change", "axis"),
    [
        (lambda x: x, 1),
        (lambda x: F.relu(x) + 1, 1),
        (lambda x: x + x.mean((2, 3), keepdim=True), 1),
        (lambda x: x.permute(0, 2, 3, 1), 3),
        (lambda x: x.permute(0, 2, 3, 1).flatten(1, 2), 2),
        (lambda x: x.flatten(2).transpose(1, 2), 2),
        (lambda x: x.flatten(2).mT, 2),
        (lambda x: x.movedim(1, -1), 3),
        (lambda x: x.unsqueeze(0).squeeze(0).unsqueeze(-1), 1),
        (lambda x: x.mean(3), 1),
        (lambda x: x.permute(2, 0, 1, 3).sum(0), 1),
        (lambda x: x[:, :, 0], 1),
        (lambda x: x[:, 1:, ::2], 1),
        (lambda x: x.chunk(2, 1), 1),
        (lambda x: torch.cat([x, x], 1), 1),
        (lambda x: F.max_pool2d(x, 2), 1),
        (lambda x: F.pad(x, (1, 1)), 1),
        (lambda x: x.flatten(2).mean(2).view(2, 1, 4), 2),
        (lambda x: torch.relu_(x).transpose(1, 3).add_(1), 3),
        (lambda x: x.reshape(2, 2, 2, 5, 7), None),  # split into groups
        (lambda x: x.flatten(1, 2), None),  # merged with positions
        (lambda x: x.mean(1), None),
        (lambda x: torch.einsum("ncij->nijc", x), None),
        (lambda x: F.relu(x.reshape(2, 2, 2, 5, 7)), None),
        (lambda x: F.conv2d(x.reshape(2, 2, 2, 35), KERNEL[:, :2]), 1),
    ],
)
def test_from_a_convolution_on(change, axis):
    assert convolved(change) == axis


@pytest.mark.parametrize(
    ("change", "axis"),
    [
        (lambda x: x, 2),
        (lambda x: F.layer_norm(x, (4,)), 2),
        (lambda x: x.transpose(0, 1), 2),
        (lambda x: F.linear(x.transpose(1, 2), torch.rand(6, 5)), 1),  # over positions
        (lambda x: x.transpose(1, 2).reshape(2, 4, 5, 1), 1),
        (lambda x: torch.softmax(x @ x.transpose(1, 2), -1), None),  # of attention
        (lambda x: torch.rand(2, 6, 5) @ x, 2),
        (lambda x: x @ torch.rand(4, 9), 2),
        (lambda x: x.view(10, 4).view(2, 5, 4), 2),
        (lambda x: x.view(2, 5, 2, 2).transpose(1, 2), None),  # heads
        (
            lambda x: F.linear(
                x.view(2, 5, 2, 2).flatten(2), WEIGHT[:, :1].T.T @ x[0, :1]
            ),
            2,
        ),
        (lambda x: x.flip(1).roll(1, 1), 2),
    ],
)
def test_from_a_linear_layer_on(change, axis):
    assert projected(change) == axis


@pytest.mark.parametrize("kind", ["lstm", "gru", "attention"])
def test_recurrent_layers_and_attention_put_channels_last(kind):
    layers = {
        "lstm": torch.nn.LSTM(3, 6, batch_first=True),
        "gru": torch.nn.GRU(3, 6),
        "attention": torch.nn.MultiheadAttention(3, 1),
    }
    layer = layers[kind]
    with ChannelAxes() as axes:
        x = (TOKENS,) * 3 if kind == "attention" else (TOKENS,)
        found = layer(*x)[0]
    assert axes.of(found) == 2


def test_what_was_given_to_no_layer_has_no_axis():
    with ChannelAxes() as axes:
        x = MAPS + 0
        given = F.relu(x)
        F.conv2d(given, KERNEL)
    assert axes.of(x) is None
    assert axes.of(given) == 1  # as the convolution took it
