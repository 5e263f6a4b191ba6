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
# (sec-13)=
# # Which score tells, before fine-tuning, which network will transfer?
#
# Several trained networks are at hand, and a new task with a few labelled points. Which
# network should one start from? Scores promise an answer in milliseconds. In this run,
# on tasks that they were not chosen on, {glue:text}`13.name.linear` orders eight
# networks by the error of a linear model with a rank correlation of
# {glue:text}`13.winner.linear.mean:.2f`, and {glue:text}`13.name.tuned` by the error
# after fine-tuning with {glue:text}`13.winner.tuned.mean:.2f` (1 is the right order,
# chance {glue:text}`13.chance.tuned.mean:.2f`). The area of alignment reaches
# {glue:text}`13.order.linear.alignment_area.mean:.2f` and
# {glue:text}`13.order.tuned.alignment_area.mean:.2f`, the first {glue:text}`13.short` steps
# of fine-tuning {glue:text}`13.order.tuned.short.mean:.2f`. No score asks whether to start
# from a network at all: the mean of the eight errs by {glue:text}`13.tuned.mean:.3f`
# after fine-tuning, a fresh network by {glue:text}`13.scratch.mean:.3f`. All of this is ours.

# %% tags=["parameters"]
# fmt: off
n: int = 2000  # {100..}: points to train each source network on
n_target: int = 100  # {20..}: labelled points of a target: 60 % to learn from, the rest to choose the step
tuned: int = 16  # {2..112}: targets that networks are fine-tuned on
steps: int = 80  # {2..}: steps of fine-tuning, at most
short: int = 16  # {1..}: steps of a fine-tuning with which the scores are compared, some milliseconds
images: list = ["families", "domains"]  # {families, domains, cifar, office31}: drawn or real images, as in sections 07 and 08
n_image: int = 40  # {2..}: images of each source class; of Office-31 all
image_epochs: int = 4  # {1..}: of training on a source, and of fine-tuning
image_seeds: int = 3  # {1..}: networks of images
seeds: int = 10  # {2..}: draws of eight source functions, with their networks
seed: int = 0  # {0..999999999}: the first seed
control: bool = False  # negative control: shuffle the labels that the scores are given; the claims must then fail
device: str = "auto"  # device: auto, cpu, cuda, cuda:N or mps
data_dir: str = ""  # existing path: folder with real data (empty: REPALIGN_DATA)
checkpoints: str = ""  # path: folder that keeps long trainings, so that they can go on (empty: none)
# {short <= steps}: the short fine-tuning is the beginning of the long one
# fmt: on

# %% tags=["remove-input"]
from repalign_utils import check_parameters

check_parameters(globals())

# %% tags=["hide-input"]
import sys
from dataclasses import replace
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import torch
import xarray as xr
from scipy.stats import rankdata
from tqdm import tqdm

from repalign_utils import (
    Compute,
    MLPEnsemble,
    convnet,
    data,
    figures,
    fit,
    interval,
    linear_probe,
    provenance,
    recipe,
    record,
    table,
    train,
    transferability,
)

# %% tags=["hide-input"]
from repalign_utils.book.records import glue
from repalign_utils.experiments.class_tasks import class_columns
from repalign_utils.experiments.own_images import one_of_each
from repalign_utils.experiments.prediction import image_tasks
from repalign_utils.experiments.transfer import fine_tune, split
from repalign_utils.networks.images import NetworkInputs
from repalign_utils.networks.outputs import last_hidden, predict
from repalign_utils.transferability import column_scores

figures.use_style()
EPOCHS = 20  # of training on a source: its loss is then far below the variance
compute = Compute(device)

# %% [markdown]
# ## Eight networks and a new task
#
# Caruana's Peaks functions {cite:p}`caruana1997` of section {ref}`sec-05` are 120 tasks
# on the same inputs, *if $?_1 > 1/2$ then $?_2$ else $?_3$* with three of six
# variables, each given to the network by ten inputs (a thermometer). Two functions
# share a role where they have the same variable in the same place. For each seed, eight
# functions are drawn as sources and a network is trained on each; the 112 others are
# targets, so that each target has the same eight sources.

# %%
names = list(data.PEAKS)
draws = [
    np.random.default_rng(s).permutation(len(names))
    for s in range(seed, seed + seeds)
]
sources, targets = np.split(np.stack(draws), [8], axis=1)
points = data.peaks(n, encoding="thermometer", tasks=names, seed=seed)
print(points.inputs.shape, sources.shape, targets.shape)

# %% [markdown]
# Shown are points and inputs, then seeds with the numbers of their sources and targets.
# All 8 networks of all seeds train together, as one batched network; `start` keeps the
# initial weights.

# %%
networks = MLPEnsemble(
    points.inputs.shape[1],
    width=48,
    depth=3,
    members=8 * seeds,
    seed=8 * seed,
    device=compute.where,
)
start = [p.detach().clone() for p in networks.parameters()]
print([tuple(p.shape) for p in start])

# %%
own = points.targets[:, sources.ravel()].T[..., None]
fitted = fit(
    networks,
    points.inputs,
    own,
    loss="squared",
    step_size=2e-3,
    max_epochs=EPOCHS,
    seed=seed,
    checkpoints=checkpoints or None,
)
loss = fitted.final_losses().reshape(seeds, 8).mean(1)
record("13.source_loss", loss)
print(loss.round(4), points.targets.var().round(2))

# %% [markdown]
# The networks have learnt their own functions to a mean squared error of
# {glue:text}`13.source_loss`; the variance of the functions is printed last. A target has
# a few labelled points. Scores are given the last hidden layer for all of these points
# and their labels, less their mean.


# %%
def drawn(count, first):
    """Points of each seed, with all 120 functions."""
    how = {"encoding": "thermometer", "tasks": names}
    chosen = range(first + seed, first + seed + seeds)
    return [data.peaks(count, **how, seed=s) for s in chosen]


# %%
labelled, tests = drawn(n_target, 10**9), drawn(500, 2 * 10**9)
learn = slice(0, round(0.6 * n_target))
valid = slice(learn.stop, None)
print(len(labelled[0].inputs), learn, valid)


# %%
def last_layer(sets):
    """Last hidden layer (seed, source, point, unit)."""
    inputs = np.stack([d.inputs for d in sets]).repeat(8, axis=0)
    found = networks.hidden(inputs)[-1].double().cpu().numpy()
    return found.reshape(seeds, 8, *found.shape[1:])


features, test_features = last_layer(labelled), last_layer(tests)
print(features.shape, test_features.shape)


# %%
def labels(sets, i):
    """Values (point, target) of the target functions of seed i."""
    return sets[i].targets[:, targets[i]].astype(float)


print(labels(labelled, 0).shape)

# %% [markdown]
# What is to be foretold? First, the test error of a linear model on these features,
# trained by gradient descent ({eq}`eq-05-weights`) on 60 % of the labelled points and
# stopped where the error on the others is least.

# %%
times = np.unique(np.geomspace(1, 3000, 40).astype(int))


def linear_error(x, x_test, i):
    """Test error (target,) of linear models, stopped by validation points."""
    y = labels(labelled, i)
    probe = linear_probe(x[learn], y[learn], times)
    seen = ((probe.predict(x[valid]) - y[valid]) ** 2).mean(1)
    new = ((probe.predict(x_test) - labels(tests, i)) ** 2).mean(1)
    return np.take_along_axis(new, seen.argmin(0)[None], 0)[0]


# %%
error = {"linear": np.empty((seeds, 8, targets.shape[1]))}
for i, j in np.ndindex(seeds, 8):
    x, x_test = features[i, j], test_features[i, j]
    error["linear"][i, j] = linear_error(x, x_test, i)
print(error["linear"].mean((1, 2)).round(3))

# %% [markdown]
# For comparison, the same model on the bare inputs, without any source:

# %%
raw = np.empty((seeds, targets.shape[1]))
for i in range(seeds):
    inputs = [d[i].inputs.astype(float) for d in (labelled, tests)]
    raw[i] = linear_error(*inputs, i)
print(raw.mean(1).round(3))

# %% [markdown]
# Every score of every target, all targets of a source from one decomposition of its
# features:


# %%
def given(i):
    """Labels that the scores are given: shuffled in the control."""
    y = labels(labelled, i) - labels(labelled, i).mean(0)
    draw = np.random.default_rng((seed, i))
    return draw.permutation(y) if control else y


# %%
found = [
    [column_scores(x, given(i)) for x in features[i]]
    for i in tqdm(range(seeds), desc="scores", file=sys.stderr)
]
measures = list(found[0][0])
score = xr.DataArray(
    [[list(s.values()) for s in of] for of in found],
    dims=("seed", "source", "score", "target"),
    coords={"score": measures},
).transpose("seed", "score", "source", "target")
score.mean(("seed", "source", "target")).to_series().round(3)

# %% [markdown]
# Source and target share from none to two of their three roles; here is how often.

# %%
roles = np.array([data.peaks_task(name) for name in names])
shared = (roles[sources][:, :, None] == roles[targets][:, None]).sum(-1)
print(np.bincount(shared.ravel()))

# %% tags=["hide-input"]
called = {
    "log_me": "LogME",
    "probe_accuracy": "probe in folds",
    "alignment_area": "alignment area",
    "negative_rank": "rank of the labels",
    "label_cka": "CKA with the labels",
    "h_score": "H-score",
    "h_score_shrunk": "H-score, shrunk",
    "trans_rate": "TransRate",
    "nearest_class_mean": "nearest class mean",
    "leep": "LEEP",
    "nce": "NCE",
    "short": "short fine-tuning",
    "shared": "shared roles, known",
}

# %% mystnb={"figure": {"name": "fig-13-one", "caption": "The first target of the first seed: test error of a linear model on each of the eight networks, against two scores of the same features. A score that foretold the error would have all marks on a falling line."}, "image": {"alt": "Two panels with eight marks each, one for each source network; test error against alignment area, and against LogME; the kind of mark tells how many roles source and target share."}} tags=["hide-input"]
axes = figures.new_panels(columns=2, sharey=True)
for ax, name in zip(axes, ("alignment_area", "log_me"), strict=True):
    for count, marker in zip(range(3), "os^", strict=True):
        rows = shared[0, :, 0] == count
        if rows.any():
            ax.plot(
                score[0].sel(score=name)[rows, 0],
                error["linear"][0, rows, 0],
                marker,
                label=f"{count} shared roles",
            )
    ax.set(xlabel=called[name])
axes[0].set(ylabel="test error")
axes[0].legend()
plt.show()

# %% [markdown]
# Look first in {numref}`fig-13-one` at whether the marks fall from left to right: the
# further right a network stands, the more a score promises; the lower, the better it
# keeps the promise. Then compare the kinds of mark: sources that share a role with the
# target need not lie lower, so that knowing the tasks is no sure guide either. A sceptic
# would say that one target shows little. So from here on a score is judged by the rank
# correlation $\rho$ of promise and gain *over the eight sources within a target*, which no
# difference between easy and hard targets can feign, averaged over the targets of a seed.
# Its unit is the seed: targets of one seed share their networks.
#
# ## The scores
#
# Five scores are defined for targets that are quantities
# (`repalign_utils.transferability` has them); all are such that more should be better.
# *LogME* {cite:p}`you2021` is the largest log evidence of the labels $y$ under a
# Bayesian linear model $y = Fw + \varepsilon$ on the features $F$, with
# $w \sim N(0, I / a)$ and $\varepsilon \sim N(0, I / b)$. With singular values $s_i$ and
# left vectors $u_i$ of $F$, and with $b$ at its best,
#
# $$
# \begin{aligned}
# \mathrm{LogME} &= \max_{\lambda} \; -\tfrac12 \Bigl( \log \frac{2 \pi q}{n} + 1
#   + \frac1n \sum_i \log \bigl( 1 + s_i^2 / \lambda \bigr) \Bigr) , \\
# q &= \lVert y \rVert^2 - \sum_i (u_i^\top y)^2 \,
#   \frac{s_i^2}{s_i^2 + \lambda} .
# \end{aligned}
# $$ (eq-13-logme)
#
# The *probe in folds* is the share of variance that ridge regression predicts of points
# it was not fitted to. The *alignment area* ({ref}`sec-01`) asks how early, from the
# top of the spectrum, the labels are captured; minus the *rank of the labels*,
# $k(\epsilon)$ of {cite:t}`imani2024`, how many directions they need; *CKA with the
# labels* compares the kernels $FF^\top$ and $yy^\top$. All but the probe are functions of
# $s_i$ and $u_i^\top y$. In NumPy {eq}`eq-13-logme` is


# %%
def plain_logme(F, y):
    """LogME of features (n, d) and labels (n,), by a grid."""
    u, s, _ = np.linalg.svd(F, full_matrices=False)
    n, along = len(y), (u.T @ y) ** 2
    grid = s[0] ** 2 * np.geomspace(1e-8, 1e4, 3000)[:, None]
    q = y @ y - (along * s**2 / (s**2 + grid)).sum(1)
    penalty = np.log1p(s**2 / grid).sum(1) / n
    return -(np.log(2 * np.pi * q / n) + 1 + penalty).min() / 2


# %%
print(plain_logme(features[0, 0], given(0)[:, 0]))
print(score.sel(score="log_me")[0, 0, 0].item())

# %% [markdown]
# ## Which score orders the networks by their linear models?


# %%
def ranks(values):
    """Ranks over the sources, centred, of length 1; 0 where all tie."""
    r = rankdata(values, axis=-2)
    r = r - r.mean(-2, keepdims=True)
    length = np.linalg.norm(r, axis=-2, keepdims=True)
    return r / np.where(length > 0, length, 1)


def order(promise, wrong):
    """Rank correlation (..., target) of a promise with less error."""
    return (ranks(promise) * ranks(-wrong)).sum(-2)


# %%
promise = {name: score.sel(score=name).values for name in measures}
promise["shared"] = shared
wrong = error["linear"]
rho = {"linear": {k: order(v, wrong) for k, v in promise.items()}}
for name, values in rho["linear"].items():
    record(f"13.order.linear.{name}", values.mean(1), within=(-1, 1))
for name, values in rho["linear"].items():
    print(name, values.mean().round(2))

# %% [markdown]
# | Score | Rank correlation with less error of the linear model |
# |---|---|
# | LogME | {glue:text}`13.order.linear.log_me` |
# | probe in folds | {glue:text}`13.order.linear.probe_accuracy` |
# | alignment area | {glue:text}`13.order.linear.alignment_area` |
# | rank of the labels | {glue:text}`13.order.linear.negative_rank` |
# | CKA with the labels | {glue:text}`13.order.linear.label_cka` |
# | number of shared roles, which one has to know | {glue:text}`13.order.linear.shared` |
#
# The last line is no score: it uses the formula of the tasks. A pair of source and target
# transfers negatively if the linear model does better on the bare inputs.

# %%
worse = error["linear"] > raw[:, None]
record("13.negative.linear", worse.mean((1, 2)), within=(0, 1))
print(worse.shape, worse.mean().round(2))

# %% [markdown]
# A share of {glue:text}`13.negative.linear.mean:.2f` does. Can a score tell? The inputs
# have a score as well, so that a source with a lower one should transfer negatively. How
# often that is right is averaged over the pairs that do and those that do not, so that a
# guess is right in one half.


# %%
def of_inputs(name):
    """Score (seed, target) of the bare inputs."""
    found = []
    for i, d in enumerate(labelled):
        x = d.inputs.astype(float)
        found.append(column_scores(x, given(i), only=[name])[name])
    return np.stack(found)


# %%
sign = {}
for name in ("log_me", "probe_accuracy", "alignment_area"):
    told = promise[name] < of_inputs(name)[:, None]
    sign[name] = [
        np.mean([t[w].mean(), 1 - t[~w].mean()])
        for t, w in zip(told, worse, strict=True)
    ]
    print(name, np.mean(sign[name]).round(2))

# %%
for name, right in sign.items():
    record(f"13.sign.{name}", right, within=(0, 1))

# %% [markdown]
# The sign of the difference is right in {glue:text}`13.sign.log_me` of the pairs by
# LogME, in {glue:text}`13.sign.probe_accuracy` by the probe and in
# {glue:text}`13.sign.alignment_area` by the alignment area.
#
# ## And after fine-tuning?
#
# Now all weights of the networks go on to learn the target, from the same labelled
# points, with a new output layer that is the same for all. A ninth network starts from
# its initial weights, from scratch. Networks are trained together, one for each pair of
# a source and a target; none sees another.


# %%
def stacked(i):
    """Weights to start from: nine networks, each once for every target."""
    eight, first = slice(8 * i, 8 * i + 8), slice(8 * i, 8 * i + 1)
    both = zip(networks.parameters(), start, strict=True)
    parts = [torch.cat([t.detach()[eight], f[first]]) for t, f in both]
    for head in (len(networks.weights) - 1, -1):  # its weight and bias
        parts[head] = start[head][first].expand_as(parts[head])
    return [p.repeat_interleave(tuned, 0) for p in parts]


# %%
def both_sets(i):
    """Inputs, and targets (network, point), to learn from and to test."""
    sets = []
    for s in (labelled, tests):
        y = networks.as_tensor(labels(s, i)[:, :tuned].T)
        sets.append((networks.as_tensor(s[i].inputs), y.repeat(9, 1)))
    return sets


# %%
def answers(x, theta):
    """Answers (network, point) with the weights theta."""
    return networks.layers(x, theta)[-1][..., 0]


# %%
@torch.no_grad()
def errors_now(theta, sets):
    """Error of each network on validation and on test points."""
    (x, y), (x_test, y_test) = sets
    seen = answers(x[valid], theta) - y[:, valid]
    new = answers(x_test, theta) - y_test
    return [e.square().mean(1).cpu() for e in (seen, new)]


# %%
grid = np.geomspace(1, steps, 12).astype(int)
kept = np.unique(np.r_[0, short, grid])
print(kept)


# %%
def fine_tuned(i):
    """Validation and test error (kept, 2, nine, target) on the way."""
    theta = [p.clone().requires_grad_() for p in stacked(i)]
    sets = both_sets(i)
    x, y = sets[0]
    adam = torch.optim.Adam(theta, lr=2e-3, fused=True)
    errors = []
    for step in range(steps + 1):
        if step in kept:
            errors.append(errors_now(theta, sets))
        off = answers(x[learn], theta) - y[:, learn]
        adam.zero_grad()
        off.square().mean(1).sum().backward()
        adam.step()
    return np.array(errors).reshape(len(kept), 2, 9, tuned)


# %%
bar = tqdm(range(seeds), desc="fine-tuning", file=sys.stderr)
courses = np.stack([fine_tuned(i) for i in bar])
print(courses.shape)

# %% [markdown]
# Of each network the step counts at which its error on the validation points is least.
# A *short fine-tuning* competes with the scores: it stops after the first few steps, and
# what it promises is the validation error that it then has.

# %%
seen, new = courses[:, :, 0], courses[:, :, 1]
best = seen.argmin(1)[:, None]
ends = np.take_along_axis(new, best, 1)[:, 0]
error["tuned"], scratch = ends[:, :8], ends[:, 8]
record("13.scratch", scratch.mean(1))
record("13.tuned", error["tuned"].mean((1, 2)))
print(error["tuned"].mean(), scratch.mean())

# %%
at_short = list(kept).index(short)
glue("13.short", str(short))
promise["short"] = -seen[:, at_short, :8]
wrong = error["linear"][..., :tuned]
rho["linear"]["short"] = order(promise["short"], wrong)
short_order = rho["linear"]["short"].mean(1)
record("13.order.linear.short", short_order, within=(-1, 1))

# %%
rho["tuned"] = {
    name: order(values[..., :tuned], error["tuned"])
    for name, values in promise.items()
}
for name, values in rho["tuned"].items():
    print(name, values.mean().round(2))

# %%
for name, values in rho["tuned"].items():
    record(f"13.order.tuned.{name}", values.mean(1), within=(-1, 1))

# %% [markdown]
# How often is it better to start from scratch, and do the two errors agree on which
# source is the best?

# %%
worse = error["tuned"] > scratch[:, None]
record("13.negative.tuned", worse.mean((1, 2)), within=(0, 1))
agree = order(-error["linear"][..., :tuned], error["tuned"])
record("13.agree", agree.mean(1), within=(-1, 1))
print(worse.mean().round(2), agree.mean().round(2))

# %% mystnb={"figure": {"name": "fig-13-order", "caption": "How well each score orders eight networks, by the error of a linear model and by that after fine-tuning: rank correlation, mean over targets, with 95 % intervals over seeds."}, "image": {"alt": "Rank correlation from about zero to one for five scores, a short fine-tuning and the number of shared roles, as marks with intervals, one series for linear models and one for fine-tuning."}} tags=["hide-input"]
series = {"linear": "linear model", "tuned": "fine-tuning"}
ax = figures.new_panels(height=3.6)
shown = list(rho["tuned"])
for of, shift, marker in zip(series, (-0.13, 0.13), "os", strict=True):
    means = [rho[of][name].mean(1) for name in shown]
    ends = [interval(m, within=(-1, 1)) for m in means]
    x = np.array([e.mean for e in ends])
    low = np.array([e.least if e.low is None else e.low for e in ends])
    high = [e.greatest if e.high is None else e.high for e in ends]
    y = np.arange(len(shown)) + shift
    ax.errorbar(
        x,
        y,
        xerr=[x - low, high - x],
        fmt=marker,
        capsize=3,
        label=series[of],
    )
ax.set_yticks(range(len(shown)), [called[name] for name in shown])
ax.set(xlabel="rank correlation")
ax.axvline(0, linewidth=0.8, color="0.5", zorder=0)
ax.invert_yaxis()
ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=2)
plt.show()

# %% [markdown]
# | Score | Rank correlation with less error after fine-tuning |
# |---|---|
# | LogME | {glue:text}`13.order.tuned.log_me` |
# | probe in folds | {glue:text}`13.order.tuned.probe_accuracy` |
# | alignment area | {glue:text}`13.order.tuned.alignment_area` |
# | rank of the labels | {glue:text}`13.order.tuned.negative_rank` |
# | CKA with the labels | {glue:text}`13.order.tuned.label_cka` |
# | short fine-tuning | {glue:text}`13.order.tuned.short` |
# | number of shared roles, known | {glue:text}`13.order.tuned.shared` |
#
# Look first at how far apart the two marks of each score lie in {numref}`fig-13-order`.
# Every score looks at the features as they are, and so does a linear model; fine-tuning
# changes them. The two errors themselves order the sources alike with a correlation of
# {glue:text}`13.agree` alone: a score with the very order of the linear models would
# reach no more than that. What may surprise is the cost of a source: from scratch the
# error is {glue:text}`13.scratch`, from a source {glue:text}`13.tuned`, and a share of
# {glue:text}`13.negative.tuned.mean:.2f` of the pairs does worse than from scratch. A
# sceptic would ask whether the order matters, then. It does for whoever has the sources
# and no reason to trust a fresh start; what it is worth is measured below.
#
# ## At what cost?
#
# A score takes one pass over the labelled points, and a decomposition. A fine-tuning
# can be stopped at any time: what does it tell after as many seconds as a score takes?
# Seconds are measured here, in this run, on one network alone, and differ from machine
# to machine; the order is what to look at.


# %%
def seconds(call, repeats=9):
    """Median seconds of a call."""
    spent = []
    for _ in range(repeats):
        began = perf_counter()
        call()
        spent.append(perf_counter() - began)
    return float(np.median(spent))


# %%
y = given(0)[:, 0]
cost = {}
for name in measures:
    of = getattr(transferability, name)
    cost[name] = seconds(lambda of=of: of(features[0, 0], y))
    print(f"{name}: {1e3 * cost[name]:.2f} ms")

# %%
one = networks.member(0)
adam = torch.optim.Adam(one.parameters(), lr=2e-3, fused=True)
x = networks.as_tensor(labelled[0].inputs[learn])
y = networks.as_tensor(labels(labelled, 0)[learn, :1])


def one_step():
    """A step of fine-tuning of one network on one target."""
    adam.zero_grad()
    (one(x) - y).square().mean().backward()
    adam.step()


# %%
step_cost = seconds(one_step, repeats=40)
cost["short"] = short * step_cost
record(
    "13.seconds",
    np.array([list(cost.values())]),
    dims=("seed", "score"),
    coords={"score": list(cost)},
)
print(f"a step: {1e3 * step_cost:.2f} ms")

# %% [markdown]
# And the order that fine-tuning promises after each number of steps:

# %%
on_the_way = {}
for of in rho:
    wrong = error[of][..., :tuned]
    at_steps = [
        order(-at[:, :8], wrong).mean(1) for at in seen.swapaxes(0, 1)
    ]
    on_the_way[of] = xr.DataArray(
        np.stack(at_steps, axis=1),
        dims=("seed", "step"),
        coords={"step": kept},
    )
    print(of, on_the_way[of].mean("seed").round(2).values)

# %%
for of, values in on_the_way.items():
    record(f"13.course.{of}", values)

# %% mystnb={"figure": {"name": "fig-13-cost", "caption": "What is known after how many seconds: rank correlation of each score at its measured cost, and of a fine-tuning that stops after so long; mean over seeds, shaded from the least to the greatest."}, "image": {"alt": "Two panels below each other, linear models and fine-tuning. Rank correlation against seconds on a logarithmic axis: a curve for fine-tuning stopped early, and a mark of its own kind for each score."}} tags=["hide-input", "lead-figure"]
axes = figures.new_panels(2, height=2.4, sharex=True, sharey=True)
for ax, of in zip(axes, rho, strict=True):
    figures.plot_curves(
        {"fine-tuning, stopped": on_the_way[of].values[:, 1:]},
        kept[1:] * step_cost,
        ax=ax,
        xlabel="seconds" if of == "tuned" else "",
        ylabel="rank correlation",
        legend=False,
    )
    for name, marker in zip(measures, "os^Dv", strict=True):
        value = rho[of][name].mean()
        ax.plot(cost[name], value, marker, label=called[name])
    ax.axhline(0, linewidth=0.8, color="0.5", zorder=0)
    ax.set(xscale="log", ylim=(-0.3, 1), title=series[of])
axes[0].figure.legend(
    *axes[0].get_legend_handles_labels(),
    loc="outside lower center",
    ncols=2,
)
plt.show()

# %% tags=["hide-input"]
afforded = {name: cost[name] / step_cost for name in measures}
reached = {
    name: [
        f"{np.interp(count, kept, on_the_way[of].mean('seed')):.2f}"
        for of in series
    ]
    for name, count in afforded.items()
}
table(
    ["Score", "Milliseconds", "Steps in that time"]
    + [
        f"{w}: {what}"
        for w in series.values()
        for what in ("score", "steps")
    ],
    [
        [
            called[name],
            f"{1e3 * cost[name]:.2f}",
            f"{afforded[name]:.0f}",
            f"{rho['linear'][name].mean():.2f}",
            reached[name][0],
            f"{rho['tuned'][name].mean():.2f}",
            reached[name][1],
        ]
        for name in measures
    ],
)

# %% [markdown]
# Look first in {numref}`fig-13-cost` at which marks lie above the curve: those scores tell
# more than fine-tuning does in the same time. Where the curve has passed a mark, the
# seconds are better spent on beginning to fine-tune each network. The table has both for
# each score. In the lower panel the curve must end high, since there it becomes what is
# foretold; that it need not rise to the end in the upper one is no error, since longer
# fine-tuning moves away from the linear model. A sceptic would point at the axis: the
# curve rises steeply where the dearest score lies, and twice the seconds, on a busy
# machine, can turn the comparison round. What is judged below is therefore a fixed number
# of steps, `short`; it orders the networks with {glue:text}`13.order.tuned.short`.
#
# ## The winner, judged on other targets
#
# The best of several scores looks good on the targets on which it is the best. So the
# winner is chosen on one half of a seed's targets and judged on the other half, over
# many draws of halves. What a practitioner wants is more than an order: with the source
# that a score ranks first, which share is *kept* of what the best of the eight gains
# over one at random,
#
# $$
# \text{kept} = \frac{\sum_t (\bar e_t - e_t(\text{chosen}))}
#   {\sum_t (\bar e_t - \min_a e_t(a))} ,
# $$ (eq-13-kept)
#
# where $e_t(a)$ is the error on target $t$ from source $a$, and $\bar e_t$ its mean over
# the eight. Choosing at random keeps 0, the best choice 1.


# %%
def gains(promise, wrong):
    """Gain (target,) of the source ranked first, and of the best one."""
    picked = np.take_along_axis(wrong, promise.argmax(-2)[None], -2)[0]
    mean = wrong.mean(-2)
    return mean - picked, mean - wrong.min(-2)


# %%
def kept_share(promise, wrong, rows=slice(None)):
    """Share of the best gain that is kept on some targets."""
    chosen, most = gains(promise, wrong)
    return chosen[rows].sum() / most[rows].sum()


print(kept_share(promise["log_me"][0], error["linear"][0]))


# %%
def halves(agree, rng, count):
    """Winner on one half of the targets, and the other half, so many times."""
    for _ in range(count):
        cut = rng.permutation(agree.shape[1])
        first, rest = np.array_split(cut, 2)
        yield agree[:, first].mean(1).argmax(), rest


# %% [markdown]
# What chance gives in such a contest: the same, with the sources permuted, alike for all
# targets of a seed.


# %%
def by_chance(told, wrong, rng):
    """Correlation of the winner where sources are permuted."""
    mixed = order(told, wrong[rng.permutation(8)])
    ((w, rest),) = halves(mixed, rng, 1)
    return mixed[w, rest].mean()


# %%
def contest(i, of, count=200):
    """Wins of each score in seed i, and what the winners do elsewhere."""
    rng = np.random.default_rng((seed, i))
    wrong = error[of][i]
    told = np.stack([promise[m][i] for m in measures])
    told = told[..., : wrong.shape[-1]]
    agree = order(told, wrong)
    drawn = list(halves(agree, rng, count))
    wins = np.bincount([w for w, _ in drawn], minlength=len(measures))
    judged = np.mean([agree[w, rest].mean() for w, rest in drawn])
    share = np.mean([kept_share(told[w], wrong, r) for w, r in drawn])
    chance = [by_chance(told, wrong, rng) for _ in range(count)]
    return wins / count, judged, share, np.mean(chance)


# %%
contests = {}
for of in ("linear", "tuned"):
    found = [contest(i, of) for i in range(seeds)]
    contests[of] = [np.array(v) for v in zip(*found, strict=True)]
for of, (_, judged, share, chance) in contests.items():
    print(of, judged.mean(), chance.mean(), share.mean())

# %%
for of, (_, judged, share, chance) in contests.items():
    record(f"13.winner.{of}", judged, within=(-1, 1))
    record(f"13.chance.{of}", chance, within=(-1, 1))
    record(f"13.above.{of}", judged - chance)
    record(f"13.kept.{of}", share)
    for rival, word in (("alignment_area", "area"), ("short", "short")):
        lead = judged - rho[of][rival].mean(1)
        record(f"13.over_{word}.{of}", lead)

# %%
winner = {}
for of, (wins, *_) in contests.items():
    for name, values in zip(measures, wins.T, strict=True):
        record(f"13.wins.{of}.{name}", values, within=(0, 1))
    winner[of] = measures[wins.mean(0).argmax()]
    glue(f"13.name.{of}", called[winner[of]])
print(winner)

# %% [markdown]
# | | Linear model | Fine-tuning |
# |---|---|---|
# | The score that wins most often | {glue:text}`13.name.linear` | {glue:text}`13.name.tuned` |
# | Wins of LogME | {glue:text}`13.wins.linear.log_me` | {glue:text}`13.wins.tuned.log_me` |
# | of the probe in folds | {glue:text}`13.wins.linear.probe_accuracy` | {glue:text}`13.wins.tuned.probe_accuracy` |
# | of the alignment area | {glue:text}`13.wins.linear.alignment_area` | {glue:text}`13.wins.tuned.alignment_area` |
# | Rank correlation of the winner, other half | {glue:text}`13.winner.linear` | {glue:text}`13.winner.tuned` |
# | the same by chance | {glue:text}`13.chance.linear` | {glue:text}`13.chance.tuned` |
# | Winner less alignment area | {glue:text}`13.over_area.linear` | {glue:text}`13.over_area.tuned` |
# | Winner less short fine-tuning | {glue:text}`13.over_short.linear` | {glue:text}`13.over_short.tuned` |
# | Share of the best gain kept | {glue:text}`13.kept.linear` | {glue:text}`13.kept.tuned` |
#
# Read the first rows for which score wins, and then whether it wins nearly always or by
# turns. Were the winner chosen on the targets that it is judged on, its correlation could
# only be higher. A sceptic would compare the last row with the fifth: an order that is
# far from perfect may keep most of the gain, since it only has to be right at the top.
#
# ## Networks of images
#
# Do the scores rank alike where targets are classes, and networks see images? Sources
# are as in section {ref}`sec-07` (two families of classes, each with targets of the
# same and of the other family) and as in section {ref}`sec-08` (one set of classes in
# three domains). With two sources for each target there is no order to correlate within
# a target. So the mean of each target is taken off scores and accuracies, and what is
# left is correlated over all pairs of a seed. That *describes* these few networks; no
# claim rests on it.

# %%
size = 16 if set(images) <= {"families", "domains"} else 32


def tasks_of(setting, s):
    """Sources and targets; of Office-31 a class may have seven images."""
    return image_tasks(
        setting,
        n_source=n_image,
        n_target=5 if setting == "office31" else 20,
        n_test=50,
        size=size,
        data_dir=data_dir,
        seed=s,
    )


# %%
first_tasks = {setting: tasks_of(setting, seed) for setting in images}
for tasks in first_tasks.values():
    for set_ in tasks.sources.values():
        print(set_.about.sentence())

# %% mystnb={"figure": {"name": "fig-13-images", "caption": "One image of each of the first classes; a row for each source, one row for equal sets."}, "image": {"alt": "Rows of small colour images, a row for each source that networks are trained on.", "classes": "dark-light"}} tags=["hide-input"]
rows = {
    set_.about.sentence(): one_of_each(set_, 8, 32)
    for tasks in first_tasks.values()
    for set_ in tasks.sources.values()
}
figures.plot_images(list(rows.values()))
plt.show()


# %% [markdown]
# Each row of {numref}`fig-13-images` is a source, in the order of the lines printed above,
# without repeats. Rows differ in what they show, for families, and in how it is shown, for
# domains.


# %%
def how(stage, classes, s):
    """A fresh network, and how it is trained."""
    layers = "cb16 p cb32 p cb32"
    net = convnet(layers, classes, size=size, seed=s)
    options = {"optimizer": "adamw", "batch_size": 32}
    options |= {"augment": "none", "epochs": image_epochs}
    return net, recipe("small", net, stage, step_size=3e-3, **options)


# %%
def trained_on(sources, s, plain):
    """A network trained on each source."""
    trained = {}
    for name, set_ in sources.items():
        trained[name], way = how("pretrain", len(set_.classes), s)
        train(trained[name], set_, way, **plain)
    return trained


# %%
def told(labels, s):
    """Labels that the scores are given: shuffled in the control."""
    mixed = np.random.default_rng(s).permutation
    return mixed(labels) if control else labels


# %%
def foretold(net, images, labels):
    """Scores of a source, from the images that the target trains on."""
    inputs = NetworkInputs(images, size=size)
    outputs = torch.tensor(predict(net, inputs)).double()
    return transferability.score_table(
        last_hidden(net, inputs),
        labels,
        source_probabilities=outputs.softmax(1).numpy(),
    )


# %%
def linear_accuracy(net, some, test):
    """Test accuracy of a linear model on the source's features."""
    phi, unseen = (
        last_hidden(net, NetworkInputs(part, size=size))
        for part in (some, test)
    )
    probe = linear_probe(phi, class_columns(some), [1000])
    guess = probe.predict(unseen)[0].argmax(1)
    return (guess == test.labels).mean()


# %%
def accuracies(net, some, test, way, plain):
    """Accuracy that a source gives; `short` sees no test image."""
    half = max(np.bincount(some.labels).min() // 2, 1)
    halves, brief = (
        split(some, half, plain["seed"]),
        replace(way, epochs=1),
    )
    return {
        "linear": linear_accuracy(net, some, test),
        "tuned": fine_tune(net, some, test, way, **plain)[0],
        "short": fine_tune(net, *halves, brief, **plain)[0],
    }


# %%
def results_of(setting, s):
    """Scores and accuracies of every pair of a seed."""
    tasks = tasks_of(setting, s)
    plain = {"size": size, "compute": compute, "seed": s}
    plain["checkpoints"] = checkpoints
    trained, found = trained_on(tasks.sources, s, plain), {}
    _, way = how("finetune", 2, s)
    for a, b in tasks.pairs:
        some, test = tasks.targets[b]
        scores = foretold(trained[a], some, told(some.labels, s))
        reached = accuracies(trained[a], some, test, way, plain)
        found[a, b] = scores, reached
    return found


# %%
image_chosen = range(seed, seed + image_seeds)
results = {}
for setting in images:
    bar = tqdm(image_chosen, desc=setting, file=sys.stderr)
    results[setting] = [results_of(setting, s) for s in bar]
of_images, _ = next(iter(results[images[0]][0].values()))
print(of_images)


# %%
def within_targets(values, pairs):
    """Values less the mean of their target, as a column."""
    of = np.array([b for _, b in pairs])
    means = {b: values[of == b].mean() for b in set(of)}
    return (values - [means[b] for b in of])[:, None]


# %%
def described(found, promise, gain):
    """Correlation over the pairs of a seed, targets' means taken off."""
    left = [
        within_targets(
            np.array([v[of] for v in found.values()]), [*found]
        )
        for of in (promise, gain)
    ]
    return order(left[0].round(12), -left[1].round(12))[0]


# %%
SHAPE = ("seed", "setting", "gain", "score")
of_gain, promises = ["linear", "tuned"], [*of_images.values(), "short"]
pictures = xr.DataArray(
    np.empty((image_seeds, len(images), 2, len(promises))),
    dims=SHAPE,
    coords={"setting": images, "gain": of_gain, "score": promises},
)
for setting in images:
    for i, pairs in enumerate(results[setting]):
        found = {
            pair: scores.values() | rest
            for pair, (scores, rest) in pairs.items()
        }
        for gain in of_gain:
            pictures.loc[i, setting, gain] = [
                described(found, p, gain) for p in promises
            ]
record("13.images", pictures)

# %% tags=["hide-input"]
table(
    ["Score", *(f"{s}, {g}" for s in images for g in of_gain)],
    [
        [
            called[name],
            *(
                f"{pictures.sel(setting=s, gain=g, score=name).mean():.2f}"
                for s in images
                for g in of_gain
            ),
        ]
        for name in promises
    ],
)

# %% [markdown]
# Correlations are means over the seeds, of four to six pairs each, for the accuracy of a
# linear model and after fine-tuning. Read the table for scores that fail everywhere
# rather than for the one that leads: with so few pairs the leaders change places from
# seed to seed. Look also for columns whose signs differ between the two kinds of sources:
# there a score that ranks one kind of sources well may mislead on the other. One epoch on
# half of so few images, the last line, may be too short to tell anything.
#
# ## What to do with this
#
# One line for each score: what it needs, how it orders sources, how much of the best
# gain its first choice keeps after fine-tuning, and what it costs.

# %%
share = {
    name: [
        kept_share(promise[name][i][:, :tuned], error["tuned"][i])
        for i in range(seeds)
    ]
    for name in cost
}
for name, values in share.items():
    record(f"13.kept.tuned.{name}", values)
for name, values in share.items():
    print(name, np.mean(values).round(2))

# %% tags=["hide-input"]
needs = dict.fromkeys(measures, "features, labels")
needs["short"] = "the network, labels"
columns = ["Order, linear model", "Order, fine-tuning", "Gain kept"]
table(
    ["Score", "Needs", *columns, "Order, images", "Milliseconds"],
    [
        [
            called[name],
            what,
            *(
                interval(rho[g][name].mean(1), within=(-1, 1))
                for g in rho
            ),
            interval(share[name]),
            f"{pictures.sel(gain='tuned', score=name).mean():.2f}",
            f"{1e3 * cost[name]:.2f}",
        ]
        for name, what in needs.items()
    ],
)

# %% [markdown]
# Then:
#
# - *You will train a linear model, or freeze the network*: rank by
#   {glue:text}`13.name.linear`. It sees the features as the model will.
# - *You will fine-tune all weights*: take the score's order for a short list, not for
#   an answer; a share of {glue:text}`13.kept.tuned.mean:.2f` of the best gain is kept by
#   trusting it. {numref}`fig-13-cost` tells from how many seconds on it is better to
#   begin fine-tuning each network and to compare validation errors.
# - *Is it worth having a source at all?* For a linear model compare with the score of the
#   bare inputs, as above. Of fine-tuning against training from scratch no score speaks:
#   what training makes of the initial weights cannot be seen in their features.
#
# ## What was found
#
# | Finding | This run |
# |---|---|
# | Winner above chance, linear models | {glue:text}`13.above.linear` |
# | Winner above chance, fine-tuning | {glue:text}`13.above.tuned` |
# | Alignment area, linear models | {glue:text}`13.order.linear.alignment_area` |
# | Alignment area, fine-tuning | {glue:text}`13.order.tuned.alignment_area` |
# | Winner less alignment area, fine-tuning | {glue:text}`13.over_area.tuned` |
# | Winner less a short fine-tuning, fine-tuning | {glue:text}`13.over_short.tuned` |
# | Share of the best gain kept, fine-tuning | {glue:text}`13.kept.tuned` |
#
# All of this is ours: the tasks are Caruana's, but sources, scores and judgement are
# not from a paper. Five scores enter on the Peaks functions, since H-score, TransRate,
# the nearest class mean, LEEP and NCE are defined for classes alone; those have the
# images to themselves. Networks are small, sources as many as eight, targets of one
# kind; a winner here is a winner of this contest. Pretrained networks of section
# {ref}`sec-06` are not in it: there is one of each kind, and no order of one.
#
# ## Exercises
#
# :::{exercise}
# :label: ex-13-1
#
# Multiply the features of one source by 10. Which of the five scores change, and would
# the ranking of the sources?
# :::
#
# :::{solution} ex-13-1
# :class: dropdown
#
# LogME does not: $s_i^2 / \lambda$ in {eq}`eq-13-logme` stays with $\lambda$ a hundred
# times as large, and the maximum is over all $\lambda$. The probe scales features to
# unit variance first, and CKA divides by norms. Alignment area and rank are measured
# with a column of ones beside the features and rows of unit length, so that the ones
# shrink against the rest: they change a little. The others cannot change the ranking.
# :::
#
# :::{exercise}
# :label: ex-13-2
#
# A score gives all eight sources the same value for a target. Which rank correlation
# does `order` return, and why is that fair?
# :::
#
# :::{solution} ex-13-2
# :class: dropdown
#
# Zero: `ranks` returns zeros where all tie. The score has said nothing, and whoever picks
# a source at random has an expected correlation of zero.
# :::
#
# :::{exercise}
# :label: ex-13-3
#
# Run the page with `-p n_target 30`, then with `-p n_target 400`. Which scores gain with
# more labelled points, and does fine-tuning become easier or harder to foretell?
# :::
#
# :::{solution} ex-13-3
# :class: dropdown
#
# ```bash
# repalign run 13 --profile quick -p n_target 30 -o runs/few.ipynb
# repalign run 13 --profile quick -p n_target 400 -o runs/many.ipynb
# ```
#
# Compare the lines `13.order` of the two records, or read them off with
#
# ```python
# import json
#
# import numpy as np
#
# for run in ("few", "many"):
#     found = json.load(open(f"runs/{run}.json"))["records"]
#     for name, entry in found.items():
#         if name.startswith("13.order."):
#             print(run, name, np.mean(entry["values"]).round(2))
# ```
#
# In our runs LogME and the probe gained most: more points tell them better what a linear
# model will do, whose error then varies less as well. With 30 points they were no better
# than the alignment area, which gained least, and a short fine-tuning led all scores
# after fine-tuning. From 100 points to 400 the order after fine-tuning became hardly
# easier to foretell: what a score reads off the features better it does not read off
# the weights that will change. Compare `13.agree`, which stayed where it was.
# :::
#
# :::{exercise}
# :label: ex-13-4
#
# Why is the rank correlation taken within a target? Compute it over all pairs of a seed
# at once, and explain which scores rise and which fall.
# :::
#
# :::{solution} ex-13-4
# :class: dropdown
#
# `order(promise["log_me"].reshape(seeds, -1, 1), error["linear"].reshape(seeds, -1, 1))`
# mixes sources and targets. Scores without a unit, such as the probe's share of variance,
# then gain a little, since they also see which targets are easy for every source. LogME
# may lose: it has the scale of the labels in it (doubled labels have $\log 2$ less), and
# labels that vary more by chance make a target look worse. Neither helps anyone to
# choose a source.
# :::
#
# ## Provenance

# %% tags=["provenance", "hide-input"]
provenance(
    datasets=[
        points.about,
        *(
            set_.about
            for tasks in first_tasks.values()
            for set_ in tasks.sources.values()
        ),
    ],
    device=compute.where,
    precision="float32",
    seeds=seeds,
)
