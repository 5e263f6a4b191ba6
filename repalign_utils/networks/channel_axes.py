"""Which axis of a tensor holds its channels, followed through a network's pass.

A convolution, a linear layer or a recurrent one knows where it puts its channels.
From there the axis is followed through every function that PyTorch runs, module or
not, until the channels are split or merged with other axes: then it is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch.overrides import TorchFunctionMode

from .running import tensors_of

__all__ = ["ChannelAxes"]

_LOST = -1
# They mix channels: what was lost before is known again behind them.
_MIXES = re.compile(
    r"conv(_transpose)?[123]d|linear|addmm|embedding|lstm|gru|rnn_tanh|rnn_relu"
    r"|multi_head_attention_forward"
)
# They work on channels, without a change of the axes.
_WORKS = re.compile(
    r"(batch|group|instance|layer|rms)_norm|pixel_(un)?shuffle|interpolate"
    r"|(adaptive_)?(max|avg|lp)_pool[123]d(_with_indices)?"
)
_CHANNELS_FIRST = re.compile(
    r"conv\w*|(batch|group|instance)_norm|pixel_\w+|interpolate|\w*pool\w*"
)
# Their result is a view of what they are given, or would be of a contiguous tensor.
_VIEWS = re.compile(
    r"permute|transpose|swapaxes|swapdims|movedim|moveaxis|T|mT|t|squeeze|unsqueeze"
    r"|view|view_as|reshape|reshape_as|flatten|unflatten|ravel|expand|expand_as"
)
_PARTS = re.compile(
    r"__getitem__|chunk|split|tensor_split|split_with_sizes|narrow|select|unbind"
)
_REDUCTIONS = re.compile(r"mean|sum|amax|amin|max|min|std|var|prod|logsumexp|median")
# Sizes may change, axes do not; in a product that summed over the channels, others
# take their place.
_SAME_AXES = re.compile(
    r"pad|constant_pad_nd|repeat|glu|index_select|cat|concat|concatenate"
    r"|matmul|__matmul__|bmm"
)
_OTHER_AXES = re.compile(
    r"einsum|adjoint|H|mH|rot90|tensordot|cdist|stack"
    r"|(transpose|swapaxes|swapdims|t|squeeze|unsqueeze|resize|set)_"
)


class ChannelAxes(TorchFunctionMode):
    """While it is entered, keeps for every tensor the axis of its channels.

    It holds the tensors too, so that it is for a pass of a few rows.

    Examples
    --------
    >>> x = torch.zeros(2, 3, 8)
    >>> with ChannelAxes() as axes:
    ...     maps = torch.conv1d(x, torch.zeros(5, 3, 1))
    ...     tokens = maps.relu().transpose(1, 2)
    ...     heads = tokens[..., :4].reshape(2, 8, 2, 2)
    >>> axes.of(maps), axes.of(tokens), axes.of(heads)
    (1, 2, None)
    """

    def __init__(self) -> None:
        super().__init__()
        self._axes: dict[int, int] = {}
        self._held: list[torch.Tensor] = []  # so that an id is no other tensor's

    def of(self, tensor: torch.Tensor) -> int | None:
        """The axis of its channels; None where that is not known."""
        axis = self._axes.get(id(tensor), _LOST)
        return None if axis == _LOST else axis

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Run the function; note the axis of what it gives."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        results = list(tensors_of(result))
        given = list(tensors_of((args, kwargs)))
        if results and given:
            name = getattr(func, "__name__", "")
            if name == "__get__":  # of a property, such as T
                name = func.__self__.__name__
            self._follow(name, func, args, kwargs, given, results)
        return result

    def _follow(self, name, func, args, kwargs, given, results) -> None:
        x = given[1] if name == "addmm" else given[0]
        axis = self._axes.get(id(x))
        if _MIXES.fullmatch(name) or _WORKS.fullmatch(name):
            self._note(results[0], self._of_layer(name, x, axis, results[0]))
        elif not any(id(t) in self._axes for t in given):
            return
        elif axis is None or axis == _LOST or len(given) > 1:
            for result in results:
                self._note(result, self._shared(name, given, result))
        elif _VIEWS.fullmatch(name) or _PARTS.fullmatch(name):
            whole = bool(_VIEWS.fullmatch(name))
            for result, found in zip(
                results, _viewed(func, x, args, kwargs, axis, whole), strict=True
            ):
                self._note(result, found)
        else:
            for result in results:
                found = self._shared(name, given, result)
                if _REDUCTIONS.fullmatch(name):
                    found = _reduced(x, args[1:], kwargs, axis, result)
                self._note(result, found)

    def _note(self, tensor: torch.Tensor, axis: int) -> None:
        if id(tensor) not in self._axes:
            self._held.append(tensor)
        self._axes[id(tensor)] = axis

    def _of_layer(self, name: str, x, axis: int | None, result) -> int:
        """Where a layer leaves the channels: in their place, else where it puts them.

        A linear layer over positions, as in an MLP-Mixer, has its channels elsewhere.
        """
        if axis == _LOST and not _MIXES.fullmatch(name):
            return _LOST
        if axis is None or axis == _LOST:
            own = _own_axis(name, result)
            if axis is None and x.ndim == result.ndim:
                self._note(x, own)  # so had what the layer was given
            return own
        return axis if x.ndim == result.ndim else _LOST

    def _shared(self, name: str, given: list, result: torch.Tensor) -> int:
        """Axis on which all that was given agrees, as far as it has the same axes."""
        if _OTHER_AXES.fullmatch(name):
            return _LOST
        same = _SAME_AXES.fullmatch(name)
        known = {
            self._axes[id(t)]
            for t in given
            if self.of(t) is not None
            and t.ndim == result.ndim
            and (same or _broadcasts(t, result))
        }
        return known.pop() if len(known) == 1 else _LOST


def _own_axis(name: str, result: torch.Tensor) -> int:
    if not _CHANNELS_FIRST.fullmatch(name):
        return result.ndim - 1
    places = re.search(r"([123])d", name)
    # Before as many positions: there may be no axis of samples.
    return result.ndim - 1 - int(places[1]) if places else 1


def _viewed(func, x, args, kwargs, axis: int, whole: bool) -> Iterator[int]:
    """Axis of the channels in views: the one with the stride that they had.

    The view is taken again of a contiguous tensor that is never filled. With `whole`
    the axis has to have all channels: where it is split, they are on several.
    """
    like = torch.empty(x.shape, dtype=torch.uint8)

    def put(value):
        return like if value is x else value

    again = func(*map(put, args), **{k: put(v) for k, v in kwargs.items()})
    for view in tensors_of(again):
        found = [
            j
            for j, (size, stride) in enumerate(
                zip(view.shape, view.stride(), strict=True)
            )
            if stride == like.stride(axis)
            and (size == x.shape[axis] or (size > 1 and not whole))
        ]
        yield found[0] if len(found) == 1 else _LOST


def _reduced(x, args, kwargs, axis: int, result: torch.Tensor) -> int:
    if result.ndim == x.ndim:
        return axis
    dims = kwargs.get("dim", args[0] if args else None)
    if dims is None:
        return _LOST
    gone = {d % x.ndim for d in ([dims] if isinstance(dims, int) else dims)}
    return _LOST if axis in gone else axis - sum(d < axis for d in gone)


def _broadcasts(tensor: torch.Tensor, result: torch.Tensor) -> bool:
    pairs = zip(tensor.shape, result.shape, strict=True)
    return all(size in (1, full) for size, full in pairs)
