from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from config import failpoints
from config.failpoints import arm, failpoint
from tests.conftest import ROOT, wait_until


@pytest.fixture(autouse=True)
def disarmed():
    yield
    failpoints._FAULTS.clear()


def passing(spec: str, name: str, times: int) -> subprocess.Popen[bytes]:
    """Pass a place some times in a process where a specification is armed."""
    code = (
        f"from config.failpoints import arm, failpoint\narm({spec!r})\n"
        f"for n in range({times}): failpoint({name!r}); print(n, flush=True)"
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)


def test_an_unarmed_failpoint_does_nothing():
    arm("")

    failpoint("anywhere")

    assert failpoints._FAULTS == {}


def test_a_kill_strikes_at_the_pass_that_was_named():
    process = passing("other=kill place=kill@3", "place", 5)

    out, _ = process.communicate()

    assert process.returncode == -signal.SIGKILL
    assert out == b"0\n1\n"


def test_without_a_number_the_first_pass_is_meant():
    process = passing("place=kill", "place", 1)

    out, _ = process.communicate()

    assert process.returncode == -signal.SIGKILL
    assert out == b""


def test_a_fault_with_a_file_strikes_once_among_all_processes(tmp_path):
    spec = f"place=kill:{tmp_path / 'once'}"

    first = passing(spec, "place", 2)
    first.communicate()
    second = passing(spec, "place", 2)
    out, _ = second.communicate()

    assert first.returncode == -signal.SIGKILL
    assert second.returncode == 0
    assert out == b"0\n1\n"


def test_a_stop_can_be_continued():
    process = passing("place=stop", "place", 1)
    stopped = psutil.Process(process.pid)

    wait_until(lambda: stopped.status() == psutil.STATUS_STOPPED)
    os.kill(process.pid, signal.SIGCONT)
    out, _ = process.communicate()

    assert process.returncode == 0
    assert out == b"0\n"
