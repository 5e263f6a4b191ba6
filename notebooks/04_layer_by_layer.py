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
# a_\ell = \frac{\sum_i \sigma_i \, (u_i^\top y)^2}{\sigma_1 \lVert y \rVert^2} .
# $$ (eq-04-area)
#
# What area has a layer that has learnt all there is to learn, so that it gives every
# image of a class the same features?
#
# :::{prf:proposition} Area of a collapsed layer
# :label: prp-04-collapse
#
# Let half of the rows of $\Phi$ be $p$ and half $q$, of norm one and at an angle
# $\theta$ of more than 0 and at most 90 degrees, and let $y$ be $-1$ on the former and
# $+1$ on the latter. Then the area is $\tan(\theta / 2)$.
# :::
#
# :::{dropdown} Proof
# Write $\mathbb{1}$ for the vector of ones. By summing rows,
# $\Phi \Phi^\top \mathbb{1} = \tfrac n2 (1 + \cos \theta) \mathbb{1}$ and
# $\Phi \Phi^\top y = \tfrac n2 (1 - \cos \theta) \, y$. The rank is two, so these are
# all singular vectors: $\sigma_1^2 = \tfrac n2 (1 + \cos \theta)$ belongs to
# $\mathbb{1}$, which is orthogonal to $y$, and
# $\sigma_2^2 = \tfrac n2 (1 - \cos \theta)$ to $y / \sqrt n$. All the energy lies at
# $\sigma_2$, and $\sigma_2 / \sigma_1 = \tan(\theta / 2)$.
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
print(collapsed.area()[0], np.tan(angle / 2))

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
tau = np.linspace(0, np.sqrt(len(y)), 62)
drawn = [name for name in found["MLP"]["after"][0] if name != "output"]
curves = {
    when: np.array(
        [[run[name].curve(tau)[:, 0] for name in drawn] for run in runs]
    )
    for when, runs in found["MLP"].items()
}
for when, values in curves.items():
    record(
        f"04.curve.mlp.{when}",
        values,
        dims=("seed", "layer", "threshold"),
        coords={"layer": drawn, "threshold": tau},
    )

# %% mystnb={"figure": {"name": "fig-04-curves", "caption": "Alignment of the layers of the MLPs at the start and after training, drawn as in the authors' demonstration: target energy above a threshold. Bands span the seeds."}, "image": {"alt": "Two panels, at the start and after training. Captured target energy against threshold from 0 to the square root of n, one curve for the input and one for each hidden layer."}} tags=["hide-input"]
axes = figures.new_axes(2, sharey=True)
for ax, (when, values) in zip(axes, curves.items(), strict=True):
    by_layer = dict(zip(drawn, values.swapaxes(0, 1), strict=True))
    figures.plot_curves(
        by_layer,
        tau,
        ax=ax,
        ylabel="captured target energy",
        legend=ax is axes[0],
    )
    ax.set_title(f"{when} training")
plt.show()

# %% [markdown]
# The further a curve reaches to the right before it falls, the better aligned is the
# layer ({numref}`fig-04-curves`).
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

# %%
areas = {
    kind: {
        when: {
            name: np.array([run[name].area()[0] for run in runs])
            for name in runs[0]
        }
        for when, runs in by_time.items()
    }
    for kind, by_time in found.items()
}

# %% mystnb={"figure": {"name": "fig-04-areas", "caption": "Area of every layer before and after training, from the input to the output; bands span the seeds."}, "image": {"alt": "Three panels, MLP, CNN and ViT. Area under the alignment curve of the input, of each hidden layer and of the output in this order, one line before and one after training."}} tags=["hide-input"]
axes = figures.new_axes(3, sharey=True)
for ax, (kind, groups) in zip(axes, areas.items(), strict=True):
    names = list(groups["before"])
    lines = {
        f"{when} training": np.stack(list(by_layer.values()), axis=1)
        for when, by_layer in groups.items()
    }
    figures.plot_curves(
        lines,
        range(len(names)),
        ax=ax,
        xlabel="",
        ylabel="area",
        legend=ax is axes[0],
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
            interval(before),
            interval(after := groups["after"][name]),
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
# *hidden* layers stand after training, the input and the output aside: Kendall's rank
# correlation of area with depth, which is 1 if every layer is better aligned than all
# before it; the area of the last hidden layer less that of the first; the same less that
# of the input; and what training adds to the last hidden layer, and to the one to which
# it adds least.

# %%
recorded = {}
for kind, groups in areas.items():
    before, after = (
        np.stack(list(by_layer.values()))
        for by_layer in groups.values()
    )  # (layers, seeds): input, hidden layers, output
    gains = (after - before)[1:-1]
    order, order_before = (
        [
            kendalltau(range(len(gains)), a).statistic
            for a in area[1:-1].T
        ]
        for area in (after, before)
    )
    for name, values in {
        "order": order,
        "order_before": order_before,
        "rise": after[-2] - after[1],
        "beyond_input": after[-2] - after[0],
        "gain": gains[-1],
        "least_gain": gains.min(0),
    }.items():
        name = f"04.{name}.{kind.lower()}"
        recorded[name] = record(name, values)

# %% [markdown]
# Rank correlation of area with depth, over the hidden layers:
#
# | Network | Before training | After training |
# |---|---|---|
# | MLP | {glue:text}`04.order_before.mlp` | {glue:text}`04.order.mlp` |
# | CNN | {glue:text}`04.order_before.cnn` | {glue:text}`04.order.cnn` |
# | ViT | {glue:text}`04.order_before.vit` | {glue:text}`04.order.vit` |
#
# ## What was found
#
# Area of the last hidden layer after training, against the first hidden layer and the
# input; and what training adds to it, and to the layer to which it adds least:

# %%
columns = {
    "rise": "Last less first hidden",
    "beyond_input": "Last hidden less input",
    "gain": "Gain of the last hidden",
    "least_gain": "Least gain of a hidden layer",
}
table(
    ["Network", *columns.values()],
    [
        [kind, *[recorded[f"04.{c}.{kind.lower()}"] for c in columns]]
        for kind in areas
    ],
)

# %% [markdown]
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
# most $\tan 45° = 1$, reached if no unit answers to both classes. With the column of
# ones appended, both rows share one positive entry: the angle stays below 90 degrees
# and the area below 1, but approaches it as the features grow.
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
# and far above for the other, so they are close to $(-1, 0)$ and $(1, 0)$: rank one,
# with the targets along the only direction.
# :::
#
# :::{exercise}
# :label: ex-04-3
#
# Run the section with `-p control true`, which leaves the training as it is and compares
# all layers with shuffled targets. How large are the areas? Which claims do not change
# their verdict, and what does that say of them?
# :::
#
# :::{solution} ex-04-3
# :class: dropdown
#
# A target that knows nothing of the images has an expected energy of about 1 along every
# $u_i$ that is orthogonal to the vector of ones, and none along that vector, which
# $u_1$ is close to. So its expected area is about $\sum_{i \ge 2} \sigma_i / (n \sigma_1)$:
# near 0 where a few directions hold most of the spectrum, as they do in late layers, and
# differences between layers or by training are small. But a rank correlation knows
# nothing of amounts. In the CNN later layers have more channels, which hold more of any
# target, so that their order may well be kept. Rank correlations are to be read together
# with the differences beside them.
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
