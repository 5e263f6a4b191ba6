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
# (sec-10)=
# # Which directions of a layer matter, and when do layers converge?
#
# A layer is more than a list of neurons: any combination of them is a *direction* that
# the next layer can read. Singular vector canonical correlation analysis (SVCCA) finds
# the directions that two networks share {cite:p}`raghu2017`. Here ten directions of the
# first fully connected layer classify {glue:text}`10.kept.fc1.mean:.3f` of the test
# images correctly, and all of them {glue:text}`10.accuracy.mean:.3f`; after 35 % of
# training the first layer has a similarity of {glue:text}`10.similarity.first.mean:.2f`
# with its final self, chance taken off, and the last hidden one
# {glue:text}`10.similarity.last.mean:.2f`. The paper reads the second as a way to train
# less. Of the first a sceptic may say that ten principal components of the one network
# keep {glue:text}`10.principal.fc1.mean:.3f`; of the second, that depth and similarity
# have a rank correlation of {glue:text}`10.order.start.mean:.2f` before training
# already ({glue:text}`10.order.mean:.2f` at 35 %).

# %% tags=["parameters"]
# fmt: off
dataset: str = "digits"  # {digits, cifar10}: images with ten classes
n_per_class: int = 110  # {10..}: images of each class to train on
n_test: int = 60  # {5..}: test images of each class
alike: list = ["3", "8", "4", "9", "0"]  # five classes: two pairs that look alike, then one apart
width: int = 8  # {2..}: channels of the first two convolutions; the others follow
epochs: int = 20  # {4..}: of training
batch_size: int = 64  # {1..}: images per step
n_compare: int = 1000  # {100..}: training images on which layers are compared
pairs: int = 5  # {1..}: pairs of networks with other initial weights and batches
seed: int = 0  # {0..999999999}: the first seed
control: bool = False  # negative control: compare with shuffled rows, and freeze all layers but the last from the start; the claims must then fail
device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps
data_dir: str = ""  # existing path: folder with real data (empty: REPALIGN_DATA)
checkpoints: str = ""  # path: folder that keeps trained networks (empty: none)
# {len(alike) == 5 and len(set(alike)) == 5}: two pairs and one more are five classes
# {(dataset == "digits") == (max(alike) <= "9")}: classes of CIFAR-10 have names such as cat and dog, digits are 0 to 9
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
from scipy.stats import kendalltau
from torch.utils.flop_counter import FlopCounterMode
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
    layer_similarity,
    one_vs_rest,
    provenance,
    recipe,
    record,
    record_features,
    record_layers,
    similarity,
    table,
)
from repalign_utils.experiments.snapshots import train_with_snapshots

# %% tags=["hide-input"]
figures.use_style()
compute = Compute(device)

# %% [markdown]
# ## Two networks that look different and are not
#
# The paper begins with a toy. Two networks of four hidden layers of 200 neurons learn
# the same four functions of one variable, from different initial weights. The
# functions, their number of points and the training are our choice.

# %%
x = np.linspace(-1, 1, 500)[:, None]
y = np.hstack(
    [
        3 * np.sin(2 * np.pi * x),
        4 * x**3,
        3 * np.cos(np.pi * x),
        4 * abs(x) - 2,
    ]
)

# %%
shape = {"width": 200, "depth": 4, "out_features": 4}
on = {"seed": seed, "device": compute.where}
toys = MLPEnsemble(1, members=2, **shape, **on)
options = {"batch_size": 50, "max_epochs": 60, "tolerance": 1e-3}
fit(toys, x, y, loss="squared", seed=seed, **options)
X, Y = toys.hidden(x)[-1].double().cpu().numpy()
X.shape, Y.shape

# %% [markdown]
# A neuron is the vector of its outputs for all $n$ inputs; a layer is the span of its
# neurons in $\mathbb{R}^n$. SVCCA compares two layers $X$ ($n \times p$) and $Y$
# ($n \times q$), both centred, in two steps.
#
# 1. Of each layer keep the fewest singular directions whose singular values add up to
#    99 % of all of them.


# %%
def kept(X, keep=0.99):
    """Singular vectors and values that hold 99 % of the sum of values."""
    U, s, Vt = np.linalg.svd(X - X.mean(0), full_matrices=False)
    r = np.searchsorted(np.cumsum(s), keep * s.sum()) + 1
    return U[:, :r], s[:r], Vt[:r]


len(kept(X)[1]), len(kept(Y)[1])

# %% [markdown]
# So many of 200 are left of either layer. What is left of $X$ has an orthonormal basis
# $U_X$, and that of $Y$ the basis $U_Y$.
#
# 2. Of the two spans find the directions that correlate most. With the singular value
#    decomposition
#
# $$
# U_X^\top U_Y = A \,\mathrm{diag}(\rho_1, \rho_2, \dots)\, B^\top , \qquad
# \mathrm{SVCCA} = \frac1r \sum_{i=1}^{r} \rho_i ,
# $$ (eq-10-svcca)
#
# the $i$-th direction is $U_X a_i$ in one layer and $U_Y b_i$ in the other, $\rho_i$
# their correlation, and $r$ the smaller number of directions kept. In NumPy:


# %%
def directions(X, Y):
    """Coefficients (p, r) of the directions of X, and correlations."""
    (U, s, Vt), (R, _, _) = kept(X), kept(Y)
    A, rho, _ = np.linalg.svd(U.T @ R, full_matrices=False)
    return (Vt.T / s) @ A, rho


W, rho = directions(X, Y)
print(f"{rho.mean():.6f} {similarity.svcca(X, Y):.6f}; {len(rho)} kept")

# %% mystnb={"figure": {"name": "fig-10-toy", "caption": "Two networks that learnt the same functions, solid and dashed: what their two most active neurons, leading principal directions and leading SVCCA directions give, and the mean correlation of curves of one colour."}, "image": {"alt": "Three panels below each other over the input of the toy: two most active neurons of either network, two leading principal directions, two leading SVCCA directions. Solid lines are of one network, dashed ones of the other."}} tags=["hide-input"]
active = [side[:, np.argsort(-side.mean(0))[:2]] for side in (X, Y)]
principal = [kept(side)[0][:, :2] for side in (X, Y)]
shared = [
    (side - side.mean(0)) @ directions(side, other)[0][:, :2]
    for side, other in ((X, Y), (Y, X))
]
axes = figures.new_panels(3, sharex=True, height=1.8)
panels = {
    "most active neurons": active,
    "principal directions": principal,
    "SVCCA directions": shared,
}
for ax, (title, (one, other)) in zip(axes, panels.items(), strict=True):
    # A direction has no sign.
    turn = np.sign((one * other).sum(0)) if title[0] != "m" else 1
    both = [(h - h.mean(0)) / h.std(0) for h in (one, other * turn)]
    for style, lines in zip(("-", "--"), both, strict=True):
        ax.set_prop_cycle(None)
        ax.plot(x, lines, style)
    alikeness = (both[0] * both[1]).mean()
    ax.set(title=f"{title}, {alikeness:.2f}", ylabel="standardised")
axes[-1].set_xlabel("input")
plt.show()

# %% [markdown]
# Solid and dashed lines of one colour are to be compared ({numref}`fig-10-toy`), and the
# number above a panel is their mean correlation. Look at the bottom first, where the two
# styles should be hard to tell apart, and then at the top, where they should not: what
# two networks share need not show in any neuron. A sceptic would say that SVCCA picks
# what correlates and shows us the best of it. Whether these directions matter to the
# network is another question.
#
# Does the network need more than those directions? *Projecting* a layer
# onto directions replaces each neuron by what the directions tell of it, its nearest
# vector in their span; the rest of the network runs on, and nothing is trained again.
# With the directions in the columns of $X W$ and the covariance $C$ of $X$, the centred
# layer becomes
#
# $$
# X P , \qquad P = W \, (W^\top C W)^{+} \, W^\top C .
# $$ (eq-10-projection)


# %%
def project(Z, C, W):
    """Centred rows Z (n, p), projected; C is the covariance of X."""
    told = W.T @ C
    inner = np.linalg.pinv(told @ W, rcond=1e-10, hermitian=True)
    return Z @ W @ (inner @ told)


# %%
weight, bias = (
    part[-1][0].detach().double().cpu().numpy()
    for part in (toys.weights, toys.biases)
)


def outputs_with(count):
    """Outputs of the first toy, its last layer on so many directions."""
    found = project(X - X.mean(0), np.cov(X.T), W[:, :count])
    return (X.mean(0) + found) @ weight + bias


# %%
some = [min(count, W.shape[1]) for count in (2, 4, 6, 15)]
outputs = {count: outputs_with(count) for count in some}
errors = {k: ((f - y) ** 2).mean() for k, f in outputs.items()}
{k: f"{error:.2g}" for k, error in errors.items()}

# %% mystnb={"figure": {"name": "fig-10-toy-outputs", "caption": "Outputs of the first network with its last hidden layer projected onto a few of its SVCCA directions; thin lines are the functions to learn. Above each panel the mean squared error."}, "image": {"alt": "Four panels, one for each number of directions: four outputs against the input, and thin lines for the four functions that were learnt."}} tags=["hide-input"]
grid = figures.new_panels(2, columns=2, sharex=True, sharey=True)
for ax, (count, found) in zip(grid.flat, outputs.items(), strict=False):
    ax.plot(x, y, color="0.5", linewidth=0.7)
    ax.set_prop_cycle(None)
    ax.plot(x, found)
    ax.set_title(f"{count} directions, {errors[count]:.2g}")
for ax in grid[1]:
    ax.set_xlabel("input")
for ax in grid[:, 0]:
    ax.set_ylabel("output")
plt.show()

# %% [markdown]
# Watch each colour come to its thin line as directions are added
# ({numref}`fig-10-toy-outputs`), some perhaps before others; the error, over all four
# functions, stands above each panel. The
# paper finds 30 of 200 directions enough for its functions.
#
# ## Networks that classify images
#
# The paper's convolutional network has two convolutions, batch normalisation and
# pooling, three more convolutions, batch normalisation and pooling, then two hidden
# layers, each with batch normalisation. Ours has the same layers and fewer channels.
# Images are moved at random while training on CIFAR-10, as in the paper, and digits are
# not.

# %% tags=["hide-input"]
if dataset == "cifar10":
    options = {"data_dir": data_dir, "seed": seed}
    images = data.cifar10(n_per_class=n_per_class, **options)
    tests = data.cifar10("test", n_per_class=n_test, **options)
else:
    every = data.digit_images(
        range(10), n_per_class=n_per_class + n_test, seed=seed
    )
    order = np.random.default_rng(seed).permutation(len(every.labels))
    order = order[np.argsort(every.labels[order], kind="stable")]
    by_class = order.reshape(10, -1)
    images = every.take(by_class[:, :n_per_class].ravel())
    tests = every.take(by_class[:, n_per_class:].ravel())
mixed = np.random.default_rng(seed).permutation(len(images.labels))
images = images.take(mixed)


# %%
print(len(images.labels), len(tests.labels), images.images.shape[1:])

# %% mystnb={"figure": {"name": "fig-10-images", "caption": "Eight images of each of the five classes whose outputs are followed below: two pairs that look alike, and one apart."}, "image": {"alt": "Five rows of eight images, one row for each of the five classes.", "classes": "dark-light"}} tags=["hide-input"]
named = [images.classes.index(name) for name in alike]
figures.plot_images(
    [images.images[images.labels == c][:8] for c in named]
)
plt.show()

# %% [markdown]
# Compare the first row with the second and the third with the fourth
# ({numref}`fig-10-images`): do they look more alike than other rows do?


# %%
def new_network(i):
    """Network of seed i with fresh weights, for these images."""
    w = width
    words = f"c{w} c{w} bn p c{2 * w} c{2 * w} c{2 * w} bn p "
    words += f"f{8 * w} bn f{4 * w} bn"
    _, channels, size, _ = images.images.shape
    shape = {"size": size, "channels": channels}
    return convnet(words, 10, seed=seed + i, **shape)


# %% [markdown]
# The layers that have weights, in order:

# %%
learning = [
    name
    for name, module in new_network(0).named_children()
    if any(True for _ in module.parameters())
]
print(" ".join(learning))

# %% [markdown]
# Each pair of networks has different initial weights and batches, and sees the same
# images. Of the first of each pair the weights are kept on the way.

# %%
times = {share: round(share * epochs) for share in (0, 0.35, 0.75, 1)}
early = np.geomspace(1, epochs, 8).round().astype(int).tolist()
followed = sorted({*times.values(), *early})
print(followed)

# %%
changes = {"epochs": epochs, "batch_size": batch_size}
changes["augment"] = "crop" if dataset == "cifar10" else "none"


def trained(i, freeze=None):
    """Network of seed i after training, and what was kept on the way."""
    network = new_network(i).to(compute.where)
    how = recipe("small", network, **changes)
    at = [epochs] if i % 2 else followed
    options = {"compute": compute, "checkpoints": checkpoints}
    options |= {"seed": seed + i, "epochs_kept": at, "freeze": freeze}
    way = train_with_snapshots(network, images, how, **options)
    return network.eval(), way


# %%
numbered = tqdm(range(2 * pairs), desc="networks", file=sys.stderr)
networks, ways = zip(*[trained(i) for i in numbered], strict=True)
first, second = networks[::2], networks[1::2]

# %%
test_inputs = NetworkInputs(tests)[:]
right = np.array(
    [accuracy(net, test_inputs, tests.labels) for net in networks]
)
record("10.accuracy", right[::2], within=(0, 1))

# %% [markdown]
# ## How many directions does a layer need?
#
# The directions that a layer shares with the same layer of the partner network are
# found on the training images. The layer is then projected onto the leading ones, the
# rest of the network runs on, and the *test* images are classified. Four kinds of
# directions compete: SVCCA directions; principal directions (the singular vectors,
# which need no second network and are not in the paper); the most active neurons; and
# neurons drawn at random.


# %%
def outputs_of(network, name, inputs):
    """Outputs of a layer as rows (n, p)."""
    found = record_layers(network, inputs, [name])[name]
    return found.flatten(1).double().cpu().numpy()


def partner_rows(rows, i):
    """Rows of the layer that is compared with; shuffled in the control."""
    draw = np.random.default_rng((seed, i))
    return draw.permutation(rows) if control else rows


# %% [markdown]
# A fifth kind asks how many neurons a direction needs: the neurons *important* to the
# first ten directions, those with the largest sum of inner products
# $\lvert \langle h_i, z_j \rangle \rvert$ of neuron $z_j$ with the directions $h_i$.


# %%
def importance(X, W):
    """Sum of inner products of each neuron with ten directions."""
    Z = X - X.mean(0)
    return abs((Z @ W[:, :10]).T @ Z).sum(0)


# %% [markdown]
# All kinds, as the columns of $W$:


# %%
def candidates(X, Y, i):
    """Coefficients (p, r) of each kind of direction, the first ones first."""
    neurons = np.eye(X.shape[1])
    draw = np.random.default_rng((seed, i, 1))
    W = directions(X, partner_rows(Y, i))[0]
    return {
        "SVCCA": W,
        "principal": kept(X)[2].T,
        "most active": neurons[:, np.argsort(-abs(X).mean(0))],
        "random": neurons[:, draw.permutation(X.shape[1])],
        "important": neurons[:, np.argsort(-importance(X, W))],
    }


# %% [markdown]
# What becomes of a neuron that is not chosen? It may be rebuilt from the chosen ones, by
# the same projection as with directions, or set to zero, which favours neurons least.
# Both are tried.

# %%
counts = [*range(1, 11), 12, 16, 24, 32, 48, 64]
counts += [c for c in (128, 256, 512) if dataset == "cifar10"]


def rebuilt(T, X, W):
    """Test rows T from the first directions, for each of the counts."""
    mean, C = X.mean(0), np.cov(X.T)
    return (mean + project(T - mean, C, W[:, :c]) for c in counts)


def zeroed(T, W):
    """Test rows T, all but the first neurons set to zero."""
    return (T * W[:, :c].any(1) for c in counts)


# %% [markdown]
# The rest of the network then runs on:


# %%
def accuracy_after(network, name, projected):
    """Share of test images that the rest of the network gets right."""
    place = [n for n, _ in network.named_children()].index(name)
    rest, where = network[place + 1 :], compute.where
    with torch.no_grad():
        scores = rest(torch.from_numpy(projected).float().to(where))
    found = scores.argmax(1).cpu().numpy()
    return float((found == tests.labels).mean())


# %%
def accuracies(i, name):
    """Accuracy (kind, count) of a layer of pair i after projections."""
    net, inputs = first[i], NetworkInputs(images)
    X, Y = (outputs_of(n, name, inputs) for n in (net, second[i]))
    T = outputs_of(net, name, test_inputs)
    rows = {}
    for kind, W in candidates(X, Y, i).items():
        rows[kind] = rebuilt(T, X, W)
        if kind not in ("SVCCA", "principal"):
            rows[f"{kind}, others zero"] = zeroed(T, W)
    found = [
        [accuracy_after(net, name, r) for r in of]
        for of in rows.values()
    ]
    coords = {"kind": list(rows), "count": counts}
    return xr.DataArray(found, coords, list(coords))


# %%
probed = ["p2", "fc1", "fc2"]
numbered = tqdm(range(pairs), desc="directions", file=sys.stderr)
by_pair = [
    xr.concat([accuracies(i, name) for name in probed], "layer")
    for i in numbered
]
projected = xr.concat(by_pair, "seed").assign_coords(layer=probed)
record("10.curve.directions", projected)
projected.sel(layer="fc1", count=5).mean("seed").to_series().round(3)

# %% [markdown]
# These are the accuracies with five directions or neurons of one layer; now of all
# counts and three layers.

# %% mystnb={"figure": {"name": "fig-10-directions", "caption": "Accuracy on test images when a layer is projected onto some of its directions or neurons, none trained again: mean over pairs of networks, bands from least to greatest. Thin lines: the same neurons with all others set to zero; grey: the network as it is, with all directions."}, "image": {"alt": "Three panels below each other, the last pooling layer and the two hidden layers after it. Accuracy against the number of directions on a logarithmic axis, for SVCCA directions, principal directions, most active and random neurons, the neurons also with all others set to zero."}} tags=["hide-input", "lead-figure"]
axes = figures.new_panels(3, sharex=True, sharey=True)
shown = ["SVCCA", "principal", "most active", "random"]
for ax, name in zip(axes, probed, strict=True):
    of = projected.sel(layer=name)
    curves = {kind: of.sel(kind=kind).values for kind in shown}
    figures.plot_curves(
        curves,
        counts,
        ax=ax,
        xlabel="directions or neurons",
        ylabel=f"accuracy, {name}",
        legend=False,
    )
    lines = dict(zip(shown, ax.get_lines(), strict=True))
    for kind in ("most active", "random"):
        zero = of.sel(kind=f"{kind}, others zero").mean("seed")
        (thin,) = ax.plot(counts, zero, linewidth=0.7)
        thin.set(
            color=lines[kind].get_color(),
            linestyle=lines[kind].get_linestyle(),
            label=f"{kind}, others 0",
        )
    whole = right[::2].mean()
    ax.axhline(whole, color="0.45", linewidth=0.7, label="all")
    ax.set_ylabel(f"accuracy, {name}")
figures.log_axis(axes[0])
axes[0].legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=2)
plt.show()

# %% tags=["hide-input"]
few = projected.sel(count=slice(1, 9)).mean("count")  # ten classes
for name in probed:
    of, ten = few.sel(layer=name), projected.sel(layer=name, count=10)
    svcca = of.sel(kind="SVCCA")
    best = of.sel(kind=["most active", "random"]).max("kind")
    record(f"10.kept.{name}", ten.sel(kind="SVCCA"), within=(0, 1))
    record(
        f"10.principal.{name}", ten.sel(kind="principal"), within=(0, 1)
    )
    record(f"10.loss.{name}", right[::2] - ten.sel(kind="SVCCA").values)
    record(f"10.lead.{name}", (svcca - best).values)
    behind = (of.sel(kind="principal") - svcca).values
    record(f"10.lead.principal.{name}", behind)

# %% [markdown]
# Read each panel of {numref}`fig-10-directions` from the left: the sooner a line comes to
# the grey one, the fewer directions or neurons the layer needs; one class in ten is
# right by guessing. With ten SVCCA directions the accuracy is
# {glue:text}`10.kept.p2.mean:.3f` in the pooling layer,
# {glue:text}`10.kept.fc1.mean:.3f` in the first fully connected and
# {glue:text}`10.kept.fc2.mean:.3f` in the second. On average over one to nine directions
# they lead the better kind of single neurons by
# {glue:text}`10.lead.p2.mean:.2f`, {glue:text}`10.lead.fc1.mean:.2f` and
# {glue:text}`10.lead.fc2.mean:.2f`, although all other neurons are rebuilt from the
# chosen ones. The thin lines, where the others are zero, are the ones to compare with
# the paper's figure, in which neurons need many times as many.
#
# A sceptic asks what the second network is for. Principal directions of the one network
# lead its SVCCA directions by {glue:text}`10.lead.principal.p2.mean:.3f`,
# {glue:text}`10.lead.principal.fc1.mean:.3f` and
# {glue:text}`10.lead.principal.fc2.mean:.3f` (negative where they fall behind). SVCCA
# adds that another network has such directions too. *Alignment* ({eq}`eq-01-area`) asks
# a related question and weighs directions by singular value: its area can be small
# ({numref}`fig-10-convergence`) where ten principal directions are enough.
#
# How many neurons does a direction need? The fewest of the most important neurons that
# are, to a hundredth, as accurate as the first ten directions (where none of the numbers
# tried is enough, the largest of them stands for it):


# %%
def neurons_needed(of, kind):
    """Neurons per direction that reach the accuracy of ten directions."""
    goal = of.sel(kind="SVCCA", count=10) - 0.01
    enough = (of.sel(kind=kind) >= goal).values
    reached = np.where(
        enough.any(1), np.array(counts)[enough.argmax(1)], counts[-1]
    )
    return reached / 10


# %% tags=["hide-input"]
kinds = {"rebuilt": "important", "zero": "important, others zero"}
needed = {}
for name in probed:
    of = projected.sel(layer=name)
    for short, kind in kinds.items():
        key = f"10.neurons.{short}.{name}"
        needed[name, short] = record(key, neurons_needed(of, kind))
table(
    ["Layer", "Others rebuilt", "Others set to zero"],
    [[n, needed[n, "rebuilt"], needed[n, "zero"]] for n in probed],
)

# %% [markdown]
# The paper finds at least five neurons per direction, and calls the directions
# distributed. The two columns say how much of this is a matter of what becomes of the
# other neurons: what several neurons hold together, a few of them may tell as well.
#
# ## When does a layer converge?
#
# Every layer at several times of training is compared with every layer of the same
# network at the end.

# %%
compared = images.take(np.arange(min(n_compare, len(images.labels))))
compared_inputs = NetworkInputs(compared)
children = [name for name, _ in new_network(0).named_children()]
layers = [name for name in children if name != "flat"]
print(len(compared.labels), "images;", " ".join(layers))

# %% [markdown]
# Feature maps are averaged over positions, so that layers of any size compare; the paper
# takes positions as samples, or a Fourier transform, where sizes allow.


# %%
def features_of(network):
    """Features of every layer, maps averaged over positions."""
    found = record_layers(network, compared_inputs, layers)
    return {
        name: (h.mean((2, 3)) if h.ndim == 4 else h)
        .double()
        .cpu()
        .numpy()
        for name, h in found.items()
    }


def features_at(i, epoch):
    """Features of the first network of pair i after so many epochs."""
    network = new_network(2 * i)
    network.load_state_dict(ways[2 * i].weights[epoch])
    return features_of(network)


# %% [markdown]
# The bases need no second look at the other layer, so all pairs of layers cost one
# decomposition per layer and a small one per pair. The alignment of each layer with the
# classes is taken on the way.

# %%
targets = one_vs_rest(compared.labels)
bases, area = {}, np.zeros((pairs, len(followed), len(layers)))
for i in tqdm(range(pairs), desc="layers", file=sys.stderr):
    for t, epoch in enumerate(followed):
        found = list(features_at(i, epoch).values())
        bases[i, epoch] = [kept(h)[0] for h in found]
        aligned = [alignment(h, targets).excess() for h in found]
        area[i, t] = [excess.mean() for excess in aligned]

# %% [markdown]
# What would chance give? If the rows of one layer are shuffled, nothing is shared, and
# yet no correlation is 0: with $p$ and $q$ directions kept in $n$ rows the mean of
# $\rho_i^2$ is exactly $\max(p, q) / (n - 1)$ on average over all permutations.


# %%
def correlations(U, V):
    """Canonical correlations of two layers, by their bases."""
    return np.linalg.svd(U.T @ V, compute_uv=False)


draw = np.random.default_rng(seed)
U, V = bases[0, followed[0]][-3], bases[0, epochs][-3]
shuffles = [V[draw.permutation(len(V))] for _ in range(50)]
squares = [(correlations(U, R) ** 2).mean() for R in shuffles]
formula = max(U.shape[1], V.shape[1]) / (len(V) - 1)
print(f"{np.mean(squares):.4f} by permutations, {formula:.4f} exact")

# %% [markdown]
# Of the mean of $\rho_i$ there is no such formula, so that some permutations stand in for
# all. The *calibrated* similarity is (value - chance) / (1 - chance): 0 where nothing is
# shared, 1 where all is.


# %%
def compare(U, V, draw, permutations=3):
    """SVCCA of two layers, its level of chance and calibrated value."""
    shuffles = [
        V[draw.permutation(len(V))] for _ in range(permutations)
    ]
    chance = np.mean([correlations(U, R).mean() for R in shuffles])
    value = correlations(U, shuffles[0] if control else V).mean()
    return value, chance, (value - chance) / (1 - chance)


# %% [markdown]
# `similarity.significance` does the same with any measure, and tests it; here of the
# second hidden layer at the start and at the end of training:

# %%
similarity.significance(
    "svcca",
    features_at(0, 0)["fc2"],
    features_at(0, epochs)["fc2"],
    permutations=50,
    generator=draw,
)


# %%
def all_layers(rows, columns):
    """Value, chance and calibrated value (3, rows, columns)."""
    cells = [[compare(U, V, draw) for V in columns] for U in rows]
    return np.moveaxis(np.array(cells), -1, 0)


matrices = {
    f"{share:.0%}": all_layers(bases[0, epoch], bases[0, epochs])
    for share, epoch in times.items()
}
{when: found[:, -1, -1].round(3) for when, found in matrices.items()}

# %% [markdown]
# These are the value, chance and the calibrated value of the outputs with themselves at
# the end. All layers:

# %% mystnb={"figure": {"name": "fig-10-layers", "caption": "SVCCA of every layer of the first network at four times of its training (rows) with every layer at the end (columns), raw on the left and calibrated on the right, where 0 is what chance gives. Not every layer is named; the outputs are last."}, "image": {"alt": "Four rows of two matrices, layers by layers, at 0, 35, 75 and 100 per cent of training: raw similarity on the left, calibrated on the right."}} tags=["hide-input"]
grid = figures.new_panels(
    4, columns=2, height=2.4, sharex=True, sharey=True
)
for row, (when, found) in zip(grid, matrices.items(), strict=True):
    for ax, kind in zip(row, ("raw", "calibrated"), strict=True):
        figures.plot_layer_matrix(
            found[0 if kind == "raw" else 2],
            rows=layers,
            ax=ax,
            ylabel=f"{when} of training",
            xlabel="end of training",
            legend=False,
        )
for ax, kind in zip(grid[0], ("raw", "calibrated"), strict=True):
    ax.set_title(kind)
bar = {"location": "bottom", "shrink": 0.6, "aspect": 30}
plt.colorbar(grid[0, 0].images[0], ax=grid, label="SVCCA", **bar)
plt.show()

# %% [markdown]
# Look at the diagonals first ({numref}`fig-10-layers`): 1 at 100 %, where a network is
# compared with itself, and before that the further a layer is from its end, the lower on
# the colour bar. Batch normalisation multiplies each channel and adds to it, which SVCCA
# hardly sees: it and the layer before it should form squares of nearly one colour, as in
# the paper. Then look off the diagonal. A layer of few directions against one of many is
# an easy comparison: the mean is over the smaller number, and the larger span has room
# for it. A sceptic would call that chance; the right column removes chance, and what
# remains there is more than that.
#
# How does each layer come to its end?


# %%
def with_the_end(i, epoch):
    """SVCCA, chance and calibrated value (layers, 3) of network i."""
    both = zip(bases[i, epoch], bases[i, epochs], strict=True)
    return [compare(U, V, draw) for U, V in both]


diagonal = np.array(
    [[with_the_end(i, e) for e in followed] for i in range(pairs)]
)
diagonal.shape  # (pairs, times, layers, 3)

# %%
axes_of = {"seed": range(pairs), "epoch": followed, "layer": layers}
similar = xr.DataArray(diagonal[..., 2], axes_of, list(axes_of))
aligned = xr.DataArray(area, axes_of, list(axes_of))
record("10.curve.similarity", similar)
record("10.curve.alignment", aligned)
similar.sel(layer="fc2").mean("seed").to_series().round(3)

# %% mystnb={"figure": {"name": "fig-10-convergence", "caption": "Above: calibrated SVCCA of a layer with itself at the end of training. Below: its alignment with the classes, 1 at most. Chance is 0 in both. Mean over networks, bands from least to greatest."}, "image": {"alt": "Two panels against the epoch, a line for each of six layers from the first convolution to the outputs: above the similarity to the end of training, below the alignment with the classes."}} tags=["hide-input"]
axes = figures.new_panels(2, sharex=True)
told = {
    "SVCCA with the end": similar,
    "alignment, classes": aligned,
}
for ax, (what, values) in zip(axes, told.items(), strict=True):
    figures.plot_curves(
        {
            n: values.sel(layer=n).values
            for n in ("c1", "c3", "p2", "fc1", "fc2", "logits")
        },
        followed,
        ax=ax,
        xlabel="epoch",
        ylabel=what,
        legend="above" if ax is axes[0] else False,
        chance=np.zeros(len(followed)),
    )
    ax.set_ylim(-0.03, 1.03)
figures.count_axis(axes[1])
plt.show()

# %% [markdown]
# A line that is high early belongs to a layer that has little way to go
# ({numref}`fig-10-convergence`, above): from the bottom up would be an order of the lines
# by depth, the first layer on top. Do not read the left end as convergence: there no
# layer has learnt anything, and the lines are apart already.
#
# Does similarity fall with depth? Kendall's rank correlation of the two over the hidden
# layers, batch normalisation aside, says so at 35 % of training; at the start; and for
# *progress*, the share of the way from the start that a layer has gone,
# $(s_t - s_0) / (1 - s_0)$.

# %%
hidden = [n for n in layers if n[:2] != "bn" and n != "logits"]
at = similar.sel(layer=hidden)
start, later = at.sel(epoch=0), at.sel(epoch=times[0.35])
progress = (later - start) / (1 - start)
progress.mean("seed").to_series().round(3)


# %%
def order(values):
    """Kendall's correlation of a value with depth, for each network."""
    return [
        kendalltau(range(len(hidden)), row).statistic
        for row in values.values
    ]


record("10.order.start", order(start), within=(-1, 1))
record("10.order.progress", order(progress), within=(-1, 1))
record("10.order", order(later), within=(-1, 1))

# %% tags=["hide-input"]
for name, layer in {
    "first": "c1",
    "last": "fc2",
    "out": "logits",
}.items():
    one, other = similar.sel(layer=layer), aligned.sel(layer=layer)
    mid = {"epoch": times[0.35]}
    record(f"10.similarity.{name}", one.sel(mid).values)
    record(f"10.alignment.{name}", other.sel(mid).values)
    record(f"10.alignment.{name}.end", other.values[:, -1])

# %% [markdown]
# At 35 % of training the correlation is {glue:text}`10.order`; below 0 layers converge
# from the bottom up. A sceptic sees that it is {glue:text}`10.order.start` before the
# first step, when a layer of random weights is compared with what will become of it:
# some of the order is there without any learning. The progress from there has
# {glue:text}`10.order.progress`. The *outputs* are an exception in the paper, since the
# task holds them; here they are at
# {glue:text}`10.similarity.out.mean:.2f` while the last hidden layer is at
# {glue:text}`10.similarity.last.mean:.2f`.
#
# ## What alignment sees, and SVCCA does not
#
# The two panels of {numref}`fig-10-convergence` are the same layers at the same times.
# At 35 % of training SVCCA with the end is
# {glue:text}`10.similarity.first.mean:.2f` in the first layer and
# {glue:text}`10.similarity.last.mean:.2f` in the last hidden one; alignment with the
# classes, calibrated as well, is
# {glue:text}`10.alignment.first.mean:.2f` in the first and
# {glue:text}`10.alignment.last.mean:.2f` in the last hidden layer, which at the end of
# training has {glue:text}`10.alignment.last.end.mean:.2f`. SVCCA compares a layer with a
# later state of itself: it says *whether* the layer still moves, without a target, and
# not what the layer is good for; a layer that never changes would be converged from the
# start. Alignment compares it with the classes: it says how well leading directions
# fit the task, and does not see a layer that turns into another of equal alignment.
# And SVCCA counts each direction kept alike, large or small, while alignment
# weighs it by its singular value.
#
# ## Freeze training
#
# If layers converge from the bottom up, they need not be trained to the end. In *freeze
# training* layer $\ell$ of $L$ stops at $\ell / L$ of the epochs: its weights stay as
# they are, and no gradient passes through it or below. Layers that only pool are not
# counted. In the control all layers but the last stop at the start.

# %%
freeze = {
    name: 0.0 if control else (place + 1) / len(learning)
    for place, name in enumerate(learning)
}
freeze["logits"] = 1.0
{name: round(share, 2) for name, share in freeze.items()}

# %%
numbered = tqdm(range(pairs), desc="freezing", file=sys.stderr)
frozen, frozen_ways = zip(
    *[trained(2 * i, freeze) for i in numbered], strict=True
)
frozen = [accuracy(n, test_inputs, tests.labels) for n in frozen]
cost = np.array(frozen) - right[::2]
record("10.freeze.accuracy", cost)

# %% [markdown]
# What does it save? PyTorch counts the operations of a step, forward and backward.


# %%
def operations(epoch):
    """Operations of a step in this epoch."""
    network = new_network(0).train()
    for name, layer in network.named_children():
        stops = freeze.get(name, 1) * epochs
        layer.requires_grad_(epoch < stops)
    batch = NetworkInputs(images)[:batch_size]
    with FlopCounterMode(display=False) as counter:
        network(batch).sum().backward()
    return counter.get_total_flops()


spent = np.array([operations(epoch) for epoch in range(epochs)])
share = spent / spent[0]
record("10.freeze.operations", share.mean(), within=(0, 1), exact=True)

# %%
seconds = [
    f.seconds / w.seconds
    for f, w in zip(frozen_ways, ways[::2], strict=True)
]
print(f"seconds of the steps: {np.mean(seconds):.2f} of those without")

# %% mystnb={"figure": {"name": "fig-10-freeze", "caption": "Above: operations of a training step, relative to the first, as layers are frozen from the first to the last. Below: accuracy on test images of the same networks with all layers trained to the end and with freezing; dots are networks."}, "image": {"alt": "Two panels. Above, the share of operations per step against the epoch falls in steps. Below, test accuracies with and without freezing."}} tags=["hide-input"]
axes = figures.new_panels(2)
axes[0].step(range(epochs), share, where="post")
axes[0].set(xlabel="epoch", ylabel="operations", ylim=(0, 1.03))
figures.count_axis(axes[0])
both = {"all trained": right[::2], "frozen": np.array(frozen)}
figures.plot_intervals(
    {"test images": both},
    ax=axes[1],
    within=(0, 1),
    ylabel="accuracy",
    legend=False,
)
plt.show()

# %% [markdown]
# Each step down is a layer that stops ({numref}`fig-10-freeze`, above). Below, compare the
# dots, which are the same networks in the same order. Training with freezing takes
# {glue:text}`10.freeze.operations.mean:.2f` of the operations and changes the accuracy by
# {glue:text}`10.freeze.accuracy`. The paper finds it equal or better, over ten networks
# and much longer trainings. A frozen layer still runs forwards, so a part of the
# operations remains. Small networks spend much of a step on other things than
# operations, so that seconds, printed above, may fall less; they depend on the machine
# and are not recorded. A sceptic would ask for the accuracy of a training of all layers
# that is shorter by as many operations; it has not been compared here.
#
# ## Which layers know which class?
#
# Each class has an output, its logit. Its correlation with the best combination of a
# layer's channels says how far the layer knows that class. The paper compares maps with
# the help of the two-dimensional Fourier transform of each channel. A logit has no
# positions: as a map it is constant, and its transform is 0 but at frequency zero. So
# only frequency zero of the layer counts, which is the sum over positions:

# %%
h = record_layers(first[0], compared_inputs[:100], ["c3"])["c3"]
transform = torch.fft.fft2(h.double())
mean = transform[:, :, 0, 0].real / (h.shape[2] * h.shape[3])
float((mean - h.double().mean((2, 3))).abs().max())

# %% [markdown]
# The average over positions, used wherever this page compares layers, is thus the paper's
# way here. With one direction on the other side, chance gives $\rho^2$ a mean of
# $p / (n - 1)$, with $p$ the rank of the layer, and the calibrated value follows.


# %%
def sensitivity(features, logit, i):
    """Squared correlation of a logit with a layer, and chance."""
    found = similarity.cca(features, partner_rows(logit, i)[:, None])
    return found.correlations[0] ** 2, found.ranks[0] / (len(logit) - 1)


# %%
def sensitivities(i):
    """The same (layers, classes, 2) of all layers and five classes."""
    found = features_at(i, epochs)
    logits = found["logits"][:, named].T
    return [
        [sensitivity(found[name], logit, i) for logit in logits]
        for name in layers[:-1]
    ]


parts = np.array([sensitivities(i) for i in range(pairs)])
value, chance = parts[..., 0], parts[..., 1]
known = (value - chance) / (1 - chance)
known.shape  # (pairs, layers, classes)

# %% [markdown]
# The gap between the curves of two classes is their mean distance over layers. Are gaps
# smaller between classes that look alike?

# %%
gaps = np.abs(known[..., None] - known[..., None, :]).mean(1)
pair_gap = (gaps[:, 0, 1] + gaps[:, 2, 3]) / 2
others = gaps[:, [0, 0, 1, 1], [2, 3, 2, 3]].mean(1)
record("10.classes.alike", others - pair_gap)

# %% mystnb={"figure": {"name": "fig-10-classes", "caption": "How far each layer knows the outputs of five classes: squared correlation with the best combination of its channels, calibrated, mean over networks. Two pairs of classes look alike."}, "image": {"alt": "Squared correlation with the class output against the layers from the first to the last, a line for each of five classes."}} tags=["hide-input"]
ax = figures.plot_curves(
    {alike[k]: known[:, :, k].mean(0) for k in range(len(alike))},
    range(len(layers) - 1),
    ax=figures.new_panels(height=3),
    xlabel="",
    ylabel="squared correlation",
    legend="above",
    chance=np.zeros(len(layers) - 1),
)
ax.set_xticks(range(len(layers) - 1), layers[:-1], rotation=60)
plt.show()

# %% [markdown]
# A line says how far a class is known in each layer ({numref}`fig-10-classes`): compare
# the first with the second and the third with the fourth. In the paper all classes
# become better known from layer to layer, the curves of like classes (two terriers; a
# husky and an Eskimo dog) lie together, and that of a fire truck above. Here the gap
# between the curves of classes that do not look alike, less that between those that do,
# is {glue:text}`10.classes.alike`: where that is not clearly above 0, looks do not tell
# which curves lie together. Do not be surprised by the last two layers: all curves are
# at 1 there by construction, since an output is a linear combination of their units. A
# sceptic would add that two pairs of classes are a small sample of what looks alike.
#
# ## Do two networks learn the same?
#
# Pairs of networks differ in weights and batches. All layers of one with all of the
# other, at the end of training:

# %%
ends = [
    [kept(h)[0] for h in features_of(net).values()] for net in second
]
between = np.array(
    [all_layers(bases[i, epochs], ends[i]) for i in range(pairs)]
)
between.shape  # (pairs, 3, layers, layers)

# %% mystnb={"figure": {"name": "fig-10-initialisations", "caption": "SVCCA of all layers of two networks that differ in initial weights and batches, mean over pairs: raw on the left, calibrated on the right. Not every layer is named; the outputs are last."}, "image": {"alt": "Two matrices, layers of one network by layers of the other, raw and calibrated similarity."}} tags=["hide-input"]
axes = figures.new_panels(columns=2, height=3, sharey=True)
for ax, kind, k in zip(
    axes, ("raw", "calibrated"), (0, 2), strict=True
):
    figures.plot_layer_matrix(
        between[:, k].mean(0),
        rows=layers,
        ax=ax,
        xlabel="another network",
        ylabel="one network",
        legend=False,
    )
    ax.set_title(kind)
plt.colorbar(axes[0].images[0], ax=axes, label="SVCCA", **bar)
plt.show()

# %%
same = xr.DataArray(
    np.diagonal(between[:, 2], axis1=1, axis2=2),
    {"seed": range(pairs), "layer": layers},
    ["seed", "layer"],
)
record("10.curve.between", same)
same.mean("seed").to_series().round(3)

# %%
middle = same.sel(layer=hidden[1:]).mean("layer")
for name, layer in (("first", "c1"), ("out", "logits")):
    gap = (same.sel(layer=layer) - middle).values
    record(f"10.between.{name}", gap)
record("10.between.middle", middle.values)

# %% tags=["hide-input"]
for when, found in {
    "start": features_at(0, 0),
    "end": features_of(first[0]),
    "another": features_of(second[0]),
}.items():
    some = {name: rows[:300] for name, rows in found.items()}
    labels = compared.labels[:300]
    record_features(f"10.layers.{when}", some, labels=labels)

# %% [markdown]
# The package compares all layers of two networks in one pass over the images, without
# keeping features. It finds the same, the largest difference being

# %%
both = {"layers_x": layers, "layers_y": layers, "measure": "svcca"}
streamed = layer_similarity(
    first[0], second[0], compared_inputs, **both
)
print(abs(streamed.values - between[0, 0]).max())

# %% [markdown]
# The diagonal tells how far two networks agree ({numref}`fig-10-initialisations`). The
# hidden layers after the first are at {glue:text}`10.between.middle.mean:.2f` on
# average, the first layer is {glue:text}`10.between.first.mean:.2f` above that and the
# outputs are {glue:text}`10.between.out.mean:.2f` above: ten outputs of networks that
# classify the same images well have little choice. A first layer above the
# middle need not have learnt it: any two sets of filters see the same edges
# ({ref}`sec-09`). Off the diagonal the row and the column of the outputs compare ten
# directions with spans of many more, which is easy. A sceptic adds that layers keep
# different numbers of directions, and that the mean counts a direction of little
# variance, which noise may fill, like any other; {ref}`sec-11` weighs them.
#
# (sec-10-released)=
# ## Why does my number differ?
#
# Released codes of SVCCA, {eq}`eq-10-svcca`, and PWCCA, {eq}`eq-11-pwcca`, depart from
# the formulas of the papers. Five of the ways, written from their description, on one
# kind of input, drawn anew for each value: two layers of 2,000 rows and 200 units that
# share directions of falling strength, $1 / k$ for the $k$-th, with a little noise of
# their own, and units whose means are as large as their deviations, as after a ReLU.


# %%
def layers_of_one_input(rng, rows=2000, units=200):
    """Two layers (rows, units) that share directions of strength 1 / k."""
    strength = 1 / np.arange(1, units + 1)
    shared = rng.normal(size=(rows, units)) * strength
    for _ in range(2):
        turn = np.linalg.qr(rng.normal(size=(units, units)))[0]
        h = shared @ turn + 0.01 * rng.normal(size=(rows, units))
        yield h + h.std(0)


# %%
inputs = [
    tuple(layers_of_one_input(np.random.default_rng(seed + i)))
    for i in range(pairs)
]
X, Y = inputs[0]
X.shape, Y.shape

# %% [markdown]
# SVCCA in three variants: singular values to another `power` when directions are kept,
# units that are not centred, and the mean over the `first` correlations alone.


# %%
def leading(X, *, power=1, centre=True):
    """Basis of the directions that hold 99 %."""
    X = X - X.mean(0) if centre else X
    U, s, _ = np.linalg.svd(X, full_matrices=False)
    held = np.cumsum(s**power) / (s**power).sum()
    return U[:, : np.searchsorted(held, 0.99) + 1]


def svcca_of_code(X, Y, *, first=1.0, **how):
    """SVCCA by its formula, or with what codes do otherwise."""
    rho = correlations(leading(X, **how), leading(Y, **how))
    held = np.cumsum(rho) / rho.sum()
    return rho[: np.searchsorted(held, first) + 1].mean()


print(svcca_of_code(X, Y) - similarity.svcca(X, Y))

# %% [markdown]
# PWCCA weighs the direction $h_i = U a_i$ by what the units hold of it. In the paper's
# form $U a_i \propto X S^{-1/2} u_i$ with the covariance $S$ of $X$; without the factor
# $S^{-1/2}$ the vectors $X u_i$ are not orthonormal, are made so one after the other, and
# turn away from the $\rho_i$ that they weigh. With the means added back the first of them
# leans on the mean instead.


# %%
def pwcca_of_code(X, Y, *, whiten=True, means=False):
    """PWCCA by its formula, or with what codes do otherwise."""
    centred = X - X.mean(0)
    U, _, Vt = np.linalg.svd(centred, full_matrices=False)
    R = np.linalg.svd(Y - Y.mean(0), full_matrices=False)[0]
    A, rho, _ = np.linalg.svd(U.T @ R)
    h = U @ A if whiten else centred @ (Vt.T @ A)
    h = h + X.mean(0) if means else h  # one mean a direction
    basis = np.linalg.qr(h)[0]
    weights = abs(basis.T @ (X if means else centred)).sum(1)
    return weights @ rho / weights.sum()


print(pwcca_of_code(X, Y) - similarity.pwcca(X, Y))

# %%
codes = {
    "svcca.mean": (svcca_of_code, {"first": 0.98}),
    "svcca.variance": (svcca_of_code, {"power": 2}),
    "svcca.uncentred": (svcca_of_code, {"centre": False}),
    "pwcca.unwhitened": (pwcca_of_code, {"whiten": False}),
    "pwcca.means": (pwcca_of_code, {"whiten": False, "means": True}),
}
formula = {f: [f(X, Y) for X, Y in inputs] for f, _ in codes.values()}

# %%
kind = {"within": (0, 1), "exact": True}
record("10.formula.svcca", formula[svcca_of_code], **kind)
record("10.formula.pwcca", formula[pwcca_of_code], **kind)
for name, (f, changed) in codes.items():
    found = [f(X, Y, **changed) for X, Y in inputs]
    record(f"10.code.{name}", found, **kind)
    departs = np.subtract(found, formula[f])
    record(f"10.departs.{name}", departs, exact=True)

# %% [markdown]
# | What a code does | Its number | Formula | Departs by |
# |---|---|---|---|
# | SVCCA: the mean over the first $\rho_i$ alone, up to 98 % of their sum | {glue:text}`10.code.svcca.mean.mean:.3f` | {glue:text}`10.formula.svcca.mean:.3f` | {glue:text}`10.departs.svcca.mean` |
# | SVCCA: 99 % of the variance, not of the sum of singular values | {glue:text}`10.code.svcca.variance.mean:.3f` | {glue:text}`10.formula.svcca.mean:.3f` | {glue:text}`10.departs.svcca.variance` |
# | SVCCA: units are not centred | {glue:text}`10.code.svcca.uncentred.mean:.3f` | {glue:text}`10.formula.svcca.mean:.3f` | {glue:text}`10.departs.svcca.uncentred` |
# | PWCCA: directions without $S^{-1/2}$ | {glue:text}`10.code.pwcca.unwhitened.mean:.3f` | {glue:text}`10.formula.pwcca.mean:.3f` | {glue:text}`10.departs.pwcca.unwhitened` |
# | PWCCA: the same, and the means added back | {glue:text}`10.code.pwcca.means.mean:.3f` | {glue:text}`10.formula.pwcca.mean:.3f` | {glue:text}`10.departs.pwcca.means` |
#
# The formula's numbers are those of `similarity.svcca` and `similarity.pwcca`, printed
# above as differences. On other input the departures are others, and another number of
# rows or of directions kept, other positions of a map or the other order of the two
# layers (PWCCA) move a number as well: say them with it. The paper of SVCCA itself speaks
# of 99 % of the variance and writes the sum of singular values in its appendix;
# `similarity.svcca(..., keep_of="variance")` is the other reading.
#
# ## What was found
#
# | Finding | Last pooling | First fully connected | Second |
# |---|---|---|---|
# | Accuracy lost with ten directions | {glue:text}`10.loss.p2` | {glue:text}`10.loss.fc1` | {glue:text}`10.loss.fc2` |
# | One to nine directions above as many neurons | {glue:text}`10.lead.p2` | {glue:text}`10.lead.fc1` | {glue:text}`10.lead.fc2` |
# | Principal directions above SVCCA directions | {glue:text}`10.lead.principal.p2` | {glue:text}`10.lead.principal.fc1` | {glue:text}`10.lead.principal.fc2` |
# | Neurons for a direction, others rebuilt | {glue:text}`10.neurons.rebuilt.p2` | {glue:text}`10.neurons.rebuilt.fc1` | {glue:text}`10.neurons.rebuilt.fc2` |
# | the same, others set to zero | {glue:text}`10.neurons.zero.p2` | {glue:text}`10.neurons.zero.fc1` | {glue:text}`10.neurons.zero.fc2` |
#
# | Finding | This run |
# |---|---|
# | Depth and progress to the end at 35 % of training, rank correlation | {glue:text}`10.order.progress` |
# | Depth and similarity to the end at 35 % of training | {glue:text}`10.order` |
# | the same before training | {glue:text}`10.order.start` |
# | Accuracy with freezing less that without | {glue:text}`10.freeze.accuracy` |
# | Operations with freezing, share | {glue:text}`10.freeze.operations.mean:.2f` |
# | Curves of unlike classes further apart than of like ones | {glue:text}`10.classes.alike` |
# | Two networks: first layer above the middle | {glue:text}`10.between.first` |
# | the same, outputs above the middle | {glue:text}`10.between.out` |
#
# A number below 0 is the other way round. What of the paper's claims holds is said at the
# top of the page.
#
# Our choices: digits or a part of CIFAR-10 and fewer channels than the paper's network,
# stochastic gradient descent with momentum and a cosine schedule (the paper names
# none), averages over positions, the toy's functions, the projection of
# {eq}`eq-10-projection`, which keeps the mean and is the most favourable one to single
# neurons, and the principal directions to compare with. Directions are found on
# training images and tried on test images. The paper's residual networks, its language
# model and its ImageNet classes are not here.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-10-1
#
# Show that SVCCA with `keep=1` does not change when $X$ is multiplied by an invertible
# matrix, and that with `keep=0.99` it may.
# :::
#
# :::{solution} ex-10-1
# :class: dropdown
#
# $X M$ has the same span as $X$, so that $U_{XM} = U_X Q$ with an orthogonal $Q$; the
# singular values of $Q^\top U_X^\top U_Y$ are those of $U_X^\top U_Y$. With 99 % the
# first step drops small singular directions, and $M$ decides which are small: stretch a
# dropped direction enough and it is kept. Rotations and one factor for all change no
# singular value, and nothing.
# :::
#
# :::{exercise}
# :label: ex-10-2
#
# $X$ and $Y$ are independent, of 50 neurons each. What is the mean of $\rho_i^2$ with
# 100 rows? With 60?
# :::
#
# :::{solution} ex-10-2
# :class: dropdown
#
# 50 / 99, one half: with few rows independent layers look alike. With 60 rows it is
# 50 / 59, and $50 + 50 - 59 = 41$ of the correlations are exactly 1, since the two
# spans have no room to avoid each other.
# :::
#
# :::{exercise}
# :label: ex-10-3
#
# Why can nine directions be enough for ten classes, and fewer if errors are allowed?
# :::
#
# :::{solution} ex-10-3
# :class: dropdown
#
# The decision depends on differences of ten logits: nine linear functions of the last
# hidden layer. Projected onto a span that holds those nine directions, the layer gives
# the same decisions. In a plane ten classes still fit as ten sectors around a point, if
# the weights of the outputs allow it.
# :::
#
# :::{exercise}
# :label: ex-10-4
#
# Freeze from the top down instead. What do you expect of the operations, and of the
# accuracy?
# :::
#
# :::{solution} ex-10-4
# :class: dropdown
#
# Gradients for lower layers still pass through the frozen upper ones: only the products
# that give the gradients of frozen weights are saved, about a third of a layer's.
# Random upper layers are kept from learning while the lower ones adapt to them.
# :::
#
# ## Provenance

# %% tags=["provenance", "hide-input"]
provenance(
    datasets=[images.about, tests.about],
    device=compute.where,
    precision="float32",
    seeds=f"{pairs} pairs of networks",
)
