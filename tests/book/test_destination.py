import os
import re
import shutil
import tempfile
from collections import namedtuple

import nbformat
import pytest

from repalign_utils.book import destination, records
from repalign_utils.book.destination import OutputRefused
from repalign_utils.files import write_json


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(path, **metadata):
    """A notebook with a record beside it, as a run leaves them."""
    notebook = nbformat.v4.new_notebook(metadata=metadata)
    destination.write(path, notebook, {"section": "05_tiny", "records": {}})


def _refused(message, output, **options):
    with pytest.raises(OutputRefused, match=f"^{re.escape(message)}"):
        destination.check(output, **options)


@pytest.mark.parametrize("name", ["mine.json", "mine", "folder.ipynb"])
def test_what_is_no_name_of_a_notebook_is_refused(here, name):
    (here / "folder.ipynb").mkdir()
    message = f"-o is '{here / name}'; expected a notebook such as runs/mine.ipynb"
    _refused(message, here / name)


def test_a_run_replaces_its_own_output_and_makes_folders(here):
    destination.check(here / "a/b/mine.ipynb")
    assert not (here / "a").exists()
    _run(here / "mine.ipynb", repalign={"section": "05_tiny"})
    destination.check(here / "mine.ipynb")


def test_what_no_run_has_written_is_replaced_by_force_alone(here):
    mine = here / "mine.ipynb"
    _run(mine)  # a notebook of one's own, with a record beside it
    message = f"-o is '{mine}', but mine.ipynb is there and not the output of a run; "
    _refused(message, mine)
    destination.check(mine, force=True)
    _run(mine, repalign={"section": "05_tiny"})
    mine.with_suffix(".json").unlink()  # downloaded from the book
    _refused(message, mine)
    mine.unlink()
    mine.with_suffix(".json").write_text("[1]")
    _refused(message.replace("mine.ipynb is", "mine.json is"), mine)


def test_the_file_of_parameters_is_never_replaced(here):
    file = here / "mine.json"
    write_json(file, {"section": "05_tiny", "records": {}})
    (here / "link.json").symlink_to(file)
    for name in ("mine.ipynb", "link.ipynb"):
        record = name.replace("ipynb", "json")
        message = f"-o is '{here / name}', and a run writes {record}, which is your fi"
        _refused(message, here / name, file=file, force=True)


def test_a_folder_that_takes_no_file_is_refused(here, monkeypatch):
    (here / "file").touch()
    _refused(
        f"-o is '{here}/file/a.ipynb', but {here}/file is not a folder",
        here / "file/a.ipynb",
    )
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(9e9, 9e9, 3e6))
    _refused(f"-o is '{here}/a.ipynb', but {here} has 3 MB left and", here / "a.ipynb")
    # Not by its mode: the administrator of a machine may write anywhere.
    message = "-o is '/proc/a.ipynb', which cannot be written: "
    _refused(message, destination.Path("/proc/a.ipynb"))


def test_a_run_of_ones_own_has_a_folder_of_its_own(here):
    path = destination.own_folder(here, "05_tiny")
    assert path.name == "05_tiny.ipynb" and path.parents[1] == here / "runs"
    assert re.fullmatch(rf"05_tiny-\d{{8}}T\d{{6}}Z-{os.getpid()}", path.parent.name)
    assert not path.parent.exists()


def test_what_cannot_be_kept_under_logs_is_kept_elsewhere(here, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(here / "elsewhere"))
    (here / "logs").write_text("in the way")
    notebook, entry = nbformat.v4.new_notebook(), {"section": "05_tiny"}
    kept = destination.keep(here, "05_tiny", notebook, entry)
    assert str(kept).startswith(str(here / "elsewhere"))
    assert nbformat.read(kept, as_version=4) == notebook
    assert records.read_run(kept.with_suffix(".json")) == entry
