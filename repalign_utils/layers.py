"""Outputs of a network's layers, recorded by hooks that are always taken off."""

from collections.abc import Iterable

import torch
from torch import nn


def record_layers(
    model: nn.Module,
    inputs: torch.Tensor,
    layers: Iterable[str] | None = None,
    *,
    batch_size: int = 1024,
) -> dict[str, torch.Tensor]:
    """Outputs of named layers of any module, in evaluation mode.

    Parameters
    ----------
    model : network; each submodule's mode is as before afterwards, also on an error
    inputs : tensor (n, ...), moved batch by batch to the device of the model
    layers : names as in ``model.named_modules()``; None for every layer without
        children, in the order of the module
    batch_size : rows in one pass

    Returns
    -------
    dict: name -> tensor (n, ...) in the layer's dtype, on the device of ``inputs``

    Raises
    ------
    ValueError
        If a name is unknown, there are no inputs, or a layer's output is no tensor.
    RuntimeError
        If a layer ran not at all or more than once in one pass.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> {k: tuple(v.shape) for k, v in record_layers(net, torch.zeros(2, 4)).items()}
    {'0': (2, 3), '1': (2, 3), '2': (2, 1)}
    """
    modules = _chosen(model, layers)
    if not len(inputs) or batch_size < 1:
        raise ValueError(
            f"inputs have {len(inputs)} rows and batch_size is {batch_size}; "
            "pass at least one row and a batch_size of at least 1"
        )
    modes = [(m, m.training) for m in model.modules()]
    caught: dict[str, list[torch.Tensor]] = {name: [] for name in modules}
    hooks = []
    try:
        for name, module in modules.items():
            hooks.append(module.register_forward_hook(_catch(name, caught[name])))
        model.eval()
        _pass(model, inputs, batch_size, caught)
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes:
            module.training = mode  # not .train(): that would reach the children
    return {name: torch.cat(parts) for name, parts in caught.items()}


def _chosen(model: nn.Module, layers) -> dict[str, nn.Module]:
    known = dict(model.named_modules())
    if layers is None:
        return {k: m for k, m in known.items() if not any(m.children())}
    names = list(layers)
    unknown = [n for n in names if n not in known]
    if unknown:
        raise ValueError(
            f"the model has no layer {unknown[0]!r}; "
            f"it has {', '.join(k for k in known if k)}"
        )
    return {n: known[n] for n in names}


def _catch(name: str, parts: list[torch.Tensor]):
    def hook(_module, _inputs, output):
        if not isinstance(output, torch.Tensor):
            raise ValueError(
                f"layer {name!r} returns {type(output).__name__}, not a tensor; "
                "name a layer inside it"
            )
        # A later in-place layer (ReLU(inplace=True)) would change what was caught.
        parts.append(output.detach().clone())

    return hook


@torch.no_grad()
def _pass(model: nn.Module, inputs: torch.Tensor, batch_size: int, caught) -> None:
    first = next(model.parameters(), None)
    device = inputs.device if first is None else first.device
    for done, batch in enumerate(inputs.split(batch_size), start=1):
        model(batch.to(device))
        for name, parts in caught.items():
            if len(parts) != done:
                raise RuntimeError(
                    f"layer {name!r} ran {len(parts) - done + 1} times in one pass; "
                    "record layers that run exactly once"
                )
            parts[-1] = parts[-1].to(inputs.device)
