"""Each page of the table of contents, opened from the file system."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.browser.conftest import PAGES

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
PAPER = {"width": 680, "height": 1010}  # A4 less margins of 15 mm
SECTIONS = [name for name in PAGES if name.startswith("book/sections/")]

UNSET_FORMULAS = """() => [...document.querySelectorAll('.math')]
    .filter(e => !e.querySelector('mjx-container mjx-math'))
    .map(e => e.textContent)"""
# MathJax shows what it could not read in red, in a group of its own.
BROKEN_FORMULAS = """() => [...document.querySelectorAll('[data-mml-node="merror"]')]
    .map(e => e.getAttribute('data-mjx-error') || e.textContent)"""
WIDE_FORMULAS = """() => [...document.querySelectorAll('mjx-container[display]')]
    .filter(e => e.scrollWidth > e.clientWidth + 2).map(e => e.textContent)"""
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
# Text of a figure, in pixels as shown: glyphs are drawn for a size, at a scale.
SMALLEST_TEXT = """async () => {
    const sizes = {};
    for (const image of document.querySelectorAll('article img[src$=".svg"]')) {
        const text = await window.readSource(image.src);
        const width = Number(text.match(/viewBox="0 0 ([\\d.]+)/)[1]);
        const found = [...text.matchAll(/scale\\(([\\d.]+) -/g)];
        const scale = Math.min(...found.map(m => Number(m[1])));
        if (found.length) sizes[image.src] = 100 * scale * image.width / width;
    }
    return sizes;
}"""
BEYOND_PAPER = """() => {
    const edge = document.querySelector('article').getBoundingClientRect().right;
    const seen = e => !e.closest('mjx-assistive-mml, .unseen') &&
        e.getBoundingClientRect().width > 0;
    return [...document.querySelectorAll('article *')]
        .filter(e => seen(e) && e.getBoundingClientRect().right > edge + 2)
        .slice(0, 5).map(e => e.outerHTML.slice(0, 160));
}"""
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
    assert page.tab.evaluate(WIDE_FORMULAS) == []
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
def test_the_words_of_a_figure_have_nine_pixels_on_a_phone(visit, name):
    tab = visit(name, viewport=PHONE).tab
    tab.expose_function("readSource", _read)
    sizes = tab.evaluate(SMALLEST_TEXT)
    assert sizes and [(at, px) for at, px in sizes.items() if px < 9] == []


def _read(address):
    return Path(unquote(urlsplit(address).path)).read_text()


@pytest.mark.parametrize("name", PAGES)
def test_paper_holds_the_page_with_what_can_be_unfolded(visit, name):
    tab = visit(name, viewport=PAPER).tab
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.evaluate(BEYOND_PAPER) == []
    assert tab.locator("details.sd-dropdown:not([open])").count() == 0
    for part in (".bd-sidebar-primary", ".bd-header-article", ".prev-next-footer"):
        assert tab.locator(f"{part} >> visible=true").count() == 0, part


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_has_formulas_and_a_figure(visit, name):
    tab = visit(name).tab
    assert tab.locator("article mjx-container mjx-math").count() > 0
    assert tab.locator("article figure img").count() > 0
