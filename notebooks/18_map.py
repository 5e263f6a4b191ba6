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
# (sec-18)=
# # All measures on one map
#
# Which of this book's measures say the same, what does each of them cost, and where do
# they mislead? Two measures of layers, once chance is taken off, rank the pairs of
# layers of two networks with a rank correlation of
# {glue:text}`18.agree.layers.mean:.2f`, the mean over all pairs of measures (1 is the
# same order); two scores of a layer and its labels rank the layers of a network with
# {glue:text}`18.agree.scores.mean:.2f`. Part of such an agreement is no finding: what the
# measures give *by chance* has one of {glue:text}`18.agree.chance.mean:.2f`.
# {ref}`The table <map-18>` has every measure in a line.

# %% tags=["parameters"]
# fmt: off
runs: str = "own"  # path or {own, quick, paper}: whose layers are measured: of networks trained here, of the other sections as the book's build ran them in a profile, or of the runs in a folder
networks: int = 5  # {3..}: own: networks to train
n_per_class: int = 40  # {12..170}: own: digits of each class, to train on and to measure
depth: int = 4  # {2..}: own: hidden layers
width: int = 48  # {4..}: own: units of a hidden layer
epochs: int = 30  # {1..}: own: of Adam
most_layers: int = 6  # {2..}: layers of a network that are measured, evenly spaced
rows: int = 200  # {60..}: rows of a layer that are measured; as many more test the probe
draws: int = 2  # {1..}: random pairings of rows that set the level of chance
sizes: list = [250, 1000]  # {60..}: rows, for the cost
units: list = [32, 128]  # {4..}: units, for the cost
seed: int = 0  # {0..999999999}: the first seed
control: bool = False  # negative control: pair rows of layers, and of labels, at random; the claims must then fail
device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps, for networks trained here
# {len(sizes) == 2 and sizes[0] < sizes[1]}: growth is taken between two sizes
# {len(units) == 2 and units[0] < units[1] < sizes[0]}: growth is taken between two widths, of fewer units than rows
# fmt: on

# %% tags=["remove-input"]
from repalign_utils import check_parameters

check_parameters(globals())

# %% tags=["hide-input"]
import re
import textwrap
import time
from dataclasses import replace
from functools import partial
from itertools import combinations, product

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.special import softmax
from scipy.stats import ortho_group, rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

# %% tags=["hide-input"]
from repalign_utils import (
    Compute,
    MLPEnsemble,
    data,
    figures,
    fit,
    provenance,
    record,
    similarity,
    table,
    transferability,
)
from repalign_utils.book.features import read_all_features
from repalign_utils.book.paths import root
from repalign_utils.book.records import glue

# %% tags=["hide-input"]
figures.use_style()
compute = Compute(device)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## The measures and the networks
#
# Ten functions compare two layers of the same inputs, `f(X, Y)`; nine compare a layer
# with labels, `f(X, labels)`; two compare a network's outputs with labels. All are used
# as they come, and {ref}`which-measure` says what each of them is for.

# %%
pairwise = {
    "cka": similarity.cka,
    "cka, rbf": partial(similarity.cka, kernel="rbf"),
    "cka, debiased": partial(similarity.cka, debiased=True),
    "cca": lambda X, Y: similarity.cca(X, Y).mean(),
    "svcca": similarity.svcca,
    "pwcca": similarity.pwcca,
    "procrustes": similarity.procrustes,
    "mutual_knn": similarity.mutual_knn,
    "rsa": similarity.rsa,
    "match_units": lambda X, Y: similarity.match_units(X, Y).mean(),
}
some = np.random.default_rng(seed).normal(size=(2, 50, 4))
for name, f in [*pairwise.items()][:3]:
    print(f"{name}: {f(*some):.3f}")

# %% [markdown]
# Printed is what three of them give two random layers of 50 rows and 4 units, for which 0
# would be right: what chance gives is not always 0.

# %%
scores = {
    "alignment_area": transferability.alignment_area,
    "negative_rank": transferability.negative_rank,
    "label_cka": transferability.label_cka,
    "h_score": transferability.h_score,
    "log_me": transferability.log_me,
    "trans_rate": transferability.trans_rate,
    "nearest_class_mean": transferability.nearest_class_mean,
    "probe_accuracy": transferability.probe_accuracy,
    "h_score, shrunk": partial(transferability.h_score, shrinkage=True),
}
of_outputs = {"leep": transferability.leep, "nce": transferability.nce}
print(len(pairwise), len(scores), len(of_outputs))


# %% [markdown]
# The networks are those of the other sections, each of which kept features of its
# layers for some hundred inputs, with their labels; or, if you run this page alone, a
# few small ones trained here on digits, which differ in their initial weights, their
# batches and the share of their labels that is noise.


# %% tags=["hide-input"]
def noisy_targets(digits):
    """Targets for each network, with more and more noise."""
    targets = []
    for i in range(networks):
        draw = np.random.default_rng((seed, i))
        noise = draw.random(len(digits.labels)) < 0.8 * i / (
            networks - 1
        )
        others = draw.permutation(digits.labels)
        labels = np.where(noise, others, digits.labels)
        targets.append(replace(digits, labels=labels).targets())
    return np.stack(targets)


def own_networks(digits):
    """Layers of networks trained on them, with the true labels."""
    pixels = digits.pixels()
    mlps = MLPEnsemble(
        pixels.shape[1],
        width=width,
        depth=depth,
        out_features=10,
        members=networks,
        seed=seed,
        device=compute.where,
    )
    how = {"loss": "logistic", "max_epochs": epochs, "seed": seed}
    fit(mlps, pixels, noisy_targets(digits), **how)
    return mlps.layers(mlps.as_tensor(pixels), mlps.parameters())


# %% tags=["hide-input"]
if runs == "own":
    digits = data.digit_images(
        range(10), n_per_class=n_per_class, seed=seed
    )
    names = [*(f"h{k + 1}" for k in range(depth)), "logits"]
    found = [h.detach().cpu().numpy() for h in own_networks(digits)]
    own = {
        f"own.{i}": (
            {n: h[i] for n, h in zip(names, found, strict=True)},
            digits.labels,
        )
        for i in range(networks)
    }
    groups, about = {"own": own}, [digits.about]
else:
    about = read_all_features(runs)
    groups = {
        run.section: {
            name: (kept.layers, kept.labels)
            for name, kept in run.sets.items()
            if kept.labels is not None
            and kept.labels.dtype.kind != "f"  # classes, not quantities
        }
        for run in about
    }

# %% tags=["hide-input"]
table(
    ["Networks", "Layers (units)", "Rows"],
    [
        [
            name,
            ", ".join(f"{n} ({x.shape[1]})" for n, x in layers.items()),
            len(labels),
        ]
        for sets in groups.values()
        for name, (layers, labels) in sets.items()
    ],
)

# %% [markdown]
# Of each network at most `most_layers` layers are measured, evenly spaced from the
# first to the last, on `rows` of the inputs. Two networks can be compared where they
# saw the same inputs: within a section, where it kept the same labels for both.


# %% tags=["hide-input"]
def measured(layers, order):
    """Some layers (rows, d) in which something varies, rows in an order."""
    alive = {n: x for n, x in layers.items() if np.ptp(x, 0).any()}
    places = np.linspace(0, len(alive) - 1, most_layers).round()
    names = np.array(list(alive))[np.unique(places.astype(int))]
    return {n: alive[n][order].astype(float) for n in names}


def in_turn(labels):
    """Rows in random order, the classes by turns."""
    mixed = np.random.default_rng(seed).permutation(len(labels))
    turn = np.empty(len(labels), int)
    for c in np.unique(labels):
        mine = mixed[labels[mixed] == c]
        turn[mine] = np.arange(len(mine))
    return mixed[turn[mixed].argsort(kind="stable")]


nets, pairs = {}, []
for sets in groups.values():
    for name, (layers, labels) in sets.items():
        order = in_turn(labels)
        nets[name] = measured(layers, order), labels[order]
    pairs += [
        (a, b)
        for a, b in combinations(sets, 2)
        if np.array_equal(sets[a][1], sets[b][1])
    ]
print(len(nets), "networks,", len(pairs), "pairs of networks")

# %% [markdown]
# ## Which measures of two layers agree?
#
# For each pair of networks every layer of one is compared with every layer of the other,
# by each measure. What chance gives is the same measure with the rows of one side
# paired at random, the mean over `draws` of them; with $s$ the similarity and $s_0$ its
# level of chance, the calibrated value is
#
# $$
# \frac{s - s_0}{1 - s_0} .
# $$ (eq-18-calibrated)


# %%
def compared(X, Y):
    """Similarity and its level of chance, by all measures (10, 2)."""
    X, Y = X[:rows], Y[:rows]
    found = []
    for measure in pairwise.values():
        other = rng.permutation(Y) if control else Y
        chance = [measure(X, rng.permutation(Y)) for _ in range(draws)]
        found.append((measure(X, other), np.mean(chance)))
    return np.array(found)


# %%
def all_compared(a, b):
    """All layers of two networks: (measures, layers, layers, 2)."""
    found = [
        [compared(X, Y) for Y in nets[b][0].values()]
        for X in nets[a][0].values()
    ]
    return np.moveaxis(found, 2, 0)


# %%
between = [all_compared(a, b) for a, b in pairs]
print(between[0].shape)

# %%
raw, chance = ([f[..., k] for f in between] for k in (0, 1))
calibrated = [
    (s - s0) / (1 - s0) for s, s0 in zip(raw, chance, strict=True)
]
print(
    "cka:", raw[0][0, 0, 0], chance[0][0, 0, 0], calibrated[0][0, 0, 0]
)

# %% [markdown]
# Printed are, for the first layers of the first two networks, the value of CKA, its level
# of chance and the calibrated value.


# %% [markdown]
# Two measures agree if they put the pairs of layers in the same order: Spearman's rank
# correlation, within each pair of networks, so that it does not count which sections
# have the more similar networks.


# %%
def agreement(values):
    """Rank correlations (k, k) of measures by values (k, ...)."""
    ranks = rankdata(np.reshape(values, (len(values), -1)), axis=1)
    ranks -= ranks.mean(1, keepdims=True)
    norms = np.linalg.norm(ranks, axis=1, keepdims=True)
    # A measure that gives all the same value agrees with none.
    ranks = np.divide(ranks, norms, out=0 * ranks, where=norms > 0)
    return ranks @ ranks.T


# %%
def off_diagonal(matrix):
    """Mean over pairs of different measures."""
    return matrix[~np.eye(len(matrix), dtype=bool)].mean()


# %%
of_layers = np.array([agreement(values) for values in calibrated])
kinds = {"layers": calibrated, "raw": raw, "chance": chance}
for kind, values in kinds.items():
    found = [off_diagonal(agreement(v)) for v in values]
    record(f"18.agree.{kind}", found, within=(-1, 1))
print(np.round([off_diagonal(m) for m in of_layers], 2))


# %% tags=["hide-input"]
def by_likeness(matrix):
    """Order that puts measures that agree side by side."""
    far = 1 - matrix[np.triu_indices(len(matrix), 1)]
    tree = linkage(far.clip(0), "average", optimal_ordering=True)
    return leaves_list(tree)


# %% mystnb={"figure": {"name": "fig-18-layers", "caption": "Which measures of two layers agree: rank correlation over pairs of layers, the mean over pairs of networks, chance taken off; measures that agree stand side by side."}, "image": {"alt": "Matrix of ten measures by ten measures, coloured by rank correlation, ordered by hierarchical clustering."}} tags=["hide-input", "lead-figure"]
def plot_agreement(matrix, names, label):
    """Matrix of agreement with its numbers."""
    order = by_likeness(matrix)
    ax = figures.new_panels(height=4.1)
    shown = matrix[np.ix_(order, order)].clip(-1, 1)
    figures.plot_layer_matrix(
        shown,
        rows=[names[k] for k in order],
        ax=ax,
        label=label,
        numbers=False,
    )
    for (i, j), value in np.ndenumerate(shown):
        colour = "black" if value > 0.55 else "white"
        style = {"color": colour, "size": 9.5, "ha": "center"}
        ax.text(j, i, f"{value:.1f}", va="center", **style)


plot_agreement(of_layers.mean(0), list(pairwise), "rank correlation")
plt.show()

# %% [markdown]
# Look first at the blocks along the diagonal of {numref}`fig-18-layers`: they are
# families, measures that tell much the same, of which one is enough. Then look for a
# row that is low throughout: a measure that sees what the others do not. A number below
# 0 would say that two measures of similarity put layers in opposite orders. Averaged
# over all pairs of measures the rank correlation is {glue:text}`18.agree.layers`, and
# {glue:text}`18.agree.raw` for values as they are.
#
# A sceptic would ask whether that is about the layers at all. The levels of chance, which
# know how many units a layer has and how they vary, and nothing of which row is which,
# have an agreement of {glue:text}`18.agree.chance`: those of CCA, CKA and Procrustes rise
# alike with the number of directions, while debiased CKA, neighbours and RSA have one
# level for all layers. With rows paired at random (`-p control true`) the calibrated values
# keep nothing but noise, each measure its own.
#
# ## What do they tell?
#
# One thing can be checked without knowing the truth: two networks of one architecture
# that learn the same task, or the same network before and after, should correspond layer
# by layer {cite:p}`kornblith2019`. For each layer we ask whether its nearest among
# the layers of the other network stands at the same depth.


# %%
def same_depth(values):
    """Share of layers whose nearest is at their depth, by measure."""
    here = np.arange(values.shape[1])
    hits = [values.argmax(axis) == here for axis in (1, 2)]
    return np.mean(hits, (0, 2))


# %%
found = xr.DataArray(
    [same_depth(v) for v in calibrated],
    dims=("seed", "measure"),
    coords={"measure": list(pairwise)},
)  # a seed is a pair of networks
depth_share = found.mean("seed")
depth_share.to_series().round(2)

# %% [markdown]
# By guessing it would be one over the number of layers.

# %%
by_chance = np.array([1 / len(v[0]) for v in calibrated])
record("18.depth.all", found.mean("measure").values - by_chance)
for name in ("cka", "cca", "mutual_knn"):
    word = name.removeprefix("mutual_")
    above = found.sel(measure=name).values - by_chance
    record(f"18.depth.{word}", above)
record("18.curve.depth", found)
print("by guessing:", by_chance.mean())


# %%
def narrowest(values, widths):
    """Share of layers whose nearest is the narrowest, by measure."""
    return (values.argmax(2) == np.argmin(widths)).mean(1)


# %%
narrow_share = []
for values, (_, b) in zip(calibrated, pairs, strict=True):
    widths = [h.shape[1] for h in nets[b][0].values()]
    narrow_share.append(narrowest(values, widths))
narrow_share = np.array(narrow_share)
of_cca = narrow_share[:, list(pairwise).index("cca")]
record("18.narrow.cca", of_cca, within=(0, 1))
glue("18.guess", f"{by_chance.mean():.2f}")
print(of_cca)

# %% [markdown]
# Above the share that guessing would give, {glue:text}`18.depth.all` of the layers
# more find their own depth, the mean over measures: {glue:text}`18.depth.cka` by CKA,
# {glue:text}`18.depth.cca` by CCA and {glue:text}`18.depth.knn` by neighbours. Mean CCA
# is a mean over the directions of the narrower side, and few directions, such as those
# of the outputs, lie more easily in the span of many, which taking chance off need not
# cure. Does it call the narrowest layer nearest? In {glue:text}`18.narrow.cca` of all
# cases; guessing would in {glue:text}`18.guess`, so only what is above that counts.
#
# ## Where do they mislead?
#
# Three traps, in which we know the answer, since we draw the layers:
#
# - *unrelated*: two independent layers of two fifths as many units as rows. A measure that
#   sees nothing should be near 0.
# - *one direction*: two independent layers of 30 units, and one strong direction that
#   both share, as a mean activity would be. Near 0 is right if directions count, near 1
#   if variance does.
# - *weak noise*: five strong signals that both layers share, and 25 units of fresh
#   noise, a tenth as large. Near 1 is right if variance counts, near 5 / 30 if
#   directions do.


# %%
def trap(kind, draw):
    """Two layers of which we know what they share."""
    wide, narrow = 2 * rows // 5, 25
    if kind == "unrelated":
        return draw.normal(size=(2, rows, wide))
    noise = draw.normal(size=(2, rows, narrow))
    if kind == "one direction":
        strong = 30 * draw.normal(size=(rows, 1))
        return [np.hstack([strong, side]) for side in noise]
    signal = draw.normal(size=(rows, 5))
    return [np.hstack([signal, 0.1 * side]) for side in noise]


# %%
asked = ["unrelated", "one direction", "weak noise"]
traps = xr.DataArray(
    np.empty((5, len(asked), len(pairwise))),
    dims=("seed", "trap", "measure"),
    coords={"trap": asked, "measure": list(pairwise)},
)
for i, k in product(range(5), asked):
    X, Y = trap(k, np.random.default_rng(seed + i))
    traps.loc[i, k] = [f(X, Y) for f in pairwise.values()]
record("18.curve.traps", traps)
traps.sel(measure="cka").mean("seed").to_series().round(2)

# %% mystnb={"figure": {"name": "fig-18-traps", "caption": "Three traps, by measure, the mean over five draws: unrelated wide layers should be near 0; of the other two a measure can have one right, since they ask for opposite things."}, "image": {"alt": "For each of ten measures three dots between 0 and 1, for unrelated layers, one shared strong direction, and a shared signal with weak noise."}} tags=["hide-input"]
ax = figures.new_panels(height=4.2)
for k, (kind, marker) in enumerate(zip(asked, "os^", strict=True)):
    ax.plot(
        traps.sel(trap=kind).mean("seed"),
        np.arange(len(pairwise)) + 0.2 * (k - 1),
        marker,
        label=kind,
    )
ax.set_yticks(range(len(pairwise)), list(pairwise))
ax.invert_yaxis()
ax.set(xlim=(-0.05, 1.05), xlabel="similarity, as it is")
ax.legend(loc="upper center", bbox_to_anchor=(0.4, 1.14), ncols=3)
plt.show()

# %% [markdown]
# Look first at the circles ({numref}`fig-18-traps`): how far right they stand is how
# high the measure is for layers that have nothing in common. Then compare triangle and
# square of one row. A measure with the square on the right lets one direction decide;
# one with the triangle on the left takes weak noise as seriously as the signal. What
# may surprise is how many measures have both on the same side: they cannot be right in
# both traps. A sceptic would say that the traps were built for that; whether a
# direction of large variance is signal or mean activity, no measure can know.
#
# ## What leaves each measure as it is?
#
# What a measure does not see is a choice, and this is it, measured: each change is made
# to one side of two related random layers, and a measure that stays the same, to a
# millionth, in five draws does not see it.


# %%
def changed(X, draw):
    """Ways to change a layer X (n, d), each with another random draw."""
    d = X.shape[1]
    stretch = draw.uniform(0.2, 5, d)
    turned = ortho_group.rvs(d, random_state=draw)
    mixed = ortho_group.rvs(d, random_state=draw)
    return {
        "order of units": X[:, draw.permutation(d)],
        "rotation": X @ turned,
        "scale": 7 * X,
        "shift": X + draw.normal(size=d),
        "scale of each unit": X * stretch,
        "invertible map": X @ turned * stretch @ mixed,
    }


# %%
def same(one, other):
    """Whether two values are equal, to a millionth."""
    return bool(np.isclose(one, other, rtol=1e-6, atol=1e-6))


# %%
def related(draw):
    """Two related random layers and labels, some directions weak."""
    strength = np.geomspace(1, 1e-3, 8)  # some below 1 % of the sum
    X = draw.normal(size=(120, 8)) * strength
    Y = X @ draw.normal(size=(8, 8)) + draw.normal(size=(120, 8))
    labels = (X + draw.normal(size=X.shape))[:, :3].argmax(1)
    return X, Y * strength, labels


# %%
X, Y, labels = related(np.random.default_rng(seed))
for kind, x in changed(X, np.random.default_rng(seed)).items():
    print(f"{kind}: cka {similarity.cka(x, Y):.4f}")
print(f"as it is: cka {similarity.cka(X, Y):.4f}")

# %% [markdown]
# The same for every measure, with each side changed by itself, and for every score:


# %%
def stays_between(f, X, Y, order, draw):
    """Whether a measure stays, of X and of Y, by kind of change."""
    value, kept = f(X, Y), {}
    of_x, of_y = changed(X, draw), changed(Y, draw)
    for kind in of_x:
        kept[kind] = (
            same(f(of_x[kind], Y), value),
            same(f(X, of_y[kind]), value),
        )
    kept["order of rows"] = (same(f(X[order], Y[order]), value),) * 2
    return kept


# %%
def stays_with_labels(f, X, labels, order, draw):
    """Whether a score stays, twice, by kind of change."""
    value = f(X, labels)
    of_x = changed(X, draw).items()
    kept = {kind: same(f(x, labels), value) for kind, x in of_x}
    kept["order of rows"] = same(f(X[order], labels[order]), value)
    return {kind: (stay, stay) for kind, stay in kept.items()}


# %%
def once(draw):
    """Whether each measure and score stays, by kind of change."""
    X, Y, labels = related(draw)
    order = draw.permutation(120)
    stays = {
        name: stays_between(f, X, Y, order, draw)
        for name, f in pairwise.items()
    }
    return stays | {
        name: stays_with_labels(f, X, labels, order, draw)
        for name, f in scores.items()
    }


# %%
five = [once(np.random.default_rng((seed, i))) for i in range(5)]
print(five[0]["pwcca"])

# %%
words = {
    (True, True): "yes",
    (False, True): "of Y",
    (True, False): "of X",
    (False, False): "no",
}
invariant = {}
for name, kinds_of in five[0].items():
    stays = {k: np.all([f[name][k] for f in five], 0) for k in kinds_of}
    invariant[name] = {k: words[tuple(v)] for k, v in stays.items()}

# %% tags=["hide-input"]
changes = list(invariant["cka"])
table(
    ["Measure", *changes],
    [
        [f"`{name}`", *found.values()]
        for name, found in invariant.items()
    ],
)

# %% [markdown]
# The order of rows is that of both sides at once. Where it says "of Y", the measure is
# not symmetric, and only that side may be changed. A probe in folds draws its folds by
# the order of rows, which is why that may move it.
#
# ## What do they cost?
#
# Seconds on one machine, the least of three calls, at two numbers of rows and of units.
# Growth is the exponent $a$ in $n^a$ from the one to the other: for few rows or units it
# is below that of the formula, since part of every call does not depend on them.


# %%
def seconds(f, *arguments):
    """Least time of three calls."""
    took = []
    for _ in range(3):
        start = time.perf_counter()
        f(*arguments)
        took.append(time.perf_counter() - start)
    return min(took)


print(f"cka: {1e3 * seconds(similarity.cka, X, Y):.2f} ms")


# %%
def at_size(n, d):
    """Seconds of each measure on layers of n rows and d units."""
    draw = np.random.default_rng(seed)
    X, Y = draw.normal(size=(2, n, d))
    labels = draw.permutation(np.arange(n) % 10)
    probabilities = softmax(X[:, :10], axis=1)
    return [
        *(seconds(f, X, Y) for f in pairwise.values()),
        *(seconds(f, X, labels) for f in scores.values()),
        *(
            seconds(f, probabilities, labels)
            for f in of_outputs.values()
        ),
    ]


# %%
names = [*pairwise, *scores, *of_outputs]
(few, many), (narrow, wide) = sizes, units
took = xr.DataArray(
    [at_size(few, narrow), at_size(many, narrow), at_size(many, wide)],
    dims=("size", "measure"),
    coords={"measure": names},
)
record("18.curve.seconds", took.expand_dims("seed"))

# %%
with_rows = np.log(took[1] / took[0]) / np.log(many / few)
with_units = np.log(took[2] / took[1]) / np.log(wide / narrow)
print(f"cka grows by n^{with_rows.sel(measure='cka'):.1f}")


# %% tags=["hide-input"]
def milliseconds(t):
    """Time as the tables say it."""
    return f"{1e3 * float(t):.{2 if t < 1e-2 else 0}f} ms"


table(
    [
        "Measure",
        f"n = {few}, d = {narrow}",
        f"n = {many}, d = {narrow}",
        f"n = {many}, d = {wide}",
        "growth in n",
        "growth in d",
    ],
    [
        [
            f"`{name}`",
            *map(milliseconds, took.sel(measure=name).values),
            f"{with_rows.sel(measure=name):.1f}",
            f"{with_units.sel(measure=name):.1f}",
        ]
        for name in names
    ],
)

# %% [markdown]
# ## Which scores of a layer and its labels agree?
#
# Each score is taken of each layer with the labels, on the same rows, less what it
# gives with labels in random order: some rise with the number of units alone. Beside
# the scores stands what they are to foretell: the accuracy on *other* rows of a
# linear model that has learnt from the rows that the scores have seen.


# %%
def tested(X, labels, seen):
    """Accuracy of a linear model on the rows that no score has seen."""
    model = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=2000)
    )
    model.fit(X[:seen], labels[:seen])
    return model.score(X[seen:], labels[seen:])


# %%
def scored(X, labels, seen):
    """Scores, their levels with labels at random, and the accuracy."""
    x, y = X[:seen], labels[:seen]
    found = []
    for f in scores.values():
        value = f(x, rng.permutation(y) if control else y)
        level = [f(x, rng.permutation(y)) for _ in range(draws)]
        found.append((value, np.mean(level)))
    return np.array([*found, (tested(X, labels, seen), 0.0)])


# %%
per_layer = []  # of each network (scores + 1, layers, 2)
for layers, labels in nets.values():
    seen = min(rows, len(labels) // 2)
    some, y = slice(0, 2 * seen), labels[: 2 * seen]
    found = [scored(X[some], y, seen) for X in layers.values()]
    per_layer.append(np.moveaxis(found, 0, 1))
print("accuracy by layer:", per_layer[0][-1, :, 0].round(3))

# %% [markdown]
# Agreement is that of scores less their level, with the accuracy as a last row.

# %%
above = [f[..., 0] - f[..., 1] for f in per_layer]
of_scores = np.array([agreement(values) for values in above])
print(of_scores.shape)

# %%
k = len(scores)
among = [off_diagonal(m[:k, :k]) for m in of_scores]
record("18.agree.scores", among, within=(-1, 1))
with_accuracy = of_scores[:, k, :k]
record("18.told.scores", with_accuracy.mean(1), within=(-1, 1))
told = dict(zip(scores, with_accuracy.mean(0), strict=True))
best = max(told, key=told.get)
of_best = with_accuracy[:, list(scores).index(best)]
record("18.told.best", of_best, within=(-1, 1))
glue("18.told.area", f"{told['alignment_area']:.2f}")
print("best:", best, "lowest:", min(told, key=told.get))

# %% mystnb={"figure": {"name": "fig-18-scores", "caption": "Which scores of a layer and its labels agree, and which foretell the accuracy on other rows: rank correlation over the layers of a network, the mean over networks."}, "image": {"alt": "Matrix of nine scores and the accuracy on other rows, coloured by rank correlation, ordered by hierarchical clustering."}} tags=["hide-input"]
plot_agreement(
    of_scores.mean(0),
    [*scores, "held-out accuracy"],
    "rank correlation",
)
plt.show()

# %% [markdown]
# Read the row of the accuracy first ({numref}`fig-18-scores`): it is what a score is
# for. On average over scores the rank correlation with it is
# {glue:text}`18.told.scores`, and {glue:text}`18.told.best` for the score that has the
# largest here, a choice made after the fact. The area of alignment has
# {glue:text}`18.told.area`: it asks how fast the labels are learnt, not how well in the
# end. What may surprise is the agreement among scores that were derived so differently,
# {glue:text}`18.agree.scores`. A sceptic would count the layers: a network has few, and
# if accuracy simply falls or rises with depth, any score that does the same has a
# correlation of 1.
#
# Where a network's outputs were kept, LEEP and NCE read a score off them, one for a
# whole network. Do they order networks as their last hidden layers do?

# %%
outputs, last = [], []
for (layers, labels), found in zip(nets.values(), above, strict=True):
    if "logits" in layers:
        p = softmax(layers["logits"][:rows], axis=1)
        y = labels[:rows]
        y = rng.permutation(y) if control else y
        outputs.append([f(p, y) for f in of_outputs.values()])
        last.append(found[-1, -2])
print(np.round(outputs, 2), np.round(last, 2))

# %%
ranked = np.zeros(2)
if len(last) > 2:
    ranked = agreement(np.column_stack([outputs, last]).T)[2, :2]
told_of = zip(of_outputs, ranked, strict=True)
print(len(last), "networks:", *(f"{n} {v:.2f}" for n, v in told_of))

# %% [markdown]
# And the trap for scores: random numbers that know no class, half as many units as rows.
# How many of the networks' layers do they beat?

# %%
beaten = {name: [] for name in scores}
for (_, labels), found in zip(nets.values(), per_layer, strict=True):
    y = labels[:rows]
    X = rng.normal(size=(len(y), len(y) // 2))
    for (name, f), values in zip(
        scores.items(), found[:-1, :, 0], strict=True
    ):
        beaten[name].append(np.mean(f(X, y) > values))
beats = {name: np.mean(shares) for name, shares in beaten.items()}
glue("18.beats.area", f"{beats['alignment_area']:.0%}")

# %% tags=["hide-input"]
table(
    ["Score", "Layers that a random layer beats"],
    [[f"`{name}`", f"{share:.0%}"] for name, share in beats.items()],
)

# %% [markdown]
# Scores are raw here. Random numbers have a larger area than
# {glue:text}`18.beats.area` of the layers: many equal directions hold part of any labels,
# so compare areas less their level of chance.
#
# (map-18)=
# ## The map
#
# All of it in one table. *Unchanged by*, milliseconds, growth, *Told here* and *Misled
# here* are computed from this run; what a measure compares, and the cost by formula, for
# $n$ rows, $d$ units (the larger of two widths) and $c$ classes, are known beforehand.

# %% tags=["hide-input"]
gram = "$n d^2$ or $n^2 d$"
spans = "$n d^2 + d^3$"
known = {  # name -> what it compares, cost
    "cka": ("similarities between inputs, linear", gram),
    "cka, rbf": ("similarities between near inputs", "$n^2 d$"),
    "cka, debiased": ("as `cka`, 0 by chance", gram),
    "cca": ("spans of the units, all directions alike", spans),
    "svcca": ("spans of the leading directions", spans),
    "pwcca": ("spans, directions by what $X$ has of them", spans),
    "procrustes": ("layers after the best rotation", spans),
    "mutual_knn": ("the nearest inputs of each input", "$n^2 d$"),
    "rsa": (
        "the order of distances between inputs",
        r"$n^2 d + n^2 \log n$",
    ),
    "match_units": ("single units, one to one", spans),
}

# %% tags=["hide-input"]
known |= {
    "alignment_area": ("labels' share on the top directions", gram),
    "negative_rank": ("directions that the labels need", gram),
    "label_cka": ("similarities between inputs and classes", gram),
    "h_score": ("spread between classes against all spread", spans),
    "h_score, shrunk": ("as `h_score`, covariance shrunk", spans),
    "log_me": ("evidence of a linear model", spans),
    "trans_rate": (
        "volume of all rows less that of classes",
        "$c n d^2$",
    ),
    "nearest_class_mean": ("rows with the means of classes", "$c n d$"),
    "probe_accuracy": (
        "a linear model's accuracy, in folds",
        "$c n d$, times steps",
    ),
    "leep": ("outputs with labels, by likelihood", "$c n$"),
    "nce": ("likeliest outputs with labels, by entropy", "$c n$"),
}

# %% tags=["hide-input"]
traps_mean = traps.mean("seed")
level = np.mean([c.mean((1, 2)) for c in chance], 0)


def misled(name):
    """Traps that a measure of two layers fell into."""
    of = traps_mean.sel(measure=name)
    unrelated, one, noise = (float(of.sel(trap=k)) for k in asked)
    to_narrow = narrow_share.mean(0)[list(pairwise).index(name)]
    said = {
        f"unrelated layers: {unrelated:.2f}": unrelated > 0.3,
        f"one direction: {one:.2f}": one > 0.5,
        f"weak noise: {noise:.2f}": noise < 0.5,
        f"narrowest nearest: {to_narrow:.0%}": to_narrow > 0.5,
    }
    return [text for text, holds in said.items() if holds]


# %% tags=["hide-input"]
told_here, misled_here = {}, {}
for i, name in enumerate(pairwise):
    share = float(depth_share.sel(measure=name))
    guess = by_chance.mean()
    told_here[name] = [
        f"own depth: {share:.0%} ({guess:.0%})",
        f"chance: {level[i]:.2f}",
    ]
    misled_here[name] = misled(name) or ["in no trap"]
for name in scores:
    told_here[name] = [f"accuracy: {told[name]:.2f}"]
    fooled = beats[name] > 0.1
    misled_here[name] = [
        f"random layer: {beats[name]:.0%}" if fooled else "in no trap"
    ]
for name, value in zip(of_outputs, ranked, strict=True):
    told_here[name] = [
        f"accuracy: {value:.2f}" if len(last) > 2 else "no outputs"
    ]
    misled_here[name] = ["not tried"]


# %% tags=["hide-input"]
def sections_with(name):
    """Links to the sections whose code uses a measure."""
    word = {"alignment_area": "alignment"}.get(name, name.split(",")[0])
    found = []
    for path in sorted((root() / "notebooks").glob("[0-9]*_*.py")):
        code = re.sub(r"(?m)^#.*$", "", path.read_text())
        if path.stem[:2] != "18" and re.search(rf"\b{word}\b", code):
            number = path.stem[:2]
            found.append(f"{{ref}}`{number} <sec-{number}>`")
    return ", ".join(found[:3]) or "18"


def unchanged(name):
    """Changes that leave a measure as it is."""
    marks = {"yes": "", "of Y": " of Y", "of X": " of X"}
    found = invariant.get(name, {"order of classes": "yes"})
    return [k + marks[v] for k, v in found.items() if v in marks]


def costs(name):
    """Formula, and what was measured."""
    a, b = (float(g.sel(measure=name)) for g in (with_rows, with_units))
    growth = f"$n^{{{a:.1f}}} d^{{{b:.1f}}}$"
    time_taken = milliseconds(took.sel(measure=name)[-1])
    return [known[name][1], time_taken, growth]


def whole(parts, separator="; "):
    """Text of parts, each of which stays on one line."""
    return separator.join(p.replace(" ", "\u00a0") for p in parts)


# %% tags=["hide-input"]
def line(name):
    """Line of the table."""
    guide = "equal" if name in pairwise else "scores"
    link = f"{{ref}}`{name} <measures-{guide}>`"
    return [
        f"{link} ({sections_with(name)})",
        whole(textwrap.wrap(known[name][0], 20), " "),
        "no" if name in pairwise else "yes",
        whole(unchanged(name), ", "),
        whole(costs(name)),
        whole(told_here[name]),
        whole(misled_here[name]),
    ]


table(
    [
        "Measure (sections)",
        "Compares",
        "Labels?",
        "Unchanged by",
        f"Cost, and at n = {many}, d = {wide}",
        "Told here",
        "{ref}`Misled here <measures-mislead>`",
    ],
    [line(name) for name in names],
)

# %% [markdown]
# *Unchanged by*: to a millionth, in five draws; "of Y" where that side alone may change.
# *Cost*: the formula, the time of one call, and how it grew with $n$ and with $d$.
#
# *Told here*, of two layers: *own depth*, how often the nearest layer of another network
# stands at the same depth, by calibrated values (in brackets: by guessing), and *chance*,
# what the measure gives with rows paired at random. Of a layer and labels: *accuracy*,
# the rank correlation with the accuracy of a linear model on other rows, over the
# layers of a network; of outputs, over networks.
#
# *Misled here*: above 0.3 for *unrelated layers*; above 0.5 for *one direction*; below 0.5
# for a shared signal in *weak noise*; *narrowest nearest*, if that is what a measure
# calls nearest in more than half of all cases; and *random layer*, if a score puts random
# numbers above more than a tenth of the networks' layers. Which of these is a fault
# depends on what you ask.
#
# Four things of the package are not in the table, since they give no single number for
# two layers: `sparse_prediction` and `cluster_units` ({ref}`sec-09`) look at units and
# groups of them, `map_similarity` at the positions of a convolution before any of
# the measures above is taken, and `dynamics.final_distance` is no measure of features at
# all: it foretells, from theory, how far apart two inputs end in a layer, from their
# distance in the inputs and the outputs.
#
# ## What was found
#
# | Finding | This run |
# |---|---|
# | Agreement of measures of two layers, calibrated | {glue:text}`18.agree.layers` |
# | the same, values as they are | {glue:text}`18.agree.raw` |
# | the same, levels of chance alone | {glue:text}`18.agree.chance` |
# | Nearest layer at the same depth, above guessing | {glue:text}`18.depth.all` |
# | Agreement of scores with labels | {glue:text}`18.agree.scores` |
# | Scores and accuracy on other rows | {glue:text}`18.told.scores` |
#
# All of this page is ours: the choice of networks, which are small, the traps with their
# sizes, the number of rows, and the defaults of each measure (ten neighbours, 99 % of
# singular values, the median distance as the kernel's width). Pairs of networks share
# networks, and all networks of a section share inputs, so that the intervals over pairs
# are shorter than they would be over independent ones.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-18-1
#
# Two measures have a rank correlation of 1 over all pairs of layers. Are they the same
# measure? When is that of a measure and its own calibrated value 1?
# :::
#
# :::{solution} ex-18-1
# :class: dropdown
#
# No: ranks see order alone, and $1 - s$, reversed, or $s^2$ have the order of $s$. The
# calibrated value is a rising function of $s$ for each level of chance, so the two have
# the same order wherever that level is the same for all pairs, for example for layers of
# one width and one spectrum; where levels differ it need not be.
# :::
#
# :::{exercise}
# :label: ex-18-2
#
# Why do levels of chance of different measures agree at all?
# :::
#
# :::{solution} ex-18-2
# :class: dropdown
#
# They rise with the number of directions that a layer uses: $p$ and $q$ units have a mean
# squared canonical correlation of $\max(p, q) / (n - 1)$ by chance, and CKA one that grows
# with the effective number of directions of both. Layers of a network differ in both, and
# every measure sees it.
# :::
#
# :::{exercise}
# :label: ex-18-3
#
# You may choose one measure that is not fooled by weak noise, and one that is not fooled by
# a single strong direction. Which two does the figure of the traps give you, and can one
# measure be neither?
# :::
#
# :::{solution} ex-18-3
# :class: dropdown
#
# Read it off {numref}`fig-18-traps`. A measure that weighs directions by variance is
# right in the one trap and wrong in the other, and one that weighs all alike the other
# way round; ranks of distances and neighbours stand between. The traps ask for
# different answers to one question: what weighs a direction?
# :::
#
# ## Provenance

# %% tags=["provenance", "hide-input"]
provenance(
    datasets=about,
    device=compute.where,
    precision="float32",
    seeds=len(pairs),
)
