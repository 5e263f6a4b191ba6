"""A book in small: two sections, two profiles, three claims, a second to run."""

import os
import subprocess
import sys
from pathlib import Path

HEADER = """\
# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---
"""

SECTION = (
    HEADER
    + """
# %% [markdown]
# # A tiny section
#
# The gain is {glue:text}`05.gain`.

# %% tags=["parameters"]
seeds: int = 5  # {1..}: their number
gain: float = 1.0  # {0..10}: what is found
mode: str = "calm"  # {calm, fail, die, wait, twice, keep}: what goes wrong
marker: str = ""  # path: file that a waiting run writes
label: str = "P001"  # any text
# {seeds * gain <= 40}: there is no more to gain

# %% tags=["remove-input"]
from repalign_utils import check_parameters

check_parameters(globals())

# %%
import os
import sys
import time
from pathlib import Path

import numpy as np
from IPython.display import display

from repalign_utils import provenance, record, record_features
from repalign_utils.data import DataMissing

print("on the page")
print("on the terminal", file=sys.stderr)

# %%
record("05.gain", [gain + 0.01 * i for i in range(seeds)])
if mode == "twice":
    record("05.gain", [0.0])
if mode == "keep":
    x = np.arange(12.0).reshape(4, 3)
    layers = {"fc1": np.float16(x), "logits": x[:, :2]}
    record_features("05.layers", layers, labels=["cat", "dog", "cat", "dog"])

# %%
if mode == "fail":
    raise RuntimeError(f"gain is {gain}")
if label == "mnist":
    raise DataMissing("MNIST is not there.")
if mode == "die":
    os.kill(os.getpid(), 9)
if mode == "wait":
    Path(marker + ".part").write_text(str(os.getpid()))
    Path(marker + ".part").rename(marker)
    time.sleep(60)

# %% mystnb={"figure": {"name": "fig-tiny", "caption": "A line."}, "image": {"alt": "One line."}}
display({"image/svg+xml": f"<svg><!-- {gain} --></svg>"}, raw=True)

# %% tags=["provenance"]
provenance(seeds=seeds)
"""  # noqa: E501
)

OTHER = (
    HEADER
    + """
# %% [markdown]
# (sec-06)=
# # Another section
#
# With words below its title.

# %% tags=["parameters"]
seeds: int = 5  # {1..}: their number
"""
)

CLAIMS = """\
05_tiny:
  - id: 05-1
    kind: paper
    statement: The gain is positive.
    place: "Figure 1"
    rule: each
    unit: seed
    control: {gain: 0}
    changed: nothing
    settings:
      - id: 05-a
        name: at all
        quantity: 05.gain
        condition: {above: 0}
        smallest: 0.1
      - id: 05-b
        name: by far
        quantity: 05.gain
        condition: {above: 1.5}
        smallest: 0
  - id: 05-2
    kind: check
    statement: The loss is small.
    place: "Figure 2"
    rule: each
    unit: seed
    control: {gain: 0}
    changed: nothing
    settings:
      - id: 05-c
        name: at the end
        quantity: 05.loss
        condition: {below: 1e-3}
        smallest: 0
06_other:
  - id: 06-1
    kind: ours
    statement: The other is one.
    place: "Table 3"
    rule: each
    unit: seed
    control: {seeds: 1}
    changed: nothing
    settings:
      - id: 06-a
        name: plain
        quantity: 06.other
        condition: {equals: 1}
        smallest: 0.1
"""


def make(base: Path) -> Path:
    """Write the project into the folder ``base``."""
    files = {
        "_toc.yml": "format: jb-book\n",
        "claims.yaml": CLAIMS,
        "notebooks/05_tiny.py": SECTION,
        "notebooks/06_other.py": OTHER,
        "notebooks/profiles/quick.yaml": "05_tiny:\n  gain: 2.0\n",
        "notebooks/profiles/paper.yaml": "05_tiny:\n  seeds: 6\n06_other:\n",
    }
    for name, text in files.items():
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return base


def repalign(base: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the command line in a process of its own, as a user does."""
    return subprocess.run(
        command(*arguments), cwd=base, env=environment(), capture_output=True, text=True
    )


def command(*arguments: str) -> list[str]:
    """Command line that runs ``repalign`` with this Python."""
    return [sys.executable, "-m", "repalign_utils", *arguments]


def environment() -> dict[str, str]:
    """Environment of a run: one thread, so that a test is no burden."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}
