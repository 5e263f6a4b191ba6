"""One task in three domains, drawn or in files."""

import numpy as np
import pytest
from PIL import Image

from repalign_utils.experiments.domain_task import domain_task


def draw(folder, classes, count):
    """Image files, a folder per class."""
    for name in classes:
        (folder / name).mkdir(parents=True)
        for i in range(count):
            Image.new("RGB", (9, 9), (i, 0, 0)).save(folder / name / f"{i}.png")


def test_a_drawn_target_has_images_to_spare_and_the_other_task_other_classes():
    task = domain_task("procedural", size=16, n_source=3)
    assert task.target == "plain"
    counts = {d: np.bincount(x.labels).tolist() for d, x in task.pools.items()}
    assert counts == {"plain": [18] * 8, "studio": [3] * 8, "webcam": [3] * 8}
    assert not set(task.other.classes) & set(task.pools["plain"].classes)


@pytest.mark.parametrize(("classes", "other"), [("abcde", "cde"), ("abc", "")])
def test_classes_of_files_are_halved_where_there_are_enough(tmp_path, classes, other):
    for domain, count in (("x", 3), ("y", 5), ("z", 4)):
        draw(tmp_path / domain, classes, count)
    task = domain_task(str(tmp_path), size=8, n_source=1)
    assert task.target == "y"  # which has the most images
    own = {x.classes for x in task.pools.values()}
    assert own == {tuple(c for c in classes if c not in other)}
    assert (task.other.classes if task.other else ()) == tuple(other)
    assert domain_task(str(tmp_path), "z", size=8, n_source=1).target == "z"


@pytest.mark.parametrize("dataset", ["procedural", "office31"])
def test_an_unknown_domain_is_named_before_files_are_looked_for(dataset):
    message = r"target is 'webcamm'; did you mean .*webcam.*leave it empty"
    with pytest.raises(ValueError, match=message):
        domain_task(dataset, "webcamm", size=16, n_source=1, data_dir="/nowhere")
