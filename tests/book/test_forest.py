import xml.etree.ElementTree as ET

import numpy as np
import pytest

from repalign_utils.book import pages
from repalign_utils.book.claims import Setting
from repalign_utils.book.forest import WIDTH, forest
from repalign_utils.book.verdicts import NOT_RUN, REPRODUCED, Finding

FOUND = np.array([0.3, 0.31, 0.32, 0.33, 0.34])


def _found(condition, values=FOUND, smallest=0.05):
    setting = Setting(
        id="05-a",
        name="gain & loss",
        quantity="q",
        condition=condition,
        smallest=smallest,
    )
    here = Finding(setting, REPRODUCED, True, "value", len(values))
    there = Finding(setting, NOT_RUN, None, "section not run")
    runs = [{"records": {"q": {"values": list(values)}}}, None]
    return here, there, forest(here, there, runs)


def _drawn(*arguments):
    return _found(*arguments)[2]


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e6])
@pytest.mark.parametrize("bound, side", [(0.1, "right"), (0.9, "left")])
def test_an_interval_lies_on_its_own_side_of_the_bound(scale, bound, side):
    at = _drawn({"above": bound * scale}, FOUND * scale, 0.05 * scale)
    low, mean, high, whole = at["rows"]["here"]
    assert (mean > at["bound"]) == (side == "right")
    assert 0 < low < mean < high < WIDTH and whole
    assert at["rows"]["there"] is None


@pytest.mark.parametrize("relation", ["above", "below", "equals"])
def test_the_shaded_part_is_where_the_setting_is_reproduced(relation):
    at = _drawn({relation: 0.3})
    held = at["left"] < at["bound"] < at["right"]
    assert held == (relation == "equals")
    assert (at["left"] > at["bound"]) == (relation == "above")
    assert (at["right"] < at["bound"]) == (relation == "below")


def test_too_few_values_for_an_interval_are_drawn_as_such():
    assert not _drawn({"above": 0}, FOUND[:3])["rows"]["here"][3]


def test_the_drawing_of_a_page_is_whole_and_says_in_words_what_it_shows():
    here, there, at = _found({"above": 0}, FOUND[:3])
    template = pages._shelf().get_template("forest.svg.jinja")
    svg = ET.fromstring(template.module.drawn(at, here, there))
    assert svg.get("aria-label") == (
        "gain & loss: this build value, reference run section not run"
    )
    assert [group.get("class") for group in svg.findall("g")] == ["here few"]
