# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# (sec-02)=
# # Training aligns, whatever the labels
#
# True targets lie along the top singular vectors of the *inputs*; shuffled targets are
# spread over all of them. Training a network raises the alignment of its hidden
# representation with the targets it is given, true or shuffled alike, above that of the
# untrained layer and above that of the inputs.

# %% tags=["parameters"]
# fmt: off
classification: str = "digits"  # {digits, mnist}: images, classes 0 and 1
regression: str = "ct_phantom"  # {ct_phantom, ct_slices}: slices, the target is a position along the body
n_images: int = 10000  # {20..}: images to use, half of each class, or all there are
n_slices: int = 1000  # {20..}: slices to use, or all there are
width: int = 128  # {1..}: units per hidden layer of the narrow networks; the wide ones have as many as inputs
depth: int = 3  # {1..}: hidden layers
step_size: float = 1e-3  # {0<..}: of Adam
batch_size: int = 64  # {1..}: rows per step
max_epochs: int = 1000  # {1..}: a network that has not converged stops here
tolerance: float = 1e-4  # {0..}: a network has converged when its loss over an epoch is below this
seeds: int = 5  # {1..}: narrow networks, trained together
wide_seeds: int = 5  # {1..}: wide networks, trained together
seed: int = 0  # {0..999999999}: the first seed
control: bool = False  # negative control: measure with targets shuffled once more, which no network has seen; all claims must then fail
device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps
precision: str = "float32"  # {float32, float64}: of the training
data_dir: str = ""  # existing path: folder with real data (empty: REPALIGN_DATA)
checkpoints: str = ""  # path: folder that keeps long trainings, so that they can go on (empty: none)
# {precision != "float64" or device != "mps"}: this device computes in float32
# fmt: on

# %% tags=["remove-input"]
from repalign_utils import check_parameters

check_parameters(globals())

# %% tags=["hide-input"]
import sys

import matplotlib.pyplot as plt
import numpy as np
import torch
from tqdm import tqdm

from repalign_utils import (
    GRID,
    MLPEnsemble,
    alignment,
    choose_device,
    data,
    figures,
    fit,
    provenance,
    record,
    table,
)

figures.use_style()
where = {
    "device": choose_device(device),
    "dtype": getattr(torch, precision),
}

# %% [markdown]
# ## Data, true and shuffled
#
# One classification task, its targets $-1$ and $+1$, and one regression task, its
# target the position of a slice along the body, scaled to $[-1, 1]$.

# %%
if classification == "mnist":
    images = data.mnist(
        n_per_class=n_images // 2, data_dir=data_dir, seed=seed
    )
else:
    images = data.digits(seed=seed)
slices = data.load(regression, n=n_slices, data_dir=data_dir, seed=seed)
print(images.about.sentence(), slices.about.sentence(), sep="\n")

# %% [markdown]
# Shuffling keeps the inputs and the set of targets and breaks the link between them.
# Each seed has a shuffle of its own.


# %%
def shuffled(targets, members):
    """Targets (members, n, 1), each member's in an order of its own."""
    draws = [np.random.default_rng(seed + i) for i in range(members)]
    return np.stack([draw.permutation(targets) for draw in draws])


def true(targets, members):
    """Targets (members, n, 1) as they are."""
    return np.stack([targets] * members)


def measured(targets):
    """Targets (members, n, 1) to measure with: those given, but for the control."""
    draws = [
        np.random.default_rng([seed + i, 1])
        for i in range(len(targets))
    ]
    shuffle = [draw.permutation for draw in draws]
    return (
        np.stack([s(t) for s, t in zip(shuffle, targets, strict=True)])
        if control
        else targets
    )


tasks = {"classification": images, "regression": slices}
labels = {"true": true, "shuffled": shuffled}
losses = {"classification": "logistic", "regression": "squared"}

# %% [markdown]
# ## The inputs
#
# Alignment of the inputs themselves, before any network. Directions of inputs that
# know nothing of the targets hold them in proportion to their number: most of the
# energy of shuffled targets lies where singular values are small. *Chance* is the
# exact mean over all orders of the targets ({ref}`sec-01`), the same for true and
# shuffled ones.

# %%
aligned = {}  # task, kind, size, layer -> one alignment per seed
for task, d in tasks.items():
    for kind, arrange in labels.items():
        given = measured(arrange(d.targets, seeds))[:, :, 0]
        aligned[task, kind, "narrow", "inputs"] = [
            alignment(d.inputs, t) for t in given
        ]


def areas(*key):
    """Area under the alignment curve of each seed, (seeds,)."""
    return np.array([a.area()[0] for a in aligned[key]])


def chances(*key):
    """What chance gives in place of each of these areas, (seeds,)."""
    return np.array([a.null().area[0] for a in aligned[key]])


# %%
for task in tasks:
    key = (task, "true", "narrow", "inputs")
    gap = areas(*key) - areas(task, "shuffled", "narrow", "inputs")
    record(
        f"02.input.area.{task}", areas(*key), within=(0, 1), exact=True
    )
    record(f"02.input.gap.{task}", gap, exact=True)
    record(
        f"02.input.chance.{task}",
        chances(*key)[0],
        within=(0, 1),
        exact=True,
    )


# %%
def shares(*key):
    """Captured share of each seed's target, (seeds, t)."""
    return np.array([a.shares()[:, 0] for a in aligned[key]])


def chance(*key):
    """Mean captured share that chance gives, (t,)."""
    nulls = [a.null().shares()[:, 0] for a in aligned[key]]
    return np.mean(nulls, axis=0)


def thresholds(ax):
    """Stretch the small thresholds of the first axis."""
    ax.set_xscale("symlog", linthresh=1e-4)
    ax.set(xlim=(0, 1), xticks=[0, 1e-4, 1e-3, 1e-2, 1e-1, 1])


# %% mystnb={"figure": {"name": "fig-02-inputs", "caption": "Alignment of the inputs with true and with shuffled targets; bands span the shuffles, the thin line is chance."}, "image": {"alt": "Two panels, classification and regression. Captured share of the target energy against threshold divided by the norm of the inputs, one line for true and one for shuffled targets, and a thin one for chance, on which the shuffled targets lie."}} tags=["hide-input"]
axes = figures.new_axes(2, sharey=True)
for ax, task in zip(axes, tasks, strict=True):
    key = (task, "shuffled", "narrow", "inputs")
    figures.plot_curves(
        {
            kind: shares(task, kind, "narrow", "inputs")
            for kind in labels
        },
        GRID,
        ax=ax,
        xlabel="threshold / ‖Φ‖_F",
        chance=chance(*key),
    )
    thresholds(ax)
    ax.set_title(task)
plt.show()

# %% [markdown]
# The area under the true curve exceeds that under the shuffled one by
# {glue:text}`02.input.gap.classification` on the images and by
# {glue:text}`02.input.gap.regression` on the slices ({numref}`fig-02-inputs`). Chance
# gives areas of {glue:text}`02.input.chance.classification.mean:.4f` and
# {glue:text}`02.input.chance.regression.mean:.4f`.
#
# ## The hidden representation, before and after training
#
# Networks with three hidden layers are trained by Adam, once on the true and once on
# the shuffled targets, from the same initial weights and with the same batches; first
# 128 units wide, then as wide as the input. The representation is the last hidden
# layer, after its activation.


# %%
def progress(what):
    """Report for `fit`: the epoch and the largest loss of any member."""
    bar = tqdm(
        total=max_epochs, desc=what, mininterval=2, file=sys.stderr
    )

    def report(epoch, current):
        bar.set_postfix_str(
            f"loss {np.nanmax(current):.1e}", refresh=False
        )
        bar.update(epoch - bar.n)

    return report


# %%
def train(task, kind, width, members):
    """Alignment of the last hidden layer before and after, and the training."""
    d = tasks[task]
    networks = MLPEnsemble(
        d.inputs.shape[1],
        width=width,
        depth=depth,
        members=members,
        seed=seed,
        **where,
    )
    targets = labels[kind](d.targets, members)
    start = last_layer(networks, d.inputs, targets)
    training = fit(
        networks,
        d.inputs,
        targets,
        loss=losses[task],
        step_size=step_size,
        batch_size=batch_size,
        max_epochs=max_epochs,
        tolerance=tolerance,
        seed=seed,
        checkpoints=checkpoints or None,
        report=progress(f"{task}, {kind}, width {width}"),
    )
    return start, last_layer(networks, d.inputs, targets), training


# %%
def last_layer(networks, inputs, targets):
    """Alignment of each network's last hidden layer."""
    hidden = networks.hidden(inputs)[-1]
    pairs = zip(hidden, measured(targets), strict=True)
    return [alignment(h, t) for h, t in pairs]


# %%
sizes = {"narrow": seeds, "wide": wide_seeds}
trainings = {}
for size, members in sizes.items():
    for task, d in tasks.items():
        units = width if size == "narrow" else d.inputs.shape[1]
        for kind, arrange in labels.items():
            start, end, run = train(task, kind, units, members)
            trainings[task, kind, size] = run
            aligned[task, kind, size, "start"] = start
            aligned[task, kind, size, "end"] = end
            given = measured(arrange(d.targets, members))
            aligned[task, kind, size, "inputs"] = [
                alignment(d.inputs, t) for t in given
            ]

# %% [markdown]
# Each network stops when its loss is below the tolerance, or at the last epoch allowed:

# %%
table(
    [
        "Task",
        "Targets",
        "Networks",
        "Epochs trained",
        "Converged",
        "Last loss",
    ],
    [
        [
            *key,
            ", ".join(f"{e}" for e in t.epochs),
            f"{t.converged.sum()} of {len(t.converged)}",
            ", ".join(f"{v:.1e}" for v in t.final_losses()),
        ]
        for key, t in trainings.items()
    ],
)

# %% [markdown]
# Training changes the spectrum of the layer, and with it what chance gives. So two
# layers are compared by their areas *above chance*, and what training gains is told
# against the untrained layer and against the inputs.


# %%
def above_chance(*key):
    """Area less what chance gives, of each seed, (seeds,)."""
    return areas(*key) - chances(*key)


for run, t in trainings.items():
    name = ".".join(run)
    end = above_chance(*run, "end")
    record(f"02.gain.{name}", end - above_chance(*run, "start"))
    record(f"02.over_inputs.{name}", end - above_chance(*run, "inputs"))
    record(f"02.converged.{name}", t.converged.mean(), within=(0, 1))

# %% [markdown]
# An area is the product of how far the spectrum has collapsed onto one direction, which
# is its ceiling ({ref}`sec-01`), and of how much of the target lies along the largest
# directions.

# %%
layers = ("inputs", "start", "end")
for run in trainings:
    for layer in layers:
        key = (*run, layer)
        record(f"02.area.{'.'.join(key)}", areas(*key), within=(0, 1))
for task, kind in [(task, kind) for task in tasks for kind in labels]:
    run = (task, kind, "narrow")
    record(
        f"02.curve.{'.'.join(run)}",
        np.stack([shares(*run, layer) for layer in layers], axis=1),
        dims=("seed", "layer", "threshold"),
        coords={"layer": list(layers), "threshold": GRID},
    )
for task in tasks:
    for layer in layers:
        key = (task, "true", "narrow", layer)
        ceilings = [a.ceiling for a in aligned[key]]
        record(f"02.ceiling.{'.'.join(key)}", ceilings, within=(0, 1))
        record(
            f"02.chance.{'.'.join(key)}", chances(*key), within=(0, 1)
        )

# %% mystnb={"figure": {"name": "fig-02-hidden", "caption": "Alignment of inputs and of the last hidden layer of the narrow networks, at the start and after training; bands span the seeds, thin lines are what chance gives each of the three."}, "image": {"alt": "Four panels: classification and regression, each with true and with shuffled targets. Captured share of the target energy against threshold divided by the norm of the features, for the inputs, the last hidden layer at the start, and the last hidden layer after training."}} tags=["hide-input"]
axes = figures.new_axes(2, rows=2, sharex=True, sharey=True).ravel()
panels = [(task, kind) for task in tasks for kind in labels]
drawn = {
    "inputs": "inputs",
    "hidden, start": "start",
    "hidden, end": "end",
}
for ax, panel in zip(axes, panels, strict=True):
    run = (*panel, "narrow")
    figures.plot_curves(
        {name: shares(*run, layer) for name, layer in drawn.items()},
        GRID,
        ax=ax,
        xlabel="threshold / ‖Φ‖_F",
        legend=ax is axes[-1],
        chance=[chance(*run, layer) for layer in layers],
    )
    thresholds(ax)
    ax.set_title(", ".join(panel))
plt.show()

# %% mystnb={"figure": {"name": "fig-02-areas", "caption": "Area under the alignment curve of the inputs and of the last hidden layer, with 95 % intervals over seeds."}, "image": {"alt": "Two panels, narrow and wide networks. For true and shuffled targets of both tasks, the area of the inputs and of the layer at the start and after training, as points with intervals."}} tags=["hide-input"]
axes = figures.new_axes(2, sharey=True)
for ax, size in zip(axes, sizes, strict=True):
    groups = {
        name: {
            f"{task[:5]}.\n{kind}": areas(task, kind, size, layer)
            for task, kind in panels
        }
        for name, layer in drawn.items()
    }
    figures.plot_intervals(groups, ax=ax, ylabel="area")
    ax.set(title=f"{size} networks", ylim=(-0.03, 1.05))
plt.show()

# %% [markdown]
# ## What was found
#
# Area of the trained layer above chance, less that of the untrained layer and less that
# of the inputs, with 95 % intervals over seeds:
#
# | Task | Targets | Narrow, over untrained | Narrow, over inputs | Wide, over untrained | Wide, over inputs |
# |---|---|---|---|---|---|
# | classification | true | {glue:text}`02.gain.classification.true.narrow` | {glue:text}`02.over_inputs.classification.true.narrow` | {glue:text}`02.gain.classification.true.wide` | {glue:text}`02.over_inputs.classification.true.wide` |
# | classification | shuffled | {glue:text}`02.gain.classification.shuffled.narrow` | {glue:text}`02.over_inputs.classification.shuffled.narrow` | {glue:text}`02.gain.classification.shuffled.wide` | {glue:text}`02.over_inputs.classification.shuffled.wide` |
# | regression | true | {glue:text}`02.gain.regression.true.narrow` | {glue:text}`02.over_inputs.regression.true.narrow` | {glue:text}`02.gain.regression.true.wide` | {glue:text}`02.over_inputs.regression.true.wide` |
# | regression | shuffled | {glue:text}`02.gain.regression.shuffled.narrow` | {glue:text}`02.over_inputs.regression.shuffled.narrow` | {glue:text}`02.gain.regression.shuffled.wide` | {glue:text}`02.over_inputs.regression.shuffled.wide` |
#
# Is a part of that gain mere collapse of the spectrum? It is where the ceiling rises, and
# there alone. Of narrow networks with true targets the ceiling goes
# from {glue:text}`02.ceiling.classification.true.narrow.start.mean:.2f` before training to
# {glue:text}`02.ceiling.classification.true.narrow.end.mean:.2f` after it on the images, and
# from {glue:text}`02.ceiling.regression.true.narrow.start.mean:.2f` to
# {glue:text}`02.ceiling.regression.true.narrow.end.mean:.2f` on the slices; the inputs
# have {glue:text}`02.ceiling.classification.true.narrow.inputs.mean:.2f` and
# {glue:text}`02.ceiling.regression.true.narrow.inputs.mean:.2f`. Chance gives the trained
# layer an area of {glue:text}`02.chance.classification.true.narrow.end.mean:.4f` and
# {glue:text}`02.chance.regression.true.narrow.end.mean:.4f`, far below what it has.
#
# Of the wide networks on shuffled targets, a share of
# {glue:text}`02.converged.classification.shuffled.wide.mean:.2f` (images) and
# {glue:text}`02.converged.regression.shuffled.wide.mean:.2f` (slices) reached the
# tolerance.
#
# The paper trains "to convergence", and for the networks as wide as the input for
# 1,000 epochs. Our choice is one rule for both: a loss below the tolerance over an
# epoch, or 1,000 epochs. Which two classes, which rows, and PyTorch's initial weights
# are our choices too.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-02-1
#
# Let $y$ be a random vector with independent entries of mean 0 and variance 1, and
# $\Phi$ fixed. What is the expected alignment at threshold $\tau$? Compare with the
# shuffled curves of {numref}`fig-02-inputs`.
# :::
#
# :::{solution} ex-02-1
# :class: dropdown
#
# $\mathbb{E}(u_i^\top y)^2 = 1$ for every $i$, so $\mathbb{E} A(\tau)$ is the number of
# singular values of at least $\tau > 0$: an energy. Divided by
# $\mathbb{E} \lVert y \rVert^2 = n$ it is a share, at most $r / n$.
# :::
#
# :::{exercise}
# :label: ex-02-2
#
# Run the section with `-p control true`, which measures with targets that no network was
# trained on. Which claims change their verdict, and why?
# :::
#
# :::{solution} ex-02-2
# :class: dropdown
#
# All. The targets called true are as shuffled as the others, so the gap of the inputs
# vanishes. Training turns the layer towards the targets it is given and no others: the
# area stays at the level of chance. That level itself moves with the spectrum, and
# mostly rises by training, which is why gains are told above chance.
# :::
#
# :::{exercise}
# :label: ex-02-3
#
# Networks trained on shuffled targets fit them. Measure the alignment of their last
# hidden layer with the *true* targets. Does it rise or fall during training?
# :::
#
# ## Provenance

# %% tags=["provenance", "hide-input"]
provenance(
    datasets=[images.about, slices.about],
    device=where["device"],
    precision=precision,
    seeds=f"{seeds} narrow, {wide_seeds} wide",
)
