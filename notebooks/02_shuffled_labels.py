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
# representation with the targets it is given, true or shuffled alike.

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
wide_seeds: int = 3  # {1..}: wide networks, trained together
seed: int = 0  # {0..999999999}: the first seed
control: bool = False  # negative control: shuffle the targets called true as well; claims on inputs must then fail
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
    """Targets (members, n, 1) as they are, unless this run is the control."""
    return (
        shuffled(targets, members)
        if control
        else np.stack([targets] * members)
    )


tasks = {"classification": images, "regression": slices}
labels = {"true": true, "shuffled": shuffled}
losses = {"classification": "logistic", "regression": "squared"}

# %% [markdown]
# ## The inputs
#
# Alignment of the inputs themselves, before any network. Directions of inputs that
# know nothing of the targets hold them in proportion to their number: most of the
# energy of shuffled targets lies where singular values are small.

# %%
inputs_aligned = {}
for task, d in tasks.items():
    for kind, arrange in labels.items():
        columns = arrange(d.targets, seeds)[:, :, 0].T  # (n, seeds)
        inputs_aligned[task, kind] = alignment(d.inputs, columns)

# %%
for task in tasks:
    true_area = inputs_aligned[task, "true"].area()
    gap = true_area - inputs_aligned[task, "shuffled"].area()
    record(f"02.input.area.{task}", true_area, exact=True)
    record(f"02.input.gap.{task}", gap, exact=True)


# %%
x = np.sort(
    np.concatenate([np.linspace(0, 1, 200), np.geomspace(1e-4, 1, 200)])
)


def shares(a):
    """Captured share (k, t) of each target at the thresholds x sqrt(n)."""
    return (a.curve(x * np.sqrt(a.n)) / a.target_energy).T


# %% mystnb={"figure": {"name": "fig-02-inputs", "caption": "Alignment of the inputs with true and with shuffled targets; bands span the shuffles."}, "image": {"alt": "Two panels, classification and regression. Captured share of the target energy against threshold divided by the square root of n, one line for true and one for shuffled targets."}} tags=["hide-input"]
axes = figures.new_axes(2, sharey=True)
for ax, task in zip(axes, tasks, strict=True):
    curves = {
        kind: shares(inputs_aligned[task, kind]) for kind in labels
    }
    figures.plot_curves(curves, x, ax=ax, xlabel="threshold / √n")
    ax.set_xscale("symlog", linthresh=1e-4)
    ax.set(title=task, xlim=(0, 1))
    ax.set_xticks([0, 1e-4, 1e-3, 1e-2, 1e-1, 1])
plt.show()

# %% [markdown]
# The area under the true curve exceeds that under the shuffled one by
# {glue:text}`02.input.gap.classification` on the images and by
# {glue:text}`02.input.gap.regression` on the slices ({numref}`fig-02-inputs`).
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
    """Last hidden layer (members, n, width) before and after, and the training."""
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
    before = networks.hidden(d.inputs)[-1]
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
    return before, networks.hidden(d.inputs)[-1], targets, training


# %%
sizes = {"narrow": seeds, "wide": wide_seeds}
aligned, trainings = {}, {}
for size, members in sizes.items():
    for task, d in tasks.items():
        units = width if size == "narrow" else d.inputs.shape[1]
        for kind in labels:
            run = train(task, kind, units, members)
            before, after, targets, trainings[task, kind, size] = run
            for when, layer in {"start": before, "end": after}.items():
                aligned[task, kind, size, when] = [
                    alignment(h, t)
                    for h, t in zip(layer, targets, strict=True)
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

# %%
areas = {
    key: np.array([a.area()[0] for a in found])
    for key, found in aligned.items()
}
for task, kind, size in trainings:
    start, end = (
        areas[task, kind, size, when] for when in ("start", "end")
    )
    record(f"02.gain.{task}.{kind}.{size}", end - start)
    t = trainings[task, kind, size]
    record(f"02.converged.{task}.{kind}.{size}", t.converged.mean())

# %% mystnb={"figure": {"name": "fig-02-hidden", "caption": "Alignment of inputs and of the last hidden layer of the narrow networks, at the start and after training; bands span the seeds."}, "image": {"alt": "Four panels: classification and regression, each with true and with shuffled targets. Captured share of the target energy against threshold divided by the square root of n, for the inputs, the last hidden layer at the start, and the last hidden layer after training."}} tags=["hide-input"]
axes = figures.new_axes(2, rows=2, sharex=True, sharey=True).ravel()
panels = [(task, kind) for task in tasks for kind in labels]
for ax, (task, kind) in zip(axes, panels, strict=True):
    curves = {"inputs": shares(inputs_aligned[task, kind])}
    for when in ("start", "end"):
        found = aligned[task, kind, "narrow", when]
        curves[f"hidden, {when}"] = np.concatenate(
            [shares(a) for a in found]
        )
    figures.plot_curves(
        curves, x, ax=ax, xlabel="threshold / √n", legend=ax is axes[-1]
    )
    ax.set_title(f"{task}, {kind}")
plt.show()

# %% mystnb={"figure": {"name": "fig-02-areas", "caption": "Area under the alignment curve of the last hidden layer, with 95 % intervals over seeds."}, "image": {"alt": "Two panels, narrow and wide networks. For true and shuffled targets of both tasks, the area at the start and after training, as points with intervals."}} tags=["hide-input"]
axes = figures.new_axes(2, sharey=True)
for ax, size in zip(axes, sizes, strict=True):
    groups = {
        when: {
            f"{task[:5]}.\n{kind}": areas[task, kind, size, when]
            for task, kind in panels
        }
        for when in ("start", "end")
    }
    figures.plot_intervals(groups, ax=ax, ylabel="area")
    ax.set(title=f"{size} networks", ylim=(-0.03, 1.05))
plt.show()

# %% [markdown]
# ## What was found
#
# Gain in area by training, after minus before, with its 95 % interval over seeds:
#
# | Task | Targets | Narrow networks | Wide networks |
# |---|---|---|---|
# | classification | true | {glue:text}`02.gain.classification.true.narrow` | {glue:text}`02.gain.classification.true.wide` |
# | classification | shuffled | {glue:text}`02.gain.classification.shuffled.narrow` | {glue:text}`02.gain.classification.shuffled.wide` |
# | regression | true | {glue:text}`02.gain.regression.true.narrow` | {glue:text}`02.gain.regression.true.wide` |
# | regression | shuffled | {glue:text}`02.gain.regression.shuffled.narrow` | {glue:text}`02.gain.regression.shuffled.wide` |
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
# singular values of at least $\tau$: only a share $r / n$ of the energy lies in the
# span of $\Phi$ at all.
# :::
#
# :::{exercise}
# :label: ex-02-2
#
# Run the section with `-p control true`. Which claims change their verdict, which do
# not, and why?
# :::
#
# :::{solution} ex-02-2
# :class: dropdown
#
# The two on the inputs: targets called true are now as shuffled as the others, so the
# gap in area vanishes. The claims on training stay, since networks align with whatever
# targets they are given.
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
