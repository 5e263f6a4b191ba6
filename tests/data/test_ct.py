import io
import re
import zipfile

import numpy as np
import pytest

from repalign_utils import data
from repalign_utils.data import ct
from tests.data.conftest import sends

NAME = "slice_localization_data.csv"
HEADER = ",".join(["patientId", *(f"value{i}" for i in range(384)), "reference"])


def _table(rows=30, seed=0):
    rng = np.random.default_rng(seed)
    shares = rng.uniform(-0.25, 1, (rows, 384)).round(3)
    patients, positions = np.arange(rows) // 5, rng.uniform(5, 95, rows).round(4)
    return np.column_stack([patients, shares, positions])


def _lines(table):
    return [HEADER, *(",".join(f"{cell:g}" for cell in row) for row in table)]


def _text(table):
    return "\n".join(_lines(table)) + "\n"


def _zipped(**files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return packed.getvalue()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "data" / "ct_slices" / NAME
    path.parent.mkdir(parents=True)
    path.write_text(_text(_table()))
    return path


def test_targets_are_rescaled_over_the_whole_file_as_the_author_does(file):
    y = _table()[:, -1].copy()
    y -= y.min()
    y /= y.max() / 2
    y -= 1
    every = data.ct_slices(path=file)
    np.testing.assert_allclose(every.targets[:, 0], y, atol=1e-6)
    some = data.ct_slices(n=12, path=file)
    places = [every.inputs.tolist().index(row) for row in some.inputs.tolist()]
    assert places == sorted(places) and len(set(places)) == 12
    np.testing.assert_array_equal(some.targets, every.targets[places])
    np.testing.assert_array_equal(some.labels, every.labels[places])


def test_features_stay_raw_and_the_patient_is_no_feature(file):
    drawn = data.ct_slices(path=file)
    np.testing.assert_array_equal(drawn.inputs, _table()[:, 1:-1].astype(np.float32))
    assert drawn.labels.tolist() == [row // 5 for row in range(30)]


def test_a_seed_fixes_the_rows_and_a_longer_draw_holds_the_shorter(file):
    def rows(n, seed):
        drawn = data.ct_slices(n=n, path=file, seed=seed)
        return {row.tobytes() for row in drawn.inputs}

    assert rows(10, 1) == rows(10, 1) < rows(20, 1)
    assert rows(10, 1) != rows(10, 2)


@pytest.mark.parametrize("n", [10, 40])
def test_about_says_how_much_of_the_original_there_was(n, file):
    about = data.ct_slices(n=n, path=file).about
    assert about.sentence() == (
        f"{min(n, 30)} of 53,500 rows of the UCI set "
        '"Relative location of CT slices on axial axis" (F. Graf et al. 2011, UCI data '
        f"set 206; licence: CC BY 4.0; {n} asked for of the 30 in {NAME}, seed 0)."
    )


def test_the_whole_file_is_called_so(file, monkeypatch):
    monkeypatch.setattr(ct, "_TOTAL_ROWS", 30)
    assert data.ct_slices(path=file).about.sentence().startswith("All 30 rows of the")


def _inner(content):
    return _zipped(slice_localization_data__csv=content)


@pytest.mark.parametrize(
    "place, wrap",
    [
        (f"ct_slices/{NAME}", str.encode),
        (NAME, str.encode),
        ("ct_slices/part.csv", str.encode),
        (f"ct_slices/{NAME}", lambda t: b"\xef\xbb\xbf" + t.encode()),
        (f"ct_slices/{NAME}", lambda t: t.replace("\n", "\r\n").encode()),
        (f"ct_slices/{NAME}", lambda t: t.rstrip().encode()),
        ("ct_slices/slice_localization_data.zip", _inner),
        (
            "ct_slices/relative+location.zip",
            lambda t: _zipped(slice_localization_data__zip=_inner(t)),
        ),
    ],
)
def test_it_is_found_as_it_comes(place, wrap, tmp_path, monkeypatch):
    path = tmp_path / "mine" / place
    path.parent.mkdir(parents=True)
    path.write_bytes(wrap(_text(_table())))
    monkeypatch.setenv("REPALIGN_DATA", str(tmp_path / "mine"))
    np.testing.assert_array_equal(
        data.ct_slices().inputs, _table()[:, 1:-1].astype(np.float32)
    )


def test_the_whole_set_goes_before_a_part_and_unfinished_files_are_passed_by(file):
    (file.parent / "a-part.csv").write_text(_text(_table(rows=3)))
    (file.parent / ".a-xyz.part.csv").write_text("half")
    assert data.ct_slices(data_dir=file.parents[1]).about.rows == 30
    file.unlink()
    assert data.ct_slices(data_dir=file.parents[1]).about.rows == 3


def _spoil(line, cells):
    """Change of the cells of a line; line 0 is the header."""

    def change(lines):
        row = lines[line].split(",")
        for column, cell in cells.items():
            row[column] = cell
        return [*lines[:line], ",".join(row), *lines[line + 1 :]]

    return change


@pytest.mark.parametrize(
    "change, text",
    [
        (
            lambda lines: [*lines[:7], lines[7][:1000]],
            r" has nan in row 7 below the header, column value\d+, but must have a num",
        ),
        (
            lambda lines: [*lines[:4], lines[4] + ",1", *lines[5:]],
            r" is damaged \(.*Expected 386 fields in line 5, saw 387\s*\); get it anew",
        ),
        (
            _spoil(3, {1: "nan"}),
            r" has nan in row 3 below the header, column value0, but must have a "
            r"number from -0\.25 to 1 there; mend or drop that row, or get",
        ),
        (
            _spoil(30, {2: "1.5"}),
            r" has 1\.5 in row 30 below the header, column value1, but must",
        ),
        (
            _spoil(2, {385: "181"}),
            r" has 181\.0 in row 2 below the header, column reference, but must have a "
            r"number from 0 to 180 there",
        ),
        (
            _spoil(9, {0: "-1"}),
            r" has -1 in row 9 below the header, column patientId, but must",
        ),
        (
            _spoil(8, {7: "x"}),
            r" has x in row 8 below the header, column value6, but must have a",
        ),
        (
            _spoil(0, {7: "x"}),
            r" lacks 'value6' of its 386 columns; pass a CSV with the first line of "
            r"slice_localization_data\.csv",
        ),
        (
            lambda lines: [line.rpartition(",")[0] for line in lines],
            r" lacks 'reference' of its 386 columns; pass",
        ),
        (
            lambda lines: lines[1:],
            r" lacks 'patientId', 'value0', 'value1' and 383 more of its 386 columns",
        ),
        (lambda lines: [], r" is damaged \(No columns to parse from file\); get it"),
        (lambda lines: lines[:1], r" has 0 rows and not two different references, by"),
        (
            lambda lines: [lines[0], *[lines[1]] * 4],
            r" has 4 rows and not two different references, by which to rescale them; "
            r"pass a longer part, or get it anew from http",
        ),
    ],
)
def test_a_faulty_file_is_named_with_the_place_of_the_fault(change, text, file):
    file.write_text("\n".join(change(_lines(_table()))))
    with pytest.raises(ValueError, match=re.escape(str(file)) + text):
        data.ct_slices(path=file)


@pytest.mark.parametrize(
    "content, text",
    [
        (
            _zipped(readme__txt="nothing"),
            r" is damaged \(it holds \['readme\.txt'\] but must hold one slice_localiz"
            r"ation_data\.csv\); get it anew from https://archive",
        ),
        (_inner(_text(_table()))[:-30], r" is damaged \(File is not a zip file\); get"),
        (bytes(range(256)) * 9, r" is damaged \('utf-8' codec can't decode byte 0x80 "),
    ],
)
def test_a_file_of_another_kind_is_named(content, text, file):
    file.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(str(file)) + text):
        data.ct_slices(path=file)


def test_a_zip_with_a_flipped_bit_is_damaged(file):
    content = bytearray(_inner(_text(_table())))
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(f"{file} is damaged (")):
        data.ct_slices(path=file)


def test_a_path_that_is_not_there_is_named(tmp_path):
    absent = str(tmp_path / "absent.csv")
    text = (
        f"path is {absent!r}, but there is no file {absent}; pass a CSV with the "
        f"columns of {NAME}, or leave path empty to search data_dir"
    )
    with pytest.raises(FileNotFoundError, match=re.escape(text)):
        data.ct_slices(path=absent)


def test_it_is_downloaded_once_into_the_cache(site, cache, file, monkeypatch):
    monkeypatch.setattr(ct, "_URLS", [site.url + "/ct.zip"])
    monkeypatch.setattr(ct, "_TOTAL_ROWS", 30)
    site.answers["/ct.zip"] = [sends(_inner(_text(_table())))]
    expected = data.ct_slices(path=file)
    for _ in range(2):
        np.testing.assert_array_equal(data.ct_slices().inputs, expected.inputs)
    assert site.requests == ["/ct.zip"]
    assert [p.name for p in (cache / "ct_slices").iterdir()] == [
        "slice_localization_data.zip"
    ]


def test_a_download_of_something_else_never_stays(site, cache, monkeypatch):
    monkeypatch.setattr(ct, "_URLS", [site.url + "/ct.zip"])
    site.answers["/ct.zip"] = [sends(b"<html>Log in to this hotel</html>")]
    with pytest.raises(
        data.DataMissing, match=r"lacks 'patientId', 'value0', 'value1'"
    ):
        data.ct_slices()
    assert list((cache / "ct_slices").iterdir()) == []


def test_a_download_of_a_part_never_stays(site, cache, monkeypatch):
    monkeypatch.setattr(ct, "_URLS", [site.url + "/ct.zip"])
    site.answers["/ct.zip"] = [sends(_inner(_text(_table())))]
    expected = r"/ct\.zip: .+ holds 30 rows but must hold 53,500"
    with pytest.raises(data.DataMissing, match=expected):
        data.ct_slices()
    assert list((cache / "ct_slices").iterdir()) == []


def test_absent_slices_are_one_error_that_says_all(site, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(ct, "_URLS", [site.url + "/ct.zip"])
    with pytest.raises(data.DataMissing) as caught:
        data.ct_slices(data_dir=tmp_path)
    text = str(caught.value)
    assert text.startswith(
        f"The set of CT slices is not there: looked for ct_slices/{NAME}, {NAME}, ct_sl"
    )
    assert f"slice_localization_data.zip in {tmp_path} and in {cache}; to downl" in text
    assert f"failed ({site.url}/ct.zip: 404 Client Error: Not Found" in text
    assert f"Put {NAME} or its zip into {tmp_path}/ct_slices, or name a CSV" in text
    assert text.endswith("or REPALIGN_DATA, or take ct_phantom, which needs no files.")
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


@pytest.mark.parametrize("sector, shell", [(0, 0), (5, 9), (13, 4), (23, 7)])
def test_a_bin_of_a_slice_is_drawn_in_its_sector_and_shell(sector, shell):
    one = np.full((1, 384), -0.25)
    one[0, 10 * sector + shell] = 0.25
    (picture,) = data.slice_pictures(one, size=200)[0]
    down, across = np.nonzero(picture)
    x, y = (2 * across + 1) / 200 - 1, (2 * down + 1) / 200 - 1
    assert set(np.floor(np.arctan2(y, x) % (2 * np.pi) * 12 / np.pi)) == {sector}
    assert set(np.floor(10 * np.hypot(x, y))) == {shell}
    assert set(picture[picture > 0]) == {127}  # half of the brightest, a quarter full


def test_rows_of_another_set_are_not_drawn_as_slices():
    with pytest.raises(ValueError, match=r"shape \(8, 64\) but must be \(m, 384\)"):
        data.slice_pictures(np.zeros((8, 64)))


def test_slices_proper(real_data):
    drawn = data.ct_slices(data_dir=real_data)
    assert drawn.inputs.shape[1] == 384 and len(drawn.inputs) == drawn.about.rows
    assert len(drawn.inputs) == 1000 or "1,000 asked for" in drawn.about.note
    assert drawn.inputs.min() == -0.25 and drawn.inputs.max() == 1
    assert drawn.about.total_rows == 53_500
    assert np.abs(drawn.targets).max() <= 1


def test_the_first_682_rows_are_called_so(real_data):
    file = real_data / "ct_slices" / "slice_localization_data.first682rows.csv"
    if not file.exists():
        pytest.skip(f"{file.name} is not among the real data: there is the whole set")
    drawn = data.ct_slices(path=file)
    assert drawn.about.sentence().startswith("682 of 53,500 rows of the UCI set ")
    assert set(drawn.labels) == {0, 1}
    assert drawn.targets.min() == -1 and drawn.targets.max() == 1
    assert drawn.about.sha256 == (
        "548876b5273314b1cb126f0b7ed6f9d1182c287adeb24293bbe9809f0fdf341f"
    )


@pytest.mark.parametrize(
    "loader, options, text",
    [
        (data.ct_phantom, {"n": 0}, "n is 0 but must be a whole number of at least 1"),
        (data.ct_phantom, {"seed": -1}, "seed is -1 but must be a whole number of at"),
        (data.ct_slices, {"n": "5"}, "n is '5' but must be a whole number of at lea"),
        (data.ct_slices, {"seed": 0.5}, "seed is 0.5 but must be a whole number of"),
    ],
)
def test_a_wrong_option_is_named(loader, options, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        loader(**options)
