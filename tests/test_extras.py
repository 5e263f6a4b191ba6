"""A small installation works as far as it goes, and then says what is missing."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from repalign_utils._extras import need
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# The start of a program: these modules are not installed.
WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {modules!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""
COMMAND = """
from repalign_utils.__main__ import main
main({words!r}, prog_name="repalign")
"""


def _asked(extra):
    """Distributions that an extra asks for beyond the base."""
    found = set()
    for line in PROJECT["optional-dependencies"][extra]:
        requirement = Requirement(line)
        found.add(canonicalize_name(requirement.name))
        found = found.union(*map(_asked, requirement.extras))
    return found


def _with_what_they_need(names, found=()):
    """Distributions with all that these ask for in turn, without their extras."""
    found = {*found, *names}
    for name in names:
        needed = map(Requirement, requires(name) or ())
        marked = [r for r in needed if not r.marker or r.marker.evaluate({"extra": ""})]
        further = {canonicalize_name(r.name) for r in marked} - found
        found |= _with_what_they_need(further, found)
    return found


def _modules(distributions):
    """Names to import that distributions install."""
    return {
        module
        for module, owners in packages_distributions().items()
        if not distributions.isdisjoint(map(canonicalize_name, owners))
    }


BASE = _with_what_they_need(
    {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
)
BEYOND = set(packages_distributions()) - {"repalign_utils"} - _modules(BASE)


def _run(code, *, folder=ROOT, package=ROOT):
    """Run a program in a folder with the package and the base installation."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(modules=BEYOND) + code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Folder with what the wheel installs, built away from the working tree."""
    folder = tmp_path_factory.mktemp("installed")
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("repalign_utils", "tests"):
        shutil.copytree(ROOT / name, source / name)
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*build, "--quiet", "--wheel-dir", source, source],
        check=True,
        capture_output=True,
    )
    (wheel,) = source.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_the_extra_that_an_error_names_installs_the_module():
    calls = [
        (module, extra, path.name)
        for path in (ROOT / "repalign_utils").rglob("*.py")
        if path.name != "_extras.py"
        for module, extra in re.findall(
            r'\bneed\("(\w+)[\w.]*", "(\w+)"\)', path.read_text()
        )
    ]
    assert calls
    assert [c for c in calls if c[0] not in _modules(_asked(c[1]))] == []


def test_what_an_installed_module_lacks_is_its_own_error(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("import not_there_at_all")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="^No module named 'not_there_at_all"):
        need("half_there", "torch")


@pytest.mark.parametrize("room", ["networks", "training", "experiments"])
def test_a_room_that_needs_torch_says_what_installs_it(room):
    run = _run(f"import repalign_utils.{room}")
    assert run.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: torch is needed here, but it is not installed; "
        "install it with: pip install 'repalign-utils[torch]'"
    )


@pytest.mark.parametrize("words", ["run 01", "list", "build", "publish", "numbers"])
def test_a_command_says_in_a_sentence_what_a_small_installation_lacks(words):
    run = _run(COMMAND.format(words=words.split()))
    assert run.stderr == (
        "Error: papermill is needed here, but it is not installed; "
        "install it with: pip install 'repalign-utils[run]'\n"
    )


def test_the_wheel_holds_each_file_of_the_package_and_no_test(installed):
    folders = [path for path in installed.iterdir() if path.suffix != ".dist-info"]
    assert [folder.name for folder in folders] == ["repalign_utils"]
    held, kept = (
        {
            path.relative_to(root)
            for path in root.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        for root in (installed / "repalign_utils", ROOT / "repalign_utils")
    )
    assert held == kept


def test_measures_and_pictures_work_with_the_base_installation(installed, tmp_path):
    run = _run(
        "import numpy as np\n"
        "from repalign_utils import alignment, figures, interval\n"
        "X = np.random.default_rng(0).normal(size=(100, 8))\n"
        "found = alignment(X, X[:, 0])\n"
        "thresholds = np.linspace(0, 20, 50)\n"
        "figures.plot_curves({'one': found.curve(thresholds)[:, 0]}, thresholds)\n"
        "found.plot().figure.savefig('curve.svg')\n"
        "print(found.area().shape)",
        folder=tmp_path,
        package=installed,
    )
    assert run.stdout == "(1,)\n", run.stderr
    assert (tmp_path / "curve.svg").stat().st_size > 1000


def test_data_are_drawn_with_the_base_installation(installed, tmp_path):
    run = _run(
        "from repalign_utils import data\n"
        "print(data.peaks(n=50).inputs.shape, data.ct_phantom(n=4).inputs.shape)",
        folder=tmp_path,
        package=installed,
    )
    assert run.returncode == 0, run.stderr


def test_outside_a_clone_a_command_says_where_the_sections_are(installed, tmp_path):
    run = _run(COMMAND.format(words=["run", "01"]), folder=tmp_path, package=installed)
    assert run.stderr.endswith(
        f"\nError: {tmp_path} is not inside the book; change into a clone of its "
        "repository: the sections lie there, in notebooks/, and no installation "
        "brings them\n"
    )


def test_help_needs_the_base_installation_alone(installed, tmp_path):
    for words in (["--help"], ["run", "--help"]):
        run = _run(COMMAND.format(words=words), folder=tmp_path, package=installed)
        assert run.returncode == 0, run.stderr
