import re
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from repalign_utils.data import DataMissing, _fetch
from repalign_utils.data._fetch import cache_folder, check_hash, data_folders, fetch
from tests.data.conftest import sends

CONTENT = b"twenty bytes of data"


def _anything(path):
    assert path.exists()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "folder" / "got.bin"


def _left(target):
    return sorted(p.name for p in target.parent.glob("*"))


def test_a_download_arrives_whole_and_alone(site, target, capsys):
    site.answers["/a"] = [sends(CONTENT)]
    assert fetch([site.url + "/a"], target, _anything) == target
    assert target.read_bytes() == CONTENT
    assert _left(target) == ["got.bin"]
    assert re.search(r"got\.bin: 100%.*20\.0/20\.0", capsys.readouterr().err)


def test_a_download_that_breaks_off_leaves_nothing(site, target):
    site.answers["/a"] = [sends(CONTENT, length=35)]
    with pytest.raises(DataMissing, match=r"/a: broke off after 20 of 35 bytes$"):
        fetch([site.url + "/a"], target, _anything)
    assert _left(target) == []
    assert site.requests == ["/a", "/a"]


def test_a_download_that_stalls_ends_soon_and_leaves_nothing(site, target):
    site.answers["/a"] = [sends(CONTENT, length=35, stalls=True)]
    start = time.monotonic()
    with pytest.raises(DataMissing, match=r"/a: timed out$"):
        fetch([site.url + "/a"], target, _anything)
    assert time.monotonic() - start < 5
    assert _left(target) == []


def test_a_name_server_that_hangs_is_not_waited_for(monkeypatch, target):
    released = threading.Event()

    def hang(url, timeout):
        # as the look-up of a name does: without regard to the timeout
        released.wait(20)
        raise OSError("too late")

    monkeypatch.setattr(urllib.request, "urlopen", hang)
    start = time.monotonic()
    with pytest.raises(DataMissing, match=r"http://a/b: no answer within 0\.5 s$"):
        fetch(["http://a/b"], target, _anything)
    assert time.monotonic() - start < 5
    released.set()


def test_a_refusal_is_not_tried_again(site, target):
    with pytest.raises(DataMissing, match=r"/a: HTTP Error 404: Not Found$"):
        fetch([site.url + "/a"], target, _anything)
    assert site.requests == ["/a"]


def test_a_dropped_connection_is_tried_once_more(site, target):
    site.answers["/a"] = [None, sends(CONTENT)]
    fetch([site.url + "/a"], target, _anything)
    assert target.read_bytes() == CONTENT
    assert site.requests == ["/a", "/a"]


def test_the_second_address_stands_in_for_the_first(site, target):
    site.answers["/b"] = [sends(CONTENT)]
    fetch([site.url + "/a", site.url + "/b"], target, _anything)
    assert target.read_bytes() == CONTENT
    assert site.requests == ["/a", "/b"]


def test_every_address_that_failed_is_named(site, target):
    site.answers["/b"] = [503]
    expected = r"/a: HTTP Error 404: Not Found; http.*/b: HTTP Error 503: Service Un"
    with pytest.raises(DataMissing, match=expected):
        fetch([site.url + "/a", site.url + "/b"], target, _anything)


def test_content_that_fails_its_check_never_takes_the_name(site, target):
    site.answers["/a"] = [sends(CONTENT)]
    target.parent.mkdir()
    target.write_bytes(b"what was there")

    def check(path):
        check_hash(path, "0" * 32, kind="md5")

    text = r"/a: the download is damaged: its MD5 sum is 547c\w+ instead of 0{32}; get"
    with pytest.raises(DataMissing, match=text):
        fetch([site.url + "/a"], target, check)
    assert target.read_bytes() == b"what was there"
    assert _left(target) == ["got.bin"]


def test_a_damaged_file_is_named_with_both_sums(tmp_path):
    file = tmp_path / "f"
    file.write_bytes(b"")
    text = r" is damaged: its SHA256 sum is e3b0c4\w+ instead of abc; get it anew$"
    with pytest.raises(ValueError, match=re.escape(str(file)) + text):
        check_hash(file, "abc")


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


@pytest.mark.parametrize(
    "platform, variables, expected",
    [
        ("linux", {}, "home/.cache/repalign"),
        ("linux", {"XDG_CACHE_HOME": "/xdg"}, "/xdg/repalign"),
        ("linux", {"REPALIGN_CACHE": "/own"}, "/own"),
        ("darwin", {}, "home/Library/Caches/repalign"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/repalign"),
    ],
)
def test_the_cache_lies_where_the_platform_keeps_caches(
    platform, variables, expected, tmp_path, monkeypatch
):
    for name in ("REPALIGN_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder() == tmp_path / Path(expected)


def test_the_default_patience_is_a_few_seconds():
    # the fixture shortens it: read what stands in the file
    source = Path(_fetch.__file__).read_text()
    seconds = re.search(r"^_TIMEOUT = ([0-9.]+)", source, re.M)
    assert seconds and 2 <= float(seconds[1]) <= 5
