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
# (sec-11)=
# # Do networks that generalise end up alike?
#
# Networks that learn the same true labels might find the same solution, where networks
# that memorise noise each find one of their own. Projection-weighted CCA (PWCCA) asks
# so of any two layers of the same inputs {cite:p}`morcos2018`. In this run the last
# hidden layers of two networks that generalise stand at a distance of
# {glue:text}`11.distance.last.generalise.mean:.2f` (0 is equal), those of two that
# memorise at {glue:text}`11.distance.last.memorise.mean:.2f`; chance, which a raw value
# hides, would give {glue:text}`11.distance.last.chance.mean:.2f`. In the paper networks
# that memorise are as far from each other as from those that generalise; here, in that
# layer, they are nearer to each other by {glue:text}`11.alone.last.mean:.2f`.

# %% tags=["parameters"]
# fmt: off
dataset: str = "digits"  # {digits, cifar10}: images of ten classes
n_per_class: int = 40  # {10..}: images of each class, to learn from and to compare layers on
n_test: int = 60  # {1..}: test images of each class
network: str = "cb16 cb16 cb32/2 cb32 cb32/2 cb32"  # words of `convnet`, convolutions alone
epochs: int = 40  # {2..}: of Adam, the same for all networks
kept: list = [1, 2, 4, 8, 16, 28]  # {1..}: epochs at which a network is compared with its end
step_size: float = 2e-3  # {0<..}: of Adam
widths: list = [0.25, 0.5, 1.0]  # {0<..}: factors of all channels; 1 is the network as it is
shares: list = [0.0, 0.25, 0.5, 0.75, 1.0]  # {0..1}: of labels that are noise
seeds: int = 5  # {3..}: networks of each kind, and draws of the toy; the jackknife takes three
seed: int = 0  # {0..999999999}: the first seed
control: bool = False  # negative control: pair rows at random, and give all labels the same noise; the claims must then fail
device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps
data_dir: str = ""  # existing path: folder with real data (empty: REPALIGN_DATA)
checkpoints: str = ""  # path: folder that keeps long trainings, so that they can go on (empty: none)
# {max(kept) < epochs}: a network is compared with its end
# {1.0 in widths}: the others are compared with the network as it is
# {dataset != "digits" or n_per_class + n_test <= 174}: there are no more of each digit
# fmt: on

# %% tags=["remove-input"]
from repalign_utils import check_parameters

check_parameters(globals())

# %% tags=["hide-input"]
import re
import sys
from dataclasses import replace
from itertools import combinations, product

import matplotlib.pyplot as plt
import numpy as np
import torch
import xarray as xr
from tqdm import tqdm

# %% tags=["hide-input"]
from repalign_utils import (
    Compute,
    MLPEnsemble,
    NetworkInputs,
    accuracy,
    alignment,
    convnet,
    data,
    figures,
    fit,
    one_vs_rest,
    provenance,
    recipe,
    record,
    record_features,
    table,
)
from repalign_utils.experiments.snapshots import train_with_snapshots
from repalign_utils.similarity import cca, pwcca, significance, svcca

figures.use_style()
compute = Compute(device)

# %% [markdown]
# ## Which directions should count?
#
# Let $X$ $(n \times p)$ and $Y$ $(n \times q)$ be two layers for the same $n$ inputs,
# centred. Canonical correlation analysis (CCA) finds in their column spaces orthonormal
# $h_1, h_2, \dots$ and $g_1, g_2, \dots$ whose correlations
# $\rho_i = h_i^\top g_i$ are the greatest possible, in falling order. Their mean is the
# plainest similarity of the two layers, and it counts a direction that no unit uses as
# much as one that all units use. SVCCA drops the weakest directions first
# {cite:p}`raghu2017`. PWCCA keeps all, and lets each weigh what the units of $X$ hold of
# it,
#
# $$
# \mathrm{PWCCA}(X, Y) = \frac{\sum_i \alpha_i \rho_i}{\sum_i \alpha_i} ,
# \qquad \alpha_i = \sum_j \lvert h_i^\top x_j \rvert ,
# $$ (eq-11-pwcca)
#
# where $x_j$ is unit $j$ of $X$. The paper's distance is 1 less this. The weights come
# from $X$ alone, so that the two layers are not exchangeable; where pairs of networks
# are compared, we take the mean of both orders. In NumPy:


# %%
def plain_pwcca(X, Y):
    """PWCCA of features (n, p) and (n, q), by orthonormal bases."""
    X, Y = X - X.mean(0), Y - Y.mean(0)
    basis, other = np.linalg.qr(X)[0], np.linalg.qr(Y)[0]
    turn, rho, _ = np.linalg.svd(basis.T @ other)
    h = basis @ turn[:, : len(rho)]
    weights = abs(h.T @ X).sum(1)
    return weights @ rho / weights.sum()


# %% [markdown]
# The paper's toy has 2,000 inputs and layers of 200 units. Of these, $k$ hold a signal
# that the layers share, turned by a rotation; the others hold noise, each layer its own.
# A good measure falls as the signal's share falls, and not because there is noise. The
# paper's noise is $N(0, 0.1)$, which we read as a variance.


# %%
def toy(k, rng, rows=2000, units=200):
    """Two layers (rows, units) that share k directions."""
    signal = rng.normal(size=(rows, k))
    rotation = np.linalg.qr(rng.normal(size=(k, k)))[0]
    noise = np.sqrt(0.1) * rng.normal(size=(2, rows, units - k))
    X = np.hstack([signal, noise[0]])
    Y = np.hstack([signal @ rotation, noise[1]])
    return X, rng.permutation(Y) if control else Y


# %%
X, Y = toy(100, np.random.default_rng(seed))
print(plain_pwcca(X, Y), pwcca(X, Y))

# %% [markdown]
# The two differ a little; why is said below. Now three measures for six numbers of
# shared directions:

# %%
signals = [1, 20, 60, 100, 140, 180]
measures = {
    "mean CCA": lambda X, Y: cca(X, Y).mean(),
    "SVCCA": svcca,
    "PWCCA": pwcca,
}


def compared_toys(rng):
    """Similarity (k, measure) of toys of one draw."""
    layers = [toy(k, rng) for k in signals]
    return [[f(X, Y) for f in measures.values()] for X, Y in layers]


# %%
draws = [np.random.default_rng(seed + i) for i in range(seeds)]
toys = xr.DataArray(
    [compared_toys(rng) for rng in draws],
    dims=("seed", "k", "measure"),
    coords={"k": signals, "measure": list(measures)},
)
(1 - toys.sel(k=100)).mean("seed").to_series().round(3)

# %% tags=["hide-input"]
X, Y = toy(1, np.random.default_rng(seed))
by_chance = 1 - cca(X, draws[-1].permutation(Y)).mean()  # of mean CCA

# %% mystnb={"figure": {"name": "fig-11-toy", "caption": "Distance of two layers of 200 units that share k directions, by three measures; bands span the draws, and the thin line is chance of mean CCA."}, "image": {"alt": "Distance against the number of shared directions, from 1 to 180, one line for mean CCA, one for SVCCA and one for PWCCA."}} tags=["hide-input"]
figures.plot_curves(
    {name: 1 - toys.sel(measure=name) for name in measures},
    signals,
    ax=figures.new_panels(height=3),
    xlabel="shared directions k, of 200",
    ylabel="distance",
    legend="above",
    chance=[by_chance] * len(signals),
).set_ylim(0, 1)
plt.show()

# %% tags=["hide-input"]
lead = toys.sel(measure="PWCCA").mean("k")
record("11.toy.mean", lead - toys.sel(measure="mean CCA").mean("k"))
record("11.toy.svcca", lead - toys.sel(measure="SVCCA").mean("k"))
record("11.toy.half.pwcca", 1 - toys.sel(measure="PWCCA", k=100))
least = toys.sel(measure="mean CCA", k=1)
record("11.toy.least", 1 - least, exact=True)
for name, words in (("mean CCA", "mean"), ("SVCCA", "svcca")):
    of = toys.sel(measure=name)
    record(f"11.toy.half.{words}", 1 - of.sel(k=100), exact=True)

# %% [markdown]
# Look first at the middle of {numref}`fig-11-toy`, where half of the directions are
# shared. Mean CCA puts the layers there at a distance of
# {glue:text}`11.toy.half.mean.mean:.2f`, SVCCA at {glue:text}`11.toy.half.svcca.mean:.2f`
# and PWCCA at {glue:text}`11.toy.half.pwcca.mean:.2f`. It may surprise that SVCCA with
# its usual threshold, 99 % of the sum of singular values, hardly differs from mean CCA:
# the noise holds more than that 1 %. No line starts at 1, although with $k = 1$ the
# layers share next to nothing: 200 directions of 2,000 rows find by chance enough
# correlation for a distance of {glue:text}`11.toy.least.mean:.2f`. A sceptic will note that with
# little signal PWCCA helps little, since its weights are those of the layer, noise and
# all.
#
# The weights have a flaw that the formula hides: where correlations are equal, as the
# signal's are here, $h_i$ may be turned among them, and a sum of absolute values changes
# a little. So the two numbers printed above differ: the package takes the principal
# axes of $X$ among these $h_i$, our choice, and the plain way those that the
# decomposition happens to give.
#
# ## Networks that generalise and networks that memorise
#
# Are two networks more alike if they learn what generalises? One group of networks
# learns true labels, and one the same labels shuffled once: one permutation for all of
# the group, so that each group has one task. All see the same images. The digits of
# scikit-learn are 8 by 8 pixels; CIFAR-10 has colour images of 32 by 32
# {cite:p}`krizhevsky2009`.

# %% tags=["hide-input"]
if dataset == "cifar10":
    given = {"data_dir": data_dir, "seed": seed}
    images = data.cifar10(n_per_class=n_per_class, **given)
    tests = data.cifar10("test", n_per_class=n_test, **given)
else:
    both = data.digit_images(
        range(10), n_per_class=n_per_class + n_test, seed=seed
    )
    by_class = np.argsort(both.labels, kind="stable").reshape(10, -1)
    images = both.take(by_class[:, :n_per_class].ravel())
    tests = both.take(by_class[:, n_per_class:].ravel())

# %%
shuffled = np.random.default_rng(seed).permutation(images.labels)
tasks = {
    "generalise": images,
    "memorise": replace(images, labels=shuffled),
}
print(images.about.sentence())

# %% mystnb={"figure": {"name": "fig-11-images", "caption": "Images of four classes, as the networks are given them."}, "image": {"alt": "Four rows of ten images, a class in each row.", "classes": "dark-light"}} tags=["hide-input"]
figures.plot_images(
    [images.images[images.labels == c][:10] for c in range(4)]
)
plt.show()

# %% [markdown]
# A row of {numref}`fig-11-images` is one true class. A network that memorises is told
# other labels for these images, with no such order.
#
# The paper's network has eleven convolutions with batch normalisation, of 64 to 512
# channels. Ours has the same form with fewer channels, `network` above, and where that
# is shorter, fewer layers. As in the paper, training is by Adam, without augmentation or
# weight decay. The step size falls to 0 along a cosine, where the paper keeps it: with
# a constant one some of our networks end in the middle of a spike of the loss.


# %%
def scaled(words, factor):
    """Words of a network with all channels times a factor."""
    return re.sub(
        r"(?<=cb)\d+",
        lambda found: str(max(round(int(found[0]) * factor), 1)),
        words,
    )


scaled(network, 0.5)


# %%
def fresh(i, factor=1.0):
    """Network of seed i before training, its channels times a factor."""
    _, channels, size, _ = images.images.shape
    shape = {"size": size, "channels": channels, "seed": seed + i}
    net = convnet(scaled(network, factor), 10, **shape)
    return net.to(compute.where)


# %%
how = recipe(
    "small",
    fresh(0),
    epochs=epochs,
    batch_size=50,
    optimizer="adam",
    step_size=step_size,
    schedule="cosine",
    weight_decay=0.0,
    augment="none",
)


# %%
def trained(i, task, factor=1.0, epochs_kept=()):
    """Network of seed i after training, and its weights on the way."""
    net = fresh(i, factor)
    options = {"compute": compute, "checkpoints": checkpoints}
    options |= {"seed": seed + i, "epochs_kept": epochs_kept}
    course = train_with_snapshots(net, task, how, **options)
    return net.eval(), course.weights


# %% tags=["hide-input"]
pictures = NetworkInputs(images)[:].to(compute.where)
for factor in {1.0, *widths}:  # before hours of training
    for i in range(2 * seeds if factor == 1 else seeds):
        answers = fresh(i, factor).eval()(pictures[:100])
        if (answers == answers[0]).all():
            raise ValueError(
                f"with channels times {factor} the network of seed "
                f"{seed + i} answers all images alike before training, "
                "so its layers cannot be compared; take wider ones"
            )


# %%
def group_of(group, first, at=()):
    """Networks of a group after training, and their weights."""
    bar = tqdm(range(first, first + seeds), desc=group, file=sys.stderr)
    return [trained(i, tasks[group], epochs_kept=at) for i in bar]


# No network of one group starts from the weights of one of the other.
runs = {
    "generalise": group_of("generalise", 0, kept),
    "memorise": group_of("memorise", seeds),
}
networks = {group: [net for net, _ in of] for group, of in runs.items()}
courses = [weights for _, weights in runs["generalise"]]

# %% [markdown]
# Have both groups learnt their labels? Layers of networks that have not would tell
# nothing of memory.


# %%
@torch.no_grad()
def loss(net, task):
    """Mean cross-entropy of a network on a task."""
    found = net(NetworkInputs(task)[:].to(compute.where)).cpu()
    labels = torch.as_tensor(task.labels)
    return float(torch.nn.functional.cross_entropy(found, labels))


def test_accuracy(net):
    """Share of the test images that a network gets right."""
    return accuracy(net, NetworkInputs(tests), tests.labels)


for group, nets in networks.items():
    losses = [loss(net, tasks[group]) for net in nets]
    record(f"11.loss.{group}", losses)
    right = [test_accuracy(net) for net in nets]
    record(f"11.accuracy.{group}", right, within=(0, 1))

# %% [markdown]
# | Networks | Loss on what they learnt | Accuracy on test images |
# |---|---|---|
# | generalise | {glue:text}`11.loss.generalise` | {glue:text}`11.accuracy.generalise` |
# | memorise | {glue:text}`11.loss.memorise` | {glue:text}`11.accuracy.memorise` |
#
# A layer is measured on the images that both groups were trained on, its feature maps
# averaged over positions as in the paper, so that it has as many units as channels.


# %%
@torch.no_grad()
def layers_of(net):
    """Features (n, units) of each convolution and of the outputs."""
    found, h = {}, pictures
    for name, module in net.named_children():
        h = module(h)
        if re.fullmatch(r"c\d+|logits", name):
            mean = h.flatten(2).mean(2) if h.ndim == 4 else h
            found[name] = mean.double().cpu().numpy()
    return found


# %%
features = {
    group: [layers_of(net) for net in nets]
    for group, nets in networks.items()
}
names = list(features["generalise"][0])
hidden = names[:-1]
print({n: features["generalise"][0][n].shape for n in names})

# %% tags=["hide-input"]
some = slice(None, None, -(-len(images.labels) // 400))
for group in features:
    for i in (0, 1):
        kept_rows = {n: f[some] for n, f in features[group][i].items()}
        record_features(
            f"11.layers.{group}.{i}",
            kept_rows,
            labels=images.labels[some],
        )

# %% [markdown]
# Every pair of networks is compared layer by layer: within a group, and between the
# groups. What would chance give? The same measure with the rows of one side paired at
# random, as many times as there are pairs: it knows the numbers of rows and units, and
# nothing of which row is which. A calibrated value is 0 for chance and 1 for equal
# layers, $(s - s_0) / (1 - s_0)$ for a similarity $s$ and its level of chance $s_0$.


# %%
def both_orders(x, y):
    """PWCCA, the mean with the weights of either layer."""
    return (pwcca(x, y) + pwcca(y, x)) / 2


def mean_cca(x, y):
    """Mean canonical correlation."""
    return cca(x, y).mean()


# %%
rng = np.random.default_rng(seed)


def similarity(x, y, measure=both_orders):
    """Similarity of two layers, and that with rows paired at random."""
    if control:
        y = rng.permutation(y)
    return np.array([measure(x, y), measure(x, rng.permutation(y))])


# %%
def pairs_of(group):
    """Pairs (group, seed), (group, seed) within a group, or between them."""
    if group in features:
        members = [(group, i) for i in range(seeds)]
        return list(combinations(members, 2))
    one, other = ([(g, i) for i in range(seeds)] for g in features)
    return list(product(one, other))


groups = [*features, "between"]
{group: len(pairs_of(group)) for group in groups}

# %%
compared_by = {"PWCCA": both_orders, "mean CCA": mean_cca}
compared = xr.DataArray(
    np.full((2, 3, seeds, seeds, len(names), 2), np.nan),
    dims=("measure", "group", "seed", "other", "layer", "what"),
    coords={
        "measure": list(compared_by),
        "group": groups,
        "layer": names,
        "what": ["value", "chance"],
    },
)


# %%
def compare(group, i, j, x, y):
    """Compare all layers of two networks by both measures."""
    for name in names:
        for label, f in compared_by.items():
            found = similarity(x[name], y[name], f)
            compared.loc[label, group, i, j, name] = found
            if group != "between":
                compared.loc[label, group, j, i, name] = found


for group in groups:
    for (one, i), (other, j) in pairs_of(group):
        compare(group, i, j, features[one][i], features[other][j])

# %% [markdown]
# Each network $i$ then has one value $v_i$, its mean over the networks that it is
# compared with, and the level of chance is that of the layer and group.

# %%
value = compared.sel(what="value").mean("other")
level = compared.sel(what="chance").mean(["seed", "other"])
above = (value - level) / (1 - level)
panels = {
    "PWCCA": 1 - value.sel(measure="PWCCA"),
    "PWCCA, calibrated": 1 - above.sel(measure="PWCCA"),
    "mean CCA": 1 - value.sel(measure="mean CCA"),
}

# %% [markdown]
# How uncertain is the mean $\bar v$ of a group of $m$? Each pair counts in two of the
# $v_i$, so that they spread too little: if a distance is the sum of two networks' own
# shares, an interval made of five $v_i$ holds the truth in 64 % of samples. The
# jackknife leaves out one network at a time, with all its pairs; its pseudo-values have
# the same mean,
#
# $$
# p_i = \bar v + \frac{2 (m - 1)}{m - 2} (v_i - \bar v) ,
# $$ (eq-11-jackknife)
#
# and spread as independent values would (95 % of samples). Differences between groups
# and widths are recorded as such.


# %%
def pseudo_values(v):
    """Values of the jackknife, from means over the pairs of each network."""
    mean, m = v.mean("seed"), v.sizes["seed"]
    return mean + 2 * (m - 1) / (m - 2) * (v - mean)


of = value.sel(measure="PWCCA", group="memorise", layer=hidden[-1])
print(np.c_[of, pseudo_values(of)].round(3))

# %% tags=["hide-input"]
record(
    "11.distance",
    panels["PWCCA"]
    .transpose("seed", "group", "layer")
    .drop_vars("measure"),
)

# %% mystnb={"figure": {"name": "fig-11-groups", "caption": "Distance of two networks, layer by layer from the first convolution to the outputs: two that generalise, two that memorise the same shuffled labels, and one of each. Bands span the networks; thin lines are chance, which the middle panel takes off."}, "image": {"alt": "Three panels, PWCCA, PWCCA calibrated and mean CCA. Distance against layer, one line for pairs of networks that generalise, one for pairs that memorise and one for pairs of one and the other; thin lines for chance."}} tags=["hide-input", "lead-figure"]
axes = figures.new_panels(3, sharex=True, sharey=True)
for ax, (title, distance) in zip(axes, panels.items(), strict=True):
    chance = 1 - level.sel(measure=title.split(",")[0])
    figures.plot_curves(
        {g: distance.sel(group=g) for g in groups},
        range(len(names)),
        ax=ax,
        xlabel="",
        ylabel=title.replace(", ", ",\n"),
        legend="above" if ax is axes[0] else False,
        chance=np.ones(len(names)) if "," in title else chance,
    )
    ax.set_ylim(-0.03, 1.1)
axes[-1].set_xticks(range(len(names)), names, rotation=60)
plt.show()


# %%
def closer(distances):
    """How much nearer to each other networks are that generalise."""
    of = pseudo_values(distances)
    return of.sel(group="memorise") - of.sel(group="generalise")


later, last = hidden[len(hidden) // 2 :], hidden[-1]
raw = closer(panels["PWCCA"])
calibrated = closer(panels["PWCCA, calibrated"])
raw.mean("seed").to_series().round(3)

# %% tags=["hide-input"]
record("11.closer.first", raw.sel(layer=hidden[0]))
record("11.closer.later", raw.sel(layer=later).mean("layer"))
record("11.closer.last", raw.sel(layer=last))
record(
    "11.closer.calibrated", calibrated.sel(layer=later).mean("layer")
)
chance = 1 - level.sel(measure="PWCCA", layer=last)
record("11.distance.last.chance", float(chance.mean()), within=(0, 1))
for group in groups:
    found = panels["PWCCA"].sel(group=group, layer=last)
    record(f"11.distance.last.{group}", found, within=(0, 1))

# %% [markdown]
# And are networks that memorise nearer to each other than to those that generalise, in
# the last hidden layer? The distance between the groups is the mean over all its pairs.

# %%
alone = panels["PWCCA"].sel(layer=last)
own = pseudo_values(alone.sel(group="memorise"))
apart = alone.sel(group="between").mean()
record("11.alone.last", apart - own)

# %% [markdown]
# Lower is more alike ({numref}`fig-11-groups`). Compare the pairs that generalise with
# those that memorise layer by layer, best in the middle panel, where chance is 1 in all
# layers: where the two lines part, one group agrees more than the other. Then look at the
# left end: in the first layer the groups differ by {glue:text}`11.closer.first`, and the
# nearer that is to 0, the less it matters there which labels are learnt. No two networks
# start from the same weights, within a group or between them: a pair that does can stay
# alike in early layers, which may move little, whatever it learns.
#
# Is a pair of last hidden layers more alike than chance? Of the first pair of each
# group, with the weights of its first network: how many of 200 random pairings of the
# rows reach the value?


# %%
def tested(group):
    """Significance of the last hidden layer of a group's first pair."""
    (one, i), (other, j) = pairs_of(group)[0]
    x, y = features[one][i][last], features[other][j][last]
    y = rng.permutation(y) if control else y
    return significance("pwcca", x, y, permutations=200, generator=rng)


tests_of = {group: tested(group) for group in groups}

# %% tags=["hide-input"]
rows_shown = []
for group, t in tests_of.items():
    numbers = t.value, t.null, t.calibrated, t.p_value
    rows_shown.append([group, *[f"{number:.3f}" for number in numbers]])
header = ["Pair", "PWCCA", "Chance", "Calibrated", "p-value"]
table(header, rows_shown)

# %% [markdown]
# A p-value of 0.005, the least that 200 pairings can give, says that not all of a value
# is chance. It does not say how much is left: that is the calibrated value, and in a
# pair of networks with different labels it can be small and its p-value as well.
#
# In the later half of the hidden layers two networks that generalise are nearer to each
# other than two that memorise by {glue:text}`11.closer.later`, and by
# {glue:text}`11.closer.calibrated` once chance is taken off. The paper finds memorising
# networks as far from each other as from those that generalise, up to the outputs. Here,
# in the last hidden layer, a memorising network is nearer to its like than to the others
# by {glue:text}`11.alone.last` (the interval takes the distance between the groups as
# known): well above 0, the layer has settled on the labels that the group shares. A small
# network on few images may settle earlier than one of eleven layers.
#
# A sceptic would say: PWCCA of layers that have collapsed onto the same ten classes is
# high, whatever the labels are. So look at the outputs, where both groups have to come
# together, and then at the layers in the middle of {numref}`fig-11-groups`, where nothing
# forces them to.
#
# ### What alignment sees, and PWCCA does not
#
# The same layers, compared not with each other but with targets: the area of
# {eq}`eq-01-area`, the mean over classes against the rest, with the true labels and with
# those that the group was trained on.


# %%
def area(layer, labels):
    """Area of features with the classes, and its level of chance."""
    found = alignment(layer, one_vs_rest(labels))
    return found.area().mean(), found.null().area.mean()


def areas_with(labels):
    """The same (group, seed, layer, 2) of all layers."""
    return [
        [[area(net[n], labels) for n in names] for net in nets]
        for nets in features.values()
    ]


# %%
kinds = {"true labels": images.labels, "shuffled labels": shuffled}
areas = xr.DataArray(
    [areas_with(labels) for labels in kinds.values()],
    dims=("labels", "group", "seed", "layer", "what"),
    coords={
        "labels": list(kinds),
        "group": list(features),
        "layer": names,
        "what": ["value", "chance"],
    },
)

# %% mystnb={"figure": {"name": "fig-11-alignment", "caption": "Area of the same layers with the true labels and with the shuffled ones, of networks that learnt the former (generalise) and the latter (memorise). Bands span the networks; thin lines are chance."}, "image": {"alt": "Two panels, true and shuffled labels. Area against layer, one line for networks that generalise and one for those that memorise, and thin lines for chance."}} tags=["hide-input"]
axes = figures.new_panels(2, sharex=True, sharey=True)
for ax, kind in zip(axes, kinds, strict=True):
    of = areas.sel(labels=kind)
    figures.plot_curves(
        {g: of.sel(group=g, what="value") for g in features},
        range(len(names)),
        ax=ax,
        xlabel="",
        ylabel=f"area,\n{kind}",
        legend="above" if ax is axes[0] else False,
        chance=of.sel(what="chance").mean("seed"),
    )
axes[1].set_xticks(range(len(names)), names, rotation=60)
axes[0].set_ylim(bottom=-0.01)
plt.show()

# %% tags=["hide-input"]
ends = areas.sel(layer=last, what="value")
for group in features:
    for kind in kinds:
        of = ends.sel(group=group, labels=kind)
        name = f"11.area.{group}.{kind.split()[0]}"
        record(name, of, within=(0, 1))

# %% [markdown]
# See where a line of {numref}`fig-11-alignment` leaves the thin one of chance: from that
# layer on the labels are there, the true ones above, the shuffled ones below. In the last
# hidden layer:
#
# | Networks | Area, true labels | Area, shuffled labels |
# |---|---|---|
# | generalise | {glue:text}`11.area.generalise.true` | {glue:text}`11.area.generalise.shuffled` |
# | memorise | {glue:text}`11.area.memorise.true` | {glue:text}`11.area.memorise.shuffled` |
#
# PWCCA says how far two layers hold the same directions, and not which; it needs no
# labels, and compares networks of different tasks, as the lines between the groups do.
# Alignment says what a layer holds: the table can tell, of one network by itself,
# whether true or shuffled labels were learnt, and in which layer they appear, but it
# cannot tell two networks with the same area in different directions from two that are
# alike. So the two answer different questions of {numref}`fig-11-groups` and
# {numref}`fig-11-alignment`: *which layers agree*, and *on what*.
#
# ## Is a network done when its accuracy is?
#
# The networks that generalise were kept at some epochs on the way. How near is a layer
# to its own end, coefficient by coefficient? Accuracy counts as settled from the first
# kept epoch on after which it stays within two points of that at the end.

# %%
times = [*kept, epochs]
course, right = {}, np.zeros((seeds, len(times)))
for i, weights in enumerate(courses):
    net = fresh(i).eval()
    for t, epoch in enumerate(times):
        net.load_state_dict(weights[epoch])
        course[i, epoch] = layers_of(net)
        right[i, t] = test_accuracy(net)
dict(zip(times, right.mean(0).round(3).tolist(), strict=True))


# %%
def coefficients(x, y):
    """Canonical correlations (smaller number of units,), 0 where rank lacks."""
    found = cca(x, rng.permutation(y) if control else y).correlations
    return np.pad(found, (0, min(x.shape[1], y.shape[1]) - len(found)))


# %%
def to_the_end(name):
    """Coefficients (seeds, epochs, units) of a layer against its end."""
    ends = [course[i, epochs][name] for i in range(seeds)]
    return np.array(
        [
            [coefficients(course[i, e][name], end) for e in times]
            for i, end in enumerate(ends)
        ]
    )


# %%
rho = {name: to_the_end(name) for name in hidden}
alike = np.mean([rho[name].mean(2) for name in hidden], axis=0)
dict(zip(times, alike.mean(0).round(3).tolist(), strict=True))

# %% [markdown]
# Which directions stay? Take those of an early layer that correlate most with the same
# layer half-way, *stable* so far, and those that correlate least, and follow both.
# Directions that are chosen for a correlation show it on the rows that chose them, so
# the images are parted at random: one half chooses the directions and fits the linear
# map from the layer at each epoch to them, and on the other half the correlation is
# taken of the direction with what that map foretells. On rows that had no part in
# either, chance gives 0.


# %%
def foretold(layer, h, chosen, held):
    """Correlations (r,) of directions h with a fit of them, on held-out rows."""
    x, y = layer - layer[chosen].mean(0), h - h[chosen].mean(0)
    fit_on = np.linalg.lstsq(x[chosen], y[chosen], rcond=1e-10)[0]
    told, true = x[held] @ fit_on, y[held]
    told, true = (side - side.mean(0) for side in (told, true))
    norm = np.linalg.norm(told, axis=0) * np.linalg.norm(true, axis=0)
    dot = (told * true).sum(0)
    return np.divide(dot, norm, out=0 * norm, where=norm > 0)


# %%
middle = hidden[len(hidden) // 2]
half = min(kept, key=lambda e: abs(e - epochs / 2))


def early_directions(i, chosen):
    """Directions (n, r) of the first kept epoch, the stable ones first."""
    early, mid = (course[i, e][middle] for e in (kept[0], half))
    found = cca(early[chosen], mid[chosen])
    h = (early - early[chosen].mean(0)) @ found.x_directions
    return rng.permutation(h) if control else h


print(f"layer {middle}, half-way at epoch {half}")


# %%
def tracked(i):
    """Stable and unstable directions (2, epochs): correlation with the layer."""
    draw = np.random.default_rng((seed, i))
    chosen, held = np.array_split(
        draw.permutation(len(images.labels)), 2
    )
    h = early_directions(i, chosen)
    q = max(h.shape[1] // 4, 1)
    layers = [course[i, e][middle] for e in times]
    return [
        [foretold(layer, part, chosen, held).mean() for layer in layers]
        for part in (h[:, :q], h[:, -q:])
    ]


# %%
stability = np.array([tracked(i) for i in range(seeds)])
stability.mean(0).round(3)  # rows: stable, unstable

# %% mystnb={"figure": {"name": "fig-11-training", "caption": "A layer in the middle of the networks that generalise, during training. Top: its canonical correlations with its own end, sorted, one line for each epoch. Middle: their mean over all hidden layers, and test accuracy. Bottom: the quarter of the directions of the first kept epoch that correlate most and least with the layer half-way (dotted), followed through training on images that did not choose them. Bands span the networks."}, "image": {"alt": "Three panels below each other. Top, sorted coefficients, one line for each kept epoch. Middle, similarity to the end and test accuracy against epoch. Bottom, correlation of stable and of unstable directions with the layer against epoch, and a dotted line where they were chosen."}} tags=["hide-input"]
axes = figures.new_panels(3, sharey=True, height=2.4)
axes[1].sharex(axes[2])
early = rho[middle][:, :-1]
figures.plot_curves(
    {f"epoch {e}": early[:, j] for j, e in enumerate(kept)},
    np.arange(early.shape[2]) + 1,
    ax=axes[0],
    xlabel=f"coefficient of {middle}, sorted",
    ylabel="correlation",
    legend="above",
)
below = {"xlabel": "epoch", "legend": "above"}
whole = {"similarity to the end": alike, "test accuracy": right}
figures.plot_curves(whole, times, ax=axes[1], ylabel="share", **below)
figures.plot_curves(
    {"stable": stability[:, 0], "unstable": stability[:, 1]},
    times,
    ax=axes[2],
    ylabel="correlation",
    chance=np.zeros(len(times)),
    **below,
)
axes[2].axvline(half, color="0.45", linewidth=0.7, linestyle=":")
figures.count_axis(axes[0])
figures.log_axis(axes[2])
axes[0].set_ylim(-0.15, 1.02)
plt.show()


# %%
def settled(right):
    """Place of the first kept epoch from which accuracy stays near its end."""
    off = np.flatnonzero(abs(right - right[-1]) > 0.02)
    return min(off[-1] + 1 if len(off) else 0, len(kept) - 1)


first = [settled(r) for r in right]
record("11.settled", [times[f] for f in first])
at_first = alike[range(seeds), first]
record("11.settled.similarity", at_first, within=(0, 1))
record("11.still", alike[:, -2] - at_first)

# %% tags=["hide-input"]
lead = stability[:, 0] - stability[:, 1]
record("11.stable.held_out", lead[:, -1])
record("11.stable.half_way", lead[:, times.index(half)])
for j, kind in enumerate(("stable", "unstable")):
    record(f"11.{kind}.end", stability[:, j, -1], within=(-1, 1))

# %% [markdown]
# In the top panel of {numref}`fig-11-training` a line that reaches 1 only on the left is
# of an epoch at which some directions are as in the end and others not. Accuracy has
# settled at epoch {glue:text}`11.settled.mean:.0f`, on average (middle panel). Similarity
# to the end is {glue:text}`11.settled.similarity.mean:.2f` there and rises by
# {glue:text}`11.still` up to the last kept epoch: so far, above 0, a layer goes on to
# move while accuracy stays within two points of its end. A sceptic would say that much
# is already done by then, and that this picture cannot tell learning from the noise of
# single batches.
#
# Now the bottom panel. On images that had no part in the choice, directions that were
# stable up to half-way correlate with the final layer by
# {glue:text}`11.stable.end.mean:.2f` and unstable ones by
# {glue:text}`11.unstable.end.mean:.2f`, a gap of {glue:text}`11.stable.held_out`; at
# half-way, where the choice was made, the gap on such images is
# {glue:text}`11.stable.half_way`. New images take one circle out of the test and leave
# another: the nearer the layer is to its end already when the choice is made (top panel),
# the less the end can do but repeat it. So compare the two gaps: only what is lost from
# the one to the other could have come out otherwise.
#
# ## Are wide networks more alike, and better?
#
# The same network with all channels times a factor. Wider layers have more units, and
# more units find more correlation by chance. So the last hidden layers are compared in
# three ways: all units as they are; the same, calibrated; and, as the paper does, a
# random subset of units of one size, that of the narrowest network.


# %%
def of_width(factor):
    """Networks of this width after training."""
    if factor == 1:
        return networks["generalise"]
    bar = tqdm(range(seeds), desc=f"width {factor:g}", file=sys.stderr)
    return [trained(i, images, factor)[0] for i in bar]


# %%
by_width = {
    factor: {
        "trained": of_width(factor),
        "untrained": [fresh(i, factor).eval() for i in range(seeds)],
    }
    for factor in widths
}

# %%
ends = {
    (factor, when, i): layers_of(net)[last]
    for factor, of in by_width.items()
    for when, nets in of.items()
    for i, net in enumerate(nets)
}
narrow = min(layer.shape[1] for layer in ends.values())
print(narrow, "units in the narrowest")


# %%
def subset(layer, i):
    """As many random units of network i as the narrowest has."""
    draw = np.random.default_rng((seed, i))
    columns = draw.choice(layer.shape[1], narrow, replace=False)
    return layer[:, columns]


def in_three_ways(x, y, i, j):
    """Similarity of all units, calibrated, and of a subset on each side."""
    found, chance = similarity(x, y)
    part, _ = similarity(subset(x, i), subset(y, j))
    return np.array([found, (found - chance) / (1 - chance), part])


# %%
ways = ["all units", "calibrated", "subset"]
kinds = ["trained", "untrained"]
width = xr.DataArray(
    np.full((len(widths), 2, seeds, seeds, 3), np.nan),
    dims=("width", "when", "seed", "other", "way"),
    coords={"width": widths, "when": kinds, "way": ways},
)

# %%
for factor, when in product(widths, kinds):
    for i, j in combinations(range(seeds), 2):
        x, y = (ends[factor, when, m] for m in (i, j))
        found = in_three_ways(x, y, i, j)
        width.loc[factor, when, i, j] = found
        width.loc[factor, when, j, i] = found
width = width.mean("other")
width.sel(when="trained").mean("seed").to_pandas().round(3)

# %%
scores = xr.DataArray(
    [
        [test_accuracy(net) for net in of["trained"]]
        for of in by_width.values()
    ],
    dims=("width", "seed"),
    coords={"width": widths},
)
record("11.width", width.transpose("seed", "width", "when", "way"))
record("11.width.accuracy", scores.transpose("seed", "width"))
scores.mean("seed").to_series().round(3)

# %% mystnb={"figure": {"name": "fig-11-width", "caption": "Last hidden layers of networks of one width, compared with each other. Above: distance against width, in three ways, and of untrained networks; bands span the networks. Below: test accuracy against distance, a mark for each network."}, "image": {"alt": "Two panels. Above, distance against the factor of all channels, lines for all units, calibrated, a subset of units, and a subset in untrained networks. Below, test accuracy against distance of the subset, a mark for each network and one kind of mark for each width."}} tags=["hide-input"]
axes = figures.new_panels(2, height=2.6)
lines = {way: 1 - width.sel(when="trained", way=way).T for way in ways}
lines["subset, untrained"] = (
    1 - width.sel(when="untrained", way="subset").T
)
figures.plot_curves(
    lines,
    widths,
    ax=axes[0],
    xlabel="channels, times",
    ylabel="distance",
    legend="above",
)
axes[0].set(xscale="log", ylim=(0, 1))
axes[0].set_xticks(widths, [f"{w:g}" for w in widths], minor=False)
axes[0].minorticks_off()
for factor, marker in zip(widths, "os^Dv", strict=False):
    x = 1 - width.sel(when="trained", way="subset", width=factor)
    axes[1].plot(
        x, scores.sel(width=factor), marker, label=f"width {factor:g}"
    )
axes[1].set(xlabel="distance, subset", ylabel="test accuracy")
axes[1].legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=3)
plt.show()

# %% tags=["hide-input"]
spread = pseudo_values(width)
grown = spread.sel(width=max(widths)) - spread.sel(width=min(widths))
record("11.wider.untrained", grown.sel(when="untrained", way="subset"))
words = ("all", "calibrated", "subset")
for way, word in zip(ways, words, strict=True):
    record(f"11.wider.{word}", grown.sel(when="trained", way=way))

# %%
of = width.sel(when="trained", way="subset")
together = [
    np.corrcoef(of.sel(seed=i), scores.isel(seed=i))[0, 1]
    for i in range(seeds)
]
record("11.wider.accuracy", together, within=(-1, 1))

# %% [markdown]
# Look in the upper panel of {numref}`fig-11-width` at which widths the distance falls:
# the widest are compared with the narrowest, and one step may make all of the
# difference. From the one to the other the similarity of trained networks changes by
# {glue:text}`11.wider.all` with all units, by {glue:text}`11.wider.calibrated` once chance
# is taken off, and by {glue:text}`11.wider.subset` with a subset of one size; that of
# untrained networks by {glue:text}`11.wider.untrained`. The first of these grows even if
# rows are paired at random (`-p control true`), since chance grows with the number of
# units.
#
# In the lower panel see whether marks of *one* kind lie on a falling line. Over the
# widths, similarity and test accuracy correlate with {glue:text}`11.wider.accuracy` (1
# for points on a rising line; one point for each width). A sceptic would say: both
# follow width, and of networks of one width neither has been shown to tell the other.
#
# ## What noise in the labels costs
#
# The background of this comparison is a finding of {cite:t}`zhang2017`: networks fit
# labels that are noise, only more slowly, and the price is paid on new images. Their
# smallest network, one hidden layer of 512 units, learns the same images here, a share
# of whose labels is drawn anew. A network has converged when its loss falls below 0.05:
# a logistic loss, averaged over images and classes.


# %%
def noisy(share, i):
    """Targets (n, 10) with a share of the labels drawn anew."""
    draw = np.random.default_rng((seed, i))
    others = draw.integers(10, size=len(images.labels))
    chosen = draw.random(len(images.labels)) < (1 if control else share)
    labels = np.where(chosen, others, images.labels)
    return replace(images, labels=labels).targets()


targets = np.stack(
    [noisy(s, i) for s, i in product(shares, range(seeds))]
)
print(targets.shape)

# %%
rows, test_rows = (2 * s.pixels() - 1 for s in (images, tests))
shape = {"width": 512, "depth": 1, "out_features": 10}
on = {"seed": seed, "device": compute.where}
mlps = MLPEnsemble(rows.shape[1], members=len(targets), **shape, **on)

# %%
fitted = fit(
    mlps,
    rows,
    targets,
    loss="logistic",
    step_size=step_size,
    batch_size=50,
    max_epochs=3 * epochs,
    tolerance=0.05,
    seed=seed,
    checkpoints=checkpoints or None,
)

# %%
with torch.no_grad():
    told = mlps(mlps.as_tensor(test_rows)).argmax(2).cpu().numpy()
by_share = (len(shares), seeds)
error = (told != tests.labels).mean(1).reshape(by_share)
needed = fitted.epochs.reshape(by_share)
losses = fitted.losses.T.reshape(*by_share, -1).mean(1)
error.mean(1).round(3)  # for each share

# %% mystnb={"figure": {"name": "fig-11-noise", "caption": "Labels of which a share is noise. Top: training loss, the mean over networks while all of them train. Middle: epochs to convergence, relative to true labels. Bottom: error on test images, whose labels are true. Bands span the networks."}, "image": {"alt": "Three panels below each other. Top, training loss against epoch on logarithmic axes, one line for each share of noise. Middle, relative time of convergence against the share. Bottom, test error against the share, and a thin line for guessing."}} tags=["hide-input"]
axes = figures.new_panels(3)
axes[1].sharex(axes[2])
for share, line in zip(shares, losses, strict=True):
    steps = np.arange(len(line)) + 1
    axes[0].plot(steps, line, label=f"{share:.0%} noise")
axes[0].set(xlabel="epoch", ylabel="training loss")
axes[0].axhline(0.05, color="0.45", linewidth=0.7, label="converged")
figures.log_axis(axes[0], "y")
figures.log_axis(axes[0])
axes[0].legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=3)
lines = {"epochs, relative": needed / needed[0], "test error": error}
for ax, (what, values) in zip(axes[1:], lines.items(), strict=True):
    named = {"xlabel": "share of noise", "ylabel": what}
    one = {what: values.T}
    figures.plot_curves(one, shares, ax=ax, legend=False, **named)
axes[2].axhline(0.9, color="0.45", linewidth=0.7, label="guessing")
axes[2].legend()
plt.show()

# %%
record("11.noise.slower", needed[-1] / needed[0])
record("11.noise.error", error[-1] - error[0])
record("11.noise.converged", fitted.converged.mean(), within=(0, 1))

# %% [markdown]
# The sooner a line of the top panel of {numref}`fig-11-noise` comes down to the thin one,
# the sooner a network has converged. Below, see how much the first quarter of noise
# already costs. With the largest share of noise a network needs
# {glue:text}`11.noise.slower` times as many epochs as with the smallest, and errs on
# {glue:text}`11.noise.error` more of the test images. Of all these networks a share of
# {glue:text}`11.noise.converged.mean:.2f` has converged; any that had not would count
# with the epochs that they were given, which is too little. A sceptic would add that
# time to a loss of 0.05 hangs on the step size too, and that of the labels called noise
# one in ten is the true one by chance.
#
# ## What was found
#
# | Finding | This run |
# |---|---|
# | Toy: PWCCA above mean CCA, mean over $k$ | {glue:text}`11.toy.mean` |
# | Toy: PWCCA above SVCCA, mean over $k$ | {glue:text}`11.toy.svcca` |
# | Generalising networks nearer, later layers | {glue:text}`11.closer.later` |
# | the same, calibrated | {glue:text}`11.closer.calibrated` |
# | Memorising networks nearer to each other than to the rest, last hidden layer (the paper: no nearer) | {glue:text}`11.alone.last` |
# | Similarity to the end still gained after accuracy has settled | {glue:text}`11.still` |
# | Stable directions above unstable ones at the end, held-out images | {glue:text}`11.stable.held_out` |
# | Widest above narrowest network, subset of units | {glue:text}`11.wider.subset` |
# | Similarity and test accuracy, correlation | {glue:text}`11.wider.accuracy` |
# | Convergence with the most noise, times | {glue:text}`11.noise.slower` |
# | Test error with the most noise, added | {glue:text}`11.noise.error` |
#
# The networks here are narrower, fewer layers deep or both, and their images and widths
# fewer than in the paper (13 widths, 100 epochs on all of CIFAR-10); the levels of chance, the
# calibrated values, the jackknife and the comparison with alignment are ours. We
# average both orders of PWCCA, since the paper does not say which layer of a pair gives
# the weights.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-11-1
#
# Which linear maps of $X$, and which of $Y$, leave {eq}`eq-11-pwcca` as it is?
# :::
#
# :::{solution} ex-11-1
# :class: dropdown
#
# All invertible ones of $Y$: they change neither the space of its columns nor the
# $\rho_i$ and $h_i$. Of $X$ only those that keep the sums
# $\sum_j \lvert h_i^\top x_j \rvert$ up to a common factor: scaling all units alike,
# permuting them, changing signs. A rotation of $X$ keeps $\rho_i$ and $h_i$ but not the
# weights, because of the absolute values.
# :::
#
# :::{exercise}
# :label: ex-11-2
#
# What is PWCCA of $X$ with itself? And with $Y$ of more units than rows?
# :::
#
# :::{solution} ex-11-2
# :class: dropdown
#
# One, both times, whatever $X$: in the second case the columns of $Y$ span everything
# that $n$ centred rows can hold, and each $\rho_i$ is 1. That is why layers are
# compared on many more rows than units, and why the level of chance belongs beside the
# value.
# :::
#
# :::{exercise}
# :label: ex-11-3
#
# In the toy, replace the variance 0.1 by a standard deviation of 0.1. Which of the
# three lines gains most where nearly all directions are signal, and why?
# :::
#
# :::{solution} ex-11-3
# :class: dropdown
#
# SVCCA: with $k = 180$ the noise now holds about 1 % of the sum of singular values and
# is dropped. PWCCA gains everywhere, since each noise direction weighs less by about
# $\sqrt{10}$; mean CCA, invariant to the scale of units, stays.
# :::
#
# :::{exercise}
# :label: ex-11-4
#
# Give each memorising network a permutation of its own
# (`trained(i, replace(images, labels=...))`). What becomes of the distance within that
# group in the last hidden layer, and of its alignment?
# :::
#
# :::{solution} ex-11-4
# :class: dropdown
#
# At the end of the notebook:
#
# ```python
# def own_task(i):
#     draw = np.random.default_rng((seed, i, 4))
#     return replace(images, labels=draw.permutation(images.labels))
#
#
# own = [layers_of(trained(i, own_task(i))[0])[last] for i in range(seeds)]
# pairs = combinations(own, 2)
# print(1 - np.mean([both_orders(x, y) for x, y in pairs]))
# print(np.mean([area(own[i], own_task(i).labels) for i in range(seeds)], 0))
# print(np.mean([area(own[i], own_task(i - 1).labels) for i in range(1, seeds)], 0))
# ```
#
# Compare the first number with the line *between* of {numref}`fig-11-groups`: with no
# label in common, networks should be about as far apart as the two groups are, near
# chance, and when we tried it they were. The second line is area and chance with a
# network's own labels: about that of the memorising networks with theirs, since it
# concerns one network and one set of labels. The third, with the labels of another
# network, is near chance. So what brings the memorising networks together on this page
# is the permutation that they share.
# :::
#
# ## Provenance

# %% tags=["provenance", "hide-input"]
provenance(
    datasets=[images.about, tests.about],
    device=compute.where,
    precision="float32",
    seeds=seeds,
)
