import re

import pytest

from repalign_utils.book import settings
from repalign_utils.book.parameters import ParameterError
from tests import miniature


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A small book that a test may spoil, with the working folder outside."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return miniature.make(tmp_path / "book")


def _settled(base, **options):
    return settings.values_of(base / "notebooks/05_tiny.py", **options)


def test_what_a_message_names_is_given_up_for_the_default():
    cell = """\
images: str = "digits"  # {digits, mnist}: of two classes
codes: list = ["bumps", "binary"]  # {bumps, thermometer, binary}: of the inputs
folder: str = ""  # path: of data
"""
    usual = {"images": "digits", "codes": ["bumps", "binary"], "folder": ""}

    def options(message, **given):
        declared = settings.params.declared(cell)
        return settings.back_to_defaults(message, {**usual, **given}, declared)

    assert options("MNIST is not there", images="mnist") == "-p images digits"
    assert options("MNIST2 and x_mnist are not there", images="mnist") == ""
    assert options("digits are not there") == ""
    assert options("no thermometer", codes=["thermometer"]) == "-p codes bumps,binary"
    assert options("/a lacks MNIST", folder="/a") == ""


def test_each_layer_overlays_the_one_before(fresh):
    file = fresh / "mine.yaml"
    file.write_text("gain: 1e-3\nseeds: 7\n")
    assert _settled(fresh)["gain"] == 1.0
    assert _settled(fresh, profile="quick")["gain"] == 2.0
    assert _settled(fresh, profile="quick", file=file)["gain"] == 1e-3
    values = _settled(fresh, profile="quick", file=file, given={"gain": "4"})
    assert (values["gain"], values["seeds"]) == (4.0, 7)


def test_paths_start_at_the_root_the_file_and_the_working_folder(fresh):
    (fresh / "notebooks/profiles/quick.yaml").write_text("05_tiny: {marker: a}")
    file = fresh / "notebooks/mine.yaml"
    file.write_text("marker: ../b")
    assert _settled(fresh, profile="quick")["marker"] == str(fresh / "a")
    assert _settled(fresh, file=file)["marker"] == str(fresh / "b")
    here = str(fresh.parent / "elsewhere/c")
    assert _settled(fresh, given={"marker": "c"})["marker"] == here


def test_an_empty_file_and_an_empty_section_of_a_profile_change_nothing(fresh):
    (fresh / "notebooks/profiles/quick.yaml").write_text("05_tiny:\n")
    (fresh / "empty.yaml").write_text("# nothing\n")
    values = _settled(fresh, profile="quick", file=fresh / "empty.yaml")
    assert values == _settled(fresh)


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "05_tyni:\n  gain: 2\n",
            "quick.yaml has settings for '05_tyni', which is no section; "
            "did you mean '05_tiny'? the sections are 05_tiny, 06_other",
        ),
        (
            "gain: 2\n",
            "quick.yaml has settings for 'gain', which is no section; "
            "the sections are 05_tiny, 06_other",
        ),
        (
            "06_other: 2\n",
            "quick.yaml has '2' for 06_other; expected lines 'name: value'",
        ),
        (
            "05_tiny: [gain]\n",
            "quick.yaml has ['gain'] for 05_tiny; expected lines 'name: value'",
        ),
        ("- gain\n", "quick.yaml holds ['gain']; expected lines 'name: value'"),
        ("0\n", "quick.yaml holds '0'; expected lines 'name: value'"),
        (
            "05_tiny:\n  sedes: 2\n",
            "05_tiny has no parameter 'sedes'; did you mean 'seeds'? it takes seeds, "
            "gain, mode, marker, label",
        ),
    ],
)
def test_a_profile_that_does_not_fit_the_sections_is_an_error(fresh, text, message):
    (fresh / "notebooks/profiles/quick.yaml").write_text(text)
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        _settled(fresh, profile="quick")


def test_a_large_profile_is_for_the_sections_that_it_names(fresh):
    file = fresh / "notebooks/profiles/imagenet.yaml"
    file.write_text("05_tiny: {gain: 3}")
    assert _settled(fresh, profile="imagenet")["gain"] == 3.0
    file.write_text("06_other: {}")
    with pytest.raises(ParameterError, match="imagenet is for 06_other alone, not for"):
        _settled(fresh, profile="imagenet")


def test_files_that_cannot_be_read_as_yaml_are_errors_that_name_them(fresh):
    file = fresh / "mine.yaml"
    with pytest.raises(ParameterError, match=r"mine\.yaml cannot be read: No such fil"):
        _settled(fresh, file=file)
    file.write_text("gain: [1\n")
    with pytest.raises(
        ParameterError, match=r"(?s)^mine\.yaml is not YAML: .*expected lines 'name: va"
    ):
        _settled(fresh, file=file)
    file.write_bytes(b"gain: \xff\n")
    with pytest.raises(ParameterError, match=r"^mine\.yaml is not YAML: .*byte 0xff"):
        _settled(fresh, file=file)
