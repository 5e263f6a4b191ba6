"""What the site does as a whole: front door, search, themes."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import PAGES

pytestmark = pytest.mark.browser

THEMES = ("light", "dark")
PICTURED = [name for name in PAGES if name.startswith("book/sections/")]


def _luminance(element):
    """Relative luminance (WCAG 2) of each pixel of an element, (rows, columns)."""
    with Image.open(io.BytesIO(element.screenshot())) as image:
        rgb = np.asarray(image.convert("RGB")) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def _contrast(luminance):
    """Of the ground, which most pixels are, against what differs most from it."""
    ground = np.median(luminance)
    ink = luminance.flat[np.abs(luminance - ground).argmax()]
    return (max(ground, ink) + 0.05) / (min(ground, ink) + 0.05)


def test_the_index_leads_to_the_landing_page(visit):
    page = visit("index", arrives="**/book/intro.html")
    assert page.tab.locator("article h1").count() == 1


def test_search_finds_singular(visit):
    page = visit("book/intro")
    page.tab.locator(".search-button__button, .search-button-field").locator(
        "visible=true"
    ).first.click()
    page.tab.locator("input[type=search]").locator("visible=true").fill("singular")
    page.tab.keyboard.press("Enter")
    found = page.tab.locator("#search-results li a").first
    found.wait_for()
    found.click()
    page.tab.wait_for_url("**/book/**")
    assert "singular" in page.tab.locator("article").inner_text().lower()
    assert page.foreign == [] and page.errors == []


def test_the_theme_switch_changes_the_page(visit):
    tab = visit("book/intro", color_scheme="light").tab
    ground = {}
    for _ in range(3):  # light, dark, and as the system says
        theme = tab.locator("html").get_attribute("data-theme")
        ground[theme] = np.median(_luminance(tab.locator("article")))
        tab.locator(".theme-switch-button").locator("visible=true").first.click()
    assert set(ground) == set(THEMES)
    assert ground["light"] > 0.8 and ground["dark"] < 0.1


def assert_filter(tab, which, expected):
    """Every image of the kind is shown through this CSS filter."""
    for image in tab.locator(f"article figure img{which}").all():
        assert image.evaluate("e => getComputedStyle(e).filter") == expected


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", PICTURED)
def test_a_figure_can_be_read_in_both_themes(visit, name, theme):
    tab = visit(name, color_scheme=theme).tab
    assert tab.locator("html").get_attribute("data-theme") == theme
    page_ground = np.median(_luminance(tab.locator("article h1").first))
    # photographs are shown as they are, and carry no words
    assert_filter(tab, ".dark-light", "none")
    for figure in tab.locator("article figure img:not(.dark-light)").all():
        luminance = _luminance(figure)
        # its margin, since a matrix of colours may fill all the rest
        sides = luminance[0], luminance[-1], luminance[:, 0], luminance[:, -1]
        margin = np.median(np.concatenate(sides))
        assert margin == pytest.approx(page_ground, abs=0.02)
        # the left edge holds the axis and its numbers, and no curve
        assert _contrast(luminance[:, : luminance.shape[1] // 10]) >= 4.5
