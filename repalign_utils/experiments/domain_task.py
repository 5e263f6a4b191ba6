"""One task in several domains, and another task in one of them (section 08)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .. import data
from ..data import ImageSet
from ..spelling import did_you_mean
from .own_images import domains_of

__all__ = ["DomainTask", "domain_task"]

DRAWN = ("plain", "studio", "webcam")
OFFICE = ("amazon", "dslr", "webcam")
_PARTS = 6  # of a drawn target: to train on, of a source, and four to test on
_FEWEST = 4  # classes that can be halved into two tasks


@dataclass(frozen=True, eq=False)
class DomainTask:
    """A task to transfer to, in its own and in other domains.

    Attributes
    ----------
    target : domain of the target
    pools : domain -> ``ImageSet``, all with the classes of the task
    other : ``ImageSet`` of the target's domain with other classes; None where the
        classes are too few for two tasks
    shares : of the target's images to train on and of those for a source, for
        `transfer.three_parts`
    """

    target: str
    pools: dict[str, ImageSet]
    other: ImageSet | None
    shares: tuple[float, float]


def domain_task(
    dataset: str,
    target: str = "",
    *,
    size: int,
    n_source: int,
    data_dir: str | Path = "",
    seed: int = 0,
) -> DomainTask:
    """Images of a task in three domains, drawn, of Office-31 or of a folder.

    Of files, the first half of the classes are the task, the second half the other one;
    with three classes or fewer there is no other one.

    Parameters
    ----------
    dataset : "procedural", "office31", or a folder of three folders of class folders
    target : domain; empty for the one with the most images
    size : height and width
    n_source : drawn pictures of each class; of files all there are
    data_dir : where Office-31 lies
    seed : of what is drawn

    Raises
    ------
    DataMissing
        If the files of Office-31 are not there.
    ValueError
        If there is no such domain, or a folder does not hold three with the same
        classes.

    Examples
    --------
    >>> task = domain_task("procedural", "studio", size=16, n_source=5)
    >>> {d: len(images.labels) for d, images in task.pools.items()}
    {'plain': 40, 'studio': 240, 'webcam': 40}
    """
    if dataset == "procedural":
        target = _known(target or DRAWN[0], DRAWN)
        pools = {
            d: data.procedural_images(
                "artificial",
                domain=d,
                n_per_class=n_source * (_PARTS if d == target else 1),
                size=size,
                seed=seed,
            )
            for d in DRAWN
        }
        other = data.procedural_images(
            "natural", domain=target, n_per_class=n_source, size=size, seed=seed
        )
        return DomainTask(target, pools, other, (1 / _PARTS, 1 / _PARTS))
    if dataset == "office31":
        _known(target or OFFICE[0], OFFICE)  # before all files are read
        read = {d: data.office31(d, size, data_dir=data_dir) for d in OFFICE}
    else:
        read = domains_of(dataset, size=size)
    target = _known(target or max(read, key=lambda d: len(read[d].labels)), read)
    names = read[target].classes
    half = len(names) // 2 if len(names) >= _FEWEST else len(names)
    pools = {d: images.only(names[:half]) for d, images in read.items()}
    other = read[target].only(names[half:]) if half < len(names) else None
    return DomainTask(target, pools, other, (1 / 3, 1 / 3))


def _known(target: str, domains) -> str:
    if target not in domains:
        raise ValueError(
            f"target is {target!r}; {did_you_mean(target, domains)}choose one of "
            f"{', '.join(domains)}, or leave it empty"
        )
    return target
