"""What a machine without a browser says of the tests that need one."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.conftest import ROOT


def run(**more: str) -> subprocess.CompletedProcess[str]:
    """Run one of them where no browser can be found, with no more of pytest than that takes."""
    env = {**os.environ, "CHROMIUM": "/nowhere/chromium", "BROWSER_TESTS": "", **more}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    command = [
        *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "tests.browser.absent"),
        *("--confcutdir", "tests/browser", "tests/browser/test_sign_in.py"),
    ]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_they_are_left_out_and_that_is_the_last_thing_said():
    done = run()

    assert done.returncode == 0, done.stdout
    said = done.stdout.rpartition(" skipped in ")[2]
    assert "browser tests were NOT run: there is no Chromium on this machine.\n" in said
    assert "    .venv/bin/python -m pytest tests/browser/\n" in said


def test_where_they_are_required_a_missing_browser_is_a_failure():
    done = run(BROWSER_TESTS="required")

    assert done.returncode == 1
    assert "no Chromium, and BROWSER_TESTS says that one is required" in done.stdout
    assert "NOT run" not in done.stdout
