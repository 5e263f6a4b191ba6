import re

import numpy as np
import pytest
from PIL import Image

from repalign_utils import data
from repalign_utils.data import folders


def _office(place, classes=folders._OFFICE_CLASSES, n=2):
    for index, name in enumerate(classes):
        (place / name).mkdir(parents=True)
        for j in range(n):
            picture = Image.new("RGB", (20, 30), (8 * index, 100 * j, 9))
            picture.save(place / name / f"frame_{j:04}.jpg")


@pytest.fixture
def office(tmp_path):
    _office(tmp_path / "office31" / "dslr")
    return tmp_path


def test_a_domain_is_read_and_resized(office):
    read = data.office31("dslr", size=16, data_dir=office)
    assert read.images.shape == (62, 3, 16, 16) and read.images.dtype == np.uint8
    assert read.classes == folders._OFFICE_CLASSES
    assert read.labels.tolist() == [i // 2 for i in range(62)]
    reds = read.images[:, 0].mean(axis=(1, 2))
    np.testing.assert_allclose(reds, 8 * read.labels, atol=3)
    assert read.about.sentence() == (
        "62 of 4,110 rows of Office-31, domain dslr (K. Saenko, B. Kulis, M. Fritz and "
        "T. Darrell 2010; licence: none stated, for research; all of each of 31 "
        "classes; resized to 16 x 16; the folder holds 62 of 498)."
    )


@pytest.mark.parametrize("root", ["", "office31"])
def test_the_layout_of_the_original_is_read_too(office, root):
    _office(office / "own" / root / "dslr" / "images")
    ours, theirs = (
        data.office31("dslr", data_dir=place) for place in (office, office / "own")
    )
    np.testing.assert_array_equal(ours.images, theirs.images)
    assert ours.about.sha256 == theirs.about.sha256


def test_an_absent_domain_says_where_to_put_it_and_that_there_is_no_download(
    office, cache
):
    with pytest.raises(data.DataMissing) as caught:
        data.office31("webcam", data_dir=office)
    text = str(caught.value)
    assert text.startswith(
        "Office-31 is not there: looked for office31/webcam/images, office31/webcam, "
        f"webcam/images, webcam in {office} and in {cache}. There is no download of th"
    )
    assert "get it from the project page of its authors" in text
    assert f"unpack it to {office}/office31, or name the folder that holds off" in text


def test_a_domain_that_lacks_a_class_is_refused(office):
    for image in (office / "office31" / "dslr" / "mug").iterdir():
        image.unlink()
    with pytest.raises(ValueError, match=r"dslr/mug holds no image; put "):
        data.office31("dslr", data_dir=office)
    (office / "office31" / "dslr" / "mug").rmdir()
    with pytest.raises(ValueError, match=r"dslr: unknown class 'mug': expected one of"):
        data.office31("dslr", data_dir=office)


@pytest.mark.parametrize(
    ("domain", "options", "text"),
    [
        ("dlsr", {}, "unknown domain 'dlsr': expected one of amazon, dslr, webcam; did"
                     " you mean 'dslr'?"),
        ("dslr", {"size": 0}, "size is 0 but must be a whole number of at least 1"),
        ("dslr", {"n_per_class": 3}, "n_per_class is 3 but class 'back_pack' has 2"),
    ],
)  # fmt: skip
def test_wrong_options_are_refused(office, domain, options, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        data.office31(domain, data_dir=office, **options)


def test_a_seed_fixes_the_images(office):
    one, again = (
        data.office31("dslr", 8, n_per_class=1, seed=3, data_dir=office)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.images, again.images)
    others = [
        data.office31("dslr", 8, n_per_class=1, seed=s, data_dir=office).images
        for s in range(3)
    ]
    assert any((other != one.images).any() for other in others)


def test_office_31_proper(real_data):
    read = data.office31("dslr", size=32, data_dir=real_data)
    assert read.images.shape == (498, 3, 32, 32) and read.about.total_rows == 4110
    assert np.bincount(read.labels).min() >= 7
    assert "the folder holds" not in read.about.note


@pytest.mark.parametrize(("domain", "count"), [("amazon", 2817), ("webcam", 795)])
def test_office_31_is_whole(real_data, domain, count):
    place = real_data / "office31" / domain
    files = data.image_files(place)
    assert len(files.paths) == folders._OFFICE_DOMAINS[domain] == count
    assert files.classes == folders._OFFICE_CLASSES
