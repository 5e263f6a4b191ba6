"""A member of an ensemble is the network that PyTorch would make."""

import pytest
import torch
from torch import nn

from repalign_utils.ensemble import MLPEnsemble, choose_device
from tests.small_networks import networks, small_task


@pytest.mark.parametrize("depth", [1, 3])
def test_a_member_starts_as_pytorch_would_start_it(depth):
    ensemble = networks(depth=depth, seed=5, dtype=torch.float32)
    torch.manual_seed(5 + 2)
    sizes = [6, *[8] * depth, 1]
    linears = [nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False)]
    ours = [layer for layer in ensemble.member(2) if isinstance(layer, nn.Linear)]
    for mine, theirs in zip(ours, linears, strict=True):
        torch.testing.assert_close(mine.weight, theirs.weight)
        torch.testing.assert_close(mine.bias, theirs.bias)


@pytest.mark.parametrize("activation", ["relu", "tanh", "leaky_relu", "linear"])
def test_a_member_computes_what_the_ensemble_computes(activation):
    ensemble = networks(activation=activation)
    inputs = torch.tensor(small_task()[0])
    together = ensemble(inputs)
    for i in range(3):
        torch.testing.assert_close(together[i], ensemble.member(i)(inputs))
        torch.testing.assert_close(
            ensemble.hidden(inputs)[-1][i], ensemble.member(i)[:-1](inputs)
        )


@pytest.mark.parametrize("name", ["width", "depth", "members"])
def test_a_size_below_one_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} is 0; it must be at least 1"):
        MLPEnsemble(6, **{name: 0})


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="activation is 'gelu'; choose one of relu, t"):
        networks(activation="gelu")


def test_devices_by_name():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(ValueError, match="device is 'gpu'; expected auto, cpu, cuda"):
        choose_device("gpu")
    missing = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(ValueError, match=f"device is '{missing}' but this machine has"):
        choose_device(missing)
