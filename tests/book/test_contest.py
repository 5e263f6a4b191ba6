"""The score that won section 13's contest, and a ranking by it."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from repalign_utils import __main__
from repalign_utils.book import contest
from tests import miniature


def kept(base, wins):
    """Write a kept run in which scores won so often."""
    values = {f"13.wins.tuned.{name}": [share] * 5 for name, share in wins.items()}
    for name in wins:
        values |= {f"13.order.{of}.{name}": [0.4] * 5 for of in ("tuned", "linear")}
    run = {"records": {name: {"values": v} for name, v in values.items()}}
    (base / "results").mkdir(exist_ok=True)
    (base / "results/quick.json").write_text(json.dumps({contest.SECTION: run}))


@pytest.fixture
def folder(tmp_path):
    """Features of a source that knows the classes, and of one that does not."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20)
    np.savetxt(tmp_path / "labels.csv", labels, fmt="%d")
    (tmp_path / "sources").mkdir()
    for name, scale in (("a_noise", 0), ("knows", 5)):
        features = rng.normal(size=(40, 4)) + scale * labels[:, None]
        np.save(tmp_path / f"sources/{name}.npy", features)
    return tmp_path


@pytest.fixture
def base(tmp_path, monkeypatch):
    monkeypatch.chdir(miniature.make(tmp_path / "book"))
    return tmp_path / "book"


def ranked(folder, *options):
    command = ["rank-sources", f"{folder}/sources", f"{folder}/labels.csv", *options]
    return CliRunner(catch_exceptions=False).invoke(__main__.main, command)


def test_the_score_that_won_most_often_is_taken_and_another_if_asked(base):
    kept(base, {"log_me": 0.2, "alignment_area": 0.7, "label_cka": 0.1})
    assert contest.standing(base).score == "alignment_area"
    other = contest.standing(base, "log_me")
    assert other.score == "log_me" and "won" not in other.told


def test_without_a_kept_run_the_default_says_that_nothing_is_known(base):
    for place in (base, None):
        found = contest.standing(place)
        assert found.score == contest.DEFAULT and "no kept run" in found.told


def test_the_command_ranks_by_the_score_that_won(base, folder):
    kept(base, {"log_me": 0.2, "label_cka": 0.8})
    result = ranked(folder)
    assert result.exit_code == 0
    first, second, *told = result.output.splitlines()
    assert first.split()[:2] == ["1", "knows.npy"]
    assert second.split()[:2] == ["2", "a_noise.npy"]
    assert "label_cka won" in "\n".join(told)


def test_the_command_names_the_file_that_does_not_fit(base, folder):
    np.save(folder / "sources/short.npy", np.zeros((39, 4)))
    result = ranked(folder)
    assert result.exit_code == 2
    assert "short.npy: features have 39 rows but labels have 40; " in result.output
    result = ranked(folder, "--score", "logme")
    assert "score is 'logme'; did you mean 'log_me'?" in result.output
