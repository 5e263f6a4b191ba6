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
# (sec-04)=
# # Layer by layer, towards the output
#
# After training, hidden layers are the better aligned with the targets the nearer they
# are to the output. The claim is made for multilayer perceptrons (MLPs) and for
# convolutional networks (CNNs); a vision transformer (ViT) is asked as well, all three
# on the same images.

# %% tags=["parameters"]
# fmt: off
dataset: str = "digits"  # {digits, cifar10}: images with classes
first: str = "0"  # class with target -1
second: str = "1"  # class with target +1
n_per_class: int = 75  # {10..}: images of each class
width: int = 128  # {1..}: units per hidden layer of the MLPs
depth: int = 3  # {2..}: hidden layers of the MLPs
step_size: float = 1e-3  # {0<..}: of Adam, for the MLPs
batch_size: int = 64  # {1..}: images per step of the MLPs
epochs: int = 100  # {1..}: of the MLPs
cnn: str = "small_resnet"  # network: a residual one, ours, of torchvision or of timm
cnn_epochs: int = 15  # {1..}: of the CNNs
vit: str = "small_vit"  # network: a vision transformer, ours, or of timm
vit_epochs: int = 30  # {1..}: of the ViTs
image_batch_size: int = 16  # {1..}: images per step of the CNNs and ViTs
seeds: int = 5  # {1..}: MLPs, trained together
image_seeds: int = 3  # {1..}: CNNs and ViTs, trained one after the other
seed: int = 0  # {0..999999999}: the first seed
control: bool = False  # negative control: measure alignment with shuffled targets; the claims must then fail
device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps
precision: str = "float32"  # {float32, bfloat16, float16}: of the training of CNNs and ViTs; MLPs take float32
data_dir: str = ""  # existing path: folder with real data (empty: REPALIGN_DATA)
checkpoints: str = ""  # path: folder that keeps long trainings, so that they can go on (empty: none)
# {dataset != "digits" or (first.isdigit() and second.isdigit())}: digits are the classes 0 to 9
# {dataset != "cifar10" or not (first.isdigit() or second.isdigit())}: classes of CIFAR-10 have names, such as airplane and automobile
# {first != second}: the networks learn to tell the two classes apart
# {precision != "float16" or device != "cpu"}: a CPU trains in float32 or bfloat16
# fmt: on

# %% tags=["remove-input"]
from repalign_utils import check_parameters

check_parameters(globals())

# %% tags=["hide-input"]
import sys

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import kendalltau
from tqdm import tqdm

from repalign_utils import (
    GRID,
    Compute,
    MLPEnsemble,
    NetworkInputs,
    accuracy,
    alignment,
    build,
    data,
    figures,
    fit,
    interval,
    layer_alignment,
    provenance,
    recipe,
    record,
    stages,
    table,
    train,
)

figures.use_style()
compute = Compute(device, precision)
for name in (cnn, vit):
    stages(build(name, 2))  # before hours of training, if it has none

# %% [markdown]
# ## Images of two classes
#
# The authors' demonstration takes 500 airplanes and 500 automobiles of CIFAR-10
# {cite:p}`imani2022`; the embedded stand-in is two classes of handwritten digits.
# Pixels are scaled to $[-1, 1]$; an MLP is given them as one row.

# %%
if dataset == "cifar10":
    images = data.cifar10(
        n_per_class=n_per_class,
        classes=(first, second),
        data_dir=data_dir,
        seed=seed,
    )
else:
    images = data.digit_images(
        (int(first), int(second)),
        n_per_class=n_per_class,
        seed=seed,
    )
print(images.about.sentence())

# %%
_, y = images.pair(first, second)
pictures = NetworkInputs(images)  # (n, channels, size, size)
rows = pictures[:].flatten(1)
print(tuple(pictures[:].shape), tuple(rows.shape))


# %% [markdown]
# ## The alignment of a layer
#
# Let $h_\ell(x)$ be layer $\ell$ of a network for input $x$. Its features $\Phi_\ell$
# have a row for each image, $(h_\ell(x), 1)$ divided by its norm, and with
# $\Phi_\ell = U \Sigma V^\top$ its area is that of {eq}`eq-01-area`,
#
# $$
# a_\ell = \frac{\sum_i \sigma_i \, (u_i^\top y)^2}
#   {\lVert \Phi \rVert_F \lVert y \rVert^2} ,
# \qquad \lVert \Phi \rVert_F^2 = \sum_i \sigma_i^2 = n .
# $$ (eq-04-area)
#
# What area has a layer that has learnt all there is to learn, so that it gives every
# image of a class the same features?
#
# :::{prf:proposition} Area of a collapsed layer
# :label: prp-04-collapse
#
# Let half of the rows of $\Phi$ be $p$ and half $q$, of norm one and at an angle
# $\theta$ of more than 0 and at most 180 degrees, and let $y$ be $-1$ on the former
# and $+1$ on the latter. Then the area is $\sin(\theta / 2)$.
# :::
#
# :::{dropdown} Proof
# By summing rows, $\Phi \Phi^\top y = \tfrac n2 (1 - \cos \theta) \, y$. So
# $y / \sqrt n$ is a left singular vector, of a singular value $\sigma$ with
# $\sigma^2 = \tfrac n2 (1 - \cos \theta) > 0$, and holds all the energy of $y$. Rows
# of norm one have $\lVert \Phi \rVert_F^2 = n$, and $\sigma / \sqrt n =
# \sqrt{(1 - \cos \theta) / 2} = \sin(\theta / 2)$.
# :::
#
# To tell the classes apart is thus not enough: they must stand at a wide angle. A layer
# at which all images look much alike, as in a deep network with random weights, has an
# area close to 0 even if it separates the classes. In numpy, for an angle of 60
# degrees:

# %%
angle = np.pi / 3
p, q = [1, 0], [np.cos(angle), np.sin(angle)]
collapsed = alignment([p, q] * 50, [-1, 1] * 50, bias=False)
print(collapsed.area()[0], np.sin(angle / 2))

# %% [markdown]
# The layers are measured in one pass of the images through the network, in evaluation
# mode. Feature maps of convolutions and sequences of tokens are averaged over
# positions, so that a layer has as many features as it has channels, or entries of a
# token. The raw images are taken whole.


# %%
def measured_with(i):
    """Targets (n, 1) that layers of seed i are compared with."""
    draw = np.random.default_rng(seed + i)
    return draw.permutation(y) if control else y


inputs_aligned = [
    alignment(rows, measured_with(i))
    for i in range(max(seeds, image_seeds))
]


def layers_of(model, inputs, i):
    """Alignment of the input and of every stage: name -> Alignment."""
    names = stages(model)
    measured = layer_alignment(
        model, inputs, measured_with(i), names.values()
    )
    return {
        "input": inputs_aligned[i],
        **dict(zip(names, measured.values(), strict=True)),
    }


# %% [markdown]
# ## The authors' demonstration: MLPs
#
# Does alignment rise from layer to layer in the network of the authors' own
# demonstration? It has three hidden layers of 128 units without bias, ReLU, and an
# output with bias, and is trained by Adam on the logistic loss. The seeds are trained
# together.

# %%
networks = MLPEnsemble(
    rows.shape[1],
    width=width,
    depth=depth,
    members=seeds,
    seed=seed,
    hidden_bias=False,
    device=compute.where,
)
found = {"MLP": {}}
found["MLP"]["before"] = [
    layers_of(networks.member(i), rows, i) for i in range(seeds)
]

# %%
training = fit(
    networks,
    rows,
    y,
    loss="logistic",
    optimizer="adam",
    step_size=step_size,
    batch_size=batch_size,
    max_epochs=epochs,
    tolerance=0,  # all epochs, as in the demonstration
    seed=seed,
    checkpoints=checkpoints or None,
)
found["MLP"]["after"] = [
    layers_of(networks.member(i), rows, i) for i in range(seeds)
]

# %% [markdown]
# The demonstration prints its training loss every tenth epoch. Ours is the mean over
# the batches of an epoch, and over the seeds. Images, initial weights and shuffles are
# drawn by other generators than in the demonstration, so the runs agree in kind and not
# digit by digit. On other images than those of the demonstration only our own losses
# are shown.

# %%
# Of epochs 10 to 50, and 60 to 100.
losses = [0.0552, 0.01786, 2.74e-4, 1.118e-4, 6.07e-5]
losses += [3.75e-5, 2.53e-5, 1.81e-5, 1.44e-5, 1.02e-5]
printed = dict(zip(range(10, 101, 10), losses, strict=True))
ours = {
    e: interval(training.losses[e - 1]) for e in printed if e <= epochs
}
if (dataset, first, second) == ("cifar10", "airplane", "automobile"):
    table(
        ["Epoch", "Demonstration", "Ours"],
        [[e, printed[e], loss] for e, loss in ours.items()],
    )
else:
    table(["Epoch", "Ours"], ours.items())


# %%
def shares_of(runs):
    """Captured share on the grid of thresholds: name -> array (seeds, t)."""
    return {
        name: np.stack([run[name].shares()[:, 0] for run in runs])
        for name in runs[0]
    }


def record_curves(kind):
    """Record the curve of every layer and seed, before and after training."""
    for when, runs in found[kind].items():
        by_layer = shares_of(runs)
        record(
            f"04.curve.{kind.lower()}.{when}",
            np.stack(list(by_layer.values()), axis=1),
            dims=("seed", "layer", "threshold"),
            coords={"layer": list(by_layer), "threshold": GRID},
        )


record_curves("MLP")


# %%
def chance_curve(a):
    """Share that permuted targets have on average above each threshold."""
    return a.null().shares()[:, 0]


# %% mystnb={"figure": {"name": "fig-04-curves", "caption": "Alignment of the layers of the MLPs at the start and after training: captured share of the target energy above a threshold. Bands span the seeds; thin lines are what chance gives each layer."}, "image": {"alt": "Two panels, at the start and after training. Captured share of the target energy against threshold divided by the norm of the features, one curve for the input and one for each hidden layer, and thin lines for chance."}} tags=["hide-input"]
axes = figures.new_axes(2, sharey=True)
for ax, (when, runs) in zip(axes, found["MLP"].items(), strict=True):
    curves = shares_of(runs)
    del curves["output"]
    figures.plot_curves(
        curves,
        GRID,
        ax=ax,
        xlabel="threshold / ‖Φ‖_F",
        legend=ax is axes[0],
        chance=[chance_curve(runs[0][name]) for name in curves],
    )
    ax.set_title(f"{when} training")
plt.show()

# %% [markdown]
# The further a curve reaches to the right before it falls, the better aligned is the
# layer ({numref}`fig-04-curves`); its area is that under the curve. The demonstration
# draws the same curves as energies, $n$ times the share, against $\tau$ from 0 to
# $\sqrt n$.
#
# ## A CNN and a ViT on the same images
#
# Is it the same with convolutions and with attention? The CNN is a residual network:
# its layers are the stem and the residual blocks. Those of the ViT are the embedding of
# patches, the blocks, and what the head is given, in ours the class token. Both are
# trained with cross-entropy on the very same images, without augmentation. At the start
# the residual branches of our CNN give nothing, since that is how their last
# normalisation begins, and batch normalisation has seen no images yet.


# %%
def new_network(name, i):
    """Network of seed i with fresh weights, for these images."""
    _, channels, size, _ = images.images.shape
    network = build(
        name, 2, size=size, channels=channels, seed=seed + i
    )
    return network.to(compute.where)


def trained(network, epochs, i):
    """What training a network on the images did; it is changed in place."""
    changes = {"epochs": epochs, "batch_size": image_batch_size}
    return train(
        network,
        images,
        recipe("small", network, augment="none", **changes),
        compute=compute,
        seed=seed + i,
        checkpoints=checkpoints,
    )


# %%
def before_and_after(name, epochs):
    """Alignment of the layers by time and seed; last loss and accuracy by seed."""
    by_time, fitted = {"before": [], "after": []}, []
    for i in tqdm(range(image_seeds), desc=name, file=sys.stderr):
        network = new_network(name, i)
        by_time["before"].append(layers_of(network, pictures, i))
        history = trained(network, epochs, i)
        by_time["after"].append(layers_of(network, pictures, i))
        right = accuracy(network, pictures, images.labels)
        fitted.append((history.losses[-1], right))
    return by_time, np.array(fitted)


# %%
fits = {}
found["CNN"], fits["CNN"] = before_and_after(cnn, cnn_epochs)
found["ViT"], fits["ViT"] = before_and_after(vit, vit_epochs)
record_curves("CNN")
record_curves("ViT")

# %% [markdown]
# Do the networks fit the images that they are trained on? Alignment of a network that
# has not learnt its task would say little.

# %%
outputs = (
    networks(networks.as_tensor(rows)).sign().detach().cpu().numpy()
)
fits["MLP"] = np.column_stack(
    [training.final_losses(), (outputs == y).mean((1, 2))]
)
table(
    ["Network", "Loss of the last epoch", "Accuracy on these images"],
    [
        [kind, *[interval(column) for column in fits[kind].T]]
        for kind in found
    ],
)

# %% [markdown]
# The area of a layer lies between two marks: what chance gives, the mean over all
# permutations of the targets, and its ceiling $\sigma_1 / \lVert \Phi \rVert_F$, which
# is high where the images all look much alike.


# %%
def of_layers(number):
    """A number of each layer: kind -> time -> name -> array (seeds,)."""
    return {
        kind: {
            when: {
                name: np.array([number(run[name]) for run in runs])
                for name in runs[0]
            }
            for when, runs in by_time.items()
        }
        for kind, by_time in found.items()
    }


areas = of_layers(lambda a: a.area()[0])
chance = of_layers(lambda a: a.null().area[0])
ceilings = of_layers(lambda a: a.ceiling)

# %% mystnb={"figure": {"name": "fig-04-areas", "caption": "Area of every layer before and after training, from the input to the output; bands span the seeds. After training chance gives the thin line, and no target can have more than the dashed one."}, "image": {"alt": "Three panels, MLP, CNN and ViT. Area under the alignment curve of the input, of each hidden layer and of the output in this order, one line before and one after training, a thin line for chance and a dashed one for the ceiling."}} tags=["hide-input", "lead-figure"]
axes = figures.new_axes(3, sharey=True)
for ax, (kind, groups) in zip(axes, areas.items(), strict=True):
    names = list(groups["before"])
    lines = {
        f"{when} training": np.stack(list(by_layer.values()), axis=1)
        for when, by_layer in groups.items()
    }
    marks = (chance[kind]["after"], ceilings[kind]["after"])
    low, high = ([m[name].mean() for name in names] for m in marks)
    ax.plot(high, "--", color="0.45", linewidth=0.7, label="ceiling")
    figures.plot_curves(
        lines,
        range(len(names)),
        ax=ax,
        xlabel="",
        ylabel="area",
        legend=ax is axes[0],
        chance=low,
    )
    ax.set_xticks(range(len(names)), names, rotation=60)
    ax.set(title=kind, ylim=(-0.03, 1.05))
plt.show()

# %%
table(
    ["Network", "Layer", "Before training", "After training", "Gain"],
    [
        [
            kind,
            name,
            interval(before, within=(0, 1)),
            interval(after := groups["after"][name], within=(0, 1)),
            interval(after - before),
        ]
        for kind, groups in areas.items()
        for name, before in groups["before"].items()
    ],
)

# %% [markdown]
# ## Does it rise?
#
# {numref}`fig-04-areas` answers by eye. These numbers say of each network how its
# *hidden* layers stand after training, the input and the output aside: the least step
# from one of them to the next, which is above 0 only if *every* step rises; the area of
# the last less that of the first; the same less that of the input; and what training
# adds to the last, and to the one to which it adds least. What chance gives is taken off
# each area first: it grows with the number of channels and with training, so that even a
# target that knows nothing of the images would seem to rise towards the output.


# %%
def standing(before, after):
    """Numbers per seed of areas (layers, seeds): input, hidden layers, output."""
    gains = (after - before)[1:-1]
    return {
        "least_step": np.diff(after[1:-1], axis=0).min(0),
        "rise": after[-2] - after[1],
        "beyond_input": after[-2] - after[0],
        "gain": gains[-1],
        "least_gain": gains.min(0),
    }


above = of_layers(lambda a: (a.area() - a.null().area)[0])
recorded = {}
for kind, groups in above.items():
    stacked = [np.stack(list(g.values())) for g in groups.values()]
    for name, values in standing(*stacked).items():
        name = f"04.{name}.{kind.lower()}"
        recorded[name] = record(name, values)

# %%
titles = {
    "least_step": "Least step",
    "rise": "Last less first hidden",
    "beyond_input": "Last hidden less input",
    "gain": "Gain of the last hidden",
    "least_gain": "Least gain of a hidden layer",
}
table(
    ["Network", *titles.values()],
    [
        [kind, *[recorded[f"04.{c}.{kind.lower()}"] for c in titles]]
        for kind in areas
    ],
)

# %% [markdown]
# Kendall's rank correlation of area with depth tells an order with a single inversion
# from none; it is 1 if each hidden layer is better aligned than all before it, and knows
# nothing of amounts.

# %%
for kind, groups in areas.items():
    for when, name in (("before", "order_before"), ("after", "order")):
        hidden = np.stack(list(groups[when].values()))[1:-1]
        record(
            f"04.{name}.{kind.lower()}",
            [
                kendalltau(range(len(hidden)), a).statistic
                for a in hidden.T
            ],
            within=(-1, 1),
        )

# %% [markdown]
# | Network | Before training | After training |
# |---|---|---|
# | MLP | {glue:text}`04.order_before.mlp` | {glue:text}`04.order.mlp` |
# | CNN | {glue:text}`04.order_before.cnn` | {glue:text}`04.order.cnn` |
# | ViT | {glue:text}`04.order_before.vit` | {glue:text}`04.order.vit` |
#
# ## What was found
#
# The last hidden layer, and the two marks between which its area lies:

# %%
parts = {"area": areas, "chance": chance, "ceiling": ceilings}
record(
    "04.area.input",
    areas["MLP"]["after"]["input"],
    within=(0, 1),
    exact=True,
)
for kind, groups in areas.items():
    last = list(groups["after"])[-2]
    for part, of in parts.items():
        for when, words in (("before", "_before"), ("after", "")):
            name = f"04.{part}{words}.{kind.lower()}"
            recorded[name] = record(
                name, of[kind][when][last], within=(0, 1)
            )

# %%
rows = [f"{part}{w}" for part in parts for w in ("_before", "")]
table(
    ["Last hidden layer", *areas],
    [
        [
            row.replace("_", " ") if "_" in row else f"{row} after",
            *[recorded[f"04.{row}.{kind.lower()}"] for kind in areas],
        ]
        for row in rows
    ],
)

# %% [markdown]
# The MLPs end at {glue:text}`04.area.mlp.mean:.2f`, where chance gives
# {glue:text}`04.chance.mlp.mean:.3f` and the input has
# {glue:text}`04.area.input.mean:.2f`. The gain is no collapse onto the first direction:
# the ceiling stands at {glue:text}`04.ceiling_before.mlp.mean:.2f` before training, when
# all images look alike, and at {glue:text}`04.ceiling.mlp.mean:.2f` after it, close to
# $1 / \sqrt 2$, the area of two classes at a right angle ({prf:ref}`prp-04-collapse`).
#
# A kind of network with fewer than five seeds, as the CNN and the ViT in a quick build,
# has no interval and so no verdict: its seeds are too few to tell.
#
# The MLP, its training and its number of images are those of the authors'
# demonstration, on the paper's data if these were used; which images of the two classes
# is our choice. So are the CNN and the ViT and how they are trained: the paper's text
# was not at hand, and a ViT is not in this claim. Averaging over positions is our choice
# as well, and it matters most near the input: the stem and the embedding of patches keep
# little of an image if only their means are left, so their areas and that of the input,
# taken whole, are not of one kind.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-04-1
#
# In a layer after ReLU no feature is negative. What is the largest area that a
# collapsed layer ({prf:ref}`prp-04-collapse`) can have there, and when?
# :::
#
# :::{solution} ex-04-1
# :class: dropdown
#
# Two vectors without negative entries stand at 90 degrees at most, so the area is at
# most $\sin 45° = 1 / \sqrt 2$, reached if no unit answers to both classes. With the
# column of ones appended, both rows share one positive entry: the angle stays below 90
# degrees and the area below $1 / \sqrt 2$, but approaches it as the features grow.
# :::
#
# :::{exercise}
# :label: ex-04-2
#
# The output of the MLP is one number $f$. What are the rows of $\Phi$ for it, and why is
# its area close to 1 after training?
# :::
#
# :::{solution} ex-04-2
# :class: dropdown
#
# The rows are $(f, 1) / \sqrt{f^2 + 1}$. After training $f$ is far below 0 for one class
# and far above for the other, so they are close to $(-1, 0)$ and $(1, 0)$: an angle of
# 180 degrees, rank one, with the targets along the only direction.
# :::
#
# :::{exercise}
# :label: ex-04-3
#
# Run the section with `-p control true`, which leaves the training as it is and compares
# all layers with shuffled targets. How large are the areas to be expected, and why do
# those of a CNN still rise towards its output, if chance is not taken off?
# :::
#
# :::{solution} ex-04-3
# :class: dropdown
#
# The two classes have equally many images, so $y$ has mean 0, and over all permutations
# its mean energy along $u_i$ is $\tfrac{n}{n - 1} (1 - (\mathbb{1}^\top u_i)^2 / n)$:
# about 1 where $u_i$ is orthogonal to the vector of ones, and none along that vector,
# which $u_1$ is close to. So chance gives an area of about
# $\sum_{i \ge 2} \sigma_i / n^{3/2}$: near 0 where a few directions hold most of the
# spectrum. In the CNN later layers have more channels and with training a longer tail of
# the spectrum, which holds more of *any* target. Less that level the areas are on
# average 0, and no step, rise or gain remains.
# :::
#
# :::{exercise}
# :label: ex-04-4
#
# Set `epochs`, `cnn_epochs` and `vit_epochs` to 2. Which layers align first?
# :::
#
# ## Provenance

# %% tags=["provenance", "hide-input"]
provenance(
    datasets=[images.about],
    device=compute.where,
    precision=precision,
    seeds=f"{seeds} MLPs, {image_seeds} CNNs and {image_seeds} ViTs",
)
