"""Drawn pictures of natural and of artificial things, for transfer without files."""

import numpy as np

from .._dataset import arrays_sha256, origin, whole_number
from .._image_set import ImageSet
from .._names import one_of
from . import artificial, natural
from .canvas import Canvas, Draw
from .domains import DOMAINS

_BATCH = 50  # drawn at once, so that the arrays fit the processor's cache
_SPLITS = ("train", "test")


def _name(draw: Draw) -> str:
    return draw.__name__.replace("_", " ")


_FAMILIES = {"natural": natural, "artificial": artificial}
#: Family -> the names of its classes, those of the sources first.
NAMES = {
    family: tuple(map(_name, (*drawn.SOURCES, *drawn.TARGETS)))
    for family, drawn in _FAMILIES.items()
}


def procedural_images(
    family: str,
    role: str = "source",
    *,
    split: str = "train",
    n_per_class: int = 100,
    domain: str = "plain",
    size: int = 32,
    seed: int = 0,
) -> ImageSet:
    """Draw colour pictures of things that grow or of things that people make.

    Our own stand-in for ImageNet's natural and artificial classes, which needs
    neither files nor network. The natural family has curved outlines, branching and
    irregular textures, the artificial one straight edges, circles, repetition and
    flat colours; colours, backgrounds and sizes overlap. A picture varies in place,
    size, angle, colours, polarity, contrast, background and noise.

    Parameters
    ----------
    family : {"natural", "artificial", "both"}
        ``both``: the natural classes, then the artificial ones.
    role : {"source", "target"}
        ``source``: 8 classes per family, to train on. ``target``: 6 natural or 4
        artificial ones, others than the sources, of the same forms and textures.
    split : {"train", "test"}
        Different draws.
    n_per_class : int
        Pictures of each class; a larger number holds those of a smaller one.
    domain : {"plain", "studio", "webcam"}
        ``plain``: a light background. ``studio``: a grey one, light from the side, a
        shadow and strong contrast. ``webcam``: a crowded one, a colour cast, blur,
        noise and low contrast. Different draws of the same classes.
    size : int
        Edge in pixels, at least 16.
    seed : int
        Seed of all draws.

    Returns
    -------
    ImageSet
        images (n, 3, size, size), class after class.

    Raises
    ------
    ValueError
        If an option is out of range.

    Examples
    --------
    >>> procedural_images("natural", n_per_class=5).images.shape
    (40, 3, 32, 32)
    >>> procedural_images("artificial", role="target", n_per_class=5).classes
    ('car', 'bus', 'lorry', 'house')
    """
    one_of("family", family, (*_FAMILIES, "both"))
    one_of("role", role, ("source", "target"))
    one_of("split", split, _SPLITS)
    one_of("domain", domain, DOMAINS)
    n_per_class = whole_number("n_per_class", n_per_class)
    size = whole_number("size", size, least=16)
    seed = whole_number("seed", seed, least=0)
    families = tuple(_FAMILIES) if family == "both" else (family,)
    place = (_SPLITS.index(split), list(DOMAINS).index(domain))
    names, parts = [], []
    for kind in families:
        drawn = _FAMILIES[kind]
        for draw in drawn.SOURCES if role == "source" else drawn.TARGETS:
            names.append(_name(draw))
            thing = (list(NAMES).index(kind), NAMES[kind].index(names[-1]))
            for start in range(0, n_per_class, _BATCH):
                # a whole batch, so that it does not depend on the number
                rng = np.random.default_rng((seed, *place, *thing, start))
                canvas = Canvas(rng, _BATCH, size, kind == "natural", drawn.turn(draw))
                draw(canvas)
                picture = np.clip(DOMAINS[domain](canvas), 0, 1)[: n_per_class - start]
                parts.append(np.rint(picture * 255).astype(np.uint8))
    images = np.concatenate(parts)
    each = f"{n_per_class:,} of each of {len(names)} classes"
    about = origin(
        "procedural_images",
        rows=len(images),
        sha256=arrays_sha256(images),
        note=f"{each}; domain {domain}; seed {seed}",
        which=f", {family}, {role} classes, {split} split",
    )
    labels = np.repeat(np.arange(len(names)), n_per_class)
    return ImageSet(images, labels, tuple(names), about)
