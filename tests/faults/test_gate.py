"""One run of a verification at a time, whoever asks for it, however often, and whatever dies."""

from __future__ import annotations

import signal

from tasks.job import orders
from tests.conftest import wait_until
from tests.faults.conftest import go_on
from tests.faults.screener import hurry
from tests.providers import Holding, fails, found
from tests.screened import verify

SLOW = {"LEASE_SECONDS": "60", "RENEW_SECONDS": "5"}
PATIENT = {"WATCHLIST_SUBJECT_SECONDS": "60", "WATCHLIST_RUN_SECONDS": "60"}


def test_many_dispatches_at_once_run_one_at_a_time_for_each_verification(
    start_screening, start_screener, provider, database, service, recorder, wait, auditor, audit
):
    held = provider.does["Held"] = Holding(found())
    screener = start_screener(apis=2, WEB_PROCESSES="2")
    start_screening(**PATIENT, WORKER_PROCESSES="3")
    busy = verify(database, service, "Held")
    many = [verify(database, service, f"Acme {number}", "Ada") for number in range(50)]

    answers = screener.dispatch_at_once([one for one in many for _ in range(4)] + [busy] * 200)
    holder = wait_until(lambda: provider.asked["Held"]) and screener.holder(busy)
    left = "SELECT count(*) FROM jobs WHERE finished_at IS NULL AND id <> %s"
    wait_until(lambda: auditor.one(left, holder) == 0)
    held.free.set()
    wait.until_over()

    statuses = {answer.status_code for answer in answers}
    assert statuses <= {202, 429}
    assert len(recorder.accepted) + len(recorder.refused) == 401
    states = "SELECT state, count(*) AS runs, min(conflict) AS conflict FROM jobs WHERE gate = %s"
    by_state = auditor.rows(f"{states} GROUP BY state", str(busy.id))
    assert {row["state"]: row["runs"] for row in by_state}["completed"] == 1
    assert {row["conflict"] for row in by_state} <= {None, holder}
    assert screener.run(busy, holder)["status"] == "completed"
    completed = "SELECT count(DISTINCT gate) FROM jobs WHERE state = 'completed'"
    assert auditor.one(completed) == 51
    assert (
        auditor.one("SELECT count(*) FROM jobs WHERE state NOT IN ('completed', 'rejected')") == 0
    )
    audit()


def test_of_two_accepted_runs_the_second_to_be_claimed_is_rejected_and_says_why(
    start_screening, screener, database, service, wait, auditor, audit, tmp_path
):
    once = tmp_path / "once"
    acme = verify(database, service, "Acme", "Ada")
    both = {screener.screen(acme), screener.screen(acme)}

    first = start_screening(**SLOW, WORKER_PROCESSES="1", FAILPOINTS=f"runner.claimed=stop:{once}")
    wait_until(once.exists)
    holder = screener.holder(acme)
    start_screening(**SLOW, WORKER_PROCESSES="1")
    (second,) = both - {holder}
    wait.until_over(second)
    rejected = screener.run(acme, second)
    go_on(*first.children())
    wait.until_over()

    assert rejected.pop("completedAt") > 0
    assert rejected == {
        "jobId": second,
        "type": "watchlist",
        "status": "rejected",
        "attemptCount": 0,
        "conflictingJobId": holder,
    }
    assert screener.run(acme, second)["status"] == "rejected"
    assert screener.run(acme, holder)["status"] == "completed"
    assert auditor.moves(second) == ["reject"]
    assert auditor.moves(holder) == ["claim", "complete"]
    audit()


def test_a_run_that_waits_for_its_next_attempt_keeps_the_gate_although_its_worker_is_killed(
    start_screening, screener, provider, database, service, wait, auditor, audit
):
    provider.otherwise = fails(503)
    acme = verify(database, service, "Acme", "Ada")
    worker = start_screening(**SLOW, WORKER_PROCESSES="1")

    job = screener.screen(acme)
    wait_until(lambda: auditor.moves(job) == ["claim", "retry"])
    auditor.rows("UPDATE jobs SET due_at = now() + interval '1 hour'")
    worker.signal_all(signal.SIGKILL)
    worker.popen.wait()
    holder = screener.holder(acme)
    waiting = screener.run(acme, job)
    provider.otherwise = found()
    start_screening(WORKER_PROCESSES="1")
    hurry(auditor)
    wait.until_over()

    assert holder == job
    assert (waiting["status"], waiting["attemptCount"]) == ("running", 1)
    assert auditor.moves(job) == ["claim", "retry", "claim", "complete"]
    assert screener.run(acme, job)["attemptCount"] == 2
    wait.until_over(screener.screen(acme))
    audit()


def test_a_run_that_is_cancelled_at_work_keeps_the_gate_until_it_has_failed(
    start_screening, screener, provider, database, service, wait, auditor, audit
):
    held = provider.does["Bob"] = Holding(found())
    acme = verify(database, service, "Acme", "Ada", "Bob")
    start_screening(**PATIENT, WORKER_PROCESSES="1")
    job = screener.screen(acme)
    wait_until(lambda: auditor.one("SELECT count(*) FROM screenings") == 2)

    with database.transaction() as connection:
        done = orders.cancel(connection, [job], by="mary")
    status, holder = screener.run(acme, job)["status"], screener.holder(acme)
    held.free.set()
    wait_until(lambda: screener.run(acme, job)["status"] == "failed")
    again = screener.screen(acme)
    wait.until_over(again)

    cancelled = screener.run(acme, job)
    assert cancelled.pop("completedAt") > 0
    assert (done.asked, status, holder) == ([job], "running", job)
    assert cancelled == {
        "jobId": job,
        "type": "watchlist",
        "status": "failed",
        "attemptCount": 1,
        "errorSummary": "it was cancelled",
    }
    assert auditor.moves(job) == ["claim", "cancel"]
    assert auditor.one("SELECT count(*) FROM screenings WHERE job_id = %s", job) == 2
    assert screener.risk(acme)["jobId"] == again
    audit()
