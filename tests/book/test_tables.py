import csv
import sys

import pandas as pd
import pytest
from click.testing import CliRunner

from repalign_utils.__main__ import main
from repalign_utils.book import tables
from repalign_utils.book.destination import OutputRefused
from repalign_utils.files import write_json

CURVE = {
    "dims": ["seed", "layer"],
    "coords": {"layer": {"dims": ["layer"], "data": ["first", "last"], "attrs": {}}},
    "data": [[0.25, 0.5], [0.75, 1 / 3]],
    "attrs": {},
    "name": "04.curve",
}
RUNS = {
    "02_labels": {"records": {"02.gain": {"values": [0.1, 0.2]}}},  # the form before
    "04_layers": {"form": 2, "records": {}, "curves": {"04.curve": CURVE}},
}
ROWS = [
    ("02.gain", 0, None, 0.1),
    ("02.gain", 1, None, 0.2),
    ("04.curve", 0, "first", 0.25),
    ("04.curve", 0, "last", 0.5),
    ("04.curve", 1, "first", 0.75),
    ("04.curve", 1, "last", 1 / 3),
]


def test_values_and_curves_stand_in_one_table_a_value_a_row():
    frame = tables.tidy(RUNS)
    assert list(frame) == ["name", "seed", "layer", "value"]
    found = frame.astype(object).where(frame.notna(), None)
    assert list(found.itertuples(index=False, name=None)) == ROWS


@pytest.mark.parametrize(
    "suffix, read", [(".csv", pd.read_csv), (".parquet", pd.read_parquet)]
)
def test_a_written_table_holds_the_same_numbers(suffix, read, tmp_path):
    path = tmp_path / f"run{suffix}"
    tables.write_tidy(RUNS, path)
    assert read(path)["value"].tolist() == [row[-1] for row in ROWS]


def test_a_table_of_another_kind_is_refused(tmp_path):
    with pytest.raises(
        OutputRefused, match=r"run\.txt ends in '\.txt'; a table is wri"
    ):
        tables.write_tidy(RUNS, tmp_path / "run.txt")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    message = r"run\.parquet needs pyarrow to be written; pip install pyarrow, or name"
    with pytest.raises(OutputRefused, match=message):
        tables.write_tidy(RUNS, tmp_path / "run.parquet")
    assert not list(tmp_path.iterdir())


def test_the_command_writes_a_run_on_the_terminal_and_refuses_what_is_none(tmp_path):
    run = RUNS["04_layers"] | {"section": "04_layers", "profile": None}
    write_json(tmp_path / "run.json", run | {"parameters": {}, "provenance": {}})
    done = CliRunner().invoke(main, ["table", str(tmp_path / "run.json")])
    rows = list(csv.DictReader(done.output.splitlines()))
    assert [float(row["value"]) for row in rows] == [row[-1] for row in ROWS[2:]]
    (tmp_path / "run.json").write_text("[]")
    refused = CliRunner().invoke(main, ["table", str(tmp_path / "run.json")])
    assert refused.exit_code == 2 and "run.json is no run record" in refused.output
