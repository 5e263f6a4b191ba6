"""Finding a browser, on a PATH of which each program is a script of the test's."""

import re
import sys

import pytest

from tests.browser import chromium

WORKS = "echo Chromium 1.2.3"
STUB = "echo install me first >&2; exit 1"


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a shell script on an otherwise empty PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium, "MAC_APPS", ())
    monkeypatch.setattr(chromium, "_playwright_build", lambda: None)
    monkeypatch.setattr("os.geteuid", lambda: 0)

    def put(name, body):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return str(path)

    return put


def test_a_stub_that_does_not_start_is_passed_over(program):
    program("chromium", STUB)
    assert chromium.find() is None
    works = program("google-chrome", WORKS)
    assert chromium.find() == works


def test_the_package_manager_is_asked_before_playwright(program, tmp_path):
    path = tmp_path / "chromium"
    program(
        "apt-get", f'[ "$1" = update ] || {{ echo "#!/bin/sh\n{WORKS}" > {path}; }}'
    )
    # the script has no chmod on its PATH
    path.touch(mode=0o755)
    assert chromium.install() == str(path)


def test_what_was_tried_is_told_when_nothing_helps(program, monkeypatch):
    program("apt-get", "exit 100")
    monkeypatch.setattr(sys, "executable", program("python", "exit 1"))
    told = (
        r"Tried: the PATH; apt-get \(failed\); playwright install chromium \(failed\)\."
    )
    with pytest.raises(SystemExit, match=told):
        chromium.install()


def test_without_rights_sudo_is_asked_but_never_waits(program, tmp_path, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "executable", program("python", "exit 1"))
    program("dnf", "exit 0")
    with pytest.raises(SystemExit, match=re.escape("dnf (neither root nor sudo)")):
        chromium.install()
    asked = tmp_path / "asked"
    program("sudo", f'printf "%s " "$@" > {asked}; exit 1')
    with pytest.raises(SystemExit, match=re.escape("dnf (failed)")):
        chromium.install()
    assert asked.read_text() == "-n dnf install -y chromium "
