"""Weights from files as people have them, or one sentence on what is wrong."""

import argparse

import numpy as np
import pytest
import torch
from safetensors.torch import save_file, save_model
from torch import nn

from repalign_utils.networks.weights import load_weights


def network(seed=0, classes=3):
    torch.manual_seed(seed)
    body = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU())
    model = nn.Sequential()
    model.add_module("body", body)
    model.add_module("fc", nn.Linear(5, classes))
    return model


def equal(one, other):
    return all(
        torch.equal(v, other.state_dict()[k]) for k, v in one.state_dict().items()
    )


@pytest.fixture
def saved(tmp_path):
    """Function that saves something and gives the file."""

    def save(found, name="a.pt", **options):
        torch.save(found, tmp_path / name, **options)
        return tmp_path / name

    return save


@pytest.mark.parametrize(
    "prefix", ["", "module.", "_orig_mod.module.", "model._orig_mod.", "net.backbone."]
)
def test_names_are_matched_behind_any_prefix(saved, prefix):
    path = saved({prefix + k: v for k, v in network(1).state_dict().items()})
    assert equal(load_weights(network(2), path), network(1))


@pytest.mark.parametrize(
    "keys", [["net"], ["state_dict"], ["model", "state_dict"], ["ema"], ["my_network"]]
)
def test_a_state_dict_is_found_within_a_checkpoint(saved, keys):
    found = network(1).state_dict()
    for key in reversed(keys):
        found = {"epoch": 3, "best": np.float64(0.5), key: found}
    found["args"] = argparse.Namespace(lr=0.1)
    assert equal(load_weights(network(2), saved(found)), network(1))


def test_the_trained_weights_go_before_their_average_unless_it_is_named(saved):
    path = saved({"ema": network(1).state_dict(), "model": network(2).state_dict()})
    assert equal(load_weights(network(3), path), network(2))
    assert equal(load_weights(network(3), path, part="ema"), network(1))


def test_of_two_networks_that_fit_one_must_be_named(saved):
    both = {
        f"{name}.{k}": v
        for name, seed in (("student", 1), ("teacher", 2))
        for k, v in network(seed).state_dict().items()
    }
    path = saved(both)
    with pytest.raises(ValueError, match=r"hold 2 .* \(student, teacher\); say which"):
        load_weights(network(3), path)
    assert equal(load_weights(network(3), path, part="teacher"), network(2))
    with pytest.raises(ValueError, match="no part 'pupil' .* name student, teacher"):
        load_weights(network(3), path, part="pupil")


def test_a_wrapped_network_gets_the_weights_of_the_plain_one(saved):
    model = network(2)
    load_weights(nn.DataParallel(model), saved(network(1).state_dict()))
    assert equal(model, network(1))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.out = nn.Embedding(6, 4), nn.Linear(4, 6, bias=False)
        self.out.weight = self.embed.weight


def test_tied_tensors_are_kept_once_or_twice(saved, tmp_path):
    model = Tied()
    save_model(model, str(tmp_path / "once.safetensors"))  # keeps one of the two names
    for path in (tmp_path / "once.safetensors", saved(model.state_dict())):
        found = load_weights(Tied(), path)
        assert torch.equal(found.out.weight, model.out.weight)
        assert found.out.weight is found.embed.weight


def test_an_old_file_without_the_counters_of_batch_norm_is_read(saved):
    state = network(1).state_dict()
    del state["body.1.num_batches_tracked"]
    assert equal(load_weights(network(2), saved(state)), network(1))


def test_the_head_may_differ_where_only_features_are_asked_for(saved):
    ten, without = network(1, classes=10), network(1)
    without.fc = nn.Identity()
    for file, model in ((ten, network(2)), (without, network(2)), (ten, without)):
        path, head = saved(file.state_dict()), model.fc
        load_weights(model, path, features_only=True)
        assert equal(model.body, file.body) and model.fc is head
    with pytest.raises(ValueError, match="in its head alone, which features_only=True"):
        load_weights(network(2), saved(ten.state_dict()))
    wider = {**ten.state_dict(), "body.0.weight": torch.zeros(6, 4)}
    with pytest.raises(
        ValueError, match=r"1 of another shape \(body.0.weight \(6, 4\)"
    ):
        load_weights(network(2), saved(wider), features_only=True)


def test_differences_are_counted_the_first_named_and_nothing_is_loaded(saved):
    state = network(1).state_dict()
    state = {k.replace("body.1", "body.9"): v for k, v in state.items()}
    state["fc.weight"] = torch.zeros(4, 5)
    model = network(2)
    with pytest.raises(ValueError) as caught:
        load_weights(model, saved(state))
    assert str(caught.value) == (
        "weights a.pt do not fit Sequential: 4 missing (body.1.weight, body.1.bias, "
        "body.1.running_mean, body.1.running_var); 5 unexpected (body.9.weight, "
        "body.9.bias, body.9.running_mean, body.9.running_var, ...); 1 of another "
        "shape (fc.weight (4, 5) for (3, 5)); name the network that they are of"
    )
    assert equal(model, network(2))


class Trap:
    def __reduce__(self):
        return (print, ("unpickled",))


def broken(content, kind):
    """A file that is no state dict: what is in it."""
    return {
        "cut.pt": content[: len(content) // 2],
        "cut.safetensors": b"\x10\0\0\0\0\0\0\0{",
        "empty.pt": b"",
        "text.pt": b"<html>404: not found</html>",
    }[kind]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cut.pt", "are damaged or cut short; get the file anew"),
        ("cut.safetensors", "are damaged or cut short, or no safetensors; get the f"),
        ("empty.pt", "the file is empty; get it anew"),
        ("text.pt", "are no file of torch.save and no safetensors; pass a file"),
    ],
)
def test_a_file_that_is_no_weights_is_refused_in_a_sentence(saved, name, message):
    path = saved(network().state_dict(), name)
    path.write_bytes(broken(path.read_bytes(), name))
    with pytest.raises(ValueError, match=f"^weights {name}:? {message}") as caught:
        load_weights(network(), path)
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(
    ("content", "held"), [(Trap(), "print"), (network(), "Sequential")]
)
def test_nothing_in_a_file_is_run(saved, capsys, content, held, old):
    path = saved({"weight": content}, _use_new_zipfile_serialization=not old)
    with pytest.raises(
        ValueError, match=f"^weights a.pt hold a .*{held}.*save "
    ) as got:
        load_weights(network(), path)
    assert "\n" not in str(got.value) and "\x1b" not in str(got.value)
    assert "unpickled" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, [1, 2], torch.zeros(3)])
def test_a_file_without_a_state_dict_says_what_it_holds(saved, content):
    with pytest.raises(ValueError, match=r"hold no state dict.*; save the network"):
        load_weights(network(), saved(content))


def test_numbers_of_other_precision_are_taken_over(tmp_path):
    state = {
        k: v.half() if v.is_floating_point() else v
        for k, v in network(1).state_dict().items()
    }
    save_file(state, tmp_path / "half.safetensors")
    model = load_weights(network(2), tmp_path / "half.safetensors")
    assert model.fc.weight.dtype == torch.float32
    torch.testing.assert_close(model.fc.weight, network(1).fc.weight, rtol=0, atol=1e-3)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.pt', but there is no such file"):
        load_weights(network(), tmp_path / "none.pt")
