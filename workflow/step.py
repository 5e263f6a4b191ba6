"""One step of the workflow, as a child that the build follows and can lose.

``step.py NAME COMMAND...`` runs COMMAND. Below ``repalign build``, which names its
folder of logs in REPALIGN_BUILD, the step's output goes to ``NAME.log`` there, and the
file ``events`` gets a line when it starts and one when it ends. However the build ends,
the step ends with it, and until then it holds a lock that the next build waits for: no
orphan writes beside it. Without the variable (a cluster, Snakemake called by hand)
COMMAND takes this process's place.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 30  # seconds that a step has, once interrupted, to keep what it has
STEPS_LOCK = "steps.lock"


def main(name: str, *command: str) -> int:
    """Run the command; the exit status is its own."""
    if not os.environ.get("REPALIGN_BUILD"):
        os.execvp(command[0], command)
    folder, parent = Path(os.environ["REPALIGN_BUILD"]), os.getppid()
    lock = os.open(folder.parent / STEPS_LOCK, os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_SH)
    started = time.monotonic()
    _note(folder, f"start {name}")
    with (folder / f"{name}.log").open("wb") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[lock],  # held until the command itself is gone
        )
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    status = _wait(child, parent)
    _note(folder, f"end {name} {status} {time.monotonic() - started:.1f}")
    return status if status >= 0 else 128 - status


def _wait(child: subprocess.Popen, parent: int) -> int:
    """Exit status of the child, which lives no longer than this process's parent."""
    deadline = None
    while True:
        try:
            return child.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                child.kill()
                raise SystemExit(1) from None
            if deadline and time.monotonic() > deadline:
                child.kill()
        except KeyboardInterrupt:  # the terminal has told the child too
            deadline = time.monotonic() + PATIENCE


def _note(folder: Path, line: str) -> None:
    with (folder / "events").open("a") as events:  # one short write: a whole line
        events.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
