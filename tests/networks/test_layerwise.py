"""Alignment of layers measured on the way is that of their recorded outputs."""

import re
import warnings
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from repalign_utils import alignment, arrays, layer_alignment, record_layers

N = 40


class Images(nn.Module):
    """Feature maps, narrow (3, 4 channels) and, flattened, wider than N rows."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(inplace=True))
        self.norm = nn.BatchNorm2d(3)
        self.conv = nn.Conv2d(3, 4, 2)
        self.flat = nn.Sequential(nn.Flatten(), nn.Dropout(0.5))
        self.head = nn.Linear(4 * 9, 1)

    def forward(self, x):
        return self.head(self.flat(self.conv(self.norm(self.stem(x)))))


class Tokens(nn.Module):
    """Sequences (n, t, d): 6 tokens of 5, then of 50, then one vector."""

    def __init__(self):
        super().__init__()
        self.narrow, self.wide = nn.Linear(4, 5), nn.Linear(5, 50)
        self.act = nn.GELU()

    def forward(self, x):
        return self.act(self.wide(self.narrow(x)))[:, 0]


def network(kind, seed=0):
    torch.manual_seed(seed)
    return kind().double()  # whose outputs do not depend on the size of a batch


def draw(kind, n=N, seed=1):
    generator = torch.Generator().manual_seed(seed)
    shape = (2, 6, 6) if kind is Images else (6, 4)
    return torch.randn(n, *shape, generator=generator, dtype=torch.float64)


def labels(n=N, k=1):
    return np.random.default_rng(2).normal(size=(n, k))


def averaged(output):
    return output.flatten(2).mean(2) if output.ndim == 4 else output.mean(1)


def by_hand(
    model, inputs, targets, positions="mean", layers=None, bias=True, unit=True
):
    """Everything recorded, then averaged or flattened, then measured."""
    found = {}
    for name, output in record_layers(model, inputs, layers).items():
        if output.ndim > 2:
            output = averaged(output) if positions == "mean" else output.flatten(1)
        streams = len(output) >= output.shape[1] + bias
        method = "svd" if streams else "auto"
        found[name] = alignment(
            output, targets, bias=bias, normalize=unit, method=method
        )
    return found


def assert_same(found, expected):
    assert list(found) == list(expected)
    for name, one in found.items():
        other = expected[name]
        assert repr(one) == repr(other), name
        values = other.singular_values
        scale = 1e-12 * values[0]
        np.testing.assert_allclose(one.singular_values, values, rtol=0, atol=scale)
        np.testing.assert_allclose(one.energy, other.energy, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(one.target_energy, other.target_energy, rtol=1e-14)


@pytest.mark.parametrize("kind", [Images, Tokens])
@pytest.mark.parametrize("positions", ["mean", "flatten"])
@pytest.mark.parametrize(("batch_size", "k"), [(1, 1), (7, 3), (1000, 1)])
def test_one_pass_finds_what_recorded_outputs_give(kind, positions, batch_size, k):
    model, inputs, targets = network(kind), draw(kind), labels(k=k)
    found = layer_alignment(
        model, inputs, targets, positions=positions, batch_size=batch_size
    )
    assert_same(found, by_hand(model, inputs, targets, positions))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("layers", [["head", "stem"]])
def test_named_layers_come_in_their_order_with_the_options_asked(
    layers, bias, normalize
):
    model, inputs, targets = network(Images), draw(Images), labels()
    options = {"bias": bias, "normalize": normalize}
    found = layer_alignment(model, inputs, targets, layers, **options)
    expected = by_hand(model, inputs, targets, "mean", layers, bias, normalize)
    assert_same(found, expected)


@pytest.mark.parametrize(("n", "method"), [(35, "gram"), (36, "gram"), (37, "svd")])
def test_rows_are_kept_only_where_there_are_fewer_than_columns(n, method):
    model = network(Images)  # flat has 36 entries and the one of the bias
    found = layer_alignment(
        model, draw(Images, n), labels(n), ["flat"], normalize=False
    )
    assert found["flat"].method == method


@pytest.mark.parametrize("n", [30, 700])  # 700: more than the triangle has room for
def test_a_stream_longer_than_its_room_is_measured_whole(n):
    model, inputs, targets = network(Images), draw(Images, n), labels(n, 2)
    found = layer_alignment(model, inputs, targets, batch_size=32)
    assert_same(found, by_hand(model, inputs, targets))


def test_a_vector_of_targets_is_one_target():
    model, inputs, targets = network(Images), draw(Images), labels()
    found = layer_alignment(model, inputs, targets[:, 0])
    assert_same(found, layer_alignment(model, inputs, torch.from_numpy(targets)))


def test_dead_units_add_no_direction():
    model, inputs, targets = network(Images), draw(Images), labels()
    model.stem[0].bias.data[1] = -100.0
    found = layer_alignment(model, inputs, targets, ["stem"])
    assert len(found["stem"].singular_values) == 3  # two units and the bias
    assert_same(found, by_hand(model, inputs, targets, layers=["stem"]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_lower_precision_comes_as_near_as_it_can(dtype):
    model, inputs, targets = network(Images), draw(Images), labels()
    exact = layer_alignment(model, inputs, targets)
    found = layer_alignment(model.to(dtype), inputs.to(dtype), targets)
    for name in exact:
        expected = exact[name].area()
        assert found[name].area() == pytest.approx(
            expected, abs=100 * torch.finfo(dtype).eps
        )


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("n", [30, 90])  # kept as rows, or as a triangular factor
def test_rounding_of_the_activations_adds_no_direction(dtype, n):
    rng = np.random.default_rng(0)
    inputs = torch.from_numpy(rng.normal(size=(n, 3)) @ rng.normal(size=(3, 40)))
    found = layer_alignment(nn.Identity(), inputs.to(dtype), labels(n), [""])
    assert len(found[""].singular_values) == 4  # three and the bias


class Scaled:
    """Images in uint8, converted when a batch is asked for."""

    def __init__(self, images):
        self.images, self.asked = images, []

    def __len__(self):
        return len(self.images)

    def __getitem__(self, rows):
        self.asked.append(rows)
        return self.images[rows].double() / 255


def test_inputs_may_be_made_batch_by_batch():
    model, targets = network(Images), labels()
    images = torch.randint(0, 256, (N, 2, 6, 6), dtype=torch.uint8)
    lazy = Scaled(images)
    found = layer_alignment(model, lazy, targets, batch_size=15)
    assert_same(found, layer_alignment(model, images.double() / 255, targets))
    assert lazy.asked == [slice(0, 15), slice(15, 30), slice(30, 40)]


def test_a_layer_with_one_number_per_row_is_one_feature():
    model = nn.Sequential(nn.Linear(4, 1), nn.Flatten(0))
    found = layer_alignment(model, torch.randn(N, 4), labels())
    assert_same({"": found["1"]}, {"": found["0"]})


# Memory


class Seen(nn.Module):
    """Passes rows on and notes how many came."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def forward(self, x):
        self.batches.append(len(x))
        return x


def wide_network():
    torch.manual_seed(0)
    widths = [3, 20, 4, 20, 20, 4]  # three are wider than ten rows
    parts = [nn.Linear(*pair) for pair in pairwise(widths)]
    return nn.Sequential(Seen(), *parts).double()


WIDE = 10 * 20 * 8  # bytes of ten rows of a layer of 20
FACTOR = 8 * 512 * (5 + 2)  # of a layer of 4, its bias, a target and the ones


@pytest.mark.parametrize(
    ("memory", "passes"),
    [(3 * WIDE, 1), (3 * WIDE - 1, 2), (2 * WIDE, 2), (2 * WIDE - 1, 3), (WIDE, 3)],
)
def test_wide_layers_beyond_the_memory_wait_for_further_passes(memory, passes):
    model, targets, steps = wide_network(), labels(10), []
    inputs = torch.randn(10, 3, dtype=torch.float64)
    wide = ["1", "3", "4"]
    expected = by_hand(model, inputs, targets, layers=wide)
    model[0].batches.clear()
    found = layer_alignment(
        model,
        inputs,
        targets,
        wide,
        batch_size=4,
        memory=memory,
        report=lambda *step: steps.append(step),
    )
    assert_same(found, expected)
    assert model[0].batches == [2, 3, *[4, 4, 2] * passes]
    rows = [10 * p + done for p in range(passes) for done in (4, 8, 10)]
    assert steps == [(done, 10 * passes) for done in rows]


def test_a_layer_that_waits_is_not_listened_to_after_the_first_batch():
    model, listeners = wide_network(), []
    layer_alignment(
        model,
        torch.randn(10, 3, dtype=torch.float64),
        labels(10),
        ["1", "2", "3"],
        batch_size=4,
        memory=WIDE + FACTOR,
        report=lambda *_: listeners.append(hooks_of(model)),
    )
    assert listeners == [3, 2, 2, 1, 1, 1]


@pytest.mark.parametrize(
    ("name", "width", "needed"), [("1", 20, WIDE), ("2", 4, FACTOR)]
)
def test_a_layer_that_does_not_fit_alone_is_named_with_its_size(name, width, needed):
    message = (
        f"layer '{name}' has {width} columns in 10 rows, which take {needed:,} bytes, "
        f"above memory={needed - 1:,}; pass memory={needed}, fewer rows, or "
        'positions="mean"'
    )
    model, inputs = wide_network(), torch.randn(10, 3, dtype=torch.float64)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        layer_alignment(model, inputs, labels(10), name, memory=needed - 1)
    assert hooks_of(model) == 0
    layer_alignment(model, inputs, labels(10), name, memory=f"{needed} B")


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


def test_memory_that_runs_out_starts_the_pass_again_with_half_the_batch():
    hungry = Hungry(torch.OutOfMemoryError("CUDA out of memory."))
    model = nn.Sequential(hungry, wide_network())
    inputs, targets = torch.randn(10, 3, dtype=torch.float64), labels(10)
    expected = layer_alignment(model[1], inputs, targets)
    steps = []
    with pytest.warns(UserWarning) as caught:
        found = layer_alignment(
            model,
            inputs,
            targets,
            ["1.1", "1.2", "1.4"],
            batch_size=5,
            memory=WIDE + FACTOR,
            report=lambda *step: steps.append(step),
        )
    assert [str(w.message) for w in caught] == [
        "out of memory with a batch_size of 5; the pass starts again with 2, which you "
        "may pass at once"
    ]
    assert hungry.batches == [
        2,
        3,
        5,
        5,
        *[2] * 5,
        *[2] * 5,
    ]  # the next pass keeps to it
    assert steps == [(done, 20) for done in (5, *range(2, 21, 2))]
    assert_same(found, {name: expected[name[2:]] for name in found})


def test_when_one_row_is_too_much_the_error_says_so():
    model = nn.Sequential(Hungry(RuntimeError("not enough memory: 8 bytes"), most=0))
    inputs = torch.randn(10, 3)
    message = "out of memory even with a batch_size of 1; name fewer layers, or use "
    with (
        pytest.warns(UserWarning, match="batch_size of 2; .* with 1,"),
        pytest.raises(torch.OutOfMemoryError, match=message + r".*\(not enough .* 8"),
    ):
        layer_alignment(model, inputs, labels(10), batch_size=2)
    assert hooks_of(model) == 0


# Errors


def hooks_of(model):
    return sum(len(m._forward_hooks) for m in model.modules())


def raises(message, *arguments, kind=ValueError, **options):
    model = arguments[0]
    model.train()
    with pytest.raises(kind, match=f"^{re.escape(message)}"):
        layer_alignment(*arguments, **options)
    assert all(m.training for m in model.modules()) and hooks_of(model) == 0


def test_modes_are_restored_one_by_one_and_hooks_are_off():
    model, inputs = network(Images).train(), draw(Images)
    model.norm.eval()
    layer_alignment(model, inputs, labels())
    modes = {name: m.training for name, m in model.named_modules()}
    assert modes.pop("norm") is False and all(modes.values())
    assert hooks_of(model) == 0
    assert model.norm.num_batches_tracked == 0, "it was run in training mode"


class Graph(nn.Module):
    def forward(self, x):
        assert not torch.is_grad_enabled() and not self.training
        return x


def test_the_model_runs_in_evaluation_mode_without_a_graph():
    layer_alignment(nn.Sequential(Graph()).train(), torch.randn(N, 3), labels())


def test_unknown_names_are_refused():
    model, inputs = network(Images), draw(Images)
    known = "the model has no layer 'convs'; the nearest of its 9 are conv"
    raises(known, model, inputs, labels(), "convs")
    words = "positions is 'max' but must be one of mean, flatten; leave it out for"
    raises(words, model, inputs, labels(), positions="max")


def test_rows_that_do_not_fit_are_counted():
    model, inputs = network(Images), draw(Images)
    more = "inputs have 40 rows but targets have 41; pass one target per row, e.g. "
    raises(more + "targets[:len(inputs)]", model, inputs, labels(41))
    fewer = "inputs have 40 rows but targets have 39; pass one target per row, e.g. "
    raises(fewer + "inputs[:len(targets)]", model, inputs, labels(39))
    none = "batch_size is 0; pass at least 1"
    raises(none, model, inputs, labels(), batch_size=0)


def test_a_target_that_is_zero_is_refused_before_the_model_runs():
    model = nn.Sequential(Seen())
    zero = "column 1 of the targets is zero in all 40 rows"
    raises(zero, model, torch.randn(N, 3), labels(k=2) * [1, 0])
    assert model[0].batches == []


class Spoilt(nn.Module):
    """A layer whose output holds one bad entry, at row 37, column 1."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, x):
        bad = x[:, 0] == 37
        return torch.where(
            bad[:, None] & (torch.arange(x.shape[1]) == 1), self.value, x
        )


@pytest.mark.parametrize("n", [N, 200])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_entry_that_is_not_finite_names_layer_and_row(value, n):
    rows = (
        torch.arange(n).double()[:, None].expand(n, 60)
    )  # kept at 40, a stream at 200
    message = f"layer '1': features[37, 1] is {value} but every entry must be finite"
    model = nn.Sequential(nn.Identity(), Spoilt(value))
    raises(message, model, rows, labels(n), batch_size=8)


def test_a_zero_row_names_layer_and_row():
    inputs = torch.ones(N, 2)
    inputs[37] = 0
    message = "layer '0': row 37 of the features is zero and cannot be scaled to"
    model = nn.Sequential(nn.ReLU())
    raises(message, model, inputs, labels(), batch_size=8, bias=False)


@pytest.mark.parametrize("width", [2, 60])
def test_a_layer_that_is_zero_is_named(width):
    options = {"bias": False, "normalize": False}
    message = "layer '0': all 40 rows of the features are zero and span nothing; pass"
    model = nn.Sequential(nn.ReLU())
    raises(message, model, -torch.ones(N, width), labels(), **options)


class Windows(nn.Module):
    def forward(self, x):
        return x.reshape(2 * len(x), -1)


def test_a_layer_with_other_rows_than_the_inputs_is_named():
    message = "layer '0' has no axis with one entry per input: it gives (6, 3) for 3"
    model = nn.Sequential(Windows(), nn.Unflatten(0, (-1, 2)))
    raises(message, model, torch.randn(N, 6), labels(), "0", batch_size=8)


# Axes


class Change(nn.Module):
    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, x):
        return self.call(x)


def swapped(*axes):
    return Change(lambda x: x.transpose(*axes))


AXES = {  # model, shape of the inputs, layers, what is averaged of a whole pass
    "one-dimensional convolutions": (
        nn.Sequential(nn.Conv1d(2, 5, 3), nn.ReLU(), nn.BatchNorm1d(5)),
        (2, 9),
        "012",
        2,
    ),
    "maps with channels last": (
        nn.Sequential(nn.Conv2d(2, 6, 1), swapped(1, 3), nn.LayerNorm(6), nn.GELU()),
        (2, 5, 4),
        "123",
        (1, 2),
    ),
    "sequence first": (
        nn.Sequential(
            nn.Linear(4, 6),
            swapped(0, 1),
            nn.TransformerEncoderLayer(6, 2, 8, 0.0),
            nn.ReLU(),
        ),
        (7, 4),
        "123",
        0,
    ),
    "tokens that are mixed": (
        nn.Sequential(nn.Linear(4, 6), swapped(1, 2), nn.Linear(7, 3), nn.GELU()),
        (7, 4),
        "123",
        2,
    ),
    "recurrent": (
        nn.Sequential(nn.LSTM(4, 3, batch_first=True), Change(lambda x: 2 * x[0])),
        (7, 4),
        "1",
        1,
    ),
}


@pytest.mark.parametrize("kind", AXES)
@pytest.mark.parametrize("batch_size", [7, 64])
def test_the_mean_is_over_positions_wherever_they_are(kind, batch_size):
    model, shape, layers, axes = AXES[kind]
    layers = list(layers)
    inputs = torch.randn(N, *shape, generator=torch.Generator().manual_seed(3))
    found = layer_alignment(model, inputs, labels(), layers, batch_size=batch_size)
    for name, output in record_layers(model, inputs, layers).items():
        expected = alignment(output.mean(axes), labels(), method="svd")
        np.testing.assert_allclose(found[name].area(), expected.area(), rtol=1e-5)


def test_channels_that_are_not_known_are_asked_for():
    heads = Change(lambda x: x.reshape(*x.shape[:2], 2, 3).transpose(1, 2))
    model, inputs = nn.Sequential(nn.Linear(4, 6), heads), torch.randn(N, 7, 4)
    message = (
        "layer '1' has channels on an axis that is not known: it gives (3, 2, 7, 3) "
        "for 3 inputs; say which with channels_axis, or pass positions='flatten'"
    )
    raises(message, model, inputs, labels(), "1")
    with pytest.warns(UserWarning, match=r"1 of the .* an axis that is not known: 1\)"):
        assert list(layer_alignment(model, inputs, labels())) == ["0"]
    found = layer_alignment(model, inputs, labels(), "1", channels_axis=-1)
    output = record_layers(model, inputs, "1")["1"]
    expected = alignment(output.mean((1, 2)), labels(), method="svd")
    np.testing.assert_allclose(found["1"].area(), expected.area(), rtol=1e-5)
    found = layer_alignment(model, inputs, labels(), "1", positions="flatten")
    expected = alignment(output.flatten(1), labels())
    np.testing.assert_allclose(found["1"].area(), expected.area(), rtol=1e-5)


# Masks


class Words(nn.Module):
    """Tokens (n, t, d), or (t, n, d) inside, and their vector (n, d)."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(20, 6)
        self.turn = swapped(0, 1)
        self.pool = Change(lambda x: x[0])

    def forward(self, tokens, attention_mask=None):
        return self.pool(self.turn(self.table(tokens)))


def sentences(n=N, t=7):
    generator = torch.Generator().manual_seed(4)
    tokens = torch.randint(0, 20, (n, t), generator=generator)
    long = torch.randint(1, t + 1, (n, 1), generator=generator)
    return tokens, (torch.arange(t) < long).long()


@pytest.mark.parametrize("positions", ["mean", "flatten"])
@pytest.mark.parametrize("given", ["mask", "attention_mask"])
def test_a_mask_counts_out_padding(positions, given):
    model, (tokens, mask) = Words(), sentences()
    options = {"positions": positions, "batch_size": 16}
    if given == "mask":
        inputs, options["mask"] = tokens, mask.bool().numpy()
    else:
        inputs = {"tokens": tokens, "attention_mask": mask}
    found = layer_alignment(model, inputs, labels(), **options)
    kept = (model.table(tokens) * mask[..., None]).detach()
    whole = kept.flatten(1) if positions == "flatten" else None
    means = kept.sum(1) / mask.sum(1, keepdim=True)
    for name in ("table", "turn"):
        expected = alignment(means if whole is None else whole, labels())
        np.testing.assert_allclose(found[name].area(), expected.area(), rtol=1e-5)
    vector = alignment(model.table(tokens[:, 0]).detach(), labels())
    np.testing.assert_allclose(found["pool"].area(), vector.area(), rtol=1e-5)


def test_padding_of_batches_of_other_lengths_does_not_count():
    model, (tokens, mask) = Words(), sentences()
    batches = (
        {"tokens": tokens[i : i + 8, :t], "attention_mask": mask[i : i + 8, :t]}
        for i in range(0, N, 8)
        for t in [int(mask[i : i + 8].sum(1).max())]
    )
    found = layer_alignment(model, batches, labels(), "turn")
    expected = layer_alignment(model, tokens, labels(), "turn", mask=mask)
    np.testing.assert_allclose(found["turn"].area(), expected["turn"].area())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m[:-1], "mask has shape (39, 7) but must be (n, t) with n = 40"),
        (lambda m: m * 2, "mask holds 2; pass 1 for positions that count, else 0"),
        (lambda m: m * (torch.arange(N) != 3)[:, None], "row 3 of the mask leaves no"),
        (
            lambda m: m[:, :-1] | 1,
            "layer 'table' has other positions than the mask: (7,), and the mask has 6",
        ),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(change, message):
    tokens, mask = sentences()
    raises(message, Words(), tokens, labels(), "table", mask=change(mask))


def test_of_two_masks_one_is_asked_for():
    tokens, mask = sentences()
    inputs = {"tokens": tokens, "attention_mask": mask, "decoder_input_ids": tokens}
    message = "inputs have attention_mask and decoder_input_ids, so that layers may"
    raises(message, Words(), inputs, labels())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("positions", ["mean", "flatten"])
def test_a_gpu_gives_what_the_cpu_gives(positions):
    model, inputs, targets = network(Images), draw(Images), labels(k=2)
    expected = layer_alignment(model, inputs, targets, positions=positions)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = layer_alignment(model.cuda(), inputs, targets, positions=positions)
    for name, one in found.items():
        np.testing.assert_allclose(
            one.singular_values, expected[name].singular_values, rtol=1e-9
        )
        np.testing.assert_allclose(one.area(), expected[name].area(), rtol=1e-9)


@pytest.mark.parametrize("positions", ["mean", "flatten"])
def test_the_way_of_a_gpu_gives_the_same_on_cpu_tensors(monkeypatch, positions):
    model, inputs, targets = network(Images), draw(Images, 700), labels(700, 2)
    options = {"positions": positions, "batch_size": 64}
    expected = layer_alignment(model, inputs, targets, **options)
    monkeypatch.setattr("repalign_utils.arrays.on_device", arrays.is_tensor)
    found = layer_alignment(model, inputs, targets, **options)
    assert_same(found, expected)


def test_a_device_without_float64_hands_its_rows_to_the_cpu(monkeypatch):
    model, inputs, targets = network(Images).to("meta"), draw(Images), labels()
    monkeypatch.setattr("repalign_utils.arrays._computes_float64", lambda device: False)
    message = "features are on the device 'meta', which has no float64; they are moved"
    with (
        pytest.warns(UserWarning, match=message),
        # Nothing can be copied out of "meta": that it is tried is what is tested.
        pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"),
    ):
        layer_alignment(model, inputs, targets, ["norm"])
