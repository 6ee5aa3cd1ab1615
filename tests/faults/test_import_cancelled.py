"""An operator cancels an import that is at work: what is in stays in, and nothing more comes."""

from __future__ import annotations

import pytest

from tests.app.conftest import new_operator
from tests.conftest import wait_until
from tests.faults.conftest import csv_rows, go_on
from workers.sweep import Sweep


@pytest.fixture
def order(member, database):
    """Give an order about a job as an operator."""
    mary = new_operator(database, "mary", "operator")

    def order(job_id, word):
        return member.api.post(f"/ops/v1/jobs/{job_id}/{word}", headers=mary.headers)

    return order


def test_a_running_import_that_is_cancelled_ends_behind_its_last_commit_for_good(
    start_worker, member, order, jobs, wait, auditor, audit, settings, database, tmp_path
):
    once = tmp_path / "once"
    fault = f"import.before_commit=stop@2:{once}"
    patient = {"LEASE_SECONDS": "60", "WORKER_PROCESSES": "1"}
    worker = start_worker(**patient, FAILPOINTS=fault)
    job = member.send_file(csv_rows(10_500))
    with member.polling(job):
        wait_until(once.exists)
        asked = order(job, "cancel")
        at_work = member.api.get(f"/jobs/{job}")
        go_on(*worker.children())
        wait.until_over(job)
        wait_until(lambda: member.progress(job)["progress"] == 100)
    after = jobs.add("noop")
    wait.until_over(after)
    kept = auditor.one("SELECT count(*) FROM members")

    assert asked.json()["asked"] == [job]
    assert at_work.json()["status"] == "pending"
    assert auditor.moves(job) == ["claim", "cancel"]
    assert member.api.get(f"/jobs/{job}").json() == {
        "jobId": job,
        "type": "org_members",
        "status": "failed",
        "error": "it was cancelled",
    }
    assert member.progress(job) == {
        "added": kept,
        "total": 10_500,
        "progress": 100,
        "errors": [
            "row 7: invalid-email",
            "row 11: wrong-number-of-fields",
            "it was cancelled",
        ],
    }
    assert 0 < kept < 10_499
    audit()

    again = order(job, "retry")
    auditor.rows("UPDATE jobs SET expires_at = now() - interval '2 hours' WHERE id = %s", job)
    wait_until(Sweep(settings, database, ["bulk"]).once)  # the first one of each clears at once
    cleared = member.api.get(f"/jobs/{job}")
    too_late = order(job, "retry")

    assert (cleared.status_code, again.status_code, too_late.status_code) == (404, 409, 404)
    assert [answer.json()["error"]["message"] for answer in (again, too_late)] == [
        "this cannot be done: the file was kept for the first job alone: send it again",
        "there is no such job",
    ]
    for table in ("uploads", "upload_pieces", "import_errors"):
        assert auditor.one(f"SELECT count(*) FROM {table}") == 0
    assert auditor.one("SELECT count(*) FROM members") == kept
