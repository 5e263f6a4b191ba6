import os
import signal
import subprocess
import tempfile
import time

import nbformat
import psutil
import pytest

from repalign_utils.book import execution
from repalign_utils.files import write_json
from tests import miniature


@pytest.fixture
def base(tmp_path):
    return miniature.make(tmp_path)


@pytest.fixture
def scratch():
    """Folder for what a killed process leaves; short, as the names of sockets are."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield folder


def _earlier(output):
    """An earlier run, as far as it is known by."""
    text = '{"metadata": {"repalign": {"section": "05_tiny"}}}'
    output.write_text(text)
    write_json(output.with_suffix(".json"), {"section": "05_tiny", "records": {}})
    return text


def _ended(pid):
    try:
        # nobody may be there to collect an orphan
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_the_earlier_one_and_no_kernel(
    base, scratch, number
):
    output, marker = base / "out.ipynb", base / "pid"
    earlier = _earlier(output)
    options = ["-p", "mode", "wait", "-p", "marker", str(marker), "-o", str(output)]
    process = subprocess.Popen(
        miniature.command("run", "05", *options),
        cwd=base,
        env={**miniature.environment(), "TMPDIR": scratch},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert _wait_until(marker.exists, 60)
        kernel = int(marker.read_text())
        assert not _ended(kernel) and kernel != process.pid
        # the sockets of two kernels in one folder would clash
        assert not [p.name for p in base.iterdir() if p.is_socket()]
        process.send_signal(number)
        told = process.communicate(timeout=20)[1]
    finally:
        process.kill()
    assert _wait_until(lambda: _ended(kernel), 20), "the kernel outlived its runner"
    assert output.read_text() == earlier
    if number == signal.SIGKILL:
        return
    assert process.returncode == 128 + number
    (kept,) = (base / "logs").iterdir()
    word = signal.strsignal(number)
    assert told.endswith(
        f"\n05_tiny was stopped ({word}); the same command starts anew."
        f"\nThe notebook so far is {kept}\n"
    )
    assert "Traceback" not in told and "Kernel died" not in told
    cells = nbformat.read(kept, as_version=4).cells
    assert "on the page" in str([c.get("outputs") for c in cells])
    assert os.listdir(scratch) == []


def test_a_dead_kernel_is_a_failure_that_names_its_cell(base, tmp_path):
    notebook = nbformat.v4.new_notebook()
    for line in ("x = 3", "import os; os.kill(os.getpid(), 9)", "x = 4"):
        notebook.cells.append(nbformat.v4.new_code_cell(line))
    part = tmp_path / "out.ipynb"
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    with pytest.raises(execution.CellsFailed) as failure:
        execution.execute(notebook, part, cwd=tmp_path, progress=False)
    assert str(failure.value) == (
        " in cell 1 ('import os; os.kill(os.getpid(), 9)'): "
        "DeadKernelError: Kernel died"
    )
    assert nbformat.read(part, as_version=4).cells[0].execution_count == 1
