import numpy as np
import pytest

from repalign_utils.experiments import two_directions


def test_the_areas_and_losses_told_are_those_of_the_points(tmp_path):
    points, targets = two_directions.cloud()
    two_directions.write(tmp_path)
    told = (tmp_path / "idea.md").read_text()
    largest = np.linalg.norm(points, 2) ** 2
    weights = np.zeros((2, 2))
    wanted = np.stack([targets["long"], targets["short"]], axis=1)
    for _ in two_directions.STEPS[1:]:  # half of the largest step that converges
        weights -= 0.5 / largest * points.T @ (points @ weights - wanted)
    left = ((points @ weights - wanted) ** 2).mean(0)
    words = f"has {left[0]:.0%} of its error, the loss, left along the long direction"
    words += f" and {left[1]:.0%} along the short one"
    assert words in told.replace("\n", " ")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(before) == 4
    two_directions.write(tmp_path)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}


@pytest.mark.parametrize("seed", range(5))
def test_only_the_directions_differ_between_the_two_targets(seed):
    points, targets = two_directions.cloud(seed)
    assert np.mean(targets["long"] ** 2) == pytest.approx(1)
    assert np.mean(targets["short"] ** 2) == pytest.approx(1)
    kept = {name: np.linalg.lstsq(points, y)[1][0] for name, y in targets.items()}
    assert kept == pytest.approx({"long": 0, "short": 0}, abs=1e-9)
