"""A worker that puts something on chain is killed at every step of the way."""

from __future__ import annotations

import signal

import pytest

from tests.conftest import wait_until
from tests.faults.ledger_audit import audit_ledger

#: In the order in which they are passed, with what happens to the attempt.
PLACES = [
    "ledger.before_nonce=kill",
    "ledger.nonce_taken=kill",
    "ledger.signed=kill",
    "step.before_commit=kill",
    "ledger.kept=kill",
    "ledger.sent=kill",
    "runner.before_settle=kill",
    "runner.claimed=kill@2",
    "runner.before_settle=kill@2",
]


@pytest.mark.parametrize("place", PLACES)
def test_a_transaction_whose_worker_was_killed_is_mined_once(
    place, start_ledger, chain, jobs, wait, auditor, audit, tmp_path
):
    start_ledger(WORKER_PROCESSES="1", FAILPOINTS=f"{place}:{tmp_path / 'once'}")

    first = jobs.add("inscribes", name="one")
    wait.until_over(first)
    # Whatever was left behind holds up nobody.
    second = jobs.add("inscribes", name="two")
    wait.until_over(second)

    assert [auditor.job(job)["state"] for job in (first, second)] == ["completed", "completed"]
    assert (tmp_path / "once").exists()
    assert auditor.moves(first).count("lose") == 1
    audit()
    audit_ledger(auditor, chain)


def test_a_job_goes_on_when_whoever_looked_after_transactions_is_killed(
    start_ledger, chain, jobs, wait, auditor, audit
):
    killed = start_ledger()
    wait.until_over(jobs.add("inscribes", name="one"))
    chain.pause()
    sent = [jobs.add("inscribes", name=f"name {n}") for n in range(10)]
    wait_until(
        lambda: (
            auditor.one("SELECT count(*) FROM ledger_attempts WHERE sent_at > '-infinity'") >= 10
        )
    )

    killed.signal_all(signal.SIGKILL)
    chain.resume()
    start_ledger()
    wait.until_over(*sent)

    assert {auditor.job(job)["state"] for job in sent} == {"completed"}
    audit()
    audit_ledger(auditor, chain)


def test_two_hundred_jobs_of_one_signer_on_two_workers_follow_each_other(
    start_ledger, chain, jobs, wait, auditor, audit
):
    start_ledger()
    start_ledger()

    sent = [jobs.add("inscribes", name=f"name {n}") for n in range(200)]
    wait.until_over(*sent, seconds=90)

    assert {auditor.job(job)["state"] for job in sent} == {"completed"}
    audit()
    audit_ledger(auditor, chain)
