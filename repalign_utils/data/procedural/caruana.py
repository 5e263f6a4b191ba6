"""Caruana's 120 peaks functions of six variables, in three encodings."""

from collections.abc import Sequence
from itertools import permutations
from types import MappingProxyType

import numpy as np

from .._dataset import Dataset, float32_rows, generated, whole_number
from .._names import one_of

_LETTERS = "ABCDEF"
_UNITS = 10  # inputs per variable
_MOST_TOLD = 10  # functions that a sentence about the data names

#: Name -> (?1, ?2, ?3), in lexicographic order: P001 = (A, B, C) to P120 = (F, E, D).
PEAKS = MappingProxyType(
    {f"P{i:03d}": letters for i, letters in enumerate(permutations(_LETTERS, 3), 1)}
)


def peaks_task(name: str) -> tuple[str, str, str]:
    """Give the three variables of a peaks function (Caruana 1997, Sec. 3.3).

    Parameters
    ----------
    name : str
        ``"P001"`` to ``"P120"``: the functions ``IF (?1 > 1/2) THEN ?2 ELSE ?3`` of
        three different variables of A to F, numbered in lexicographic order.

    Returns
    -------
    tuple of str
        ``(?1, ?2, ?3)``.

    Raises
    ------
    ValueError
        If there is no function of this name.

    Examples
    --------
    >>> peaks_task("P014")
    ('A', 'E', 'C')
    """
    return PEAKS[one_of("peaks function", name, PEAKS)]


def shared_roles(first: str, second: str) -> int:
    """Count the roles, 0 to 3, in which two peaks functions have the same variable.

    Parameters
    ----------
    first, second : str
        ``"P001"`` to ``"P120"``; the roles are the test and the two values, see
        `peaks_task`.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If there is no function of one of the names.

    Examples
    --------
    >>> [shared_roles("P001", name) for name in ("P014", "P024", "P120")]
    [2, 0, 0]
    """
    both = zip(peaks_task(first), peaks_task(second), strict=True)
    return sum(one == other for one, other in both)


def peaks_renamings() -> np.ndarray:
    """Where renaming the six variables takes the 120 peaks functions.

    Renaming keeps what two functions have in common, so that values of targets that
    are paired after one show what chance gives to targets that share variables.

    Returns
    -------
    array (720, 120), int
        Entry [r, i] is the place, from 0, of the function that number i + 1 becomes by
        the r-th renaming; the first one changes nothing.

    Examples
    --------
    >>> places = peaks_renamings()
    >>> places.shape, places[0, :3].tolist(), places[-1, 0].item()
    ((720, 120), [0, 1, 2], 119)
    """
    numbers = {"".join(letters): i for i, letters in enumerate(PEAKS.values())}
    renamed = [str.maketrans(_LETTERS, "".join(p)) for p in permutations(_LETTERS)]
    return np.array([[numbers[t.translate(to)] for t in numbers] for to in renamed])


def peaks(
    n: int = 10_000,
    *,
    encoding: str = "bumps",
    tasks: Sequence[str] = ("P001", "P014", "P120"),
    seed: int = 0,
) -> Dataset:
    """Draw inputs of the peaks functions and compute some of them.

    Six variables A to F are drawn uniformly from [0, 1); each reaches the network
    through ten inputs. Caruana (1997, Sec. 3.3) fixes the number of inputs and says
    that nearly any learnable code will do; the three codes here are our choice.

    Parameters
    ----------
    n : int
        Rows to draw.
    encoding : {"bumps", "thermometer", "binary"}
        ``bumps``: Gaussians of width 1/9 centred on ten points from 0 to 1.
        ``thermometer``: unit i rises linearly from 0 to 1 while the variable goes
        from i/10 to (i+1)/10. ``binary``: the ten leading binary digits.
    tasks : sequence of str
        Names of the functions, one target column each.
    seed : int
        Seed of the draw. The same seed gives the same variables in each encoding,
        and the first rows of a longer draw are those of a shorter one.

    Returns
    -------
    Dataset
        inputs (n, 60), ten columns per variable in the order A to F; targets
        (n, len(tasks)), equal to 2 y - 1, in [-1, 1); variables (n, 6).

    Raises
    ------
    ValueError
        If an option is out of range or a name is unknown (the nearest is named).

    Examples
    --------
    >>> drawn = peaks(n=4, encoding="binary", tasks=["P001"])
    >>> drawn.inputs.shape, drawn.targets.shape
    ((4, 60), (4, 1))
    """
    n, seed = whole_number("n", n), whole_number("seed", seed, least=0)
    encode = _ENCODINGS[one_of("encoding", encoding, _ENCODINGS)]
    names = _checked_tasks(tasks)
    # 24-bit draws: exact in float32, so that no target is rounded up to 1
    draw = np.random.default_rng(seed).random((n, len(_LETTERS)), dtype=np.float32)
    variables = draw.astype(np.float64)
    inputs = float32_rows(encode(variables))
    values = np.column_stack([_evaluate(peaks_task(t), variables) for t in names])
    targets = float32_rows(2 * values - 1)
    told = ", ".join(names[:_MOST_TOLD])
    told += f" and {more} more" if (more := len(names) - _MOST_TOLD) > 0 else ""
    which = f" {told}, encoding {encoding!r}"
    about = generated("peaks", inputs, targets, note=f"seed {seed}", which=which)
    return Dataset(inputs, targets, about, variables=variables)


def _checked_tasks(tasks: Sequence[str]) -> list[str]:
    if isinstance(tasks, str) or not len(tasks):
        raise ValueError(
            f"tasks is {tasks!r} but must be a sequence of at least one name; "
            'pass for example tasks=["P001"]'
        )
    return [one_of("peaks function", task, PEAKS) for task in tasks]


def _evaluate(letters: tuple[str, str, str], variables: np.ndarray) -> np.ndarray:
    switch, yes, no = (variables[:, _LETTERS.index(letter)] for letter in letters)
    return np.where(switch > 0.5, yes, no)


def _bumps(variables: np.ndarray) -> np.ndarray:
    centres, width = np.linspace(0, 1, _UNITS, retstep=True)
    return np.exp(-0.5 * ((variables[..., None] - centres) / width) ** 2)


def _thermometer(variables: np.ndarray) -> np.ndarray:
    return np.clip(_UNITS * variables[..., None] - np.arange(_UNITS), 0, 1)


def _binary(variables: np.ndarray) -> np.ndarray:
    codes = np.floor(variables * 2**_UNITS).astype(np.int64)
    return codes[..., None] >> np.arange(_UNITS - 1, -1, -1) & 1


_ENCODINGS = {"bumps": _bumps, "thermometer": _thermometer, "binary": _binary}
