"""What a run ran on: commit, versions, machine, data, time and memory."""

import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .tables import markdown_table

PACKAGES = (
    "repalign-utils",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "scikit-learn",
    "timm",
    "matplotlib",
    "papermill",
)


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
    import psutil  # comes with ipykernel
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
        "wall_s": round(time.time() - psutil.Process().create_time(), 1),
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


def duration(seconds: float) -> str:
    """Seconds as people say them.

    Examples
    --------
    >>> duration(42.3), duration(3723)
    ('42 s', '1 h 2 min')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours = f"{minutes // 60} h " if minutes >= 60 else ""
    return f"{hours}{minutes % 60} min"
