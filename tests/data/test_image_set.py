import hashlib
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from repalign_utils import data

NAMES = ("ant", "bee", "cat", "dog")


def _about(rows):
    return data.About("invented", "invented", rows, None, "nowhere", "none", "")


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 30)
    pixels = rng.integers(0, 256, (30, 3, 5, 4)).astype(np.uint8)
    return data.ImageSet(pixels, labels, NAMES, _about(30))


def test_pixels_are_rows_from_zero_to_one(images):
    rows = images.pixels()
    assert rows.shape == (30, 60) and rows.dtype == np.float32
    np.testing.assert_array_equal(np.rint(rows * 255), images.images.reshape(30, 60))
    assert 0 <= rows.min() and rows.max() <= 1


def test_targets_are_plus_one_in_the_own_column_alone(images):
    targets = images.targets()
    assert targets.shape == (30, 4) and targets.dtype == np.float32
    assert (np.sort(targets, axis=1) == [-1, -1, -1, 1]).all()
    np.testing.assert_array_equal(targets.argmax(axis=1), images.labels)


@given(first=st.sampled_from(NAMES), second=st.sampled_from(NAMES), seed=st.integers(0))
def test_a_pair_is_minus_one_for_the_first_class(first, second, seed):
    labels = np.random.default_rng(seed).integers(0, 4, 20)
    pixels = np.zeros((20, 1, 2, 2), np.uint8)
    images = data.ImageSet(pixels, labels, NAMES, _about(20))
    if first == second:
        with pytest.raises(ValueError, match=f"class '{first}' is named twice; name"):
            images.pair(first, second)
        return
    rows, targets = images.pair(first, second)
    assert targets.shape == (len(rows), 1) and targets.dtype == np.float32
    named = [NAMES[label] for label in labels]
    wanted = {first: -1, second: 1}
    assert [named[i] for i in rows if named[i] not in wanted] == []
    assert targets[:, 0].tolist() == [wanted[named[i]] for i in rows]
    assert rows.tolist() == [i for i, name in enumerate(named) if name in wanted]


def test_only_keeps_the_images_of_some_classes_and_counts_in_their_order(images):
    kept = images.only(("dog", "bee"))
    rows = np.isin(images.labels, [3, 1])
    np.testing.assert_array_equal(kept.images, images.images[rows])
    assert kept.classes == ("dog", "bee") and kept.labels.dtype == np.int64
    assert [kept.classes[i] for i in kept.labels] == [
        NAMES[i] for i in images.labels[rows]
    ]
    assert kept.about.rows == len(kept.images) == rows.sum()
    assert kept.about.note.endswith("2 of these kept")
    assert images.only(images.classes).about == images.about


@pytest.mark.parametrize(
    ("classes", "text"),
    [
        (("ant", "dgo"), "unknown class 'dgo': expected one of ant, bee, cat, dog; "
                         "did you mean 'dog'?"),
        (("ant", "ant"), "class 'ant' is named twice; name each class once"),
        ((), "classes is empty; pass some of 'ant' to 'dog'"),
    ],
)  # fmt: skip
def test_classes_that_cannot_be_kept_are_refused(images, classes, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        images.only(classes)


def _save(folder, name, shape=(6, 6), seed=0):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / name)
    return pixels


@pytest.fixture
def folder(tmp_path):
    """Three classes of 4 images, some of them JPEG, among what is no image."""
    for i, name in enumerate(("ant", "bee", "cat")):
        for j in range(4):
            suffix = ("png", "jpg", "JPEG", "PNG")[j]
            _save(tmp_path / "own" / name, f"{j}.{suffix}", seed=10 * i + j)
    (tmp_path / "own" / "ant" / "notes.txt").write_text("none")
    (tmp_path / "own" / "ant" / "._0.png").write_text("none")
    (tmp_path / "own" / ".hidden").mkdir()
    return tmp_path / "own"


def test_a_folder_is_listed_class_by_class_and_read_as_it_is(folder):
    files = data.image_files(folder)
    assert files.classes == ("ant", "bee", "cat")
    assert files.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    read = files.read()
    assert read.images.shape == (12, 3, 6, 6) and read.images.dtype == np.uint8
    for path, image in zip(files.paths, read.images, strict=True):
        np.testing.assert_array_equal(
            image, np.asarray(Image.open(path)).transpose(2, 0, 1)
        )
    content = b"".join(path.read_bytes() for path in files.paths)
    assert read.about.sha256 == hashlib.sha256(content).hexdigest()
    assert files.about.sha256 != read.about.sha256
    assert read.about.sentence() == (
        "All 12 rows of the images in own, 3 classes (folder own; licence: as its "
        "files; all of each of 3 classes; left out: 1 .txt)."
    )


def test_a_seed_fixes_the_files_and_a_larger_number_holds_the_smaller(folder):
    two, again, three, other = (
        data.image_files(folder, n_per_class=n, seed=seed).paths
        for n, seed in ((2, 4), (2, 4), (3, 4), (2, 5))
    )
    assert two == again and set(two) < set(three) and two != other
    assert list(three) == sorted(three)


@pytest.mark.parametrize("as_file", [False, True])
def test_classes_are_taken_in_the_order_of_a_list_or_of_a_file(folder, as_file):
    wanted = ["cat", "ant"]
    if as_file:
        wanted = folder.parent / "list.txt"
        wanted.write_text("# those with four letters or less\ncat\n\nant  # last\n")
    files = data.image_files(folder, classes=wanted)
    assert files.classes == ("cat", "ant")
    assert [p.parent.name for p in files.paths] == ["cat"] * 4 + ["ant"] * 4
    assert files.only(("ant",)).paths == files.paths[4:]
    assert files.only(("ant",)).labels.tolist() == [0] * 4


def test_images_are_resized_and_lose_their_proportions(tmp_path):
    grey = np.full((40, 80, 3), 90, np.uint8)
    grey[:, 40:] = 200
    (tmp_path / "ant").mkdir()
    Image.fromarray(grey).save(tmp_path / "ant" / "wide.jpg", quality=95)
    image = data.image_files(tmp_path).read(size=8).images[0]
    assert image.shape == (3, 8, 8)
    np.testing.assert_allclose(image[:, :, :3], 90, atol=3)
    np.testing.assert_allclose(image[:, :, 5:], 200, atol=3)


def test_images_of_several_sizes_need_a_size(folder):
    _save(folder / "cat", "9.png", shape=(5, 7))
    files = data.image_files(folder)
    first = re.escape(f"9.png has 7 x 5 pixels but {folder / 'ant' / '0.png'} has 6 x ")
    with pytest.raises(ValueError, match=first + r"6; pass size to resize them all"):
        files.read()
    assert files.read(size=5).images.shape == (13, 3, 5, 5)
    with pytest.raises(ValueError, match=r"size is 0 but must be a whole number of at"):
        files.read(size=0)


@pytest.mark.parametrize(
    ("harm", "text"),
    [
        ("gone", "cannot be read (No such file or directory); restore it or take"),
        ("cut", "is damaged (image file is truncated); get it anew or take it out"),
        ("text", "is no image that Pillow can read, or damaged at its head (it begi"),
    ],
)
def test_a_damaged_image_among_others_is_an_error_that_names_it(folder, harm, text):
    _save(folder / "bee", "0.png", shape=(30, 30))
    path, files = folder / "bee" / "0.png", data.image_files(folder)
    content = path.read_bytes()
    path.unlink()
    if harm != "gone":
        path.write_bytes(content[:500] if harm == "cut" else b"no image at all")
    with pytest.raises(ValueError, match=re.escape(f"{path} {text}")):
        files.read(size=6)


@pytest.mark.parametrize(
    ("classes", "text"),
    [
        (["ant", "eel"], "unknown class 'eel': expected one of ant, bee, cat; did you "
                         "mean 'bee'?"),
        (["eel", "fox"], "lacks 'eel', 'fox', of 2 classes asked for; make the folder"),
        (["ant", "ant"], "class 'ant' is named twice; name each class once"),
        ([], "classes is empty; pass some of 'ant' to 'cat'"),
    ],
)  # fmt: skip
def test_classes_that_a_folder_lacks_are_refused(folder, classes, text):
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        data.image_files(folder, classes=classes)
    assert str(folder) in str(caught.value)


def test_many_missing_classes_are_counted_and_the_first_named(folder):
    wanted = [f"n{i}" for i in range(7)]
    text = "lacks 'n0', 'n1', 'n2' and 4 more, of 7 classes asked for; make the folders"
    with pytest.raises(ValueError, match=re.escape(text)):
        data.image_files(folder, classes=wanted)


def test_a_folder_without_classes_is_an_error(tmp_path):
    text = f"{tmp_path} holds no folder; it must hold one folder of images per class"
    with pytest.raises(ValueError, match=re.escape(text)):
        data.image_files(tmp_path)


def test_a_folder_or_a_list_that_is_not_there_is_an_error(folder):
    with pytest.raises(FileNotFoundError, match=r"path is 'not/there', but there is "):
        data.image_files("not/there")
    text = r"classes is 'ant', but there is no file .+/ant; pass a text file"
    with pytest.raises(FileNotFoundError, match=text):
        data.image_files(folder, classes="ant")


def test_more_files_than_there_are_is_an_error_with_their_number(folder):
    text = f"n_per_class is 5 but class 'ant' has 4 images in {folder}; pass at most n"
    with pytest.raises(ValueError, match=re.escape(text) + "_per_class=4"):
        data.image_files(folder, n_per_class=5)


def test_digit_images_are_the_digits():
    pair = data.digits(classes=(8, 3))
    images = data.digit_images(classes=(8, 3))
    assert images.images.shape == (357, 1, 8, 8) and images.classes == ("8", "3")
    np.testing.assert_allclose(images.pixels(), pair.inputs, atol=0.5 / 255)
    np.testing.assert_array_equal(images.pair("8", "3")[1], pair.targets)
    some = data.digit_images(classes=range(10), n_per_class=20, seed=3)
    assert np.bincount(some.labels).tolist() == [20] * 10
    assert some.about.sentence().startswith("200 of 1,797 rows of scikit-learn's handw")


@pytest.mark.parametrize(
    ("classes", "text"),
    [
        ((0,), "classes is (0,) but must be two or more different digits from 0 to 9;"),
        ((1, 1), "class '1' is named twice"),
        ((0, 10), "unknown class '10'"),
        ((0, 1, 2.5), "unknown class '2.5'"),
    ],
)
def test_classes_other_than_digits_are_refused(classes, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        data.digit_images(classes=classes)
    with pytest.raises(ValueError, match=r"n_per_class is 179 but class '0' has 178 i"):
        data.digit_images(n_per_class=179)
