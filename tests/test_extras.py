"""A small installation works as far as it goes, and then says what is missing."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from repalign_utils._extras import need
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# What the first line of a program says: these modules are not installed.
HIDE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
"""


def _distributions(extra=None):
    """Distributions that an extra installs beyond the base, or those of the base."""
    groups = PROJECT["optional-dependencies"]
    found = set()
    for line in groups[extra] if extra else PROJECT["dependencies"]:
        requirement = Requirement(line)
        found.add(canonicalize_name(requirement.name))
        for other in requirement.extras:
            found |= _distributions(other)
    return found


def _calls():
    """Calls of `need` in the package: place, module and extra."""
    for path in sorted((ROOT / "repalign_utils").rglob("*.py")):
        calls = re.findall(r'\bneed\("([\w.]+)", "(\w+)"\)', path.read_text())
        yield from ((path.relative_to(ROOT), *call) for call in calls)


def _run(code, *hidden):
    """Run ``code`` in a fresh interpreter that lacks the ``hidden`` modules."""
    return subprocess.run(
        [sys.executable, "-c", HIDE.format(names=hidden) + code],
        capture_output=True,
        text=True,
    )


def test_the_extra_that_an_error_names_installs_the_module():
    wrong = [
        (str(path), module, extra)
        for path, module, extra in _calls()
        if path.name != "_extras.py"
        and not _distributions(extra).intersection(
            map(canonicalize_name, packages_distributions()[module.partition(".")[0]])
        )
    ]
    assert wrong == []


def test_what_an_installed_module_lacks_is_its_own_error(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("import not_there_at_all")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="^No module named 'not_there_at_all"):
        need("half_there", "torch")


@pytest.mark.parametrize("room", ["networks", "training", "experiments"])
def test_a_room_that_needs_torch_says_what_installs_it(room):
    run = _run(f"import repalign_utils.{room}", "torch")
    assert run.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: torch is needed here, but it is not installed; "
        "install it with: pip install 'repalign-utils[torch]'"
    )
