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
def site(tmp_path_factory):
    """Built site of a book of one page; the book is two folders up."""
    book = tmp_path_factory.mktemp("book")
    shutil.copytree(ROOT / "book/_ext", book / "book/_ext")
    shutil.copytree(ROOT / "book/_static", book / "book/_static")
    shutil.copy(ROOT / "book/references.bib", book / "book")
    shutil.copy(ROOT / "_config.yml", book)
    (book / "_toc.yml").write_text("format: jb-book\nroot: book/intro\n")
    (book / "book/intro.md").write_text(PAGE)
    return _build(book)


def test_the_site_has_mathjax_once_and_no_live_code(site):
    copied = list((site / "_static/mathjax").rglob("*"))
    assert sum(p.stat().st_size for p in copied if p.suffix == ".js") < 1e6
    page = (site / "book/intro.html").read_text()
    assert "_static/mathjax/startup.js" in page
    assert "THEBE_JS_URL" not in page and "sphinx-thebe.js" not in page


def test_a_page_is_written_again_only_if_something_changed(site):
    book, page = site.parents[1], site / "book/intro.html"
    before = page.stat().st_mtime_ns
    _build(book)
    assert page.stat().st_mtime_ns == before
    style = book / "book/_static/book.css"
    style.write_text(style.read_text() + "/* new */\n")
    _build(book)
    assert page.stat().st_mtime_ns > before
    assert (site / "_static/book.css").read_text().endswith("/* new */\n")
