import xml.etree.ElementTree as ET

import numpy as np
import pytest

from repalign_utils.book.claims import Setting
from repalign_utils.book.forest import WIDTH, forest
from repalign_utils.book.verdicts import NOT_RUN, REPRODUCED, Finding

FOUND = np.array([0.3, 0.31, 0.32, 0.33, 0.34])


def _drawn(condition, values=FOUND, smallest=0.05):
    setting = Setting(
        id="05-a", name="a", quantity="q", condition=condition, smallest=smallest
    )
    here = Finding(setting, REPRODUCED, True, "value", len(values))
    there = Finding(setting, NOT_RUN, None, "section not run")
    return ET.fromstring(
        forest(here, there, [{"records": {"q": {"values": list(values)}}}, None])
    )


def _at(svg, path, name):
    return float(svg.find(path).get(name))


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e6])
@pytest.mark.parametrize("bound, side", [(0.1, "right"), (0.9, "left")])
def test_an_interval_lies_on_its_own_side_of_the_bound(scale, bound, side):
    svg = _drawn({"above": bound * scale}, FOUND * scale, 0.05 * scale)
    line, dot = _at(svg, "line", "x1"), _at(svg, "g/circle", "cx")
    assert (dot > line) == (side == "right")
    assert 0 < _at(svg, "g/line", "x1") < dot < _at(svg, "g/line", "x2") < WIDTH


@pytest.mark.parametrize("relation", ["above", "below", "equals"])
def test_the_shaded_part_is_where_the_setting_is_reproduced(relation):
    svg = _drawn({relation: 0.3})
    bound = _at(svg, "line", "x1")
    left = _at(svg, "rect", "x")
    right = left + _at(svg, "rect", "width")
    held = left < bound < right
    assert held == (relation == "equals")
    assert (left > bound) == (relation == "above")
    assert (right < bound) == (relation == "below")


def test_too_few_values_for_an_interval_are_drawn_as_such():
    (group,) = _drawn({"above": 0}, FOUND[:3]).findall("g")
    assert group.get("class") == "here few"
