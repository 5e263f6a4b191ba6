"""Where the sections, the profiles and the results of a checkout lie."""

from pathlib import Path

from ..spelling import did_you_mean
from .errors import Refused

PROFILES = ("quick", "paper")  # whose runs the book shows and keeps
# Profiles of single sections at a size that no run of the book has.
LARGE = ("imagenet",)


class SectionError(Refused):
    """A section or project that cannot be found; the message says the remedy."""


def root() -> Path:
    """Root of the checkout: of the working folder if it is in one, else the package's.

    Raises
    ------
    SectionError
        If neither lies in a checkout.
    """
    here = Path.cwd()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[2]):
        if (folder / "notebooks").is_dir() and (folder / "_toc.yml").is_file():
            return folder
    raise SectionError(
        f"{here} is not inside the book; change into a clone of its repository: the "
        "sections lie there, in notebooks/, and no installation brings them"
    )


def sections(base: Path) -> list[str]:
    """Names of all sections of the checkout ``base``, in order."""
    return sorted(p.stem for p in (base / "notebooks").glob("[0-9][0-9]_*.py"))


def section_path(base: Path, name: str) -> Path:
    """Notebook source of a section.

    Parameters
    ----------
    base : root of the checkout
    name : "05" or "05_synthetic_transfer"

    Raises
    ------
    SectionError
        If there is none, naming those there are.
    """
    known = sections(base)
    found = [s for s in known if name in (s, s[:2])]
    if len(found) != 1:
        hint = did_you_mean(name, known, cutoff=0.4)
        raise SectionError(
            f"no section {name!r}; {hint}the sections are {', '.join(known)}"
        )
    return base / "notebooks" / f"{found[0]}.py"


def profile_path(base: Path, profile: str) -> Path:
    """File with a profile's parameters."""
    return base / "notebooks" / "profiles" / f"{profile}.yaml"
