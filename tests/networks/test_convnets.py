"""Networks from words: what is built, and what is refused."""

import pytest
import torch

from repalign_utils import convnet


@pytest.mark.parametrize(
    ("layers", "shapes"),
    [
        ("c4 c4 bn p c6 p f8 bn", {"p1": (4, 4, 4), "c3": (6, 4, 4), "bn2": (8,)}),
        ("cb4 cb6/2 cb6/2", {"c2": (6, 4, 4), "c3": (6, 2, 2), "mean": (6,)}),
    ],
)
def test_each_word_is_a_layer_of_the_size_that_it_says(layers, shapes):
    net = convnet(layers, 3, size=8, channels=2).eval()
    h, found = torch.randn(5, 2, 8, 8), {}
    for name, module in net.named_children():
        found[name] = h = module(h)
    assert {name: tuple(found[name].shape[1:]) for name in shapes} == shapes
    assert found["logits"].shape == (5, 3)


def test_a_seed_gives_the_weights_and_leaves_the_global_generator():
    torch.manual_seed(1)
    one, two, other = (convnet("c4 f8", 3, size=4, seed=s) for s in (0, 0, 1))
    drawn = torch.rand(1)
    torch.manual_seed(1)
    assert drawn == torch.rand(1)
    assert torch.equal(one.c1[0].weight, two.c1[0].weight)
    assert not torch.equal(one.c1[0].weight, other.c1[0].weight)


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ("", "layers is empty; pass words such as 'c8"),
        ("c8 x3", "layer 'x3' is none of ours; pass words as 'c8"),
        ("c0", "layer 'c0' is none of ours; pass words as 'c8"),
        ("f8 c4", "layer 'c4' comes after a fully connected one, which has no pixels;"),
        ("p p p p", "p p p p: no pixel is left to pool"),
    ],
)
def test_words_that_make_no_network_are_refused_by_name(layers, said):
    with pytest.raises(ValueError, match=said):
        convnet(layers, 2, size=8)
