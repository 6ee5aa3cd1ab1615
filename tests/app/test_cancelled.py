from __future__ import annotations

import pytest

from tasks.job import orders
from tests.app import runs
from tests.tasks.job.jobs import claimed, record


@pytest.mark.parametrize("begun", [False, True])
def test_a_cancelled_job_has_failed_in_every_api(
    client, database, tenant, account, verification, service, auditor, begun
):
    add = claimed if begun else record
    add(database, "import", type="org_members", tenant=tenant.address, payload={})
    scope = {"tenant": service.uid, "queue": "screening", "gate": str(verification.id)}
    payload = {"verification": verification.id, "source_action": "manual-api"}
    add(database, "run", type="watchlist", payload=payload, **scope)
    event = {"event": "did_create", "subject": "did:x:y", "user_data": "did:x:y"}
    add(database, "12", type="ledger_transaction", tenant=account.uid, payload=event)
    # Those that have begun wait for their next attempt.
    auditor.rows("UPDATE jobs SET worker = NULL, lease_until = NULL")
    with database.transaction() as connection:
        orders.cancel(connection, ["import", "run", "12"], by="zoe")

    voting = client.get("/jobs/import").json
    at = f"/v5/verifications/{verification.trace}/jobs/watchlist/run"
    screening = client.get(at, headers=service.headers).json["data"]["result"]
    credentials = client.get("/jobs/12", headers=account.headers).json

    assert (voting["status"], voting["error"]) == ("failed", "it was cancelled")
    assert (screening["status"], screening["attemptCount"]) == ("failed", int(begun))
    assert credentials["status"] == "error"
    assert "zoe" not in f"{voting}{screening}{credentials}"


def test_a_cancelled_run_ends_and_frees_its_gate_in_one_commit(
    client, at, trigger, database, verification, service
):
    job_id = runs.retry(database, verification, "a" * 21)

    def look() -> tuple[str, int]:
        shown = client.get(f"{at}/jobs/watchlist/{job_id}", headers=service.headers)
        return shown.json["data"]["result"]["status"], trigger().status_code

    with database.transaction() as connection:
        orders.cancel(connection, [job_id], by="zoe")
        before = look()

    assert before == ("running", 429)
    assert look() == ("failed", 202)
