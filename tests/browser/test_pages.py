"""Each page of the table of contents, opened from the file system."""

import pytest

from tests.browser.conftest import PAGES

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
SECTIONS = [name for name in PAGES if name.startswith("book/sections/")]

UNSET_FORMULAS = """() => [...document.querySelectorAll('.math')]
    .filter(e => !e.querySelector('mjx-container mjx-math'))
    .map(e => e.textContent)"""
# MathJax shows what it could not read in red, in a group of its own.
BROKEN_FORMULAS = """() => [...document.querySelectorAll('[data-mml-node="merror"]')]
    .map(e => e.getAttribute('data-mjx-error') || e.textContent)"""
# The text a reader sees, without code, where such signs are meant as they stand.
PROSE = """() => {
    const copy = document.querySelector('article').cloneNode(true);
    copy.querySelectorAll('pre, code, script, style, mjx-container')
        .forEach(e => e.remove());
    return copy.textContent;
}"""
IMAGES = """() => [...document.querySelectorAll('article img')].map(e => ({
    source: e.getAttribute('src'), alt: e.alt.trim(),
    natural: e.naturalWidth * e.naturalHeight, shown: e.width * e.height}))"""
# What a reader can unfold must fit as well.
UNFOLD = """() => {
    document.querySelectorAll('details').forEach(e => { e.open = true; });
    document.querySelectorAll('.toggle-hidden')
        .forEach(e => e.classList.remove('toggle-hidden'));
}"""
TOO_WIDE = """width => [...document.querySelectorAll('main *')]
    .filter(e => e.getBoundingClientRect().right > width + 1)
    .slice(0, 5).map(e => e.outerHTML.slice(0, 160))"""
LEVELS = """() => [...document.querySelectorAll('article :is(h1,h2,h3,h4,h5,h6)')]
    .map(e => Number(e.tagName[1]))"""


def test_the_pages_tested_are_the_pages_built(site):
    files = site.glob("book/**/*.html")
    assert {str(f.relative_to(site).with_suffix("")) for f in files} == set(PAGES)
    assert len(SECTIONS) >= 3


def test_nothing_fails_and_nothing_comes_from_outside(page):
    assert page.errors == []
    assert page.foreign == []
    assert page.failed == []


def test_formulas_are_typeset(page):
    assert page.tab.evaluate(UNSET_FORMULAS) == []
    assert page.tab.evaluate(BROKEN_FORMULAS) == []
    prose = page.tab.evaluate(PROSE)
    assert [sign for sign in (r"\(", r"\[", "$$") if sign in prose] == []


def test_images_have_a_size_and_words_for_who_cannot_see_them(page):
    for image in page.tab.evaluate(IMAGES):
        assert image["natural"] > 0 and image["shown"] > 0, image
        # without words of ours the file's path stands in their place
        assert image["alt"] and "/" not in image["alt"].split()[0], image


def test_headings_descend_one_level_at_a_time(page):
    levels = page.tab.evaluate(LEVELS)
    assert levels.count(1) == 1 and levels[0] == 1
    steps = [b - a for a, b in zip(levels, levels[1:], strict=False)]
    assert max(steps, default=0) <= 1, levels


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_shows_the_page_without_sideways_scrolling(visit, name):
    tab = visit(name, viewport=PHONE).tab
    tab.evaluate(UNFOLD)
    width = tab.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], tab.evaluate(TOO_WIDE, PHONE["width"])


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_has_formulas_and_a_figure(visit, name):
    tab = visit(name).tab
    assert tab.locator("article mjx-container mjx-math").count() > 0
    assert tab.locator("article figure img").count() > 0
