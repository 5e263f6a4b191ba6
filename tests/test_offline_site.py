"""The local Sphinx extensions, on a book of few pages with the book's own config."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.conftest import ROOT

PAGE = """# One page

A formula $a^2$, cited from {cite:t}`imani2022`.

```{bibliography}
```
"""


REPOSITORY, ADDRESS = "https://github.com/me/fork/", "https://me.example.org/book/"
EDIT = re.compile(r'href="([^"]*/edit/[^"]*)"')
CARD = re.compile(r'<meta property="(og:\w+)" content="([^"]*)">')


def _build(folder, **places):
    tool = Path(sys.executable).with_name("jupyter-book")
    command = [tool, "build", ".", "-W", "--keep-going", "-n"]
    unset = {"BOOK_REPOSITORY": "", "BOOK_ADDRESS": ""}
    env = {**os.environ, **unset, **places}
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=env)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder / "_build/html"


def _book(folder, toc):
    for part in ("_ext", "_static", "_templates"):
        shutil.copytree(ROOT / "book" / part, folder / "book" / part)
    shutil.copy(ROOT / "book/references.bib", folder / "book")
    shutil.copy(ROOT / "_config.yml", folder)
    (folder / "_toc.yml").write_text(toc)
    (folder / "book/intro.md").write_text(PAGE)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Built site of a book of one page; the book is two folders up."""
    toc = "format: jb-book\nroot: book/intro\n"
    return _build(_book(tmp_path_factory.mktemp("book"), toc))


@pytest.fixture(scope="module")
def placed(tmp_path_factory):
    """Built site of a book that knows its repository and its address."""
    toc = "format: jb-book\nroot: book/intro\nchapters:\n"
    toc += "  - file: book/sections/01_one\n  - file: book/claims\n"
    book = _book(tmp_path_factory.mktemp("placed"), toc)
    words = "# One\n\nA section of which the first words are these, and no others."
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(words)])
    (book / "book/sections").mkdir()
    nbformat.write(page, book / "book/sections/01_one.ipynb")
    (book / "book/claims.md").write_text("# Claims\n")
    return _build(book, BOOK_REPOSITORY=REPOSITORY, BOOK_ADDRESS=ADDRESS)


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


@pytest.mark.parametrize(
    "page, source",
    [
        ("book/intro", "book/intro.md"),
        ("book/sections/01_one", "notebooks/01_one.py"),
        ("book/claims", "claims.yaml"),
    ],
)
def test_a_page_links_to_what_is_edited_by_hand(placed, page, source):
    html = (placed / f"{page}.html").read_text()
    assert set(EDIT.findall(html)) == {f"{REPOSITORY}edit/main/{source}"}


def test_a_page_that_is_made_has_the_repository_but_no_source(placed):
    html = (placed / "genindex.html").read_text()
    assert f'href="{REPOSITORY.rstrip("/")}"' in html and EDIT.findall(html) == []


def test_without_a_repository_no_page_links_to_one(site):
    for page in site.rglob("*.html"):
        html = page.read_text()
        assert EDIT.findall(html) == []
        assert "btn-source" not in html and "fa-github" not in html, page


def test_a_card_has_a_picture_where_the_address_is_known(site, placed):
    card = dict(CARD.findall((placed / "book/sections/01_one.html").read_text()))
    assert card["og:title"] == "One"
    assert card["og:description"].startswith("A section of which the first words")
    assert card["og:url"] == f"{ADDRESS}book/sections/01_one.html"
    picture = card["og:image"].removeprefix(ADDRESS)
    assert (placed / picture).stat().st_size > 1000
    without = dict(CARD.findall((site / "book/intro.html").read_text()))
    assert {"og:title", "og:description"} <= set(without)
    assert "og:image" not in without and "og:url" not in without


def test_the_page_for_no_page_leads_to_the_address_that_is_set(placed):
    assert f'href="{ADDRESS}"' in (placed / "404.html").read_text()
