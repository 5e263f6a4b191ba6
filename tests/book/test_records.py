import re

import nbformat
import numpy as np
import pytest

from repalign_utils.book import records
from repalign_utils.statistics import interval
from tests.book.conftest import executed


def test_a_record_is_what_the_page_glues_and_what_the_record_holds(shown):
    summary = records.record("02.gain.true", [0.4, 0.5, 0.6])
    assert summary == interval([0.4, 0.5, 0.6])
    glued = {
        metadata["scrapbook"]["name"]: data[records.GLUE + "text/plain"]
        for data, metadata in shown
    }
    assert glued == {
        "02.gain.true": str(summary),
        "02.gain.true.mean": repr(summary.mean),
        "02.gain.true.low": repr(summary.low),
        "02.gain.true.high": repr(summary.high),
    }
    assert all(m["scrapbook"]["mime_prefix"] == records.GLUE for _, m in shown)
    found = records.collect(executed(shown))["records"]
    assert found == {
        "02.gain.true": {
            "exact": False,
            "values": [0.4, 0.5, 0.6],
            "mean": summary.mean,
            "low": summary.low,
            "high": summary.high,
            "n": 3,
        }
    }


def test_a_single_number_is_recorded_without_an_interval(shown):
    records.record("02.rows", 1000)
    assert [data[records.GLUE + "text/plain"] for data, _ in shown] == [
        "1,000",
        "1000.0",
        "1000.0",
        "1000.0",
    ]
    entry = records.collect(executed(shown))["records"]["02.rows"]
    assert entry == {
        "values": [1000.0],
        "exact": False,
        "mean": 1000,
        "low": None,
        "high": None,
        "n": 1,
    }


def test_a_record_outside_a_notebook_is_printed(capsys):
    assert records.record("02.gain", [1.0, 2.0]).mean == 1.5
    printed = capsys.readouterr()
    assert "1.50 [-4.85, 7.85]" in printed.out and not printed.err


@pytest.mark.parametrize(
    "name", ["gain", "2.gain", "02", "02.Gain", "02.gain rate", "02..gain", "02.gain."]
)
def test_a_name_of_another_form_is_an_error(name, shown):
    message = (
        f"record name is {name!r}; expected a section number and lower-case words "
        "joined by dots, e.g. '02.gain.true'"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        records.record(name, [1.0])
    assert not shown


@pytest.mark.parametrize(
    "values, printed",
    [
        ([1.0, np.nan], "[1.0, nan]"),
        (np.inf, "[inf]"),
        ([], "[]"),
        ([[1.0, 2.0]], "[[1.0, 2.0]]"),
    ],
)
def test_values_that_are_not_finite_or_not_one_per_seed_are_an_error(
    values, printed, shown
):
    message = (
        f"02.gain is {printed}; expected one finite number per seed: "
        "record a run that diverged as a count, not as its loss"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        records.record("02.gain", values)
    assert not shown


def test_a_name_recorded_twice_is_an_error(shown):
    records.record("02.gain", [1.0])
    with pytest.raises(ValueError, match=r"^02\.gain is recorded twice; give each its"):
        records.collect(executed(shown, shown))


def test_what_is_not_ours_is_not_collected():
    notebook = executed([({"text/plain": "1"}, {"scrapbook": {"name": "02.gain"}})])
    notebook.cells.append(nbformat.v4.new_markdown_cell("02.gain"))
    notebook.cells[0].outputs.append(nbformat.v4.new_output("stream", text="02.gain"))
    assert records.collect(notebook) == {"records": {}, "provenance": {}}
