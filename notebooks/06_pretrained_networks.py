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
# (sec-06)=
# # Pretrained networks align with tasks that they were not trained on
#
# The last hidden layer of a network pretrained on many images is better aligned with
# the classes of other images than pixels, random features, or the same network
# untrained; and linear models on it learn faster.

# %% tags=["parameters"]
# fmt: off
networks: list = ["small_resnet"]  # network: those of torchvision or timm with ImageNet weights, or small_resnet, small_vit, resnet18_cifar: ours, pretrained here on drawn pictures unless weights are given
weights: str = ""  # existing path: file with the network's weights, or folder with a file NAME.* or NAME-*.* for each network (empty: the library's hub)
datasets: list = ["procedural"]  # path or {procedural, cifar10, cifar100}: images of the tasks, or a folder of class folders, also within train and test
size: int = 128  # {32..}: pixels per side that images are brought to for networks of ImageNet; 224 for transformers
n_per_class: int = 100  # {2..}: training images per class; a pair of classes has twice as many
n_test: int = 50  # {1..}: test images per class
n_per_class_cifar100: int = 40  # {2..}: training images per class of CIFAR-100
n_test_cifar100: int = 10  # {1..}: test images per class of CIFAR-100
pairs: int = 45  # {1..}: pairs of classes per data set and seed, drawn if there are more
steps: int = 1000  # {1..}: steps of gradient descent of the linear models
picture_size: int = 16  # {16..}: pixels per side of drawn pictures, and of what our networks see; 32 to try them on CIFAR
source_per_class: int = 100  # {1..}: drawn pictures per class that our networks are pretrained on
epochs: int = 12  # {1..}: of that pretraining
batch_size: int = 32  # {1..}: of that pretraining
seeds: int = 3  # {1..}: draws of images, random features, untrained weights, and pretraining where it is done here
seed: int = 0  # {0..999999999}: the first seed
control: bool = False  # negative control: permute the rows of the pretrained features; the claims must then fail
device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps
precision: str = "float32"  # {float32, bfloat16, float16}: of the networks
data_dir: str = ""  # existing path: folder with real data (empty: REPALIGN_DATA)
# fmt: on

# %% tags=["remove-input"]
from repalign_utils import check_parameters

check_parameters(globals())

# %% tags=["hide-input"]
import sys
from copy import deepcopy

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

from repalign_utils import (
    GRID,
    Compute,
    build,
    data,
    figures,
    head,
    pretrained,
    provenance,
    record,
    table,
    training,
)
from repalign_utils.experiments.class_tasks import (
    drawn_pairs,
    pair_scores,
    rest_scores,
)
from repalign_utils.experiments.own_images import short, two_parts
from repalign_utils.experiments.representations import (
    network_features,
    random_features,
    weights_file,
)
from repalign_utils.networks.building import OURS

# %% tags=["hide-input"]
figures.use_style()
compute = Compute(device, precision)

# %% [markdown]
# ## Networks by name
#
# A network is split before its head, the last linear layer: what the head is given,
# averaged over positions if there are any, is the *last hidden layer*, $d$ numbers per
# image. The head, which names the classes of the pretraining, is not used.


# %%
def side(name):
    """Pixels per side of what a network sees."""
    return picture_size if name in OURS else size


def loaded_network(name):
    """Network with weights of a file or the hub; None if trained here."""
    if name in OURS and not weights:
        return None
    known = picture_size if name in OURS else 224
    return pretrained(name, weights_file(name, weights), size=known)


loaded = {name: loaded_network(name) for name in networks}
files = {
    name: weights_file(name, weights) for name in networks if weights
}


# %%
def described(name):
    """Row of the table of networks."""
    model = loaded[name] or build(name, 1000)
    origin = "ImageNet, from the hub"
    if name in files:
        origin = f"file {files[name].name}"
    elif name in OURS:
        origin = "trained here on drawn pictures"
    library = type(model).__module__.split(".")[0]
    count = sum(p.numel() for p in model.parameters())
    width = head(model)[1].weight.shape[1]
    return [name, library, f"{count / 1e6:.2g} million", width, origin]


table(
    ["Network", "Library", "Weights", "d", "Pretrained"],
    [described(name) for name in networks],
)

# %% [markdown]
# The count includes a head of 1,000 classes. What is compared, for each network:
#
# - **pretrained**: its last hidden layer
# - **untrained**: the same layer at fresh initial weights
# - **random**: $d$ random features of the pixels $x \in [-1, 1]^m$,
#
#   $$
#   \phi(x) = \max(0, W x), \qquad W_{ij} \sim \mathcal{N}(0, 1/m)
#   $$ (eq-06-random)
#
# - **pixels**: the $m$ pixels $x$ themselves, scaled as in the paper's demo
#
# Each gets the constant column and rows of norm one, as alignment is always measured
# here ({ref}`sec-01`).
#
# ## Tasks
#
# Two kinds of task: to tell one class from another, targets $-1$ and $+1$, for pairs of
# classes; and to tell each class from the rest. With $K$ balanced classes the targets
# of the latter are mostly $-1$: a share $(1 - 2/K)^2$ of their energy, 64 % of ten
# classes and 96 % of a hundred, lies in a constant that any features with a constant
# column hold. It says nothing of the images, so it is taken off, as
# `repalign_utils.one_vs_rest` does with labels of any kind:
#
# $$
# y_i = \pm 1 - (2/K - 1) .
# $$ (eq-06-rest)
#
# Each seed has its own draw of images.


# %%
def images_of(dataset, i):
    """Training and test images of seed i."""
    if dataset == "procedural":
        return tuple(
            data.procedural_images(
                "both",
                "target",
                split=split,
                n_per_class=n,
                size=picture_size,
                seed=seed + i,
            )
            for split, n in (("train", n_per_class), ("test", n_test))
        )
    read, n, test = {
        "cifar10": (data.cifar10, n_per_class, n_test),
        "cifar100": (
            data.cifar100,
            n_per_class_cifar100,
            n_test_cifar100,
        ),
    }[dataset]
    return tuple(
        read(split, n_per_class=m, data_dir=data_dir, seed=seed + i)
        for split, m in (("train", n), ("test", test))
    )


# %%
def own_images_of(folder, i):
    """Training and test images of a folder of seed i."""
    most = max(side(name) for name in networks)
    return two_parts(
        folder, n_per_class, n_test, size=most, seed=seed + i
    )


named = ("procedural", "cifar10", "cifar100")
images = {
    (d, i): (images_of if d in named else own_images_of)(d, i)
    for d in datasets
    for i in range(seeds)
}
abouts = [part.about for d in datasets for part in images[d, 0]]
print(*[about.sentence() for about in abouts], sep="\n")

# %% [markdown]
# ## Features


# %%
def networks_of(name, i):
    """Pretrained and untrained network of seed i."""
    if loaded[name] is not None:
        fresh = build(name, 1000, size=side(name), seed=seed + i)
        return loaded[name], fresh
    source = data.procedural_images(
        "both",
        n_per_class=source_per_class,
        size=picture_size,
        seed=seed + i,
    )
    classes = len(source.classes)
    fresh = build(name, classes, size=picture_size, seed=seed + i)
    model = deepcopy(fresh)
    how = training.recipe(
        "small", model, epochs=epochs, batch_size=batch_size
    )
    training.train(model, source, how, compute=compute, seed=seed + i)
    return model, fresh


# %%
KINDS = ("pretrained", "untrained", "random", "pixels")


def features_of(name, pair, parts, i):
    """Kind -> features (n, d) of training and of test images."""
    hidden = [
        [
            network_features(
                net, x, name=name, size=side(name), compute=compute
            )
            for x in parts
        ]
        for net in pair
    ]
    if control:
        draw = np.random.default_rng(seed + i)
        hidden[0] = [draw.permutation(h) for h in hidden[0]]
    d = hidden[0][0].shape[1]
    random = [random_features(x, d, seed=seed + i) for x in parts]
    raw = [2 * x.pixels() - 1 for x in parts]
    return dict(zip(KINDS, [*hidden, random, raw], strict=True))


# %% [markdown]
# On every kind of features, and for every task, alignment is measured, and a linear
# model is trained by gradient descent with step size $n / \sigma_1^2$; its loss and its
# weights have a closed form ({prf:ref}`thm-01-identity`). The loss is told in units of
# its value before the first step. What both are by chance, for the same features and
# permuted targets, has a closed form too ({ref}`sec-01`).

# %%
times = np.unique(np.geomspace(1, steps, 25).round().astype(int))
options = {"thresholds": GRID, "steps": times}


def scores_of(features, parts, i):
    """Task -> scores of one kind of features."""
    chosen = drawn_pairs(parts[0].classes, pairs, seed=seed + i)
    return {
        "pairs": pair_scores(features, parts, chosen, **options),
        "rest": rest_scores(features, parts, **options),
    }


# %%
scores = {}  # data set, network, kind, task -> one per seed
runs = [(i, name) for i in range(seeds) for name in networks]
with tqdm(runs, mininterval=2, file=sys.stderr) as bar:
    for i, name in bar:
        bar.set_description(f"{name}, seed {i}")
        pair = networks_of(name, i)
        for d in datasets:
            bar.set_postfix_str(d)
            found = features_of(name, pair, images[d, i], i)
            for kind, features in found.items():
                of_kind = scores_of(features, images[d, i], i)
                for task, score in of_kind.items():
                    key = (d, name, kind, task)
                    scores.setdefault(key, []).append(score)


# %% [markdown]
# ## Alignment


# %%
# No training has touched these: they are the same on every processor.
UNTOUCHED = ("random", "pixels")


def recorded(quantity, read):
    """Record a quantity of every representation; key -> (seeds,)."""
    found = {
        key: np.array([read(score) for score in of_seeds])
        for key, of_seeds in scores.items()
    }
    exact = quantity in ("area", "chance", "ceiling")
    for (d, name, kind, task), values in found.items():
        record(
            f"06.{quantity}.{task}.{short(d)}.{short(name)}.{kind}",
            values,
            within=(0, 1),
            exact=exact and kind in UNTOUCHED,
        )
    return found


areas = recorded("area", lambda score: score.areas.mean())
chance = recorded("chance", lambda score: score.chance.mean())
ceilings = recorded("ceiling", lambda score: score.ceilings.mean())


# %%
def by_kind(what, d, name, task):
    """Curves of every kind of features, {kind -> (seeds, t)}."""
    return {
        kind: np.stack(
            [getattr(s, what) for s in scores[d, name, kind, task]]
        )
        for kind in KINDS
    }


for d, name, kind, task in scores:
    if kind == KINDS[0]:
        curves = by_kind("curve", d, name, task)
        record(
            f"06.curve.{task}.{short(d)}.{short(name)}",
            np.stack(list(curves.values()), axis=1),
            dims=("seed", "representation", "threshold"),
            coords={"representation": list(KINDS), "threshold": GRID},
        )

# %% mystnb={"figure": {"name": "fig-06-alignment", "caption": "Alignment of the representations, mean over the tasks, for the first network; one row per data set; bands span the seeds, thin lines are what chance gives."}, "image": {"alt": "Two columns, pairs of classes and one class against the rest; one row per data set. Captured share of the target energy against threshold divided by the norm of the features, one line each for the pretrained network, the untrained one, random features and pixels, and a thin line for the level of chance of each."}} tags=["hide-input"]
titles = {"pairs": "pairs of classes", "rest": "one against the rest"}
grid = figures.new_axes(
    2, rows=len(datasets), sharex=True, sharey=True, squeeze=False
)
for row, d in zip(grid, datasets, strict=True):
    for ax, task in zip(row, titles, strict=True):
        of = d, networks[0], task
        by_chance = by_kind("chance_curve", *of).values()
        figures.plot_curves(
            by_kind("curve", *of),
            GRID,
            ax=ax,
            xlabel="threshold / ‖Φ‖_F",
            legend=ax is grid[0, 0],
            chance=[values.mean(0) for values in by_chance],
        )
        ax.set_title(f"{short(d)}, {titles[task]}")
        ax.set_xscale("symlog", linthresh=1e-4)
        ax.set(xlim=(0, 1), xticks=[0, 1e-4, 1e-3, 1e-2, 1e-1, 1])
plt.show()


# %% [markdown]
# The area under such a curve is made of two factors ({ref}`sec-01`): the area over
# $\sigma_1$, which tells where on the features' own spectrum the target lies, and the
# ceiling $\sigma_1 / \|\Phi\|_F$, which tells how far that spectrum has collapsed onto
# one direction,
#
# $$
# \frac{1}{\|\Phi\|_F \|y\|^2} \sum_i \sigma_i (u_i^\top y)^2
# = \frac{1}{\sigma_1 \|y\|^2} \sum_i \sigma_i (u_i^\top y)^2
#   \cdot \frac{\sigma_1}{\|\Phi\|_F} .
# $$ (eq-06-factors)
#
# For features of which one direction holds most of the norm, such as their mean, the
# ceiling is near 1, and still the area of a target that has no part there is small.
# Area, ceiling and level of chance are recorded for every representation.
#
# The claim is one on every data set and network that is tried, so each seed is recorded
# by its least lead: the area of the pretrained layer minus that of another
# representation, where this is the smallest part of the latter.


# %%
def lead(found, task, other, *, worst=np.argmin, over=None):
    """Pretrained minus other on the data set and network where it is worst.

    `over` is what the lead is a part of, and told too; both (seeds,).
    """

    def values(of, kind):
        return np.array(
            [of[d, n, kind, task] for d in datasets for n in networks]
        )

    gap = values(found, "pretrained") - values(found, other)
    level = values(over, other) if over else np.ones_like(gap)
    at = worst(gap / np.maximum(level, 1e-300), axis=0)[None]
    return [np.take_along_axis(v, at, axis=0)[0] for v in (gap, level)]


above_chance = {key: areas[key] - chance[key] for key in areas}
for task in titles:
    for other in KINDS[1:]:
        gap, level = lead(areas, task, other, over=areas)
        record(f"06.gap.{task}.{other}", gap)
        gap, _ = lead(above_chance, task, other, over=areas)
        record(f"06.gap_above_chance.{task}.{other}", gap)
        record(f"06.level.{task}.{other}", level, within=(0, 1))
    above = [
        above_chance[d, name, "pretrained", task]
        for d in datasets
        for name in networks
    ]
    record(f"06.above_chance.{task}", np.min(above, axis=0))

# %% [markdown]
# On pairs of classes the area of the pretrained layer exceeds that of the pixels by
# {glue:text}`06.gap.pairs.pixels`, that of random features by
# {glue:text}`06.gap.pairs.random`, and that of the untrained network by
# {glue:text}`06.gap.pairs.untrained` ({numref}`fig-06-alignment`). It lies
# {glue:text}`06.above_chance.pairs` above chance, and with one class against the rest
# {glue:text}`06.above_chance.rest`, each where it is least.
#
# A collapsed spectrum leaves little area to any target without a mean, so even a
# flatter layer that knows nothing can have more than an untrained one. Against that
# the claim therefore compares areas above chance, which differ by
# {glue:text}`06.gap_above_chance.pairs.untrained` and
# {glue:text}`06.gap_above_chance.rest.untrained`.
#
# ## Linear models on the features
#
# Does the better aligned representation learn faster, and does it generalise?

# %%
losses = recorded("loss", lambda score: score.loss[-1])
tenth = np.searchsorted(times, steps // 10)
early = recorded("early_loss", lambda score: score.loss[tenth])
by_chance = recorded("chance_loss", lambda score: score.chance_loss[-1])
accuracies = recorded("accuracy", lambda score: score.accuracy[-1])
learnt = {key: losses[key] - by_chance[key] for key in losses}
for other in KINDS[1:]:
    for name, found in {
        "loss": losses,
        "early_loss": early,
        "learnt": learnt,
    }.items():
        worst, level = lead(
            found, "pairs", other, worst=np.argmax, over=losses
        )
        record(f"06.{name}.{other}", worst)
        if name == "loss":
            record(f"06.loss_level.{other}", level, within=(0, 1))
    gap, _ = lead(accuracies, "pairs", other)
    record(f"06.accuracy.{other}", gap)

# %% mystnb={"figure": {"name": "fig-06-training", "caption": "Training loss and test accuracy of linear models on pairs of classes, mean over the pairs, for the first network; one row per data set; bands span the seeds."}, "image": {"alt": "Two columns, training loss and test accuracy, against the step of gradient descent on a logarithmic axis; one row per data set. One line each for the pretrained network, the untrained one, random features and pixels."}} tags=["hide-input"]
followed = {
    "loss": "training loss, relative",
    "accuracy": "test accuracy",
}
grid = figures.new_axes(
    2, rows=len(datasets), sharex=True, sharey="col", squeeze=False
)
for row, d in zip(grid, datasets, strict=True):
    for ax, (what, label) in zip(row, followed.items(), strict=True):
        figures.plot_curves(
            by_kind(what, d, networks[0], "pairs"),
            times,
            ax=ax,
            xlabel="step",
            ylabel=label,
            legend=ax is grid[0, 0],
        )
        ax.set(title=short(d), xscale="log")
plt.show()

# %% [markdown]
# After the last step the training loss on the pretrained layer differs from that on
# pixels by {glue:text}`06.loss.pixels`, on random features by
# {glue:text}`06.loss.random` and on the untrained network by
# {glue:text}`06.loss.untrained`, where it is worst; negative is faster. After a tenth of
# the steps the differences are {glue:text}`06.early_loss.pixels`,
# {glue:text}`06.early_loss.random` and {glue:text}`06.early_loss.untrained`. Why both:
# alignment speaks for the directions that are learnt first, but weights enough fit few
# images whatever they hold. With more columns than rows, which pixels may have and a
# layer of $d$ units may not, the loss reaches zero in the end
# ({numref}`fig-06-training`).
#
# A loss also falls faster the flatter the spectrum is, on any targets. What a
# representation owes to the targets is how far its loss lies below that on permuted
# ones; of this the pretrained layer has more than another representation where the
# difference of the two is negative: {glue:text}`06.learnt.pixels` for pixels,
# {glue:text}`06.learnt.random` for random features and {glue:text}`06.learnt.untrained`
# for the untrained network.
#
# Accuracy on new images, after the same number of steps, is higher by
# {glue:text}`06.accuracy.pixels`, {glue:text}`06.accuracy.random` and
# {glue:text}`06.accuracy.untrained`, where the lead is smallest ({numref}`fig-06-areas`).

# %% mystnb={"figure": {"name": "fig-06-areas", "caption": "Area under the alignment curve (top) and test accuracy of linear models after the last step (bottom), with 95 % intervals over seeds."}, "image": {"alt": "Four panels: area and accuracy, each for pairs of classes and for one class against the rest. For each data set and network, a point with an interval for the pretrained network, the untrained one, random features and pixels."}} tags=["hide-input", "lead-figure"]
grid = figures.new_axes(2, rows=2, sharex=True, sharey="row")
measures = {"area": areas, "test accuracy": accuracies}
for row, (what, found) in zip(grid, measures.items(), strict=True):
    for ax, task in zip(row, titles, strict=True):
        groups = {
            kind: {
                f"{short(d)}\n{name}": found[d, name, kind, task]
                for d in datasets
                for name in networks
            }
            for kind in KINDS
        }
        figures.plot_intervals(
            groups, ax=ax, ylabel=what, legend=ax is grid[0, 0]
        )
        ax.set_title(titles[task] if what == "area" else "")
        ax.set_xlim(-0.5, len(groups["pixels"]) - 0.5)
    row[0].set_ylim(0, None)
plt.show()

# %% [markdown]
# ## What was found
#
# Pretrained layer minus another representation, in the data set and network where it
# fares worst relative to the other, with 95 % intervals over seeds; alignment first,
# then linear models on pairs of classes:
#
# | Against | Area, pairs | Area, rest |
# |---|---|---|
# | pixels | {glue:text}`06.gap.pairs.pixels` | {glue:text}`06.gap.rest.pixels` |
# | random | {glue:text}`06.gap.pairs.random` | {glue:text}`06.gap.rest.random` |
# | untrained | {glue:text}`06.gap.pairs.untrained` | {glue:text}`06.gap.rest.untrained` |
#
# | Against | Loss, last step | Loss, a tenth of the steps | Loss below chance | Accuracy |
# |---|---|---|---|---|
# | pixels | {glue:text}`06.loss.pixels` | {glue:text}`06.early_loss.pixels` | {glue:text}`06.learnt.pixels` | {glue:text}`06.accuracy.pixels` |
# | random | {glue:text}`06.loss.random` | {glue:text}`06.early_loss.random` | {glue:text}`06.learnt.random` | {glue:text}`06.accuracy.random` |
# | untrained | {glue:text}`06.loss.untrained` | {glue:text}`06.early_loss.untrained` | {glue:text}`06.learnt.untrained` | {glue:text}`06.accuracy.untrained` |
#
# Two things to know when reading them. Areas of one class against the rest are small,
# and smaller the more classes there are: a lead counts from a tenth of the area of the
# other representation on. And where a pair has fewer images than there are features, as
# with few images per class of CIFAR-100, most representations fit it nearly exactly, so
# that the loss at the last step tells little; there too a tenth of the other's counts.
#
# Not everything was fixed beforehand. The axis of the area, the smallest effects that
# count, the loss at a tenth of the steps and the loss below chance were chosen after
# real data had been seen; and the sizes of the quick run while looking at one of its
# seeds. Pixels are scaled to $[-1, 1]$; between 0 and 1 they fare worse.
#
# Every representation by itself:

# %%
found = {"area": areas, "chance": chance, "ceiling": ceilings}
found |= {"loss": losses, "accuracy": accuracies}
columns = [(v, t) for t in titles for v in found.values()]
table(
    ["Data", "Network", "Features"]
    + [f"{what}, {t}" for t in titles for what in found],
    [
        [short(d), name, kind]
        + [f"{v[d, name, kind, t].mean():.3f}" for v, t in columns]
        for d in datasets
        for name in networks
        for kind in KINDS
    ],
)

# %% [markdown]
# Which networks the paper takes from ImageNet, how large its images are, and which
# features it compares with, are not known to us. Ours are the networks named in the
# parameters; random ReLU features as many as the last hidden layer has units, pixels,
# and untrained weights; images of 32 pixels, brought to the size in the parameters;
# an average over positions where a network has some; and the mean taken off in
# {eq}`eq-06-rest`. The paper sweeps the step size of gradient descent over 0.01, 0.1, 1
# and 10 and keeps the best. We take $n / \sigma_1^2$, which is at least 1 since
# $\sigma_1^2 \le n$, and never diverges.
#
# Without files, our own small network is pretrained here: on drawn pictures of sixteen
# classes, to be tested on ten others. With `-p networks "[squeezenet1_0]"` or another
# name of torchvision or timm the weights are ImageNet's, unless `-p weights FILE` names
# others. Images of your own are asked for with `-p datasets FOLDER`. The paper also trains a
# T2T-ViT, elsewhere in its experiments, which timm does not have; by number of weights
# and training data the nearest is `deit_small_patch16_224`, to be run with
# `-p size 224`. That is our choice. The profile `paper` takes one network alone, a
# SqueezeNet, on images brought to 128 pixels.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-06-1
#
# Show that a share $(1 - 2/K)^2$ of the energy of the targets of one class against the
# rest, $-1$ and $+1$, lies along the constant vector, for $K$ classes of equal size.
# :::
#
# :::{solution} ex-06-1
# :class: dropdown
#
# One target in $K$ is $+1$, so that the mean is $1/K - (K - 1)/K = 2/K - 1$. Along the
# unit vector $\mathbf{1} / \sqrt{n}$ the target has the coordinate $\sqrt{n} (2/K - 1)$,
# whose square is $n (1 - 2/K)^2$; all its energy is $n$.
# :::
#
# :::{exercise}
# :label: ex-06-2
#
# Multiply features by a number $c$ before the constant column is appended, and let $c$
# tend to 0. What becomes of the area of a target with mean zero? What does this mean
# for comparing a pretrained network with an untrained one?
# :::
#
# :::{solution} ex-06-2
# :class: dropdown
#
# The rows of $\Phi$ tend to $(0, \dots, 0, 1)$, so $\sigma_1 \to \sqrt{n}$ along the
# constant vector, and all other singular values to 0: the area tends to 0. Alignment
# with a constant column depends on the scale of the features. Fresh weights can give a
# last layer of small numbers, so that a part of the lead over the untrained network
# may be one of scale; `alignment(..., bias=False)` tells.
# :::
#
# :::{exercise}
# :label: ex-06-3
#
# Scale pixels to $[0, 1]$ instead of $[-1, 1]$. What becomes of the two factors in
# {eq}`eq-06-factors`, and why?
# :::
#
# :::{solution} ex-06-3
# :class: dropdown
#
# A constant is added to every pixel, so that all rows move towards one another:
# $\sigma_1$ grows to nearly $\sqrt{n}$ and the other singular values shrink. The ceiling
# rises to nearly 1, the area over $\sigma_1$ falls by more, and so does their product.
# Random features of such pixels suffer in the same way: how inputs are centred is a part
# of the comparison.
# :::
#
# :::{exercise}
# :label: ex-06-4
#
# Give `random_features` ten times as many columns. Do they catch up with the pretrained
# layer?
# :::
#
# :::{solution} ex-06-4
# :class: dropdown
#
# No. With more columns $\Phi \Phi^\top$ tends to the arc-cosine kernel of the pixels, so
# that alignment converges: more random features approximate a kernel that knows no more
# of images than their distance pixel by pixel.
# :::
#
# :::{exercise}
# :label: ex-06-5
#
# Run the section with `-p control true`. On the untrained network the plain loss is
# still higher than on the pretrained layer. Why does the claim speak of the loss below
# chance there?
# :::
#
# :::{solution} ex-06-5
# :class: dropdown
#
# Permuted rows belong to other images, so the features know nothing of the targets:
# areas fall, and accuracy on new images is that of a guess. But $d$ weights can fit a
# part of any targets, the faster the less their singular values differ. Those of an
# untrained network differ so much that even targets which it does hold are learnt
# slowly. A loss that falls is no evidence of alignment with the images' classes; a loss
# below that on permuted targets is, and so are the curves and the accuracy.
# :::
#
# ## Provenance

# %% tags=["provenance", "hide-input"]
provenance(
    datasets=abouts,
    weights=files,
    device=compute.where,
    precision=precision,
    seeds=seeds,
)
