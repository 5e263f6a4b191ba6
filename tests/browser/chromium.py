"""Find Chromium, or have it installed: `python -m tests.browser.chromium`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_APPS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# What each package manager is asked, in order; the first one present is used.
MANAGERS = {
    "apt-get": (
        ("update", "-qq"),
        ("install", "-qq", "--no-install-recommends", "chromium"),
    ),
    "dnf": (("install", "-y", "chromium"),),
    "pacman": (("-Sy", "--noconfirm", "chromium"),),
    "brew": (("install", "--cask", "google-chrome"),),
}
NOT_FOUND = """\
Chromium was not found, and the browser tests need it. Tried: {tried}.
Install Chromium or Chrome so that one of {names} is on the PATH;
'.venv/bin/pytest -m "not browser"' runs the other tests."""


def find():
    """Path of a Chromium that starts, or None."""
    candidates = [found for name in NAMES if (found := shutil.which(name))]
    candidates += [app for app in MAC_APPS if Path(app).exists()]
    if own := _playwright_build():
        candidates.append(own)
    return next((path for path in candidates if _starts(path)), None)


def launch_options():
    """Keywords for playwright's ``chromium.launch``: the browser found, kept quiet.

    The switches stop the browser's own calls home, which are not the site's.
    """
    args = ["--disable-background-networking", "--disable-component-update"]
    args += ["--disable-sync", "--no-first-run"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        args.append("--no-sandbox")  # the sandbox refuses to run as root
    return {"executable_path": find(), "args": args}


def install():
    """Try the system's package manager, then playwright; say what was tried."""
    tried = ["the PATH"]
    for attempt in (_install_by_system, _install_by_playwright):
        tried.append(attempt())
        if path := find():
            return path
    raise SystemExit(not_found(*tried))


def not_found(*tried):
    """What to tell a person for whom all that was tried has failed."""
    return NOT_FOUND.format(tried="; ".join(tried), names=", ".join(NAMES))


def _install_by_system():
    manager = next((name for name in MANAGERS if shutil.which(name)), None)
    if manager is None:
        return "no known package manager"
    # Homebrew refuses to run as root and needs no rights; the others need them.
    prefix = [] if manager == "brew" or os.geteuid() == 0 else ["sudo", "-n"]
    if prefix and not shutil.which("sudo"):
        return f"{manager} (neither root nor sudo)"
    done = all(_run([*prefix, manager, *step]) for step in MANAGERS[manager])
    return f"{manager} ({'done' if done else 'failed'})"


def _install_by_playwright():
    done = _run([sys.executable, "-m", "playwright", "install", "chromium"])
    return f"playwright install chromium ({'done' if done else 'failed'})"


def _playwright_build():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _starts(path):
    # A name on the PATH may be a stub that only tells how to install the browser.
    try:
        shown = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return shown.returncode == 0 and "Chrom" in shown.stdout


def _run(command):
    print("$", " ".join(command), file=sys.stderr, flush=True)
    # No terminal to answer at: a question would hang.
    return subprocess.run(command, stdin=subprocess.DEVNULL).returncode == 0


if __name__ == "__main__":
    print("Chromium:", find() or install())
