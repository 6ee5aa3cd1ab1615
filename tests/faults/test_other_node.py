"""The same storm on another make of node: that ours passes is no wish."""

from __future__ import annotations

import os
import signal

from tests.conftest import wait_until
from tests.faults.conftest import QUICK
from tests.faults.ledger_audit import audit_ledger


def test_jobs_on_anvil_are_mined_once_though_workers_are_killed(
    anvil, start_worker, jobs, wait, auditor, audit
):
    known = {"CHAIN_RPC_URL": anvil.url, "CHAIN_KEYS": anvil.key}
    worker = start_worker(**QUICK, **known)
    wait.until_over(jobs.add("inscribes", name="first"))
    sent = [jobs.add("inscribes", name=f"name {n}") for n in range(60)]

    for done in (5, 20, 40):
        signed = "SELECT count(*) FROM ledger_attempts"
        wait_until(lambda: auditor.one(signed) > done)  # noqa: B023 - called at once
        for child in worker.children():
            os.kill(child, signal.SIGKILL)
    wait.until_over(*sent, seconds=90)

    assert {auditor.job(job)["state"] for job in sent} == {"completed"}
    audit()
    audit_ledger(auditor, anvil)
