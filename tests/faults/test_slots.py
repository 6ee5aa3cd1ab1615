"""Handlers that do not end, workers that are stopped or restarted, and two that begin at once."""

from __future__ import annotations

import os
import signal

import pytest

from tests.conftest import wait_until
from tests.faults.conftest import QUICK, Sender, wait_for_more


@pytest.mark.parametrize("kind", ["loops", "computes"])
def test_a_handler_that_never_ends_is_stopped_at_its_time_limit(
    start_worker, jobs, wait, auditor, audit, kind
):
    start_worker(**QUICK, WORKER_PROCESSES="1")
    endless = jobs.add(kind)

    wait.until_over(endless)
    after = jobs.add("noop", n=1)
    wait.until_over(after)

    ended = auditor.job(endless)
    assert (ended["state"], ended["code"], ended["failures"]) == ("failed", "attempts_exhausted", 2)
    assert ended["error"] == "gave up after 2 failures: the time limit was reached"
    assert auditor.moves(endless) == ["claim", "lose", "claim", "fail"]
    assert auditor.moves(after) == ["claim", "complete"]
    audit()


def test_a_stopped_worker_hands_back_what_takes_longer_than_its_grace(
    start_worker, jobs, wait, auditor, audit, tmp_path
):
    free = tmp_path / "free"
    first = start_worker(STOP_GRACE_SECONDS="0.5")
    job = jobs.add("holds", path=str(free))
    wait.until_claimed(job)

    first.signal(signal.SIGTERM)
    status = first.popen.wait(20)
    handed_back = auditor.job(job)
    free.touch()
    start_worker()
    wait.until_over(job)

    assert status == 0
    assert (handed_back["state"], handed_back["worker"]) == ("running", None)
    assert auditor.moves(job) == ["claim", "hand_back", "claim", "complete"]
    assert auditor.job(job)["failures"] == 0
    audit()


def test_a_stopped_worker_finishes_what_ends_within_its_grace(
    start_worker, jobs, wait, auditor, audit, tmp_path
):
    free = tmp_path / "free"
    worker = start_worker(STOP_GRACE_SECONDS="15")
    job = jobs.add("holds", path=str(free))
    wait.until_claimed(job)

    worker.signal(signal.SIGTERM)
    wait_until(lambda: len(worker.children()) == 1)  # the idle one leaves at once
    late = jobs.add("noop", n=1)
    free.touch()
    status = worker.popen.wait(20)

    assert status == 0
    assert auditor.moves(job) == ["claim", "complete"]
    assert auditor.job(late)["attempts"] == 0
    audit(over=False)


def test_a_hangup_changes_nothing_for_a_worker_process(
    start_worker, jobs, wait, auditor, audit, tmp_path
):
    free = tmp_path / "free"
    worker = start_worker(WORKER_PROCESSES="1")
    job = jobs.add("holds", path=str(free))
    wait.until_claimed(job)
    (before,) = worker.children()

    os.kill(before, signal.SIGHUP)
    free.touch()
    wait.until_over(job)
    after = jobs.add("noop", n=1)
    wait.until_over(after)

    assert worker.children() == [before]
    assert auditor.moves(job) == auditor.moves(after) == ["claim", "complete"]
    audit()


def test_restarts_one_after_another_lose_nothing(
    start_worker, member, recorder, wait, auditor, audit
):
    worker = start_worker(**QUICK)

    with Sender(member):
        for _ in range(3):
            wait_for_more(recorder.accepted)
            worker.signal(signal.SIGTERM)
            assert worker.popen.wait(20) == 0
            worker = start_worker(**QUICK)
    wait.until_over()

    counted = auditor.rows("SELECT sum(failures) AS failures, count(*) AS jobs FROM jobs")
    assert dict(counted[0]) == {"failures": 0, "jobs": len(recorder.accepted)}
    assert recorder.refused == []
    audit()


def test_two_workers_at_once_run_every_job_once(start_worker, jobs, wait, auditor, audit):
    made = jobs.add_many(300)

    start_worker()
    start_worker()
    wait.until_over()

    counted = auditor.rows(
        "SELECT count(*) AS jobs, min(attempts) AS least, max(attempts) AS most FROM jobs"
        " WHERE state = 'completed'"
    )
    assert dict(counted[0]) == {"jobs": len(made), "least": 1, "most": 1}
    audit()
