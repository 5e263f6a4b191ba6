"""The local Sphinx extension, on a book of one page with the book's own config."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGE = """# One page

A formula $a^2$, cited from {cite:t}`imani2022`.

```{bibliography}
```
"""


def _build(folder):
    tool = Path(sys.executable).with_name("jupyter-book")
    command = [tool, "build", ".", "-W", "--keep-going", "-n"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder / "_build/html"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Folder of a book of one page."""
    folder = tmp_path_factory.mktemp("book")
    shutil.copytree(ROOT / "book/_ext", folder / "book/_ext")
    shutil.copytree(ROOT / "book/_static", folder / "book/_static")
    shutil.copy(ROOT / "book/references.bib", folder / "book")
    shutil.copy(ROOT / "_config.yml", folder)
    (folder / "_toc.yml").write_text("format: jb-book\nroot: book/intro\n")
    (folder / "book/intro.md").write_text(PAGE)
    return folder


def test_the_site_has_mathjax_once_and_no_live_code(book):
    site = _build(book)
    copied = [path.name for path in (site / "_static/mathjax").rglob("*")]
    assert copied == ["tex-svg.js"]
    page = (site / "book/intro.html").read_text()
    assert "_static/mathjax/tex-svg.js" in page
    assert "THEBE_JS_URL" not in page and "sphinx-thebe.js" not in page


def test_a_changed_style_reaches_a_built_site(book):
    _build(book)
    style = book / "book/_static/book.css"
    style.write_text(style.read_text() + "/* new */\n")
    assert _build(book).joinpath("_static/book.css").read_text().endswith("/* new */\n")


def test_nothing_is_written_again_when_nothing_changed(book):
    page = _build(book) / "book/intro.html"
    before = page.stat().st_mtime_ns
    _build(book)
    assert page.stat().st_mtime_ns == before
