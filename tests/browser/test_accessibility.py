"""What axe-core, which looks for barriers, finds on each page of the site."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import PAGES

pytestmark = pytest.mark.browser


def _found(tab, **options):
    """Each barrier with the elements that are one."""
    response = Axe().run(tab, options=options).response
    return {v["id"]: [n["html"] for n in v["nodes"]] for v in response["violations"]}


def test_axe_finds_no_barrier_on_a_page(page):
    assert _found(page.tab) == {}


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_enough_contrast_in_the_dark_theme(visit, name):
    tab = visit(name, color_scheme="dark").tab
    assert _found(tab, runOnly=["color-contrast"]) == {}


def test_axe_sees_a_barrier_where_there_is_one(visit):
    tab = visit("book/intro").tab
    tab.evaluate("document.querySelector('article img').removeAttribute('alt')")
    assert list(_found(tab)) == ["image-alt"]
