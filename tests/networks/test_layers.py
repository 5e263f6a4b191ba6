"""Layer outputs are recorded, and the model is left as it was."""

import pytest
import torch
from torch import nn
from transformers.modeling_outputs import BaseModelOutput

from repalign_utils import record_layers


class TwoWays(nn.Module):
    """A module with nesting, dropout, an in-place layer and batch normalisation."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(4, 6), nn.ReLU(inplace=True))
        self.norm = nn.BatchNorm1d(6)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        return self.head(self.drop(self.norm(self.stem(x))))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return TwoWays()


@pytest.fixture
def inputs():
    return torch.randn(10, 4, generator=torch.Generator().manual_seed(1))


def hooks_of(model):
    return sum(len(m._forward_hooks) for m in model.modules())


def test_every_leaf_is_recorded_in_order_with_its_own_values(model, inputs):
    outputs = record_layers(model, inputs)
    assert list(outputs) == ["stem.0", "stem.1", "norm", "drop", "head"]
    before = model.stem[0](inputs)
    torch.testing.assert_close(outputs["stem.0"], before)  # not what ReLU made of it
    torch.testing.assert_close(outputs["stem.1"], before.relu())
    model.eval()
    torch.testing.assert_close(outputs["head"], model(inputs))


def test_batches_do_not_matter(model, inputs):
    whole = record_layers(model, inputs)
    parts = record_layers(model, inputs, batch_size=3)
    for name in whole:
        torch.testing.assert_close(whole[name], parts[name])


def test_modes_are_restored_one_by_one_and_hooks_are_off(model, inputs):
    model.train()
    model.norm.eval()
    record_layers(model, inputs, ["stem"])
    modes = {name: m.training for name, m in model.named_modules()}
    assert modes.pop("norm") is False and all(modes.values())
    assert hooks_of(model) == 0
    assert model.norm.num_batches_tracked == 0, "it was run in training mode"


def test_modes_and_hooks_survive_an_error(model):
    model.train()
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        record_layers(model, torch.zeros(2, 5))
    assert model.training and hooks_of(model) == 0


def test_an_unknown_layer_is_told_the_nearest(model, inputs):
    message = "no layer 'stem.7'; the nearest of its 6 are stem.1, stem.0, stem"
    with pytest.raises(ValueError, match=message):
        record_layers(model, inputs, ["stem.7"])


def test_one_name_is_a_list_of_one(model, inputs):
    found = record_layers(model, inputs, "stem.1")
    torch.testing.assert_close(found, record_layers(model, inputs, ["stem.1"]))


def test_no_inputs_are_refused(model, inputs):
    with pytest.raises(ValueError, match="inputs have 0 rows; pass at least one row"):
        record_layers(model, torch.zeros(0, 4))
    with pytest.raises(ValueError, match="batch_size is 0; pass at least 1"):
        record_layers(model, inputs, batch_size=0)


class Shared(nn.Module):
    """One layer that runs twice, one that never does, one without floats."""

    def __init__(self):
        super().__init__()
        self.layer, self.unused = nn.Linear(4, 4), nn.Linear(4, 4)
        self.where = Positive()

    def forward(self, x):
        return self.layer(self.layer(x)) * self.where(x)


class Positive(nn.Module):
    def forward(self, x):
        return x > 0


def test_calls_are_numbered_and_what_cannot_be_measured_is_listed_once(inputs):
    model = Shared()
    with pytest.warns(UserWarning) as caught:
        found = record_layers(model, inputs, batch_size=4)
    assert [str(w.message) for w in caught] == [
        "2 of the model's layers are left out (did not run: unused; returned no "
        "floating-point tensor: where)"
    ]
    once = model.layer(inputs)
    expected = {"layer#1": once, "layer#2": model.layer(once)}
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(record_layers(model, inputs, "layer"), expected)
    found = record_layers(model, inputs, "layer#2")
    torch.testing.assert_close(found, {"layer#2": expected["layer#2"]})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unused", "did not run; name a layer that runs in evaluation mode"),
        ("where", "returned no floating-point tensor; name a layer that returns one"),
        ("layer#3", "is not there: it ran 2 times; name a call from 1 to 2"),
    ],
)
def test_only_a_layer_asked_for_by_name_is_an_error(name, message, inputs):
    with pytest.raises(ValueError, match=f"^layer '{name}' {message}$"):
        record_layers(Shared(), inputs, name)


def test_a_model_with_nothing_to_measure_is_refused(inputs):
    with pytest.raises(
        ValueError, match="none of the model's 1 layers can be measured .*: 0"
    ):
        record_layers(nn.Sequential(Positive()), inputs)


def test_a_module_under_two_names_is_one_layer(inputs):
    layer = nn.Linear(4, 4)
    model = nn.Sequential(layer, layer)
    assert list(record_layers(model, inputs)) == ["0#1", "0#2"]
    assert list(record_layers(model, inputs, "1")) == ["1#1", "1#2"]


class Outputs(nn.Module):
    """Returns what the call makes of its input."""

    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, x):
        return self.call(x)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: (x.argmax(1), x, x + 1),
        lambda x: {"loss": x.sum(), "logits": x},
        lambda x: BaseModelOutput(last_hidden_state=x),
        lambda x: [(), (x,)],
    ],
    ids=["tuple", "dict", "ModelOutput", "nested"],
)
def test_the_first_floats_with_rows_are_recorded(call, inputs):
    found = record_layers(Outputs(call), inputs, "", batch_size=4)
    torch.testing.assert_close(found[""], inputs)


def test_recurrent_networks_are_recorded():
    model, x = nn.LSTM(4, 3, batch_first=True), torch.randn(6, 5, 4)
    found = record_layers(model, x, batch_size=4)
    torch.testing.assert_close(found[""], model(x)[0].detach())


@pytest.mark.parametrize("steps", [3, 9, 10])  # 10: as many as rows
def test_a_layer_keeps_its_samples_where_it_has_them(steps):
    layer = nn.TransformerEncoderLayer(4, 2, 8, 0.0).eval()  # (t, n, d)
    model = nn.Sequential(Outputs(lambda x: x.transpose(0, 1)), layer)
    x = torch.randn(10, steps, 4)
    found = record_layers(model, x, "1", batch_size=steps)["1"]
    with torch.no_grad():
        torch.testing.assert_close(found, layer(x.transpose(0, 1)))


def test_rows_that_a_layer_takes_for_time_are_refused():
    message = (
        r"layer '' has batch_first=False and is given \(3, 5, 4\) for 3 inputs, so "
        "that to it these are the steps of one sequence; build it with the other"
    )
    with pytest.raises(ValueError, match=message):
        record_layers(nn.GRU(4, 3), torch.randn(6, 5, 4), "")
    found = record_layers(nn.GRU(4, 3), torch.randn(6, 5, 4), "", samples_axis=0)
    assert found[""].shape == (6, 5, 3)


def test_axes_that_may_all_be_of_the_samples_are_asked_for(inputs):
    model = Outputs(lambda x: x @ x.T)
    message = r"layer '' may have its samples on axis 0 or 1: it gives \(3, 3\) for 3"
    with pytest.raises(ValueError, match=message + " inputs; say which with samples_"):
        record_layers(model, inputs, "")
    found = record_layers(model, inputs, "", samples_axis={"": -1})
    torch.testing.assert_close(found[""], inputs @ inputs.T)
    with pytest.raises(ValueError, match="layer '' has no axis 5; give it another"):
        record_layers(model, inputs, "", samples_axis=5)


def test_a_layer_without_a_row_per_input_is_refused(inputs):
    model = Outputs(lambda x: x.repeat(2, 1))
    message = r"layer '' has no axis with one entry per input: it gives \(6, 4\) for 3"
    with pytest.raises(ValueError, match=message):
        record_layers(model, inputs, "")


def test_the_fused_kernel_of_a_transformer_is_set_aside_and_put_back():
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    model, x = nn.TransformerEncoder(layer, 2).eval(), torch.randn(6, 5, 4)
    with pytest.warns(UserWarning, match="out_proj, layers.1.self_attn.out_proj"):
        found = record_layers(model, x)
    assert {"layers.0.linear1", "layers.1.norm2"} <= found.keys()
    with torch.no_grad():
        torch.testing.assert_close(found["layers.1.norm2"], model(x))
    assert torch.backends.mha.get_fastpath_enabled()


def wrapped(how, model, inputs):
    if how == "DataParallel":
        return nn.DataParallel(model)
    if how == "inside":
        model.stem = torch.compile(model.stem, backend="eager")
    elif how == "in place":
        model.compile(backend="eager")
    else:
        model = torch.compile(model, backend="eager")
    model(inputs)  # what was compiled before knows of no hooks
    return model


@pytest.mark.parametrize("how", ["compiled", "inside", "in place", "DataParallel"])
def test_layers_of_a_wrapped_model_are_those_of_the_plain_one(how, model, inputs):
    expected = record_layers(model, inputs)
    found = record_layers(wrapped(how, model.eval(), inputs), inputs)
    torch.testing.assert_close(found, expected)


def test_outputs_beyond_the_memory_are_refused_with_what_they_take(model, inputs):
    record_layers(model, inputs, ["stem.0", "head"], memory=320)  # 10 rows of 8 floats
    message = "outputs of 2 layers take 320 B for 10 rows, above memory=319 B; name"
    with pytest.raises(ValueError, match=message):
        record_layers(model, inputs, ["stem.0", "head"], memory=319, batch_size=3)


def test_batches_of_other_lengths_are_refused():
    batches = [torch.zeros(2, 5, 4), torch.zeros(2, 6, 4)]
    with pytest.raises(ValueError, match=r"'0' gives \(2, 5, 3\) for the first batch"):
        record_layers(nn.Sequential(nn.Linear(4, 3)), iter(batches))


class Hungry(nn.Module):
    """Runs out of memory on more than three rows, after its first batch."""

    def __init__(self, error, most=3):
        super().__init__()
        self.error, self.most, self.batches = error, most, []

    def forward(self, x):
        self.batches.append(len(x))
        if len(x) > self.most and len(self.batches) > 3:  # two to look, one to go
            raise self.error
        return x


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to"),
        MemoryError("Unable to allocate 3. GiB for an array"),
    ],
    ids=lambda error: str(error)[:24],
)
def test_memory_that_runs_out_halves_the_batch_and_nothing_is_kept_twice(error, inputs):
    model = nn.Sequential(Hungry(error))
    with pytest.warns(UserWarning) as caught:
        found = record_layers(model, inputs, batch_size=6)
    assert [str(w.message) for w in caught] == [
        "out of memory with a batch_size of 6; the pass starts again with 3, which you "
        "may pass at once"
    ]
    assert model[0].batches == [2, 3, 6, 4, 3, 3, 3, 1]
    torch.testing.assert_close(found["0"], inputs)


def test_a_batch_of_more_than_all_rows_is_halved_from_all_rows(inputs):
    model = nn.Sequential(Hungry(torch.OutOfMemoryError("no"), most=5))
    model[0].batches.append(0)
    with pytest.warns(UserWarning, match="batch_size of 10; .* again with 5, which"):
        record_layers(model, inputs)


def test_when_one_row_is_too_much_the_error_says_so(inputs):
    model = nn.Sequential(Hungry(torch.OutOfMemoryError("no GPU left"), most=0))
    message = (
        r"out of memory even with a batch_size of 1; name fewer layers, or use a "
        r"device with more memory \(no GPU left\)"
    )
    with (
        pytest.warns(UserWarning, match="with a batch_size of 3; .* again with 1, "),
        pytest.raises(torch.OutOfMemoryError, match=message),
    ):
        record_layers(model, inputs, batch_size=3)
    assert hooks_of(model) == 0


def test_other_errors_of_the_model_do_not_start_again(inputs):
    model = nn.Sequential(Hungry(RuntimeError("no memory of that name"), most=0))
    with pytest.raises(RuntimeError, match="no memory of that name"):
        record_layers(model, inputs, batch_size=4)
    assert model[0].batches == [2, 3, 4, 4]
