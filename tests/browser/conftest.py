"""One browser for all tests, and each page of the book opened in it."""

from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from sphinx_external_toc.parsing import parse_toc_yaml

from tests.browser.chromium import launch_options, not_found
from tests.conftest import ROOT

PAGES = sorted(parse_toc_yaml(str(ROOT / "_toc.yml")))
WIDE = {"width": 1280, "height": 900}
# Formulas are typeset after the page has loaded; a page without any has no MathJax.
SETTLED = """async () => {
    await document.fonts.ready;
    if (window.MathJax?.startup) await window.MathJax.startup.promise;
}"""


class Visit:
    """An open page, with what went wrong in the console and over the network."""

    def __init__(self, tab, address, arrives=None):
        self.errors, self.foreign, self.failed = [], [], []
        tab.on("console", self._hear)
        tab.on("pageerror", lambda error: self.errors.append(str(error)))
        tab.on("request", self._see)
        tab.on("requestfailed", lambda request: self.failed.append(request.url))
        self.tab = tab
        tab.goto(address)
        if arrives:
            tab.wait_for_url(arrives)
        tab.evaluate(SETTLED)

    def _hear(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def _see(self, request):
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.foreign.append(request.url)


# The folder's, not the session's: while it runs, its event loop is in the way of tests
# that need one of their own.
@pytest.fixture(scope="package")
def browser():
    """Chromium without a window."""
    options = launch_options()
    if options["executable_path"] is None:
        pytest.fail(not_found("the PATH"))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**options)
        yield chromium
        chromium.close()


def _open(browser, site, name, arrives=None, **options):
    tab = browser.new_page(**{"viewport": WIDE, **options})
    return Visit(tab, Path(site, f"{name}.html").as_uri(), arrives)


@pytest.fixture(scope="module", params=PAGES)
def page(request, browser, site):
    """Each page of the book in turn, for tests that leave it as it is."""
    opened = _open(browser, site, request.param)
    opened.name = request.param
    yield opened
    opened.tab.close()


@pytest.fixture
def visit(browser, site):
    """Open a page by its name, with playwright's options of a tab."""
    opened = []

    def open_page(name, **options):
        opened.append(_open(browser, site, name, **options))
        return opened[-1]

    yield open_page
    for page in opened:
        page.tab.close()
