import re
import shutil

import nbformat
import numpy as np
import pytest

from repalign_utils.book import destination, features, records, runner
from repalign_utils.book.features import read_features, record_features
from repalign_utils.files import as_json
from tests import miniature
from tests.book.conftest import executed

X = np.arange(12.0).reshape(4, 3)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Notebook of a run that kept features, and its record."""
    base = miniature.make(tmp_path_factory.mktemp("book"))
    output = base / "runs/mine.ipynb"
    given = {"mode": "keep"}
    section = base / "notebooks/05_tiny.py"
    return output, runner.run(section, output, given=given, progress=False)


@pytest.fixture
def copied(ran, tmp_path):
    """The same run in a folder that a test may spoil."""
    return shutil.copytree(ran[0].parent, tmp_path / "runs") / "mine.ipynb"


@pytest.fixture
def kernel(tmp_path, monkeypatch, shown):
    """What the kernel of a run knows: the file to write."""
    monkeypatch.setenv(features.PLACE, str(tmp_path / "part.features.npz"))
    return tmp_path / "part.features.npz"


def test_features_lie_beside_the_run_and_the_record_tells_of_them_alone(ran):
    output, entry = ran
    found = read_features(output.with_suffix(".json"))
    kept = found.pop("05.layers")
    assert not found and list(kept.layers) == ["fc1", "logits"]
    assert kept.layers["fc1"].dtype == np.float16
    assert kept.layers["logits"].dtype == np.float32
    np.testing.assert_array_equal(kept.layers["fc1"], X)
    np.testing.assert_array_equal(kept.layers["logits"], X[:, :2])
    assert kept.labels is not None and kept.labels.tolist() == ["cat", "dog"] * 2
    told = entry["features"]["05.layers"]
    assert told["layers"] == {"fc1": [4, 3], "logits": [4, 2]} and told["labels"]
    assert sorted(path.name for path in output.parent.iterdir()) == [
        "mine.features.npz",
        "mine.ipynb",
        "mine.json",
    ]


def test_a_run_takes_the_place_of_its_own_features_and_of_no_other_file(copied):
    kept = features.beside(copied)
    for path in (copied, copied.with_suffix(".json")):
        path.unlink()  # as the workflow does before it runs a section again
    destination.check(copied)
    notebook = nbformat.v4.new_notebook()
    destination.write(copied, notebook, {"section": "05_tiny", "records": {}})
    assert not kept.exists()
    np.savez(kept, mine=X)
    message = f"-o is '{copied}', but {kept.name} is there and not the output of a run"
    copied.unlink()
    with pytest.raises(destination.OutputRefused, match=f"^{re.escape(message)}"):
        destination.check(copied)
    destination.write(copied, notebook, {"section": "05_tiny", "records": {}})
    assert kept.exists()


def test_features_of_another_run_are_not_read(copied):
    record, kept = copied.with_suffix(".json"), features.beside(copied)
    entry = records.read_run(record)
    entry["features"]["05.layers"]["sha256"] = "0" * 64
    record.write_text(as_json(entry))
    with pytest.raises(
        records.RecordError, match=r"mine\.json tells of: its 05\.layer"
    ):
        read_features(record)
    kept.unlink()
    message = r"mine\.json kept features, but mine\.features\.npz is not beside it; run"
    with pytest.raises(records.RecordError, match=message):
        read_features(record)
    record.write_text(as_json({**entry, "features": {}}))
    assert read_features(record) == {}


def test_features_of_a_tensor_are_told_and_kept(kernel, shown):
    import torch

    told = []
    for layer in (torch.eye(3, requires_grad=True), np.eye(3, dtype=np.float32)):
        shown.clear()
        kernel.unlink(missing_ok=True)
        record_features("05.layers", {"fc1": layer})
        told.append(records.collect(executed(shown))["features"])
    assert told[0] == told[1] and features.is_own(kernel)


def test_a_name_of_features_is_taken_once(kernel):
    record_features("05.layers", {"fc1": X})
    record_features("05.layers.end", {"fc1": X})
    with pytest.raises(ValueError, match=r"^05\.layers is recorded twice; give each"):
        record_features("05.layers", {"fc1": X})


WRONG = {
    r"^record name is 'layers'; expected a section number": ("layers", {"a": X}, None),
    r"^05\.x has no layers; pass layer -> array": ("05.x", {}, None),
    r"'conv1' has shape \(4, 3, 1\) and 0 values that .* average over positions": (
        "05.x",
        {"conv1": X[..., None]},
        None,
    ),
    r"'fc1' has shape \(4, 3\) and 11 values that float32 cannot hold": (
        "05.x",
        {"fc1": X * 1e300},
        None,
    ),
    r"^05\.x has rows \{'layers/a': 4, 'labels': 3\}; pass layers": (
        "05.x",
        {"a": X},
        [0, 1, 2],
    ),
    r"^05\.x has 20 MB; expected 16 at most: keep fewer rows, or float16": (
        "05.x",
        {"a": np.zeros((5000, 1000), np.float32)},
        None,
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_is_no_features_is_refused_before_anything_is_written(kernel, message):
    name, layers, labels = WRONG[message]
    with pytest.raises(ValueError, match=message):
        record_features(name, layers, labels=labels)
    assert not kernel.exists()


def test_outside_a_run_nothing_is_written(shown, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record_features("05.layers", {"fc1": X})
    assert list(tmp_path.iterdir()) == [] and len(shown) == 1


def test_features_of_a_folder_are_read_by_section_whatever_else_lies_there(copied):
    folder = copied.parent
    (folder / "notes.json").write_text('["no run"]')
    (run,) = features.read_all_features(folder)
    one = read_features(copied.with_suffix(".json"))
    assert run.section == "05_tiny" and run.sets.keys() == one.keys()
    assert len(run.sha256) == 64 and "05_tiny" in run.sentence()


def test_a_folder_of_runs_is_refused_with_what_to_run_first(
    copied, tmp_path, monkeypatch
):
    with pytest.raises(records.RecordError, match=r"no run that .*make book.*-p runs"):
        features.read_all_features(tmp_path)
    monkeypatch.setattr(features.paths, "root", lambda: tmp_path)
    with pytest.raises(
        records.RecordError, match=r"^results/paper holds .*\(make paper\)"
    ):
        features.read_all_features("paper")
    for suffix in (".json", ".features.npz"):
        shutil.copy(copied.with_suffix(suffix), copied.with_name(f"twin{suffix}"))
    with pytest.raises(
        records.RecordError, match=r"two runs of 05_tiny, twin\.json and mine\.json; ke"
    ):
        features.read_all_features(copied.parent)
    for name in ("twin.json", "mine.features.npz"):
        (copied.parent / name).unlink()
    with pytest.raises(records.RecordError, match="run the section again"):
        features.read_all_features(copied.parent)
