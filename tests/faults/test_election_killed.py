"""Workers are killed at every step of putting a process on chain, voting in it, and ending it."""

from __future__ import annotations

import pytest

from tasks.job.declare import discover
from tasks.job.dispatch import dispatch_one
from tasks.job.queue import Ringer
from tests.elections import payload
from tests.faults.ledger_audit import audit_ledger

#: In the order in which the jobs pass them; the last three are each type's own.
PLACES = [
    "ledger.signed",
    "ledger.kept",
    "ledger.sent",
    "ledger.heeded",
    "process.published",
    "vote.recorded",
    "process.moved",
]


@pytest.fixture
def relay(database, settings, tenant):
    """Dispatch a job past HTTP, as of this test's organization."""
    discover()
    ringer = Ringer(settings)
    return lambda kind, **given: dispatch_one(database, ringer, kind, given, tenant=tenant.address)


def test_a_process_is_on_chain_once_and_its_votes_count_once_whoever_is_killed(
    start_ledger, chain, draft, relay, wait, auditor, audit, tmp_path
):
    once = [tmp_path / place for place in PLACES]
    faults = " ".join(f"{place}=kill:{file}" for place, file in zip(PLACES, once, strict=True))
    start_ledger(WORKER_PROCESSES="2", FAILPOINTS=faults)
    registry = auditor.one("SELECT address FROM ledger_contracts WHERE name = 'ProcessRegistry'")

    publish = relay("publish_process", process=draft.id)
    wait.until_over(publish, seconds=60)
    address = auditor.job(publish)["result"]["address"]
    votes = [
        relay("relay_vote", vote=payload(n, process=address, registry=registry), nullifier=str(n))
        for n in range(3)
    ]
    wait.until_over(*votes, seconds=60)
    ended = relay("set_process_status", process=draft.id, status="ENDED")
    wait.until_over(ended, seconds=60)

    assert [file.exists() for file in once] == [True] * len(PLACES)
    jobs = [auditor.job(job) for job in (publish, *votes, ended)]
    assert {job["state"] for job in jobs} == {"completed"}
    assert sum(job["failures"] for job in jobs) == len(PLACES)
    (process,) = auditor.rows("SELECT * FROM processes")
    assert (process["address"], process["status"]) == (address, "ENDED")
    kept = auditor.rows("SELECT nullifier, weight FROM votes ORDER BY weight")
    assert [int(row["weight"]) for row in kept] == [1, 2, 5]
    assert {row["nullifier"] for row in kept} == {job["result"]["voteID"] for job in jobs[1:4]}
    audit()
    audit_ledger(auditor, chain)
