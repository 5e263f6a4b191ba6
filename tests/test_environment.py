"""pyproject.toml, requirements.lock and environment.yml say the same."""

import re
import tomllib

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
PINS = [Requirement(line) for line in re.findall(r"^(\S+==.*?) *\\?$", LOCK, re.M)]
# Why a package is in the lock: uv names who asked for it.
OURS = f"{PYPROJECT['project']['name']} (pyproject.toml)"


def _direct():
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"]
    locked = [asked for extra, asked in extras.items() if extra != "jupyter"]
    asked = map(Requirement, sum(locked, project["dependencies"]))
    return [r for r in asked if r.name != project["name"]]  # one extra asks for another


def _name(requirement):
    return canonicalize_name(requirement.name)


def _version(pin):
    return str(pin.specifier).removeprefix("==")


def _locked(name, **environment):
    """Version of a package in the lock where the environment is as given, or None."""
    here = {**default_environment(), **environment}
    fit = [
        p for p in PINS if p.name == name and (not p.marker or p.marker.evaluate(here))
    ]
    assert len(fit) <= 1, f"{name} is locked more than once for {environment}"
    return _version(fit[0]) if fit else None


def _conda_python():
    return next(d for d in CONDA if str(d).startswith("python=")).removeprefix(
        "python="
    )


def _conda_pins():
    lines = next(d["pip"] for d in CONDA if isinstance(d, dict))
    assert lines[-1] == "-e ."
    return [Requirement(line) for line in lines[:-1]]


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_holds_each_direct_dependency(python):
    environment = {"python_version": python, "python_full_version": f"{python}.9"}
    build = map(Requirement, PYPROJECT["build-system"]["requires"])
    for requirement in [*_direct(), *build]:
        version = _locked(_name(requirement), **environment)
        assert version is not None, f"{requirement} is not in the lock: make lock"
        assert version in requirement.specifier, f"{requirement} has {version}"


def test_the_lock_holds_what_is_asked_for_and_no_more():
    blocks = re.split(r"^(?=[a-z0-9][^\n]*==)", LOCK, flags=re.M)
    asked = {Requirement(b.split(" ")[0]).name for b in blocks[1:] if OURS in b}
    assert asked == {_name(requirement) for requirement in _direct()}


def test_each_locked_version_is_exact_and_has_hashes():
    blocks = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.M)[1:]
    assert len(blocks) == len(PINS) > 100
    assert [b.splitlines()[0] for b in blocks if "--hash=sha256:" not in b] == []
    assert [str(pin) for pin in PINS if not _version(pin)[0].isdigit()] == []


def test_the_lock_names_no_address():
    assert re.findall(r"\S*://\S*|--\S*index\S*", LOCK) == []


def test_conda_installs_the_locked_versions_of_the_direct_dependencies():
    python = _conda_python()
    environment = {"python_version": python, "python_full_version": f"{python}.9"}
    pins = {_name(pin): _version(pin) for pin in _conda_pins()}
    assert pins == {
        name: _locked(name, **environment) for name in map(_name, _direct())
    }


def test_conda_has_a_python_that_the_project_supports():
    assert _conda_python() in SpecifierSet(PYPROJECT["project"]["requires-python"])
    assert "pip" in CONDA


def test_the_installer_is_pinned():
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^UV := uv==\d+\.\d+\.\d+$", makefile, re.M)


def test_the_guide_names_each_extra():
    guide = (ROOT / "book/install.md").read_text()
    extras = list(PYPROJECT["project"]["optional-dependencies"])
    assert re.findall(r"^\| `(\w+)` \|", guide, re.M) == extras
