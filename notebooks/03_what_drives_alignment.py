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
# (sec-03)=
# # What drives alignment: depth, width, optimiser, activation, batch size
#
# Training raises the alignment of the last hidden layer with the targets in every
# setting of network and training that is tried, and deeper networks end better aligned.

# %% tags=["parameters"]
# fmt: off
classification: str = "digits"  # {digits, mnist}: images, classes 0 and 1
regression: str = "ct_phantom"  # {ct_phantom, ct_slices}: slices, the target is a position along the body
n_images: int = 10000  # {20..}: images to use, half of each class, or all there are
n_slices: int = 1000  # {20..}: slices to use, or all there are
depth: int = 4  # {1..}: hidden layers, where depth is not varied
width: int = 128  # {1..}: units per hidden layer, where width is not varied
batch_size: int = 64  # {1..}: rows per step, where batch size is not varied
depths: list = [1, 2, 4, 8]  # {1..}: numbers of hidden layers to try
widths: list = [32, 64, 128, 256, 512]  # {1..}: widths to try
optimizers: list = ["sgd", "momentum", "rmsprop", "adam", "adamw"]  # {sgd, momentum, rmsprop, adam, adamw}: optimisers to try; adam elsewhere
activations: list = ["relu", "tanh", "prelu", "leaky_relu", "linear"]  # {relu, tanh, prelu, leaky_relu, linear}: activations to try; relu elsewhere
batch_sizes: list = [32, 64, 128, 256]  # {1..}: batch sizes to try
step_size: float = 1e-3  # {0<..}: of Adam, AdamW and RMSprop
sgd_step_size: float = 0.1  # {0<..}: of SGD without momentum
momentum_step_size: float = 0.05  # {0<..}: of SGD with momentum 0.9
max_epochs: int = 1000  # {1..}: a network that has not converged stops here
tolerance: float = 1e-4  # {0..}: a network has converged when its loss over an epoch is below this
seeds: int = 6  # {1..}: networks per setting, trained together; six is the least that can tell a rank correlation from 0
seed: int = 0  # {0..999999999}: the first seed
control: bool = False  # negative control: measure with shuffled targets, not those trained on; all claims must then fail
device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps
precision: str = "float32"  # {float32, float64}: of the training
data_dir: str = ""  # existing path: folder with real data (empty: REPALIGN_DATA)
checkpoints: str = ""  # path: folder that keeps long trainings, so that they can go on (empty: none)
# {len(depths) >= 2}: the deepest network is compared with the shallowest
# {precision != "float64" or device != "mps"}: this device computes in float32
# fmt: on

# %% tags=["remove-input"]
from repalign_utils import check_parameters

check_parameters(globals())

# %% tags=["hide-input"]
import sys
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.stats import kendalltau
from tqdm import tqdm

from repalign_utils import (
    GRID,
    alignment,
    choose_device,
    data,
    figures,
    provenance,
    record,
    table,
)
from repalign_utils.experiments.sweeps import Setting, train_setting

figures.use_style()
where = {
    "device": choose_device(device),
    "dtype": getattr(torch, precision),
}

# %% [markdown]
# ## What is compared
#
# {ref}`sec-02` asked whether training aligns the hidden representation; now the
# question is in which networks. With $A_0$ and $A_1$ the area under the alignment
# curve ({ref}`sec-01`) of the last hidden layer at the initial and at the trained
# weights, a setting is judged by its *gain*
#
# $$
# G = A_1 - A_0 , \qquad
# A = \frac{1}{\|\Phi\|_F \|y\|^2} \sum_i \sigma_i (u_i^\top y)^2 - A_{\text{chance}} ,
# $$ (eq-03-gain)
#
# where $A_{\text{chance}}$ is what the same spectrum gives on average over all orders of
# the targets. Both ends matter. $A_0$ itself depends on depth, width and activation,
# since even random layers bend the singular vectors; so depths are compared by the $A_1$
# that they reach.
#
# The tasks are those of {ref}`sec-02`: images of two classes with targets $-1$ and $+1$,
# and slices whose target is their position along the body, scaled to $[-1, 1]$.

# %%
if classification == "mnist":
    images = data.mnist(
        n_per_class=n_images // 2, data_dir=data_dir, seed=seed
    )
else:
    images = data.digits(seed=seed)
slices = data.load(regression, n=n_slices, data_dir=data_dir, seed=seed)
tasks = {"classification": images, "regression": slices}
losses = {"classification": "logistic", "regression": "squared"}
print(images.about.sentence(), slices.about.sentence(), sep="\n")

# %% [markdown]
# Alignment is measured with the targets that the networks are trained on. The negative
# control trains on the same ones but measures with shuffled targets, of which the
# networks know nothing.


# %%
def measured(d):
    """Targets (seeds, n, 1) that each network's alignment is measured with."""
    draws = [np.random.default_rng([seed + i, 1]) for i in range(seeds)]
    shuffled = [draw.permutation(d.targets) for draw in draws]
    return np.stack(shuffled if control else [d.targets] * seeds)


for task, d in tasks.items():
    found = [alignment(d.inputs, t).area()[0] for t in measured(d)]
    record(f"03.input.area.{task}", found, within=(0, 1), exact=True)


# %% [markdown]
# ## Five sweeps around one setting
#
# Each sweep varies one thing and leaves the others at the base setting. The optimisers
# differ in the scale of their steps, so each kind has a step size of its own.

# %%
base = Setting(
    depth=depth, width=width, batch_size=batch_size, step_size=step_size
)
step_sizes = {"sgd": sgd_step_size, "momentum": momentum_step_size}
sweeps = {
    "depth": {v: replace(base, depth=v) for v in depths},
    "width": {v: replace(base, width=v) for v in widths},
    "optimizer": {
        v: replace(
            base, optimizer=v, step_size=step_sizes.get(v, step_size)
        )
        for v in optimizers
    },
    "activation": {v: replace(base, activation=v) for v in activations},
    "batch_size": {v: replace(base, batch_size=v) for v in batch_sizes},
}

# %% [markdown]
# The base setting is a value of every sweep; it is trained once. For each setting,
# networks of all seeds are trained together, each until its own loss is below the
# tolerance, or to the last epoch allowed.


# %%
def train(setting, task, bar):
    """Alignment before and after, of networks of one setting on one task."""

    def report(epoch, current):
        loss = np.nanmax(current)
        bar.set_postfix_str(f"epoch {epoch}, loss {loss:.1e}")

    d = tasks[task]
    return train_setting(
        setting,
        d.inputs,
        d.targets,
        loss=losses[task],
        measured=measured(d),
        members=seeds,
        seed=seed,
        max_epochs=max_epochs,
        tolerance=tolerance,
        checkpoints=checkpoints or None,
        report=report,
        **where,
    )


# %%
titles = {"optimizer": "optimiser", "batch_size": "batch size"}
names = {}  # setting -> where it stands, for the table
for sweep, settings in sweeps.items():
    for value, setting in settings.items():
        title = f"{titles.get(sweep, sweep)} {value}"
        names.setdefault(setting, "base" if setting == base else title)
runs = [(setting, task) for setting in names for task in tasks]
with tqdm(runs, mininterval=2, file=sys.stderr) as bar:
    trained = {}
    for setting, task in bar:
        bar.set_description(f"{names[setting]}, {task}")
        trained[setting, task] = train(setting, task, bar)

# %% [markdown]
# How long they trained, from the first to the last seed to stop, and how far they came:

# %%
header = ["Setting", "Task", "Epochs", "Converged", "Largest last loss"]
rows = []
for (setting, task), run in trained.items():
    t = run.training
    low, high = t.epochs.min(), t.epochs.max()
    rows.append(
        [
            names[setting],
            task,
            f"{low}" if low == high else f"{low} to {high}",
            f"{t.converged.sum()} of {seeds}",
            f"{t.final_losses().max():.1e}",
        ]
    )
table(header, rows)


# %%
def per_seed(what, when, setting, task):
    """Number that `what` makes of each seed's alignment, (seeds,)."""
    found = getattr(trained[setting, task], when)
    return np.array([what(a) for a in found])


def above_chance(a):
    """Area less what chance gives."""
    return a.area()[0] - a.null().area[0]


areas, heights = {}, {}
for when in ("before", "after"):
    for run in runs:
        areas[when, *run] = per_seed(lambda a: a.area()[0], when, *run)
        heights[when, *run] = per_seed(above_chance, when, *run)
gains = {
    run: heights["after", *run] - heights["before", *run]
    for run in runs
}

# %% [markdown]
# The curves of every setting and seed (optimisers and batch sizes start where the base
# setting does), and of the base setting what an area is made of:
# its ceiling, which is how far the spectrum has collapsed onto one direction, and its
# level of chance ({ref}`sec-01`).

# %%
held = (base.optimizer, base.batch_size)
starts = [s for s in names if (s.optimizer, s.batch_size) == held]
for task in tasks:
    for when, kept in {"before": starts, "after": list(names)}.items():
        curves = [
            [a.shares()[:, 0] for a in getattr(trained[s, task], when)]
            for s in kept
        ]
        coords = {
            "setting": [names[s] for s in kept],
            "threshold": GRID,
        }
        record(
            f"03.curve.{task}.{when}",
            np.array(curves),
            dims=("setting", "seed", "threshold"),
            coords=coords,
        )

# %%
for when, task in [(w, t) for w in ("before", "after") for t in tasks]:
    if base in names:
        run = (when, base, task)
        name = f"base.{task}.{when}"
        ceiling = per_seed(lambda a: a.ceiling, *run)
        record(f"03.area.{name}", areas[run], within=(0, 1))
        record(f"03.ceiling.{name}", ceiling, within=(0, 1))
        record(
            f"03.chance.{name}",
            areas[run] - heights[run],
            within=(0, 1),
        )

# %% [markdown]
# In the base setting the area after training is
# {glue:text}`03.area.base.classification.after.mean:.3f` on the images and
# {glue:text}`03.area.base.regression.after.mean:.3f` on the slices, far above what chance
# gives there, {glue:text}`03.chance.base.classification.after.mean:.4f` and
# {glue:text}`03.chance.base.regression.after.mean:.4f`.
#
# Alignment rises in *every* setting of a sweep if it does in the one that gains least.
# So each seed is recorded by its least gain over the values of the sweep.

# %%
for sweep, settings in sweeps.items():
    for task in tasks:
        least = np.min(
            [gains[s, task] for s in settings.values()], axis=0
        )
        record(f"03.gain.{sweep}.{task}", least)

# %% [markdown]
# ## Depth


# %% tags=["hide-input"]
def by_chance(task, when, settings):
    """Captured share that chance gives, mean over seeds, (settings, t)."""
    return [
        np.mean(
            [
                a.null().shares()[:, 0]
                for a in getattr(trained[s, task], when)
            ],
            axis=0,
        )
        for s in settings
    ]


# %% mystnb={"figure": {"name": "fig-03-depth", "caption": "Alignment of the last hidden layer by number of hidden layers, before training (top) and after it (bottom); bands span the seeds, thin lines are chance."}, "image": {"alt": "Four panels: classification and regression, each before and after training. Captured share of the target energy against threshold divided by the norm of the features, one line per number of hidden layers."}} tags=["hide-input"]
def draw_curves(sweep):
    """Alignment curves: before over after, one column per task."""
    grid = figures.new_axes(2, rows=2, sharex=True, sharey=True)
    for row, when in zip(grid, ("before", "after"), strict=True):
        for ax, task in zip(row, tasks, strict=True):
            curves = {
                value: np.concatenate(
                    [
                        a.shares().T
                        for a in getattr(trained[s, task], when)
                    ]
                )
                for value, s in sweeps[sweep].items()
            }
            figures.plot_curves(
                curves,
                GRID,
                ax=ax,
                xlabel="threshold / ‖Φ‖_F",
                legend=False,
                chance=by_chance(task, when, sweeps[sweep].values()),
            )
            ax.set_title(f"{task}, {when}")
            ax.set_xscale("symlog", linthresh=1e-4)
            ax.set(xlim=(0, 1), xticks=[0, 1e-4, 1e-3, 1e-2, 1e-1, 1])
    grid[0, 0].legend(title=titles.get(sweep, sweep))


draw_curves("depth")
plt.show()


# %% mystnb={"figure": {"name": "fig-03-depth-areas", "caption": "Area under the alignment curve by number of hidden layers, with 95 % intervals over seeds."}, "image": {"alt": "Two panels, classification and regression. For each number of hidden layers, the area before and after training, as points with intervals."}} tags=["hide-input"]
def draw_areas(sweep):
    """Areas before and after each value of a sweep, one panel per task."""
    for ax, task in zip(
        figures.new_axes(2, sharey=True), tasks, strict=True
    ):
        groups = {
            when: {
                str(v).replace("leaky_", "leaky\n"): areas[
                    when, s, task
                ]
                for v, s in sweeps[sweep].items()
            }
            for when in ("before", "after")
        }
        figures.plot_intervals(
            groups,
            ax=ax,
            xlabel=titles.get(sweep, sweep),
            ylabel="area",
        )
        ax.set(title=task, ylim=(-0.03, 1.05))
        ax.tick_params(axis="x", labelsize="small")


draw_areas("depth")
plt.show()

# %% [markdown]
# The depth that gains least gains {glue:text}`03.gain.depth.classification` on the
# images and {glue:text}`03.gain.depth.regression` on the slices ({numref}`fig-03-depth`,
# {numref}`fig-03-depth-areas`). Do deeper networks end better aligned? Per seed, the
# deepest network is compared with the shallowest, by the area reached above chance; and
# Kendall's rank correlation of that area with depth is 1 if each layer more adds to it.

# %%
by_depth = sorted(sweeps["depth"])
for task in tasks:
    chain = [(sweeps["depth"][v], task) for v in by_depth]
    reached = [heights["after", *run] for run in chain]
    order = [
        kendalltau(by_depth, column).statistic
        for column in np.transpose(reached)
    ]
    gained = gains[chain[-1]] - gains[chain[0]]
    record(f"03.depth.end.{task}", reached[-1] - reached[0])
    record(f"03.depth.rank.{task}", order, within=(-1, 1))
    record(f"03.depth.gain.{task}", gained)

# %% [markdown]
# | Deepest minus shallowest | Area reached | Rank correlation of area reached with depth | Gain |
# |---|---|---|---|
# | classification | {glue:text}`03.depth.end.classification` | {glue:text}`03.depth.rank.classification` | {glue:text}`03.depth.gain.classification` |
# | regression | {glue:text}`03.depth.end.regression` | {glue:text}`03.depth.rank.regression` | {glue:text}`03.depth.gain.regression` |
#
# The gain tells more than the claim: a deep network also starts lower. What the last
# column has above the first is due to the start, so no claim rests on it. With five
# seeds no exact test can tell a rank correlation from 0, even if it is 1 in each; six
# can.
#
# ## Width

# %% mystnb={"figure": {"name": "fig-03-width", "caption": "Alignment of the last hidden layer by width, before training (top) and after it (bottom); bands span the seeds, thin lines are chance."}, "image": {"alt": "Four panels: classification and regression, each before and after training. Captured share of the target energy against threshold divided by the norm of the features, one line per width."}} tags=["hide-input"]
draw_curves("width")
plt.show()

# %% mystnb={"figure": {"name": "fig-03-width-areas", "caption": "Area under the alignment curve by width, with 95 % intervals over seeds."}, "image": {"alt": "Two panels, classification and regression. For each width, the area before and after training, as points with intervals."}} tags=["hide-input"]
draw_areas("width")
plt.show()

# %% [markdown]
# The width that gains least gains {glue:text}`03.gain.width.classification` on the
# images and {glue:text}`03.gain.width.regression` on the slices ({numref}`fig-03-width`,
# {numref}`fig-03-width-areas`).
#
# ## Optimiser

# %% mystnb={"figure": {"name": "fig-03-optimizer", "caption": "Alignment of the last hidden layer by optimiser, before training (top) and after it (bottom); bands span the seeds, thin lines are chance."}, "image": {"alt": "Four panels: classification and regression, each before and after training. Captured share of the target energy against threshold divided by the norm of the features, one line per optimiser; before training they coincide."}} tags=["hide-input"]
draw_curves("optimizer")
plt.show()

# %% mystnb={"figure": {"name": "fig-03-optimizer-areas", "caption": "Area under the alignment curve by optimiser, with 95 % intervals over seeds."}, "image": {"alt": "Two panels, classification and regression. For each optimiser, the area before and after training, as points with intervals."}} tags=["hide-input"]
draw_areas("optimizer")
plt.show()

# %% [markdown]
# The optimiser that gains least gains {glue:text}`03.gain.optimizer.classification` on
# the images and {glue:text}`03.gain.optimizer.regression` on the slices
# ({numref}`fig-03-optimizer`, {numref}`fig-03-optimizer-areas`). All start from the
# same weights and see the same batches.
#
# ## Activation

# %% mystnb={"figure": {"name": "fig-03-activation", "caption": "Alignment of the last hidden layer by activation, before training (top) and after it (bottom); bands span the seeds, thin lines are chance."}, "image": {"alt": "Four panels: classification and regression, each before and after training. Captured share of the target energy against threshold divided by the norm of the features, one line per activation."}} tags=["hide-input"]
draw_curves("activation")
plt.show()

# %% mystnb={"figure": {"name": "fig-03-activation-areas", "caption": "Area under the alignment curve by activation, with 95 % intervals over seeds."}, "image": {"alt": "Two panels, classification and regression. For each activation, the area before and after training, as points with intervals."}} tags=["hide-input"]
draw_areas("activation")
plt.show()

# %% [markdown]
# The activation that gains least gains {glue:text}`03.gain.activation.classification` on
# the images and {glue:text}`03.gain.activation.regression` on the slices
# ({numref}`fig-03-activation`, {numref}`fig-03-activation-areas`). Even a *linear*
# network, whose layers span no more than the inputs do, can turn its hidden layer
# towards the targets: it need only stretch the directions that hold them.
#
# ## Batch size

# %% mystnb={"figure": {"name": "fig-03-batch-size", "caption": "Alignment of the last hidden layer by batch size, before training (top) and after it (bottom); bands span the seeds, thin lines are chance."}, "image": {"alt": "Four panels: classification and regression, each before and after training. Captured share of the target energy against threshold divided by the norm of the features, one line per batch size; before training they coincide."}} tags=["hide-input"]
draw_curves("batch_size")
plt.show()

# %% mystnb={"figure": {"name": "fig-03-batch-size-areas", "caption": "Area under the alignment curve by batch size, with 95 % intervals over seeds."}, "image": {"alt": "Two panels, classification and regression. For each batch size, the area before and after training, as points with intervals."}} tags=["hide-input"]
draw_areas("batch_size")
plt.show()

# %% [markdown]
# The batch size that gains least gains {glue:text}`03.gain.batch_size.classification` on
# the images and {glue:text}`03.gain.batch_size.regression` on the slices
# ({numref}`fig-03-batch-size`, {numref}`fig-03-batch-size-areas`).
#
# ## What was found
#
# Least gain in area above chance over the values of each sweep, with 95 % intervals over seeds:
#
# | Sweep | Classification | Regression |
# |---|---|---|
# | depth | {glue:text}`03.gain.depth.classification` | {glue:text}`03.gain.depth.regression` |
# | width | {glue:text}`03.gain.width.classification` | {glue:text}`03.gain.width.regression` |
# | optimiser | {glue:text}`03.gain.optimizer.classification` | {glue:text}`03.gain.optimizer.regression` |
# | activation | {glue:text}`03.gain.activation.classification` | {glue:text}`03.gain.activation.regression` |
# | batch size | {glue:text}`03.gain.batch_size.classification` | {glue:text}`03.gain.batch_size.regression` |
#
# The paper's base setting, activations and batch sizes are ours too. Which depths,
# widths, optimisers and step sizes it tries, and on which task, we do not know. Our
# choices are the two tasks of {ref}`sec-02`, the values in the parameters above, and one
# step size for each kind of optimiser, with which it trains on both tasks without
# diverging. The paper trains to convergence; here the last epoch allowed is a choice,
# which spares long runs of networks that stay just above the tolerance.
# So are PyTorch's initial weights, with which the last hidden layer of a deep network
# starts almost without alignment; how much of the gain is due to that, the table on depth
# says.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-03-1
#
# Let the rows of a hidden layer be nearly all the same, as in a deep random network,
# and let the targets $-1$ and $+1$ be balanced. Show that the area is nearly 0.
# :::
#
# :::{solution} ex-03-1
# :class: dropdown
#
# If all rows are equal, $\Phi = \mathbf{1} v^\top$ has a single singular vector
# $u_1 = \mathbf{1} / \sqrt{n}$, and $u_1^\top y = 0$ for balanced targets. A small
# deviation adds directions that may hold the target, but with $\sigma_i \ll \sigma_1$,
# so that they count little in {eq}`eq-03-gain`.
# :::
#
# :::{exercise}
# :label: ex-03-2
#
# Run the section with `-p control true`. Which claims must change their verdict, and
# what do the gains become?
# :::
#
# :::{solution} ex-03-2
# :class: dropdown
#
# All. A shuffled target is spread over all directions, whichever of them training has
# stretched, so its areas stay at the level of chance: gains above chance are near 0, of
# either sign, and so are the differences between depths. What deep networks add to a
# *gain* by starting lower is no more in the claim, which compares the areas reached.
# :::
#
# :::{exercise}
# :label: ex-03-3
#
# Set `sgd_step_size` to 0.01 and `max_epochs` to 20. What happens to the claim on
# optimisers, and what would you conclude from the table of losses?
# :::
#
# :::{solution} ex-03-3
# :class: dropdown
#
# Deep networks with PyTorch's initial weights pass on small gradients, and with small
# steps they have hardly begun to learn: losses near their start and small gains. The claim
# is about networks that have been trained; a setting that was not is no evidence
# against it.
# :::
#
# :::{exercise}
# :label: ex-03-4
#
# Compare the curves of one sweep at a threshold of your choice instead of their areas.
# Is there a threshold at which a shallow network is the better aligned one?
# :::
#
# ## Provenance

# %% tags=["provenance", "hide-input"]
provenance(
    datasets=[images.about, slices.about],
    device=where["device"],
    precision=precision,
    seeds=seeds,
)
