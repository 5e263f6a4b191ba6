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
# (sec-03)=
# # What drives alignment: depth, width, optimiser, activation or batch size?
#
# Training aligns the last hidden layer with its targets ({ref}`sec-02`). Which choices
# decide how far? By the area above chance after training, {glue:text}`03.answer.classification`
# on the images, and {glue:text}`03.answer.regression` on the slices. The setting that gains
# least from training adds {glue:text}`03.gain.least.classification.mean:.2f` and
# {glue:text}`03.gain.least.regression.mean:.2f`. The paper finds that deeper networks end
# better aligned: here the deepest less the shallowest is
# {glue:text}`03.depth.end.classification.mean:.3f` on the images and
# {glue:text}`03.depth.end.regression.mean:.3f` on the slices.

# %% tags=["parameters"]
# fmt: off
dataset: str = "embedded"  # {embedded, real}: scikit-learn's digits and drawn slices, or MNIST (classes 0 and 1) and CT slices
n: int = 300  # {20..}: images and slices to use, or all there are
max_epochs: int = 1000  # {1..}: a network that has not converged stops here
tolerance: float = 1e-4  # {0..}: a network has converged when its loss over an epoch is below this
seeds: int = 6  # {2..}: networks per setting, trained together; six is the least that can tell a rank correlation from 0
depths: list = [1, 2, 4, 8]  # {1..}: numbers of hidden layers to try; 4 elsewhere
widths: list = [32, 64, 128, 256, 512]  # {1..}: widths to try; 128 elsewhere
optimizers: list = ["sgd", "momentum", "rmsprop", "adam", "adamw"]  # {sgd, momentum, rmsprop, adam, adamw}: optimisers to try; adam elsewhere
activations: list = ["relu", "tanh", "prelu", "leaky_relu", "linear"]  # {relu, tanh, prelu, leaky_relu, linear}: activations to try; relu elsewhere
batch_sizes: list = [32, 64, 128, 256]  # {1..}: batch sizes to try; 64 elsewhere
seed: int = 0  # {0..999999999}: the first seed
control: bool = False  # negative control: measure with shuffled targets, not those trained on; all claims must then fail
device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps
data_dir: str = ""  # existing path: folder with real data (empty: REPALIGN_DATA)
checkpoints: str = ""  # path: folder that keeps long trainings, so that they can go on (empty: none)
# {len(depths) >= 2}: the deepest network is compared with the shallowest
# fmt: on

# %% tags=["remove-input"]
from repalign_utils import check_parameters

check_parameters(globals())

# %% tags=["hide-input"]
import sys
from dataclasses import dataclass, replace
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from scipy.stats import kendalltau
from tqdm import tqdm

from repalign_utils import (
    MLPEnsemble,
    alignment,
    choose_device,
    data,
    figures,
    fit,
    interval,
    provenance,
    record,
    record_words,
    table,
)

figures.use_style()
where = choose_device(device)

# %% [markdown]
# ## What is compared
#
# A layer whose rows make up $\Phi$ $(n \times d)$, with singular values $\sigma_i$ and
# left singular vectors $u_i$, is judged by its *area above chance* ({ref}`sec-01`), the
# area less what the same spectrum gives on average over all orders of the targets:
#
# $$
# H = \text{area} - \text{chance} , \qquad
# \text{area} = \frac{1}{\|\Phi\|_F \|y\|^2} \sum_i \sigma_i (u_i^\top y)^2 .
# $$ (eq-03-gain)
#
# With $H_0$ of the untrained and $H_1$ of the trained last hidden layer, two questions
# are two numbers: how far does a setting of network and training get, $H_1$, and how
# much of that did training add, the *gain* $H_1 - H_0$? Both are needed, since random
# layers may differ already: a deep one can make its rows nearly equal, which leaves
# little room for $H_0$.
#
# The tasks are those of {ref}`sec-02`: images of two classes with targets $-1$ and $+1$,
# and slices whose target is their position along the body.

# %%
if dataset == "real":
    given = {"data_dir": data_dir, "seed": seed}
    images = data.mnist(n_per_class=n // 2, **given)
    slices = data.ct_slices(n=n, **given)
else:
    images = data.digits(n_per_class=min(n // 2, 178), seed=seed)
    slices = data.ct_phantom(n=n, seed=seed)

# %%
tasks = {"classification": images, "regression": slices}
losses = {"classification": "logistic", "regression": "squared"}
print(images.about.sentence(), slices.about.sentence(), sep="\n")

# %% [markdown]
# The same in NumPy, chance as the mean over a few hundred shuffles; second is the
# package's number, with the exact chance:


# %%
def plain_area(features, y):
    """Area of features (n, d) with targets (n, k), (k,)."""
    Phi = np.hstack([features, np.ones((len(y), 1))])
    Phi /= np.linalg.norm(Phi, axis=1, keepdims=True)
    U, sigma, _ = np.linalg.svd(Phi, full_matrices=False)
    captured = (U.T @ y) ** 2 / (y**2).sum(0)
    return sigma @ captured / np.linalg.norm(sigma)


# %%
X, y = np.float64(images.inputs), np.float64(images.targets)
draw = np.random.default_rng(seed)
orders = np.hstack([draw.permutation(y) for _ in range(400)])
found = alignment(X, y)
print("area  ", plain_area(X, y), found.area())
print("chance", plain_area(X, orders).mean(), found.null().area)

# %% [markdown]
# How large can an area be? The rows of $\Phi$ have length 1, so that it cannot exceed
# $\|\Phi^\top y\| / (\sqrt n \|y\|)$, and with $a_+$ and $a_-$ the sums of the positive
# targets and of the negative ones without their sign,
#
# $$
# \text{area} \le \frac{a_+ + a_-}{\sqrt n \, \|y\|} , \qquad
# \text{area} \le \frac{\sqrt{a_+^2 + a_-^2}}{\sqrt n \, \|y\|}
# \quad \text{after ReLU.}
# $$ (eq-03-bound)
#
# For balanced targets $-1$ and $+1$ these are 1 and $1 / \sqrt 2 = 0.71$: what an
# activation *allows* is part of what drives alignment.
#
# :::{dropdown} Proof
# With $p_i = (u_i^\top y)^2 / \|y\|^2$, which add up to at most 1, Cauchy and Schwarz
# give $\sum_i \sigma_i p_i \le (\sum_i \sigma_i^2 p_i)^{1/2} = \|\Phi^\top y\| / \|y\|$,
# and $\|\Phi\|_F = \sqrt n$. Now $\Phi^\top y = s_+ - s_-$, the sums of the rows with
# positive and with negative targets, each times $\lvert y_j \rvert$; their lengths are
# at most $a_+$ and $a_-$. After ReLU no entry is negative, so that
# $s_+^\top s_- \ge 0$ and $\|s_+ - s_-\|^2 \le \|s_+\|^2 + \|s_-\|^2$.
# :::


# %%
def bounds(y):
    """Largest area of any layer, and of one after ReLU, for targets (n, 1)."""
    sums = [y[y > 0].sum(), -y[y < 0].sum()]
    scale = np.sqrt(len(y)) * np.linalg.norm(y)
    return sum(sums) / scale, np.hypot(*sums) / scale


# %%
most = {
    task: bounds(np.float64(d.targets)) for task, d in tasks.items()
}
for task, (anything, relu) in most.items():
    record(f"03.bound.any.{task}", anything, within=(0, 1), exact=True)
    record(f"03.bound.relu.{task}", relu, within=(0, 1), exact=True)
{task: np.round(pair, 3).tolist() for task, pair in most.items()}

# %% [markdown]
# Alignment is measured with the targets that the networks are trained on. The negative
# control trains on the same ones and measures with shuffled targets, of which the
# networks know nothing; each seed has a shuffle of its own.


# %%
def measured(d):
    """Targets (seeds, n, 1) that each network is measured with."""
    draws = [np.random.default_rng([seed + i, 1]) for i in range(seeds)]
    shuffled = [draw.permutation(d.targets) for draw in draws]
    return np.stack(shuffled if control else [d.targets] * seeds)


# %%
for task, d in tasks.items():
    areas = [alignment(d.inputs, t).area()[0] for t in measured(d)]
    record(f"03.input.area.{task}", areas, within=(0, 1), exact=True)

# %% [markdown]
# ## Five sweeps around one setting
#
# Each sweep varies one choice and leaves the others at the base setting. Optimisers
# differ in the scale of their steps, so each kind has a step size of its own.


# %%
@dataclass(frozen=True)
class Setting:
    """What sweeps vary; equal settings are trained once."""

    depth: int = 4
    width: int = 128
    activation: str = "relu"
    optimizer: str = "adam"
    step_size: float = 1e-3
    batch_size: int = 64


# %%
base = Setting()
step_sizes = {"sgd": 0.1, "momentum": 0.05}

# %%
tried = {
    "depth": depths,
    "width": widths,
    "optimizer": optimizers,
    "activation": activations,
    "batch_size": batch_sizes,
}

# %%
sweeps = {
    choice: {v: replace(base, **{choice: v}) for v in values}
    for choice, values in tried.items()
}
for v in set(optimizers) & set(step_sizes):
    setting = sweeps["optimizer"][v]
    sweeps["optimizer"][v] = replace(setting, step_size=step_sizes[v])

# %% [markdown]
# The base setting is a value of every sweep and trained once. Networks of all seeds
# are trained together, each until its own loss over an epoch is below the tolerance, or
# to the last epoch allowed.

# %%
words = {"optimizer": "optimiser", "batch_size": "batch size"}
names = {base: "base"}
for choice, settings in sweeps.items():
    for value, setting in settings.items():
        value = f"{value}".replace("_", " ")
        title = f"{words.get(choice, choice)} {value}"
        names.setdefault(setting, title)
print(
    len(names), "settings:", *list(names.values())[:4], "...", sep="  "
)


# %%
def networks_of(setting, d):
    """Networks of all seeds, before training."""
    return MLPEnsemble(
        d.inputs.shape[1],
        width=setting.width,
        depth=setting.depth,
        activation=setting.activation,
        members=seeds,
        seed=seed,
        device=where,
    )


# %%
def trained_on(task, networks, setting):
    """What training on a task did; the networks are changed in place."""
    return fit(
        networks,
        tasks[task].inputs,
        tasks[task].targets,
        loss=losses[task],
        optimizer=setting.optimizer,
        step_size=setting.step_size,
        batch_size=setting.batch_size,
        max_epochs=max_epochs,
        tolerance=tolerance,
        seed=seed,
        checkpoints=checkpoints or None,
    )


# %%
def last_layers(networks, d):
    """Alignment of each network's last hidden layer."""
    layers = networks.hidden(d.inputs)[-1]
    pairs = zip(layers, measured(d), strict=True)
    return [alignment(layer, targets) for layer, targets in pairs]


# %%
trained = {}
runs = tqdm(list(product(tasks, names)), mininterval=2, file=sys.stderr)
for task, setting in runs:
    networks = networks_of(setting, tasks[task])
    run = {"before": last_layers(networks, tasks[task])}
    run["training"] = trained_on(task, networks, setting)
    run["after"] = last_layers(networks, tasks[task])
    trained[task, names[setting]] = run


# %%
def numbers(a):
    """Area, what chance gives, and the largest area there can be."""
    return a.area()[0], a.null().area[0], a.ceiling


# %%
def of_runs(give, /, **more):
    """Array (task, setting, ...) of what the networks of each run give."""
    values = [
        [give(trained[t, s]) for s in names.values()] for t in tasks
    ]
    known = {"task": list(tasks), "setting": list(names.values())}
    return xr.DataArray(
        values, dims=("task", "setting", *more), coords=known | more
    )


# %%
places = {"when": ["before", "after"], "seed": range(seeds)}
places["what"] = ["area", "chance", "ceiling"]
layer = of_runs(
    lambda run: [
        [numbers(a) for a in run[end]] for end in ("before", "after")
    ],
    **places,
)
dict(layer.sizes)

# %%
height = layer.sel(what="area") - layer.sel(what="chance")
gain = height.sel(when="after") - height.sel(when="before")
mean = layer.sel(task="classification", setting="base").mean("seed")
mean.to_pandas().round(3)

# %% [markdown]
# ### Has each setting converged?
#
# A network that was stopped before it had learnt its targets tells little about what
# its setting can do. How many networks reached the tolerance, after how many epochs?

# %%
by_seed = {"seed": range(seeds)}
converged = of_runs(lambda run: run["training"].converged, **by_seed)
epochs = of_runs(lambda run: run["training"].epochs, **by_seed)
last_loss = of_runs(
    lambda run: run["training"].final_losses(), **by_seed
)
f"{float(converged.mean()):.0%} of all networks"

# %%
for task in tasks:
    whole = converged.sel(task=task).mean("setting")
    record(f"03.converged.{task}", whole.values, within=(0, 1))
    for name, of in (("epochs", epochs), ("layer", layer)):
        of = of.sel(task=task).drop_vars("task")
        record(f"03.{name}.{task}", of.astype(float))

# %% tags=["hide-input"]
here = {"classification": "images", "regression": "slices"}
left = [
    f"{s} ({here[t]}, {int((~found).sum())} of {seeds} networks)"
    for t, s in product(tasks, names.values())
    if not (found := converged.sel(task=t, setting=s)).all()
]
record_words("03.unconverged", "; ".join(left) or "none")
rows = []
for t, s in product(tasks, names.values()):
    e = epochs.sel(task=t, setting=s)
    row = [s, here[t], f"{int(e.min())} to {int(e.max())}"]
    row += [f"{int(converged.sel(task=t, setting=s).sum())} of {seeds}"]
    rows.append([*row, f"{last_loss.sel(task=t, setting=s).max():.1e}"])

# %% mystnb={"code_prompt_show": "Show each setting"} tags=["hide-output", "remove-input"]
table(["Setting", "Task", "Epochs", "Converged", "Largest loss"], rows)

# %% [markdown]
# Settings in which some networks have not converged: {glue:text}`03.unconverged`. They are
# the orange squares below.
#
# ### Before and after, setting by setting

# %% tags=["hide-input"]
settings_of = {
    choice: {f"{v}".replace("_", " "): names[s] for v, s in of.items()}
    for choice, of in sweeps.items()
}
lines = []  # label, and name of the setting; none for a heading
for choice, of in settings_of.items():
    lines += [(words.get(choice, choice), None), *of.items()]
options = {"sharex": True, "sharey": True, "height": 0.19 * len(lines)}
options["subplot_kw"] = {"xlim": (-0.02, 1.02)}


# %% mystnb={"figure": {"name": "fig-03-settings", "caption": "How far does each setting get, and how much of it is training? Area above chance of the last hidden layer, before training (grey) and after it (coloured), one row for each setting; small dots are seeds, bars 95 % intervals over seeds. Orange squares: not all networks converged. No layer after ReLU can be to the right of the dashed line, and none at all to the right of the dotted one."}, "image": {"alt": "Two panels, images and slices. One row for each depth, width, optimiser, activation and batch size: a grey mark for the area above chance before training joined to a blue circle after training, or to an orange square where some networks had not converged, a dashed line for the most that ReLU allows and a dotted one for the most there can be."}} tags=["hide-input", "lead-figure"]
def dumbbell(ax, place, before, after, color, marker):
    """A setting: seeds as dots, means joined, interval over seeds."""
    found, level = interval(after), np.full(seeds, place)
    ends = before.mean(), after.mean()
    ax.plot(ends, level[:2], "-", color="0.7", linewidth=1)
    ax.plot(before, level, "o", color="0.45", markersize=2)
    ax.plot(ends[0], place, "|", color="0.3", markersize=7)
    bar = np.array([found.low, found.high], float)
    ax.plot(bar, level[:2], "-", color=color, linewidth=3)
    ax.plot(ends[1], place, marker, color=color, markersize=4)
    ax.plot(after, level, "o", color=color, markersize=2)


axes = figures.new_panels(columns=2, **options)
for ax, task in zip(axes, tasks, strict=True):
    for place, (_, s) in enumerate(lines):
        if s is not None:
            of = height.sel(task=task, setting=s)
            whole = converged.sel(task=task, setting=s).all()
            look = ("C0", "o") if whole else ("C1", "s")
            dumbbell(ax, place, *of.values, *look)
    for limit, style in zip(most[task], (":", "--"), strict=True):
        ax.axvline(limit, color="0.3", linestyle=style, lw=0.8)
    ax.set(title=here[task], xlabel="area above chance")
    ax.grid(axis="y", visible=False)
axes[0].set_yticks(range(len(lines)), [label for label, _ in lines])
axes[0].invert_yaxis()
for text, (_, s) in zip(axes[0].get_yticklabels(), lines, strict=True):
    text.set_fontweight("bold" if s is None else "normal")
plt.show()

# %% [markdown]
# Look first at whether any coloured mark lies to the left of its grey mark: there training
# would have lowered alignment ({numref}`fig-03-settings`). Then compare within a block:
# the further apart its coloured marks, the more the choice matters; and the further apart its
# grey marks, the more of that was there before training.
#
# A sceptic would say that an optimiser may only look worse because its networks were
# stopped at another loss. Where no mark of a block is a square, they were not: all
# of these networks have come below the same one.

# %%
for choice, task in product(settings_of, tasks):
    inside = list(settings_of[choice].values())
    of = gain.sel(task=task, setting=inside)
    record(f"03.gain.{choice}.{task}", of.min("setting"))

# %%
for task in tasks:
    least = gain.sel(task=task).min("setting")
    record(f"03.gain.least.{task}", least)
    for when in ("before", "after"):
        of = layer.sel(task=task, when=when, setting="base")
        for what in of.what.values:
            name = f"03.{what}.base.{task}.{when}"
            record(name, of.sel(what=what), within=(0, 1))

# %% [markdown]
# Alignment rises in *every* setting of a sweep if it does in the one that gains least,
# so each seed is recorded by its least gain over the values of the sweep. Over all settings
# it is {glue:text}`03.gain.least.classification` on the images and
# {glue:text}`03.gain.least.regression` on the slices. In the base
# setting the area after training is
# {glue:text}`03.area.base.classification.after.mean:.3f` on the images and
# {glue:text}`03.area.base.regression.after.mean:.3f` on the slices; chance gives
# {glue:text}`03.chance.base.classification.after.mean:.4f` and
# {glue:text}`03.chance.base.regression.after.mean:.4f`.
#
# ## Which choices matter, and by how much?
#
# The best setting of a sweep differs from the worst even if only seeds differ. So the
# two are chosen without the seed that they are then compared in: if the settings are
# alike, the difference $D$ is 0 on average. It is set beside the spread over seeds $s$,
# the standard deviation within a setting.


# %%
def difference(of):
    """Best less worst of (setting, seed), by the other seeds, (seeds,)."""
    found = []
    for i in range(seeds):
        others = of.drop_isel(seed=i).mean("seed")
        best, worst = others.argmax("setting"), others.argmin("setting")
        found.append(float(of[best, i] - of[worst, i]))
    return found


# %%
def spread(of):
    """Standard deviation within settings, as each seed has it, (seeds,)."""
    apart = of - of.mean("seed")
    return np.sqrt((apart**2).mean("setting") * seeds / (seeds - 1))


# %%
def by_choice(what, of):
    """Array (choice, task, seed) of `what` over the settings of a choice."""
    values = [
        [
            what(of.sel(task=t, setting=list(inside.values())))
            for t in tasks
        ]
        for inside in settings_of.values()
    ]
    known = {"choice": list(settings_of), "task": list(tasks)}
    return xr.DataArray(
        values, dims=("choice", "task", "seed"), coords=known
    )


# %%
end = height.sel(when="after")
told = {
    "end": by_choice(difference, end),
    "gain": by_choice(difference, gain),
    "spread": by_choice(spread, end),
}

# %%
for (name, of), c, t in product(told.items(), settings_of, tasks):
    record(f"03.choice.{name}.{c}.{t}", of.sel(choice=c, task=t))
noise = np.sqrt((told["spread"] ** 2).mean("seed"))
times = told["end"].mean("seed") / noise

# %% tags=["hide-input"]
rows = []
for c, t in product(settings_of, tasks):
    at = {"choice": c, "task": t}
    shown = [interval(told[name].sel(at)) for name in ("end", "gain")]
    apart = f"{noise.sel(at):.3f}", f"{times.sel(at):.1f}"
    rows.append([words.get(c, c), here[t], *shown, *apart])
header = ["Choice", "Task", "$D$ of area", "$D$ of gain"]
table([*header, "Spread $s$", "Ratio $D / s$"], rows)


# %% tags=["hide-input"]
def answer(c, t):
    """What the choice makes of the area reached, in words."""
    labels = list(settings_of[c])
    means = end.sel(task=t, setting=list(settings_of[c].values()))
    means = means.mean("seed").values
    low, high = (
        f"{means[i]:z.2f} with {labels[i]}"
        for i in (means.argmin(), means.argmax())
    )
    k = float(times.sel(choice=c, task=t))
    many = f"{k:.1f} times" if k >= 1 else "less than"
    return f"(from {low} to {high}, {many} the spread over seeds)"


for t in tasks:
    ranked = told["end"].sel(task=t).mean("seed")
    ends = (
        ranked.idxmax("choice").item(),
        ranked.idxmin("choice").item(),
    )
    first, last = (words.get(c, c) for c in ends)
    one, other = (answer(c, t) for c in ends)
    said = f"{first} matters most {one}, {last} least {other}"
    if times.sel(task=t).max() < 1:
        said = "no choice matters more than the seeds"
    record_words(f"03.answer.{t}", said)

# %% [markdown]
# A choice with $D / s$ near 0 is one that seeds alone explain. Where the gain differs by
# more than the area, the settings of the sweep differ before training, and training evens
# that out; where it differs by less, it adds to what was there.
#
# ## What does the activation change?
#
# The whole curves after training, for one network of each activation. The threshold is
# over $\|\Phi\|_F$, so that the area under a line is the area of {eq}`eq-03-gain`.


# %%
def steps(a):
    """Thresholds over the norm, and the captured share that ends at each."""
    tau = np.r_[0, a.singular_values[::-1], 1.1 * a.norm]
    return tau / a.norm, a.curve(tau)[:, 0] / a.target_energy


# %% mystnb={"figure": {"name": "fig-03-curves", "caption": "How few and how long are the directions that hold the targets? Captured share after training, one network (the first seed) of each activation, and of the inputs (thin); each line falls where a singular value lies. Above the images, below the slices."}, "image": {"alt": "Two panels, images above and slices below. Falling step lines of captured share against threshold over the norm of the features, one for each activation, and a thin one for the inputs."}} tags=["hide-input"]
axes = figures.new_panels(2, sharex=True, sharey=True)
for ax, (task, d) in zip(axes, tasks.items(), strict=True):
    start = alignment(d.inputs, measured(d)[0])
    ax.step(*steps(start), "-", color="0.1", lw=0.8, label="inputs")
    for label, s in settings_of["activation"].items():
        a = trained[task, s]["after"][0]
        ax.step(*steps(a), label=label)  # falls at singular values
    ax.set(ylabel=f"share, {here[task]}", xlim=(0, 1.02))
axes[1].set_xlabel("threshold / ‖Φ‖_F")
axes[0].legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=3)
plt.show()

# %% tags=["hide-input"]
rows = []
for (label, s), t in product(settings_of["activation"].items(), tasks):
    of = layer.sel(task=t, setting=s, when="after").mean("seed")
    area, ceiling = (float(of.sel(what=w)) for w in ("area", "ceiling"))
    kept = f"{area:.3f}", f"{ceiling:.3f}", f"{area / ceiling:.2f}"
    rows.append([label, here[t], *kept])
header = [
    "Activation",
    "Task",
    "Area",
    "Ceiling $\\sigma_1 / \\lVert\\Phi\\rVert_F$",
]
table([*header, "Area over it"], rows)

# %%
relu = [
    s for setting, s in names.items() if setting.activation == "relu"
]
for task in tasks:
    of = layer.sel(task=task, setting=relu, when="after", what="area")
    best = of.max("setting")
    record(f"03.relu.greatest.{task}", best, within=(0, 1))

# %% [markdown]
# A line that is high and falls far to the right is a layer that holds its targets in
# few, long directions ({numref}`fig-03-curves`): one step means one direction. After
# ReLU no entry of a layer is negative, and two classes that point in opposite
# directions are out of reach; the best that ReLU can do is a direction for each class.
# By {eq}`eq-03-bound` its area on the images is at most
# {glue:text}`03.bound.relu.classification.mean:.3f`, whatever depth, width and
# optimiser; the best ReLU setting reaches {glue:text}`03.relu.greatest.classification`.
# On the slices the bound is {glue:text}`03.bound.relu.regression.mean:.3f`, and the best
# reaches {glue:text}`03.relu.greatest.regression`. So areas of networks with different
# activations differ in part because of what the activation allows, and a smaller one
# need not mean that less has been learnt.
#
# ## Do deeper networks end better aligned?
#
# Per seed, the deepest network is compared with the shallowest, by the area above
# chance that they reach; and Kendall's rank correlation of that area with depth is 1 if
# each layer more adds to it.

# %%
by_depth = [names[sweeps["depth"][v]] for v in sorted(depths)]
for task in tasks:
    reached = height.sel(task=task, setting=by_depth, when="after")
    gained = gain.sel(task=task, setting=by_depth)
    order = [
        kendalltau(range(len(by_depth)), column).statistic
        for column in reached.transpose("seed", "setting").values
    ]
    record(f"03.depth.end.{task}", reached[-1] - reached[0])
    record(f"03.depth.rank.{task}", order, within=(-1, 1))
    record(f"03.depth.gain.{task}", gained[-1] - gained[0])

# %% [markdown]
# | Deepest less shallowest | Area reached | Rank correlation of area reached with depth | Gain |
# |---|---|---|---|
# | images | {glue:text}`03.depth.end.classification` | {glue:text}`03.depth.rank.classification` | {glue:text}`03.depth.gain.classification` |
# | slices | {glue:text}`03.depth.end.regression` | {glue:text}`03.depth.rank.regression` | {glue:text}`03.depth.gain.regression` |
#
# What the last column has above the first is due to the start: look at how the grey
# marks move with depth in the top block of {numref}`fig-03-settings`. No claim rests on
# it. A rank correlation is judged by an exact test over seeds, which takes six or more.
#
# Does depth, then, matter as much as the activation? Per seed, $D$ of the activation
# less $D$ of depth, and of width:

# %%
for other, task in product(("depth", "width"), tasks):
    both = told["end"].sel(task=task, choice=["activation", other])
    more = both.sel(choice="activation") - both.sel(choice=other)
    record(f"03.activation.over.{other}.{task}", more)

# %% [markdown]
# | $D$ of the activation less that of | Images | Slices |
# |---|---|---|
# | depth | {glue:text}`03.activation.over.depth.classification` | {glue:text}`03.activation.over.depth.regression` |
# | width | {glue:text}`03.activation.over.width.classification` | {glue:text}`03.activation.over.width.regression` |
#
# Above 0, the activation matters more. That is so of the values that were tried; other
# depths or activations may give another answer.
#
# ## What was found
#
# Least gain in area above chance over the settings of each sweep, with 95 % intervals over
# seeds:
#
# | Choice | Images | Slices |
# |---|---|---|
# | depth | {glue:text}`03.gain.depth.classification` | {glue:text}`03.gain.depth.regression` |
# | width | {glue:text}`03.gain.width.classification` | {glue:text}`03.gain.width.regression` |
# | optimiser | {glue:text}`03.gain.optimizer.classification` | {glue:text}`03.gain.optimizer.regression` |
# | activation | {glue:text}`03.gain.activation.classification` | {glue:text}`03.gain.activation.regression` |
# | batch size | {glue:text}`03.gain.batch_size.classification` | {glue:text}`03.gain.batch_size.regression` |
#
# Of each seed's settings {glue:text}`03.converged.classification.mean:.0%` have
# converged on the images and {glue:text}`03.converged.regression.mean:.0%` on the
# slices.
#
# The paper's base setting, activations and batch sizes are ours too. Which depths,
# widths, optimisers and step sizes it tries, and on which task, we do not know. Our
# choices are the two tasks of {ref}`sec-02`, the values in the parameters above, one
# step size for each kind of optimiser, and PyTorch's initial weights. The paper trains
# to convergence, without saying what that is; here it is a loss below the tolerance, or
# the last epoch allowed. The bound for ReLU and the comparison of choices are ours.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-03-1
#
# Let the rows of a hidden layer be nearly all the same, as in a deep random network,
# and let the targets $-1$ and $+1$ be balanced. Show that the area is nearly 0.
# :::
#
# :::{solution} ex-03-1
# :class: dropdown
#
# If all rows are equal, $\Phi = \mathbf{1} v^\top$ has a single singular vector
# $u_1 = \mathbf{1} / \sqrt{n}$, and $u_1^\top y = 0$ for balanced targets. A small
# deviation adds directions that may hold the target, but with $\sigma_i \ll \sigma_1$,
# so that they count little in {eq}`eq-03-gain`.
# :::
#
# :::{exercise}
# :label: ex-03-2
#
# A trained layer has collapsed: all rows of one class are the unit vector $a$, all of
# the other the unit vector $b$, with $c = a^\top b$ and as many rows of either. What is
# its area with the targets $-1$ and $+1$? For which $c$ is the bound for ReLU reached?
# :::
#
# :::{solution} ex-03-2
# :class: dropdown
#
# The targets, over $\sqrt n$, are themselves a left singular vector: $\Phi^\top y = (n / 2) (a - b)$
# and $\Phi \Phi^\top y = (n / 2) (1 - c) y$, so $\sigma^2 = n (1 - c) / 2$ and
# the area is $\sqrt{(1 - c) / 2}$. It is $1 / \sqrt 2$ for $c = 0$: classes at right angles. Only
# $c = -1$, opposite directions, gives 1, and needs negative entries.
# :::
#
# :::{exercise}
# :label: ex-03-3
#
# Run `repalign run 03 -p control true`. Which claims must change their verdict, what
# becomes of $D$, and why would the range of the settings' means not do the same?
# :::
#
# :::{solution} ex-03-3
# :class: dropdown
#
# All. A shuffled target is spread over all directions, whichever of them training has
# stretched, so areas stay at the level of chance, and gains and differences near 0, of
# either sign. The greatest of several means is above the least whatever they are means
# of, so that the range is positive by chance alone; $D$ chooses by other seeds than
# those that it measures.
# :::
#
# :::{exercise}
# :label: ex-03-4
#
# In the notebook set the step size of SGD to 0.01 (`step_sizes`), and `max_epochs` to 20.
# What happens to the claim on optimisers, and what would you conclude from the orange squares?
# :::
#
# :::{solution} ex-03-4
# :class: dropdown
#
# With small steps a deep network with PyTorch's initial weights has hardly begun to
# learn: losses near their start and small gains. The claim is about networks that have
# been trained; a setting that was not is no evidence against it.
# :::
#
# ## Provenance

# %% tags=["provenance", "hide-input"]
provenance(
    datasets=[images.about, slices.about],
    device=where,
    precision="float32",
    seeds=seeds,
)
