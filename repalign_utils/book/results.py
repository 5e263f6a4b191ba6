"""The one place where a number is recorded, and where a run says what it ran on.

``record`` attaches the values to the cell's output.  From there the sentence on the
page (glue), the run record beside the executed notebook, the claims table and the
tests all read them.
"""

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from ..files import replacing
from ..statistics import Interval, interval

GLUE = "application/papermill.record/"
NAME = re.compile(r"\d\d(\.[a-z0-9_]+)+")
PACKAGES = (
    "repalign-utils",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "scikit-learn",
    "timm",
    "accelerate",
    "matplotlib",
    "papermill",
)


def record(name: str, values, *, exact: bool = False) -> Interval:
    """Record a quantity of the section: one value per seed.

    The page reads it as ``name`` (mean and interval as text), ``name.mean``,
    ``name.low`` and ``name.high`` (numbers, to be formatted).

    Parameters
    ----------
    name : section number and words joined by dots, for example "02.gain.true"
    values : array (seeds,), or one number for a quantity without seeds
    exact : whether no training has touched the values: another machine, with the same
        seeds, must find them equal to rounding

    Returns
    -------
    Interval over the values

    Raises
    ------
    ValueError
        If the name has another form, or a value is not finite.
    """
    if not NAME.fullmatch(name):
        raise ValueError(
            f"record name is {name!r}; expected a section number and lower-case words "
            "joined by dots, e.g. '02.gain.true'"
        )
    v = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if v.ndim != 1 or not len(v) or not np.isfinite(v).all():
        raise ValueError(
            f"{name} is {v.tolist()}; expected one finite number per seed: "
            "record a run that diverged as a count, not as its loss"
        )
    summary = interval(v)
    _glue(name, str(summary), {"name": name, "values": v.tolist(), "exact": exact})
    for end in ("mean", "low", "high"):
        # A single value has no interval: its ends are the value itself.
        at = getattr(summary, end)
        _glue(f"{name}.{end}", repr(summary.mean if at is None else at))
    return summary


def _glue(name: str, text: str, recorded: dict | None = None) -> None:
    """Attach ``text`` to the cell under ``name``, invisibly, for MyST's glue."""
    from IPython.display import display

    metadata: dict = {"scrapbook": {"name": name, "mime_prefix": GLUE}}
    if recorded:
        metadata["repalign"] = {"record": recorded}
    display({f"{GLUE}text/plain": text}, raw=True, metadata=metadata)


def provenance(
    *, datasets=(), weights=None, device="cpu", precision="float32", seeds=1
) -> None:
    """Show, as the last cell of a section, what the run ran on.

    Parameters
    ----------
    datasets : the ``About`` of every data set used
    weights : network -> file that its weights are from, told by name and checksum
    device : torch device or its name
    precision : floating-point type of the training
    seeds : number of seeds
    """
    from IPython.display import display

    facts = {
        **checkout(),
        "versions": {"python": platform.python_version(), **_versions()},
        "seeds": seeds,
        "device": _device(str(device)),
        "precision": precision,
        "data": [about.sentence() for about in datasets],
        "data_sha256": [about.sha256 for about in datasets],
        **({"weights": _told_files(weights)} if weights else {}),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "wall_s": round(_process_age(), 1),
        **_peak_memory(str(device)),
    }
    display(
        {"text/markdown": _provenance_table(facts), "text/plain": json.dumps(facts)},
        raw=True,
        metadata={"repalign": {"provenance": facts}},
    )


def _told_files(files) -> dict[str, str]:
    """Network -> name and checksum of a file, not where it lies."""
    told = {}
    for network, file in files.items():
        with open(file, "rb") as opened:
            sha = hashlib.file_digest(opened, "sha256").hexdigest()
        told[network] = f"{Path(file).name} (SHA-256 {sha})"
    return told


def _provenance_table(facts: dict) -> str:
    versions = ", ".join(f"{k} {v}" for k, v in facts["versions"].items())
    hashes = ", ".join(f"`{sha[:16]}…`" for sha in facts["data_sha256"])
    rows = {
        "Data": " ".join(facts["data"]),
        "SHA-256 of the data": hashes,
        "Weights": ", ".join(f"{k}: {v}" for k, v in facts.get("weights", {}).items()),
        "Seeds": facts["seeds"],
        "Device": f"{facts['device']}, {facts['precision']}",
        "Wall time": f"{facts['wall_s']:.0f} s",
        "Memory, at most": memory(facts),
        "Finished": facts["finished"],
        "Commit": commit(facts),
        "Versions": versions,
    }
    return markdown_table(["Provenance", ""], [r for r in rows.items() if r[1]])


def table(header, rows) -> None:
    """Show a table in the notebook; arguments as of `markdown_table`."""
    from IPython.display import Markdown, display

    display(Markdown(markdown_table(header, rows)))


def markdown_table(header, rows) -> str:
    """Markdown of a table.

    Parameters
    ----------
    header : names of the columns
    rows : one sequence of cells per row

    Examples
    --------
    >>> print(markdown_table(["layer", "area"], [[1, 0.5]]))
    | layer | area |
    |---|---|
    | 1 | 0.5 |
    """
    lines = [header, ["---"] * len(header), *rows]
    bars = ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]
    return "\n".join([bars[0], bars[1].replace(" ", ""), *bars[2:]])


def checkout() -> dict:
    """Commit that the package runs from, and what differs from it.

    Returns
    -------
    dict with ``commit``, 40 hex digits or "" outside a checkout, and ``edited``, the
    files that are not as in the commit, new ones that git does not ignore among them
    """
    try:
        head = _git("rev-parse", "HEAD").strip()
        # Nothing is quoted, and a file's name may hold anything but this zero.
        status = _git("status", "--porcelain", "-z", "--no-renames")
    except (OSError, subprocess.CalledProcessError):
        return {"commit": "", "edited": []}
    return {"commit": head, "edited": [line[3:] for line in status.split("\0") if line]}


def commit(facts: dict) -> str:
    """Commit of a run as the book prints it.

    Parameters
    ----------
    facts : provenance of a run record
    """
    if not facts["commit"]:
        return "not run from a git checkout"
    edited = facts.get("edited")
    return f"`{facts['commit'][:12]}`" + (" with uncommitted changes" if edited else "")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _device(device: str) -> str:
    if device.startswith("cuda"):
        import torch

        return f"{device} ({torch.cuda.get_device_name(device)})"
    threads = os.environ.get("OMP_NUM_THREADS") or os.cpu_count()
    return f"{device} ({processor()}, {threads} threads)"


def processor() -> str:
    """Name of this machine's processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1] for line in lines if line.startswith("model name")]
    return names[0].strip() if names else platform.machine()


def _process_age() -> float:
    import psutil  # comes with ipykernel

    return time.time() - psutil.Process().create_time()


def memory(facts: dict) -> str:
    """Memory of a run as the book prints it, for example ``1,234 MB``.

    Parameters
    ----------
    facts : provenance of a run record
    """
    if "memory_mb" not in facts:
        return "not measured"
    gpu = f", {facts['gpu_mb']:,} MB on the GPU" if "gpu_mb" in facts else ""
    return f"{facts['memory_mb']:,} MB{gpu}"


def _peak_memory(device: str) -> dict[str, int]:
    """MB that this process held at most, and the device's, where that is a GPU."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kB; bytes on macOS
    found = {"memory_mb": round(peak / (1e6 if sys.platform == "darwin" else 1e3))}
    if device.startswith("cuda"):
        import torch

        found["gpu_mb"] = round(torch.cuda.max_memory_allocated(device) / 1e6)
    return found


def read_run(path: str | os.PathLike) -> dict:
    """Run record (JSON) written beside an executed notebook."""
    return json.loads(Path(path).read_text())


def write_json(path: str | os.PathLike, value) -> None:
    """Write ``value`` as JSON, whole or not at all."""
    with replacing(path) as part:
        part.write_text(as_json(value))


def as_json(value) -> str:
    """Text of a JSON file as the project writes them."""
    return json.dumps(value, indent=1, allow_nan=False) + "\n"


def collect(notebook) -> dict:
    """Gather what the cells of an executed notebook recorded.

    Parameters
    ----------
    notebook : nbformat notebook

    Returns
    -------
    dict with ``records`` (name -> values, mean, low, high, n) and ``provenance``

    Raises
    ------
    ValueError
        If a name is recorded twice.
    """
    records: dict[str, dict] = {}
    facts: dict = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            ours = output.get("metadata", {}).get("repalign", {})
            facts = ours.get("provenance", facts)
            if "record" not in ours:
                continue
            recorded = dict(ours["record"])
            name = recorded.pop("name")
            if name in records:
                raise ValueError(f"{name} is recorded twice; give each its own name")
            records[name] = {**recorded, **asdict(interval(recorded["values"]))}
    return {"records": records, "provenance": facts}
