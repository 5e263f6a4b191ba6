import re

import numpy as np
import pytest

from repalign_utils import data
from repalign_utils.data._dataset import arrays_sha256


@pytest.mark.parametrize("name", ["digits", "peaks", "ct_phantom"])
def test_embedded_data_are_loaded_by_name_wherever_the_folder_lies(name):
    options = {} if name == "digits" else {"n": 12}
    by_name = data.load(name, data_dir="no/such/folder", seed=2, **options)
    direct = getattr(data, name)(seed=2, **options)
    np.testing.assert_array_equal(by_name.inputs, direct.inputs)
    np.testing.assert_array_equal(by_name.targets, direct.targets)
    assert by_name.about == direct.about and by_name.about.name == name


@pytest.mark.parametrize("name", ["mnist", "ct_slices"])
def test_the_folder_reaches_the_loaders_of_files(name):
    with pytest.raises(FileNotFoundError, match=r"data_dir is 'no/such/folder', but"):
        data.load(name, data_dir="no/such/folder")


def test_an_unknown_name_is_answered_with_all_and_the_nearest():
    text = (
        "unknown data set 'mnits': expected one of ct_phantom, ct_slices, digits, "
        "mnist, peaks; did you mean 'mnist'?"
    )
    with pytest.raises(ValueError, match=re.escape(text)):
        data.load("mnits")


def test_an_option_that_the_loader_lacks_is_named():
    with pytest.raises(TypeError, match=r"digits\(\) got an unexpected .*'encoding'"):
        data.load("digits", encoding="bumps")


def test_the_sum_of_arrays_is_that_of_their_little_endian_bytes():
    values = np.arange(6.0).reshape(2, 3)
    assert arrays_sha256(values) == arrays_sha256(values.astype(">f8"))
    assert arrays_sha256(values) == arrays_sha256(np.asfortranarray(values))
    assert arrays_sha256(values) != arrays_sha256(values + 1)


def test_a_whole_set_is_called_whole():
    about = data.About("name", "the set", 1500, 1500, "us", "MIT", "")
    assert about.sentence() == "All 1,500 rows of the set (us; licence: MIT)."
