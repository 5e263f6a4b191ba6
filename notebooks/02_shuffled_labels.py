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
# # Does training align with any labels, even shuffled ones?
#
# True labels lie along the leading singular vectors of the inputs; shuffled ones are
# spread over all directions. The paper {cite:p}`imani2022` finds that training turns the
# last hidden layer towards the labels it is given, whatever they are. In this run,
# shuffling all labels of the images takes the area ({ref}`sec-01`), less what chance gives,
# from {glue:text}`02.share.inputs.true.classification.mean:.2f` to
# {glue:text}`02.share.inputs.shuffled.classification.mean:z.2f` for the inputs and from
# {glue:text}`02.share.trained.true.classification.mean:.2f` to
# {glue:text}`02.share.trained.shuffled.classification.mean:.2f` for the trained layer, while
# the error on new images goes from {glue:text}`02.error.true.classification.mean:.2f` to
# {glue:text}`02.error.shuffled.classification.mean:.2f`. Does alignment tell that error?
# Over networks whose labels were shuffled by degrees, a measure of how the labels lie in
# the layer correlates with it by {glue:text}`02.follows.untrained.classification.mean:.2f`
# before training and by {glue:text}`02.follows.trained.classification.mean:.2f` after it.

# %% tags=["parameters"]
# fmt: off
classification: str = "digits"  # {digits, mnist}: images, classes 0 and 1
regression: str = "ct_phantom"  # {ct_phantom, ct_slices}: slices, the target is a position along the body
shares: list = [0.0, 0.25, 0.5, 0.75, 1.0]  # of the labels that are shuffled, in ascending order
seeds: int = 5  # {2..}: narrow networks of each share, all trained together
max_epochs: int = 1000  # {1..}: a network that has not converged stops here
control: bool = False  # negative control: measure with targets shuffled once more, which no network has seen; all claims must then fail
n_images: int = 10000  # {20..}: images to use, half of each class, or all there are
n_slices: int = 10000  # {20..}: slices to use, or all there are
width: int = 128  # {1..}: units per hidden layer of the narrow networks; the wide ones have as many as inputs
wide_seeds: int = 5  # {1..}: wide networks, with true and with shuffled labels
step_size: float = 1e-3  # {0<..}: of Adam
seed: int = 0  # {0..999999999}: the first seed
device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps
data_dir: str = ""  # existing path: folder with real data (empty: REPALIGN_DATA)
checkpoints: str = ""  # path: folder that keeps long trainings, so that they can go on (empty: none)
# {len(shares) >= 3 and shares[0] == 0 and shares[-1] == 1 and sorted(shares) == shares}: the ends are true and shuffled labels, with steps between
# fmt: on

# %% tags=["remove-input"]
from repalign_utils import check_parameters

check_parameters(globals())

# %% tags=["hide-input"]
import sys

import matplotlib.pyplot as plt
import numpy as np
import torch
import xarray as xr
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
from repalign_utils.similarity import cka

# %% tags=["hide-input"]
figures.use_style()
where = {"device": choose_device(device), "dtype": torch.float32}
how = {"batch_size": 64, "tolerance": 1e-4, "step_size": step_size}
depth, ridge = 3, 1.0  # hidden layers; ridge of the kernels below

# %% [markdown]
# ## The data, true and shuffled
#
# Images of two digits have the targets $-1$ and $+1$; the target of a slice is its
# position along the body, scaled to $[-1, 1]$. A fifth of the rows is held out: no
# network is trained on them and no alignment is measured there. They serve for the error
# on new rows alone.

# %%
options = {"data_dir": data_dir, "seed": seed}
if classification == "mnist":
    images = data.mnist(n_per_class=n_images // 2, **options)
else:
    images = data.digits(seed=seed)
slices = data.load(regression, n=n_slices, **options)
tasks = {"classification": images, "regression": slices}
here = {"classification": "images", "regression": "slices"}
print(images.about.sentence(), slices.about.sentence(), sep="\n")


# %%
def parted(d):
    """Inputs and targets to train on, and those held out."""
    order = np.random.default_rng(seed).permutation(len(d.targets))
    held, kept = np.split(order, [len(order) // 5])
    return [(d.inputs[r], d.targets[r, 0]) for r in (kept, held)]


known, held_out = {}, {}
for task, d in tasks.items():
    known[task], held_out[task] = parted(d)
{task: x.shape for task, (x, _) in known.items()}

# %% [markdown]
# Shuffling keeps the inputs and the set of targets and breaks the link between them. It
# can be done by degrees: draw a share of the rows and permute their targets among them.


# %%
def shuffled(targets, share, draw):
    """Targets (n,), a share of them permuted among themselves."""
    order = draw.permutation(len(targets))
    rows = order[: round(share * len(order))]
    given = targets.copy()
    given[rows] = targets[draw.permutation(rows)]
    return given


# %%
def given_targets(task, some_shares, members):
    """Targets (share, seed, n): each seed has draws of its own."""
    y = known[task][1]
    start = range(seed, seed + members)
    draws = [
        [np.random.default_rng(s) for s in start] for _ in some_shares
    ]
    return np.stack(
        [
            [shuffled(y, share, draw) for draw in row]
            for share, row in zip(some_shares, draws, strict=True)
        ]
    )


# %% mystnb={"figure": {"name": "fig-02-images", "caption": "What a network learns from: images labelled 0 in the upper row and 1 in the lower one, by their true labels (left) and after all labels were shuffled (right)."}, "image": {"alt": "Two sheets of small handwritten digits in two rows each. Left, zeros above and ones below; right, zeros and ones mixed in both rows.", "classes": "dark-light"}} tags=["hide-input"]
x, _ = known["classification"]
side = round(x.shape[1] ** 0.5)
pixels = (255 * x).astype(np.uint8).reshape(-1, 1, side, side)
ends = given_targets("classification", [0, 1], 1)[:, 0]
axes = figures.new_panels(columns=2, height=0.6)
axes[0].figure.get_layout_engine().set(wspace=0.15)
for ax, y in zip(axes, ends, strict=True):
    sheet = [pixels[np.flatnonzero(y == c)[:6]] for c in (-1, 1)]
    figures.plot_images(sheet, ax=ax)
plt.show()

# %% [markdown]
# The sheet on the right of {numref}`fig-02-images` has the same images and as many of each
# label. All that a network can learn from it is which image has which label.


# %% mystnb={"figure": {"name": "fig-02-slices", "caption": "Bone in eight slices, from the one nearest to the head on the left to the one farthest from it on the right: the input holds, for each sector and shell, a share of its area."}, "image": {"alt": "Eight discs in a row, each a polar grid of grey cells that shows where bone lies in a slice of a body.", "classes": "dark-light"}} tags=["hide-input"]
x, y = known["regression"]
shown = np.argsort(y)[np.linspace(0, len(y) - 1, 8).astype(int)]
ax = figures.new_panels(height=0.4)
figures.plot_images([data.slice_pictures(x[shown])], ax=ax)
plt.show()

# %% [markdown]
# The first 240 numbers of a slice count bone and the other 144 air ({numref}`fig-02-slices`);
# neighbouring slices look alike, so their positions follow the inputs' main directions.
#
# ## How do labels lie in the inputs?
#
# With unit rows in $\Phi = U \Sigma V^\top$, a target has the energy $(u_i^\top y)^2$ along
# direction $i$, and alignment at threshold $\tau$ is the energy of the directions whose
# singular values reach $\tau$ ({ref}`sec-01`). In NumPy:

# %%
x, y = known["classification"]
x = np.hstack([x, np.ones((len(x), 1))]).astype(float)
phi = x / np.linalg.norm(x, axis=1, keepdims=True)
U, s, _ = np.linalg.svd(phi, full_matrices=False)
mixed = np.random.default_rng(seed).permutation(y)
energy = {"true": (U.T @ y) ** 2, "shuffled": (U.T @ mixed) ** 2}
for kind, e in energy.items():
    area = s @ e / (np.linalg.norm(s) * (y @ y))
    print(kind, round(e[:5].sum() / (y @ y), 4), round(area, 4))
print(alignment(known["classification"][0], y).area().round(4))

# %% [markdown]
# Printed are the share of the energy along the first five directions and the area; last,
# the package's area with true labels. Directions that know nothing of the labels hold a
# share of them in proportion to their number; *chance* is the exact mean over all orders
# of the labels. Areas and chance of every network go into arrays by layer, share of
# shuffled labels and seed.


# %%
def aligned(features, targets):
    """Alignments (share, seed) of each member's features."""
    found = np.empty(targets.shape[:2], object)
    for k, place in enumerate(np.ndindex(found.shape)):
        found[place] = alignment(features[k], targets[place])
    return found


# %% tags=["hide-input"]
def measured(targets):
    """Targets (share, seed, n) to measure with; the control shuffles them."""
    if not control:
        return targets
    draws = [
        np.random.default_rng([seed + i, 1])
        for i in range(targets.shape[1])
    ]
    return np.stack(
        [
            [d.permutation(y) for d, y in zip(draws, row, strict=True)]
            for row in targets
        ]
    )


# %%
def each(number, found):
    """Number of every alignment in a labelled array of them."""
    return xr.apply_ufunc(number, found, vectorize=True)


def area_of(found):
    """Area of each target."""
    return each(lambda a: a.area()[0], found)


# %% tags=["hide-input"]
def chance_of(found):
    """What chance gives in its place."""
    return each(lambda a: a.null().area[0], found)


def curve_of(found, thresholds=GRID, null=False):
    """Captured shares at thresholds over the norm, or what chance gives."""
    return xr.apply_ufunc(
        lambda a: (a.null() if null else a).shares(thresholds)[:, 0],
        found,
        vectorize=True,
        output_core_dims=[["threshold"]],
    )


# %% tags=["hide-input"]
def labelled(parts, some_shares):
    """Alignments by layer, share and seed."""
    coords = {"layer": list(parts), "share": some_shares}
    dims = ("layer", "share", "seed")
    return xr.DataArray(list(parts.values()), coords, dims)


# %%
def of_inputs(task, some_shares, members):
    """Alignments of the inputs, by share and seed."""
    y = measured(given_targets(task, some_shares, members))
    return aligned([known[task][0]] * y[..., 0].size, y)


# %%
inputs = {
    task: labelled({"inputs": of_inputs(task, shares, seeds)}, shares)
    for task in tasks
}


# %%
for task, found in inputs.items():
    area = area_of(found).sel(layer="inputs")
    true, mixed = area.sel(share=0).values, area.sel(share=1).values
    exact = {"within": (0, 1), "exact": True}
    record(f"02.input.area.{task}", true, **exact)
    record(f"02.input.gap.{task}", true - mixed, exact=True)
    by_chance = float(chance_of(found)[0, 0, 0])
    record(f"02.input.chance.{task}", by_chance, **exact)

# %% mystnb={"figure": {"name": "fig-02-inputs", "caption": "Are the inputs better aligned with true targets than with shuffled ones? Captured share of the targets against the threshold; bands span the shuffles, the thin line is chance."}, "image": {"alt": "Two panels, images above and slices below. Captured share of the target energy against the threshold divided by the norm of the inputs, drawn as steps: one line for true and one for shuffled targets, and a thin one for chance."}} tags=["hide-input"]
fine = np.geomspace(1e-4, 1, 120)
axes = figures.new_panels(2, sharex=True, sharey=True)
for ax, (task, found) in zip(axes, inputs.items(), strict=True):
    curves = curve_of(found, fine).sel(layer="inputs")
    null = curve_of(found, fine, null=True).sel(layer="inputs", share=0)
    figures.plot_curves(
        {
            "true": curves.sel(share=0).values[:1],
            "shuffled": curves.sel(share=1).values,
        },
        fine, ax=ax, xlabel="threshold / ‖Φ‖_F",
        ylabel=f"captured share, {here[task]}",
        legend=ax is axes[0] and "above", chance=null[0], steps=True,
    )  # fmt: skip
    ax.set(xscale="log", xlim=(1e-4, 1), ylim=(0, 1.02))
plt.show()

# %% [markdown]
# Read {numref}`fig-02-inputs` from the right: the further right a curve rises, the larger
# the singular values that hold the targets, and the faster gradient descent learns them.
# The area with true targets less that with shuffled ones is
# {glue:text}`02.input.gap.classification` on the images and
# {glue:text}`02.input.gap.regression` on the slices. Compare the shuffled line with chance,
# whose area is {glue:text}`02.input.chance.classification.mean:.4f` and
# {glue:text}`02.input.chance.regression.mean:.4f`.
#
# ## Training on labels that are shuffled by degrees
#
# Networks with three hidden layers are trained by Adam, for each share of shuffled labels
# and each seed. Those of a seed start from the same weights; each stops when its own loss
# is below the tolerance. The narrow ones have 128 units per layer unless said otherwise.
# The wide ones have as many as inputs and are trained on true and on shuffled labels alone.


# %% tags=["hide-input"]
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
losses = {"classification": "logistic", "regression": "squared"}


def new_networks(inputs, units, some_shares, members):
    """One network of each share and seed; a seed's start alike."""
    networks = MLPEnsemble(
        inputs.shape[1],
        width=units,
        depth=depth,
        members=len(some_shares) * members,
        seed=seed,
        **where,
    )
    with torch.no_grad():
        for p in networks.parameters():  # (share and seed, ...)
            p.copy_(p[:members].repeat(len(some_shares), 1, 1))
    return networks


# %%
def train(task, units, some_shares, members):
    """Networks, the last hidden layer before and after, and the training."""
    x, _ = known[task]
    y = given_targets(task, some_shares, members)
    networks = new_networks(x, units, some_shares, members)
    before = networks.hidden(x)[-1]
    training = fit(
        networks,
        x,
        y.reshape(-1, len(x), 1),
        loss=losses[task],
        max_epochs=max_epochs,
        seed=seed,
        checkpoints=checkpoints or None,
        report=progress(f"{task}, width {units}"),
        **how,
    )
    return networks, before, networks.hidden(x)[-1], training


# %%
def trained_and_measured(task, units, some_shares, members):
    """Networks, layers, training, and the alignments of all layers."""
    networks, before, after, training = train(
        task, units, some_shares, members
    )
    y = measured(given_targets(task, some_shares, members))
    parts = {
        "inputs": of_inputs(task, some_shares, members),
        "untrained": aligned(before, y),
        "trained": aligned(after, y),
    }
    layers = {"untrained": before, "trained": after}
    return networks, layers, training, labelled(parts, some_shares)


# %%
narrow = {
    task: trained_and_measured(task, width, shares, seeds)
    for task in tasks
}
wide = {
    task: trained_and_measured(task, x.shape[1], [0, 1], wide_seeds)
    for task, (x, _) in known.items()
}

# %% tags=["hide-input"]
rows = []
for size, trained in {"narrow": narrow, "wide": wide}.items():
    for task, (*_, training, found) in trained.items():
        shape = found.shape[1:]
        ended = training.converged.reshape(shape)
        epochs = training.epochs.reshape(shape)
        loss = training.final_losses().reshape(shape)
        for i, share in enumerate(found.share.values):
            all_of = f"{ended[i].sum()} of {shape[1]}"
            most = f"{epochs[i].max()}"
            line = [size, here[task], f"{share:g}", all_of, most]
            rows.append([*line, f"{loss[i].max():.1e}"])
        for i, kind in ((0, "true"), (-1, "shuffled")):
            name = f"02.converged.{task}.{kind}.{size}"
            record(name, ended[i].mean(), within=(0, 1))
heads = ["Networks", "Data", "Share shuffled", "Converged"]
table([*heads, "Epochs, most", "Last loss, largest"], rows)

# %% [markdown]
# Training changes the spectrum of the layer, and with it what chance gives. So two layers
# are compared by their areas *above chance*.


# %%
def above_chance(found):
    """Area of each alignment less what chance gives."""
    return area_of(found) - chance_of(found)


excess = {task: above_chance(narrow[task][-1]) for task in tasks}


# %%
for task, above in excess.items():
    by_share = above.transpose("seed", "layer", "share")
    record(f"02.by_share.{task}", by_share)
    for end, kind in ((0, "true"), (1, "shuffled")):
        for layer in ("inputs", "trained"):
            values = above.sel(layer=layer, share=end).values
            record(f"02.share.{layer}.{kind}.{task}", values)
    first, last = above.sel(share=0), above.sel(share=1)
    half = first / 2 - last  # above 0: more than half is lost
    lost = half.sel(layer="inputs").values
    record(f"02.share.inputs_lose.{task}", lost, exact=True)
    kept = -half.sel(layer="trained").values
    record(f"02.share.layer_keeps.{task}", kept)

# %% mystnb={"figure": {"name": "fig-02-shares", "caption": "How much alignment is left as labels are shuffled? Area above chance with the labels that the networks are given, of the inputs and of the last hidden layer before and after training. Bands span the seeds."}, "image": {"alt": "Two panels, images above and slices below. Area above chance against the share of shuffled labels, with one line for the inputs, one for the untrained and one for the trained last hidden layer."}} tags=["hide-input", "lead-figure"]
axes = figures.new_panels(2, sharex=True)
for ax, (task, above) in zip(axes, excess.items(), strict=True):
    figures.plot_curves(
        {str(k): above.sel(layer=k).T.values for k in above.layer.values},
        shares, ax=ax, xlabel="share of shuffled labels",
        ylabel="area above chance", legend=ax is axes[0] and "above",
    )  # fmt: skip
    ax.set(ylim=(-0.03, None), xticks=shares)
    ax.text(1, 1, here[task], transform=ax.transAxes, ha="right")
plt.show()

# %% [markdown]
# Follow one line of {numref}`fig-02-shares` from the left, where all labels are true, to the
# right, where none is but by luck. At the right end the inputs have
# {glue:text}`02.share.inputs.shuffled.classification` (images) and
# {glue:text}`02.share.inputs.shuffled.regression` (slices) left, and the trained layer
# {glue:text}`02.share.trained.shuffled.classification` and
# {glue:text}`02.share.trained.shuffled.regression`, of
# {glue:text}`02.share.trained.true.classification` and
# {glue:text}`02.share.trained.true.regression` with true labels. What the trained layer
# loses has two readings that this figure cannot tell apart: labels that are harder to align
# with, and networks that stopped before they had fitted them (table above).
#
# ## The layer before and after, curve by curve

# %%
names = {"inputs": "inputs", "untrained": "start", "trained": "end"}
whole = {"narrow": narrow, "wide": wide}
for size, trained in whole.items():
    for task, (*_, found) in trained.items():
        ends = {
            "true": found.sel(share=0),
            "shuffled": found.sel(share=1),
        }
        for kind, part in ends.items():
            run = f"{task}.{kind}.{size}"
            above = above_chance(part)
            end = above.sel(layer="trained")
            gain = end - above.sel(layer="untrained")
            record(f"02.gain.{run}", gain.values)
            over = end - above.sel(layer="inputs")
            record(f"02.over_inputs.{run}", over.values)
            for layer, name in names.items():
                area = area_of(part).sel(layer=layer).values
                record(f"02.area.{run}.{name}", area, within=(0, 1))

# %% tags=["hide-input"]
for task in tasks:
    found = narrow[task][-1]
    true = found.sel(share=0)
    ceiling = each(lambda a: a.ceiling, true)
    for layer, name in names.items():
        run = f"{task}.true.narrow.{name}"
        high = ceiling.sel(layer=layer).values
        record(f"02.ceiling.{run}", high, within=(0, 1))
        low = chance_of(true).sel(layer=layer).values
        record(f"02.chance.{run}", low, within=(0, 1))
    for end, kind in ((0, "true"), (1, "shuffled")):
        curve = curve_of(found.sel(share=end)).assign_coords(
            threshold=GRID, layer=list(names.values())
        )
        curve = curve.drop_vars("share").transpose("seed", ...)
        record(f"02.curve.{task}.{kind}.narrow", curve)

# %% mystnb={"figure": {"name": "fig-02-hidden", "caption": "Does only the trained layer leave chance behind with shuffled targets? Captured share of the targets, for the inputs and the last hidden layer of narrow networks before and after training; bands span the seeds, thin lines are what chance gives each of the three."}, "image": {"alt": "Four panels: images in the upper row and slices in the lower, with true targets on the left and shuffled ones on the right. Captured share against threshold, drawn as steps, for the inputs, the untrained and the trained last hidden layer."}} tags=["hide-input"]
grid = figures.new_panels(2, columns=2, sharex=True, sharey=True)
panels = [(task, end) for task in tasks for end in (0, 1)]
for ax, (task, end) in zip(grid.ravel(), panels, strict=True):
    found = narrow[task][-1].sel(share=end)
    curves = curve_of(found, fine)
    null = curve_of(found, fine, null=True).mean("seed")
    figures.plot_curves(
        {str(k): curves.sel(layer=k).values for k in names},
        fine, ax=ax, xlabel="threshold / ‖Φ‖_F",
        ylabel=f"captured share, {here[task]}",
        legend=False, chance=null.values, steps=True,
    )  # fmt: skip
    ax.set(xscale="log", xlim=(1e-4, 1), ylim=(0, 1.02))
for ax, title in zip(grid[0], ("true", "shuffled"), strict=True):
    ax.set_title(f"{title} targets")
handles = grid[0, 0].get_legend_handles_labels()
where_to = {"loc": "outside upper center", "ncols": 4}
grid[0, 0].figure.legend(*handles, **where_to)
plt.show()

# %% [markdown]
# Read each curve of {numref}`fig-02-hidden` from right to left: where it jumps, a singular
# value is reached, and the height of the jump is what its direction holds. Look first at
# the right column: do the inputs and the untrained layer leave their thin lines of
# chance, and does the trained layer? Then compare jumps: one high jump says that one
# direction holds nearly all of the targets.

# %% mystnb={"figure": {"name": "fig-02-areas", "caption": "Does width change what training does? Area of the inputs and of the last hidden layer, of narrow and of wide networks, with 95 % intervals over seeds (small dots)."}, "image": {"alt": "Two panels, narrow networks above and wide ones below. For true and shuffled targets of both tasks, the area of the inputs and of the layer before and after training, as points with intervals."}} tags=["hide-input"]
axes = figures.new_panels(2, sharex=True, sharey=True)
for ax, (size, trained) in zip(axes, whole.items(), strict=True):
    areas = {t: area_of(found) for t, (*_, found) in trained.items()}
    groups = {
        layer: {
            f"{here[task]}\n{kind}": areas[task]
            .sel(layer=layer)[i]
            .values
            for task in tasks
            for i, kind in ((0, "true"), (-1, "shuffled"))
        }
        for layer in names
    }
    figures.plot_intervals(
        groups,
        ax=ax,
        within=(0, 1),
        ylabel=f"area, {size}",
        legend=False,
    )
    ax.set_ylim(-0.03, 1)
axes[0].legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=3)
plt.show()

# %% [markdown]
# In {numref}`fig-02-areas` compare the third mark of a group with the first two, then the
# upper panel with the lower one. The numbers are in the table at the end.
#
# ## Does alignment tell the error on new rows?
#
# The paper's section on generalisation speaks of $y^\top K^{-1} y$, in which the same
# energies stand. For two-layer networks in the limit of great width, Arora et al.
# {cite:p}`arora2019` bound the error on new rows by
#
# $$
# \sqrt{\frac{2\, y^\top K^{-1} y}{n}}, \qquad
# y^\top (K + \lambda I)^{-1} y
#   = \sum_i \frac{(u_i^\top y)^2}{\sigma_i^2 + \lambda},
# $$ (eq-02-complexity)
#
# with $K$ the kernel of that limit, fixed before any label is seen. The sum on the right
# is that of $K = \Phi \Phi^\top$ with a ridge $\lambda$, which a Gram matrix of low rank
# needs. We take $\lambda = 1$, the size of the diagonal of $K$, and divide by
# $\lVert y \rVert^2 / \lambda$: this *complexity* is near 0 if the targets lie along large
# singular values, and 1 if they lie outside the span of $\Phi$. *Kernel-target alignment*
# is the cosine between the centred $K$ and $y y^\top$ {cite:p}`cortes2012`. To set the two
# beside test error is our choice: the text of the paper was not at hand.


# %%
def complexity(found, ridge=ridge):
    """Ridge times y' (K + ridge I)^-1 y over |y|^2, from 0 to 1."""
    energy, whole = found.energy[:, 0], found.target_energy[0]
    inside = ridge * energy / (found.singular_values**2 + ridge)
    return (inside.sum() + max(whole - energy.sum(), 0)) / whole


# %%
def kernel_alignment(features, y):
    """Cosine between the centred K of features and y y'."""
    h = features - features.mean(0)
    y = y - y.mean()
    norm = np.linalg.norm(h.T @ h) * (y @ y)
    # Where all units are dead, K is 0 and lies along nothing.
    return np.square(h.T @ y).sum() / norm if norm else 0.0


# %%
found = narrow["classification"][-1].sel(share=1, layer="untrained")[0]
layer = narrow["classification"][1]["untrained"][-seeds].double().cpu()
y = measured(given_targets("classification", shares, seeds))[-1, 0]
phi = np.hstack([layer, np.ones((len(y), 1))])
phi /= np.linalg.norm(phi, axis=1, keepdims=True)
K = phi @ phi.T
solved = ridge * y @ np.linalg.solve(K + ridge * np.eye(len(y)), y)
print(complexity(found.item()) - solved / (y @ y))
print(kernel_alignment(layer.numpy(), y) - cka(layer, y[:, None]))

# %% [markdown]
# Both agree with the plain way, one by a linear solve and the other by `similarity.cka`,
# to rounding. Now all networks, and their errors on the rows held out, against *true*
# targets: the share of images on the wrong side, and for slices the squared error over
# the variance of the targets, where 1 is what their mean would do.


# %%
def test_error(task, networks):
    """Error of each network on new rows, by share and seed."""
    x, y = held_out[task]
    with torch.no_grad():
        out = networks(networks.as_tensor(x))[..., 0].cpu().numpy()
    if task == "classification":
        error = ((out > 0) != (y > 0)).mean(1)
    else:
        error = np.square(out - y).mean(1) / y.var()
    dims, coords = ("share", "seed"), {"share": shares}
    return xr.DataArray(error.reshape(-1, seeds), coords, dims)


# %%
errors = {task: test_error(task, narrow[task][0]) for task in tasks}
for task, error in errors.items():
    record(f"02.error.by_share.{task}", error.transpose("seed", ...))
    limits = {"within": (0, 1)} if task == "classification" else {}
    for i, kind in ((0, "true"), (-1, "shuffled")):
        record(f"02.error.{kind}.{task}", error[i].values, **limits)


# %%
def kernel_alignments(task):
    """Kernel-target alignment by layer, share and seed."""
    _, layers, _, found = narrow[task]
    y = measured(given_targets(task, shares, seeds))
    y = y.reshape(-1, y.shape[-1]).astype(float)
    value = {
        name: [
            kernel_alignment(h.double().cpu().numpy(), target)
            for h, target in zip(hidden, y, strict=True)
        ]
        for name, hidden in layers.items()
    }
    shaped = {k: np.reshape(v, (-1, seeds)) for k, v in value.items()}
    return labelled(shaped, shares)


# %%
of_layers = {
    t: narrow[t][-1].sel(layer=["untrained", "trained"]) for t in tasks
}
measures = {
    "kernel_alignment": {t: kernel_alignments(t) for t in tasks},
    "complexity": {t: each(complexity, of_layers[t]) for t in tasks},
}


# %%
for name, by_task in measures.items():
    for task, value in by_task.items():
        record(f"02.{name}.{task}", value.transpose("seed", ...))

# %% mystnb={"figure": {"name": "fig-02-errors", "caption": "Which measure moves as the error on new rows grows? Error against kernel-target alignment (left) and complexity (right) of the last hidden layer before and after training. One small dot per network; a line joins the means of the shares of shuffled labels, from true labels (larger ring) on."}, "image": {"alt": "Four panels: images in the upper row and slices in the lower, kernel-target alignment on the left and complexity on the right. Test error against the measure, one cloud with a line for untrained layers and one for trained ones."}} tags=["hide-input"]
grid = figures.new_panels(2, columns=2, sharex="col", sharey="row")
looks = {"untrained": ("C0", "o"), "trained": ("C1", "s")}
for column, (name, by_task) in zip(
    grid.T, measures.items(), strict=True
):
    for ax, (task, value) in zip(column, by_task.items(), strict=True):
        for layer, (color, marker) in looks.items():
            m, e = value.sel(layer=layer), errors[task]
            look = {"color": color, "marker": marker}
            ax.scatter(m, e, s=6, linewidth=0, alpha=0.5, **look)
            mean = m.mean("seed"), e.mean("seed")
            ax.plot(*mean, ms=4, ls="-", label=layer, **look)
            ax.plot(
                mean[0][0], mean[1][0], "o", c=color, mfc="none", ms=11
            )
        ax.set(xlim=(-0.05, 1.05))
    column[1].set_xlabel(name.replace("_", "-target "))
for ax, task in zip(grid[:, 0], tasks, strict=True):
    ax.set_ylabel(f"error, {here[task]}")
handles = grid[0, 0].get_legend_handles_labels()
grid[0, 0].figure.legend(*handles, loc="outside upper center", ncols=2)
plt.show()

# %% [markdown]
# Follow each line of {numref}`fig-02-errors` from its ring, true labels, upwards to shuffled
# ones. A measure that tells of generalisation moves sideways as the error rises: to the
# left in the left column, to the right in the right one. A line that goes straight up
# says that networks which err differently look alike to the measure. The layer before
# training has seen no labels; the trained one has seen those it is measured with.
#
# Two numbers per seed: the correlation, over the shares, of complexity with the error; and
# the *drop*, complexity of the untrained layer with true labels less that of the trained
# layer with shuffled ones. If it is above 0, training has made labels that generalise to
# nothing look simpler than true ones did at the start.


# %%
def follows(value, error):
    """Correlation over shares, of each seed; 0 where nothing varies."""
    return xr.corr(value, error, dim="share").fillna(0).values


# %%
for task, value in measures["complexity"].items():
    for layer in looks:
        found = follows(value.sel(layer=layer), errors[task])
        record(f"02.follows.{layer}.{task}", found, within=(-1, 1))
    simple = value.sel(layer="untrained", share=0)
    hidden = simple - value.sel(layer="trained", share=1)
    record(f"02.hidden.{task}", hidden.values)

# %% tags=["hide-input"]
lines = {
    f"complexity, ridge {r:g}": (
        1,
        {
            t: each(lambda a, r=r: complexity(a, r), of_layers[t])
            for t in tasks
        },
    )
    for r in (0.1, 1.0, 10.0)
}
lines["kernel-target alignment"] = (-1, measures["kernel_alignment"])
table(
    ["Correlation with the error"]
    + [f"{here[task]}, {layer}" for task in tasks for layer in looks],
    [
        [name]
        + [
            f"{sign * follows(by[t].sel(layer=layer), errors[t]).mean():.2f}"
            for t in tasks
            for layer in looks
        ]
        for name, (sign, by) in lines.items()
    ],
)

# %% [markdown]
# Compare the rows, means over seeds: does the ridge matter, or the measure? In the last one
# the sign is turned, so that 1 is best in all. At the ridge 1 the correlations are
# {glue:text}`02.follows.untrained.classification` (images) and
# {glue:text}`02.follows.untrained.regression` (slices) before training, and
# {glue:text}`02.follows.trained.classification` and {glue:text}`02.follows.trained.regression`
# after it; the drop is {glue:text}`02.hidden.classification` and
# {glue:text}`02.hidden.regression`. A sceptic would say that the share of shuffled labels
# drives both the measure and the error, and would be right: nothing here says that of
# two networks with the same labels the better aligned one errs less.
#
# ## What was found
#
# Area of the trained layer above chance, less that of the untrained layer and less that
# of the inputs, with 95 % intervals over seeds:
#
# | Data | Targets | Narrow, over untrained | Narrow, over inputs | Wide, over untrained | Wide, over inputs |
# |---|---|---|---|---|---|
# | images | true | {glue:text}`02.gain.classification.true.narrow` | {glue:text}`02.over_inputs.classification.true.narrow` | {glue:text}`02.gain.classification.true.wide` | {glue:text}`02.over_inputs.classification.true.wide` |
# | images | shuffled | {glue:text}`02.gain.classification.shuffled.narrow` | {glue:text}`02.over_inputs.classification.shuffled.narrow` | {glue:text}`02.gain.classification.shuffled.wide` | {glue:text}`02.over_inputs.classification.shuffled.wide` |
# | slices | true | {glue:text}`02.gain.regression.true.narrow` | {glue:text}`02.over_inputs.regression.true.narrow` | {glue:text}`02.gain.regression.true.wide` | {glue:text}`02.over_inputs.regression.true.wide` |
# | slices | shuffled | {glue:text}`02.gain.regression.shuffled.narrow` | {glue:text}`02.over_inputs.regression.shuffled.narrow` | {glue:text}`02.gain.regression.shuffled.wide` | {glue:text}`02.over_inputs.regression.shuffled.wide` |
#
# Is a part of that gain mere collapse of the spectrum? Only where the ceiling of the area
# ({ref}`sec-01`) rises. Of narrow networks with true targets it goes from
# {glue:text}`02.ceiling.classification.true.narrow.start.mean:.2f` before training to
# {glue:text}`02.ceiling.classification.true.narrow.end.mean:.2f` after it on the images, and
# from {glue:text}`02.ceiling.regression.true.narrow.start.mean:.2f` to
# {glue:text}`02.ceiling.regression.true.narrow.end.mean:.2f` on the slices; the inputs
# have {glue:text}`02.ceiling.classification.true.narrow.inputs.mean:.2f` and
# {glue:text}`02.ceiling.regression.true.narrow.inputs.mean:.2f`. Chance gives the trained
# layer an area of {glue:text}`02.chance.classification.true.narrow.end.mean:.4f` and
# {glue:text}`02.chance.regression.true.narrow.end.mean:.4f`.
#
# Did networks fit the shuffled targets? The tolerance was reached by
# {glue:text}`02.converged.classification.shuffled.narrow.mean:.0%` of the narrow and
# {glue:text}`02.converged.classification.shuffled.wide.mean:.0%` of the wide ones on the
# images, by {glue:text}`02.converged.regression.shuffled.narrow.mean:.0%` and
# {glue:text}`02.converged.regression.shuffled.wide.mean:.0%` on the slices; the table of
# trainings has the loss at which the others were stopped.
#
# The paper trains "to convergence", and for the networks as wide as the input for
# 1,000 epochs. Our choice is one rule for both: a loss below the tolerance over an
# epoch, or a number of epochs. Which two classes, which rows, the fifth held out and
# PyTorch's initial weights are our choices too, and so are the shares between true and
# shuffled labels and all that is said of test error: the paper has two ends.
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
# Run `repalign run 02 -p control true`, which measures with targets that no network was
# trained on. Which claims change their verdict, and why?
# :::
#
# :::{solution} ex-02-2
# :class: dropdown
#
# All. The targets called true are as shuffled as the others, so the gap of the inputs
# vanishes. Training turns the layer towards the targets it is given and no others: the
# area stays at the level of chance. That level itself moves with the spectrum, which is
# why gains are told above chance. The error on new rows is as it was, and complexity no
# longer knows of it.
# :::
#
# :::{exercise}
# :label: ex-02-3
#
# Take the networks that were trained on shuffled labels alone, whether or not they fit
# them. Measure the alignment of their last hidden layer with the *true* targets, before
# and after training. Has what the untrained layer had of them been lost?
# :::

# %% tags=["hide-input"]
for task in tasks:
    _, layers, _, found = narrow[task]
    true = np.stack([known[task][1]] * seeds)[None]
    for layer, hidden in layers.items():
        part = {layer: aligned(hidden[-seeds:], true)}
        value = above_chance(labelled(part, [1]))[0, 0].values
        record(f"02.with_true.{layer}.{task}", value)

# %% [markdown]
# :::{solution} ex-02-3
# :class: dropdown
#
# The cell above computes it. In this run the area above chance goes from
# {glue:text}`02.with_true.untrained.classification` to
# {glue:text}`02.with_true.trained.classification` on the images, and from
# {glue:text}`02.with_true.untrained.regression` to
# {glue:text}`02.with_true.trained.regression` on the slices. Two things
# pull here: training adds directions that hold the new labels, and it may keep those that
# the layer had from the inputs, along which the true ones lie.
# :::
#
# :::{exercise}
# :label: ex-02-4
#
# Show that complexity, with $\lambda$ the ridge, is the share
# $y^\top (y - \hat y) / \lVert y \rVert^2$ of the targets that kernel ridge regression
# leaves. What is it for $\lambda \to \infty$?
# :::
#
# :::{solution} ex-02-4
# :class: dropdown
#
# $\hat y = K (K + \lambda I)^{-1} y$, so $y - \hat y = \lambda (K + \lambda I)^{-1} y$. For
# $\lambda \to \infty$ nothing is fitted and it is 1, whatever the targets: complexity
# then tells nothing.
# :::
#
# ## Provenance

# %% tags=["provenance", "hide-input"]
provenance(
    datasets=[images.about, slices.about],
    device=where["device"],
    seeds=f"{seeds} narrow for each share, {wide_seeds} wide",
)
