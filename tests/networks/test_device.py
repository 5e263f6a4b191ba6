"""Devices and precisions by name."""

import pytest
import torch

from repalign_utils.networks.device import Compute, choose_device


def test_devices_by_name():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(ValueError, match="device is 'gpu'; expected auto, cpu, cuda"):
        choose_device("gpu")
    missing = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(ValueError, match=f"device is '{missing}' but this machine has"):
        choose_device(missing)


def test_a_device_or_precision_that_is_not_there_is_refused_at_once():
    with pytest.raises(ValueError, match="device is 'gpu'; expected auto, cpu, cuda"):
        Compute("gpu")
    with pytest.raises(
        ValueError, match="precision is 'float8'; choose one of float32"
    ):
        Compute(precision="float8")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_products_are_computed_in_the_precision(precision):
    x = torch.ones(2, 2)
    with Compute("cpu", precision).autocast():
        assert (x @ x).dtype == getattr(torch, precision)
