"""A build of the book in small: refused, interrupted, killed, failed, gone on with."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests import miniature
from tests.conftest import ROOT

pytestmark = pytest.mark.section
SNAKEFILE = """
import sys
rule book:
    input: expand("results/quick/{section}.ipynb", section=["05_tiny", "06_other"])
rule execute:
    output: "results/quick/{section}.ipynb", "results/quick/{section}.json"
    params: python=sys.executable
    shell:
        "exec {params.python:q} workflow/step.py {wildcards.section} "
        "{params.python:q} -m repalign_utils run {wildcards.section} "
        "--profile quick -o {output[0]:q}"
"""
MAKEFILE = """
book:
\t@exec "$(PYTHON)" -m repalign_utils build --with-parent
"""


@pytest.fixture
def base(tmp_path):
    """The miniature book in a folder with signs that a shell would trip over."""
    base = miniature.make(tmp_path / "it's é book")
    shutil.copytree(ROOT / "workflow", base / "workflow")
    (base / "Snakefile").write_text(SNAKEFILE)
    (base / "Makefile").write_text(MAKEFILE)
    return base


def behave(base, mode):
    """Set what section 05 does: calm, fail or wait."""
    settings = {"05_tiny": {"mode": mode, "marker": str(base / "marker")}}
    (base / "notebooks/profiles/quick.yaml").write_text(json.dumps(settings))


def start(base):
    """``make book`` in a process group of its own, as a terminal starts it."""
    return subprocess.Popen(
        ["make", "book", f"PYTHON={sys.executable}"],
        cwd=base,
        env=miniature.environment() | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def build(base):
    job = start(base)
    told, _ = job.communicate(timeout=120)
    return job.returncode, told


@pytest.fixture
def waiting(base):
    """A build whose section 05 waits for ever while 06 is done."""
    behave(base, "wait")
    job = start(base)
    until((base / "marker").exists)
    said = base / "logs/build-quick/snakemake.log"
    until(lambda: "1 of 3 steps" in said.read_text())
    yield job
    job.kill()
    job.communicate()


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not come about"
        time.sleep(0.05)


def gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def records(base, section="05_tiny"):
    entry = json.loads((base / f"results/quick/{section}.json").read_text())
    return entry["records"]


@pytest.mark.parametrize("kill", [os.killpg, os.kill], ids=["all", "make alone"])
def test_after_a_kill_nothing_runs_on_and_the_next_build_goes_on(base, waiting, kill):
    family = psutil.Process(waiting.pid).children(recursive=True)
    assert len(family) >= 6  # build, Snakemake and a step, each below a step; a kernel
    kill(waiting.pid, signal.SIGKILL)
    until(lambda: all(map(gone, family)), seconds=10)
    done = (base / "results/quick/06_other.json").stat().st_mtime_ns
    behave(base, "calm")
    status, told = build(base)
    assert status == 0, told
    assert "1 of 2 sections run" in told
    assert (base / "results/quick/06_other.json").stat().st_mtime_ns == done
    assert records(base)["05.gain"]["values"] == [1.0, 1.01, 1.02, 1.03, 1.04]
    assert list(base.glob("results/quick/.*")) == []


def test_a_build_beside_a_running_one_is_refused(base, waiting):
    status, told = build(base)
    assert status
    assert "another build is running in this folder (process" in told
    assert waiting.poll() is None and not (base / "results/quick/05_tiny.json").exists()


def test_an_interrupted_build_says_how_to_go_on(waiting):
    os.killpg(waiting.pid, signal.SIGINT)
    told, _ = waiting.communicate(timeout=60)
    assert waiting.returncode
    assert "Interrupted: what had ended is kept, the same command goes on" in told
    assert "Traceback" not in told


def test_a_failed_step_is_told_with_its_cause_and_the_others_run(base):
    behave(base, "fail")
    status, told = build(base)
    assert status
    assert "RuntimeError: gain is 1.0" in told
    log = base / "logs/build-quick/05_tiny.log"
    assert f"the whole log is {log.relative_to(base)}" in told and log.exists()
    assert records(base, "06_other") == {}
