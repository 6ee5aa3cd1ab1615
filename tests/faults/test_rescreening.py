"""The clock asks for runs, too; several workers look at it at once."""

from __future__ import annotations

from tests.conftest import wait_until
from tests.providers import Holding, found
from tests.screened import verify

PATIENT = {"WATCHLIST_SUBJECT_SECONDS": "60", "WATCHLIST_RUN_SECONDS": "60"}
PATIENT |= {"SWEEP_SECONDS": "0.1", "WORKER_PROCESSES": "1", "LEASE_SECONDS": "30"}


def test_what_is_due_is_screened_once_and_what_is_in_flight_is_left_alone(
    start_screening, screener, provider, database, service, wait, auditor, audit
):
    held = provider.does["Held"] = Holding(found())
    due = [verify(database, service, f"Acme {n}", "Ada", rescreen_days=30) for n in range(20)]
    busy = verify(database, service, "Held", rescreen_days=30)
    for _ in range(3):
        start_screening(**PATIENT)
    in_flight = screener.screen(busy)
    wait.until_claimed(in_flight)

    completed = "SELECT count(*) FROM jobs WHERE state = 'completed' AND id <> %s"
    for runs in (20, 40):
        auditor.rows("UPDATE verifications SET rescreen_at = now() - interval '1 hour'")
        wait_until(lambda runs=runs: auditor.one(completed, in_flight) == runs)
    holder = screener.holder(busy)
    held.free.set()
    wait.until_over()

    assert holder == in_flight
    assert auditor.one("SELECT count(*) FROM verifications WHERE rescreen_at < now()") == 0
    by_gate = auditor.rows("SELECT gate, count(*) AS runs FROM jobs GROUP BY gate")
    expected = {str(one.id): 2 for one in due} | {str(busy.id): 1}
    assert {row["gate"]: row["runs"] for row in by_gate} == expected
    assert auditor.one("SELECT count(*) FROM jobs WHERE state <> 'completed'") == 0
    sources = "SELECT DISTINCT payload ->> 'source_action' FROM jobs WHERE id <> %s"
    assert auditor.one(sources, in_flight) == "scheduled"
    assert auditor.moves(in_flight) == ["claim", "complete"]
    documents = screener.documents(due[0])
    assert {one["triggeredByAction"] for one in documents.values()} == {"scheduled"}
    audit()
