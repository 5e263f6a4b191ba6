"""A value that changes, changes on every built page that shows it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import miniature
from tests.conftest import ROOT

pytestmark = pytest.mark.section
PAGES = {
    "book/intro.md": "# Intro\n\n```{include} _generated/sections.md\n```\n",
    "book/rerun.md": "# Rerun\n",
    "_toc.yml": """\
format: jb-book
root: book/intro
chapters:
  - file: book/sections/05_tiny
  - file: book/sections/06_other
  - file: book/claims
  - file: book/rerun
""",
}


@pytest.fixture
def base(tmp_path):
    """The small book, with the site of the real one around it."""
    miniature.make(tmp_path)
    for name in ("_config.yml", "book/_ext", "book/_static", "book/references.bib"):
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    for name, text in PAGES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def build(base, gain):
    """Run the section, publish and build, as the workflow does."""
    output = "results/quick/05_tiny.ipynb"
    for tool, *arguments in (
        ["repalign", "run", "05", "-p", "gain", gain, "-o", output, "--quiet"],
        ["repalign", "publish"],
        ["jupyter-book", "build", ".", "-W", "--keep-going", "-n"],
    ):
        command = [Path(sys.executable).with_name(tool), *arguments]
        done = subprocess.run(command, cwd=base, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    site = base / "_build/html/book"
    texts = [(site / f"{p}.html").read_text() for p in ("sections/05_tiny", "claims")]
    return [re.sub(r"<[^>]+>", "", text) for text in texts]


def test_sentence_and_claims_table_follow_the_recorded_value(base):
    for gain, shown in (("1", "1.02"), ("7", "7.02")):
        section, table = build(base, gain)
        assert f"The gain is {shown} [" in section
        assert f"{shown} [" in table
        stale = {"1.02": "7.02", "7.02": "1.02"}[shown]
        assert stale not in section and stale not in table
