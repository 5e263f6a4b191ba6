"""The one door for a network's inputs: every kind of them turned into batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.utils import data as loading

__all__ = ["Batch", "Sliceable", "Source", "open_inputs"]

_TAKEN = (
    "a tensor or array (n, ...), a tuple of them (several arguments), a dict of them "
    "(named arguments), a list of n samples, a Dataset, a DataLoader, an object whose "
    "slices are batches, or a generator of batches"
)
_SHUFFLES = (
    loading.RandomSampler,
    loading.SubsetRandomSampler,
    loading.WeightedRandomSampler,
)


class Sliceable(Protocol):
    """What a tensor of inputs offers here, and an object that makes batches too.

    Such an object need not hold the inputs: it may convert uint8 images, or read
    files, batch by batch.

    Examples
    --------
    >>> from repalign_utils import record_layers
    >>> class Scaled:
    ...     def __init__(self, images):
    ...         self.images = images
    ...     def __len__(self):
    ...         return len(self.images)
    ...     def __getitem__(self, rows):
    ...         return self.images[rows].float() / 255
    >>> record_layers(nn.Identity(), Scaled(torch.full((2, 1), 255)))[""].tolist()
    [[1.0], [1.0]]
    """

    def __len__(self) -> int:
        """Rows n."""
        ...

    def __getitem__(self, rows: slice, /) -> torch.Tensor:
        """Inputs (b, ...) of these rows."""
        ...


@dataclass(frozen=True)
class Batch:
    """What a network is called with: arguments that all have the same rows.

    Attributes
    ----------
    arguments : tuple of tensors (b, ...), or of arrays that are yet to be sliced
    keywords : dict
        Of tensors (b, ...), and of what has no rows: None, numbers, words.
    """

    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._rowed()[0])

    def _rowed(self) -> list[torch.Tensor]:
        return [v for v in (*self.arguments, *self.keywords.values()) if _has_rows(v)]

    def each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Batch:
        """The same batch with every tensor of rows changed."""
        return Batch(
            tuple(change(v) for v in self.arguments),
            {k: change(v) if _has_rows(v) else v for k, v in self.keywords.items()},
        )

    def pieces(self, size: int) -> Iterator[Batch]:
        """The batch in parts of at most `size` rows."""
        for start in range(0, len(self), size):
            yield self.each(lambda v, start=start: v[start : start + size])

    def repeated(self, rows: int) -> Batch:
        """Its first rows, begun again from the first where there are fewer."""
        where = torch.arange(rows) % len(self)
        return self.each(lambda v: v[where.to(v.device)])


class Source:
    """Inputs to be read batch by batch, in their order.

    Attributes
    ----------
    n : int or None
        Rows; None where they are known only at the end.
    home : torch.device
        Where the inputs are.
    """

    def __init__(self, read, n: int | None, home=None, *, kind: str = ""):
        self.n = n
        self.home = home or torch.device("cpu")
        self._read = read
        self._once = kind  # what can be read only once, such as "generator"
        self._ahead: tuple[int, Iterator[Batch]] | None = None

    def first(self, size: int) -> Batch:
        """The first batch, which `batches(size)` then does not read again."""
        rest = self.batches(size)
        batch = next(rest, None)
        if batch is None:
            raise ValueError(f"inputs have 0 rows; pass at least one row: {_TAKEN}")
        self._ahead = size, chain([batch], rest)
        return batch

    def batches(self, size: int) -> Iterator[Batch]:
        """Batches of at most `size` rows.

        Raises
        ------
        RuntimeError
            If the inputs cannot be read a second time.
        """
        if self._ahead and self._ahead[0] == size:
            ahead, self._ahead = self._ahead[1], None
            return ahead
        if self._read is None:
            raise RuntimeError(
                f"inputs are a {self._once}, which can be read only once, but have to "
                "be read again; pass a smaller batch_size, more memory, fewer layers, "
                "or inputs that can be read again, such as a DataLoader"
            )
        read = self._read
        if self._once:
            self._read = None
        return self._counted(read(size))

    def _counted(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        done = 0
        for batch in batches:
            done += len(batch)
            yield batch
        if self.n is not None and done != self.n:
            raise ValueError(
                f"inputs gave {done} rows but their length is {self.n}; "
                "pass inputs that give every row once"
            )


def open_inputs(inputs: Any, dtype: torch.dtype | None = None) -> Source:
    """Inputs of any kind as a source of batches.

    Parameters
    ----------
    inputs : see `repalign_utils.record_layers`
    dtype : of floats that come as NumPy arrays or plain numbers; None: their own

    Raises
    ------
    TypeError
        If they are of no kind that is taken.
    ValueError
        If rows differ among arguments, or a DataLoader shuffles.
    """
    if isinstance(inputs, loading.DataLoader):
        _check_in_order(inputs)
        return Source(lambda size: _cut(inputs, size, dtype), _length(inputs))
    if isinstance(inputs, loading.IterableDataset):
        return Source(
            lambda size: _cut(loading.DataLoader(inputs, size), size, dtype), None
        )
    if isinstance(inputs, list | loading.Dataset):
        return _sized(inputs, lambda rows: _collated(inputs, rows, dtype))
    if isinstance(inputs, Mapping | tuple) or hasattr(inputs, "__array__"):
        whole = _batch(inputs, dtype, open_only=True)
        home = next((v.device for v in whole._rowed() if torch.is_tensor(v)), None)

        def part(rows: slice) -> Batch:
            some = whole.each(lambda v: v[rows])
            return _batch(some.keywords or some.arguments, dtype)

        return Source(_slices(len(whole), part), len(whole), home)
    if hasattr(inputs, "__getitem__") and hasattr(inputs, "__len__"):
        if not isinstance(inputs, str | bytes):
            return _sized(inputs, lambda rows: _sliced(inputs, rows, dtype))
    elif isinstance(inputs, Iterable):
        kind = type(inputs).__name__ if iter(inputs) is inputs else ""
        return Source(lambda size: _cut(inputs, size, dtype), None, kind=kind)
    raise TypeError(f"inputs are of type {_kind(inputs)}; pass {_TAKEN}")


def place_of(model: nn.Module) -> tuple[torch.device | None, torch.dtype | None]:
    """Device of a network, and the dtype of its first weights that are floats."""
    tensors = [*model.parameters(), *model.buffers()]
    floats = (t.dtype for t in tensors if t.is_floating_point())
    return (tensors[0].device if tensors else None), next(floats, None)


def _sized(inputs, part: Callable[[slice], Batch]) -> Source:
    home = getattr(inputs, "device", None)
    home = home if isinstance(home, torch.device) else None
    return Source(_slices(len(inputs), part), len(inputs), home)


def _slices(n: int, part: Callable[[slice], Batch]):
    def read(size: int) -> Iterator[Batch]:
        for start in range(0, n, size):
            rows = slice(start, min(start + size, n))
            batch = part(rows)
            if len(batch) != rows.stop - start:
                raise ValueError(
                    f"inputs[{start}:{rows.stop}] gave {len(batch)} rows, expected "
                    f"{rows.stop - start} of the {n} that len(inputs) counts; "
                    "pass inputs whose slices have one row per input"
                )
            yield batch

    return read


def _cut(batches: Iterable, size: int, dtype) -> Iterator[Batch]:
    for given in batches:
        yield from _batch(_without_targets(given), dtype).pieces(size)


def _collated(items, rows: slice, dtype) -> Batch:
    """Samples of a list or a Dataset, stacked."""
    some = [_without_targets(items[i]) for i in range(rows.start, rows.stop)]
    if _are_numbers(some[0]):
        return _batch(np.asarray(some), dtype)
    try:
        stacked = loading.default_collate(some)
    except (TypeError, RuntimeError) as error:
        raise TypeError(
            f"samples {rows.start} to {rows.stop - 1} of the inputs cannot be stacked "
            f"({error}); pass samples that are tensors or arrays of one shape, or "
            "(sample, target)"
        ) from None
    return _batch(stacked, dtype, _was_numpy(some[0]))


def _sliced(inputs, rows: slice, dtype) -> Batch:
    try:
        given = inputs[rows]
    except (TypeError, KeyError):  # takes numbers alone, as a Dataset does
        return _collated(inputs, rows, dtype)
    return _batch(_without_targets(given), dtype)


def _without_targets(given: Any) -> Any:
    """The inputs of a pair (inputs, targets), as loaders give it."""
    if not isinstance(given, tuple | list) or _are_numbers(given):
        return given  # numbers are a sample
    if not 1 <= len(given) <= 2:
        raise ValueError(
            f"inputs give {len(given)} values at a time; pass (inputs, targets), with "
            "inputs a tuple where the network takes several arguments"
        )
    return next(iter(given))


def _are_numbers(given: Any) -> bool:
    plain = isinstance(given, tuple | list) and len(given) > 0
    return plain and all(isinstance(v, int | float) for v in given)


def _batch(given: Any, dtype, numpy: bool = False, open_only: bool = False) -> Batch:
    """One batch; with `open_only` arrays stay as they are, to be sliced."""

    def tensor(value):
        if open_only and (torch.is_tensor(value) or isinstance(value, np.ndarray)):
            return value
        return _tensor(value, dtype, numpy)

    if isinstance(given, Mapping):
        batch = Batch(keywords={k: _named(v, tensor) for k, v in given.items()})
    elif isinstance(given, tuple | list):
        batch = Batch(tuple(tensor(v) for v in given))
    else:
        batch = Batch((tensor(given),))
    lengths = [len(v) for v in batch._rowed()]
    if not lengths or not all(_has_rows(v) for v in batch.arguments):
        raise TypeError(
            f"inputs hold values of type {_kind(given)}, without rows; pass {_TAKEN}"
        )
    if len(set(lengths)) > 1:
        names = [k for k, v in batch.keywords.items() if _has_rows(v)]
        names = names or [f"argument {i}" for i in range(1, len(lengths) + 1)]
        counts = ", ".join(f"{k}: {r}" for k, r in zip(names, lengths, strict=True))
        raise ValueError(
            f"inputs have different numbers of rows ({counts}); pass arguments of "
            "one length, or samples as a list"
        )
    return batch


def _named(value: Any, tensor) -> Any:
    """A named argument: an array of rows, or what is handed on as it is."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return tensor(value)


def _tensor(value: Any, dtype, numpy: bool) -> torch.Tensor:
    if torch.is_tensor(value):
        found = value
    else:
        try:
            array = np.asarray(value)
            native = np.array(array, array.dtype.newbyteorder("="))
            found, numpy = torch.from_numpy(native), True
        except (TypeError, ValueError):
            raise TypeError(
                f"inputs hold a value of type {_kind(value)} that is no array of "
                "numbers; pass tensors or arrays whose rows have one shape"
            ) from None
    return found.to(dtype) if numpy and dtype and found.is_floating_point() else found


def _was_numpy(sample: Any) -> bool:
    if isinstance(sample, Mapping):
        return any(map(_was_numpy, sample.values()))
    if isinstance(sample, tuple | list):
        return any(map(_was_numpy, sample))
    return isinstance(sample, np.ndarray | float)


def _check_in_order(loader: loading.DataLoader) -> None:
    sampler = getattr(loader.batch_sampler, "sampler", loader.sampler)
    if isinstance(sampler, _SHUFFLES) or getattr(sampler, "shuffle", False):
        raise ValueError(
            f"inputs are a DataLoader that shuffles ({type(sampler).__name__}), so its "
            "rows are in no order that targets could follow; pass shuffle=False"
        )


def _length(loader: loading.DataLoader) -> int | None:
    """Rows of a loader that makes its batches itself; else unknown."""
    plain = type(loader.batch_sampler) is loading.BatchSampler
    if isinstance(loader.dataset, loading.IterableDataset) or not plain:
        return None
    n, size = len(loader.sampler), loader.batch_size or 1  # pyright: ignore
    return n - n % size if loader.drop_last else n


def _has_rows(value: Any) -> bool:
    return len(getattr(value, "shape", ())) > 0


def _kind(value: Any) -> str:
    return type(value).__name__
