import hashlib
import io
import pickle
import re
import tarfile

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import CIFAR10, CIFAR100

from repalign_utils import data
from repalign_utils.data import cifar
from tests.data.conftest import sends

TWO = ("ship", "cat")


def _invented(original, key, rows, classes, monkeypatch):
    """Batches of invented images, and the archive that holds them, with their sums."""
    rng = np.random.default_rng(0)
    contents, lists = {}, {}
    for which in ("train_list", "test_list"):
        names = [name for name, _ in getattr(original, which)]
        for name in names:
            pixels = rng.integers(0, 256, (rows, 3072)).astype(np.uint8)
            labels = rng.permutation(np.arange(rows) % classes).tolist()
            contents[name] = pickle.dumps({"data": pixels, key: labels})
        lists[which] = [[n, hashlib.md5(contents[n]).hexdigest()] for n in names]
    meta = original.meta
    contents[meta["filename"]] = pickle.dumps({meta["key"]: [""] * classes})
    md5 = hashlib.md5(contents[meta["filename"]]).hexdigest()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        folder = original.base_folder
        extra = {"../escaped": b"harm", f"{folder}/readme.html": b"text"}
        inside = {f"{folder}/{name}": x for name, x in contents.items()}
        for name, content in (extra | inside).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    lists["tgz_md5"] = hashlib.md5(packed.getvalue()).hexdigest()
    for name, value in (lists | {"meta": meta | {"md5": md5}}).items():
        monkeypatch.setattr(original, name, value)
    return contents, packed.getvalue()


@pytest.fixture
def small(monkeypatch):
    return _invented(CIFAR10, "labels", 40, 10, monkeypatch)


@pytest.fixture
def batches(small, tmp_path):
    """Folder of data that holds the invented batches, unpacked."""
    folder = tmp_path / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name, content in small[0].items():
        (folder / name).write_bytes(content)
    return tmp_path / "data"


@pytest.fixture
def mirror(small, site, monkeypatch):
    site.answers["/cifar-10-python.tar.gz"] = [sends(small[1])]
    monkeypatch.setattr(CIFAR10, "url", site.url + "/cifar-10-python.tar.gz")
    return site


def _save(place, n, size=32):
    place.mkdir(parents=True)
    rng = np.random.default_rng(len(str(place)))
    for i in range(n):
        pixels = rng.integers(0, 256, (size, size, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(place / f"{i:04}.png")


@pytest.fixture
def pictures(tmp_path):
    """Folder of class folders with three training images of each class."""
    for name in data.FAMILIES["cifar10"]:
        _save(tmp_path / "data" / "cifar10" / "train" / name, 3)
    return tmp_path / "data"


@pytest.mark.parametrize("split", ["train", "test"])
def test_batches_are_read_in_the_order_of_the_files(small, batches, split):
    read = data.cifar10(split, data_dir=batches)
    names = [n for n in small[0] if n.startswith("data" if split == "train" else "te")]
    parts = [pickle.loads(small[0][n]) for n in names]
    pixels = np.concatenate([part["data"] for part in parts])
    np.testing.assert_array_equal(read.images.reshape(-1, 3072), pixels)
    assert read.labels.tolist() == sum((part["labels"] for part in parts), [])
    assert read.images.dtype == np.uint8 and read.labels.dtype == np.int64
    content = b"".join(small[0][n] for n in names)
    assert read.about.sha256 == hashlib.sha256(content).hexdigest()


def test_some_classes_are_numbered_in_the_order_asked_for(batches):
    everything = data.cifar10(data_dir=batches)
    some = data.cifar10(classes=TWO, n_per_class=5, data_dir=batches)
    assert some.classes == TWO and np.bincount(some.labels).tolist() == [5, 5]
    whole = {x.tobytes(): everything.classes[i] for x, i in _rows(everything)}
    assert all(whole[x.tobytes()] == some.classes[i] for x, i in _rows(some))
    assert some.about.sentence() == (
        "10 of 60,000 rows of CIFAR-10, train split (A. Krizhevsky 2009; licence: none "
        "stated, for research; 5 of each of 2 classes, drawn with seed 0)."
    )


def test_without_a_number_all_images_of_some_classes_are_read(batches):
    everything = data.cifar10(data_dir=batches)
    some = data.cifar10(classes=TWO, data_dir=batches)
    rows, _ = everything.pair("cat", "ship")
    np.testing.assert_array_equal(some.images, everything.images[rows])
    assert [TWO[i] for i in some.labels] == [
        everything.classes[i] for i in everything.labels[rows]
    ]


def _rows(images):
    return list(zip(images.images, images.labels, strict=True))


@pytest.mark.parametrize("source", ["batches", "pictures"])
def test_a_seed_fixes_the_subset_and_a_larger_number_holds_the_smaller(source, request):
    folder = request.getfixturevalue(source)
    two, again, three, other = (
        data.cifar10(n_per_class=n, seed=seed, data_dir=folder)
        for n, seed in ((2, 4), (2, 4), (3, 4), (2, 5))
    )
    np.testing.assert_array_equal(two.images, again.images)
    sets = [{x.tobytes() for x in s.images} for s in (two, three, other)]
    assert sets[0] < sets[1] and sets[0] != sets[2]


def test_a_damaged_batch_is_not_opened(batches, monkeypatch):
    path = batches / "cifar-10-batches-py" / "data_batch_3"
    path.write_bytes(path.read_bytes() + b"more")
    opened = []
    monkeypatch.setattr(pickle, "load", lambda *a, **k: opened.append(a))
    with pytest.raises(ValueError, match=re.escape(f"{path} is damaged: its MD5 sum")):
        data.cifar10(data_dir=batches)
    assert opened == []


def test_the_archive_is_downloaded_once_and_only_the_batches_are_kept(
    mirror, batches, cache
):
    expected = data.cifar10(data_dir=batches)
    read = data.cifar10()
    np.testing.assert_array_equal(read.images, expected.images)
    assert read.about == expected.about
    kept = {p.name for p in (cache / "cifar-10-batches-py").iterdir()}
    assert kept == {p.name for p in (batches / "cifar-10-batches-py").iterdir()}
    assert [p.name for p in cache.iterdir()] == ["cifar-10-batches-py"]
    assert not (cache.parent / "escaped").exists()
    data.cifar10("test")
    assert len(mirror.requests) == 1


def test_an_archive_in_the_folder_is_unpacked_to_the_cache(small, batches, cache):
    expected = data.cifar10(data_dir=batches)
    own = batches.parent / "own" / "cifar10"
    own.mkdir(parents=True)
    (own / "cifar-10-python.tar.gz").write_bytes(small[1])
    written = []
    for _ in range(2):
        read = data.cifar10(data_dir=own.parent)
        np.testing.assert_array_equal(read.images, expected.images)
        assert [p.name for p in own.iterdir()] == ["cifar-10-python.tar.gz"]
        assert [p.name for p in cache.iterdir()] == ["cifar-10-batches-py"]
        inodes = {p.stat().st_ino for p in (cache / "cifar-10-batches-py").iterdir()}
        written.append(inodes)
    assert written[0] == written[1]


def test_a_damaged_archive_is_an_error_that_names_it(small, tmp_path):
    path = tmp_path / "cifar-10-python.tar.gz"
    path.write_bytes(small[1][:-1])
    with pytest.raises(ValueError, match=re.escape(f"{path} is damaged: its MD5 sum")):
        data.cifar10(data_dir=tmp_path)


@pytest.mark.parametrize("harm", ["other", "cut", "gone"])
def test_a_failed_download_leaves_nothing_and_says_all(mirror, tmp_path, cache, harm):
    content = mirror.answers["/cifar-10-python.tar.gz"][0][0]
    answers = {
        "other": sends(b"another file"),
        "cut": sends(content[:-9], length=len(content)),
        "gone": 404,
    }
    mirror.answers["/cifar-10-python.tar.gz"] = [answers[harm]]
    said = {
        "other": "MD5 hash of downloaded file (cifar-10-python.tar.gz) does not match",
        "cut": f"{len(content) - 9} bytes read, 9 more expected",
        "gone": "cifar-10-python.tar.gz: 404 Client Error: Not Found",
    }
    with pytest.raises(data.DataMissing) as caught:
        data.cifar10("test", data_dir=tmp_path)
    text = str(caught.value)
    assert text.startswith(
        "CIFAR-10 is not there, or not all of it: looked for cifar10/test, the original"
        f"'s batches, their archive in {tmp_path} and in {cache}; to download it failed"
    )
    assert said[harm] in text
    assert f"Unpack the archive of the batches in {tmp_path}, or name the fo" in text
    assert not cache.exists() or list(cache.iterdir()) == []


def test_a_partial_folder_says_so(pictures):
    read = data.cifar10(classes=TWO, data_dir=pictures)
    assert read.images.shape == (6, 3, 32, 32) and read.classes == TWO
    assert read.labels.tolist() == [0] * 3 + [1] * 3
    first = pictures / "cifar10" / "train" / "ship" / "0000.png"
    np.testing.assert_array_equal(
        read.images[0], np.asarray(Image.open(first)).transpose(2, 0, 1)
    )
    assert read.about.sentence() == (
        "6 of 60,000 rows of CIFAR-10, train split (A. Krizhevsky 2009; licence: none "
        "stated, for research; all of each of 2 classes; the folder holds 6 of "
        "10,000)."
    )


def test_a_folder_that_holds_every_image_says_nothing_of_a_part(pictures, monkeypatch):
    monkeypatch.setitem(cifar._PER_CLASS, "cifar10", {"train": 3, "test": 1})
    assert data.cifar10(data_dir=pictures).about.note == "all of each of 10 classes"


def test_images_of_another_size_are_refused(tmp_path):
    for name in TWO:
        _save(tmp_path / "cifar10" / "train" / name, 1, size=16)
    text = f"the images in {tmp_path / 'cifar10' / 'train'} are 16 x 16 but tho"
    with pytest.raises(ValueError, match=re.escape(text) + r"se of the original have "):
        data.cifar10(classes=TWO, data_dir=tmp_path)


def test_a_damaged_picture_is_an_error_that_names_it(pictures):
    path = pictures / "cifar10" / "train" / "frog" / "0001.png"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ValueError, match=re.escape(f"{path} is damaged (image file")):
        data.cifar10(data_dir=pictures)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"split": "tset"}, "unknown split 'tset': expected one of train, test; did y"),
        ({"classes": ("catt",)}, "did you mean 'cat'?"),
        ({"classes": "cat"}, "classes is 'cat' but must be a sequence of names; pass "
                             "classes=('cat',)"),
        ({"n_per_class": 4}, "n_per_class is 4 but class 'airplane' has 3 images in"),
        ({"n_per_class": 0}, "n_per_class is 0 but must be a whole number of at least"),
        ({"seed": -1}, "seed is -1 but must be a whole number of at least 0"),
    ],
)  # fmt: skip
def test_wrong_options_are_refused(pictures, options, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        data.cifar10(data_dir=pictures, **options)


def test_more_images_than_a_batch_holds_is_an_error(batches):
    text = "n_per_class is 21 but class 'airplane' has 20 images in "
    with pytest.raises(ValueError, match=re.escape(text) + ".+; pass at most n_per_cl"):
        data.cifar10(n_per_class=21, data_dir=batches)


def test_the_fine_labels_of_cifar100_are_read(tmp_path, monkeypatch):
    contents, _ = _invented(CIFAR100, "fine_labels", 200, 100, monkeypatch)
    (tmp_path / "cifar-100-python").mkdir()
    for name, content in contents.items():
        (tmp_path / "cifar-100-python" / name).write_bytes(content)
    read = data.cifar100("test", data_dir=tmp_path)
    assert read.labels.tolist() == pickle.loads(contents["test"])["fine_labels"]
    assert len(read.classes) == 100 and read.classes[0] == "apple"
    assert read.about.name == "cifar100" and read.about.total_rows == 60_000


def test_cifar10_proper(real_data):
    read = data.cifar10("train", n_per_class=100, data_dir=real_data)
    assert read.images.shape == (1000, 3, 32, 32)
    assert np.bincount(read.labels).tolist() == [100] * 10
    assert read.classes[:2] == ("airplane", "automobile")
    test = data.cifar10("test", n_per_class=100, data_dir=real_data)
    train = {image.tobytes() for image in read.images}
    assert train.isdisjoint(image.tobytes() for image in test.images)
    # the mean of all images of the original is 0.473
    assert abs(read.pixels().mean() - 0.473) < 0.02


def test_cifar100_proper(real_data):
    read = data.cifar100("test", data_dir=real_data)
    assert read.classes == tuple(sorted(data.FAMILIES["cifar100"]))
    assert len(read.images) >= 3000 and np.bincount(read.labels).min() >= 30
