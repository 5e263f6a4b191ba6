import re

import pytest
from matplotlib import pyplot as plt

from tests.conftest import ROOT

GUIDE = (ROOT / "book/measures.md").read_text()
VALUE = re.compile(r"^(\S.*?)  # (\d\.(\d+))$", re.M)


def test_the_examples_of_the_guide_run_and_give_what_it_says():
    names: dict = {}
    told = []
    for block in re.findall(r"```python\n(.*?)```", GUIDE, re.S):
        exec(block, names)
        for expression, value, digits in VALUE.findall(block):
            exact = pytest.approx(float(value), abs=0.51 * 10.0 ** -len(digits))
            told.append((expression, eval(expression, names) == exact))
    plt.close("all")
    assert len(told) > 10 and [e for e, holds in told if not holds] == []
