"""The workflows of the host ask for what the project has."""

import re
import tomllib

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _jobs(path):
    # BaseLoader: in YAML 1.1, `on` would be a truth value and 3.10 the number 3.1.
    return yaml.load(path.read_text(), yaml.BaseLoader)["jobs"].values()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_uses_commands_of_the_makefile_and_released_actions(path):
    steps = [step for job in _jobs(path) for step in job["steps"]]
    commands = [step["run"] for step in steps if "run" in step]
    assert commands
    for command in commands:
        target = re.fullmatch(r"make (\w+)", command)
        assert target and re.search(rf"^{target[1]}:", MAKEFILE, re.M), command
    for step in steps:
        assert "run" in step or re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])


def test_each_python_of_a_workflow_is_supported():
    text = "".join(path.read_text() for path in WORKFLOWS)
    asked = set(re.findall(r'"(3\.\d+)"', text))
    supported = SpecifierSet(PROJECT["requires-python"])
    assert asked and [python for python in asked if python not in supported] == []
