import pytest

from repalign_utils.book import paths
from repalign_utils.book.paths import SectionError
from tests import miniature
from tests.conftest import ROOT


@pytest.fixture
def base(tmp_path, monkeypatch):
    monkeypatch.chdir(miniature.make(tmp_path))
    return tmp_path


def test_the_root_is_found_from_the_root_and_from_below(base, monkeypatch):
    assert paths.root() == base
    monkeypatch.chdir(base / "notebooks" / "profiles")
    assert paths.root() == base


def test_outside_a_checkout_the_root_is_the_one_of_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert paths.root() == ROOT


def test_without_a_checkout_anywhere_the_error_says_where_to_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(paths, "__file__", str(tmp_path / "lib/package/paths.py"))
    with pytest.raises(
        SectionError, match=rf"^{tmp_path} is not inside the book; change into a clone"
    ):
        paths.root()


def test_sections_are_the_numbered_notebooks_in_order(base):
    (base / "notebooks/01_first.py").touch()
    (base / "notebooks/draft.py").touch()
    assert paths.sections(base) == ["01_first", "05_tiny", "06_other"]


@pytest.mark.parametrize("name", ["05", "05_tiny"])
def test_a_section_is_known_by_its_number_and_by_its_name(base, name):
    assert paths.section_path(base, name) == base / "notebooks/05_tiny.py"


@pytest.mark.parametrize("name", ["99", "", "5", "tiny", "05_tin"])
def test_an_unknown_section_is_an_error_that_lists_those_there_are(base, name):
    with pytest.raises(
        SectionError, match=rf"^no section '{name}'; .*the sections are 05_tiny, 06_oth"
    ):
        paths.section_path(base, name)


def test_the_nearest_section_is_named(base):
    with pytest.raises(SectionError, match=r"'05_tyni'; did you mean '05_tiny'\? the"):
        paths.section_path(base, "05_tyni")


def test_two_sections_of_one_number_are_told_apart_by_name_only(base):
    (base / "notebooks/05_twin.py").touch()
    with pytest.raises(SectionError, match=r"no section '05'; .*05_tiny, 05_twin, 06"):
        paths.section_path(base, "05")
    assert paths.section_path(base, "05_twin").stem == "05_twin"
