from __future__ import annotations

import json

import pytest

from tests.app import runs
from tests.app.conftest import Service, key_of, new_verification

# The document's two answers; only the time of the answer is put in.

COMPLETED = """{
  "timestamp": "2026-02-28T04:00:05.000Z",
  "serviceUid": "5qA5Hq0n1JQTY2TASItxYXSRyND3",
  "trace": "abc123-verification-trace",
  "path": "/v5/verifications/:trace/jobs/:type/:jobId",
  "pathParams": {
    "trace": "abc123-verification-trace",
    "type": "watchlist",
    "jobId": "V1StGXR8_Z5jdHi6B-myT"
  },
  "statusCode": 200,
  "message": "Job retrieved.",
  "help": null,
  "status": "success",
  "data": {
    "run": {
      "jobId": "V1StGXR8_Z5jdHi6B-myT",
      "type": "watchlist",
      "payload": {},
      "requestedAt": 1740715200000,
      "sourceAction": "manual-api"
    },
    "result": {
      "jobId": "V1StGXR8_Z5jdHi6B-myT",
      "type": "watchlist",
      "status": "completed",
      "attemptCount": 1,
      "startedAt": 1740715200120,
      "completedAt": 1740715203400
    }
  },
  "error": null
}"""
FAILED = """{
      "jobId": "V1StGXR8_Z5jdHi6B-myT",
      "type": "watchlist",
      "status": "failed",
      "attemptCount": 1,
      "errorSummary": "Job execution failed",
      "completedAt": 1740715230000
    }"""
JOB = "V1StGXR8_Z5jdHi6B-myT"
OTHER = "a" * 21
TIMES = """
    UPDATE jobs SET created_at = '2025-02-28T04:00:00Z', started_at = '2025-02-28T04:00:00.120Z',
                    finished_at = %s
"""


@pytest.fixture
def documented(auditor, database):
    """The document's service with a verification of the document's trace."""
    uid = "5qA5Hq0n1JQTY2TASItxYXSRyND3"
    auditor.rows("INSERT INTO services (uid) VALUES (%s)", uid)
    service = key_of(database, uid, channel="api")
    made = new_verification(database, service)
    auditor.rows("UPDATE verifications SET trace = 'abc123-verification-trace'")
    return service, made


@pytest.fixture
def poll(client, at, service):
    """Poll a run of this test's verification."""

    def ask(job_id: str, who: Service = service, kind: str = "watchlist"):
        return client.get(f"{at}/jobs/{kind}/{job_id}", headers=who.headers)

    return ask


def test_a_completed_run_is_the_documented_answer_byte_for_byte(
    client, documented, database, auditor
):
    service, verification = documented
    runs.complete(database, verification, JOB)
    auditor.rows(TIMES, "2025-02-28T04:00:03.400Z")
    url = f"/v5/verifications/abc123-verification-trace/jobs/watchlist/{JOB}"

    response = client.get(url, headers=service.headers)

    assert response.status_code == 200
    answered_at = response.json["timestamp"]
    expected = COMPLETED.replace("2026-02-28T04:00:05.000Z", answered_at)
    assert json.dumps(response.json, indent=2) == expected


def test_a_failed_run_is_the_documented_answer_and_has_no_start(
    client, documented, database, auditor
):
    service, verification = documented
    runs.fail(database, verification, JOB, error="Job execution failed")
    auditor.rows(TIMES, "2025-02-28T04:00:30Z")
    url = f"/v5/verifications/abc123-verification-trace/jobs/watchlist/{JOB}"

    response = client.get(url, headers=service.headers)

    assert response.status_code == 200
    assert (response.json["statusCode"], response.json["status"]) == (200, "success")
    assert set(response.json["data"]) == {"run", "result"}
    shown = json.dumps(response.json["data"]["result"], indent=2).replace("\n", "\n    ")
    assert shown == FAILED
    assert "startedAt" not in response.text
    assert set(response.json["data"]["run"]) == {
        "jobId",
        "type",
        "payload",
        "requestedAt",
        "sourceAction",
    }


def test_the_time_of_an_answer_is_utc_with_milliseconds(poll, database, verification):
    runs.record(database, verification, JOB)

    timestamp = poll(JOB).json["timestamp"]

    assert len(timestamp) == len("2026-02-28T04:00:05.000Z")
    assert (timestamp[10], timestamp[19], timestamp[-1]) == ("T", ".", "Z")


# The five statuses.


def test_a_pending_run_has_a_status_and_no_attempt(poll, database, verification):
    runs.record(database, verification, JOB)

    result = poll(JOB).json["data"]["result"]

    assert list(result.items()) == [
        ("jobId", JOB),
        ("type", "watchlist"),
        ("status", "pending"),
        ("attemptCount", 0),
    ]


def test_a_running_run_says_when_it_began(poll, database, verification, auditor):
    runs.begin(database, verification, JOB)
    auditor.rows("UPDATE jobs SET started_at = '2025-02-28T04:00:00.120Z'")

    assert list(poll(JOB).json["data"]["result"].items()) == [
        ("jobId", JOB),
        ("type", "watchlist"),
        ("status", "running"),
        ("attemptCount", 1),
        ("startedAt", 1740715200120),
    ]


def test_between_its_attempts_a_run_is_running(poll, database, verification):
    runs.retry(database, verification, JOB)

    result = poll(JOB).json["data"]["result"]

    assert (result["status"], result["attemptCount"]) == ("running", 1)
    assert "errorSummary" not in result


def test_every_claim_is_an_attempt_and_the_start_is_the_first(
    poll, database, verification, auditor
):
    runs.retry(database, verification, JOB)
    began = poll(JOB).json["data"]["result"]["startedAt"]
    auditor.rows("UPDATE jobs SET due_at = now()")
    runs.jobs.claim(database, JOB)

    result = poll(JOB).json["data"]["result"]

    assert (result["status"], result["attemptCount"]) == ("running", 2)
    assert result["startedAt"] == began


def test_a_rejected_run_names_the_run_that_holds_the_gate(poll, database, verification, auditor):
    runs.begin(database, verification, OTHER)
    runs.reject(database, verification, JOB, holder=OTHER)
    auditor.rows("UPDATE jobs SET finished_at = '2025-02-28T04:00:30Z' WHERE id = %s", JOB)

    response = poll(JOB)

    assert response.status_code == 200
    assert list(response.json["data"]["result"].items()) == [
        ("jobId", JOB),
        ("type", "watchlist"),
        ("status", "rejected"),
        ("attemptCount", 0),
        ("conflictingJobId", OTHER),
        ("completedAt", 1740715230000),
    ]


def test_what_is_asked_for_never_changes(poll, database, verification):
    job = runs.begin(database, verification, JOB, source_uid="u1", source_email="a@example.org")
    before = poll(JOB).json["data"]["run"]
    runs.end(database, job, runs.states.COMPLETE, result=runs.RESULT)

    assert poll(JOB).json["data"]["run"] == before
    assert list(before) == [
        "jobId", "type", "payload", "requestedAt", "sourceAction", "sourceUid", "sourceEmail",
    ]  # fmt: skip


@pytest.mark.parametrize("action", ["manual-api", "scheduled", "system"])
def test_a_run_that_nobody_in_person_asked_for_names_nobody(poll, database, verification, action):
    runs.record(database, verification, JOB, source_action=action)

    run = poll(JOB).json["data"]["run"]

    assert run["sourceAction"] == action
    assert set(run) == {"jobId", "type", "payload", "requestedAt", "sourceAction"}


# Polls that are refused.

NOT_FOUND = {"type": "not_found"}


@pytest.mark.parametrize("kind", ["x", "org_members", "Watchlist", "noop", "%00", "%ed%a0%80"])
def test_an_unknown_type_is_422(poll, database, verification, kind):
    runs.record(database, verification, JOB)

    response = poll(JOB, kind=kind)

    assert (response.status_code, response.json["data"]) == (422, None)
    assert response.json["error"] == {
        "type": "validation_error",
        "details": [
            {"message": "Unknown job type.", "code": "invalid_format", "path": ["type"]},
        ],
    }


@pytest.mark.parametrize("job", ["", "/", "/%20", "/%20%20/", "/%09"])
def test_an_empty_job_id_is_422(client, at, service, job):
    response = client.get(f"{at}/jobs/watchlist{job}", headers=service.headers)

    assert response.status_code == 422
    assert response.json["error"] == {
        "type": "validation_error",
        "details": [
            {"message": "The job id is empty.", "code": "invalid_format", "path": ["jobId"]},
        ],
    }


@pytest.mark.parametrize(
    "job", [OTHER, "x", "0" * 5000, "%00", "%ed%a0%80", "é", "a%20b", "%F0%9F"]
)
def test_an_unknown_job_is_404(poll, job):
    response = poll(job)

    assert (response.status_code, response.json["error"]) == (404, NOT_FOUND)


def test_a_run_of_another_verification_of_the_service_is_404(poll, database, service, verification):
    another = new_verification(database, service)
    runs.record(database, another, OTHER)
    runs.record(database, verification, JOB)

    assert poll(JOB).status_code == 200
    response = poll(OTHER)
    assert (response.status_code, response.json["error"]) == (404, NOT_FOUND)


def test_a_run_of_another_service_is_404_under_ones_own_trace(poll, database, other_service):
    runs.record(database, new_verification(database, other_service), OTHER)

    response = poll(OTHER)

    assert (response.status_code, response.json["error"]) == (404, NOT_FOUND)


def test_the_two_apis_do_not_show_each_others_jobs(
    client, poll, tenant, path, database, verification
):
    voting = client.post(path, json={"members": [{}]}, headers=tenant.headers).json["jobId"]
    runs.complete(database, verification, JOB)

    here, there = poll(voting), client.get(f"/jobs/{JOB}")

    assert (here.status_code, here.json["error"]) == (404, NOT_FOUND)
    assert (there.status_code, there.json) == (404, {"error": "job not found", "code": 40026})


def test_the_slash_at_the_end_makes_no_difference(client, at, service, database, verification):
    runs.record(database, verification, JOB)

    response = client.get(f"{at}/jobs/watchlist/{JOB}/", headers=service.headers)

    assert response.status_code == 200
    assert response.json["path"] == "/v5/verifications/:trace/jobs/:type/:jobId"
