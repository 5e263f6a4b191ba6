"""Many small networks trained together as one batched network.

Seeds of one architecture share their shapes, so their weights stack into one
tensor with a leading ``member`` axis and every step of training is a handful
of batched products, whatever the number of members.  No member sees another:
each equals the same network trained alone on the same batches.
"""

import torch
from torch import nn
from torch.nn import functional as F

ACTIVATIONS = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "leaky_relu": F.leaky_relu,
    "linear": lambda z: z,
}


def choose_device(name: str) -> torch.device:
    """Device of a run.

    Parameters
    ----------
    name : "auto" (CUDA, else Apple's MPS, else the CPU), "cpu", "cuda", "cuda:N", "mps"

    Raises
    ------
    ValueError
        If there is no such device on this machine.
    """
    accelerators = torch.cuda.device_count(), torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if accelerators[0] else "mps" if accelerators[1] else "cpu"
    kind, _, index = name.partition(":")
    there = {"cpu": 1, "cuda": accelerators[0], "mps": int(accelerators[1])}
    if kind not in there or (index and not index.isdigit()):
        raise ValueError(f"device is {name!r}; expected auto, cpu, cuda, cuda:N or mps")
    if int(index or 0) >= there[kind]:
        raise ValueError(
            f"device is {name!r} but this machine has {there[kind]} of kind {kind!r}; "
            "use device=auto"
        )
    return torch.device(name)


class MLPEnsemble(nn.Module):
    """Multilayer perceptrons of one shape, one per seed, as a single module.

    Member ``i`` starts from the weights that ``torch.manual_seed(seed + i)``
    gives to a stack of ``torch.nn.Linear`` layers (PyTorch's default).

    Parameters
    ----------
    in_features : number of inputs, d
    width : units per hidden layer
    depth : number of hidden layers, at least 1
    out_features : number of outputs, k
    members : number of networks, m
    seed : seed of the first member
    activation : "relu", "tanh", "leaky_relu" or "linear"
    device, dtype : where and in which precision the weights live

    Raises
    ------
    ValueError
        If a size is below 1 or the activation is unknown.

    Examples
    --------
    >>> networks = MLPEnsemble(4, width=8, depth=2, members=3)
    >>> networks(torch.zeros(5, 4)).shape
    torch.Size([3, 5, 1])
    """

    def __init__(
        self,
        in_features: int,
        *,
        width: int = 128,
        depth: int = 3,
        out_features: int = 1,
        members: int = 5,
        seed: int = 0,
        activation: str = "relu",
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
    ):
        super().__init__()
        sizes = {"in_features": in_features, "width": width, "depth": depth}
        sizes |= {"out_features": out_features, "members": members}
        at_least_one(**sizes)
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"activation is {activation!r}; choose one of {', '.join(ACTIVATIONS)}"
            )
        self.activation = activation
        self.widths = [in_features, *[width] * depth, out_features]
        self.members = members
        self.seed = seed
        drawn = [_linear_layers(self.widths, seed + i) for i in range(members)]
        stacked = [torch.stack(t).to(device, dtype) for t in zip(*drawn, strict=True)]
        self.weights = nn.ParameterList(stacked[0::2])  # (m, fan_in, fan_out)
        self.biases = nn.ParameterList(stacked[1::2])  # (m, 1, fan_out)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Outputs of every member.

        Parameters
        ----------
        inputs : tensor (n, d), the same for all members, or (m, n, d)

        Returns
        -------
        tensor (m, n, k)
        """
        return forward(inputs, [*self.weights], [*self.biases], self.activation)[-1]

    @torch.no_grad()
    def hidden(self, inputs) -> list[torch.Tensor]:
        """Post-activation features of every hidden layer, input side first.

        Parameters
        ----------
        inputs : array or tensor (n, d) or (m, n, d)

        Returns
        -------
        list of ``depth`` tensors (m, n, width), on the ensemble's device
        """
        x = self.as_tensor(inputs)
        return forward(x, [*self.weights], [*self.biases], self.activation)[:-1]

    def member(self, index: int) -> nn.Sequential:
        """Copy of one member as plain ``torch.nn`` layers.

        Parameters
        ----------
        index : which member, 0 to m - 1

        Returns
        -------
        ``nn.Sequential`` of Linear and activation layers, (n, d) -> (n, k)
        """
        kinds = {"relu": nn.ReLU, "tanh": nn.Tanh, "leaky_relu": nn.LeakyReLU}
        layers: list[nn.Module] = []
        for w, b in zip(self.weights, self.biases, strict=True):
            linear = nn.Linear(w.shape[1], w.shape[2], device=w.device, dtype=w.dtype)
            linear.load_state_dict({"weight": w[index].T, "bias": b[index, 0]})
            layers += [linear, kinds.get(self.activation, nn.Identity)()]
        return nn.Sequential(*layers[:-1])

    def as_tensor(self, values) -> torch.Tensor:
        """Values in the precision and on the device of the weights."""
        like = self.weights[0]
        return torch.as_tensor(values, dtype=like.dtype, device=like.device)


def at_least_one(**sizes: int) -> None:
    """Raise a ``ValueError`` that names the first size below 1."""
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} is {size}; it must be at least 1")


def _linear_layers(widths: list[int], seed: int) -> list[torch.Tensor]:
    """Weight (fan_in, fan_out) and bias (1, fan_out) per layer, as nn.Linear draws."""
    generator = torch.Generator().manual_seed(seed)
    tensors = []
    for fan_in, fan_out in zip(widths, widths[1:], strict=False):
        bound = fan_in**-0.5
        for shape in ((fan_out, fan_in), (fan_out, 1)):
            drawn = torch.empty(shape).uniform_(-bound, bound, generator=generator)
            tensors.append(drawn.T)
    return tensors


def forward(x, weights, biases, activation: str) -> list[torch.Tensor]:
    """Outputs of every layer, hidden ones after the activation."""
    members = weights[0].shape[0]
    h = x if x.ndim == 3 else x.expand(members, *x.shape)
    outputs = []
    for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
        h = torch.baddbmm(b, h, w)
        if i < len(weights) - 1:
            h = ACTIVATIONS[activation](h)
        outputs.append(h)
    return outputs
