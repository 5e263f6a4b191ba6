import json
import re

import nbformat
import numpy as np
import pytest
import xarray as xr

from repalign_utils.book import records
from repalign_utils.files import as_json, write_json
from repalign_utils.statistics import interval
from tests.book.conftest import executed


def test_a_record_is_what_the_page_glues_and_what_the_record_holds(shown):
    values = [0.4, 0.5, 0.6, 0.7, 0.95]
    summary = records.record("02.gain.true", values, within=(0, 1))
    assert summary == interval(values, within=(0, 1))
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
            "within": [0, 1],
            "values": values,
            "mean": summary.mean,
            "low": summary.low,
            "high": summary.high,
            "n": 5,
            "least": 0.4,
            "greatest": 0.95,
        }
    }
    assert records.interval_of(found["02.gain.true"]) == summary


def test_words_are_glued_and_are_no_quantity(shown):
    records.record_words("02.answer", "depth matters most")
    ((data, metadata),) = shown
    assert data == {records.GLUE + "text/plain": "depth matters most"}
    assert metadata["scrapbook"]["name"] == "02.answer"
    assert not any(records.collect(executed(shown))[k] for k in ("records", "curves"))


def test_words_need_a_name_of_the_section_and_something_to_say():
    with pytest.raises(ValueError, match=r"'answer'; expected a section number"):
        records.record_words("answer", "depth")
    with pytest.raises(ValueError, match=r"02\.answer is ' '; expected what the page"):
        records.record_words("02.answer", " ")


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
        "least": 1000,
        "greatest": 1000,
    }


def test_where_there_is_no_interval_the_page_has_the_least_and_the_greatest(shown):
    records.record("02.gain", [0.75, 0.25, 0.5])
    texts = [data[records.GLUE + "text/plain"] for data, _ in shown]
    assert texts == ["0.500 (3 values: 0.250 to 0.750)", "0.5", "0.25", "0.75"]


def test_a_record_outside_a_notebook_is_printed(capsys):
    assert records.record("02.gain", [1.0, 2.0]).mean == 1.5
    printed = capsys.readouterr()
    assert "1.50 (2 values: 1.00 to 2.00)" in printed.out and not printed.err


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


def test_a_value_outside_its_range_is_an_error_that_names_it(shown):
    message = "02.area: value 1.2 at 1 lies outside 0 to 1; name the range that the"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        records.record("02.area", [0.5, 1.2], within=(0, 1))
    assert not shown


def test_a_name_recorded_twice_is_an_error(shown):
    records.record("02.gain", [1.0])
    with pytest.raises(ValueError, match=r"^02\.gain is recorded twice; give each its"):
        records.collect(executed(shown, shown))


def test_what_is_not_ours_is_not_collected():
    notebook = executed([({"text/plain": "1"}, {"scrapbook": {"name": "02.gain"}})])
    notebook.cells.append(nbformat.v4.new_markdown_cell("02.gain"))
    notebook.cells[0].outputs.append(nbformat.v4.new_output("stream", text="02.gain"))
    found = records.collect(notebook)
    kinds = ("records", "curves", "features", "provenance")
    assert found == {"form": 3} | dict.fromkeys(kinds, {})


LAYERED = xr.DataArray(
    [[[1.0, 0.5], [1.0, 0.25]], [[0.9, 0.5], [0.8, 0.25]]],
    dims=("seed", "layer", "threshold"),
    coords={"layer": ["hidden1", "hidden2"], "threshold": [0.0, 1.5]},
)


@pytest.mark.parametrize(
    "values, named",
    [
        (LAYERED, {}),
        (LAYERED.values, {"dims": LAYERED.dims, "coords": LAYERED.coords}),
    ],
)
def test_a_curve_is_kept_with_its_axes_and_coordinates(values, named, shown):
    records.record("04.curve.mlp", values, exact=True, **named)
    run = json.loads(as_json(records.collect(executed(shown))))
    assert run["records"] == {} and run["curves"]["04.curve.mlp"]["exact"]
    kept = xr.DataArray.from_dict(run["curves"]["04.curve.mlp"])
    xr.testing.assert_equal(kept, LAYERED)
    assert kept.dims == LAYERED.dims


def test_a_curve_is_kept_to_six_digits_whatever_its_scale(shown):
    curve = LAYERED * np.pi * 1e-9
    records.record("04.curve", curve)
    kept = records.collect(executed(shown))["curves"]["04.curve"]
    xr.testing.assert_allclose(xr.DataArray.from_dict(kept), curve, rtol=5e-6, atol=0)
    assert len(repr(kept["data"])) < len(repr(curve.to_dict()["data"]))


def test_a_labelled_array_of_seeds_alone_is_one_value_per_seed(shown):
    records.record("02.gain", xr.DataArray([1.0, 2.0], dims="seed"))
    assert records.collect(executed(shown))["records"]["02.gain"]["values"] == [1, 2]


@pytest.mark.parametrize(
    "curve, message",
    [
        (
            LAYERED.isel(seed=0),
            "04.curve has the axes layer, threshold; expected one named 'seed' among",
        ),
        (LAYERED.where(LAYERED < 1), "04.curve has 2 of 8 values that are not finite"),
        (LAYERED[:0], "04.curve has 0 of 0 values that are not finite; record only"),
    ],
)
def test_a_curve_without_seeds_or_with_gaps_is_an_error(curve, message, shown):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        records.record("04.curve", curve)
    assert not shown


def test_a_name_is_either_a_value_or_a_curve(shown):
    records.record("04.curve", LAYERED)
    records.record("04.curve", [1.0])
    with pytest.raises(ValueError, match=r"^04\.curve is recorded twice; give each"):
        records.collect(executed(shown))


def _run(**changes):
    return {"section": "04_layers", "profile": "quick", "parameters": {}} | {
        "records": {"04.gain": {"values": [0.1]}},
        "provenance": {},
        **changes,
    }


def test_runs_of_all_forms_are_read_by_their_sections(tmp_path):
    path = tmp_path / "04.json"
    bounded = {"04.gain": {"values": [0.1], "within": [0, 1]}}
    for run in (_run(), _run(form=2, curves={}), _run(form=3, records=bounded)):
        for content in (run, {"04_layers": run}):
            write_json(path, content)
            assert records.read_runs(path) == {"04_layers": run}


@pytest.mark.parametrize(
    "run, message",
    [
        (_run(form=4), "04_layers > form is 4; expected 1, 2 or 3"),
        (_run(records=[]), "04_layers > records is []; expected a valid dictionary"),
        (
            _run(records={"04.gain": {"values": [0.1, "x"]}}),
            "04_layers > records > 04.gain > values > 1 is 'x'; expected a valid",
        ),
        ({"section": "04_layers"}, "04_layers > profile is missing\n"),
    ],
)
def test_a_run_of_another_form_is_refused_key_by_key(run, message, tmp_path):
    write_json(tmp_path / "04.json", run)
    message = f"{tmp_path}/04.json is no run record: {message}"
    with pytest.raises(records.RecordError, match=f"^{re.escape(message)}"):
        records.read_runs(tmp_path / "04.json")


def test_a_record_that_is_not_there_cannot_be_read(tmp_path):
    with pytest.raises(
        records.RecordError, match=r"04\.json cannot be read: No such f"
    ):
        records.read_runs(tmp_path / "04.json")
