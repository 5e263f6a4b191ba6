import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from repalign_utils import arrays

DTYPES = [
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "int8",
    "uint8",
    "int32",
    "int64",
]


@pytest.mark.parametrize("dtype", DTYPES)
def test_tensors_and_arrays_of_every_dtype_pass_with_the_same_values(dtype):
    tensor = torch.tensor([[1, 2], [3, 5]], dtype=getattr(torch, dtype))
    inputs = [tensor, tensor.double().numpy()]
    if dtype != "bfloat16":
        inputs.append(tensor.numpy())
    for features in inputs:
        matrix = arrays.features_matrix(features)
        assert arrays.to_numpy(matrix).tolist() == [[1, 2], [3, 5]]
        targets = arrays.targets_matrix(features, matrix)
        assert targets.dtype == np.float64
        assert targets.tolist() == [[1, 2], [3, 5]]


def test_features_on_the_cpu_are_not_copied():
    array = np.ones((3, 2), dtype=np.float32)
    assert arrays.features_matrix(array) is array
    assert np.shares_memory(arrays.features_matrix(torch.from_numpy(array)), array)
    assert arrays.features_matrix(torch.ones(3, 2, requires_grad=True)).shape == (3, 2)


@pytest.mark.parametrize(
    ("dtype", "low"),
    [("float16", True), ("bfloat16", True), ("float32", True)]
    + [("float64", False), ("int8", False)],
)
def test_only_short_floats_count_as_low_precision(dtype, low):
    tensor = torch.ones(2, 2, dtype=getattr(torch, dtype))
    assert arrays.is_low_precision(tensor) is low
    if dtype != "bfloat16":
        assert arrays.is_low_precision(tensor.numpy()) is low


@pytest.mark.parametrize(
    "values", [[2, 0.5], np.array([2, 0.5]), torch.tensor([2, 0.5])]
)
def test_vector_takes_lists_arrays_and_tensors(values):
    found = arrays.vector(values, "thresholds")
    assert found.dtype == np.float64
    assert found.tolist() == [2, 0.5]


def test_vector_takes_a_single_number_and_does_not_alias_its_input():
    assert arrays.vector(3, "steps").tolist() == [3]
    given = np.array([1.0])
    arrays.vector(given, "steps")[0] = 7
    assert given[0] == 1


REAL = "must be float16, bfloat16, float32, float64 or an integer type"


@pytest.mark.parametrize(
    ("features", "error", "message"),
    [
        (
            np.ones((2, 2), dtype=bool),
            TypeError,
            f"features have dtype bool but {REAL}; pass numbers, e.g. 1.0 * features",
        ),
        (
            torch.ones(2, 2, dtype=torch.complex64),
            TypeError,
            f"features have dtype complex64 but {REAL}; pass features.real, or real "
            "and imaginary parts as columns of their own",
        ),
        (
            [["a", "b"]],
            TypeError,
            f"features have dtype <U1 but {REAL}; features[0, 0] is 'a': leave that "
            "column out, or make columns of it with one_vs_rest",
        ),
        (
            torch.ones(2, 2).to(torch.float8_e4m3fn),
            TypeError,
            f"features have dtype float8_e4m3fn but {REAL}; convert features to "
            "float64",
        ),
        (
            np.ones(5),
            ValueError,
            "features must be (n, d) but have shape (5,); use features[:, None] for a "
            "single feature",
        ),
        (
            torch.ones(4, 3, 2),
            ValueError,
            "features must be (n, d) but have shape (4, 3, 2); flatten each row, e.g. "
            "features.reshape(len(features), -1)",
        ),
        (
            np.ones((0, 3)),
            ValueError,
            "features are empty, with shape (0, 3); pass at least one row and one "
            "column",
        ),
        (
            np.ones((3, 0)),
            ValueError,
            "features are empty, with shape (3, 0); pass at least one row and one "
            "column",
        ),
        (
            torch.eye(2).to_sparse(),
            ValueError,
            "features are a torch.sparse_coo tensor; make it dense with .to_dense()",
        ),
        (
            np.ma.masked_less(np.eye(2), 1),
            ValueError,
            "features are a masked array; fill it first with .filled(0)",
        ),
    ],
)
def test_unfit_features_are_refused_with_the_remedy(features, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        arrays.features_matrix(features)


def test_ragged_lists_are_refused_with_the_remedy():
    with pytest.raises(
        ValueError,
        match=r"^features are no rectangular array .*; give all rows one length",
    ):
        arrays.features_matrix([[1, 2], [3]])


TARGETS = [
    (
        np.ones(4),
        "features have 5 rows but targets have 4; pass one target per row, e.g. "
        "features[:len(targets)]",
    ),
    (
        np.ones((6, 2)),
        "features have 5 rows but targets have 6; pass one target per row, e.g. "
        "targets[:len(features)]",
    ),
    (
        np.ones((5, 2, 1)),
        "targets must be (n,) or (n, k) with k > 0 but have shape (5, 2, 1); pass one "
        "row of targets per row of features",
    ),
    (
        np.ones((5, 0)),
        "targets must be (n,) or (n, k) with k > 0 but have shape (5, 0); pass one row "
        "of targets per row of features",
    ),
    (
        np.float64(1),
        "targets must be (n,) or (n, k) with k > 0 but have shape (); pass one row of "
        "targets per row of features",
    ),
    (
        np.array([[1, 1], [1, 1], [1, 1], [1, np.nan], [1, 1]]),
        "targets[3, 1] is nan but every entry must be finite; drop row 3 or repair it, "
        "e.g. with nan_to_num",
    ),
    (
        torch.tensor([1, 1, -np.inf, 1, 1]),
        "targets[2, 0] is -inf but every entry must be finite; drop row 2 or repair "
        "it, e.g. with nan_to_num",
    ),
    (
        np.eye(5)[:, :3] * [1, 0, 1],
        "column 1 of the targets is zero in all 5 rows, and a zero target has no "
        "direction; drop that column",
    ),
    (
        np.full(5, 1e200),
        "column 0 of the targets is so large that its squared norm exceeds float64; "
        "divide the targets by their largest entry",
    ),
]


@pytest.mark.parametrize(("targets", "message"), TARGETS)
def test_unfit_targets_are_refused_with_the_remedy(targets, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        arrays.targets_matrix(targets, np.ones((5, 2)))


def test_boolean_targets_are_refused():
    message = r"targets have dtype bool but .*; pass one_vs_rest\(targets\), or 2.0"
    with pytest.raises(TypeError, match=message):
        arrays.targets_matrix(np.array([True, False]), np.eye(2))


def test_thresholds_of_two_axes_are_refused():
    message = "thresholds must be a number or (t,) but have shape (2, 1); pass "
    with pytest.raises(ValueError, match=re.escape(message + "thresholds.ravel()")):
        arrays.vector(np.ones((2, 1)), "thresholds")


def test_a_device_without_float64_is_left_for_the_cpu_with_a_warning(monkeypatch):
    # No such device is at hand: a tensor that says it lives on one.
    class OnMps(torch.Tensor):
        device = torch.device("mps")

        def detach(self):
            return self

        def cpu(self):
            return torch.ones(2, 2)

    tensor = torch.ones(2, 2).as_subclass(OnMps)
    monkeypatch.setattr(arrays, "_computes_float64", lambda device: False)
    message = (
        "features are on the device 'mps', which has no float64; they are moved to the "
        "CPU and the work is done there"
    )
    with pytest.warns(UserWarning, match=f"^{message}$"):
        matrix = arrays.features_matrix(tensor)
    assert isinstance(matrix, np.ndarray)


def test_a_device_that_refuses_float64_is_known_by_its_error(monkeypatch):
    def zeros(*_, **__):
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype")

    assert arrays._computes_float64(torch.device("cpu"))
    monkeypatch.setattr(torch, "zeros", zeros)
    assert not arrays._computes_float64(torch.device("mps"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_features_stay_on_the_gpu_and_targets_follow():
    features = arrays.features_matrix(torch.ones(3, 2, device="cuda"))
    targets = arrays.targets_matrix(np.ones(3), features)
    assert features.device.type == targets.device.type == "cuda"
    assert targets.dtype == torch.float64


def test_pytorch_is_not_imported_for_numpy_arrays():
    code = (
        "import sys, numpy as np\n"
        "from repalign_utils.measures.spectral import alignment\n"
        "alignment(np.eye(3), [1, 2, 3]).curve([0.5])\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
