import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repalign_utils.files import as_json, replacing, write_json


def _names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@given(before=st.binary(), after=st.binary())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_the_new_content_takes_the_place_of_the_old(tmp_path, before, after):
    path = tmp_path / "a.json"
    path.write_bytes(before)
    with replacing(path) as part:
        part.write_bytes(after)
        assert path.read_bytes() == before
    assert path.read_bytes() == after
    assert _names(tmp_path) == ["a.json"]


def test_rows_of_numbers_take_a_line_each_and_nothing_is_changed(tmp_path):
    value = {"a": [[1, -2.5e-9], [3.0, 4]], "b": ["[1,  2]", 5, {"c": []}]}
    text = as_json(value)
    assert json.loads(text) == value
    assert [line.strip() for line in text.splitlines()][2:4] == [
        "[1, -2.5e-09],",
        "[3.0, 4]",
    ]


def test_a_reader_who_has_the_file_open_goes_on_with_the_old_content(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old and whole")
    with path.open("rb", buffering=0) as reader:
        assert reader.read(3) == b"old"
        with replacing(path) as part:
            part.write_text("new")
        assert reader.read() == b" and whole"
    assert path.read_text() == "new"


def test_a_block_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("whole")
    with pytest.raises(KeyError), replacing(path) as part:
        part.write_text("ha")
        raise KeyError
    assert path.read_text() == "whole"
    assert _names(tmp_path) == ["a.json"]


def test_a_block_that_fails_leaves_nothing_where_nothing_was(tmp_path):
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a.json") as part:
        part.write_text("ha")
        raise KeyboardInterrupt
    assert _names(tmp_path) == []


def test_a_killed_process_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("whole")
    code = (
        "import os; from repalign_utils.files import replacing\n"
        f"with replacing({str(path)!r}) as part:\n"
        "    part.write_text('ha'); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert path.read_text() == "whole"


def test_the_part_lies_in_the_same_folder_and_has_the_same_suffix(tmp_path):
    # another folder may be another disk, and a writer may go by the suffix
    with replacing(tmp_path / "new" / "a.npz") as part:
        assert part.parent == tmp_path / "new" and part.suffix == ".npz"
        assert part.name.startswith(".")
    assert _names(tmp_path / "new") == ["a.npz"]


@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o027, 0o640)])
def test_the_file_can_be_read_by_whom_the_umask_allows(tmp_path, mask, mode):
    kept = os.umask(mask)
    try:
        with replacing(tmp_path / "a.json") as part:
            part.write_text("whole")
        assert (tmp_path / "a.json").stat().st_mode & 0o777 == mode
        assert os.umask(mask) == mask
    finally:
        os.umask(kept)


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(OSError, match=r"results'$"):
        with replacing(tmp_path / "results" / "a.json"):
            pass
    assert (tmp_path / "results").read_text() == "a file"


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "quick" / "02.json"
    write_json(path, {"wall_s": 1.5, "records": {}})
    assert json.loads(path.read_text()) == {"wall_s": 1.5, "records": {}}
    with pytest.raises(ValueError, match="Out of range float values are not JSON"):
        write_json(path, {"wall_s": float("nan")})
    assert json.loads(path.read_text()) == {"wall_s": 1.5, "records": {}}
    assert [p.name for p in path.parent.iterdir()] == ["02.json"]
