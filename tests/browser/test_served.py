"""The site as a server gives it: what a page weighs, and addresses that are none."""

import functools
import http.server
import threading

import pytest

from tests.browser.conftest import PAGES, SETTLED

pytestmark = pytest.mark.browser
HEAVIEST = 2.5e6  # bytes of all files that a page loads, as they lie on the disk


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def served(site, tmp_path_factory):
    """Address of the site in a folder of a plain server, as a project's pages are."""
    root = tmp_path_factory.mktemp("server")
    (root / "somewhere").mkdir()
    (root / "somewhere/book").symlink_to(site)
    handler = functools.partial(_Silent, directory=root)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/somewhere/book"
        server.shutdown()


@pytest.mark.parametrize("name", PAGES)
def test_the_files_of_a_page_are_light_together(browser, served, name):
    context = browser.new_context()  # nothing is kept from the page before
    tab = context.new_page()
    loaded = {}
    tab.on("requestfinished", lambda r: loaded.update({r.url: r.sizes()}))
    tab.goto(f"{served}/{name}.html")
    tab.evaluate(SETTLED)
    tab.evaluate("scrollTo(0, document.body.scrollHeight)")  # what loads when seen
    tab.wait_for_load_state("networkidle")
    bytes_of = {url: sizes["responseBodySize"] for url, sizes in loaded.items()}
    context.close()
    assert len(bytes_of) > 10 and f"{served}/{name}.html" in bytes_of
    heaviest = sorted(bytes_of.items(), key=lambda item: -item[1])[:5]
    assert sum(bytes_of.values()) < HEAVIEST, heaviest


@pytest.mark.parametrize("address", ["old.html", "book/sections/old/er.html"])
def test_the_page_for_no_page_leads_home_from_any_depth(browser, served, address):
    # The server of a project's pages shows 404.html, with the address as it was asked.
    tab = browser.new_page()
    body = tab.request.get(f"{served}/404.html").text()
    wrong = f"{served}/{address}"
    tab.route(wrong, lambda route: route.fulfill(status=404, body=body))
    tab.goto(wrong)
    tab.wait_for_selector("a[href*=somewhere]")
    tab.click("a")
    tab.wait_for_url(f"{served}/book/intro.html")
    tab.close()
