"""What a worker looks like that is stuck, dead, at work or idle, seen from outside."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tasks.watch import workers
from tests.conftest import wait_until
from tests.faults.conftest import QUICK, frozen, process_of


@pytest.fixture
def look(database):
    """Return the state of every worker, and why it is thought so, by its name."""

    def look():
        with database.statement() as connection:
            return {one.id: (one.state, one.why) for one in workers.everyone(connection)}

    return look


def test_a_stopped_worker_is_wedged_a_killed_one_dead_and_the_others_what_they_are(
    start_worker, jobs, wait, look, tmp_path
):
    parent = start_worker(**QUICK, WORKER_PROCESSES="3")
    busy = wait.until_claimed(jobs.add("holds", path=str(tmp_path / "never")))
    stuck, killed = (name for name in look() if name != busy)

    os.kill(process_of(stuck), signal.SIGSTOP)
    os.kill(process_of(killed), signal.SIGKILL)

    def states():
        return {name: look()[name][0] for name in (busy, stuck, killed)}

    wait_until(lambda: states() == {busy: "busy", stuck: "wedged", killed: "dead"})
    wait_until(lambda: ("idle", "nothing to do") in look().values())  # who took its place
    assert look()[killed][1] == "the worker process ended (SIGKILL)"
    assert look()[stuck][1].startswith("its process is there, and silent for ")

    parent.signal(signal.SIGKILL)  # what it started ends with it, and nobody is left to say so

    wait_until(lambda: states() == dict.fromkeys((busy, stuck, killed), "dead"))
    assert look()[stuck][1].startswith("no sign of life for ")


def test_a_worker_that_goes_on_with_a_job_it_lost_is_wedged_until_it_notices(
    start_worker, jobs, wait, look, tmp_path
):
    path = tmp_path / "free"
    start_worker(**QUICK)
    job = jobs.add("holds_each", path=str(path))
    late = wait.until_claimed(job)
    with frozen(process_of(late)):
        second = wait.until_claimed(job, attempt=2)

    wait_until(lambda: look()[late][1].startswith("its slot has been taken for "))
    wait_until(lambda: look()[second] == ("busy", "at work"))
    assert look()[late][0] == "wedged"

    Path(f"{path}.1").touch()

    wait_until(lambda: look()[late] == ("idle", "nothing to do"))
