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
# (sec-01)=
# # Alignment, and how fast a linear model learns
#
# The paper finds that a linear model learns faster from features that are better aligned
# with its targets. *Alignment* says how much of the targets lies along the long directions
# of the features; its *area*, between 0 and 1, says it in one number. In this run the area
# is {glue:text}`01.area.trained_network.mean:.2f` for the features of a trained network,
# {glue:text}`01.area.random_fourier.mean:.2f` for random Fourier features and
# {glue:text}`01.area.random_relu.mean:.2f` for random ReLU units, and their last losses are
# {glue:text}`01.loss.trained_network.mean:.1e`, {glue:text}`01.loss.random_fourier.mean:.1e`
# and {glue:text}`01.loss.random_relu.mean:.1e`. Area and speed rank the three alike in a
# share of {glue:text}`01.order.agrees.mean:.2f` of the draws. With two deeper networks
# beside them, all five rank alike in a share of {glue:text}`01.order.early.mean:.2f` of the
# draws at step 5 and of {glue:text}`01.order.five.mean:.2f` at the last step: no single
# number can tell the speed at every step.

# %% tags=["parameters"]
# fmt: off
dataset: str = "ct_phantom"  # {ct_phantom, ct_slices}: slices of bodies, the target is the position along the body
n: int = 1000  # {20..}: slices to use, or all there are
width: int = 1024  # {2..}: features of the trained network and of the two random sets
step_sizes: list = [0.01, 0.1, 1.0, 10.0]  # {0<..}: step sizes tried, the best is kept
steps: int = 1000  # {1..}: steps of gradient descent
epochs: int = 20  # {1..}: training epochs of the network with one hidden layer
deep_epochs: int = 1000  # {1..}: training epochs of the two networks with three hidden layers
deep_width: int = 0  # {0..}: units in each of those layers (0: as many as there are inputs)
seeds: int = 10  # {1..}: draws of the features; with fewer than 6 the claim on order has no verdict
seed: int = 0  # {0..999999999}: the first seed
control: bool = False  # negative control: predict losses from the features of another set, and train both deep networks on shuffled targets; all claims must then fail
device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps
data_dir: str = ""  # existing path: folder with real data (empty: REPALIGN_DATA)
checkpoints: str = ""  # path: folder that keeps long trainings, so that they can go on (empty: none)
# fmt: on

# %% tags=["remove-input"]
from repalign_utils import check_parameters

check_parameters(globals())

# %% tags=["hide-input"]
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from repalign_utils import (
    GRID,
    MLPEnsemble,
    alignment,
    choose_device,
    data,
    figures,
    fit,
    provenance,
    record,
    record_words,
    table,
)

figures.use_style()
where = choose_device(device)

# %% [markdown]
# ## The idea, in two dimensions
#
# Take points with two features, the rows of $\Phi$, that spread far along one direction
# and little along another. The singular value decomposition $\Phi = U \Sigma V^\top$ finds
# the two: directions $v_1, v_2$ in the plane, lengths $\sigma_1 > \sigma_2$, and for each
# the position of all points along it, $u_1$ or $u_2$. Now let a target change along the
# long direction, along the short one, or along both.

# %%
rng = np.random.default_rng(seed)
turn = np.array(
    [[np.cos(0.5), np.sin(0.5)], [-np.sin(0.5), np.cos(0.5)]]
)
plane = rng.normal(size=(60, 2)) * [3, 1] @ turn
U, sigma, Vt = np.linalg.svd(plane, full_matrices=False)
along = {
    "long": U[:, 0],
    "both": (U[:, 0] + U[:, 1]) / np.sqrt(2),
    "short": U[:, 1],
}

# %% mystnb={"figure": {"name": "fig-01-plane", "caption": "One cloud of points, and three targets (colour) that change along its long direction, along both directions, and along the short one. Lines are the two directions, as long as the points spread."}, "image": {"alt": "Three panels with the same oblong cloud of points and a cross of its two directions. The colour changes from end to end of the cloud on the left, slantwise in the middle, and across the cloud on the right."}} tags=["hide-input"]
axes = figures.new_panels(
    columns=3, height=1.5, sharex=True, sharey=True
)
for ax, (name, y) in zip(axes, along.items(), strict=True):
    ax.scatter(*plane.T, c=y, s=8)
    for length, v in zip(sigma, Vt, strict=True):
        end = 2 * length / np.sqrt(len(plane)) * v
        ax.plot(*np.transpose([-end, end]), "-", color="0.2", lw=1)
    ax.set(title=name, xticks=[], yticks=[], aspect="equal")
    ax.grid(visible=False)
plt.show()


# %% [markdown]
# Points at the same place along the long direction have the same colour on the left of
# {numref}`fig-01-plane`; on the right their colour tells how far they are off it.
#
# Now train a linear model $\Phi w$ by gradient descent from $w = 0$ with step size $\eta$.
# Each step leaves a share $1 - \eta \sigma_i^2 / n$ of what lies along $u_i$ still to be
# learnt: little along the long direction, nearly all along the short one.


# %%
def descend(Phi, y, step_sizes, steps):
    """Losses (steps + 1, step sizes) of full-batch gradient descent."""
    n, step_sizes = len(y), np.array(step_sizes)
    W = np.zeros((Phi.shape[1], len(step_sizes)))
    losses = []
    with np.errstate(over="ignore", invalid="ignore"):  # it may diverge
        for _ in range(steps + 1):
            errors = Phi @ W - y[:, None]
            losses.append((errors**2).sum(0) / (2 * n))
            W -= step_sizes * (Phi.T @ errors) / n
    return np.array(losses)


# %% mystnb={"figure": {"name": "fig-01-idea", "caption": "A target along the long direction is captured up to a higher threshold (above) and learnt in fewer steps (below). Captured share: what lies along directions at least as long as the threshold."}, "image": {"alt": "Above, three step functions of the threshold: that of the long target stays at 1 until nearly 1, that of the short one falls to 0 at about 0.3, and that of both falls to one half there. Below, loss against step: the long target is learnt in a few steps, the short one slowly, both in between."}} tags=["hide-input"]
above, below = figures.new_panels(2, height=1.8)
for name, y in along.items():
    tau = np.linspace(0, 1, 500)
    found = alignment(plane, y, bias=False, normalize=False)
    above.plot(
        tau, found.shares(tau), drawstyle="steps-pre", label=name
    )
    loss = descend(plane, y, [0.3 * len(y) / sigma[0] ** 2], 40)
    below.plot(loss / loss[0])
above.set(xlabel="threshold / ‖Φ‖_F", ylabel="captured share")
below.set(xlabel="step", ylabel="loss / first loss")
figures.count_axis(below)
above.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=3)
plt.show()

# %% [markdown]
# In the upper panel of {numref}`fig-01-idea` a threshold moves from left to right, and
# whatever lies along directions shorter than it is lost: the target along the short
# direction first, that along the long one last. The *area* under such a line is the
# number that this book reports. In the lower panel, the larger the area the faster the
# loss falls; the target along both directions loses half of its loss at once and waits
# for the rest.
#
# ## The definition
#
# :::{prf:definition} Alignment and area
# :label: def-01-alignment
#
# Let $\Phi \in \mathbb{R}^{n \times d}$ hold the features of $n$ points, with left singular
# vectors $u_i$ and singular values $\sigma_i$, and $y \in \mathbb{R}^n$ a target for each.
# The *alignment* at threshold $\tau > 0$ is
#
# $$
# A(\tau) = \sum_{i : \sigma_i \ge \tau} (u_i^\top y)^2 ,
# $$ (eq-01-alignment)
#
# and $A(0) = \lVert y \rVert^2$, with what lies outside the span of $\Phi$. The *captured
# share* is $A(\tau) / \lVert y \rVert^2$, and the *area* is that below the captured share,
# drawn over $\tau / \lVert \Phi \rVert_F$, where
# $\lVert \Phi \rVert_F^2 = \sum_i \sigma_i^2$:
#
# $$
# \text{area} = \frac{\sum_i \sigma_i \, (u_i^\top y)^2}
#   {\lVert \Phi \rVert_F \, \lVert y \rVert^2} .
# $$ (eq-01-area)
# :::
#
# Alignment is the paper's {cite:p}`imani2022`, as its authors' *demonstration*
# (a notebook) computes it; the area is ours. In NumPy, for the target along both
# directions, with the package's number second:

# %%
y = along["both"]
energy, norm = (U.T @ y) ** 2, np.linalg.norm(sigma)
share = energy[sigma >= 0.5 * norm].sum() / (y @ y)
area = sigma @ energy / (norm * (y @ y))
packaged = alignment(plane, y, bias=False, normalize=False)
print(share, packaged.shares([0.5])[0, 0])
print(area, packaged.area()[0])

# %% [markdown]
# In the rest of the book features have a column of ones appended (the bias of the linear
# model) and each row is divided by its norm, as in the demonstration. Then
# $\lVert \Phi \rVert_F^2 = n$ and $\sigma_1 \le \sqrt n$. Nothing is centred.


# %%
def prepared(features):
    """Phi: features (n, d) with a column of ones, in rows of norm 1."""
    Phi = np.column_stack([features, np.ones(len(features))])
    return Phi / np.linalg.norm(Phi, axis=1, keepdims=True)


s = np.linalg.svd(prepared(plane), compute_uv=False)
print(s, alignment(plane, y).singular_values)

# %% [markdown]
# ### Between chance and a ceiling
#
# :::{prf:proposition} Ceiling of the area
# :label: prop-01-area
#
# The area is the product of two factors in $[0, 1]$,
#
# $$
# \text{area} = \frac{\sum_i \sigma_i \, (u_i^\top y)^2}{\sigma_1 \lVert y \rVert^2}
#   \times \underbrace{\frac{\sigma_1}{\lVert \Phi \rVert_F}}_{\text{ceiling}} ,
# $$ (eq-01-factors)
#
# and reaches its ceiling exactly if $y$ lies along directions with
# $\sigma_i = \sigma_1$.
# :::
#
# :::{dropdown} Proof
# In the first factor, $\sigma_i \le \sigma_1$ and
# $\sum_i (u_i^\top y)^2 \le \lVert y \rVert^2$; both are equalities exactly if $y$ is in
# the span of the longest directions. In the second,
# $\sigma_1^2 \le \sum_i \sigma_i^2 = \lVert \Phi \rVert_F^2$. (That {eq}`eq-01-area` is the
# area below the captured share: direction $i$ counts in $A(\tau)$ for
# $0 \le \tau \le \sigma_i$, so it adds $(u_i^\top y)^2 \sigma_i$ to the integral.)
# :::
#
# The ceiling says how far the spectrum has collapsed onto one direction: 1 if there is no
# other, $1/\sqrt r$ if all $r$ are equally long. Training can raise an area in two ways:
# the targets move towards the long directions, or the spectrum collapses.
#
# *Chance* is the mean area of the same targets in all $n!$ orders. It is not zero: real
# targets have a mean, which the column of ones captures in any order.
#
# :::{prf:proposition} Mean over permutations
# :label: prop-01-chance
#
# With $m$ the mean of $y$ and $\pi$ a random permutation of its entries,
#
# $$
# \mathbb{E} (u_i^\top \pi y)^2 = m^2 (\mathbf 1^\top u_i)^2
#   + \frac{\lVert y \rVert^2 - n m^2}{n - 1}
#     \Bigl( 1 - \frac{(\mathbf 1^\top u_i)^2}{n} \Bigr) .
# $$ (eq-01-chance)
# :::
#
# :::{dropdown} Proof
# Write $y = m \mathbf 1 + z$ with $\mathbf 1^\top z = 0$ and
# $\lVert z \rVert^2 = \lVert y \rVert^2 - n m^2$. A permutation leaves $m \mathbf 1$ and
# moves $z$, whose mean over permutations is 0, so the cross term vanishes.
# $M = \mathbb{E} \, \pi z z^\top \pi^\top$ has the same entry everywhere on its diagonal and
# the same elsewhere, hence is $a I + b \mathbf 1 \mathbf 1^\top$. It maps $\mathbf 1$ to 0,
# so $b = -a/n$; its trace is $\lVert z \rVert^2$, so $a (n - 1) = \lVert z \rVert^2$. Then
# {eq}`eq-01-chance` is $m^2 (\mathbf 1^\top u_i)^2 + u_i^\top M u_i$.
# :::

# %% [markdown]
# ## The exact loss of gradient descent
#
# :::{prf:theorem} Loss of gradient descent
# :label: thm-01-identity
#
# Let $L(w) = \frac{1}{2n} \lVert \Phi w - y \rVert^2$ and let full-batch gradient descent
# with step size $\eta$ start from $w_0 = 0$. After $t$ steps, with $r$ the rank of $\Phi$,
#
# $$
# L(w_t) = \frac{1}{2n} \Bigl[ \sum_{i \le r}
#   \bigl(1 - \tfrac{\eta}{n} \sigma_i^2\bigr)^{2t} (u_i^\top y)^2
#   + \lVert y \rVert^2 - \sum_{i \le r} (u_i^\top y)^2 \Bigr] .
# $$ (eq-01-identity)
#
# For every $y$ it falls to what $y$ has outside the span of $\Phi$ if and only if
# $0 < \eta < 2n / \sigma_1^2$.
# :::
#
# :::{dropdown} Proof
# A step is $w_{t+1} = w_t - \tfrac{\eta}{n} \Phi^\top (\Phi w_t - y)$. The residual
# $r_t = y - \Phi w_t$ therefore obeys
# $r_{t+1} = (I - \tfrac{\eta}{n} \Phi \Phi^\top) r_t$, with $r_0 = y$. In the basis of
# left singular vectors the matrix is diagonal: the part of $y$ along $u_i$ shrinks by
# $1 - \tfrac{\eta}{n} \sigma_i^2$ a step, and the part outside the span of $\Phi$ stays.
# Squaring and summing gives {eq}`eq-01-identity`. All factors have modulus below one
# exactly if $0 < \eta \sigma_1^2 / n < 2$; else that of $y = u_1$ does not fall.
# :::
#
# Where $\sigma_i$ is large the bracket is small, and the target's energy along $u_i$ is
# gone after few steps. In NumPy, beside forty steps of real descent in the plane:

# %%
eta, t = 0.3 * len(y) / sigma[0] ** 2, 40
left = (1 - eta / len(y) * sigma**2) ** (2 * t) * (U.T @ y) ** 2
outside = y @ y - ((U.T @ y) ** 2).sum()
print((left.sum() + outside) / (2 * len(y)))
print(descend(plane, y, [eta], t)[-1, 0], packaged.residual(eta, [t]))

# %% [markdown]
# The paper states its result as a bound; its exact form was not available to us, so that
# the form and proof here are ours.
#
# :::{prf:proposition} Alignment bounds the loss
# :label: prop-01-bound
#
# Let $0 < \eta < 2n / \sigma_1^2$ and
# $\rho(\tau) = \max_{\sigma_i \ge \tau} |1 - \tfrac{\eta}{n} \sigma_i^2|$. Then for every
# threshold $0 < \tau \le \sigma_1$ and every step $t$
#
# $$
# L(w_t) \le \frac{1}{2n} \Bigl[ \rho(\tau)^{2t} A(\tau)
#   + \lVert y \rVert^2 - A(\tau) \Bigr] .
# $$ (eq-01-bound)
# :::
#
# :::{dropdown} Proof
# Split the sum of {eq}`eq-01-identity` at $\tau$. Directions with $\sigma_i \ge \tau$
# shrink by at least $\rho(\tau)$ a step and hold $A(\tau)$ in all. The others, and the
# part outside the span, do not grow since $|1 - \tfrac{\eta}{n}\sigma_i^2| \le 1$; they
# hold $\lVert y \rVert^2 - A(\tau)$.
# :::
#
# For $\eta \le n / \sigma_1^2$, $\rho(\tau)$ is at most $1 - \tfrac{\eta}{n} \tau^2$: the
# higher the threshold up to which most of the target is captured, the sooner the loss is
# low.
#
# ## Five sets of features for one target
#
# The data are slices across bodies, as in the paper; the target is the position of a slice
# along the body, from $-1$ at the head to $+1$.

# %%
ct = data.load(dataset, n=n, data_dir=data_dir, seed=seed)
inputs, y = ct.inputs.astype(float), ct.targets[:, 0].astype(float)
rows = len(inputs)
print(ct.about.sentence())

# %% mystnb={"figure": {"name": "fig-01-slices", "caption": "Bone in eight slices, from the one nearest to the head on the left to the one farthest from it on the right. An input counts bone in 240 cells of such a disc and air in 144."}, "image": {"alt": "Eight discs in a row, each a polar grid of grey cells that shows where bone lies in a slice of a body.", "classes": "dark-light"}} tags=["hide-input"]
shown = np.argsort(y)[np.linspace(0, rows - 1, 8).astype(int)]
figures.plot_images(
    [data.slice_pictures(ct.inputs[shown])],
    ax=figures.new_panels(height=0.4),
)
plt.show()

# %% [markdown]
# Neighbouring slices look alike ({numref}`fig-01-slices`), which is why their positions
# can be learnt at all.
#
# The paper compares three sets of 1,024 features of such slices and does not say how they
# were made in any source available to us. Ours are the hidden layer of a network trained
# on the positions, random ReLU units, and random Fourier features with a short length
# scale. Each draw has its own weights.


# %%
def random_relu(x, draw):
    """A hidden layer with random weights (n, width)."""
    weights = draw.normal(size=(x.shape[1], width))
    weights /= np.sqrt(x.shape[1])
    return np.maximum(x @ weights + draw.normal(size=width), 0)


# %%
def random_fourier(x, draw):
    """Features (n, width) of a Gaussian kernel.

    Its width is a quarter of the spread of the data.
    """
    length = 0.25 * np.sqrt(2 * x.var(0).sum())
    waves = draw.normal(size=(x.shape[1], width)) / length
    return np.cos(x @ waves + draw.uniform(0, 2 * np.pi, width))


# %%
def network(depth, units):
    """Networks before training, one for each seed."""
    shape = {"width": units, "depth": depth, "members": seeds}
    return MLPEnsemble(
        inputs.shape[1], seed=seed, device=where, **shape
    )


# %%
def train(networks, targets, epochs):
    """Losses (seeds,) after all epochs of Adam."""
    how = {"optimizer": "adam", "batch_size": 64, "tolerance": 0}
    how |= {"seed": seed, "checkpoints": checkpoints or None}
    return fit(
        networks, ct.inputs, targets,
        loss="squared", max_epochs=epochs, **how,
    ).final_losses()  # fmt: skip


# %%
def last_layer(networks):
    """Features of the last hidden layer, (seeds, n, units)."""
    return networks.hidden(ct.inputs)[-1].double().cpu().numpy()


# %%
shallow = network(1, width)
train(shallow, ct.targets, epochs)
draws = [np.random.default_rng(seed + i) for i in range(seeds)]
sets = {
    "trained network": last_layer(shallow),
    "random ReLU": [random_relu(inputs, d) for d in draws],
    "random Fourier": [random_fourier(inputs, d) for d in draws],
}

# %% [markdown]
# The paper's reproducibility card also has a network that learns *shuffled* labels: three
# hidden layers as wide as the input, trained by Adam in batches of 64 for 1,000 epochs.
# It does not say to which experiment that network belongs; we take its last hidden layer
# as features for the true positions. Beside it stands a twin with the same initial
# weights and batches that learns the true positions. They differ in nothing else.


# %%
def shuffled_positions(stream):
    """Positions in another order for each seed, (seeds, n, 1)."""
    orders = [
        np.random.default_rng([seed + i, stream]).permutation(rows)
        for i in range(seeds)
    ]
    return ct.targets[np.stack(orders)]


# %%
labels = np.stack([ct.targets] * seeds)
told = {
    "deep, true labels": shuffled_positions(1) if control else labels,
    "deep, shuffled labels": shuffled_positions(0),
}
units = deep_width or inputs.shape[1]


# %% tags=["hide-input"]
def slug(name):
    """Name of a set of features in a record."""
    return name.lower().replace(",", "").replace(" ", "_")


def noted(what, values, within=None):
    """Record one value per seed of each set; its intervals."""
    return [
        record(
            f"01.{what}.{slug(name)}",
            values.sel(features=name),
            within=within,
            exact=name.startswith("random"),
        )
        for name in sets
    ]


# %%
for name, targets in told.items():
    twin = network(3, units)
    left = train(twin, targets, deep_epochs) / y.var()
    record(f"01.fit.{slug(name)}", left)
    sets[name] = last_layer(twin)
record_words("01.deep.epochs", f"{deep_epochs:,}")
record_words("01.deep.units", f"{units:,}")

# %% [markdown]
# After {glue:text}`01.deep.epochs` epochs with {glue:text}`01.deep.units` units in each
# layer, the mean squared error is {glue:text}`01.fit.deep_true_labels` of the variance of
# the positions with true labels and {glue:text}`01.fit.deep_shuffled_labels` with shuffled
# ones: 1 is what a constant gives, 0 is all labels learnt by heart.
#
# ### How are the positions aligned with each set?

# %%
found = np.empty((len(sets), seeds), object)
for (j, name), i in product(enumerate(sets), range(seeds)):
    found[j, i] = alignment(sets[name][i], y, method="svd")
aligned = xr.DataArray(
    found, dims=("features", "seed"), coords={"features": list(sets)}
)
if control:  # the next of three sets instead, and the other twin
    aligned.data = aligned.data[[1, 2, 0, 4, 3]]


# %%
def each(number, **options):
    """Number, or array, of the alignment of every set and seed."""
    return xr.apply_ufunc(number, aligned, vectorize=True, **options)


# %%
area = each(lambda a: a.area()[0])
chance = each(lambda a: a.null().area[0])
ceiling = each(lambda a: a.ceiling)


# %%
columns = {"Area": area, "Chance": chance, "Ceiling": ceiling}
found = [noted(k.lower(), v, (0, 1)) for k, v in columns.items()]
means = [[f"{a.mean:.3f}" for a in row] for row in found]
table(["Features", *columns], zip(sets, *means, strict=True))

# %% [markdown]
# Read each area between its chance and its ceiling: no target at all could have a larger
# area than the ceiling. Where the ceiling is low, as with random Fourier features, the
# spectrum is spread out and no target is learnt at once; where it is near 1 and the area
# is not, as with random ReLU units, nearly all of the features' norm lies along one
# direction that has little to do with the positions.
#
# ## Does the better aligned set learn faster?
#
# Every set, seed and step size is trained for real, by the loop above, which knows
# nothing of singular values.

# %%
losses = xr.DataArray(
    np.empty((len(sets), seeds, steps + 1, len(step_sizes))),
    dims=("features", "seed", "step", "step_size"),
    coords={"features": list(sets), "step_size": step_sizes},
)
for name, i in product(sets, range(seeds)):
    Phi = prepared(sets[name][i])
    losses.loc[name, i] = descend(Phi, y, step_sizes, steps)
first, last = losses.isel(step=0), losses.isel(step=-1)

# %% [markdown]
# A run has diverged if its last loss exceeds its first. {prf:ref}`thm-01-identity` says
# beforehand which will: those with a step size of $2n / \sigma_1^2$ or more. As
# $\sigma_1^2 \le n$, a step size below 2 is always safe; only a flat spectrum allows a
# larger one.

# %%
diverged = ~(last <= first)
limit = each(lambda a: 2 * rows / a.singular_values[0] ** 2)
foretold = losses.step_size >= limit
right = (diverged == foretold).mean(("features", "step_size"))
record("01.divergence.predicted", right, within=(0, 1), exact=True)
stable = ~(diverged | foretold)

# %%
best = last.where(~diverged, np.inf).argmin("step_size")
best_losses = losses.isel(step_size=best)
final = best_losses.isel(step=-1)
found = [noted("limit", limit), noted("loss", final)]
means = [[f"{a.mean:.3g}" for a in row] for row in found]
table(
    ["Features", "Largest stable step size", "Last loss, best size"],
    zip(sets, *means, strict=True),
)

# %% tags=["hide-input"]
curves = each(
    lambda a: a.shares()[:, 0], output_core_dims=[["threshold"]]
)
record("01.curve", curves.assign_coords(threshold=GRID))

# %% mystnb={"figure": {"name": "fig-01-sets", "caption": "Is the better aligned of five sets of features learnt faster? Above, the captured share of the positions, with the area below each curve in brackets; below, the loss of a linear model at the best step size tried. Bands span the seeds."}, "image": {"alt": "Two panels below each other. Above, share of the target captured against threshold over the norm of the features, five step functions. Below, training loss against gradient-descent step for the same five sets on logarithmic axes."}} tags=["hide-input", "lead-figure"]
above, below = figures.new_panels(2, height=2.6)
fine = np.linspace(0, 1, 101)
some = np.unique(np.geomspace(1, steps, 60).astype(int))
shares = each(
    lambda a: a.shares(fine)[:, 0], output_core_dims=[["threshold"]]
)
names = {f: f"{f} ({area.sel(features=f).mean():.2f})" for f in sets}
figures.plot_curves(
    {names[f]: shares.sel(features=f).values for f in sets},
    fine, ax=above, xlabel="threshold / ‖Φ‖_F",
    ylabel="captured share", steps=True,
)  # fmt: skip
above.legend(loc="lower left", bbox_to_anchor=(-0.15, 1), ncols=2)
figures.plot_curves(
    {f: best_losses.sel(features=f).values[:, some] for f in sets},
    some, ax=below, xlabel="step", ylabel="training loss", legend=False,
)  # fmt: skip
below.set(xscale="log", yscale="log")
plt.show()


# %% [markdown]
# Look in the upper panel of {numref}`fig-01-sets` at how far to the right each curve stays
# high, and in the lower one at the order of the same colours, on the left and on the right.
# Then compare *deep, true labels* with the *trained network*: areas
# {glue:text}`01.area.deep_true_labels.mean:.2f` and
# {glue:text}`01.area.trained_network.mean:.2f`, last losses
# {glue:text}`01.loss.deep_true_labels.mean:.1e` and
# {glue:text}`01.loss.trained_network.mean:.1e`. A loss that falls fast at first and then
# hardly has learnt what lies along long directions; the rest, which takes long, weighs
# little in the area.


# %%
def ranked_alike(area, loss):
    """Whether the larger area has the smaller loss, for all sets."""
    order = area.argsort(0).values == (-loss).argsort(0).values
    return order.all(0)


# %%
three = ["trained network", "random ReLU", "random Fourier"]
early = best_losses.isel(step=min(5, steps))
alike = {
    "agrees": ranked_alike(
        *(a.sel(features=three) for a in (area, final))
    ),
    "five": ranked_alike(area, final),
    "early": ranked_alike(area, early),
}
{k: record(f"01.order.{k}", v, within=(0, 1)) for k, v in alike.items()}

# %% [markdown]
# Area and speed rank the first three sets alike in a share of {glue:text}`01.order.agrees`
# of the draws; the 95 % interval in brackets is wide where draws are few. If they had
# nothing to do with each other, one draw in six would; the claim asks for more than half.
# All five sets, of which chance ranks one draw in 120 alike, do so in a share of
# {glue:text}`01.order.five` at the last step and of {glue:text}`01.order.early` at step 5, a
# step that was chosen after the curves were seen.
#
# ### What do shuffled labels leave?

# %%
true, mixed = told
gap = area.sel(features=true) - area.sel(features=mixed)
slower = np.log10(final.sel(features=mixed) / final.sel(features=true))
record("01.shuffled.gap", gap)
record("01.shuffled.slower", slower)


# %%
def true_area(features):
    """Areas of the true positions with each of several features."""
    return [alignment(f, y).area()[0] for f in features]


whole = {"within": (0, 1), "exact": True}
untrained = true_area(last_layer(network(3, units)))
record("01.area.deep_untrained", untrained, **whole)
record("01.area.inputs", true_area([inputs]), **whole)

# %% [markdown]
# Before training the last layer of the deep networks has an area of
# {glue:text}`01.area.deep_untrained` with the true positions, and the slices themselves
# have {glue:text}`01.area.inputs.mean:.3f`. Training on the positions takes it to
# {glue:text}`01.area.deep_true_labels`, training on shuffled ones to
# {glue:text}`01.area.deep_shuffled_labels`; the twins differ by
# {glue:text}`01.shuffled.gap`. On the features from shuffled labels the last loss of a
# linear model is larger by {glue:text}`01.shuffled.slower` powers of ten. An area below
# that of the untrained layer says that what was learnt by heart has crowded out what the
# layer held to begin with. A sceptic will note that the twin's features were made for these
# very positions; compare with the random sets as well.
#
# ## Does the prediction hold to the last digit?
#
# {prf:ref}`thm-01-identity` needs one decomposition and no training. Here it is beside
# the losses above, over all runs that did not diverge and all steps, with the bound of
# {prf:ref}`prop-01-bound` at the best of 60 thresholds for each step.

# %%
times = np.arange(steps + 1)


def exact(a):
    """Loss by the theorem, (steps + 1, step sizes)."""
    found = [a.residual(eta, times)[:, 0] for eta in step_sizes]
    return np.stack(found, axis=1)


predicted = each(exact, output_core_dims=[["step", "step_size"]])
error = abs(predicted.where(stable) - losses).max("step") / first
record(
    "01.identity.error",
    error.max(("features", "step_size")),
    exact=True,
)


# %%
def bound(a):
    """Right side of the proposition, (steps + 1, step sizes)."""
    sigma, whole = a.singular_values, a.target_energy[0]
    taus = sigma[0] * np.geomspace(1e-3, 0.999, 60)
    held, lowest = a.curve(taus)[:, 0, None], []
    for eta in step_sizes:
        factors = abs(1 - eta / rows * sigma**2)
        rho = [factors[sigma >= tau].max() for tau in taus]
        shrunk = np.power.outer(rho, 2 * times)
        lowest.append((shrunk * held + whole - held).min(0))
    return np.stack(lowest, axis=1) / (2 * rows)


# %%
with np.errstate(over="ignore"):  # steps that diverge are left out
    bounds = each(bound, output_core_dims=[["step", "step_size"]])
excess = (losses.where(stable) - bounds).max("step") / first
record(
    "01.bound.excess", excess.max(("features", "step_size")), exact=True
)

# %% mystnb={"figure": {"name": "fig-01-bound", "caption": "The exact prediction (dots) lies on the loss of gradient descent, and the bound, at the best threshold for each step, above it: features of the trained network, first seed, best step size."}, "image": {"alt": "Training loss against step on logarithmic axes: a line for gradient descent, points on it for the prediction, and the bound as a line above it."}} tags=["hide-input"]
ax = figures.new_panels(height=2.4)
some = np.unique(np.geomspace(1, steps, 12).astype(int))
at = {"features": three[0], "seed": 0}
size = {"step_size": int(best.sel(at))}
ax.plot(times[1:], best_losses.sel(at)[1:], label="gradient descent")
ax.plot(times[1:], bounds.sel(at).isel(size)[1:], label="bound")
dots = predicted.sel(at).isel(size)[some]
ax.plot(some, dots, "o", color="0.35", label="prediction")
ax.set(
    xlabel="step", ylabel="training loss", xscale="log", yscale="log"
)
ax.legend()
plt.show()

# %% [markdown]
# In {numref}`fig-01-bound` the dots should lie on the line: the largest difference in all
# runs is {glue:text}`01.identity.error` of the first loss. The bound touches the loss at
# step 0; later it is loose, since it lets all directions above the threshold shrink as
# slowly as the slowest of them, and those below it not at all. The loss exceeds it by at
# most {glue:text}`01.bound.excess`: above 0, beyond rounding, the proposition would be
# wrong. Which step sizes diverge was predicted for a share of
# {glue:text}`01.divergence.predicted.mean:.3f` of all runs.
#
# ## Where area and speed part
#
# The area weighs the energy along $u_i$ by $\sigma_i$. Descent weighs it by
# $1 - (1 - \tfrac{\eta}{n} \sigma_i^2)^{2t}$: by $2 t \tfrac{\eta}{n} \sigma_i^2$ at first,
# and after many steps nearly alike, down to $\sigma_i^2 \approx n / \eta t$. So no single
# number can rank features for every $t$. The theorem shows it without a step of training:

# %%
late = np.unique(np.geomspace(1, 10**6, 60).astype(int))


def soonest(a):
    """Exact loss at the best stable step size for each time."""
    most = 2 * rows / a.singular_values[0] ** 2
    tried = [a.residual(e, late)[:, 0] for e in step_sizes if e < most]
    return np.min(tried, axis=0)


ahead = each(soonest, output_core_dims=[["step"]])
_ = noted("late", ahead.isel(step=-1))

# %% mystnb={"figure": {"name": "fig-01-late", "caption": "The set that leads early need not lead late: exact training loss up to a million steps, at the best of the stable step sizes for each step. Bands span the seeds; the dashed line is where descent above ended."}, "image": {"alt": "Training loss against gradient-descent step, up to a million, on logarithmic axes, one line for each of five sets of features; lines may cross."}} tags=["hide-input"]
ax = figures.plot_curves(
    {name: ahead.sel(features=name).values for name in sets},
    late,
    ax=figures.new_panels(height=2.8),
    xlabel="step",
    ylabel="training loss",
)
ax.axvline(steps, color="0.45", linestyle="--", linewidth=0.7)
ax.set(xscale="log", yscale="log")
plt.show()

# %% [markdown]
# Where two lines of {numref}`fig-01-late` cross, the order of speeds turns over, while the
# areas stay as they are. Compare the trained network with the random Fourier features:
# areas {glue:text}`01.area.trained_network.mean:.2f` and
# {glue:text}`01.area.random_fourier.mean:.2f`, losses after a million steps
# {glue:text}`01.late.trained_network.mean:.1e` and
# {glue:text}`01.late.random_fourier.mean:.1e`. The area sums up a spectrum; where a loss
# is wanted, {prf:ref}`thm-01-identity` gives it.
#
# ## Does it depend on how features are prepared?
#
# A column of ones, rows of norm one, nothing centred, thresholds over the norm: each is a
# choice. The table changes one at a time and asks again whether area and speed rank the
# first three sets alike. Speed is computed by {prf:ref}`thm-01-identity`; as rows that
# are not scaled have another norm, step sizes are in units of $n / \lVert \Phi \rVert_F^2$.


# %%
def last_loss(a):
    """Exact loss after the last step, at the best stable step size."""
    unit, most = rows / a.norm**2, 2 * rows / a.singular_values[0] ** 2
    tried = [eta * unit for eta in step_sizes if eta * unit < most]
    return min(a.residual(eta, steps)[0, 0] for eta in tried)


# %%
choices = {
    "as defined": ({}, "norm"),
    "no column of ones": ({"bias": False}, "norm"),
    "rows not scaled": ({"normalize": False}, "norm"),
    "columns centred": ({}, "norm"),
    "over sigma_1": ({}, "sigma_1"),
}

# %%
lines = []
for choice, (options, over) in choices.items():
    centred = choice == "columns centred"
    both = xr.DataArray(
        np.empty((2, 3, seeds)), dims=("what", "features", "seed")
    )
    for (j, name), i in product(enumerate(three), range(seeds)):
        f = sets[name][i]
        a = alignment(f - f.mean(0) * centred, y, **options)
        both[:, j, i] = [a.area(over=over)[0], last_loss(a)]
    alike = ranked_alike(*both)
    key = f"01.robust.order.{slug(choice)}"
    means = [f"{m:.3f}" for m in both[0].mean("seed").values]
    lines.append([choice, *means, record(key, alike, within=(0, 1))])
table(["Choice", *three, "Ranked alike"], lines)

# %% [markdown]
# The three columns in the middle are areas, the last is a share of the draws. Where it
# differs from that of the first row, the order of sets depends on the choice; here compare
# the last two rows. Areas may be compared only if all were taken in the same way. Centring
# takes away the direction onto which random ReLU units collapse: compare their area with
# and without.
#
# ## What was found
#
# - The theorem and the bound are mathematics, and hold in every run: largest differences
#   {glue:text}`01.identity.error.mean:.0e` and {glue:text}`01.bound.excess.mean:.0e`.
# - Last losses at the best step size are {glue:text}`01.loss.trained_network` (trained
#   network), {glue:text}`01.loss.random_relu` (random ReLU) and
#   {glue:text}`01.loss.random_fourier` (random Fourier); of the deep networks,
#   {glue:text}`01.loss.deep_true_labels` with true and
#   {glue:text}`01.loss.deep_shuffled_labels` with shuffled labels.
# - Area and speed rank the first three alike in a share of
#   {glue:text}`01.order.agrees.mean:.2f` of the draws, in one of
#   {glue:text}`01.robust.order.columns_centred.mean:.2f` with centred features, and in one of
#   {glue:text}`01.robust.order.over_sigma_1.mean:.2f` with areas over $\sigma_1$.
#
# Our choices: how the three sets are made, what the network with shuffled labels is
# compared with, the area, the form of the bound, and the mean loss. With a summed loss
# stable step sizes are $n$ times smaller. The `paper` profile takes real slices, 682 of
# the 1,000 that the paper draws; the deep networks are of the stated size there, and
# smaller and trained more briefly in `quick`. An epoch of ten such networks takes 0.6 s on
# one core, the 1,000 epochs of both kinds 20 minutes.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-01-1
#
# Give targets that lie wholly on $u_1$. How many steps does gradient descent need to
# halve their loss at $\eta = n / \sigma_1^2$? And targets wholly on $u_2$?
# :::
#
# :::{solution} ex-01-1
# :class: dropdown
#
# On $u_1$ the factor is $1 - \eta \sigma_1^2 / n = 0$: one step. On $u_2$ the loss is
# multiplied by $(1 - \sigma_2^2 / \sigma_1^2)^2$ a step, so it takes
# $\log 2 / (-2 \log (1 - \sigma_2^2/\sigma_1^2))$ steps, rounded up.
# :::
#
# :::{exercise}
# :label: ex-01-2
#
# The targets have half of their energy on the first of ten directions and the rest spread
# evenly over the other nine. All ten singular values are 1; now nine of them shrink to
# 0.1. What happens to the area and to its two factors?
# :::
#
# :::{solution} ex-01-2
# :class: dropdown
#
# The ceiling goes from $1 / \sqrt{10} = 0.316$ to $1 / \sqrt{1.09} = 0.958$, the other
# factor from 1 to $0.5 + 0.5 \cdot 0.1 = 0.55$, and the area from 0.316 to 0.527. The
# targets have not moved: collapse alone raised it.
# :::
#
# :::{exercise}
# :label: ex-01-3
#
# Show that the mean area of targets in a uniformly random direction is
# $\sum_i \sigma_i / (n \lVert \Phi \rVert_F)$, and at most $1 / \sqrt n$ however wide the
# features are. Is that so of the area over $\sigma_1$?
# :::
#
# :::{solution} ex-01-3
# :class: dropdown
#
# By symmetry each direction holds the same mean energy, and $n$ of them hold all:
# $\mathbb{E} (u_i^\top y)^2 / \lVert y \rVert^2 = 1/n$. By Cauchy and Schwarz,
# $\sum_{i \le r} \sigma_i \le \sqrt{r} \, \lVert \Phi \rVert_F$, and $r \le n$. Over
# $\sigma_1$ it is not: very wide Gaussian features have nearly equal singular values, and
# that area tends to 1 for any target. Widths cannot be compared by it.
# :::
#
# :::{exercise}
# :label: ex-01-4
#
# Run `repalign run 01 -p control true`, which takes for each of the first three sets
# the decomposition of the next one, and for the third that of the first. Why must the
# claim on order fail in every draw in which it held?
# :::
#
# :::{solution} ex-01-4
# :class: dropdown
#
# If areas and speeds rank three sets alike, areas moved on by one set rank them in a
# cycle, which agrees with the order of speeds in no place.
# :::
#
# ## Provenance

# %% tags=["provenance", "hide-input"]
provenance(datasets=[ct.about], device=where, seeds=seeds)
