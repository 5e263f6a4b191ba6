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
# # Alignment of pretrained networks with tasks that they were not trained on
#
# Does alignment tell which of several networks is best for new classes? Each of
# {glue:text}`06.count.trained.mean:.0f` networks was trained on other classes than those
# of the tasks. Kendall's rank correlation of their area with the accuracy of linear
# models is {glue:text}`06.rank.trained`; among the same networks untrained it is
# {glue:text}`06.rank.untrained`. The paper finds pretrained networks far better aligned
# than other features. Here {glue:text}`06.words.area.pixels` trained networks have a
# larger area than pixels, on pairs of classes; the one compared below exceeds them by
# {glue:text}`06.gap.pairs.pixels.mean:.3f` in area and by
# {glue:text}`06.accuracy.pixels.mean:.3f` in accuracy (below zero, pixels are ahead).

# %% tags=["parameters"]
# fmt: off
networks: list = ["small_resnet"]  # network: those of torchvision or timm with ImageNet weights, or small_resnet, small_vit, resnet18_cifar: ours, trained here by each recipe unless weights has files of theirs
recipes: list = ["procedural 10/30/100 2/5/12"]  # of networks trained here: source (procedural, cifar10 or cifar100), images per class, epochs; a/b/c: each of these
weights: str = ""  # existing path: file with a network's weights, or folder with files NAME.* or NAME-*.*, each a network (empty: the folder weights where data lie, else the library's hub)
datasets: list = ["procedural"]  # path or {procedural, cifar10, cifar100}: images of the tasks, or a folder of class folders, also within train and test
n_per_class: int = 50  # {2..}: training images per class, of CIFAR-100 a tenth; a pair of classes has twice as many
n_test: int = 50  # {1..}: test images per class, of CIFAR-100 a tenth
steps: int = 1000  # {10..}: steps of gradient descent of the linear models
size: int = 128  # {32..}: pixels per side of what networks of ImageNet see; 224 for transformers
picture_size: int = 16  # {16..}: pixels per side of drawn pictures, and of what our networks see; 32 to try them on CIFAR
seeds: int = 5  # {1..}: draws of the tasks' images and of random features; each network is trained once
seed: int = 0  # {0..999999999}: the first seed
control: bool = False  # negative control: permute the rows of the pretrained features; the claims must then fail
device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps
data_dir: str = ""  # existing path: folder with real data (empty: REPALIGN_DATA)
checkpoints: str = ""  # path: folder that keeps long trainings, so that they can go on (empty: none)
# fmt: on

# %% tags=["remove-input"]
from repalign_utils import check_parameters

check_parameters(globals())

# %% tags=["hide-input"]
import sys
from copy import deepcopy

import matplotlib.pyplot as plt
import numpy as np
import torch
import xarray as xr
from tqdm import tqdm

from repalign_utils import (
    GRID,
    Compute,
    NetworkInputs,
    alignment,
    build,
    data,
    figures,
    head,
    pretrained,
    provenance,
    record,
    record_words,
    table,
    training,
)

# %% tags=["hide-input"]
from repalign_utils.experiments.class_tasks import (
    drawn_pairs,
    pair_scores,
    rest_scores,
)
from repalign_utils.experiments.compared import compared
from repalign_utils.experiments.own_images import (
    one_of_each,
    short,
    two_parts,
)
from repalign_utils.experiments.representations import (
    network_features,
)
from repalign_utils.networks.building import OURS

figures.use_style()
compute = Compute(device)
sources = {"weights": weights, "data_dir": data_dir}
nets = compared(networks, recipes, datasets, **sources)

# %% [markdown]
# ## The tasks
#
# A task is to tell one class of images from another, targets $-1$ and $+1$, for 45 pairs
# of classes; a second kind is to tell each class from the rest. Every seed draws its own
# images of the classes, some to learn from and some to test on.

# %%
# All pairs of ten classes; of more classes, as many drawn ones.
PAIRS = 45


# %%
def images_of(dataset, split, s):
    """Images of the tasks: those of seed s."""
    n = {"train": n_per_class, "test": n_test}[split]
    if dataset == "procedural":
        return data.procedural_images(
            "both",
            "target",
            split=split,
            n_per_class=n,
            size=picture_size,
            seed=s,
        )
    if dataset == "cifar10":
        options = {"n_per_class": n, "data_dir": data_dir, "seed": s}
        return data.cifar10(split, **options)
    options = {"n_per_class": max(n // 10, 2), "data_dir": data_dir}
    return data.cifar100(split, seed=s, **options)


# %%
def parts_of(dataset, i):
    """Training and test images of the tasks, of seed i."""
    if dataset in ("procedural", "cifar10", "cifar100"):
        splits = ("train", "test")
        return tuple(images_of(dataset, of, seed + i) for of in splits)
    most = max(side(net.network) for net in nets)
    return two_parts(
        dataset, n_per_class, n_test, size=most, seed=seed + i
    )


# %%
def side(network):
    """Pixels per side of what a network sees."""
    return picture_size if network in OURS else size


# %%
images = {
    (d, i): parts_of(d, i) for d in datasets for i in range(seeds)
}

# %%
abouts = [part.about for d in datasets for part in images[d, 0]]
print(*[about.sentence() for about in abouts], sep="\n")

# %% [markdown]
# ## The networks
#
# Ours are small and trained here, each from weights of its own, on images of its own
# draw: few or many, for a short or a long time. So they range from networks that have
# hardly learnt to networks that know the classes they were trained on.


# %%
def source_images(net, s):
    """Images that a network of ours is trained on, of seed s."""
    n = net.n_per_class
    if net.source == "procedural":
        return data.procedural_images(
            "both", n_per_class=n, size=picture_size, seed=s
        )
    read = {"cifar10": data.cifar10, "cifar100": data.cifar100}
    return read[net.source](n_per_class=n, data_dir=data_dir, seed=s)


# %%
def learn(net, s):
    """Network after training, and at the start."""
    source = source_images(net, s)
    model = build(
        net.network, len(source.classes), size=picture_size, seed=s
    )
    start = deepcopy(model)
    how = training.recipe(
        "small", model, epochs=net.epochs, batch_size=32
    )
    options = {"size": picture_size, "checkpoints": checkpoints}
    training.train(
        model, source, how, compute=compute, seed=s, **options
    )
    return model, start


# %%
def loaded(net):
    """Network with the weights of a file or of the hub."""
    known = picture_size if net.network in OURS else 224
    return pretrained(net.network, net.file or "", size=known)


# %%
models, starts, seen = {}, {}, {}
with tqdm(nets, mininterval=2, file=sys.stderr) as bar:
    for k, net in enumerate(bar):
        bar.set_description(net.label)
        if net.source:
            models[net.label], starts[net.label] = learn(net, seed + k)
            classes = head(models[net.label])[1].weight.shape[0]
            seen[net.label] = net.n_per_class * net.epochs * classes
        else:
            models[net.label] = loaded(net)

# %% mystnb={"figure": {"name": "fig-06-images", "caption": "One image of each of up to ten classes: above what a network trained here has learnt from, if there is one; below each data set of the tasks."}, "image": {"alt": "Rows of ten small images, each of another class.", "classes": "dark-light"}} tags=["hide-input"]
here = {net.source: net for net in nets if net.source}
rows = [
    one_of_each(source_images(net, seed), 10, picture_size)
    for net in here.values()
]
rows += [
    one_of_each(images[d, 0][0], 10, picture_size) for d in datasets
]
figures.plot_images(
    rows, ax=figures.new_panels(height=0.55 * len(rows))
)
plt.show()


# %% [markdown]
# Drawn classes of the tasks are others than those that the networks learn, of the same
# kinds: things that grow and things that people make. A network trained on CIFAR-10 is
# asked about CIFAR-100 and the other way round, never about its own classes.


# %%
def told(net):
    """Row of the table of networks."""
    origin = "ImageNet, from the hub"
    if net.file:
        origin = f"file {net.file.name}"
    elif net.source:
        how = f"{net.n_per_class} a class, {net.epochs} epochs"
        origin = f"{net.source}, {how}"
    model = models[net.label]
    count = sum(p.numel() for p in model.parameters())
    width = head(model)[1].weight.shape[1]
    return [net.label, net.network, f"{count:,}", width, origin]


# %%
table(
    ["Name", "Network", "Weights", "d", "Trained on"],
    [told(net) for net in nets],
)

# %% [markdown]
# ## Alignment of one network with one task
#
# The last hidden layer is what the head, the last linear layer, is given: $d$ numbers
# per image, averaged over positions if there are any. The head, which names the classes
# of the training, is not used. Here is one task in full: features of a network, the
# constant column and rows of norm one ({ref}`sec-01`), singular values and vectors, and
# the area
#
# $$
# \frac{1}{\|\Phi\|_F \|y\|^2} \sum_i \sigma_i (u_i^\top y)^2 .
# $$ (eq-06-area)

# %%
net = next(net for net in reversed(nets) if net.is_new_to(datasets[0]))
model, part = models[net.label].eval(), images[datasets[0], 0][0]
rows, y = part.pair(*part.classes[:2])
scale = "half" if net.network in OURS else "imagenet"
pixels = NetworkInputs(part, size=side(net.network), scale=scale)[rows]

# %%
given = []
handle = head(model)[1].register_forward_pre_hook(
    lambda module, inputs: given.append(inputs[0].cpu().double())
)
with torch.no_grad():
    model(pixels.to(compute.where))
handle.remove()
hidden = given[0].flatten(2).mean(2) if given[0].ndim > 2 else given[0]
print(part.classes[:2], tuple(hidden.shape))

# %%
phi = np.column_stack([hidden, np.ones(len(hidden))])
phi /= np.linalg.norm(phi, axis=1, keepdims=True)
u, sigma, _ = np.linalg.svd(phi, full_matrices=False)
shares = (u.T @ y.ravel()) ** 2 / (y**2).sum()
area = sigma @ shares / np.linalg.norm(phi)
print(
    f"{area:.4f}, of the package {alignment(hidden, y).area()[0]:.4f}"
)

# %% [markdown]
# ## Every network on every task
#
# Beside the **pretrained** network stand
#
# - the same network **untrained**: at its initial weights, or at fresh ones
# - **random** features, as many as the layer has units, of the pixels $x \in [-1, 1]^m$:
#
#   $$
#   \phi(x) = \max(0, W x), \qquad W_{ij} \sim \mathcal{N}(0, 1/m)
#   $$ (eq-06-random)
#
# - the **pixels** themselves, scaled as in the paper's demo.


# %%
KINDS = ("pretrained", "untrained", "random", "pixels")


# %%
def random_features(images, width, s):
    """Random features (n, width) of pixels, with weights of seed s."""
    x = 2 * images.pixels() - 1
    shape, rng = (x.shape[1], width), np.random.default_rng(s)
    weights = rng.standard_normal(shape, dtype=np.float32)
    return np.maximum(x @ weights / np.float32(np.sqrt(shape[0])), 0)


# %%
def features_of(net, kind, parts, i):
    """Features (n, d) of training and of test images, of seed i."""
    if kind == "pixels":
        return [2 * x.pixels() - 1 for x in parts]
    model = models[net.label]
    if kind == "random":
        d = head(model)[1].weight.shape[1]
        return [random_features(x, d, seed + i) for x in parts]
    if kind == "untrained":
        model = starts.get(net.label) or build(
            net.network, 1000, size=side(net.network), seed=seed + i
        )
    options = {"name": net.network, "size": side(net.network)}
    found = [
        network_features(model, x, compute=compute, **options)
        for x in parts
    ]
    if kind == "pretrained" and control:
        draw = np.random.default_rng(seed + i)
        found = [draw.permutation(f) for f in found]
    return found


# %% [markdown]
# On each kind of features, and for every task, alignment is measured, and a linear model
# is trained by gradient descent with step size $n / \sigma_1^2$; its loss and its
# weights have a closed form ({prf:ref}`thm-01-identity`). The loss is told in units of
# its value before the first step. What area and loss are by chance, for the same
# features and permuted targets, has a closed form too ({ref}`sec-01`).
#
# With $K$ balanced classes the targets of one against the rest are mostly $-1$: a share
# $(1 - 2/K)^2$ of their energy, 64 % of ten classes and 96 % of a hundred, lies in a
# constant, which says nothing of the images. It is taken off, as
# `repalign_utils.one_vs_rest` does:
#
# $$
# y_i = \pm 1 - (2/K - 1) .
# $$ (eq-06-rest)

# %%
times = np.unique(np.geomspace(1, steps, 25).round().astype(int))
tenth = np.searchsorted(times, steps // 10)

# %%
TASKS = ("pairs", "rest")
MEASURES = {
    "area": lambda s: s.areas.mean(),
    "chance": lambda s: s.chance.mean(),
    "ceiling": lambda s: s.ceilings.mean(),
    "accuracy": lambda s: s.accuracy[-1],
    "loss": lambda s: s.loss[-1],
    "early_loss": lambda s: s.loss[tenth],
    "chance_loss": lambda s: s.chance_loss[-1],
}


# %%
def scores_of(features, parts, i):
    """Task -> alignment and linear models on one kind of features."""
    chosen = drawn_pairs(parts[0].classes, PAIRS, seed=seed + i)
    options = {"thresholds": GRID, "steps": times}
    return {
        "pairs": pair_scores(features, parts, chosen, **options),
        "rest": rest_scores(features, parts, **options),
    }


# %%
coords = {
    "measure": list(MEASURES),
    "dataset": datasets,
    "network": [net.label for net in nets],
    "features": list(KINDS),
    "task": list(TASKS),
    "seed": range(seeds),
}

# %%
shape = [len(places) for places in coords.values()]
values = xr.DataArray(
    np.full(shape, np.nan), dims=list(coords), coords=coords
)
curves = {}  # data set, network, features, task -> scores of each seed

# %%
todo = [(d, i) for d in datasets for i in range(seeds)]
shared = {}  # scores of what does not depend on the network's weights
with tqdm(todo, mininterval=2, file=sys.stderr) as bar:
    for d, i in bar:
        parts = images[d, i]
        for net in (net for net in nets if net.is_new_to(d)):
            bar.set_description(f"{short(d)}, seed {i}, {net.label}")
            d_out = head(models[net.label])[1].weight.shape[1]
            for kind in KINDS:
                key = (
                    d,
                    i,
                    kind,
                    d_out if kind == "random" else net.label,
                )
                key = key[:3] if kind == "pixels" else key
                if key not in shared:
                    features = features_of(net, kind, parts, i)
                    shared[key] = scores_of(features, parts, i)
                for task, score in shared[key].items():
                    found = [read(score) for read in MEASURES.values()]
                    values.loc[:, d, net.label, kind, task, i] = found
                    of = curves.setdefault(
                        (d, net.label, kind, task), []
                    )
                    of.append(score)

# %% [markdown]
# ## Does alignment tell which network is better?
#
# Now a network is the unit: one point for each, with its area and the accuracy of linear
# models on it, both means over the pairs of classes and over the draws of images.

# %%
area, accuracy = (
    values.sel(measure=m, task="pairs") for m in ("area", "accuracy")
)


# %%
def of_networks(d, kind):
    """Areas and accuracies (networks, seeds) of one kind of features."""
    return [
        v.sel(dataset=d, features=kind)
        .dropna("network")
        .drop_vars(["measure", "task", "dataset", "features"])
        for v in (area, accuracy)
    ]


# %%
for d in datasets:
    both = [
        xr.concat(of_networks(d, kind), "measure")
        for kind in ("pretrained", "untrained")
    ]
    record(
        f"06.networks.{short(d)}",
        xr.concat(both, "weights")
        .assign_coords(
            weights=["pretrained", "untrained"],
            measure=["area", "accuracy"],
        )
        .transpose("seed", ...),
    )

# %% tags=["hide-input"]
TITLES = {
    "procedural": "trained on drawn pictures",
    "cifar10": "trained on CIFAR-10",
    "cifar100": "trained on CIFAR-100",
    "": "of a file or the hub",
}
looks = [("o", "C0"), ("s", "C1"), ("^", "C2"), ("D", "C6")]
marks = []  # name, networks, kind of features, marker, colour
for of in dict.fromkeys(net.source for net in nets):
    labels = [net.label for net in nets if net.source == of]
    marks.append((TITLES[of], labels, "pretrained", *looks[len(marks)]))
everyone = [net.label for net in nets]
marks += [
    ("untrained", everyone, "untrained", "x", "0.5"),
    ("random", everyone, "random", "P", "C3"),
    ("pixels", everyone, "pixels", "v", "C5"),
]

# %% mystnb={"figure": {"name": "fig-06-networks", "caption": "Test accuracy of linear models on pairs of classes against the area of the features, one large mark for each network: its mean over the draws of images, which are the small dots. The dashed line is the accuracy of a guess."}, "image": {"alt": "One panel per data set. Accuracy against area on a logarithmic axis: networks by what they were trained on, the same networks untrained at small areas, random features and pixels."}} tags=["hide-input", "lead-figure"]
axes = figures.new_panels(len(datasets), height=2.9, sharex=True)
for ax, d in zip(np.atleast_1d(axes), datasets, strict=True):
    for name, labels, kind, marker, color in marks:
        x, y = (
            v.sel(dataset=d, features=kind, network=labels)
            for v in (area, accuracy)
        )
        dots = {"color": color, "markersize": 2.5, "alpha": 0.6}
        ax.plot(x.values.ravel(), y.values.ravel(), ".", **dots)
        large = {"color": color, "markersize": 5.5, "label": name}
        ax.plot(x.mean("seed"), y.mean("seed"), marker, **large)
    ax.axhline(0.5, color="0.5", linewidth=0.8, linestyle="--")
    ax.set(ylabel="test accuracy")
    figures.log_axis(ax)
    if len(datasets) > 1:
        ax.text(0.02, 0.93, short(d), transform=ax.transAxes)
ax.set_xlabel("area")
above = {"loc": "lower left", "bbox_to_anchor": (-0.02, 1)}
np.ravel(axes)[0].legend(ncols=2, **above)
plt.show()

# %% tags=["hide-input"]
for name, of in (("area", area), ("accuracy", accuracy)):
    means = of.sel(dataset=datasets[0]).mean("seed")
    trained = means.sel(features="pretrained").dropna("network")
    for other in ("random", "pixels"):
        level = means.sel(features=other).dropna("network")
        count = int((trained > level).sum())
        record_words(
            f"06.words.{name}.{other}", f"{count} of {trained.size}"
        )

# %% [markdown]
# Read the trained networks first: were area all that matters, their marks would rise from
# left to right without exception. Then the crosses, the same networks untrained: do they
# rise too, or do small areas tell nothing of them? And then the features that are no
# networks. Of the trained networks
# {glue:text}`06.words.area.pixels` have a larger area than pixels and
# {glue:text}`06.words.accuracy.pixels` a higher accuracy; than random features
# {glue:text}`06.words.area.random` have a larger area and
# {glue:text}`06.words.accuracy.random` a higher accuracy. Where these numbers differ, or
# a mark of the ones lies above marks of the others with the same area, area compares
# networks of one kind better than it compares kinds of features: it adds up how long the
# directions are that hold a task, and says nothing of how many they are.
#
# In numbers: how often do two networks stand in the same order by area and by accuracy?
# Kendall's rank correlation is the share of pairs of networks that do minus the share
# that do not. It is a mean over networks, of how far each agrees with all the others.


# %%
def concordance(x, y):
    """How far each network agrees with the others, -1 to 1 (networks,)."""
    alike = np.sign(x[:, None] - x) * np.sign(y[:, None] - y)
    return alike.sum(1) / (len(x) - 1)


# %% [markdown]
# Every pair counts with two networks, so that these values depend on one another. The
# interval is the jackknife's for such means {cite:p}`arvesen1969`, about twice as wide as
# that of independent values. Another way is to draw networks anew, with replacement: the
# bootstrap. It gives much the same, except where all networks stand in one order. Then
# every draw of them does, and the bootstrap's interval is a point, as if no other order
# could ever come; ours is then that of so many equal outcomes.


# %%
def bootstrap(x, y, draws=2000):
    """95 % interval of the rank correlation over networks drawn anew."""
    rng = np.random.default_rng(seed)
    found = []
    for rows in rng.integers(len(x), size=(draws, len(x))):
        a, b = x[rows], y[rows]
        alike = np.sign(a[:, None] - a) * np.sign(b[:, None] - b)
        found.append(alike.sum() / max(np.count_nonzero(alike), 1))
    return np.quantile(found, [0.025, 0.975])


# %%
ranks, lines = {}, []
for d in datasets:
    for kind in ("pretrained", "untrained"):
        x, y = (v.mean("seed") for v in of_networks(d, kind))
        group = "trained" if kind == "pretrained" else kind
        if len(x) > 2:
            ranks[group, d] = concordance(x.values, y.values)
            low, high = bootstrap(x.values, y.values)
            lines.append([short(d), group, len(x), low, high])
    own = [name for name in x.network.values if name in seen]
    if len(own) > 2:
        y = accuracy.sel(dataset=d, network=own, features="pretrained")
        amount = np.array([seen[name] for name in own], float)
        ranks["amount", d] = concordance(amount, y.mean("seed").values)

# %%
weakest, options = {}, {"within": (-1, 1), "pairs": True}
for (group, d), found in ranks.items():
    record(f"06.rank.{group}.{short(d)}", found, **options)
    if group not in weakest or found.mean() < weakest[group].mean():
        weakest[group] = found

# %%
for group in ("trained", "untrained", "amount"):
    if group in weakest:
        record(f"06.rank.{group}", weakest[group], **options)
    else:
        words = "unknown, for want of three such networks"
        record_words(f"06.rank.{group}", words)

# %%
counts = [
    len(found)
    for (group, _), found in ranks.items()
    if group == "trained"
]
record("06.count.trained", min(counts, default=len(nets)), exact=True)

# %%
names = {
    "trained": "area, trained networks",
    "untrained": "area, the same untrained",
    "amount": "images seen in training",
}

# %%
ends = {
    (d, g): f"{low:.2f} to {high:.2f}" for d, g, _, low, high in lines
}

# %%
table(
    [
        "Accuracy against",
        "Data",
        "Networks",
        "Correlation",
        "Bootstrap",
    ],
    [
        [
            names[group],
            short(d),
            len(found),
            f"{found.mean():.2f}",
            ends.get((short(d), group), ""),
        ]
        for (group, d), found in ranks.items()
    ],
)

# %% [markdown]
# With the jackknife's interval, and the data set where it is least if there are several,
# the correlation is {glue:text}`06.rank.trained` for trained networks and
# {glue:text}`06.rank.untrained` for the same ones untrained. A sceptic asks what area
# tells beyond the number of images that a network has seen in its training, which nobody
# needs to measure: that correlates with {glue:text}`06.rank.amount`. Area needs no
# knowledge of the training, and applies to networks of any origin; that it orders these
# *better* than the length of their training does, such numbers cannot show.
#
# ## Pretrained, untrained, random, pixels
#
# Next the question of the paper: is the last hidden layer of a pretrained network better
# aligned than other features of the same images? It is asked of the networks of files
# and of the hub; where there are none, of the last one in the table, which is trained
# the longest on the most images.

# %%
loaded_ones = [net.label for net in nets if not net.source]
cases = []  # data set and network
for d in datasets:
    new = [net.label for net in nets if net.is_new_to(d)]
    main = loaded_ones or new[-1:]
    cases += [(d, label) for label in main]
print(*[f"{short(d)}: {label}" for d, label in cases], sep="\n")

# %%
# No training has touched these: they are the same on every processor.
UNTOUCHED = ("random", "pixels")
SHARES = ("area", "chance", "ceiling", "accuracy", "loss")


# %%
def name_of(measure, d, label, kind, task):
    """Name of a recorded value."""
    return f"06.{measure}.{task}.{short(d)}.{label}.{kind}"


# %%
for d, label in cases:
    mine = values.sel(dataset=d, network=label)
    for measure in SHARES:
        for kind in KINDS:
            for task in TASKS:
                of = mine.sel(measure=measure, features=kind, task=task)
                record(
                    name_of(measure, d, label, kind, task),
                    of.values,
                    within=(0, 1),
                    exact=kind in UNTOUCHED and measure in SHARES[:3],
                )
    for task in TASKS:
        found = [
            np.stack([s.curve for s in curves[d, label, kind, task]])
            for kind in KINDS
        ]
        record(
            f"06.curve.{task}.{short(d)}.{label}",
            np.stack(found, axis=1),
            dims=("seed", "representation", "threshold"),
            coords={"representation": list(KINDS), "threshold": GRID},
        )

# %% mystnb={"figure": {"name": "fig-06-alignment", "caption": "Alignment of the representations with pairs of classes, mean over the pairs; bands span the seeds, thin lines are what chance gives."}, "image": {"alt": "One panel per data set and network. Captured share of the target energy against threshold divided by the norm of the features: the pretrained network, the untrained one, random features and pixels, and four thin lines for the level of chance of each. The curve of the untrained network lies far to the left."}} tags=["hide-input"]
axes = figures.new_panels(
    len(cases), height=2.5, sharex=True, sharey=True
)
for ax, (d, label) in zip(np.atleast_1d(axes), cases, strict=True):
    of = {kind: curves[d, label, kind, "pairs"] for kind in KINDS}
    figures.plot_curves(
        {kind: [s.curve for s in found] for kind, found in of.items()},
        GRID,
        ax=ax,
        xlabel="threshold / ‖Φ‖_F",
        ylabel="captured share",
        legend="above" if ax is np.ravel(axes)[0] else False,
        chance=[
            np.mean([s.chance_curve for s in found], axis=0)
            for found in of.values()
        ],
    )
    ax.set(xscale="log", xlim=(1e-4, 1))
    if len(cases) > 1:
        named = f"{short(d)}, {label}"
        ax.text(0.02, 0.08, named, transform=ax.transAxes)
plt.show()

# %% [markdown]
# Look where a curve leaves the top: the further to the right, the longer the directions
# that hold the target. And set each curve against chance, the thin lines: by chance, too,
# a target lies partly in long directions. Where a network has nearly all of its norm in
# one direction, as fresh weights often do, curve and chance lie far to the left together.
# That direction is the mean of its features, which holds nothing of a task with two equal
# classes, and what is left for the task are short ones. The ceiling
# $\sigma_1 / \|\Phi\|_F$ in the last table tells of it.

# %% mystnb={"figure": {"name": "fig-06-areas", "caption": "Area under the alignment curve, with 95 % intervals over the seeds, which are the small dots; grey bars are what chance gives."}, "image": {"alt": "One panel per data set and network, area on a logarithmic axis. For pretrained, untrained, random features and pixels an interval with dots for pairs of classes and one for one class against the rest, each with a grey bar for the level of chance."}} tags=["hide-input"]
axes = figures.new_panels(
    len(cases), height=2.6, sharex=True, sharey=True
)
words = {"pairs": "pairs of classes", "rest": "one against the rest"}
for ax, (d, label) in zip(np.atleast_1d(axes), cases, strict=True):
    of = values.sel(dataset=d, network=label)
    found = of.sel(measure="area")
    groups = {
        word: {k: found.sel(task=t, features=k).values for k in KINDS}
        for t, word in words.items()
    }
    figures.plot_intervals(
        groups,
        ax=ax,
        within=(0, 1),
        ylabel="area",
        legend="above" if ax is np.ravel(axes)[0] else False,
    )
    level = of.sel(measure="chance").mean("seed")
    for shift, t in zip((-0.25, 0.25), TASKS, strict=True):
        for j, kind in enumerate(KINDS):
            low = level.sel(task=t, features=kind)
            ends = j + shift + np.array([-0.12, 0.2])
            ax.plot(ends, [low, low], "-", color="0.5", linewidth=2)
    figures.log_axis(ax, "y")
    if len(cases) > 1:
        ax.text(
            0.27, 0.88, f"{short(d)}, {label}", transform=ax.transAxes
        )
plt.show()


# %% [markdown]
# A lead is the area of the pretrained layer minus that of another representation, in the
# data set where it is the smallest part of what the other has.


# %%
def lead(of, other, *, over=None, worst=np.argmin):
    """Pretrained minus other where it is worst, and other; both (seeds,)."""
    over = of if over is None else over

    def stacked(array, kind):
        at = [{"dataset": d, "network": label} for d, label in cases]
        of_kind = array.sel(features=kind)
        return np.array([of_kind.sel(a).values for a in at])

    gap = stacked(of, "pretrained") - stacked(of, other)
    level = stacked(over, other)
    at = worst(gap / np.maximum(level, 1e-300), axis=0)[None]
    return [np.take_along_axis(v, at, axis=0)[0] for v in (gap, level)]


# %%
for task in TASKS:
    areas, chance = (
        values.sel(measure=m, task=task) for m in ("area", "chance")
    )
    for other in KINDS[1:]:
        gap, level = lead(areas, other)
        record(f"06.gap.{task}.{other}", gap)
        record(f"06.level.{task}.{other}", level, within=(0, 1))
        gap, _ = lead(areas - chance, other, over=areas)
        record(f"06.gap_above_chance.{task}.{other}", gap)
    above = [
        (areas - chance).sel(
            dataset=d, network=n, features="pretrained"
        )
        for d, n in cases
    ]
    record(f"06.above_chance.{task}", np.min(above, axis=0))

# %% [markdown]
# On pairs of classes the area of the pretrained layer exceeds that of the pixels by
# {glue:text}`06.gap.pairs.pixels` ({numref}`fig-06-areas`); the other leads are in the
# tables below. It lies {glue:text}`06.above_chance.pairs` above chance, and with one class
# against the rest {glue:text}`06.above_chance.rest`.
#
# Why is an untrained network so poor? An area has two factors, the area over $\sigma_1$,
# which tells where on the features' own spectrum the target lies, and the ceiling, which
# tells how far that spectrum has collapsed onto one direction:
#
# $$
# \frac{1}{\|\Phi\|_F \|y\|^2} \sum_i \sigma_i (u_i^\top y)^2
# = \frac{1}{\sigma_1 \|y\|^2} \sum_i \sigma_i (u_i^\top y)^2
#   \cdot \frac{\sigma_1}{\|\Phi\|_F} .
# $$ (eq-06-factors)
#
# A collapsed spectrum leaves little area to any target without a mean, so that even a
# flatter layer that knows nothing can have more than an untrained one. Against that the
# claim therefore compares areas *above chance*, which differ by
# {glue:text}`06.gap_above_chance.pairs.untrained` and
# {glue:text}`06.gap_above_chance.rest.untrained`.
#
# ## Linear models on the features
#
# Does the better aligned representation learn faster, and does it generalise?

# %%
pairs = values.sel(task="pairs")

# %%
loss, early, by_chance = (
    pairs.sel(measure=m) for m in ("loss", "early_loss", "chance_loss")
)
for other in KINDS[1:]:
    for name, found in {
        "loss": loss,
        "early_loss": early,
        "learnt": loss - by_chance,
    }.items():
        gap, level = lead(found, other, over=loss, worst=np.argmax)
        record(f"06.{name}.{other}", gap)
        if name == "loss":
            record(f"06.loss_level.{other}", level, within=(0, 1))
    gap, _ = lead(accuracy, other, over=xr.ones_like(accuracy))
    record(f"06.accuracy.{other}", gap)

# %% mystnb={"figure": {"name": "fig-06-training", "caption": "Training loss and test accuracy of linear models on pairs of classes, mean over the pairs; bands span the seeds."}, "image": {"alt": "Two panels per data set and network, training loss and test accuracy, against the step of gradient descent on a logarithmic axis: pretrained network, untrained one, random features and pixels. A dashed line at an accuracy of one half."}} tags=["hide-input"]
followed = {"loss": "training loss", "accuracy": "test accuracy"}
axes = figures.new_panels(2 * len(cases), sharex=True)
panels = [(case, what) for case in cases for what in followed]
for ax, ((d, label), what) in zip(axes, panels, strict=True):
    of = {kind: curves[d, label, kind, "pairs"] for kind in KINDS}
    figures.plot_curves(
        {kind: [getattr(s, what) for s in of[kind]] for kind in KINDS},
        times,
        ax=ax,
        xlabel="step",
        ylabel=followed[what],
        legend="above" if ax is axes[0] else False,
    )
    ax.set(xscale="log")
    if what == "accuracy":
        ax.axhline(0.5, color="0.5", linewidth=0.8, linestyle="--")
    if len(cases) > 1:
        named = f"{short(d)}, {label}"
        ax.text(0.02, 0.12, named, transform=ax.transAxes)
plt.show()

# %% [markdown]
# Look at the early steps of the loss first: alignment speaks for the directions that are
# learnt first. Later, weights enough fit few images whatever they hold. With more columns
# than rows, which pixels may have and a layer of $d$ units may not, the loss reaches zero
# in the end, and accuracy on new images does not care.
#
# After a tenth of the steps the training loss on the pretrained layer minus that on pixels
# is {glue:text}`06.early_loss.pixels`, minus that on random features
# {glue:text}`06.early_loss.random` and minus that on the untrained network
# {glue:text}`06.early_loss.untrained`; negative is faster. The tables have the last step.
# A loss also falls faster the flatter the spectrum is, on any targets; what a
# representation owes to the targets is how far its loss lies below that on permuted ones,
# the *loss below chance*.
#
# ## What was found
#
# Pretrained layer minus another representation, in the data set where it fares worst
# relative to the other, with 95 % intervals over seeds; loss and accuracy on pairs of
# classes:
#
# | Against | Area, pairs | Area, rest |
# |---|---|---|
# | pixels | {glue:text}`06.gap.pairs.pixels` | {glue:text}`06.gap.rest.pixels` |
# | random | {glue:text}`06.gap.pairs.random` | {glue:text}`06.gap.rest.random` |
# | untrained | {glue:text}`06.gap.pairs.untrained` | {glue:text}`06.gap.rest.untrained` |
#
# | Against | Loss, last step | Loss below chance | Accuracy |
# |---|---|---|---|
# | pixels | {glue:text}`06.loss.pixels` | {glue:text}`06.learnt.pixels` | {glue:text}`06.accuracy.pixels` |
# | random | {glue:text}`06.loss.random` | {glue:text}`06.learnt.random` | {glue:text}`06.accuracy.random` |
# | untrained | {glue:text}`06.loss.untrained` | {glue:text}`06.learnt.untrained` | {glue:text}`06.accuracy.untrained` |
#
# Areas of one class against the rest are small, and smaller the more classes there are:
# a lead counts from a tenth of the area of the other representation on. And where a pair
# has fewer images than there are features, as with few images per class of CIFAR-100,
# most representations fit it nearly exactly, so that the loss at the last step tells
# little; there too a tenth of the other's counts.
#
# Every representation of these networks by itself:

# %%
mean = values.mean("seed")


# %%
def row(d, label, task, kind):
    """Names of a representation, and its means over seeds."""
    at = {"dataset": d, "network": label, "task": task}
    found = mean.sel(at | {"features": kind, "measure": list(SHARES)})
    return [short(d), label, task, kind, *[f"{v:.3f}" for v in found]]


# %%
table(
    ["Data", "Network", "Task", "Features", *SHARES],
    [
        row(d, label, task, kind)
        for d, label in cases
        for task in TASKS
        for kind in KINDS
    ],
)

# %% [markdown]
# Not everything was fixed beforehand. The axis of the area, the smallest effects that
# count, the loss at a tenth of the steps and the loss below chance were chosen after
# real data had been seen; and the sizes of the quick run, and the networks in it, while
# looking at two of its seeds. That a network is the unit, and Kendall's rank correlation,
# are our choices too; they were made before any was computed.
#
# Which networks the paper takes from ImageNet, how large its images are, and which
# features it compares with, are not known to us. Ours are random ReLU features as many
# as the last hidden layer has units, pixels, which fare worse between 0 and 1 than
# between $-1$ and $1$, and untrained weights; images of 32 pixels, brought to the size in
# the parameters; and the mean taken off in {eq}`eq-06-rest`. The paper sweeps the step
# size of gradient descent over 0.01, 0.1, 1 and 10 and keeps the best. We take
# $n / \sigma_1^2$, which is at least 1 since $\sigma_1^2 \le n$, and never diverges.
#
# The profile `paper` takes a SqueezeNet of ImageNet, on images brought to 128 pixels, and
# small ResNets trained on parts of CIFAR-10 and CIFAR-100; the quick run trains them on
# drawn pictures of sixteen classes and asks about ten others. Networks of your own are
# asked about with `-p networks "[resnet18]" -p weights FOLDER`: each file `resnet18-*.pt`
# in the folder is one. Images of your own come with `-p datasets FOLDER`. The paper also
# trains a T2T-ViT, elsewhere in its experiments, which timm does not have; by number of
# weights and training data the nearest is `deit_small_patch16_224`, to be run with
# `-p size 224`.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-06-1
#
# Show that a share $(1 - 2/K)^2$ of the energy of the targets of one class against the
# rest, $-1$ and $+1$, lies along the constant vector, for $K$ classes of equal size. From
# which $K$ on is it more than half?
# :::
#
# :::{solution} ex-06-1
# :class: dropdown
#
# One target in $K$ is $+1$, so that the mean is $1/K - (K - 1)/K = 2/K - 1$. Along the
# unit vector $\mathbf{1} / \sqrt{n}$ the target has the coordinate $\sqrt{n} (2/K - 1)$,
# whose square is $n (1 - 2/K)^2$; all its energy is $n$. It is more than half from
# $K = 7$ on: $(5/7)^2 = 0.51$, while $(4/6)^2 = 0.44$.
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
# :::{exercise}
# :label: ex-06-6
#
# Pool trained and untrained networks into one rank correlation of area and accuracy. Is
# it larger or smaller than that of the trained ones alone? Why does this section keep
# them apart?
# :::
#
# :::{solution} ex-06-6
# :class: dropdown
#
# Smaller where trained networks alone stand in one order, larger where they hardly do.
# Half of all pairs are of a trained and an untrained network, and most of these stand in
# the same order, because training raises both. They say no more than that it does, and
# drown what is asked: whether area tells *trained* networks apart, among which one has to
# choose.
# :::
#
# ## Provenance

# %% tags=["provenance", "hide-input"]
provenance(
    datasets=abouts,
    weights={net.label: net.file for net in nets if net.file},
    device=compute.where,
    seeds=seeds,
)
