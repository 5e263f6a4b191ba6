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
# (sec-09)=
# # Do different networks learn the same units?
#
# Networks that differ in their seed alone learn the same task on the same images. Is a
# unit of one also in the other? In this run the best partner of a unit correlates with it
# by {glue:text}`09.greedy.first.mean:.2f` in the first convolution and by
# {glue:text}`09.greedy.last.mean:.2f` in the last; between networks that were never
# trained it is {glue:text}`09.greedy.start.first.mean:.2f` and
# {glue:text}`09.greedy.start.last.mean:.2f`, and for rows paired at random
# {glue:text}`09.chance.first.mean:.2f` and {glue:text}`09.chance.last.mean:.2f`. *All*
# units of the other network explain {glue:text}`09.several.first.mean:.2f` and
# {glue:text}`09.several.last.mean:.2f` more of a unit's variance than its best partner
# does. The paper {cite:p}`li2016` finds that some units converge and others do not, and
# that subspaces are shared where their bases are not.

# %% tags=["parameters"]
# fmt: off
dataset: str = "digits"  # {digits, cifar10}: images with classes
layers: str = "c24 c24 c24 c24 f48"  # words of convnet: the layers of every network
pairs: int = 5  # {2..}: pairs of networks, each with a third of its own; none is in two
epochs: int = 12  # {1..}: of training
control: bool = False  # negative control: permute the rows of the second network; the claims must then fail
n_per_class: int = 120  # {20..}: images of each class to train on
n_held: int = 50  # {10..}: images of each class held out, for all statistics
rows: int = 4000  # {200..}: rows (images and positions) drawn per layer
penalties: list = [0.0, 0.001, 0.01, 0.03, 0.1, 0.3]  # of the L1 norm, between standardised units
clusters: int = 8  # {2..}: of the units of two networks together
seed: int = 0  # {0..999999999}: the first seed
device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps
data_dir: str = ""  # existing path: folder with real data (empty: REPALIGN_DATA)
checkpoints: str = ""  # path: folder that keeps long trainings, so that they can go on (empty: none)
# {dataset != "digits" or n_per_class + n_held <= 174}: the rarest digit has 174 images
# {len(penalties) >= 2 and min(penalties) >= 0}: the table compares penalties
# fmt: on

# %% tags=["remove-input"]
from repalign_utils import check_parameters

check_parameters(globals())

# %% tags=["hide-input"]
import sys
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from scipy.optimize import linear_sum_assignment
from scipy.stats import spearmanr
from tqdm import tqdm

# %% tags=["hide-input"]
from repalign_utils import (
    Compute,
    NetworkInputs,
    accuracy,
    alignment,
    convnet,
    data,
    figures,
    interval,
    one_vs_rest,
    provenance,
    recipe,
    record,
    record_features,
    record_layers,
    table,
    train,
)

# %% tags=["hide-input"]
from repalign_utils.similarity import (
    cca,
    cluster_units,
    match_units,
    sparse_prediction,
)

figures.use_style()
where = Compute(device, "float32")
names = [  # before any training, if a word of layers is none
    name
    for name, _ in convnet(layers, 10).named_children()
    if name.startswith(("c", "fc"))
]

# %% mystnb={"figure": {"name": "fig-09-sketch", "caption": "Three ways to find a unit again (a sketch): its best partner, which several units may share; a partner of its own; or a few units of the other network that predict it together."}, "image": {"alt": "Three sketches of two columns of four dots joined by lines: two dots share a partner; every dot has its own; one dot is joined to three."}} tags=["hide-input"]
lines = {
    "semi-matching": [(0, 1), (1, 1), (2, 0), (3, 3)],
    "one-to-one": [(0, 2), (1, 1), (2, 0), (3, 3)],
    "sparse prediction": [(1, 0), (1, 2), (1, 3)],
}
axes = figures.new_panels(columns=3, height=1.7)
for ax, (title, joined) in zip(axes, lines.items(), strict=True):
    for i, j in joined:
        ax.plot([0, 1], [-i, -j], "-", color="0.5", zorder=1)
    for x in (0, 1):
        ax.scatter([x] * 4, -np.arange(4), s=80, zorder=2)
    ax.set_title(title)
    ax.set_axis_off()
plt.show()

# %% [markdown]
# The left column of dots is one network, the right the other ({numref}`fig-09-sketch`).
# On the left two lines may meet at a dot; in the middle no two do; on the right several
# dots are needed for one.
#
# ## Networks from different seeds
#
# All networks see the same images, in another order and from other weights. All
# statistics are taken on held-out images.

# %% tags=["hide-input"]
if dataset == "cifar10":
    options = {"data_dir": data_dir, "seed": seed}
    images = data.cifar10(n_per_class=n_per_class, **options)
    held = data.cifar10("test", n_per_class=n_held, **options)
else:
    whole = data.digit_images(
        range(10), n_per_class=n_per_class + n_held, seed=seed
    )
    own = whole.labels[:, None] == np.arange(10)
    place = own.cumsum(0)[own]  # 1 for the first image of a class
    images = whole.take(np.flatnonzero(place <= n_per_class))
    held = whole.take(np.flatnonzero(place > n_per_class))

# %%
pictures = NetworkInputs(held)[:]
print(len(images.labels), len(held.labels), tuple(pictures.shape[1:]))

# %% [markdown]
# These are the images to train on, those held out, and the shape of one. A network has
# the convolutions and the fully connected layer that `layers` names, and a readout of ten
# classes.


# %%
def new_network(i):
    """Network of seed i with fresh weights."""
    _, channels, size, _ = images.images.shape
    shape = {"size": size, "channels": channels}
    network = convnet(layers, 10, seed=seed + i, **shape)
    return network.to(where.where)


# %% [markdown]
# Networks 0 and 1 are a pair, 2 and 3 the next, and so on; after the pairs each has a
# third network, which is in no pair.

# %%
networks = []
for i in tqdm(range(3 * pairs), file=sys.stderr):
    network = new_network(i)
    how = recipe("small", network, augment="none", epochs=epochs)
    options = {"compute": where, "seed": seed + i}
    train(network, images, how, checkpoints=checkpoints, **options)
    networks.append(network)

# %%
scores = [accuracy(net, pictures, held.labels) for net in networks]
record("09.accuracy", scores, within=(0, 1))

# %% [markdown]
# Have they learnt the task? Held-out accuracy is {glue:text}`09.accuracy` over networks.
#
# ## The correlation of two units
#
# A unit of a convolution is a channel, and each image at each position is a row. With
# $X_i$ and $Y_j$ the activations of unit $i$ of one network and $j$ of the other,
#
# $$
# c_{ij} = \frac{\mathbb{E}[(X_i - \mu_i)(Y_j - \nu_j)]}{\sigma_i \tau_j} ,
# $$ (eq-09-correlation)
#
# with means $\mu_i$, $\nu_j$ and standard deviations $\sigma_i$, $\tau_j$ over all rows.
# The sign counts: a unit and its negative do not match. The rows of a layer are drawn
# once, the same for all networks.


# %%
def rows_of(h):
    """Layer (images, units, ...) as rows, one per image and position."""
    return h.movedim(1, -1).flatten(0, -2).double().cpu().numpy()


draw = np.random.default_rng(seed)
drawn = {
    name: draw.permutation(len(rows_of(h)))[:rows]
    for name, h in record_layers(networks[0], pictures, names).items()
}
{name: len(chosen) for name, chosen in drawn.items()}


# %% [markdown]
# A unit that is constant on these rows, such as a dead ReLU, has no correlation and is
# left out. So is one that is active in less than one row of a hundred, since a handful
# of rows would decide all its numbers: it is set to 0.


# %%
def units_of(network):
    """Activations (rows, units) of each layer at the drawn rows."""
    found = {}
    for name, h in record_layers(network, pictures, names).items():
        h = rows_of(h)[drawn[name]]
        found[name] = h * ((h != 0).mean(0) >= 0.01)
    return found


# %%
trained = [units_of(network) for network in networks]
fresh = [units_of(new_network(i)) for i in range(3 * pairs)]
{name: h.shape for name, h in trained[0].items()}


# %%
def both(units, i, name):
    """Layer of the two networks of pair i; the control unlinks them."""
    X, Y = units[2 * i][name], units[2 * i + 1][name]
    if control:
        Y = np.random.default_rng(seed + i).permutation(Y)
    return X, Y


# %% [markdown]
# All correlations of {eq}`eq-09-correlation` are one matrix product, here of the first
# convolution of the first pair:

# %%
convolutions = [name for name in names if name.startswith("c")]
ends = {"first": convolutions[0], "last": convolutions[-1]}


def standardised(h):
    """Units that vary, with mean 0 and variance 1."""
    h = h[:, h.std(0) > 0]
    return (h - h.mean(0)) / h.std(0)


X, Y = both(trained, 0, ends["first"])
C = standardised(X).T @ standardised(Y) / len(X)
C.shape

# %% [markdown]
# In plain NumPy and SciPy the two matchings are a line each:

# %%
best = C.max(1)  # semi-matching
i, j = linear_sum_assignment(C, maximize=True)  # one-to-one
print(best.mean().round(3), C[i, j].mean().round(3))

# %%
semi, own = (match_units(X, Y, one_to_one=b) for b in (False, True))
print(semi.mean() - best.mean(), own.mean() - C[i, j].mean())

# %% [markdown]
# The package's matchings differ from these by rounding. The numbering of a network's
# units is arbitrary, so nothing is on the diagonal between two networks until they are
# matched. The order follows the matching: unit $i$, then the unit whose number its
# partner has, until the cycle closes.

# %% mystnb={"figure": {"name": "fig-09-matrices", "caption": "Correlations of the units of the first convolution: within each of two networks, between them as they are numbered, and between them with one-to-one partners on the diagonal. Rows and columns without colour are units that are constant."}, "image": {"alt": "Four square matrices of correlations with one colour scale. Those within a network have a diagonal of ones, but for constant units; that between networks as numbered has none, and the matched one shows how far a diagonal comes back."}} tags=["hide-input"]
order, partners = own.order()
within_x, within_y = (
    match_units(h, h, one_to_one=False).scores for h in (X, Y)
)
shown = {
    "within the first": within_x,
    "within the second": within_y,
    "between, as numbered": own.scores,
    "between, matched": own.scores[np.ix_(order, partners)],
}
axes = figures.new_panels(2, columns=2)
for ax, (title, matrix) in zip(axes.flat, shown.items(), strict=True):
    image = ax.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
    ax.set_title(title)
    ax.grid(visible=False)
    ax.set(xticks=[], yticks=[])
plt.colorbar(image, ax=axes, label="correlation")
plt.show()

# %% [markdown]
# Look first at the last panel of {numref}`fig-09-matrices`: the redder its diagonal, the
# more units were found again. Over all pairs the mean of that diagonal is
# {glue:text}`09.own.first.mean:.2f`. Then look beside it: rows that are strong there too
# are units that share their partner with another, or are spread over several. The upper
# panels show that this may lie in one network alone: units of one layer correlate with
# each other as well. A sceptic may say that a matching puts
# large values on the diagonal whatever it is given; with unrelated rows even the best
# partners have a mean of {glue:text}`09.chance.first.mean:.2f`.

# %% [markdown]
# ## Which units are found again?
#
# For each pair of networks and each layer: the correlation with the best partner
# (semi-matching), with a partner of one's own, and what unrelated rows would give, with
# the rows of the second network permuted once. The same is done for the networks before
# training.


# %%
def matched(X, Y, i):
    """Both matchings of one layer, and what chance gives."""
    unlinked = np.random.default_rng([seed, i]).permutation(Y)
    return {
        "greedy": match_units(X, Y, one_to_one=False),
        "one-to-one": match_units(X, Y),
        "chance": match_units(X, unlinked, one_to_one=False),
        "chance, one-to-one": match_units(X, unlinked),
    }


# %%
def all_matched(units):
    """Matchings of every pair and layer."""
    return {
        (i, name): matched(*both(units, i, name), i)
        for i in range(pairs)
        for name in names
    }


matches, untrained = all_matched(trained), all_matched(fresh)
{kind: round(m.mean(), 3) for kind, m in matches[0, names[0]].items()}

# %% [markdown]
# These are the means over the units of one layer of one pair. Now of all:


# %%
def by_layer(number):
    """Number of each pair and layer, as a labelled array."""
    found = [[number(i, n) for n in names] for i in range(pairs)]
    coords = {"pair": range(pairs), "layer": names}
    return xr.DataArray(found, dims=("pair", "layer"), coords=coords)


def mean_of(found, kind):
    """Mean correlation over units, of each pair and layer."""
    return by_layer(lambda i, n: found[i, n][kind].mean())


# %%
mean = {kind: mean_of(matches, kind) for kind in matches[0, names[0]]}
mean["before training"] = mean_of(untrained, "one-to-one")
mean["greedy"].mean("pair").to_series().round(3)


# %% tags=["hide-input"]
def record_ends(name, values, **options):
    """Record a number of the first and the last convolution."""
    for end, layer in ends.items():
        found = values.sel(layer=layer).values
        record(f"09.{name}.{end}", found, **options)


record_ends("greedy", mean["greedy"], within=(-1, 1))
record_ends("own", mean["one-to-one"], within=(-1, 1))
record_ends("chance", mean["chance"], within=(-1, 1))
start = mean_of(untrained, "greedy")
record_ends("greedy.start", start, within=(-1, 1))

# %% mystnb={"figure": {"name": "fig-09-sorted", "caption": "Correlation of each unit with its best partner, sorted (semi-matching), and with a partner of its own (one-to-one) in the same order; first (above) and last convolution of the first pair; a unit without a dot found all partners taken. The thin line is the best correlation with unrelated rows, sorted."}, "image": {"alt": "Two panels, first convolution above and last below. Correlation against rank of the unit: a falling line for the best partner, dots for the one-to-one partner on or below it, and a thin line near zero for chance."}} tags=["hide-input", "lead-figure"]
axes = figures.new_panels(2, sharex=True, sharey=True)
for ax, name in zip(axes, ends.values(), strict=True):
    found = matches[0, name]
    greedy, chance = (found[k].score for k in ("greedy", "chance"))
    rank, place = np.argsort(-greedy), np.arange(len(greedy)) + 1
    own_score = found["one-to-one"].score[rank]
    ax.plot(place, greedy[rank], label="best partner")
    ax.plot(place, own_score, "o", label="own partner")
    by_chance = np.sort(chance)[::-1]
    ax.plot(place, by_chance, "-", color="0.45", lw=0.7, label="chance")
    ax.set(ylabel=f"correlation in {name}", ylim=(-0.3, 1.02))
axes[1].set(xlabel="unit, sorted")
axes[0].legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=3)
figures.count_axis(axes[1])
plt.show()

# %% [markdown]
# Look first at how far the line of {numref}`fig-09-sorted` lies above the thin one: so
# far a unit is found again. A dot on the line is a unit that has its best partner to
# itself; a dot below it lost that partner to another unit. Then follow the line from
# left to right. How far does it fall, and is that noise of this pair, or are there
# units that *every* network finds? If so, a unit that has a good partner in a second
# network has one in a third as well.
#
# Two numbers for each pair. The *spread*: best eighth less worst eighth of units, beyond
# that of unrelated rows.


# %%
def spread(found):
    """Best eighth less worst eighth of the units that vary."""
    score = np.sort(found.score[found.partner >= 0])
    few = max(len(score) // 8, 1)
    return score[-few:].mean() - score[:few].mean()


def beyond_chance(found, i, name):
    """Spread of the best correlations less that of unrelated rows."""
    one = found[i, name]
    return spread(one["greedy"]) - spread(one["chance"])


# %% [markdown]
# And the *rank correlation* over units of their best correlation in the second and in a
# third network. The third belongs to this pair alone, so no two pairs share a network,
# and given the images their values are independent.


# %%
def found_by_a_third(units, found, i, name):
    """Rank correlation of best correlations in two other networks."""
    X, _ = both(units, i, name)
    third = units[2 * pairs + i][name]
    if control:
        third = np.random.default_rng([seed, i, 3]).permutation(third)
    other = match_units(X, third, one_to_one=False).score
    here = found[i, name]["greedy"].score
    return spearmanr(here, other, nan_policy="omit").statistic


# %%
kinds = {"": (trained, matches), ".start": (fresh, untrained)}
again = {}
for word, (units, found) in kinds.items():
    excess = by_layer(partial(beyond_chance, found))
    record_ends(f"spread{word}", excess)
    again[word] = by_layer(partial(found_by_a_third, units, found))
    record_ends(f"third{word}", again[word], within=(-1, 1))
again[""].mean("pair").to_series().round(3)

# %% [markdown]
# Beyond chance, the best eighth correlates by {glue:text}`09.spread.first` (first) and
# {glue:text}`09.spread.last` (last convolution) more than the worst; the ranks of units
# in two other networks correlate by {glue:text}`09.third.first` and
# {glue:text}`09.third.last`. Networks that were never trained have a spread of
# {glue:text}`09.spread.start.first` and {glue:text}`09.spread.start.last`, and ranks that
# correlate by {glue:text}`09.third.start.first` and {glue:text}`09.third.start.last`:
# where these are as large, the numbers speak of images and architecture and not of what
# was learnt. A sceptic would add that a unit may be hard to find because it is rarely
# active, which has not been separated here.
#
# What do these units see? Below are the images, cut to about the receptive field, that
# excite a unit and its partner most.


# %% tags=["hide-input"]
def field(layer):
    """Side of the receptive field, and pixels from one place to the next."""
    size = step = 1
    for name, module in networks[0].named_children():
        if name.startswith("c"):
            size += 2 * step
            step *= module[0].stride[0]
        elif name.startswith("p"):
            size, step = size + step, 2 * step
        if name == layer:
            return min(size, held.images.shape[-1]), step


def patches(layer, activations, count=6):
    """Patches (count, c, s, s) that excite a unit most, one an image."""
    size, step = field(layer)
    side = -(-held.images.shape[-1] // step)
    top = drawn[layer][np.argsort(-activations)]
    image, position = np.divmod(top, side**2)
    first = np.sort(np.unique(image, return_index=True)[1])[:count]
    pad = [(0, 0), (size // 2, size), (size // 2, size)]
    cut = []
    for k, p in zip(image[first], position[first], strict=True):
        y, x = (step * q + (step - 1) // 2 for q in divmod(p, side))
        padded = np.pad(held.images[k], pad)
        cut.append(padded[:, y : y + size, x : x + size])
    return np.stack(cut)


# %% mystnb={"figure": {"name": "fig-09-patches", "caption": "Patches of held-out images that excite a unit of the second convolution most (upper row of each two) and its best partner in the other network (lower row): the three best matches of the first pair on the left, the three worst on the right."}, "image": {"alt": "Two panels of image patches, best matches and worst matches, in pairs of rows: six patches for a unit of one network and below them six for its partner in the other.", "classes": "dark-light"}} tags=["hide-input"]
layer = convolutions[min(1, len(convolutions) - 1)]
X, Y = both(trained, 0, layer)
found = matches[0, layer]["greedy"]
rank = [i for i in np.argsort(-found.score) if found.partner[i] >= 0]
axes = figures.new_axes(2)
shown = {"best": rank[:3], "worst": rank[-3:]}
for ax, some in zip(axes, shown.values(), strict=True):
    sheet = []
    for unit in some:
        sheet.append(patches(layer, X[:, unit]))
        sheet.append(patches(layer, Y[:, found.partner[unit]]))
    figures.plot_images(sheet, ax=ax)
plt.show()

# %%
{kind: found.score[some].round(2) for kind, some in shown.items()}

# %% [markdown]
# These are the correlations of the three matches of each kind, from top to bottom. In
# {numref}`fig-09-patches` compare the two rows of a match: where they show the same kind
# of stroke in the same place, the two units look for the same. A patch that recurs says
# that few images excite the unit. A sceptic would add that the six strongest patches
# say little of the thousands on which the correlation rests: two rows may look alike and
# correlate weakly, and the other way round.
#
# ## Is the subspace shared, and its basis?
#
# Correlation of single units asks whether two networks share their *axes*. The mean
# canonical correlation ({ref}`sec-10`) asks whether they span the same subspace, in
# whatever basis.


# %%
def canonical(units, i, name):
    """Mean canonical correlation of a pair of layers."""
    return cca(*both(units, i, name)).mean()


def unlinked_canonical(units, i, name):
    """Mean canonical correlation with the rows of one side permuted."""
    X, Y = both(units, i, name)
    unlinked = np.random.default_rng([seed, i]).permutation(Y)
    return cca(X, unlinked).mean()


# %%
before = {
    kind: mean_of(untrained, kind)
    for kind in ("one-to-one", "chance, one-to-one")
}
for of, units in ((mean, trained), (before, fresh)):
    of["canonical"] = by_layer(partial(canonical, units))
    chance = by_layer(partial(unlinked_canonical, units))
    of["chance, canonical"] = chance
mean["canonical"].mean("pair").to_series().round(3)

# %% [markdown]
# Both, the one-to-one and the canonical correlation, grow by chance with the number of
# units. So each is also shown calibrated, 0 where rows are unrelated and 1 where networks
# are equal:


# %%
def calibrated(kind, mean):
    """Mean above chance, 1 where networks are equal."""
    chance = mean[f"chance, {kind}"]
    return (mean[kind] - chance) / (1 - chance)


def subspace(mean):
    """Calibrated canonical less calibrated one-to-one correlation."""
    return calibrated("canonical", mean) - calibrated(
        "one-to-one", mean
    )


# %%
record_ends("subspace", subspace(mean))
record_ends("subspace.start", subspace(before))
record_ends("learned", mean["one-to-one"] - mean["before training"])
subspace(mean).mean("pair").to_series().round(3)

# %% tags=["hide-input"]
table(
    ["Layer", "One-to-one", "Calibrated", "Canonical", "Calibrated"],
    [
        [
            name,
            *[
                interval(v.sel(layer=name).values, within=(-1, 1))
                for kind in ("one-to-one", "canonical")
                for v in (mean[kind], calibrated(kind, mean))
            ],
        ]
        for name in names
    ],
)

# %% mystnb={"figure": {"name": "fig-09-layers", "caption": "Similarity of two networks by layer: mean correlation of best partners and of one-to-one partners, the latter before training too, and mean canonical correlation; bands span the pairs. Thin lines are chance, dotted for one-to-one partners."}, "image": {"alt": "Four lines over the layers from the first convolution to the fully connected layer: best partner, one-to-one partner, one-to-one before training and canonical correlation, and two thin lines for chance."}} tags=["hide-input"]
drawn_lines = {
    "canonical": "canonical",
    "greedy": "best partner",
    "one-to-one": "one-to-one",
    "before training": "one-to-one, untrained",
}
ax = figures.plot_curves(
    {label: mean[kind].values for kind, label in drawn_lines.items()},
    range(len(names)),
    ax=figures.new_panels(height=3.4),
    xlabel="",
    ylabel="mean correlation",
    legend=False,
)
for kind, style in (("canonical", "-"), ("one-to-one", ":")):
    level = mean[f"chance, {kind}"].values.mean(0)
    thin = {"color": "0.45", "lw": 0.9, "ls": style, "zorder": 1}
    ax.plot(range(len(names)), level, label=f"chance, {kind}", **thin)
ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=2)
ax.set_xticks(range(len(names)), names)
ax.set_ylim(-0.05, 1.05)
plt.show()

# %% [markdown]
# Look first at how far each line of {numref}`fig-09-layers` is above its level of
# chance, which is higher for the canonical correlation; raw heights do not compare.
# Calibrated, canonical less one-to-one correlation is {glue:text}`09.subspace.first` in
# the first and {glue:text}`09.subspace.last` in the last convolution (before training
# {glue:text}`09.subspace.start.first` and {glue:text}`09.subspace.start.last`). It may
# surprise that this can be below 0, single units matching better than subspaces. The
# canonical correlation weighs all directions of the subspace alike, those of little
# variance too, in which networks may differ.
#
# A sceptic looks at the line before training: filters that no image has touched can
# match too, since any two filters see the same edges of the same image. Training adds
# {glue:text}`09.learned.first` (first) and {glue:text}`09.learned.last` (last
# convolution) to the one-to-one correlation.
#
# ## How many units does a unit need?
#
# The code of a network could be *local*, one unit for one feature, found again whole; or
# *distributed*, any basis of the subspace as good as any other. Each unit of the second
# network is predicted from those of the first under an L1 penalty,
#
# $$
# \min_w \tfrac12 \, \mathbb{E}\bigl[(y - w^\top x)^2\bigr] + \lambda \lVert w \rVert_1 ,
# $$ (eq-09-sparse)
#
# all standardised; the loss is measured on a quarter of the rows, held out, and is 0.5
# for predicting the mean.


# %%
def predicted(units, i, name):
    """Prediction of the second network of pair i from the first."""
    X, Y = both(units, i, name)
    rng = np.random.default_rng([seed, i, 1])
    return sparse_prediction(X, Y, penalties, generator=rng)


# %%
every = [(i, name) for i in range(pairs) for name in names]
two = [(i, name) for i, name in every if name in ends.values()]
paths = {key: predicted(trained, *key) for key in every}
paths_before = {key: predicted(fresh, *key) for key in two}
paths[0, names[0]].loss.shape  # (penalties, units)


# %%
def over_pairs(name, field):
    """Mean over units and pairs, at each penalty."""
    found = [getattr(paths[i, name], field) for i in range(pairs)]
    return np.mean([np.nanmean(f, axis=1) for f in found], axis=0)


over_pairs(names[0], "loss").round(3)

# %% tags=["hide-input"]
rows_shown = []
for name in names:
    loss, used = (over_pairs(name, what) for what in ("loss", "used"))
    cells = [
        f"{a:.3f} ({b:.1f})" for a, b in zip(loss, used, strict=True)
    ]
    rows_shown.append([name, *cells])
table(["Layer", *[f"{p:g}" for p in penalties]], rows_shown)

# %% [markdown]
# A row is a layer, a column a penalty; in brackets the mean number of units used. Read a
# row from the left: how few units are left before the loss rises? This is the table of
# the paper in shape. Its own losses follow, of AlexNets on ImageNet with 96 to 384 units
# a layer and millions of rows: they are not comparable in size, and its decay is a step
# of stochastic gradient descent, not our $\lambda$. Its two largest decays come down to
# predicting the mean.
#
# | Paper, decay | 0 | 1e-5 | 1e-4 | 1e-3 | 1e-2 | 1e-1 | greedy / one-to-one |
# |---|---|---|---|---|---|---|---|
# | conv1 | .170 | .169 | .162 | .172 | .484 | .517 | .703 / .663 |
# | conv2 | .372 | .368 | .337 | .392 | .518 | .514 | .556 / .507 |
# | conv3 | .434 | .427 | .383 | .462 | .497 | .496 | .478 / .446 |
# | conv4 | .478 | .470 | .423 | .477 | .489 | .488 | .369 / .342 |
# | conv5 | .484 | .478 | .439 | .436 | .478 | .477 | .416 / .385 |
#
# Three numbers follow from the path. *Several*: the share of variance that the other
# network explains with all units it wants, less that of the best single unit; it is 0
# for a local code.


# %%
def several(i, name):
    """Variance explained by all units, less that by the best."""
    explained = 1 - 2 * np.nanmean(paths[i, name].loss, axis=1)
    X, Y = both(trained, i, name)
    single = match_units(Y, X, one_to_one=False).scores
    alive = np.isfinite(paths[i, name].loss[0])
    return explained.max() - np.square(single).max(1)[alive].mean()


# %% [markdown]
# *Local*: the correlation of the best single unit, less the same after the other network
# has been turned by a random rotation of its standardised units, which keeps its
# subspace; it is 0 where no basis is special.


# %%
def best_single(X, Z):
    """Mean over units of X of the best absolute correlation."""
    return np.abs(match_units(X, Z).scores).max(1).mean()


def local(i, name):
    """Best absolute correlation, less that after a rotation."""
    X, Y = both(trained, i, name)
    X, Z = X[:, X.std(0) > 0], standardised(Y)
    normal = np.random.default_rng([seed, i, 2]).normal
    Q, _ = np.linalg.qr(normal(size=(Z.shape[1],) * 2))
    return best_single(X, Z) - best_single(X, Z @ Q)


# %% [markdown]
# *Needed*: the fewest units on the path that explain nine tenths of what all explain.


# %%
def needed(i, name):
    """Fewest units for nine tenths of what all explain."""
    explained = 1 - 2 * paths[i, name].loss  # (penalties, units)
    used = paths[i, name].used.astype(float)
    used[~(explained >= 0.9 * explained.max(0))] = np.inf
    fewest = used.min(0)
    return fewest[np.isfinite(fewest)].mean()


# %%
numbers = {f.__name__: by_layer(f) for f in (several, local, needed)}
for name, values in numbers.items():
    record_ends(name, values)
numbers["local"].mean("pair").to_series().round(3)

# %% tags=["hide-input"]
rows_shown = [
    [n, *[interval(v.sel(layer=n).values) for v in numbers.values()]]
    for n in names
]
table(["Layer", "Several", "Local", "Units needed"], rows_shown)

# %% [markdown]
# A code strictly between local and distributed has *several* and *local* above 0. For the
# paper's last claim, that early layers are predicted sparsely and later ones not, take
# the variance explained at the second largest penalty in the first convolution less that
# in the last.


# %%
def sparse(found, i, name):
    """Variance explained at the second largest penalty."""
    return 1 - 2 * np.nanmean(found[i, name].loss, axis=1)[-2]


def fall(found, i):
    """First less last convolution of pair i."""
    return sparse(found, i, ends["first"]) - sparse(
        found, i, ends["last"]
    )


# %%
record(
    "09.sparse_fall.start",
    [fall(paths_before, i) for i in range(pairs)],
)
record("09.sparse_fall", [fall(paths, i) for i in range(pairs)])

# %% [markdown]
# The first convolution has {glue:text}`09.sparse_fall` more; above 0 it is predicted better
# under a penalty. Before training it is {glue:text}`09.sparse_fall.start`: where that is
# as large, no learning is needed. Nor is better sparser: for nine tenths of what all explain
# the first convolution takes {glue:text}`09.needed.first` units and the last
# {glue:text}`09.needed.last`. Our layers have one width; in the paper widths differ.
#
# ## Groups of units, many to many
#
# If neither one nor a few partners do, perhaps groups correspond. The units of both
# networks are clustered together, by their absolute correlations, with normalised
# spectral clustering. The paper's clusters are hierarchical and its details were not at
# hand: affinity and a single level are our choice.


# %%
def clustered(i, name):
    """Clusters of the units of pair i."""
    X, Y = both(trained, i, name)
    return cluster_units(X, Y, clusters=clusters, seed=seed + i)


# %%
def mixed(i, name):
    """Share of units in a cluster that both networks share."""
    found = clustered(i, name)
    shared = np.intersect1d(found.of_x, found.of_y)
    units = np.r_[found.of_x, found.of_y]
    units = units[units >= 0]
    return np.isin(units, shared).mean()


record_ends("mixed", by_layer(mixed), within=(0, 1))

# %% mystnb={"figure": {"name": "fig-09-clusters", "caption": "Absolute correlations of the units of both networks together, first and last convolution of the first pair, sorted by cluster, constant units first; lines part the clusters. The strip on the left is blue for units of the first network, red for the second."}, "image": {"alt": "Two square matrices of absolute correlations with blocks of high correlation on the diagonal between lines that part clusters, and a strip at the left that tells which network each unit is from."}} tags=["hide-input"]
axes = figures.new_panels(columns=2, height=2.6)
for ax, name in zip(axes, ends.values(), strict=True):
    found = clustered(0, name)
    order = found.order()
    of = np.r_[found.of_x, found.of_y][order]
    m = len(of)
    image = ax.imshow(
        found.affinity[np.ix_(order, order)],
        cmap="viridis", vmin=0, vmax=1, extent=(0, m, m, 0),
    )  # fmt: skip
    first = (order < len(found.of_x))[:, None]
    ax.imshow(
        first, cmap="coolwarm_r", vmin=0, vmax=1, extent=(-4, -1, m, 0)
    )
    for edge in np.flatnonzero(np.diff(of)) + 1:
        ax.axhline(edge, color="white", linewidth=0.7)
        ax.axvline(edge, color="white", linewidth=0.7)
    ax.set(title=name, xlim=(-4, m), xticks=[], yticks=[])
    ax.grid(visible=False)
where_to = {"location": "bottom", "shrink": 0.6, "aspect": 30}
plt.colorbar(image, ax=axes, label="absolute correlation", **where_to)
plt.show()

# %% [markdown]
# Look at the strip beside a block of {numref}`fig-09-clusters`: where it is both blue and
# red, the block holds units of both networks. {glue:text}`09.mixed.first.mean:.0%` (first
# convolution) and {glue:text}`09.mixed.last.mean:.0%` (last) of the units lie in such
# clusters. Then look beside the diagonal: a bright patch between two blocks says that
# the line between them could have been drawn elsewhere. A sceptic would say that a
# cluster of many units holds both networks by chance already: of six units drawn blindly
# all are of one network in about one case of 32.
#
# ## Mutual information against correlation
#
# Correlation sees linear relations alone. Does mutual information, of a histogram with
# ten bins a side, choose other partners?


# %%
def same_partner(i, name):
    """Share of units whose best partner is the same by both scores."""
    how = {"one_to_one": False, "score": "mutual_information"}
    other = match_units(*both(trained, i, name), **how)
    linear = matches[i, name]["greedy"].partner
    return (other.partner == linear)[linear >= 0].mean()


same = by_layer(same_partner)
record_ends("same_partner", same, within=(0, 1))

# %% tags=["hide-input"]
rows_shown = [
    [n, interval(same.sel(layer=n).values, within=(0, 1))]
    for n in names
]
table(["Layer", "Same partner by both scores"], rows_shown)

# %% [markdown]
# In the first convolution {glue:text}`09.same_partner.first.mean:.0%` of the units keep
# their partner, in the last {glue:text}`09.same_partner.last.mean:.0%`; by chance it would
# be one unit in as many as a layer has. In the paper's notebook seven of the eight best
# matches of its conv1 by mutual information are also chosen by correlation; here all
# units count, not the best alone.
#
# ## What alignment sees, and what matching sees
#
# Do the units that networks share carry the labels? Maps are averaged over positions,
# so that a row is an image:


# %%
def images_of(network):
    """Mean over positions (images, units) of each layer."""
    found = record_layers(network, pictures, names)
    return {
        n: (h.flatten(2).mean(2) if h.ndim > 2 else h)
        .double()
        .cpu()
        .numpy()
        for n, h in found.items()
    }


means = [images_of(network) for network in networks[: 2 * pairs]]
{name: h.shape for name, h in means[0].items()}

# %% [markdown]
# A unit's share of the labels is the variance of the one-vs-rest targets $T$ that the
# unit alone explains.

# %%
T = one_vs_rest(held.labels)
T = T - T.mean(0)


def label_share(h):
    """Share of the targets' variance on each unit; 0 if it is constant."""
    h = h - h.mean(0)
    energy = np.square(h.T @ T).sum(1)
    norm = np.square(h).sum(0) * np.square(T).sum()
    return np.divide(energy, norm, out=0 * norm, where=norm > 0)


label_share(means[0][ends["last"]])[:5].round(3)


# %%
def labels_follow(i, name):
    """Rank correlation of match and label share over units."""
    share = label_share(means[2 * i][name])
    score = matches[i, name]["greedy"].score
    return spearmanr(score, share, nan_policy="omit").statistic


record_ends("labels", by_layer(labels_follow), within=(-1, 1))

# %% mystnb={"figure": {"name": "fig-09-labels", "caption": "Share of the labels on a unit against the correlation with its best partner, first (above) and last convolution; one dot per unit of the first networks of all pairs."}, "image": {"alt": "Two scatter plots, first and last convolution: share of the label variance of a unit against its best correlation with a unit of the other network."}} tags=["hide-input"]
axes = figures.new_panels(2, sharex=True, sharey=True)
for ax, name in zip(axes, ends.values(), strict=True):
    for i in range(pairs):
        ax.plot(
            matches[i, name]["greedy"].score,
            label_share(means[2 * i][name]),
            "o", markersize=3, color="C0", alpha=0.6,
        )  # fmt: skip
    ax.set_ylabel(f"label share in {name}")
axes[1].set_xlabel("correlation with the best partner")
plt.show()


# %% [markdown]
# A cloud that rises to the right says that units which networks share carry more of the
# labels ({numref}`fig-09-labels`). The rank correlations are
# {glue:text}`09.labels.first` and {glue:text}`09.labels.last`; an interval that contains
# 0 leaves open which way it goes. A sceptic would say that the units of a layer are no
# independent sample, so that so many dots weigh less than they seem to; the intervals
# count pairs, not dots. And a unit may tell a class by *where* it is active, which the
# mean over positions does not see.
#
# Now whole layers: the area of alignment with the labels, less chance, beside the mean
# correlation of one-to-one partners.


# %%
def area(i, name):
    """Area of a layer above chance, mean over classes."""
    found = alignment(means[2 * i][name], one_vs_rest(held.labels))
    return (found.area() - found.null().area).mean()


areas = by_layer(area)
record_ends("area", areas)
areas.mean("pair").to_series().round(4)

# %% mystnb={"figure": {"name": "fig-09-area", "caption": "Area of alignment with the labels above chance (top), and calibrated correlation of one-to-one partners (bottom), by layer; 0 is chance in both, and bands span the pairs."}, "image": {"alt": "Two panels over the layers: a line for the area of alignment with the labels, and one for the calibrated correlation of one-to-one partners."}} tags=["hide-input"]
matched_ones = calibrated("one-to-one", mean)
lines = {
    "area above chance": areas,
    "match, calibrated": matched_ones,
}
axes = figures.new_panels(2, sharex=True)
for ax, (label, values) in zip(axes, lines.items(), strict=True):
    figures.plot_curves(
        {label: values.values},
        range(len(names)),
        ax=ax,
        xlabel="",
        ylabel=label,
        legend=False,
    )
    ax.set_ylim(bottom=0)
axes[1].set_xticks(range(len(names)), names)
plt.show()

# %% [markdown]
# Compare the shapes of the two lines of {numref}`fig-09-area`, not their heights, which
# are on different scales. Where the upper one is high and the lower one low, a layer holds
# the labels and shares few single units with its partner; where it is the other way round,
# units are shared that say little of the labels. From the first to the last convolution
# the area goes from {glue:text}`09.area.first.mean:.3f` to
# {glue:text}`09.area.last.mean:.3f`, and the raw one-to-one correlation from
# {glue:text}`09.own.first.mean:.2f` to {glue:text}`09.own.last.mean:.2f`. Can either see
# what the other sees?

# %%
H = means[0][ends["last"]]
Q, _ = np.linalg.qr(draw.normal(size=(H.shape[1],) * 2))
targets = one_vs_rest(held.labels)
turned = [alignment(h, targets).area().mean() for h in (H, H @ Q)]
print(np.array(turned), match_units(H, H @ Q).mean())

# %% [markdown]
# The last line shows the area of a layer and of the same after a random rotation of its
# units, which are equal, and how well the one matches the other, where 1 is a match of
# all units. Alignment sees the directions of a layer and how they stand to the labels,
# and is blind to the axes that the units put in it; matching sees the axes, and is blind
# to the labels and to how large a unit's activations are. So two networks can have equal
# areas and no unit in common, and the first layer can match well where little of the
# labels is to be had yet. Alignment needs labels and one network; matching needs two
# networks and no label.
#
# ## What was found

# %% tags=["hide-input"]
for kind, values in (mean | {"third": again[""]}).items():
    word = kind.replace(", ", "_").replace(" ", "_").replace("-", "_")
    record(
        f"09.curve.{word}",
        values.values,
        dims=("seed", "layer"),
        coords={"layer": names},
    )
record_features("09.first", means[0], labels=held.labels)
record_features("09.second", means[1], labels=held.labels)

# %% [markdown]
# | | First convolution | untrained | Last convolution | untrained |
# |---|---|---|---|---|
# | best partner | {glue:text}`09.greedy.first` | {glue:text}`09.greedy.start.first` | {glue:text}`09.greedy.last` | {glue:text}`09.greedy.start.last` |
# | own partner | {glue:text}`09.own.first` |  | {glue:text}`09.own.last` |  |
# | the same, added by training | {glue:text}`09.learned.first` |  | {glue:text}`09.learned.last` |  |
# | chance (best partner) | {glue:text}`09.chance.first` |  | {glue:text}`09.chance.last` |  |
# | spread of units beyond chance | {glue:text}`09.spread.first` | {glue:text}`09.spread.start.first` | {glue:text}`09.spread.last` | {glue:text}`09.spread.start.last` |
# | same units in a third network | {glue:text}`09.third.first` | {glue:text}`09.third.start.first` | {glue:text}`09.third.last` | {glue:text}`09.third.start.last` |
# | canonical less one-to-one | {glue:text}`09.subspace.first` | {glue:text}`09.subspace.start.first` | {glue:text}`09.subspace.last` | {glue:text}`09.subspace.start.last` |
# | explained by several units, less by one | {glue:text}`09.several.first` |  | {glue:text}`09.several.last` |  |
# | local: lost by a rotation | {glue:text}`09.local.first` |  | {glue:text}`09.local.last` |  |
#
# Networks before training pass as well where the column beside is as large, though the
# verdict above does not ask them; there the number speaks of images and architecture,
# not of what was learnt.
#
# Our networks are small and so are their images; the paper compares four AlexNets on
# ImageNet, over all positions of 50,000 images. Equal widths of the layers, the rank
# correlation over a third network, the rotation, the networks before training and all
# that concerns labels are our choice. So is the scale of the penalty.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-09-1
#
# Why can the mean correlation of one-to-one partners never exceed that of best partners?
# When are they equal?
# :::
#
# :::{solution} ex-09-1
# :class: dropdown
#
# Each unit's own partner is one of those among which its best is chosen. They are equal
# where the best partners of all units are different already (or ties leave them so).
# :::
#
# :::{exercise}
# :label: ex-09-2
#
# The units of one network are turned by a random rotation. Which numbers of this page
# change: canonical correlations, the loss at penalty 0, the loss at a penalty above 0,
# the area, the match?
# :::
#
# :::{solution} ex-09-2
# :class: dropdown
#
# Turned $X$: canonical correlations, area and the loss at penalty 0 of predicting $Y$
# stay, since they depend on the span (the area on inner products); the match and the loss
# at a penalty above 0 change. If the *predicted* network is turned, the single losses
# change as well.
# :::
#
# :::{exercise}
# :label: ex-09-3
#
# Run the section with `-p control true`. Which numbers do not go to zero, and why?
# :::
#
# :::{solution} ex-09-3
# :class: dropdown
#
# The best of many correlations of unrelated rows lies above 0, the canonical correlations
# about $\sqrt{p / n}$ and more; these are the levels of chance. The area stays as it is,
# since it compares no networks. The accuracy stays too, since training
# is as it was.
# :::
#
# :::{exercise}
# :label: ex-09-4
#
# Set `epochs` to 1, 3 and 30. Do units converge as training goes on, or do networks with
# the same accuracy part?
# :::
#
# :::{solution} ex-09-4
# :class: dropdown
#
# ```bash
# for e in 1 3 30; do
#   repalign run 09 -p epochs $e -o epochs-$e.ipynb
#   repalign table epochs-$e.json | grep -E "accuracy|own|learned"
# done
# ```
#
# Compare `own.last`, the match of the last convolution, with `accuracy`; `learned.last`
# is what training has added to the match. When we tried it with these images, both were
# near the untrained networks after one epoch and rose together up to about the epochs
# of this page; with 30 neither moved by more than its interval. In the first
# convolution training added little at any time. So the units of the last layer
# converge while accuracy rises, and then stay; networks that part again we have not
# seen. Mind that the step size falls to 0 over all epochs: a run of three is not the
# beginning of a run of 30.
# :::
#
# ## Provenance

# %% tags=["provenance", "hide-input"]
provenance(
    datasets=[images.about, held.about],
    device=where.where,
    seeds=f"{3 * pairs} networks: {pairs} pairs, each with a third",
)
