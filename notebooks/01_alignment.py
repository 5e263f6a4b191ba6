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
# A linear model learns quickly when its targets lie along the top singular vectors of
# its features. This section defines *alignment*, the share of the targets that those
# directions hold, derives from it the exact loss of gradient descent, and lets real
# gradient descent check both on three sets of features.

# %% tags=["parameters"]
# fmt: off
dataset: str = "ct_phantom"  # {ct_phantom, ct_slices}: regression data, the target is a position along the body
n: int = 1000  # {20..}: rows to use, or all there are
width: int = 1024  # {2..}: features in each set
epochs: int = 20  # {1..}: training epochs of the network whose features are used
step_sizes: list = [0.01, 0.1, 1.0, 10.0]  # {0<..}: step sizes tried, the best is kept
steps: int = 1000  # {1..}: steps of gradient descent
seeds: int = 5  # {1..}: draws of the features
seed: int = 0  # {0..999999999}: the first seed
device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps
precision: str = "float32"  # {float32, float64}: of the training
data_dir: str = ""  # existing path: folder with real data (empty: REPALIGN_DATA)
# {precision != "float64" or device != "mps"}: this device computes in float32
# fmt: on

# %% tags=["remove-input"]
from repalign_utils import check_parameters

check_parameters(globals())

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.stats import kendalltau

from repalign_utils import (
    MLPEnsemble,
    alignment,
    choose_device,
    data,
    figures,
    fit,
    provenance,
    record,
    table,
)

figures.use_style()
where = {
    "device": choose_device(device),
    "dtype": getattr(torch, precision),
}

# %% [markdown]
# ## Definition
#
# Stack the features of $n$ points as the rows of $\Phi \in \mathbb{R}^{n \times d}$,
# with singular value decomposition $\Phi = U \Sigma V^\top$, and let
# $y \in \mathbb{R}^n$ hold one target per point.
#
# :::{prf:definition} Alignment
# :label: def-01-alignment
#
# The alignment of the targets $y$ with the features $\Phi$ at threshold $\tau \ge 0$ is
#
# $$
# A(\tau) = \sum_{i : \sigma_i \ge \tau} (u_i^\top y)^2 ,
# \qquad A(0) = \lVert y \rVert^2 .
# $$ (eq-01-alignment)
# :::
#
# $A$ falls from $\lVert y \rVert^2$ to nothing as $\tau$ passes $\sigma_1$. Targets are
# well aligned when it stays high until $\tau$ is close to $\sigma_1$
# {cite:p}`imani2022`. Here, as in the authors' demonstration, a column of ones (the
# bias of the linear model) is appended to $\Phi$ and each row is then divided by its
# norm, so that $\sum_i \sigma_i^2 = n$ and $\sigma_1 \le \sqrt n$. Nothing is centred.
#
# One number summarises a curve: the area under $A(\tau) / \lVert y \rVert^2$ over
# $\tau / \sigma_1$, which lies between 0 and 1,
#
# $$
# \text{area} = \frac{\sum_i \sigma_i \, (u_i^\top y)^2}{\sigma_1 \lVert y \rVert^2} .
# $$ (eq-01-area)
#
# In numpy, this is:


# %%
def alignment_in_numpy(features, y, tau):
    """A(tau), by the definition."""
    phi = np.column_stack([features, np.ones(len(features))])
    phi /= np.linalg.norm(phi, axis=1, keepdims=True)
    u, sigma, _ = np.linalg.svd(phi, full_matrices=False)
    return ((u.T @ y)[sigma >= tau] ** 2).sum()


# %%
rng = np.random.default_rng(seed)
features, y = rng.normal(size=(200, 20)), rng.normal(size=200)
print(alignment_in_numpy(features, y, tau=2.5))
print(alignment(features, y).curve([2.5])[0, 0])

# %% [markdown]
# ## The exact loss of gradient descent
#
# Train a linear model on fixed features by full-batch gradient descent from $w_0 = 0$
# with step size $\eta$, on the mean loss
#
# $$
# L(w) = \frac{1}{2n} \lVert \Phi w - y \rVert^2 .
# $$ (eq-01-loss)
#
# :::{prf:theorem} Loss of gradient descent
# :label: thm-01-identity
#
# After $t$ steps, with $r$ the rank of $\Phi$,
#
# $$
# L(w_t) = \frac{1}{2n} \Bigl[ \sum_{i \le r}
#   \bigl(1 - \tfrac{\eta}{n} \sigma_i^2\bigr)^{2t} (u_i^\top y)^2
#   + \lVert y \rVert^2 - \sum_{i \le r} (u_i^\top y)^2 \Bigr] ,
# $$ (eq-01-identity)
#
# and it falls for every $y$ if and only if $\eta < 2n / \sigma_1^2$.
# :::
#
# :::{dropdown} Proof
# A step is $w_{t+1} = w_t - \tfrac{\eta}{n} \Phi^\top (\Phi w_t - y)$. The residual
# $r_t = y - \Phi w_t$ therefore obeys
# $r_{t+1} = (I - \tfrac{\eta}{n} \Phi \Phi^\top) r_t$, with $r_0 = y$. In the basis of
# left singular vectors the matrix is diagonal: the part of $y$ along $u_i$ shrinks by
# $1 - \tfrac{\eta}{n} \sigma_i^2$ a step, and the part outside the span of $\Phi$ stays.
# Squaring and summing gives {eq}`eq-01-identity`. A factor has modulus below one for
# all $i$ exactly if $\eta \sigma_1^2 / n < 2$.
# :::
#
# Alignment enters because large $\sigma_i$ shrink first. The paper states this as a
# bound; its exact form there was not available to us, so the form and proof below are
# ours.
#
# :::{prf:proposition} Alignment bounds the loss
# :label: prop-01-bound
#
# Let $\eta < 2n / \sigma_1^2$ and, for a threshold $\tau$, let
# $\rho(\tau) = \max_{\sigma_i \ge \tau} |1 - \tfrac{\eta}{n} \sigma_i^2|$. Then for
# every $\tau > 0$ and every step $t$
#
# $$
# L(w_t) \le \frac{1}{2n} \Bigl[ \rho(\tau)^{2t} A(\tau)
#   + \lVert y \rVert^2 - A(\tau) \Bigr] .
# $$ (eq-01-bound)
#
# For $\eta \le n / \sigma_1^2$ the factor is at most $1 - \tfrac{\eta}{n} \tau^2$.
# :::
#
# :::{dropdown} Proof
# Split the sum of {eq}`eq-01-identity` at $\tau$. Directions with $\sigma_i \ge \tau$
# shrink by at least $\rho(\tau)$ a step and hold $A(\tau)$ in all. The others, and the
# part outside the span, do not grow since $|1 - \tfrac{\eta}{n}\sigma_i^2| \le 1$; they
# hold $\lVert y \rVert^2 - A(\tau)$. For $\eta \le n/\sigma_1^2$ no factor is negative
# and the largest belongs to the smallest $\sigma_i \ge \tau$.
# :::
#
# So the loss is within $\epsilon$ of $(\lVert y \rVert^2 - A(\tau)) / 2n$ after about
# $n \log(A(\tau) / 2 n \epsilon) / 2 \eta \tau^2$ steps: the larger the threshold at
# which $A$ is still high, the sooner.
#
# ## Three sets of features
#
# The paper compares three sets of 1,024 features of the CT Position data and does not
# say how they were made in any source available to us. Ours are: the hidden layer of a
# network trained on the targets, random ReLU units, and random Fourier features with a
# short length scale.

# %%
ct = data.load(dataset, n=n, data_dir=data_dir, seed=seed)
inputs, y = ct.inputs.astype(float), ct.targets[:, 0].astype(float)
rows = len(inputs)
print(ct.about.sentence())

# %%
networks = MLPEnsemble(
    inputs.shape[1],
    width=width,
    depth=1,
    members=seeds,
    seed=seed,
    **where,
)
training = fit(
    networks,
    ct.inputs,
    ct.targets,
    loss="squared",
    max_epochs=epochs,
    seed=seed,
)
trained = (
    networks.hidden(ct.inputs)[0].double().cpu().numpy()
)  # (seeds, n, width)


# %%
def random_relu(x, width, rng):
    """A hidden layer with random weights, each unit of about the size of an input."""
    weights = rng.normal(size=(x.shape[1], width)) / np.sqrt(x.shape[1])
    return np.maximum(x @ weights + rng.normal(size=width), 0)


def random_fourier(x, width, rng, scale=0.25):
    """Features of a Gaussian kernel, a quarter as wide as the data are spread."""
    length = scale * np.sqrt(2 * x.var(0).sum())
    phases = rng.uniform(0, 2 * np.pi, width)
    return np.cos(
        x @ rng.normal(size=(x.shape[1], width)) / length + phases
    )


# %%
generators = [np.random.default_rng(seed + i) for i in range(seeds)]
sets = {
    "trained network": list(trained),
    "random ReLU": [random_relu(inputs, width, g) for g in generators],
    "random Fourier": [
        random_fourier(inputs, width, g) for g in generators
    ],
}
aligned = {
    name: [alignment(f, y, method="svd") for f in fs]
    for name, fs in sets.items()
}

# %%
areas = {
    name: [a.area()[0] for a in found]
    for name, found in aligned.items()
}
untrained = [name for name in sets if name.startswith("random")]
found = {
    name: record(
        f"01.area.{name.lower().replace(' ', '_')}",
        values,
        exact=name in untrained,
    )
    for name, values in areas.items()
}
table(["Features", "Area"], found.items())

# %% [markdown]
# ## Gradient descent, step by step
#
# Every set, seed and step size is trained for real, with products of $\Phi$ and
# nothing of its decomposition.


# %%
def gradient_descent(features, y, step_sizes, steps):
    """Losses (steps + 1, step sizes) of full-batch gradient descent from zero."""
    phi = torch.tensor(
        np.column_stack([features, np.ones(len(features))])
    )
    phi /= phi.norm(dim=1, keepdim=True)
    y = torch.tensor(y)[:, None]
    eta = torch.tensor(
        step_sizes, dtype=torch.float64
    )  # the default would round
    w = torch.zeros(phi.shape[1], len(eta), dtype=phi.dtype)
    losses = []
    for _ in range(steps + 1):
        residual = phi @ w - y
        losses.append(residual.square().sum(0) / (2 * len(y)))
        w -= eta * (phi.T @ residual) / len(y)
    return torch.stack(losses).numpy()


# %%
losses = {
    name: np.stack(
        [gradient_descent(f, y, step_sizes, steps) for f in fs]
    )
    for name, fs in sets.items()
}  # each (seeds, steps + 1, step sizes)

# %% [markdown]
# A run has diverged if its last loss exceeds its first. The theorem says beforehand
# which will.

# %%
diverged = {name: ~(v[:, -1] <= v[:, 0]) for name, v in losses.items()}
predicted = {
    name: np.array(
        [
            [
                eta >= 2 * rows / a.singular_values[0] ** 2
                for eta in step_sizes
            ]
            for a in f
        ]
    )
    for name, f in aligned.items()
}
agree = [diverged[name] == predicted[name] for name in sets]
record(
    "01.divergence.predicted", np.mean(agree, axis=(0, 2)), exact=True
)

# %%
cells = {
    name: [
        f"diverged in {bad.sum()} of {seeds}"
        if bad.any()
        else f"{last.mean():.2e}"
        for last, bad in zip(
            losses[name][:, -1].T, diverged[name].T, strict=True
        )
    ]
    for name in sets
}
table(
    [
        "Loss after the last step",
        *[f"step size {eta:g}" for eta in step_sizes],
    ],
    [[name, *row] for name, row in cells.items()],
)

# %% [markdown]
# ### Prediction against gradient descent
#
# {prf:ref}`thm-01-identity` needs one decomposition and no training. Its largest
# difference from the losses of real gradient descent, over all runs that did not
# diverge and all steps, as a share of the first loss, is {glue:text}`01.identity.error`.
# (The default way of `alignment` may trade digits for speed; an identity deserves the
# full decomposition.)

# %%
times = np.arange(steps + 1)
errors = np.zeros(seeds)
for name, found in aligned.items():
    for i, a in enumerate(found):
        for j, eta in enumerate(step_sizes):
            if not diverged[name][i, j]:
                difference = (
                    a.residual(eta, times)[:, 0] - losses[name][i, :, j]
                )
                share = np.abs(difference).max() / losses[name][i, 0, j]
                errors[i] = max(errors[i], share)
record("01.identity.error", errors, exact=True)


# %%
def bounds(a, eta, times, taus):
    """Right side of the proposition, (thresholds, times)."""
    n, sigma = rows, a.singular_values
    held = a.curve(taus)[:, 0]
    rho = [
        np.abs(1 - eta / n * sigma[sigma >= tau] ** 2).max()
        for tau in taus
    ]
    shrunk = np.power.outer(rho, 2 * times)
    return (
        shrunk * held[:, None] + a.target_energy[0] - held[:, None]
    ) / (2 * n)


# %%
excess = np.full(seeds, -np.inf)
for name, found in aligned.items():
    for i, a in enumerate(found):
        taus = a.singular_values[0] * np.geomspace(1e-3, 0.999, 60)
        for j, eta in enumerate(step_sizes):
            if not predicted[name][i, j]:
                over = losses[name][i, :, j] - bounds(
                    a, eta, times, taus
                ).min(0)
                excess[i] = max(
                    excess[i], over.max() / losses[name][i, 0, j]
                )
record("01.bound.excess", excess, exact=True)

# %% mystnb={"figure": {"name": "fig-01-bound", "caption": "Loss of gradient descent, its exact prediction, and the bound at its best threshold, at the best step size of the first seed."}, "image": {"alt": "Two panels, trained network and random ReLU features. In each, training loss against step on logarithmic axes: a line for gradient descent, points for the prediction, and the bound as a dashed line."}} tags=["hide-input"]
axes = figures.new_axes(2, sharey=True)
for ax, name in zip(
    axes, ["trained network", "random ReLU"], strict=True
):
    a, tried = aligned[name][0], losses[name][0]
    best = np.nanargmin(np.where(diverged[name][0], np.inf, tried[-1]))
    taus = a.singular_values[0] * np.geomspace(1e-3, 0.999, 60)
    shown = np.unique(np.geomspace(1, steps, 12).astype(int))
    ax.plot(times[1:], tried[1:, best], label="gradient descent")
    envelope = bounds(a, step_sizes[best], times, taus).min(0)
    ax.plot(times[1:], envelope[1:], label="bound")
    exact = a.residual(step_sizes[best], shown)[:, 0]
    ax.plot(shown, exact, "o", color="0.35", label="prediction")
    ax.set(title=name, xlabel="step", xscale="log", yscale="log")
axes[0].set_ylabel("training loss")
axes[0].legend()
plt.show()

# %% [markdown]
# The bound is loose where it must choose one threshold for all steps before it, and
# touches the loss at step 0. The largest excess of the loss over it, as a share of the
# first loss, is {glue:text}`01.bound.excess`.
#
# ## Does the better aligned set learn faster?

# %%
best_losses = {}
for name in sets:
    usable = np.where(diverged[name], np.inf, losses[name][:, -1])
    best = usable.argmin(1)
    best_losses[name] = np.stack(
        [losses[name][i, :, j] for i, j in enumerate(best)]
    )  # (seeds, steps + 1)
    record(
        f"01.loss.{name.lower().replace(' ', '_')}",
        best_losses[name][:, -1],
        exact=name in untrained,
    )

# %%
tau = np.linspace(0, np.sqrt(rows), 200)
shares = {
    name: np.stack(
        [a.curve(tau)[:, 0] / a.target_energy[0] for a in found]
    )
    for name, found in aligned.items()
}
record(
    "01.curve",
    np.stack(list(shares.values()), axis=1),
    dims=("seed", "features", "threshold"),
    coords={"features": list(shares), "threshold": tau / np.sqrt(rows)},
)

# %% mystnb={"figure": {"name": "fig-01-sets", "caption": "Alignment of three sets of features (left) and the training loss of a linear model on each at its best step size (right); bands span the seeds."}, "image": {"alt": "Left, share of the target energy captured against threshold for three feature sets. Right, training loss against gradient-descent step for the same three sets on logarithmic axes."}} tags=["hide-input", "landing-figure"]
left, right = figures.new_axes(2)
figures.plot_curves(
    shares, tau / np.sqrt(rows), ax=left, xlabel="threshold / √n"
)
later = {name: values[:, 1:] for name, values in best_losses.items()}
figures.plot_curves(
    later,
    times[1:],
    ax=right,
    xlabel="step",
    ylabel="training loss",
    legend=False,
)
right.set(xscale="log", yscale="log")
plt.show()

# %% [markdown]
# Area and speed rank the three sets. Kendall's rank correlation between the area and
# the negative last loss, one value per seed, says whether they rank them alike: 1 if all
# three pairs agree, 1/3 if two do, -1 if none. The area is relative to $\sigma_1$ and
# the step sizes tried lie a factor of ten apart, so sets of similar area may trade
# places.

# %%
ranks = [
    kendalltau(
        [areas[name][i] for name in sets],
        [-best_losses[name][i, -1] for name in sets],
    ).statistic
    for i in range(seeds)
]
record("01.order.kendall", ranks)

# %% [markdown]
# ## What was found
#
# - Areas: trained network {glue:text}`01.area.trained_network`, random ReLU
#   {glue:text}`01.area.random_relu`, random Fourier {glue:text}`01.area.random_fourier`.
# - Last losses at the best step size: {glue:text}`01.loss.trained_network`,
#   {glue:text}`01.loss.random_relu` and {glue:text}`01.loss.random_fourier`. The rank
#   correlation of area and speed is {glue:text}`01.order.kendall`.
# - Which step sizes diverge was predicted for a share of
#   {glue:text}`01.divergence.predicted.mean:.3f` of all runs.
#
# Our choices: the feature sets, the form of the bound, and the mean loss, with which
# the paper's step sizes make sense (with the summed loss they all diverge).
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
# Scale all features by 10 and switch the row normalisation off
# (`alignment(..., normalize=False)`). What happens to the area, to the curve, and to
# the step sizes that do not diverge?
# :::
#
# :::{solution} ex-01-2
# :class: dropdown
#
# Apart from the bias column, which does not scale along, all $\sigma_i$ grow tenfold:
# the area hardly moves, the curve is stretched along the threshold axis by ten, and
# the largest stable step size is a hundred times smaller.
# :::
#
# :::{exercise}
# :label: ex-01-3
#
# Run this section with `-p epochs 1` and `-p epochs 200`. How does the area of the
# trained features follow the training, and what does the loss curve do?
# :::
#
# ## Provenance

# %% tags=["provenance", "hide-input"]
provenance(
    datasets=[ct.about],
    device=where["device"],
    precision=precision,
    seeds=seeds,
)
