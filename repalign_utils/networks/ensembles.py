"""Many small networks trained together as one batched network.

Seeds of one architecture share their shapes, so their weights stack into one
tensor with a leading ``member`` axis and every step of training is a handful
of batched products, whatever the number of members.  No member sees another:
each equals the same network trained alone on the same batches.
"""

from collections.abc import Callable, Iterable

import torch
from torch import nn

from .activations import chosen_activation


class MLPEnsemble(nn.Module):
    """Multilayer perceptrons of one shape, one per seed, as a single module.

    Member ``i`` starts from the weights that ``torch.manual_seed(seed + i)``
    gives to a stack of ``torch.nn.Linear`` layers (PyTorch's default).  Its
    parameters are ``weights`` (m, fan_in, fan_out), ``biases`` (m, 1, fan_out)
    and, for "prelu", ``slopes`` (m, 1, 1), one tensor per layer.

    Parameters
    ----------
    in_features : number of inputs, d
    width : units per hidden layer
    depth : number of hidden layers, at least 1
    out_features : number of outputs, k
    members : number of networks, m
    seed : seed of the first member
    activation : "relu", "tanh", "leaky_relu", "prelu" (one learnt slope per member
        and hidden layer, 0.25 at the start) or "linear"; or a function, a module or a
        class of modules without weights, such as ``torch.nn.GELU``
    hidden_bias : whether hidden layers have a bias; the output layer always has
    device, dtype : where and in which precision the weights live

    Raises
    ------
    ValueError
        If a size is below 1, or the activation is unknown, learns or mixes members.

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
        activation: str | Callable[..., torch.Tensor] | type[nn.Module] = "relu",
        hidden_bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
    ):
        super().__init__()
        sizes = {"in_features": in_features, "width": width, "depth": depth}
        sizes |= {"out_features": out_features, "members": members}
        at_least_one(**sizes)
        self._activation = chosen_activation(activation)
        self.activation = self._activation.label
        self.widths = [in_features, *[width] * depth, out_features]
        self.members = members
        self.seed = seed
        drawn = [
            _linear_layers(self.widths, seed + i, hidden_bias) for i in range(members)
        ]
        weights, biases = (
            [torch.stack(t).to(device, dtype) for t in zip(*kind, strict=True)]
            for kind in zip(*drawn, strict=True)
        )
        self.weights = nn.ParameterList(weights)
        self.biases = nn.ParameterList(biases)
        slope = torch.full((members, 1, 1), 0.25, device=device, dtype=dtype)
        learnt = depth if self.activation == "prelu" else 0
        self.slopes = nn.ParameterList([slope.clone() for _ in range(learnt)])

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Outputs of every member.

        Parameters
        ----------
        inputs : tensor (n, d), the same for all members, or (m, n, d)

        Returns
        -------
        tensor (m, n, k)
        """
        return self.layers(inputs, self.parameters())[-1]

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
        return self.layers(self.as_tensor(inputs), self.parameters())[:-1]

    def layers(
        self, inputs: torch.Tensor, parameters: Iterable[torch.Tensor]
    ) -> list[torch.Tensor]:
        """Outputs of every layer under other parameters, hidden ones activated.

        Parameters
        ----------
        inputs : tensor (n, d), the same for all members, or (a, n, d)
        parameters : tensors as from ``parameters()``, of any number of members a

        Returns
        -------
        list of ``depth`` tensors (a, n, width) and one (a, n, k)
        """
        tensors = list(parameters)
        count, depth = len(self.weights), len(self.weights) - 1
        weights, tensors = tensors[:count], tensors[count:]
        biases, slopes = tensors[: len(self.biases)], tensors[len(self.biases) :]
        biases = [None] * (count - len(biases)) + biases
        h = inputs if inputs.ndim == 3 else inputs.expand(len(weights[0]), -1, -1)
        outputs = []
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            h = torch.bmm(h, w) if b is None else torch.baddbmm(b, h, w)
            if i < depth:
                h = self._activation.apply(h, *slopes[i : i + 1])
            outputs.append(h)
        return outputs

    def member(self, index: int) -> nn.Sequential:
        """Copy of one member as plain ``torch.nn`` layers.

        Parameters
        ----------
        index : which member, 0 to m - 1

        Returns
        -------
        ``nn.Sequential`` of Linear and activation layers, (n, d) -> (n, k)
        """
        like = {"device": self.weights[0].device, "dtype": self.weights[0].dtype}
        without = len(self.weights) - len(self.biases)
        layers: list[nn.Module] = []
        for i, w in enumerate(self.weights):
            linear = nn.Linear(*w.shape[1:], bias=i >= without, **like)
            state = {"weight": w[index].T}
            if i >= without:
                state["bias"] = self.biases[i - without][index, 0]
            linear.load_state_dict(state)
            layers += [linear, self._activation.module().to(**like)]
        for layer, slope in zip(layers[1::2], self.slopes, strict=False):
            layer.load_state_dict({"weight": slope[index, 0]})
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


def _linear_layers(
    widths: list[int], seed: int, hidden_bias: bool
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Weights (fan_in, fan_out) and biases (1, fan_out), as nn.Linear draws them."""
    generator = torch.Generator().manual_seed(seed)

    def draw(fan_in, fan_out, columns):
        drawn = torch.empty(fan_out, columns)
        return drawn.uniform_(-(fan_in**-0.5), fan_in**-0.5, generator=generator).T

    weights, biases = [], []
    for i, (fan_in, fan_out) in enumerate(zip(widths, widths[1:], strict=False)):
        weights.append(draw(fan_in, fan_out, fan_in))
        if hidden_bias or i == len(widths) - 2:
            biases.append(draw(fan_in, fan_out, 1))
    return weights, biases
