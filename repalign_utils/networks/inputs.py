"""The one door for a network's inputs: every kind of them turned into batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils import data as loading

__all__ = ["Batch", "Source", "dtype_of", "open_inputs"]

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


@dataclass(frozen=True)
class Batch:
    """What a network is called with: arguments that all have the same rows.

    Attributes
    ----------
    arguments : tuple of tensors (b, ...), or of arrays that are yet to be sliced
    keywords : dict
        Of the same, and of what has no rows: None, numbers, words.

    Raises
    ------
    TypeError
        If an argument has no rows, or no argument has.
    ValueError
        If rows differ among arguments.
    """

    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        odd = [v for v in self.arguments if not _has_rows(v)]
        if odd:
            raise TypeError(_no_array(odd[0]))
        lengths = {f"argument {i}": len(v) for i, v in enumerate(self.arguments, 1)}
        lengths |= {k: len(v) for k, v in self.keywords.items() if _has_rows(v)}
        if not lengths:
            raise TypeError(f"inputs are a dict without rows; pass {_TAKEN}")
        if len(set(lengths.values())) > 1:
            counts = ", ".join(f"{name}: {rows}" for name, rows in lengths.items())
            raise ValueError(
                f"inputs have different numbers of rows ({counts}); pass arguments of "
                "one length, or samples as a list"
            )

    @classmethod
    def of(cls, given: Any) -> Batch:
        """The arguments that a dict, a tuple or anything else stands for."""
        if isinstance(given, Mapping):
            return cls(keywords=given)
        return cls(tuple(given) if isinstance(given, tuple | list) else (given,))

    def rowed(self) -> list[Any]:
        """What has rows."""
        return [v for v in (*self.arguments, *self.keywords.values()) if _has_rows(v)]

    def __len__(self) -> int:
        return len(self.rowed()[0])

    def each(self, change: Callable[[Any], Any]) -> Batch:
        """The same batch with all that has rows changed."""
        return Batch(
            tuple(change(v) for v in self.arguments),
            {k: change(v) if _has_rows(v) else v for k, v in self.keywords.items()},
        )

    def tensors(self, dtype: torch.dtype | None) -> Batch:
        """The same as tensors, floats in this type; None: in their own."""
        return self.each(lambda value: _tensor(value, dtype))

    def part(self, rows: slice) -> Batch:
        """These rows."""
        return self.each(lambda value: value[rows])

    def pieces(self, size: int) -> Iterator[Batch]:
        """The batch in parts of at most `size` rows."""
        return (self.part(slice(i, i + size)) for i in range(0, len(self), size))

    def repeated(self, rows: int) -> Batch:
        """Its first rows, begun again from the first where there are fewer."""
        where = torch.arange(rows) % len(self)
        return self.each(lambda v: v[where.to(v.device)])


def _has_rows(value: Any) -> bool:
    return hasattr(value, "__len__") and not (
        isinstance(value, str) or getattr(value, "shape", None) == ()
    )


class Source:
    """Inputs to be read batch by batch, in their order.

    Attributes
    ----------
    n : int or None
        Rows; None where they are known only at the end.
    home : torch.device
        Where the inputs are.
    """

    def __init__(
        self,
        read: Callable[[int], Iterable[Batch]],
        n: int | None = None,
        *,
        like: Iterable[Any] = (),
        once: str = "",
    ):
        homes = (getattr(value, "device", None) for value in like)
        homes = (home for home in homes if isinstance(home, torch.device))
        self.n = n
        self.home = next(homes, torch.device("cpu"))
        self.dtype: torch.dtype | None = None  # of floats; None: their own
        self._read: Callable[[int], Iterable[Batch]] | None = read
        self._once = once  # what can be read only once, such as "generator"
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
            yield batch.tensors(self.dtype)
        if self.n is not None and done != self.n:
            raise ValueError(
                f"inputs gave {done} rows but their length is {self.n}; "
                "pass inputs that give every row once"
            )


def open_inputs(inputs: Any, model: nn.Module | None = None) -> Source:
    """Inputs of any kind as a source of batches.

    Parameters
    ----------
    inputs : see `repalign_utils.record_layers`
    model : whose dtype floats take, that of its first weights; None: their own

    Raises
    ------
    TypeError
        If they are of no kind that is taken.
    ValueError
        If rows differ among arguments, or a DataLoader shuffles.
    """
    source = _opened(inputs)
    if model is not None:
        source.dtype = dtype_of(model)
    return source


def dtype_of(model: nn.Module) -> torch.dtype | None:
    """Type of the first floats among the weights of a network."""
    tensors = chain(model.parameters(), model.buffers())
    return next((t.dtype for t in tensors if t.is_floating_point()), None)


def _opened(inputs: Any) -> Source:
    if isinstance(inputs, loading.DataLoader):
        _check_in_order(inputs)
        return Source(lambda size: _cut(inputs, size), _length(inputs))
    if isinstance(inputs, loading.IterableDataset):
        return Source(lambda size: _cut(loading.DataLoader(inputs, size), size))
    if isinstance(inputs, Mapping | tuple) or hasattr(inputs, "__array__"):
        whole = Batch.of(inputs)
        read = partial(_slices, whole.part, len(whole))
        return Source(read, len(whole), like=whole.rowed())
    if hasattr(inputs, "__getitem__") and hasattr(inputs, "__len__"):
        if not isinstance(inputs, str | bytes):
            part = partial(_sliced, inputs)
            n = len(inputs)
            return Source(partial(_slices, part, n), n, like=[inputs])
    elif isinstance(inputs, Iterable):
        once = type(inputs).__name__ if iter(inputs) is inputs else ""
        return Source(lambda size: _cut(inputs, size), once=once)
    raise TypeError(f"inputs are of type {_kind(inputs)}; pass {_TAKEN}")


def _slices(part: Callable[[slice], Batch], n: int, size: int) -> Iterator[Batch]:
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


def _cut(batches: Iterable, size: int) -> Iterator[Batch]:
    for given in batches:
        yield from Batch.of(_without_targets(given)).pieces(size)


def _sliced(inputs, rows: slice) -> Batch:
    """Rows of an object whose slices are batches; of a list or a Dataset, stacked."""
    if not isinstance(inputs, list | loading.Dataset):
        try:
            return Batch.of(_without_targets(inputs[rows]))
        except (TypeError, KeyError):  # takes numbers alone, as a Dataset does
            pass
    some = [_without_targets(inputs[i]) for i in range(rows.start, rows.stop)]
    if _are_numbers(some[0]):
        return Batch.of(np.asarray(some))
    try:
        return Batch.of(loading.default_collate(some))
    except (TypeError, RuntimeError) as error:
        raise TypeError(
            f"samples {rows.start} to {rows.stop - 1} of the inputs cannot be stacked "
            f"({error}); pass samples that are tensors or arrays of one shape, or "
            "(sample, target)"
        ) from None


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


def _tensor(value: Any, dtype: torch.dtype | None) -> torch.Tensor:
    if not torch.is_tensor(value):
        try:
            array = np.asarray(value)
            value = torch.from_numpy(np.array(array, array.dtype.newbyteorder("=")))
        except (TypeError, ValueError):
            raise TypeError(_no_array(value)) from None
    return value.to(dtype) if dtype and value.is_floating_point() else value


def _no_array(value: Any) -> str:
    return (
        f"inputs hold a value of type {_kind(value)} that is no array of numbers; pass "
        "tensors or arrays whose rows have one shape"
    )


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


def _kind(value: Any) -> str:
    return type(value).__name__
