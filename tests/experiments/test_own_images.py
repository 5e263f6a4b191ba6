"""Folders of one's own: two parts of a task, and domains with the same classes."""

import re

import numpy as np
import pytest
from PIL import Image

from repalign_utils.data import image_files
from repalign_utils.experiments.own_images import domains_of, one_of_each, two_parts


def draw(folder, classes, count, start=0):
    """Images that differ, a folder per class."""
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            colour = (start + 20 * label, 10 * i, 0)
            Image.new("RGB", (20, 30), colour).save(folder / name / f"{i}.png")
    return folder


def rows(images):
    return {image.tobytes() for image in images.images}


def test_a_folder_of_classes_is_cut_in_two_without_an_image_in_common(tmp_path):
    draw(tmp_path, "abc", 6)
    train, test = two_parts(tmp_path, 4, 2, size=8, seed=1)
    assert np.bincount(train.labels).tolist() == [4] * 3
    assert np.bincount(test.labels).tolist() == [2] * 3
    assert not rows(train) & rows(test) and train.images.shape[1:] == (3, 8, 8)
    again, other = (two_parts(tmp_path, 4, 2, size=8, seed=s)[0] for s in (1, 2))
    assert rows(again) == rows(train) != rows(other)


@pytest.mark.parametrize("test_folder", ["test", "val"])
def test_parts_that_are_there_are_taken_as_they_are(tmp_path, test_folder):
    draw(tmp_path / "train", "ba", 3)
    draw(tmp_path / test_folder, "ab", 2, start=100)
    train, test = two_parts(tmp_path, 3, 2, size=8)
    assert train.classes == test.classes == ("a", "b")
    assert (test.images[:, 0] >= 100).all() and (train.images[:, 0] < 100).all()


def test_a_test_part_of_other_classes_is_refused(tmp_path):
    draw(tmp_path / "train", "ab", 2)
    draw(tmp_path / "test", "bc", 2)
    with pytest.raises(ValueError, match="besides, of 2 classes asked for"):
        two_parts(tmp_path, 2, 2, size=8)


def test_too_few_images_are_told_in_the_parameters_names(tmp_path):
    draw(tmp_path / "many", "ab", 5)
    message = f"n_per_class is 4 and n_test is 2, but class 'a' of {tmp_path / 'many'}"
    with pytest.raises(ValueError, match=f"{re.escape(message)} has 5 images; ask"):
        two_parts(tmp_path / "many", 4, 2, size=8)
    draw(tmp_path / "one", "a", 5)
    with pytest.raises(ValueError, match="one holds one class, a; pass one with"):
        two_parts(tmp_path / "one", 2, 2, size=8)


def test_three_domains_have_the_same_classes(tmp_path):
    for domain in ("x", "y", "z"):
        draw(tmp_path / domain / ("images" if domain == "y" else ""), "ab", 3)
    found = domains_of(tmp_path, size=8)
    assert list(found) == ["x", "y", "z"]
    assert {images.classes for images in found.values()} == {("a", "b")}
    (tmp_path / "x" / "b" / "0.png").unlink()
    with pytest.raises(ValueError, match="is 3, but class 'b' of .*x has 2 images; "):
        domains_of(tmp_path, size=8)
    (tmp_path / "more").mkdir()
    message = r"holds 4 folders \(more, x, y, z\); pass one with 3 domains"
    with pytest.raises(ValueError, match=message):
        domains_of(tmp_path, size=8)


def test_one_image_of_each_class_is_decoded_alone(tmp_path):
    files = image_files(draw(tmp_path, "abc", 3))
    for path in files.paths:
        if path.name != "0.png":
            path.write_bytes(b"not an image")
    assert one_of_each(files, 2, 8).shape == (2, 3, 8, 8)
