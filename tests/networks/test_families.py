"""All layers of the common classifiers are measured, with default arguments."""

import warnings

import numpy as np
import pytest
import timm
import torch
import torchvision
from torch import nn

from repalign_utils import alignment, layer_alignment, record_layers

# Library, smallest of the family, size of the images, what makes it smaller still.
SHALLOW = {"depths": (1, 1, 1, 1)}
ONE = {"depth": 1}
FAMILIES = [
    ("torchvision", "alexnet", 64, {}),
    ("torchvision", "googlenet", 32, {"init_weights": False}),
    ("torchvision", "mnasnet0_5", 32, {}),
    ("torchvision", "mobilenet_v2", 32, {"width_mult": 0.25}),
    ("torchvision", "mobilenet_v3_small", 32, {"width_mult": 0.5}),
    ("torchvision", "regnet_y_400mf", 32, {}),
    ("torchvision", "resnet18", 32, {}),
    ("torchvision", "shufflenet_v2_x0_5", 32, {}),
    ("torchvision", "squeezenet1_1", 32, {}),
    ("torchvision", "swin_t", 32, {}),
    ("timm", "beit_base_patch16_224", 32, ONE),
    ("timm", "cait_xxs24_224", 32, {**ONE, "depth_token_only": 1}),
    ("timm", "convit_tiny", 32, {**ONE, "local_up_to_layer": 1}),
    ("timm", "convmixer_768_32", 32, {}),
    ("timm", "convnext_atto", 32, SHALLOW),
    ("timm", "davit_tiny", 32, SHALLOW),
    ("timm", "deit_tiny_distilled_patch16_224", 32, ONE),
    ("timm", "densenet121", 32, {"block_config": (1, 1, 1, 1)}),
    ("timm", "edgenext_xx_small", 64, SHALLOW),
    ("timm", "efficientformer_l1", 224, SHALLOW),
    ("timm", "eva02_tiny_patch14_224", 28, ONE),
    ("timm", "ghostnet_050", 32, {}),
    ("timm", "gmlp_ti16_224", 32, {}),
    ("timm", "inception_next_atto", 64, SHALLOW),
    ("timm", "lcnet_035", 32, {}),
    ("timm", "levit_128s", 224, {"depth": (1, 1, 1)}),
    ("timm", "mixer_s32_224", 64, {}),
    ("timm", "mobilevit_xxs", 64, {}),
    ("timm", "nf_regnet_b0", 32, {}),
    ("timm", "pit_ti_224", 64, {"depth": (1, 1, 1)}),
    ("timm", "pvt_v2_b0", 32, SHALLOW),
    ("timm", "repvgg_a0", 32, {}),
    ("timm", "resmlp_12_224", 32, {}),
    ("timm", "rexnet_100", 32, {}),
    ("timm", "skresnet18", 32, {}),
    ("timm", "swin_tiny_patch4_window7_224", 56, SHALLOW),
    ("timm", "twins_svt_small", 64, SHALLOW),
    ("timm", "vit_tiny_patch16_224", 32, ONE),
    ("timm", "xcit_nano_12_p16_224", 32, {"depth": 1}),
    ("timm", "dla34", 32, {}),
    ("timm", "eca_resnet33ts", 64, {}),
    ("timm", "lambda_resnet26t", 64, {}),
]


def built(library, name, size, options):
    if library == "torchvision":
        return torchvision.models.get_model(
            name, weights=None, num_classes=2, **options
        )
    try:
        return timm.create_model(name, num_classes=2, img_size=size, **options)
    except TypeError:  # of a network that takes images of any size
        return timm.create_model(name, num_classes=2, **options)


def layer_of(model, name):
    return model.get_submodule(name.partition("#")[0])


def mean_by_hand(layer, output):
    if output.ndim < 3:
        return output
    return output.mean((2, 3)) if isinstance(layer, nn.Conv2d) else output.mean(1)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family[1])
def test_every_layer_is_measured_or_listed(family):
    torch.manual_seed(0)
    model = built(*family)
    images, targets = torch.rand(3, 3, *[family[2]] * 2), [1.0, -1.0, 1.0]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = layer_alignment(model, images, targets)
    leaves = [k for k, m in model.named_modules() if not any(m.children())]
    listed = " ".join(str(w.message) for w in caught if "left out" in str(w.message))
    left_out = {name.strip(",;()") for name in listed.split()} & set(leaves)
    assert {name.partition("#")[0] for name in found} | left_out == set(leaves)
    assert len(found) > len(leaves) / 3

    maps = [k for k in found if isinstance(layer_of(model, k), nn.Conv2d)]
    heads = [k for k in found if isinstance(layer_of(model, k), nn.Linear)][-1:]
    some = [*maps[:1], *maps[-1:], *heads]
    for name, output in record_layers(model, images, some).items():
        expected = alignment(
            mean_by_hand(layer_of(model, name), output).double(), targets
        )
        np.testing.assert_allclose(found[name].area(), expected.area(), rtol=1e-4)


def test_forty_families_are_tried():
    assert len({name.partition("_")[0] for _, name, _, _ in FAMILIES}) >= 40
