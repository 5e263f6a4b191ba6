import gzip
import hashlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from repalign_utils import data
from repalign_utils.data import handwriting
from tests.data.conftest import sends

NAMES = tuple(handwriting._MNIST_FILES)


def _idx(array):
    """Bytes of an idx file of unsigned bytes, big-endian, as the MNIST files are."""
    head = bytes([0, 0, 8, array.ndim])
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return head + sizes + array.astype(np.uint8).tobytes()


@pytest.fixture
def small(monkeypatch):
    """Files of 40 invented training and 10 test images, with their own sums."""
    rng = np.random.default_rng(0)
    files, sums = {}, {}
    for part, n in (("train", 40), ("t10k", 10)):
        pixels = rng.integers(0, 256, (n, 28, 28))
        labels = np.arange(n) % 4
        files[f"{part}-images-idx3-ubyte"] = _idx(pixels)
        files[f"{part}-labels-idx1-ubyte"] = _idx(labels)
    for name, content in files.items():
        sums[name] = f"sha256:{hashlib.sha256(content).hexdigest()}"
    monkeypatch.setattr(handwriting, "_MNIST_FILES", sums)
    return files


@pytest.fixture
def small_folder(small, tmp_path):
    """Folder of data that holds the invented files."""
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in small.items():
        (raw / name).write_bytes(content)
    return tmp_path / "data"


@pytest.fixture
def mirror(small, site, monkeypatch):
    """Server that offers the packed files."""
    for name, content in small.items():
        packed = gzip.compress(content, mtime=0)
        site.answers[f"/{name}.gz"] = [sends(packed)]
    monkeypatch.setattr(handwriting, "_MIRRORS", (site.url + "/gone/", site.url + "/"))
    return site


def test_digits_are_those_of_scikit_learn():
    pixels, labels = load_digits(return_X_y=True)
    rows = np.isin(labels, [3, 8])
    drawn = data.digits(classes=(3, 8))
    np.testing.assert_array_equal(drawn.inputs * 16, pixels[rows])
    np.testing.assert_array_equal(drawn.labels, labels[rows])
    assert drawn.inputs.dtype == drawn.targets.dtype == np.float32
    assert drawn.about.sentence() == (
        "357 of 1,797 rows of scikit-learn's handwritten digits, classes 3, 8 "
        "(E. Alpaydin and C. Kaynak, UCI data set 80, test part; licence: CC BY 4.0; "
        "all of each of 2 classes)."
    )


@pytest.mark.parametrize("classes", [(0, 1), (1, 0), (9, 4)])
def test_the_first_class_is_minus_one_and_the_second_plus_one(classes):
    drawn = data.digits(classes=classes, n_per_class=20)
    assert drawn.targets.shape == (40, 1)
    for digit, target in zip(classes, (-1, 1), strict=True):
        assert (drawn.targets[drawn.labels == digit] == target).all()
        assert (drawn.labels == digit).sum() == 20


def _rows(drawn):
    return {row.tobytes() for row in drawn.inputs}


def test_a_seed_fixes_the_subset_and_a_larger_subset_holds_the_smaller():
    small, again = (data.digits(n_per_class=50, seed=4) for _ in range(2))
    np.testing.assert_array_equal(small.inputs, again.inputs)
    assert _rows(small) < _rows(data.digits(n_per_class=80, seed=4))
    assert _rows(small) != _rows(data.digits(n_per_class=50, seed=5))


def test_more_images_than_there_are_is_an_error_with_their_number():
    text = (
        "n_per_class is 179 but class '0' has 178 images; pass at most n_per_class=178"
    )
    with pytest.raises(ValueError, match=re.escape(text)):
        data.digits(n_per_class=179)


@pytest.mark.parametrize(
    ("loader", "classes", "text"),
    [
        (data.mnist, (0, 0), "class '0' is named twice; name each class once"),
        (data.mnist, (-1, 1), "unknown class '-1': expected one of 0, 1, 2, 3, 4, 5, "),
        (data.digits, (0, 1, 2), "classes is (0, 1, 2) but must be two different digi"),
        (data.digits, (0, 10), "8, 9; did you mean '1'?"),
    ],
)
def test_classes_other_than_two_digits_are_refused(loader, classes, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        loader(classes=classes)


def test_a_number_of_images_below_one_is_refused():
    with pytest.raises(ValueError, match=r"n_per_class is 0 but must be a whole numb"):
        data.digits(n_per_class=0)


def test_mnist_reads_the_training_split_in_the_order_of_the_file(small, small_folder):
    drawn = data.mnist(n_per_class=10, classes=(1, 2), data_dir=small_folder)
    content = np.frombuffer(small["train-images-idx3-ubyte"], np.uint8, offset=16)
    labels = np.arange(40) % 4
    rows = np.isin(labels, [1, 2])
    np.testing.assert_array_equal(drawn.labels, labels[rows])
    np.testing.assert_allclose(
        drawn.inputs * 255, content.reshape(40, 784)[rows], rtol=1e-6
    )
    assert drawn.targets.tolist() == [[-1], [1]] * 10


def test_mnist_is_found_by_the_variable_and_a_cell_may_name_it(
    small_folder, monkeypatch
):
    monkeypatch.setenv("REPALIGN_DATA", str(small_folder))
    assert data.mnist(n_per_class=3).about.rows == 6


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
@pytest.mark.parametrize("harm", ["flip", "cut"])
def test_a_damaged_file_is_an_error_that_names_it(name, harm, small_folder):
    file = small_folder / "MNIST" / "raw" / name
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content[: -1 if harm == "cut" else None])
    expected = re.escape(f"{file} is damaged: its SHA256 sum is ") + r"\w{64} instead"
    with pytest.raises(ValueError, match=expected):
        data.mnist(n_per_class=3, data_dir=small_folder)


def test_mnist_is_downloaded_once_into_the_cache(mirror, small_folder, cache):
    expected = data.mnist(n_per_class=10, data_dir=small_folder)
    drawn = data.mnist(n_per_class=10)
    np.testing.assert_array_equal(drawn.inputs, expected.inputs)
    assert drawn.about == expected.about
    assert len(mirror.requests) == 8  # four refused by the first mirror
    assert {p.name for p in (cache / "MNIST/raw").iterdir()} == set(NAMES)
    data.mnist(n_per_class=10)
    assert len(mirror.requests) == 8


def test_a_broken_download_is_taken_up_where_it_ended(mirror, cache):
    name = "t10k-images-idx3-ubyte"
    good = mirror.answers[f"/{name}.gz"]
    mirror.answers[f"/{name}.gz"] = [sends(good[0][0][:-5], length=good[0][1])]
    with pytest.raises(data.DataMissing, match=r"bytes read, 5 more expected"):
        data.mnist(n_per_class=10)
    whole = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"}
    assert {p.name for p in (cache / "MNIST/raw").iterdir()} == whole
    mirror.answers[f"/{name}.gz"] = good
    assert data.mnist(n_per_class=10).about.rows == 20
    assert mirror.requests.count("/train-images-idx3-ubyte.gz") == 1


# Without the time of day, which would be in the test's name.
PACKED = gzip.compress(b"other", mtime=0)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (PACKED, r"SHA256 hash .* does not match the known hash"),
        (PACKED[:-3], r"the download is damaged: .*end-of-stream"),
        (b"<html>Log in</html>", r"Not a gzipped file"),
    ],
)
def test_a_packed_file_of_something_else_is_refused(mirror, cache, content, text):
    mirror.answers["/train-labels-idx1-ubyte.gz"] = [sends(content)]
    with pytest.raises(data.DataMissing, match=text):
        data.mnist(n_per_class=10)
    assert [p.name for p in (cache / "MNIST/raw").iterdir()] == [NAMES[0]]


def test_absent_mnist_is_one_error_that_says_all(
    site, small_folder, cache, monkeypatch
):
    monkeypatch.setattr(handwriting, "_MIRRORS", (site.url + "/a/", site.url + "/b/"))
    raw = small_folder / "MNIST" / "raw"
    for name in NAMES[1:]:
        (raw / name).unlink()
    with pytest.raises(data.DataMissing) as caught:
        data.mnist(data_dir=small_folder)
    text = str(caught.value)
    looked = ", ".join(f"MNIST/raw/{name}" for name in NAMES)
    assert text.startswith("MNIST is not there, or not all of it: looked for ")
    assert f" {looked} in {small_folder} and in {cache}; to download it fail" in text
    first = f"{NAMES[0]}.gz: 404 Client Error: Not Found for url: "
    assert f"to download it failed ({site.url}/a/{first}" in text
    assert f"; {site.url}/b/{first}" in text
    assert f"Put the four unpacked files into {raw}, or name the folder that" in text
    assert text.endswith("or REPALIGN_DATA, or take digits, which need no files.")
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_an_error_does_not_wait_for_torch(tmp_path):
    code = (
        "import sys\n"
        "from repalign_utils import data\n"
        "from repalign_utils.data import handwriting\n"
        "handwriting._MIRRORS = ('http://127.0.0.1:9/',)\n"
        "try:\n"
        "    data.mnist()\n"
        "except data.DataMissing:\n"
        "    print('torch' in sys.modules)\n"
    )
    environment = {"REPALIGN_CACHE": str(tmp_path), "PATH": ""}
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert told.stdout == "False\n", told.stderr


def test_embedded_data_load_neither_torch_nor_matplotlib():
    code = (
        "import sys\n"
        "from repalign_utils import data\n"
        "data.procedural_images('both', n_per_class=1)\n"
        "data.imagenet_classes('natural')\n"
        "heavy = {'torch', 'torchvision', 'sklearn', 'scipy', 'PIL', 'matplotlib'}\n"
        "assert not heavy & set(sys.modules)\n"
        "data.digits(), data.ct_phantom(n=5), data.peaks(n=5)\n"
        "print({'torch', 'matplotlib'} & set(sys.modules))\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert told.stdout == "set()\n", told.stderr


def test_mnist_proper(real_data):
    drawn = data.mnist(data_dir=real_data)
    assert drawn.inputs.shape == (10_000, 784) and drawn.inputs.dtype == np.float32
    assert drawn.inputs.min() == 0 and drawn.inputs.max() == 1
    assert drawn.targets.sum() == 0
    assert drawn.about.rows == 10_000 and drawn.about.total_rows == 70_000
    assert drawn.about.sentence().startswith("10,000 of 70,000 rows of MNIST, train")
    # of the images and the labels of the training split, one after the other
    assert drawn.about.sha256 == (
        "c5097fdd51cfdbe7695fd9df3612695696864b5c424f58d843ffdc5d335e9914"
    )


def test_mnist_has_so_many_zeros_and_no_more(real_data):
    text = (
        "n_per_class is 6000 but class '0' has 5923 images; pass at most n_per_class="
    )
    with pytest.raises(ValueError, match=re.escape(text) + "5923"):
        data.mnist(n_per_class=6000, data_dir=real_data)


def test_a_damaged_copy_of_mnist_is_noticed(real_data, tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    shutil.copytree(real_data / "MNIST" / "raw", raw)
    file = raw / "train-labels-idx1-ubyte"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"\x00")
    with pytest.raises(ValueError, match=re.escape(f"{file} is damaged: its SHA256")):
        data.mnist(data_dir=tmp_path)
