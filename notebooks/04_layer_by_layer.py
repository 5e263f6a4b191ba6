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
# # Does alignment grow towards the output?
#
# The paper finds that training aligns the hidden layers of a network with its targets,
# and those near the output most. In this run the area of the last hidden layer goes
# from {glue:text}`04.area_before.mlp.mean:.2f` to {glue:text}`04.area.mlp.mean:.2f` in a
# multilayer perceptron (MLP), from {glue:text}`04.area_before.cnn.mean:.2f` to
# {glue:text}`04.area.cnn.mean:.2f` in a convolutional network (CNN) and from
# {glue:text}`04.area_before.vit.mean:.2f` to {glue:text}`04.area.vit.mean:.2f` in a
# vision transformer (ViT); the images themselves have
# {glue:text}`04.area.input.mean:.2f`. Is *every* hidden layer better aligned than the one
# before it? Area and depth have the rank correlation {glue:text}`04.order.mlp.mean:.2f` in
# the MLP, {glue:text}`04.order.cnn.mean:.2f` in the CNN and
# {glue:text}`04.order.vit.mean:.2f` in the ViT, where 1 means that no step goes down.

# %% tags=["parameters"]
# fmt: off
dataset: str = "digits"  # {digits, cifar10}: images with classes
classes: list = ["0", "1"]  # the class with target -1, and that with +1
n_per_class: int = 75  # {10..}: images of each class
epochs: int = 100  # {1..}: of the MLPs
cnn: str = "small_resnet"  # network: a residual one, ours, of torchvision or of timm
vit: str = "small_vit"  # network: a vision transformer, ours, or of timm
image_epochs: int = 15  # {1..}: of the CNNs; the ViTs take twice as many
seeds: int = 5  # {1..}: MLPs, trained together
image_seeds: int = 3  # {1..}: CNNs and ViTs, trained one after the other
seed: int = 0  # {0..999999999}: the first seed
control: bool = False  # negative control: measure alignment with shuffled targets; the claims must then fail
device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps
precision: str = "float32"  # {float32, bfloat16, float16}: of the training of CNNs and ViTs; MLPs take float32
data_dir: str = ""  # existing path: folder with real data (empty: REPALIGN_DATA)
checkpoints: str = ""  # path: folder that keeps long trainings, so that they can go on (empty: none)
# {len(classes) == 2 and classes[0] != classes[1]}: the networks learn to tell two classes apart
# {dataset != "digits" or all(c.isdigit() for c in classes)}: digits are the classes 0 to 9
# {dataset != "cifar10" or not any(c.isdigit() for c in classes)}: classes of CIFAR-10 have names, such as airplane and automobile
# {precision != "float16" or device != "cpu"}: a CPU trains in float32 or bfloat16
# fmt: on

# %% tags=["remove-input"]
from repalign_utils import check_parameters

check_parameters(globals())

# %% tags=["hide-input"]
import sys

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
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
# {cite:p}`imani2022`; the embedded stand-in is two classes of handwritten digits
# ({numref}`fig-04-images`). Pixels are scaled to $[-1, 1]$; an MLP is given them as one row.

# %%
how_many = {"n_per_class": n_per_class, "seed": seed}
if dataset == "cifar10":
    images = data.cifar10(
        classes=classes, data_dir=data_dir, **how_many
    )
else:
    images = data.digit_images([int(c) for c in classes], **how_many)

# %%
print(images.about.sentence())

# %% mystnb={"figure": {"name": "fig-04-images", "caption": "Ten images of each of the two classes, as the networks are given them."}, "image": {"alt": "Two rows of ten images, one row for each class.", "classes": "dark-light"}} tags=["hide-input"]
figures.plot_images(
    [images.images[images.labels == c][:10] for c in (0, 1)],
    ax=figures.new_panels(height=1.4),
)
plt.show()

# %%
_, y = images.pair(*classes)  # -1 and +1
pictures = NetworkInputs(images)  # (n, channels, size, size)
rows = pictures[:].flatten(1)
print(tuple(pictures[:].shape), tuple(rows.shape))


# %% [markdown]
# ## How well can a layer be aligned?
#
# A layer that has learnt all there is to learn gives every image of a class the same
# features: its rows are two vectors, $p$ for one class and $q$ for the other. Is it
# then perfectly aligned? That depends on the angle between them.

# %% mystnb={"figure": {"name": "fig-04-angle", "caption": "Classes collapsed to one vector each are the better aligned the wider the angle between the vectors: area measured (dots) and sin(θ/2) (line)."}, "image": {"alt": "Area against angle from 0 to 180 degrees. Dots lie on a curve that rises from 0 steeply at first, passes 0.71 at 90 degrees and ends flat at 1."}} tags=["hide-input"]
degrees = np.arange(10, 181, 10)
radians = np.deg2rad(degrees)
two = [
    alignment(
        [[1, 0], [np.cos(a), np.sin(a)]], [-1, 1], bias=False
    ).area()[0]
    for a in radians
]
ax = figures.new_panels()
ax.plot(degrees, np.sin(radians / 2), linewidth=1)
ax.plot(degrees, two, "o")
ax.set(xlabel="angle θ in degrees", ylabel="area", ylim=(0, 1.05))
ax.set_xticks([0, 60, 90, 120, 180])
plt.show()

# %% [markdown]
# Read {numref}`fig-04-angle` from the left: two vectors that are nearly the same leave
# the targets on a weak direction, even though they separate the classes perfectly. At a
# right angle, the widest that features without negative entries allow, the area is
# $1/\sqrt2$, and only opposite vectors reach 1.
#
# In general, let $h_\ell(x)$ be layer $\ell$ of a network for input $x$. Its features $\Phi_\ell$
# have a row for each image, $(h_\ell(x), 1)$ divided by its norm, so that
# $\lVert \Phi_\ell \rVert_F^2 = n$, and with $\Phi_\ell = U \Sigma V^\top$ its area is
# that of {eq}`eq-01-area`,
#
# $$
# \text{area}_\ell =
#   \frac{\sum_i \sigma_i \, (u_i^\top y)^2}{\sqrt n \, \lVert y \rVert^2} .
# $$ (eq-04-area)
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
# area close to 0 even if it separates the classes.
#
# The layers are measured in one pass of the images through the network, in evaluation
# mode. Feature maps of convolutions and sequences of tokens are averaged over
# positions, so that a layer has as many features as it has channels, or entries of a
# token. The raw images are taken whole.


# %%
def measured_with(i):
    """Targets (n, 1) that layers of seed i are compared with."""
    draw = np.random.default_rng(seed + i)
    return draw.permutation(y) if control else y


# %%
inputs_aligned = [
    alignment(rows, measured_with(i))
    for i in range(max(seeds, image_seeds))
]
inputs_aligned[0].area().round(3)


# %%
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
    width=128,
    depth=3,
    members=seeds,
    seed=seed,
    hidden_bias=False,
    device=compute.where,
)
[tuple(p.shape) for p in networks.parameters()]

# %%
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
    step_size=1e-3,
    batch_size=64,
    max_epochs=epochs,
    tolerance=0,  # all epochs, as in the demonstration
    seed=seed,
    checkpoints=checkpoints or None,
)

# %%
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

# %%
ours = {
    e: interval(training.losses[e - 1]) for e in printed if e <= epochs
}
same_images = [dataset, *classes] == [
    "cifar10",
    "airplane",
    "automobile",
]

# %% mystnb={"code_prompt_show": "Show the losses"} tags=["hide-output", "remove-input"]
if same_images:
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


# %%
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


# %% mystnb={"figure": {"name": "fig-04-curves", "caption": "In which order do the layers of the MLPs lose their targets, before and after training? Captured share of the target energy above a threshold. Bands span the seeds; thin lines are what chance gives each layer."}, "image": {"alt": "Two panels below each other, at the start and after training. Captured share of the target energy against threshold divided by the norm of the features, one curve for the input and one for each hidden layer, and thin lines for chance."}} tags=["hide-input"]
axes = figures.new_panels(2, sharex=True)
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
# Look first at how far to the right each curve of {numref}`fig-04-curves` stays high
# before it falls: a layer whose targets lie on strong directions keeps its share up to
# a high threshold, and its area is that under the curve. Compare the order of the curves in
# the two panels. A curve that falls in few large steps has its targets on few directions.
#
# ## The demonstration's own picture
#
# The demonstration draws the same curves as energies, $n$ times the share, against
# $\tau$ from 0 to $\sqrt n$, for one network. We read points off its published figure,
# so they are approximate, and brought them to our axes. On its images they should lie near
# our curves; on digits, an easier task, only the order of the layers can be compared.

# %%
published = {  # tau -> energy, of n = 1,000 airplanes and automobiles
    "input": {
        **{0.5: 590, 1: 500, 3: 400, 5: 320, 7: 225},
        **{8.5: 135, 11: 135, 16.3: 0},
    },
    "hidden 1": {0.5: 850, 3: 800, 8: 350, 10: 350, 12.4: 0},
    "hidden 2": {
        0.5: 960,
        4: 910,
        6.5: 910,
        8: 868,
        13.8: 868,
        14.4: 0,
    },
    "hidden 3": {0.5: 993, 20.7: 993, 22.4: 0},
}


# %%
def distance(name, points):
    """Mean absolute difference of our share from the points read off (seeds,)."""
    tau, energy = np.array(list(points.items())).T
    ours = [
        run[name].shares(tau / 1000**0.5)[:, 0]
        for run in found["MLP"]["after"]
    ]
    return np.abs(np.stack(ours) - energy / 1000).mean(1)


# %%
apart = {
    name: distance(name, points) for name, points in published.items()
}
record(
    "04.published",
    np.stack(list(apart.values()), axis=1),
    dims=("seed", "layer"),
    coords={"layer": list(apart)},
)

# %%
table(
    ["Layer", "Mean distance from the published points"],
    [[name, interval(values)] for name, values in apart.items()],
)

# %% mystnb={"figure": {"name": "fig-04-published", "caption": "Are the layers in the order of the authors' demonstration? Our MLPs after training (curves; bands span the seeds), and points read off the demonstration's picture of 1,000 airplanes and automobiles of CIFAR-10 (dots)."}, "image": {"alt": "Captured share of the target energy against threshold over the norm of the features, one curve for the input and one for each hidden layer, with dots in the same colours."}} tags=["hide-input"]
curves = shares_of(found["MLP"]["after"])
ax = figures.plot_curves(
    {name: curves[name] for name in published},
    GRID,
    ax=figures.new_panels(height=2.6),
    xlabel="threshold / ‖Φ‖_F",
)
for line, points in zip(ax.lines, published.values(), strict=True):
    tau, energy = np.array(list(points.items())).T
    ax.plot(tau / 1000**0.5, energy / 1000, "o", color=line.get_color())
plt.show()

# %% [markdown]
# Compare the dots of {numref}`fig-04-published` with the curve of their colour; the table
# above says how far apart they are. On the demonstration's images another draw of 500 of
# each class, other initial weights and our eye part them.
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


# %%
def trained(network, epochs, i):
    """What training a network on the images did; it is changed in place."""
    size = 16 if len(y) < 500 else 32  # images per step
    changes = {"epochs": epochs, "batch_size": size}
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
found["CNN"], fits["CNN"] = before_and_after(cnn, image_epochs)
found["ViT"], fits["ViT"] = before_and_after(vit, 2 * image_epochs)
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

# %%
table(
    ["Network", "Loss of the last epoch", "Accuracy on these images"],
    [
        [kind, *[interval(column) for column in fits[kind].T]]
        for kind in found
    ],
)

# %% [markdown]
# An area is read between two marks: chance, the mean over all permutations of the targets,
# and the ceiling $\sigma_1 / \lVert \Phi \rVert_F$, which is high where the images all look
# much alike.


# %%
def of_layers(number):
    """A number of each layer: kind -> array (when, seed, layer)."""
    arrays = {}
    for kind, by_time in found.items():
        values = [
            [[number(a) for a in run.values()] for run in runs]
            for runs in by_time.values()
        ]
        names = list(by_time["after"][0])
        arrays[kind] = xr.DataArray(
            values,
            {"when": list(by_time), "layer": names},
            ("when", "seed", "layer"),
        )
    return arrays


# %%
area = of_layers(lambda a: a.area()[0])
chance = of_layers(lambda a: a.null().area[0])
ceiling = of_layers(lambda a: a.ceiling)
area["MLP"].mean("seed").to_pandas().round(3)

# %% mystnb={"figure": {"name": "fig-04-areas", "caption": "Does alignment grow towards the output once a network is trained? Area of every layer before and after training, from the input to the output; bands span the seeds. After training chance gives the thin line at the bottom, and no target can have more than the dotted one."}, "image": {"alt": "Three panels below each other, MLP, CNN and ViT. Area of the input, of each hidden layer and of the output in this order, one line before and one after training, a thin line for chance and a dotted one for the ceiling."}} tags=["hide-input", "lead-figure"]
axes = figures.new_panels(3, sharey=True)
for ax, (kind, areas) in zip(axes, area.items(), strict=True):
    names = areas.layer.values
    high = ceiling[kind].sel(when="after").mean("seed")
    ax.plot(high, ":", color="0.3", linewidth=1, label="ceiling")
    figures.plot_curves(
        {f"{w} training": areas.sel(when=w) for w in areas.when.values},
        range(len(names)),
        ax=ax,
        xlabel="",
        ylabel="area",
        legend=False,
        chance=chance[kind].sel(when="after").mean("seed"),
    )
    ticks = [name.replace(" ", "\n") for name in names]
    ax.set_xticks(range(len(names)), ticks)
    ax.set(title=kind, ylim=(-0.03, 1.05))
handles = axes[0].get_legend_handles_labels()
where_to = {"loc": "outside upper center", "ncols": 2}
axes[0].figure.legend(*handles, **where_to)
plt.show()

# %% [markdown]
# In {numref}`fig-04-areas` compare the two lines of a panel first: what lies between
# them is what training did. Then follow the line after training to the right. It often
# starts *below* the input, where a layer averages over positions and so forgets most of
# the image, and a wide band says that networks of one kind place the rise in different
# layers. A sceptic would ask whether chance or the ceiling makes the rise: the thin
# line says how much of it is chance, and where a line touches the dotted one the layer
# could not be better aligned than it is.

# %% mystnb={"code_prompt_show": "Show the area of each layer"} tags=["hide-output", "remove-input"]
table(
    ["Network", "Layer", "Before training", "After training", "Gain"],
    [
        [
            kind,
            name,
            interval(before, within=(0, 1)),
            interval(after, within=(0, 1)),
            interval(after - before),
        ]
        for kind, areas in area.items()
        for name in areas.layer.values
        for before, after in [areas.sel(layer=name).values]
    ],
)

# %% [markdown]
# ## Does it rise?
#
# {numref}`fig-04-areas` answers by eye. These numbers say of each network how its
# *hidden* layers stand after training, the input and the output aside: the least step
# from one of them to the next, which is above 0 only if *every* step rises; the area of
# the last less that of the first; the same less that of the input; and what training
# adds to the last, and to the one to which it adds least. Chance is taken off each area
# first: it grows with the number of channels and with training, so that the area of even a
# target that knows nothing of the images would rise towards the output.


# %%
def standing(above):
    """Numbers per seed of areas (when, seed, layer) above chance."""
    after = above.sel(when="after")
    hidden = after[:, 1:-1]
    gains = hidden - above.sel(when="before")[:, 1:-1]
    return {
        "least_step": hidden.diff("layer").min("layer"),
        "rise": hidden[:, -1] - hidden[:, 0].values,
        "beyond_input": hidden[:, -1] - after[:, 0].values,
        "gain": gains[:, -1],
        "least_gain": gains.min("layer"),
    }


# %%
recorded = {}
for kind, areas in area.items():
    for name, values in standing(areas - chance[kind]).items():
        name = f"04.{name}.{kind.lower()}"
        recorded[name] = record(name, values.values)

# %% tags=["hide-input"]
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
        for kind in area
    ],
)

# %% [markdown]
# An interval wholly above 0 in the first column says that every step rises in every
# network drawn; one that contains 0, that some networks have an inversion. Kendall's
# rank correlation of area with depth is 1 if each hidden layer is better aligned than all
# before it, and knows nothing of amounts. Where five networks all have 1, its interval still
# reaches past 0: no exact test over five seeds can exclude it.

# %%
for kind, areas in area.items():
    for when, name in (("before", "order_before"), ("after", "order")):
        hidden = areas.sel(when=when)[:, 1:-1].values
        depth = range(hidden.shape[1])
        orders = [kendalltau(depth, a).statistic for a in hidden]
        record(f"04.{name}.{kind.lower()}", orders, within=(-1, 1))

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

# %% tags=["hide-input"]
_ = record(
    "04.area.input",
    area["MLP"].sel(when="after", layer="input").values,
    within=(0, 1),
    exact=True,
)

# %%
parts = {"area": area, "chance": chance, "ceiling": ceiling}
for part, arrays in parts.items():
    for kind, values in arrays.items():
        for when, words in (("before", "_before"), ("after", "")):
            name = f"04.{part}{words}.{kind.lower()}"
            last = values.sel(when=when)[:, -2].values
            recorded[name] = record(name, last, within=(0, 1))

# %% tags=["hide-input"]
rows_of_table = [
    f"{part}{w}" for part in parts for w in ("_before", "")
]
table(
    ["Last hidden layer", *area],
    [
        [
            row.replace("_", " ") if "_" in row else f"{row} after",
            *[recorded[f"04.{row}.{kind.lower()}"] for kind in area],
        ]
        for row in rows_of_table
    ],
)

# %% [markdown]
# The MLPs end at {glue:text}`04.area.mlp.mean:.2f`, where chance gives
# {glue:text}`04.chance.mlp.mean:.3f` and the input has
# {glue:text}`04.area.input.mean:.2f`. If the spectrum had merely collapsed onto the first
# direction, the ceiling would have risen: it stands at
# {glue:text}`04.ceiling_before.mlp.mean:.2f` before training, when all images look alike, and
# at {glue:text}`04.ceiling.mlp.mean:.2f` after it. Two classes at a right angle have an area
# of $1 / \sqrt 2 = 0.71$ ({prf:ref}`prp-04-collapse`).
#
# A kind of network with fewer than five seeds, as the CNN and the ViT in a quick build,
# has no interval and so no verdict: its seeds are too few to tell.
#
# The MLP, its training and its number of images are those of the authors'
# demonstration, on its data if these were used; which images of the two classes is our
# choice. So are the CNN and the ViT and how they are trained: the paper's text
# was not at hand, and its claim is not about ViTs. Averaging over positions is our choice
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
# Run `repalign run 04 -p control true`, which leaves the training as it is and compares
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
# Run `repalign run 04 -p epochs 2 -p image_epochs 2`. Which layers align first?
# :::
#
# :::{solution} ex-04-4
# :class: dropdown
#
# The last ones. After two epochs on the digits the first hidden layer of our MLPs had
# gained 0.02 of area, the second 0.13 and the third 0.25, and the last block of the CNN
# 0.51 where its stem had gained 0.03. The ViT had hardly begun. Layers near the output
# have the gradient of the loss at first hand, and the area of the first layer is bounded
# by what a single step of the network can do with the pixels.
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
