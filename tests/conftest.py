"""What every test shares: real data, the built site, and the closing lines."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]
CONTROLLED = "test_the_negative_control_takes_the_effect_away"
SKIP_REASON = (
    "real data not found: set REPALIGN_DATA to a folder as described in book/data.md"
)
# Time says nothing here: the machine may be busy.
settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")


def pytest_addoption(parser):
    parser.addoption(
        "--site",
        type=Path,
        help="test the built site in this folder instead of building the book",
    )
    parser.addoption(
        "--first-seed",
        type=int,
        help="compare runs of the sections from this first seed on with the kept ones",
    )


def pytest_collection_modifyitems(items):
    """Quick tests first: a broken unit is known before the book is executed."""
    items.sort(key=_weight)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Under ``--dist loadscope``, keep on one worker what shares a run or a browser."""
    if config.option.dist == "loadscope":
        return _Sharing(config, log)


class _Sharing(LoadScopeScheduling):
    """Tests by what they share; xdist's own groups are lost with pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if file.startswith("tests/browser/"):
            return "tests/browser"
        if file.startswith("tests/sections/") and "runs.py" not in file:
            return file
        if test.startswith(CONTROLLED):
            return test[test.index("[") + 1 :][:2]  # the section's number
        shared = {"shuffled_labels": "05", "same_seed": "05", "wrong_step_size": "02"}
        return next((shared[part] for part in shared if part in test), nodeid)


def _weight(item):
    return 2 * bool(item.get_closest_marker("browser")) + bool(
        item.get_closest_marker("section")
    )


@pytest.fixture
def real_data():
    """Folder of the real data sets, as an absolute path."""
    folder = os.environ.get("REPALIGN_DATA", "")
    if folder and Path(folder).is_dir():
        return Path(folder).resolve()
    if os.environ.get("REPALIGN_REQUIRE_DATA") == "1":
        pytest.fail(
            f"REPALIGN_REQUIRE_DATA=1 but REPALIGN_DATA={folder!r} is not a folder; "
            "set it to one as described in book/data.md"
        )
    pytest.skip(SKIP_REASON)


@pytest.fixture(scope="session")
def site(pytestconfig):
    """Folder of the built site: the book, brought up to date as `make book` does."""
    given = pytestconfig.getoption("--site")
    if given:
        return given.resolve()
    command = [sys.executable, "-m", "repalign_utils", "build", "--wait"]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if built.returncode:
        pytest.fail(built.stdout + built.stderr)
    return ROOT / "_build/html"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """Say in the last lines, after pytest's own, how many tests lacked real data."""
    yield
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum(SKIP_REASON in str(report.longrepr) for report in skipped)
    if count:
        terminalreporter.write_line(
            f"{count} test(s) on real data were skipped. To run them: "
            "REPALIGN_DATA=/path/to/data make test (book/data.md says what it holds)"
        )
