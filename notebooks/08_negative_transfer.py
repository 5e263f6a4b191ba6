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
# (sec-08)=
# # Negative transfer, and what alignment says of it
#
# Can training on something else first make a network *worse* at its task? It is asked
# here of networks that all train on the target until nothing changes any more, the one
# from scratch too. {glue:text}`08.lead.transfer` Does the alignment with the target,
# before fine-tuning, tell which source is best? {glue:text}`08.lead.order`

# %% tags=["parameters"]
# fmt: off
dataset: str = "procedural"  # path or {procedural, office31}: drawn pictures (plain, studio, webcam), things of an office (amazon, dslr, webcam), or a folder of three folders of class folders
target: str = ""  # domain to transfer to (empty: plain; of files the one with the most images)
n_target: list = [5, 20, 0]  # {0..}: images of each class to train on at most (0: all); the last with all seeds
epochs: list = [2, 5, 15, 40]  # {1..}: of training on the target at which accuracy is measured, ascending; the last is the end
source_epochs: int = 40  # {1..}: of training on a source
network: str = "cb16/2 cb32/2 cb64/2"  # words of convnet: cb16/2 is a convolution to 16 channels, normalised, of stride 2
size: int = 16  # {16..}: height and width of the images
n_source: int = 36  # {3..}: drawn pictures of each class, of a source and to train on; of files all there are
seeds: int = 5  # {1..}: each with its own weights, batches and split of the target's images
other_seeds: int = 2  # {1..}: of these, for all numbers in n_target but the last
seed: int = 0  # {0..999999999}: the first seed
control: bool = False  # negative control: shuffle the labels of every source but the shuffled one, and pair each area with the accuracy of any source; the claims must then fail
device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps
data_dir: str = ""  # existing path: folder with real data (empty: REPALIGN_DATA)
checkpoints: str = ""  # path: folder that keeps trainings, so that they can go on (empty: none)
# {epochs == sorted(epochs) and len(epochs) >= 2}: the last two say whether a training has settled
# {n_target[-1] == 0}: the last number is all images, of which most claims speak
# {other_seeds <= seeds}: they are the first of these
# {len(set(n_target)) == len(n_target)}: each number once
# fmt: on

# %% tags=["remove-input"]
from repalign_utils import check_parameters

check_parameters(globals())

# %% tags=["hide-input"]
import sys
from copy import deepcopy
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import torch
import xarray as xr
from torch.nn import functional as F
from tqdm import tqdm

from repalign_utils import (
    GRID,
    Compute,
    alignment,
    figures,
    linear_probe,
    provenance,
    record,
    record_words,
    table,
)

# %% tags=["hide-input"]
from repalign_utils.experiments.class_tasks import class_columns
from repalign_utils.experiments.domain_task import domain_task
from repalign_utils.experiments.own_images import one_of_each, short
from repalign_utils.experiments.transfer import (
    at_most,
    learning_curve,
    three_parts,
)
from repalign_utils.networks.convnets import convnet
from repalign_utils.networks.images import NetworkInputs
from repalign_utils.networks.names import new_head
from repalign_utils.networks.outputs import last_hidden
from repalign_utils.training import Recipe, train

figures.use_style()
compute = Compute(device)

# %% [markdown]
# ## What is compared
#
# For a source $a$ let $\mathrm{acc}_a$ be the test accuracy on the target of a network
# that was trained on $a$ first, and $\mathrm{acc}_0$ that of the same network from
# scratch: from the same initial weights, with the same images, batches, step size and
# number of epochs on the target. Transfer is
#
# $$
# T_a = \mathrm{acc}_a - \mathrm{acc}_0 ,
# $$ (eq-08-transfer)
#
# and negative where $T_a < 0$. Before any step on the target, let $\Phi_a$ be the last
# hidden layer of the source network on the target's images, and $\Phi_0$ that of the
# untrained network. Alignment is the area $\alpha$ under the captured share over
# threshold / $\|\Phi\|_F$ ({ref}`sec-01`), mean over the classes,
#
# $$
# \alpha_a = \frac1k \sum_{j=1}^k \alpha(\Phi_a, y_j) .
# $$ (eq-08-area)
#
# The target $y_j$ is $+1$ on class $j$ and $-1$ on the rest, *less its mean*, which says
# nothing of which image is of which class and would hold most of the energy
# ({ref}`ex-06-1`). Two questions are kept apart: does $\alpha_a$ order the sources of
# one target, and does $\alpha_a - \alpha_0$ say whether transfer is negative?
#
# ## One task in three domains

# %%
task = domain_task(
    dataset,
    target,
    size=size,
    n_source=n_source,
    data_dir=data_dir,
    seed=seed,
)
target = task.target
classes = task.pools[target].classes

# %%
used = [*task.pools.values(), *([task.other] if task.other else [])]
for images in used:
    print(images.about.sentence())

# %% mystnb={"figure": {"name": "fig-08-domains", "caption": "One picture of each of the first classes, a row for each domain; the last row has classes of the other task, in the target's domain."}, "image": {"alt": "Rows of small pictures. In each of the first three rows the same things, seen in another way; other things in the last row."}} tags=["hide-input"]
rows = [one_of_each(images, 6, size) for images in used]
ax = figures.plot_images(rows, ax=figures.new_panels(height=2.6))
plt.show()

# %% [markdown]
# From top to bottom: {glue:text}`08.rows`. A column of the first three rows shows one
# class; light, background and noise change from row to row, and the task stays. The last
# row shares its look with the target and no class.
#
# The target's images are cut in three, anew for each seed: to train on, to test on, and
# for sources of the same domain.

# %%
record_words(
    "08.rows",
    ", ".join([*task.pools, f"other classes of {target}"][: len(used)]),
)


# %%
def parts(number):
    """Target: to train on, for a source of the domain, to test on."""
    return three_parts(task.pools[target], task.shares, seed + number)


# %%
def sources_of(number):
    """Name -> what a network learns before the target."""
    _, same, _ = parts(number)
    rng = np.random.default_rng(seed + number)
    found = {d: x for d, x in task.pools.items() if d != target}
    if task.other:
        found["other task"] = task.other
    found["shuffled labels"] = same
    found["same domain"] = same
    for name, x in found.items():
        if (name == "shuffled labels") != control:
            found[name] = replace(x, labels=rng.permutation(x.labels))
    return found


# %% [markdown]
# The last two sources have the same images and differ in their labels alone: the true
# ones, or the same in an order that means nothing.

# %%
some, _, test = parts(0)
amounts = {n: str(n) if n else "all" for n in n_target}
main = amounts[n_target[-1]]
sizes = {k: len(x.labels) for k, x in sources_of(0).items()}
sizes |= {
    f"target, {a}": len(at_most(some, n).labels)
    for n, a in amounts.items()
}
sizes["target, to test on"] = len(test.labels)

# %%
names = ["from scratch", *sources_of(0)]
trained = names[1:]

# %%
table(["Images", "Number"], [[k, str(n)] for k, n in sizes.items()])

# %% [markdown]
# Where sources differ in their number of images, as those of Office-31 do, what a source
# gives is due to its kind and to its size, and this design cannot tell the two apart.
#
# ## A step of training, and of fine-tuning
#
# A recipe is data. Sources and targets are trained by the same one, with a constant step
# size and without augmentation, so that a training can come to rest.


# %%
def recipe_of(images, count):
    """How a network is trained on these images."""
    few = max(len(images.labels) // 5, 2)
    return Recipe(
        epochs=count,
        batch_size=min(64, few),
        optimizer="adamw",
        step_size=2e-3,
        schedule="constant",
        augment="none",
    )


# %%
def fresh(images, number):
    """Network with initial weights, the same for all of one seed."""
    k = len(images.classes)
    return convnet(network, k, size=size, seed=seed + number)


# %% [markdown]
# Fine-tuning is training that starts at weights which have learnt something else: the
# body is kept, the head is new, and every weight moves. A few epochs in plain PyTorch,
# and by the package, from one network:

# %%
images = at_most(some, n_target[0] or 5)
how = recipe_of(images, 3)
tuned = new_head(deepcopy(fresh(images, 0)), len(classes), seed=seed)
same_start = deepcopy(tuned)

# %%
x, y = NetworkInputs(images, size=size)[:], torch.tensor(images.labels)
optimizer = torch.optim.AdamW(
    tuned.parameters(), lr=how.step_size, weight_decay=how.weight_decay
)
losses = []
for epoch in range(how.epochs):
    order = np.random.default_rng((seed, epoch)).permutation(len(y))
    whole = len(y) // how.batch_size * how.batch_size
    for rows in order[:whole].reshape(-1, how.batch_size):
        loss = F.cross_entropy(tuned(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

# %%
history = train(
    same_start,
    images,
    how,
    size=size,
    compute=Compute("cpu"),
    seed=seed,
)

# %%
plain = np.reshape(losses, (how.epochs, -1)).mean(1)

# %%
table(
    ["Epoch", "Plain loop", "Package"],
    [
        [str(e + 1), f"{a:.4f}", f"{b:.4f}"]
        for e, (a, b) in enumerate(
            zip(plain, history.losses, strict=True)
        )
    ],
)

# %% [markdown]
# The package adds what a long run needs: other devices, checkpoints and augmentation.
#
# ## Trained to convergence
#
# Per seed: a network for each source, its area on the target's training images before
# any step there, and from each start one training for each number of images.


# %%
def trained_networks(number):
    """Name -> network, untrained for `from scratch`."""
    found = {"from scratch": fresh(some, number)}
    for name, images in sources_of(number).items():
        found[name] = fresh(images, number)
        train(
            found[name],
            images,
            recipe_of(images, source_epochs),
            size=size,
            compute=compute,
            seed=seed + number,
            checkpoints=checkpoints,
        )
    return found


# %%
def curve_of(start, n, number):
    """Learning curve on the target, with n images of each class."""
    some, _, test = parts(number)
    images = at_most(some, n, seed + number)
    return learning_curve(
        start,
        images,
        test,
        recipe_of(images, epochs[-1]),
        at=epochs,
        size=size,
        compute=compute,
        seed=seed + number,
        checkpoints=checkpoints,
    )


# %%
def empty(count, **more):
    """Labelled array, for a value of each seed and start."""
    axes = {"seed": np.arange(count), "start": names, **more}
    shape = [len(v) for v in axes.values()]
    return xr.DataArray(np.full(shape, np.nan), coords=axes)


# %%
accuracy, loss = {}, {}

# %%
for a in amounts.values():
    count = seeds if a == main else other_seeds
    accuracy[a] = empty(count, epoch=epochs)
    loss[a] = empty(count)

# %%
area, linear = empty(seeds), empty(seeds)
chance, ceiling = empty(seeds), empty(seeds)
shares = empty(seeds, threshold=GRID)
by_chance = shares.copy()


# %%
def measure(start, number):
    """Alignment of a start with the target, and a linear model on it."""
    some, _, test = parts(number)
    phi, phi_test = (
        last_hidden(start, NetworkInputs(part, size=size))
        for part in (some, test)
    )
    found = alignment(phi, class_columns(some))
    probe = linear_probe(phi, class_columns(some), [1000])
    guess = probe.predict(phi_test)[0].argmax(1)
    return found, (guess == test.labels).mean()


# %%
for i in tqdm(range(seeds), mininterval=2, file=sys.stderr):
    for name, start in trained_networks(i).items():
        aligned, linear.loc[i, name] = measure(start, i)
        area.loc[i, name] = aligned.area().mean()
        chance.loc[i, name] = aligned.null().area.mean()
        ceiling.loc[i, name] = aligned.ceiling
        shares.loc[i, name] = aligned.shares().mean(1)
        by_chance.loc[i, name] = aligned.null().shares().mean(1)
        for n, a in amounts.items():
            if i < accuracy[a].sizes["seed"]:
                curve = curve_of(start, n, i)
                accuracy[a].loc[i, name] = curve.accuracy
                loss[a].loc[i, name] = curve.losses[-1]

# %%
for a in amounts.values():
    final = accuracy[a].sel(start="from scratch")
    record(f"08.curve.{a}", accuracy[a])
    record(f"08.scratch.{a}", final[:, -1], within=(0, 1))
    record(f"08.settled.{a}", final[:, -1] - final[:, -2])
    record(f"08.loss.{a}", loss[a].sel(start="from scratch"))

# %% mystnb={"figure": {"name": "fig-08-curves", "caption": "Accuracy on the target's test images while it is learnt, from each start, by the number of training images of each class; bands span the seeds. The thin line is what guessing gives."}, "image": {"alt": "Three panels, few to all images. Test accuracy against epochs of training on the target, a line for each start."}} tags=["hide-input"]
axes = figures.new_panels(
    len(amounts), height=2.4, sharex=True, sharey=True
)
for ax, a in zip(np.atleast_1d(axes), amounts.values(), strict=True):
    figures.plot_curves(
        {s: accuracy[a].sel(start=s).values for s in names},
        epochs,
        ax=ax,
        xlabel="epoch on the target",
        ylabel="test accuracy",
        legend="above" if ax is np.atleast_1d(axes)[0] else False,
        chance=np.full(len(epochs), 1 / len(classes)),
    )
    figures.log_axis(ax)
    ax.text(0.02, 0.97, f"{a} images", transform=ax.transAxes, va="top")
plt.show()

# %% [markdown]
# Look first at the ends of the lines: where they are flat, trainings have come to rest,
# and that is where starts are compared. From scratch with all images, the mean cross-entropy of the last
# epoch is {glue:text}`08.loss.all.mean:.1e`, and the accuracy moved by
# {glue:text}`08.settled.all` since the last mark but one. Then look at the left: a source
# that seems to help after a few epochs may only be ahead. A baseline that stops there
# would hide negative transfer.
#
# ## Where transfer is negative

# %%
gain, recorded = {}, {}

# %%
for a in amounts.values():
    moved = accuracy[a] - accuracy[a].sel(start="from scratch")
    gain[a] = moved.sel(start=trained, epoch=epochs[-1], drop=True)
    for s in trained:
        key = f"08.gain.{short(s)}.{a}"
        recorded[s, a] = record(key, gain[a].sel(start=s))
    for when, at in (("early", epochs[1]), ("end", epochs[-1])):
        below = moved.sel(start=trained, epoch=at) < 0
        below = below.mean("start")
        record(f"08.negative.{when}.{a}", below, within=(0, 1))

# %% mystnb={"figure": {"name": "fig-08-gains", "caption": "Accuracy from each source minus accuracy from scratch, at the end, by the number of training images of each class; dots are seeds, bars 95 % intervals. Below the line transfer is negative."}, "image": {"alt": "Three panels, few to all images. Gain in accuracy over a start from scratch for each source, with a dot for each seed and a line at zero."}} tags=["hide-input"]
axes = figures.new_panels(
    len(amounts), height=2.0, sharex=True, sharey=True
)
for ax, a in zip(np.atleast_1d(axes), amounts.values(), strict=True):
    wrapped = {
        s.replace(" ", "\n"): gain[a].sel(start=s).values
        for s in trained
    }
    figures.plot_intervals(
        {a: wrapped}, ax=ax, ylabel="gain", legend=False
    )
    ax.axhline(0, color="0.5", linewidth=0.8)
    ax.set_title(f"{a} images")
plt.show()


# %%
def negative_ones(a):
    """Sources whose interval lies below zero, with their numbers."""
    found = {s: recorded[s, a] for s in trained}
    sure = {s: f for s, f in found.items() if f.low is not None}
    return [f"{s} ({f})" for s, f in sure.items() if f.high < 0]


# %%
worst = min(trained, key=lambda s: recorded[s, main].mean)

# %%
if found := negative_ones(main):
    answer, said = "Yes", "accuracy falls from " + ", ".join(found)
else:
    answer, change = "Not in this run", recorded[worst, main]
    said = f"the worst of {len(trained)} sources, {worst}, "
    said += f"changes accuracy by {change}"
record_words(
    "08.lead.transfer",
    f"{answer}, with {main} images of each class: {said}.",
)

# %% [markdown]
# Compare the last two columns, the same images with labels shuffled and true:
# {glue:text}`08.gain.shuffled_labels.all` and {glue:text}`08.gain.same_domain.all` with
# all images. A network that has learnt labels by heart is not back at its beginning, and
# training on the target does not wholly undo it. Of all sources a share of
# {glue:text}`08.negative.end.all` is below zero at the end, and of
# {glue:text}`08.negative.early.all` at the second mark. Where the panels of few images
# have two seeds or so, read them as a direction, not as a verdict.
#
# ## Does alignment order the sources?
#
# Per seed, over the trained sources: Kendall's rank correlation of area and accuracy in
# its first form $\tau_a$, where a tie is neither agreement nor disagreement, and the
# accuracy from the best aligned source minus that from the least aligned one.

# %%
draw = np.random.default_rng(seed)


# %%
def order(areas, accuracies):
    """Kendall's tau_a, share of ties, and best minus least aligned."""
    if control:
        accuracies = draw.permutation(accuracies)
    i, j = np.triu_indices(len(areas), 1)
    later = np.sign((accuracies[i] - accuracies[j]).round(9))
    tau = (np.sign(areas[i] - areas[j]) * later).mean()
    spread = accuracies[areas.argmax()] - accuracies[areas.argmin()]
    return tau, np.mean(later == 0), spread


# %%
results = {a: accuracy[a].isel(epoch=-1) for a in amounts.values()}
results["linear"] = linear
for a, result in results.items():
    found = [
        order(area.sel(start=trained)[i].values, row.values)
        for i, row in enumerate(result.sel(start=trained))
    ]
    tau, ties, spread = np.transpose(found)
    recorded["order", a] = record(f"08.order.{a}", tau, within=(-1, 1))
    record(f"08.ties.{a}", ties, within=(0, 1))
    recorded["spread", a] = record(f"08.spread.{a}", spread)

# %% [markdown]
# The second question, about the sign: the share of sources for which the change in area
# against the *untrained* network and transfer have the same sign, where ties count half.
# It can say something of negative transfer only where some areas fall.

# %%
rise = area.sel(start=trained) - area.sel(start="from scratch")
for s in names:
    record(f"08.area.{short(s)}", area.sel(start=s), within=(0, 1))
for s in trained:
    recorded["rise", s] = record(
        f"08.rise.{short(s)}", rise.sel(start=s)
    )

# %%
record("08.falls", (rise < 0).mean("start"), within=(0, 1))

# %%
for a in amounts.values():
    alike = np.sign(rise[: len(gain[a])]) * np.sign(gain[a].round(9))
    record(f"08.sign.{a}", (1 + alike.mean("start")) / 2, within=(0, 1))
record(
    "08.above_chance", (area - chance).sel(start=trained).mean("start")
)

# %%
record("08.shares", shares)
start_of = xr.concat([area, chance, ceiling, linear], "quantity")
quantities = ["area", "chance", "ceiling", "linear"]
record(
    "08.start",
    start_of.assign_coords(quantity=quantities).transpose("seed", ...),
)

# %% mystnb={"figure": {"name": "fig-08-order", "caption": "Alignment before fine-tuning against what the start is worth: accuracy over that from scratch after fine-tuning (top) and of a linear model on the fixed features over one on untrained features (bottom), with all images; a mark for each source and seed."}, "image": {"alt": "Two panels. Gain in accuracy against area on a logarithmic axis; marks of one shape and colour for each source, and for the untrained network at zero gain on the left; a line at zero."}} tags=["hide-input", "lead-figure"]
axes = figures.new_panels(2, height=2.5, sharex=True)
both = {"fine-tuned": results[main], "linear model": linear}
for ax, (title, result) in zip(axes, both.items(), strict=True):
    for j, (s, mark) in enumerate(
        zip(names, figures.MARKERS, strict=False)
    ):
        y = result - result.sel(start="from scratch")
        ax.plot(
            area.sel(start=s),
            y.sel(start=s),
            mark,
            color=f"C{j}",
            markersize=4.5,
            label="untrained" if s == names[0] else s,
        )
    ax.axhline(0, color="0.5", linewidth=0.8, zorder=0)
    ax.set(title=title, ylabel="gain in accuracy")
figures.log_axis(axes[1])
axes[1].set_xlabel("area on the target, before")
axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.12), ncols=3)
plt.show()

# %%
lowest = min(trained, key=lambda s: recorded["rise", s].mean)
record_words(
    "08.lead.order",
    f"Over the trained sources, area and accuracy correlate in rank "
    f"by {recorded['order', main]}. Does the change of area against "
    f"an untrained network give the sign of transfer? From {lowest}, "
    f"where it is least, it is {recorded['rise', lowest]}, and "
    f"accuracy changes by {recorded[lowest, main]}.",
)

# %% [markdown]
# Read the upper panel from left to right, without the untrained network first: were the
# area all there is, the marks of one seed would climb. Their rank correlation is
# {glue:text}`08.order.all`, and the best aligned source is ahead of the least aligned one
# by {glue:text}`08.spread.all`. Then look at the untrained network, on the line at zero by
# definition. Its area is {glue:text}`08.area.from_scratch.mean:.4f`, and in a share of
# {glue:text}`08.falls.mean:.2f` of sources and seeds training on a source lowered it;
# with shuffled labels the area changes by {glue:text}`08.rise.shuffled_labels`. Long
# directions that hold a little of the target raise an area, whether or not they are good
# to go on from. So compare sources within a target with one another, and judge negative
# transfer by a baseline that has converged.
#
# In the lower panel nothing is fine-tuned: a linear model is trained on the fixed
# features, by {prf:ref}`thm-01-identity` the case that alignment is made for. There the
# rank correlation is {glue:text}`08.order.linear`.

# %% mystnb={"figure": {"name": "fig-08-shares", "caption": "Alignment of each start with the target, before any training there: captured share of the target, mean over the classes; bands span the seeds. Thin lines are what chance gives."}, "image": {"alt": "Captured share of the target against threshold divided by the norm of the features, a falling line for each start."}} tags=["hide-input"]
ax = figures.plot_curves(
    {s: shares.sel(start=s).values for s in names},
    GRID,
    ax=figures.new_panels(height=3.2),
    xlabel="threshold / ‖Φ‖_F",
    ylabel="captured share",
    legend="above",
    chance=by_chance.mean("seed"),
)
ax.set_xscale("symlog", linthresh=1e-4)
ax.set(xlim=(0, 1), xticks=[0, 1e-4, 1e-2, 1])
plt.show()

# %% [markdown]
# Where a line leaves the top says how long the directions are that hold the labels. Look
# which lines reach furthest to the right, and compare shuffled labels with the untrained
# network, whose directions were never turned towards any labels. On average the areas of trained sources lie
# {glue:text}`08.above_chance` above chance.
#
# ## What was found

# %%
table(
    ["Source", "Area before", "Change of area", "Transfer, all images"],
    [
        [
            s,
            f"{area.sel(start=s).mean():.4f}",
            str(recorded["rise", s]),
            str(recorded[s, main]),
        ]
        for s in trained
    ],
)

# %% [markdown]
# The sign of a change in area against the untrained network, as the paper puts negative
# transfer, can be asked only where areas fall.
#
# The paper reports its experiment on Office-31 with all three domains. Of its settings
# we know a batch of 256 images for both stages. Everything else is our choice: the
# network, the size of the images, the split, the recipe, sources with shuffled labels
# and of another task, and comparing sources within one target. In the profile `paper`
# the images have 32 pixels, the network is small, the target is the first 15 of 31
# classes of one domain, the other task the other 16; the largest number of images has
# ten seeds, the others five. These networks see no other images before; one that was
# trained on ImageNet starts elsewhere. Areas are measured on all training images of the
# target with their labels, also where fine-tuning sees a few of them.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-08-1
#
# Run the section with `-p epochs "[1, 2]"`. Which sources transfer negatively now, and
# why would a page that stops there tell another story?
# :::
#
# :::{solution} ex-08-1
# :class: dropdown
#
# After two epochs the network from scratch has hardly begun, while a source brings
# features that any task can use, edges and colours among them. What is measured is a
# head start. Watch `08.settled.all`: while it is not near zero, the comparison is one of
# speed.
# :::
#
# :::{exercise}
# :label: ex-08-2
#
# Vary `source_epochs`, say 5, 30 and 100. What happens to the area and to the transfer
# of the source with shuffled labels?
# :::
#
# :::{solution} ex-08-2
# :class: dropdown
#
# Learning labels by heart takes long. A network that has only begun is still near its
# initial weights and does little harm; one that fits every label has turned its long
# directions towards noise. Its area may rise all the while: that is measured by length,
# and all directions grow longer against the rest that was noise before.
# :::
#
# :::{exercise}
# :label: ex-08-3
#
# Run the section with `-p control true`. Which claims must fail, and which numbers are
# exchanged?
# :::
#
# :::{solution} ex-08-3
# :class: dropdown
#
# All sources but one have shuffled labels now, and the one called shuffled has true
# ones: the gains of the two sources from the target's own domain are exchanged. Area
# and accuracy are paired at random, so that no order is left.
# :::
#
# ## Provenance

# %% tags=["provenance", "hide-input"]
provenance(
    datasets=[x.about for x in used],
    seeds=seeds,
    device=compute.where,
)
