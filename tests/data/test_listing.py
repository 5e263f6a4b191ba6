import re
import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image

from repalign_utils import data


def _save(path, grey=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (grey, 0, 0)).save(path)


@pytest.fixture
def folder(tmp_path):
    """Two classes of two images."""
    for name in ("ant", "bee"):
        for i in range(2):
            _save(tmp_path / "own" / name / f"{i}.png")
    return tmp_path / "own"


def _names(files):
    return [path.name for path in files.paths]


def test_every_kind_and_every_depth_is_read_and_what_is_not_is_counted(folder):
    _save(folder / "ant" / "2.webp")
    _save(folder / "ant" / "deep" / "er" / "3.TIFF")
    for name in ("ant/photo.heic", "bee/a.txt", "bee/b.TXT", "bee/photo", "bee/a.pdf"):
        (folder / name).write_bytes(b"what is read is not what is listed")
    _save(folder / "cover.jpg")
    (folder / "list.txt").write_text("ant\nbee\n")
    files = data.image_files(folder)
    assert _names(files) == ["0.png", "1.png", "2.webp", "3.TIFF", "0.png", "1.png"]
    assert files.labels.tolist() == [0] * 4 + [1] * 2
    assert files.left_out == {
        ".heic": 1,
        ".pdf": 1,
        ".txt": 2,
        "beside the class folders": 1,
        "without a suffix": 1,
    }
    said = (
        "All 6 rows of the images in own, 2 classes (folder own; licence: as its "
        "files; all of each of 2 classes; 1 in folders within these; left out: "
        "1 .heic, 1 .pdf, 2 .txt, 1 beside the class folders, 1 without a suffix)."
    )
    assert files.about.sentence() == files.read().about.sentence() == said
    assert files.only(["ant"]).left_out == files.left_out
    assert len(data.image_files(folder, n_per_class=1).paths) == 2


def test_litter_is_neither_read_nor_counted(folder):
    whole = data.image_files(folder)
    for name in ("__MACOSX/ant/0.png", "ant/__MACOSX/0.png", "ant/.cache/0.png"):
        _save(folder / name)
    for name in ("ant/._0.png", "ant/Thumbs.db", "bee/.DS_Store", "bee/desktop.ini"):
        (folder / name).write_bytes(b"litter")
    found = data.image_files(folder)
    assert found.paths == whole.paths and found.about == whole.about


def test_names_are_the_same_whoever_spells_them(tmp_path):
    sums = set()
    for form in ("NFC", "NFD"):
        place, name = tmp_path / form / "own", unicodedata.normalize(form, "éclair")
        for i, file in enumerate(("ö.png", "oz.png", "z.png")):
            _save(place / name / unicodedata.normalize(form, file), grey=i)
        _save(place / "zebra" / "0.png")
        files = data.image_files(place)
        assert files.classes == ("zebra", unicodedata.normalize("NFC", "éclair"))
        # as one letter ö comes after z; the grey says which file is which
        assert files.read().images[:, 0, 0, 0].tolist() == [0, 1, 2, 0]
        asked = [unicodedata.normalize("NFD", name)]
        assert data.image_files(place, asked).classes == files.classes[1:]
        sums |= {files.about.sha256}
    assert len(sums) == 1


def test_a_name_in_two_spellings_is_refused(folder):
    for form in ("NFC", "NFD"):
        _save(folder / unicodedata.normalize(form, "é") / "0.png")
    with pytest.raises(ValueError, match=r"holds 'é' twice, in two spellings of Uni"):
        data.image_files(folder)


def test_links_are_followed_and_a_ring_of_them_ends(folder, tmp_path):
    _save(tmp_path / "elsewhere" / "9.png")
    (folder / "cat").symlink_to(tmp_path / "elsewhere")
    (folder / "ant" / "more").symlink_to(tmp_path / "elsewhere")
    (folder / "ant" / "again").symlink_to(folder / "ant")
    (folder / "bee" / "2.png").symlink_to(folder / "ant" / "0.png")
    files = data.image_files(folder)
    assert files.classes == ("ant", "bee", "cat")
    assert np.bincount(files.labels).tolist() == [3, 3, 1]


@pytest.mark.parametrize("name", ["ant/9.png", "cat"])
def test_a_link_to_nothing_is_an_error_that_names_it(folder, name):
    (folder / name).symlink_to("gone")
    text = f"{folder / name} links to nothing, gone is not there; restore that or take"
    with pytest.raises(ValueError, match=re.escape(text)):
        data.image_files(folder)


def test_a_class_without_images_says_what_it_holds_instead(folder):
    (folder / "empty").mkdir()
    text = f"{folder / 'empty'} holds no image; put .jpg, .png or other files there"
    with pytest.raises(ValueError, match=re.escape(text)):
        data.image_files(folder)
    (folder / "empty" / "a.heic").write_bytes(b"")
    with pytest.raises(ValueError, match=r"empty holds no image but 1 .heic; put .jpg"):
        data.image_files(folder)


def test_the_classes_of_a_test_split_are_those_of_the_training(folder, tmp_path):
    train, test = data.image_files(folder, ["bee", "ant"]), tmp_path / "test"
    for name in ("ant", "bee"):
        _save(test / name / "0.png")
    assert data.image_files(test, classes=train).classes == ("bee", "ant")
    assert data.image_files(test, classes=train.read()).labels.tolist() == [0, 1]
    _save(test / "cat" / "0.png")
    text = (
        f"{test} has 'cat' besides, of 2 classes asked for; make the folders the same, "
        "or name the classes to take"
    )
    with pytest.raises(ValueError, match=re.escape(text)):
        data.image_files(test, classes=train)
    (test / "ant").rename(test / "Ant")
    with pytest.raises(ValueError, match=r"lacks 'ant' and has 'Ant', 'cat' besides, "):
        data.image_files(test, classes=train)


def test_a_folder_of_parts_or_of_one_folder_is_not_one_of_classes(folder, tmp_path):
    folder.rename(tmp_path / "train")
    _save(tmp_path / "test" / "ant" / "0.png")
    text = f"classes; pass one of them, e.g. {tmp_path / 'train'}"
    with pytest.raises(ValueError, match=re.escape(text)):
        data.image_files(tmp_path)
    shutil.rmtree(tmp_path / "test")
    (tmp_path / "train").rename(tmp_path / "images")
    text = f"{tmp_path} holds one folder, and that holds 2 folders of images; pass the "
    with pytest.raises(ValueError, match=re.escape(text)):
        data.image_files(tmp_path)
    assert len(data.image_files(tmp_path, classes=["images"]).paths) == 4


def test_a_list_of_classes_may_hold_a_name_with_its_sign(tmp_path):
    _save(tmp_path / "own" / "c#" / "0.png")
    (tmp_path / "list.txt").write_text("\ufeffc#  # a language\r\n# none\r\n", "utf-8")
    files = data.image_files(tmp_path / "own", tmp_path / "list.txt")
    assert files.classes == ("c#",)
    with pytest.raises(
        FileNotFoundError, match=r"list.txt', but that is no folder; pass"
    ):
        data.image_files(tmp_path / "list.txt")
