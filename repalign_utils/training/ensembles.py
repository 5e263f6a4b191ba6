"""Train an ensemble: every member by itself, all at once, and across interruptions."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from ..networks.ensembles import MLPEnsemble, at_least_one
from .checkpoints import Checkpoint

SAVE_EVERY = 60  # seconds between checkpoints
LOSSES = {
    # Per member: (a, b, k) outputs and targets -> (a,) mean over the batch.
    "logistic": lambda f, y: F.softplus(-y * f).mean((1, 2)),
    "squared": lambda f, y: (f - y).square().mean((1, 2)),
}
# Each works element by element, so that members in one tensor stay independent.
OPTIMIZERS = {
    "sgd": lambda p, step: torch.optim.SGD(p, lr=step, fused=True),
    "momentum": lambda p, step: torch.optim.SGD(p, lr=step, momentum=0.9, fused=True),
    "rmsprop": lambda p, step: torch.optim.RMSprop(p, lr=step),
    "adam": lambda p, step: torch.optim.Adam(p, lr=step, fused=True),
    "adamw": lambda p, step: torch.optim.AdamW(p, lr=step, fused=True),
}


@dataclass(frozen=True)
class Training:
    """What a training run did, member by member.

    Attributes
    ----------
    losses : array (epochs, m), mean training loss of each epoch as met batch by
        batch; NaN once a member has stopped
    epochs : array (m,), epochs each member trained
    converged : array (m,), whether its loss fell below the tolerance
    """

    losses: np.ndarray
    epochs: np.ndarray
    converged: np.ndarray

    def final_losses(self) -> np.ndarray:
        """Loss of each member's last epoch, array (m,)."""
        return self.losses[self.epochs - 1, np.arange(len(self.epochs))]


def fit(
    networks: MLPEnsemble,
    inputs,
    targets,
    *,
    loss: str,
    optimizer: str = "adam",
    step_size: float = 1e-3,
    batch_size: int = 64,
    max_epochs: int = 1000,
    tolerance: float = 1e-4,
    seed: int = 0,
    checkpoints: str | Path | None = None,
    report=None,
) -> Training:
    """Train every member until its own loss is below ``tolerance``.

    Member ``i`` shuffles the rows with its own generator, seeded ``seed + i``;
    the last batch of an epoch may be smaller.  A member that has converged is
    frozen and costs nothing more.

    Parameters
    ----------
    networks : the ensemble, trained in place
    inputs : array or tensor (n, d)
    targets : array or tensor (n, k), or (m, n, k) for targets of each member's own
    loss : "logistic" (targets -1 and +1) or "squared", mean over batch and outputs
    optimizer : "sgd", "momentum" (SGD with 0.9), "rmsprop", "adam" or "adamw", as
        ``torch.optim`` has them, with its defaults but for the step size
    step_size : step size (learning rate)
    batch_size : rows per step
    max_epochs : epochs after which a member stops anyway
    tolerance : mean loss over an epoch below which a member stops
    seed : seed of the first member's batches
    checkpoints : folder that keeps the state of the run (once a minute and at the
        end), named by everything the result depends on; a run that finds its
        state continues, with the same weights as an unbroken run
    report : called as ``report(epoch, losses)`` after each epoch

    Returns
    -------
    Training

    Raises
    ------
    ValueError
        If shapes, targets, or the name of loss or optimizer do not fit.
    FloatingPointError
        If a member's loss is no longer finite, naming member and epoch.
    RuntimeError
        If the device's memory does not suffice, naming a smaller batch.
    """
    at_least_one(batch_size=batch_size, max_epochs=max_epochs)
    _known("loss", loss, LOSSES)
    _known("optimizer", optimizer, OPTIMIZERS)
    x, y = _check_data(networks, inputs, targets, loss)
    run = _Run(networks, OPTIMIZERS[optimizer], step_size, seed)
    keep = None
    if checkpoints:
        options = (loss, step_size, batch_size, max_epochs, tolerance, seed)
        # Adam adds nothing: names from before there was a choice stay valid.
        options += () if optimizer == "adam" else (optimizer,)
        facts = ((1, torch.__version__, x.device.type),)
        facts += ((networks.activation, networks.widths, options),)
        facts += (x, y, *networks.parameters())
        keep = Checkpoint(checkpoints, "training", facts, every=SAVE_EVERY)
        keep.restore(run.load)
    while len(run.losses) < max_epochs and len(run.active):
        try:
            run.epoch(x, y, LOSSES[loss], batch_size)
        except torch.OutOfMemoryError as error:
            raise RuntimeError(
                f"the device has no memory left for {networks.members} members with "
                f"batch_size {batch_size}; try batch_size {max(batch_size // 2, 1)}, "
                "or fewer members"
            ) from error
        run.freeze(tolerance)
        if report:
            report(len(run.losses), run.losses[-1])
        if keep and keep.due():
            keep.save(run.state())
    run.write_back()
    if keep:
        keep.save(run.state())
    return run.result(tolerance)


def _known(what: str, name: str, choices) -> None:
    if name not in choices:
        raise ValueError(f"{what} is {name!r}; choose one of {', '.join(choices)}")


def _check_data(networks, inputs, targets, loss):
    x, y = networks.as_tensor(inputs), networks.as_tensor(targets)
    if y.ndim == 2:
        y = y.expand(networks.members, *y.shape)
    wanted = (networks.members, len(x), networks.widths[-1])
    if y.shape != wanted or x.ndim != 2 or x.shape[1] != networks.widths[0]:
        raise ValueError(
            f"inputs have shape {tuple(x.shape)} and targets {tuple(y.shape)}; "
            f"expected (n, {networks.widths[0]}) and (n, k) or {wanted}"
        )
    if loss == "logistic" and not bool((y.abs() == 1).all()):
        raise ValueError("logistic loss needs targets -1 and +1; map labels by 2 y - 1")
    return x, y


class _Run:
    """State of a training run: the active members' weights and all that moves."""

    def __init__(self, networks: MLPEnsemble, make, step_size: float, seed: int):
        self.networks, self.make, self.step_size = networks, make, step_size
        self.orders = [
            torch.Generator().manual_seed(seed + i) for i in range(networks.members)
        ]
        self.losses: list[list[float]] = []
        self.active = list(range(networks.members))
        self._adopt([p.detach().clone() for p in networks.parameters()], None)

    def _adopt(self, tensors, state):
        """Make ``tensors`` the trained ones, with the optimiser's ``state`` if any."""
        self.parameters = [t.requires_grad_() for t in tensors]
        self.optimizer = self.make(self.parameters, self.step_size)
        if state is not None:
            self.optimizer.load_state_dict(state)

    def epoch(self, x, y, loss, batch_size: int):
        n = len(x)
        order = torch.stack(
            [torch.randperm(n, generator=self.orders[i]) for i in self.active]
        ).to(x.device)
        active = torch.tensor(self.active, device=x.device)[:, None]
        found, sizes = [], []
        for start in range(0, n, batch_size):
            rows = order[:, start : start + batch_size]
            outputs = self.networks.layers(x[rows], self.parameters)[-1]
            losses = loss(outputs, y[active, rows])  # (a,)
            self.optimizer.zero_grad()
            losses.sum().backward()
            self.optimizer.step()
            found.append(losses.detach())
            sizes.append(rows.shape[1])
        # Summed on the CPU at the end: no wait for the device within an epoch.
        means = torch.stack(found).double().cpu().T @ torch.tensor(sizes).double() / n
        self._note(means.tolist())

    def _note(self, losses: list[float]):
        row = [float("nan")] * self.networks.members
        for i, value in zip(self.active, losses, strict=True):
            if not np.isfinite(value):
                raise FloatingPointError(
                    f"member {i} has loss {value} in epoch {len(self.losses) + 1}; "
                    f"lower the step size (now {self.step_size})"
                )
            row[i] = value
        self.losses.append(row)

    def freeze(self, tolerance: float):
        """Write back and drop the members whose last loss is below ``tolerance``."""
        keep = [j for j, i in enumerate(self.active) if self.losses[-1][i] >= tolerance]
        if len(keep) == len(self.active):
            return
        self.write_back()
        state = self.optimizer.state_dict()
        for moments in state["state"].values():
            for name, value in moments.items():
                if value is not None and value.ndim:  # not the number of steps
                    moments[name] = value[keep]
        self.active = [self.active[j] for j in keep]
        self._adopt([p.detach()[keep].clone() for p in self.parameters], state)

    @torch.no_grad()
    def write_back(self):
        wholes = self.networks.parameters()
        for whole, part in zip(wholes, self.parameters, strict=True):
            whole[self.active] = part

    def state(self) -> dict:
        self.write_back()
        return {
            "weights": self.networks.state_dict(),
            "active": self.active,
            "adam": self.optimizer.state_dict(),  # a name that is on disks already
            "orders": [g.get_state() for g in self.orders],
            "losses": self.losses,
        }

    def load(self, state: dict):
        self.networks.load_state_dict(state["weights"])
        self.active, self.losses = state["active"], state["losses"]
        for generator, saved in zip(self.orders, state["orders"], strict=True):
            generator.set_state(saved)
        kept = [p.detach()[self.active].clone() for p in self.networks.parameters()]
        self._adopt(kept, state["adam"])

    def result(self, tolerance: float) -> Training:
        losses = np.array(self.losses).reshape(-1, self.networks.members)
        epochs = np.isfinite(losses).sum(0)
        last = losses[epochs - 1, np.arange(losses.shape[1])]
        return Training(losses, epochs, last < tolerance)
