import re
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

from repalign_utils.book import origin, records
from tests.book.conftest import executed


def test_provenance_says_what_the_run_ran_on(shown, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    about = SimpleNamespace(
        name="digits", sentence=lambda: "360 of 1,797 rows.", sha256="ab" * 32
    )
    origin.provenance(datasets=[about], device="cpu", precision="float64", seeds=4)
    ((data, metadata),) = shown
    facts = records.collect(executed(shown))["provenance"]
    assert facts == metadata["repalign"]["provenance"]
    assert facts["seeds"] == 4 and facts["precision"] == "float64"
    assert facts["device"].startswith("cpu (") and facts["device"].endswith(
        "3 threads)"
    )
    assert facts["data"] == ["360 of 1,797 rows."]
    assert facts["data_sha256"] == ["ab" * 32]
    assert facts["versions"]["numpy"] == np.__version__
    assert facts["wall_s"] > 0 and 10 < facts["memory_mb"] < 1e5
    page = data["text/markdown"]
    assert "360 of 1,797 rows." in page and "`" + "ab" * 8 + "…`" in page
    assert f"| Memory, at most | {facts['memory_mb']:,} MB |" in page
    assert "| Seeds | 4 |" in page and f"numpy {np.__version__}" in page


def test_provenance_without_data_has_no_row_for_it(shown):
    origin.provenance()
    assert "| Data" not in shown[0][0]["text/markdown"]
    assert "| Seeds | 1 |" in shown[0][0]["text/markdown"]


def test_a_package_that_is_not_installed_is_named_as_such(monkeypatch):
    monkeypatch.setattr(origin, "PACKAGES", ("numpy", "no-such-package"))
    assert origin._versions() == {
        "numpy": np.__version__,
        "no-such-package": "not installed",
    }


def test_the_commit_is_named_and_what_differs_from_it(tmp_path, monkeypatch):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    (tmp_path / "results.py").write_text("1")
    monkeypatch.setattr(origin, "__file__", str(tmp_path / "results.py"))
    subprocess.run([*git, "init", "-q"], check=True)
    assert origin.commit(origin.checkout()) == "not run from a git checkout"
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "First"], check=True)
    clean = origin.checkout()
    assert clean["edited"] == []
    assert re.fullmatch(r"`[0-9a-f]{12}`", origin.commit(clean))
    (tmp_path / "results.py").write_text("2")
    (tmp_path / "ünt racked.py").write_text("3")
    edited = origin.checkout()
    assert edited == clean | {"edited": ["results.py", "ünt racked.py"]}
    assert origin.commit(edited) == (origin.commit(clean) + " with uncommitted changes")
    monkeypatch.setenv("PATH", "")
    assert origin.checkout() == {"commit": "", "edited": []}


@pytest.mark.parametrize(
    "seconds, words",
    [
        (0.4, "0 s"),
        (99.4, "99 s"),
        (100, "2 min"),
        (3500, "58 min"),
        (3590, "1 h 0 min"),
        (5880, "1 h 38 min"),
        (36000, "10 h 0 min"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds, words):
    assert origin.duration(seconds) == words
