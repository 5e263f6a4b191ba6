"""Train many networks by gradient descent, each up to the same loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..training.checkpoints import kept

Forward = Callable[[Sequence[torch.Tensor], torch.Tensor], list[torch.Tensor]]

# Of Adam, as PyTorch has them
_BETA, _SQUARE_BETA, _FLOOR = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Levelled:
    """Networks where their loss first fell below a level.

    Attributes
    ----------
    epochs : array (m,), int
        Steps of each network: to the level, or all there were.
    reached : array (m,), bool
        Whether the loss fell below the level.
    watched : array (t, m, ...), float32
        What was watched before each step, and at the end; NaN after a network's end.
    parameters : list of tensors (m, ...)
        At each network's end.
    """

    epochs: np.ndarray
    reached: np.ndarray
    watched: np.ndarray
    parameters: list[torch.Tensor]


def train_to_level(
    layers: Forward,
    parameters: Sequence[torch.Tensor],
    inputs: torch.Tensor,
    targets: torch.Tensor,
    *,
    step_sizes: torch.Tensor,
    level: float,
    epochs: int,
    watch: Callable[[list[torch.Tensor]], torch.Tensor],
    optimizer: str = "sgd",
    noisy: Forward | None = None,
    checkpoints: str | Path = "",
) -> Levelled:
    """Train networks of one shape on all rows until each one's loss is below a level.

    Networks that learn at different speeds are comparable at equal loss, not after
    equally many steps. One that gets there stops and costs nothing more; one whose loss
    is no longer finite stops as well, and has not got there.

    Parameters
    ----------
    layers : called as ``layers(parameters, inputs)``, gives the outputs of every layer,
        (m, n, ...), the network's own (m, n, k) last; no network may see another
    parameters : tensors (m, ...)
    inputs, targets : tensors (m, n, ...) and (m, n, k)
    step_sizes : tensor (m,)
    level : of half of the squared error, mean over rows and outputs
    epochs : steps at most
    watch : of the outputs of all layers, gives a tensor (m, ...) to keep at each step
    optimizer : "sgd", "momentum" (SGD with 0.9) or "adam"
    noisy : layers that are trained instead, such as those with dropout; what is watched
        and compared with the level is of ``layers``
    checkpoints : folder that keeps the result, under a name made of all that it depends
        on, of functions by their names and what `functools.partial` binds; empty: none

    Returns
    -------
    Levelled

    Raises
    ------
    ValueError
        If the optimizer is unknown or the step sizes are not one per network.

    Examples
    --------
    >>> def layers(parameters, x):
    ...     return [x @ parameters[0]]
    >>> weights = [torch.tensor([[[0.0]], [[0.9]]])]
    >>> x = torch.ones(2, 1, 1)
    >>> found = train_to_level(
    ...     layers, weights, x, x, step_sizes=torch.tensor([0.5, 0.5]), level=0.01,
    ...     epochs=9, watch=lambda outputs: outputs[-1],
    ... )
    >>> found.epochs, found.reached
    (array([3, 0]), array([ True,  True]))
    """
    if optimizer not in _RULES:
        raise ValueError(
            f"optimizer is {optimizer!r}; pass one of {', '.join(sorted(_RULES))}"
        )
    if step_sizes.shape != inputs.shape[:1]:
        raise ValueError(
            f"step_sizes have shape {tuple(step_sizes.shape)} but there are "
            f"{len(inputs)} networks; pass one step size per network"
        )

    def trained() -> dict[str, Any]:
        run = _Run(layers, parameters, inputs, targets, step_sizes)
        for _ in range(epochs + 1):
            outputs = run.look(watch, level)
            if len(run.alive) == 0 or len(run.watched) > epochs:
                break
            if noisy or outputs is None:  # some have stopped
                outputs = (noisy or layers)(run.parameters, run.inputs)[-1]
            run.step(outputs, _RULES[optimizer])
        return run.result()

    functions = [_words(f) for f in (layers, noisy, watch)]
    facts = (functions, level, epochs, optimizer, torch.__version__)
    tensors = (*parameters, inputs, targets, step_sizes)
    found = kept(checkpoints, "level", (facts, *tensors), trained)
    told = {name: found[name].numpy() for name in ("epochs", "reached", "watched")}
    return Levelled(
        parameters=[p.to(inputs.device) for p in found["parameters"]], **told
    )


def _sgd(slope, _memory, _step):
    return slope


def _momentum(slope, memory, _step):
    return memory[0].mul_(_BETA).add_(slope)


def _adam(slope, memory, step):
    mean, square = memory
    mean.lerp_(slope, 1 - _BETA)
    square.lerp_(slope.square(), 1 - _SQUARE_BETA)
    root = (square / (1 - _SQUARE_BETA**step)).sqrt() + _FLOOR
    return mean / (1 - _BETA**step) / root


_RULES = {"sgd": _sgd, "momentum": _momentum, "adam": _adam}


class _Run:
    """The networks that still train, and what is kept of all."""

    def __init__(self, layers, parameters, inputs, targets, step_sizes):
        self.layers, self.inputs, self.targets = layers, inputs, targets
        self.step_sizes = step_sizes
        self.parameters = [p.detach().clone().requires_grad_() for p in parameters]
        self.memory = [
            [torch.zeros_like(p, requires_grad=False) for _ in range(2)]
            for p in parameters
        ]
        self.ends = [p.detach().clone() for p in parameters]
        self.alive = torch.arange(len(inputs), device=inputs.device)
        self.epochs = np.zeros(len(inputs), int)
        self.reached = np.zeros(len(inputs), bool)
        self.watched: list[np.ndarray] = []

    def look(self, watch, level: float) -> torch.Tensor | None:
        """Keep what is watched, and stop the networks that are below the level.

        Returns the outputs, with their graph, if all go on.
        """
        outputs = self.layers(self.parameters, self.inputs)
        with torch.no_grad():
            all_go_on = self._keep(outputs, watch, level)
        return outputs[-1] if all_go_on else None

    def _losses(self, outputs: torch.Tensor) -> torch.Tensor:
        """Half of the squared error of each network, mean over rows and outputs."""
        return (outputs - self.targets).square().flatten(1).mean(1) / 2

    def _keep(self, outputs, watch, level: float) -> bool:
        seen = watch(outputs).cpu().numpy()
        whole = np.full((len(self.epochs), *seen.shape[1:]), np.nan, np.float32)
        alive = self.alive.cpu().numpy()
        whole[alive] = seen
        self.watched.append(whole)
        self.epochs[alive] = len(self.watched) - 1
        losses = self._losses(outputs[-1])
        self.reached[alive] = (losses < level).cpu().numpy()
        done = (losses < level) | ~losses.isfinite()
        if done.any():
            self._leave(done)
        return not bool(done.any())

    def _leave(self, done: torch.Tensor) -> None:
        self._write_back()
        on = ~done
        self.alive, self.inputs = self.alive[on], self.inputs[on]
        self.targets, self.step_sizes = self.targets[on], self.step_sizes[on]
        self.parameters = [p.detach()[on].requires_grad_() for p in self.parameters]
        self.memory = [[m[on] for m in pair] for pair in self.memory]

    def _write_back(self) -> None:
        for end, p in zip(self.ends, self.parameters, strict=True):
            end[self.alive] = p.detach()

    def step(self, outputs: torch.Tensor, rule) -> None:
        """One step of each network that still trains."""
        losses = self._losses(outputs)
        slopes = torch.autograd.grad(losses.sum(), self.parameters)
        with torch.no_grad():
            for p, slope, memory in zip(
                self.parameters, slopes, self.memory, strict=True
            ):
                sizes = self.step_sizes.view(-1, *[1] * (p.ndim - 1))
                p.addcmul_(rule(slope, memory, len(self.watched)), sizes, value=-1)

    def result(self) -> dict[str, Any]:
        """What is kept of all, as tensors."""
        self._write_back()
        return {
            "epochs": torch.as_tensor(self.epochs),
            "reached": torch.as_tensor(self.reached),
            "watched": torch.as_tensor(np.stack(self.watched)),
            "parameters": self.ends,
        }


def _words(function) -> object:
    """What tells a function from others, without where it lies in memory."""
    if isinstance(function, partial):
        bound = [*enumerate(function.args), *sorted(function.keywords.items())]
        told = [(place, _words(value)) for place, value in bound]
        return (_words(function.func), told)
    return getattr(function, "__qualname__", repr(function))
