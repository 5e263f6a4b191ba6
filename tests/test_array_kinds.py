"""Arrays of other libraries are read, or refused with the remedy that works."""

import numpy as np
import pandas
import polars
import pytest
import scipy.sparse
import torch

from repalign_utils import alignment, one_vs_rest

VALUES = np.random.default_rng(0).normal(size=(12, 3))
TARGETS = VALUES @ [1.0, -2.0, 0.5]
FRAME = pandas.DataFrame(VALUES, columns=["a", "b", "c"])


class Exported:
    """Known by the DLPack protocol alone, as arrays of some libraries are."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def read_only(array):
    array = array.copy()
    array.setflags(write=False)
    return array


@pytest.mark.parametrize(
    "kind",
    [
        lambda array: array.astype(">f8"),
        read_only,
        np.asfortranarray,
        lambda array: np.repeat(array, 2, axis=0)[::2],
        pandas.DataFrame,
        polars.DataFrame,
        torch.from_numpy,
        Exported,
        lambda array: array.tolist(),
    ],
)
def test_any_kind_of_array_is_read_as_it_is(kind):
    expected = alignment(VALUES, TARGETS)
    found = alignment(kind(VALUES), kind(TARGETS[:, None]))
    np.testing.assert_allclose(found.energy, expected.energy, rtol=1e-12)


FRAMES = {
    "nullable": FRAME.astype("Float64"),
    "object frame": FRAME.astype(object),
    "decimal": polars.DataFrame(VALUES).cast(polars.Decimal(20, 9)),
    "object": VALUES.astype(object),
    "sparse": scipy.sparse.csr_array(VALUES),
    "sparse matrix": scipy.sparse.coo_matrix(VALUES),
}


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("nullable", "pass features.to_numpy(float)"),
        ("object frame", "pass features.to_numpy(float)"),
        ("decimal", "pass numpy.asarray(features).astype(float)"),
        ("object", "pass numpy.asarray(features).astype(float)"),
        ("sparse", "make them dense with .toarray()"),
        ("sparse matrix", "make them dense with .toarray()"),
    ],
)
def test_the_remedy_in_the_error_works(kind, remedy):
    features = FRAMES[kind]
    with pytest.raises((TypeError, ValueError), match="features") as refused:
        alignment(features, TARGETS)
    assert str(refused.value).endswith(remedy)
    call = remedy.removeprefix("pass ").replace("make them dense with ", "features")
    mended = eval(call, {"numpy": np, "features": features})
    found = alignment(mended, TARGETS).area()
    np.testing.assert_allclose(found, alignment(VALUES, TARGETS).area(), atol=1e-6)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (FRAME.assign(b="x"), r"features\[0, 1\] is 'x': leave that column out, or"),
        (polars.DataFrame({"a": [1, 2], "b": ["x", "y"]}), r"features\[0, 1\] is 'x'"),
        (iter(VALUES), "a .*iterator is no array: pass the numbers it holds"),
        (polars.DataFrame(VALUES).lazy(), "a LazyFrame is no array: pass the numbers"),
    ],
)
def test_what_holds_no_numbers_is_refused_by_name(features, message):
    with pytest.raises(TypeError, match=message):
        alignment(features, TARGETS)


@pytest.mark.parametrize(
    "kind",
    [list, np.array, pandas.Series, lambda x: pandas.Series(x, dtype="category")]
    + [polars.Series],
)
def test_text_as_targets_names_one_vs_rest_which_works(kind):
    names = kind(["cat", "dog", "eel"] * 4)
    message = r"targets\[0\] is 'cat': of labels make columns with one_vs_rest"
    with pytest.raises(TypeError, match=message):
        alignment(VALUES, names)
    assert alignment(VALUES, one_vs_rest(names)).energy.shape == (4, 3)
