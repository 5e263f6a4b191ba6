import re
import sys
import time
from pathlib import Path

import pytest

from repalign_utils.data import _fetch
from repalign_utils.data._fetch import all_intact, cache_folder, data_folders, fetch
from tests.data.conftest import sends

CONTENT = b"twenty bytes of data"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "folder" / "got.bin"


def _left(target):
    return sorted(p.name for p in target.parent.glob("*"))


def test_a_download_arrives_whole_and_alone_and_shows_its_progress(
    site, target, capsys
):
    site.answers["/a"] = [sends(CONTENT)]
    assert fetch([site.url + "/a"], target) == target
    assert target.read_bytes() == CONTENT
    assert _left(target) == ["got.bin"]
    assert "100%" in capsys.readouterr().err


def test_a_download_that_breaks_off_leaves_nothing(site, target):
    site.answers["/a"] = [sends(CONTENT, length=35)]
    with pytest.raises(OSError, match=r"/a: .*20 bytes read, 15 more expected"):
        fetch([site.url + "/a"], target)
    assert _left(target) == []


def test_a_download_that_stalls_ends_soon_and_leaves_nothing(site, target):
    site.answers["/a"] = [sends(CONTENT, length=35, stalls=True)]
    start = time.monotonic()
    with pytest.raises(OSError, match=r"/a: .*timed out"):
        fetch([site.url + "/a"], target)
    assert time.monotonic() - start < 5
    assert _left(target) == []


def test_the_second_address_stands_in_for_the_first(site, target):
    site.answers["/b"] = [sends(CONTENT)]
    fetch([site.url + "/a", site.url + "/b"], target)
    assert target.read_bytes() == CONTENT
    assert site.requests == ["/a", "/b"]


def test_every_address_that_failed_is_named(site, target):
    site.answers["/b"] = [503]
    expected = r"/a: 404 Client Error: Not Found.*; http.*/b: 503 Server Error"
    with pytest.raises(OSError, match=expected):
        fetch([site.url + "/a", site.url + "/b"], target)


def _refuse(path):
    raise ValueError("this is another file")


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ({"finish": _refuse}, "/a: this is another file$"),
        ({"known_hash": "md5:" + "0" * 32}, "/a: MD5 hash .* but got 547c"),
    ],
)
def test_content_that_fails_its_check_never_takes_the_name(site, target, check, text):
    site.answers["/a"] = [sends(CONTENT)]
    with pytest.raises(OSError, match=text):
        fetch([site.url + "/a"], target, **check)
    assert _left(target) == []


def test_a_damaged_file_is_named_with_both_sums(tmp_path):
    file = tmp_path / "f"
    file.write_bytes(b"")
    text = r" is damaged: its SHA256 sum is e3b0c4\w+ instead of abc; get it anew$"
    with pytest.raises(ValueError, match=re.escape(str(file)) + text):
        all_intact(tmp_path, {"f": "sha256:abc"})


def test_the_argument_goes_before_the_variable_and_the_cache_comes_last(
    tmp_path, monkeypatch, cache
):
    monkeypatch.setenv("REPALIGN_DATA", str(tmp_path))
    (tmp_path / "mine").mkdir()
    assert data_folders() == [tmp_path, cache]
    assert data_folders(tmp_path / "mine") == [tmp_path / "mine", cache]
    monkeypatch.setenv("REPALIGN_DATA", "")
    assert data_folders() == [cache]


def test_a_relative_folder_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert data_folders("mine")[0] == tmp_path / "mine"


@pytest.mark.parametrize("told_by", ["data_dir", "REPALIGN_DATA"])
def test_a_folder_that_is_not_there_is_named_with_who_named_it(
    told_by, tmp_path, monkeypatch, cache
):
    absent = str(tmp_path / "absent")
    monkeypatch.setenv("REPALIGN_DATA", absent)
    text = (
        f"{told_by} is {absent!r}, but there is no folder {absent}; pass the folder "
        f"that holds the data, or leave {told_by} empty to use the cache {cache}"
    )
    with pytest.raises(FileNotFoundError, match=re.escape(text)):
        data_folders(absent if told_by == "data_dir" else "")


@pytest.mark.skipif(sys.platform != "linux", reason="platformdirs knows the others")
@pytest.mark.parametrize(
    "variables, expected",
    [
        ({}, "home/.cache/repalign"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/repalign"),
        ({"REPALIGN_CACHE": "/own"}, "/own"),
    ],
)
def test_the_cache_lies_where_the_user_keeps_caches(
    variables, expected, tmp_path, monkeypatch
):
    for name in ("REPALIGN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == tmp_path / Path(expected)


def test_the_default_patience_is_a_few_seconds():
    # the fixture shortens it: read what stands in the file
    source = Path(_fetch.__file__).read_text()
    seconds = re.search(r"^_TIMEOUT = ([0-9.]+)", source, re.M)
    assert seconds and 2 <= float(seconds[1]) <= 5
