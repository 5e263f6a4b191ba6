"""A command run by two processes of torchrun, one thread each."""

import os
import subprocess
import sys

from tests.conftest import ROOT


def by_two_processes(*command: str) -> subprocess.CompletedProcess:
    """What came of a script, or of ``-m`` and a module, with its arguments."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return subprocess.run(
        [*torchrun, "--nproc-per-node=2", *command],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
