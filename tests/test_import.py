"""What is loaded when: a message or a help text waits for no heavy library."""

import subprocess
import sys

import pytest

import repalign_utils
from tests.conftest import ROOT

HEAVY = ("torch", "torchvision", "matplotlib", "sklearn", "pandas", "xarray")
BOOK = sorted(p.stem for p in (ROOT / "repalign_utils/book").glob("[a-z]*.py"))


def _loaded(code):
    """Modules that a fresh interpreter holds after running ``code``."""
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.splitlines()[-1].split())


def test_the_shell_loads_no_heavy_library():
    modules = ["repalign_utils.__main__", *(f"repalign_utils.book.{m}" for m in BOOK)]
    loaded = _loaded(f"import {', '.join(modules)}")
    assert loaded.issuperset(modules)
    assert loaded.isdisjoint(HEAVY)


def test_what_the_base_offers_loads_no_heavy_library():
    names = ("alignment", "data.peaks", "figures", "interval", "linear_probe", "record")
    loaded = _loaded(
        f"import repalign_utils as r\n{'; '.join(f'r.{n}' for n in names)}"
    )
    assert loaded.issuperset({"repalign_utils.figures", "repalign_utils.measures"})
    beyond = {"papermill", "jupytext", "IPython", "pydantic", "xarray", "pooch"}
    assert loaded.isdisjoint(beyond.union(HEAVY))


def test_help_loads_neither_papermill_nor_jupytext():
    code = (
        "from repalign_utils.__main__ import main\n"
        "for words in (['--help'], ['run', '--help']):\n"
        "    main(words, standalone_mode=False)"
    )
    loaded = _loaded(code)
    assert "click" in loaded
    assert loaded.isdisjoint((*HEAVY, "papermill", "jupytext", "numpy", "yaml"))
    assert loaded.isdisjoint(("pydantic", "jinja2"))


def test_dir_and_the_public_names_agree():
    assert dir(repalign_utils) == sorted(repalign_utils.__all__)
    for name in repalign_utils.__all__:
        assert getattr(repalign_utils, name) is getattr(repalign_utils, name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(
        AttributeError, match=r"^No repalign_utils attribute alignmnet$"
    ):
        repalign_utils.alignmnet  # noqa: B018
