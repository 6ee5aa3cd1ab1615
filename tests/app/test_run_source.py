from __future__ import annotations

import pytest

from tasks.job.declare import JOB_TYPES
from tasks.job.dispatch import dispatching
from tests.app import runs
from tests.app.conftest import key_of


@pytest.fixture
def source_of(client, at, service):
    """What a run says of who asked for it."""

    def ask(job_id: str) -> dict[str, str]:
        answer = client.get(f"{at}/jobs/watchlist/{job_id}", headers=service.headers)
        run = answer.json["data"]["run"]
        return {name: value for name, value in run.items() if name.startswith("source")}

    return ask


def test_a_run_that_a_program_asks_for_is_manual_api_and_names_nobody(trigger, source_of):
    job_id = trigger().json["data"]["jobId"]

    assert source_of(job_id) == {"sourceAction": "manual-api"}


@pytest.mark.parametrize("channel", ["portal", "admin"])
def test_a_portal_and_an_admin_say_whom_they_act_for(
    trigger, source_of, database, service, channel
):
    body = {"sourceUid": "user-7", "sourceEmail": "mary@example.org"}

    response = trigger(key_of(database, service.uid, channel=channel), json=body)

    assert response.status_code == 202
    assert source_of(response.json["data"]["jobId"]) == {
        "sourceAction": f"manual-{channel}",
        "sourceUid": "user-7",
        "sourceEmail": "mary@example.org",
    }


MISSING = "Missing data: say which user this is for."
UID = {"message": MISSING, "code": "required", "path": ["sourceUid"]}
EMAIL = {"message": MISSING, "code": "required", "path": ["sourceEmail"]}


@pytest.mark.parametrize("channel", ["portal", "admin"])
@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({}, [UID, EMAIL]),
        ({"sourceUid": "user-7"}, [EMAIL]),
        ({"sourceEmail": "mary@example.org"}, [UID]),
    ],
)
def test_a_portal_or_admin_that_does_not_say_whom_it_acts_for_is_422(
    trigger, database, service, stored, channel, body, details
):
    before = stored()

    response = trigger(key_of(database, service.uid, channel=channel), json=body)

    assert response.status_code == 422
    assert response.json["error"] == {"type": "validation_error", "details": details}
    assert stored() == before


@pytest.mark.parametrize("name", ["sourceUid", "sourceEmail"])
def test_a_program_that_claims_to_act_for_a_user_is_422(trigger, stored, name):
    before = stored()

    response = trigger(json={name: "mary@example.org"})

    assert response.status_code == 422
    assert response.json["error"]["details"] == [
        {
            "message": "Only the keys of portals and admins act for a user.",
            "code": "invalid_format",
            "path": [name],
        }
    ]
    assert stored() == before


BAD_SOURCES = {
    "an e-mail that is none": {"sourceUid": "user-7", "sourceEmail": "mary"},
    "a blank uid": {"sourceUid": " ", "sourceEmail": "mary@example.org"},
    "a NUL": {"sourceUid": "user\0", "sourceEmail": "mary@example.org"},
    "a NUL in the e-mail": {"sourceUid": "user-7", "sourceEmail": '"m\0"@example.org'},
    "a lone surrogate": {"sourceUid": "\ud800", "sourceEmail": "mary@example.org"},
    "a surrogate in the domain": {"sourceUid": "user-7", "sourceEmail": "mary@\ud800.org"},
    "a long uid": {"sourceUid": "u" * 129, "sourceEmail": "mary@example.org"},
    "an endless e-mail": {"sourceUid": "user-7", "sourceEmail": "m" * 300 + "@example.org"},
    "a number": {"sourceUid": 7, "sourceEmail": "mary@example.org"},
    "a list": {"sourceUid": ["u"], "sourceEmail": "mary@example.org"},
    "null": {"sourceUid": None, "sourceEmail": "mary@example.org"},
}


@pytest.mark.parametrize("case", BAD_SOURCES)
def test_whom_a_portal_acts_for_must_be_readable(trigger, database, service, stored, logged, case):
    before = stored()

    response = trigger(key_of(database, service.uid, channel="portal"), json=BAD_SOURCES[case])

    assert (response.status_code, response.json["error"]["type"]) == (422, "validation_error")
    assert stored() == before
    assert "mary" not in response.text
    assert "mary" not in logged()


def test_a_run_that_the_clock_asks_for_is_scheduled_and_names_nobody(
    client, at, app, service, source_of, auditor
):
    client.patch(at, json={"rescreenEveryDays": 7}, headers=service.headers)
    auditor.rows("UPDATE verifications SET rescreen_at = now()")
    wired = app.extensions["jobspine"]

    for _ in range(2):  # the second time it is no longer due
        with dispatching(wired.database, wired.ringer) as dispatch:
            JOB_TYPES["watchlist"].schedule(dispatch)

    (job,) = client.get(f"{at}/jobs", headers=service.headers).json["data"]["jobs"]
    assert source_of(job["run"]["jobId"]) == {"sourceAction": "scheduled"}


def test_a_run_that_an_operator_repeats_is_by_the_system_and_names_nobody(
    client, source_of, database, verification, mary
):
    asked = {"source_action": "manual-portal", "source_uid": "user-7", "source_email": "m@x.org"}
    job = runs.begin(database, verification, "a" * 21, **asked)
    runs.end(database, job, runs.states.FAIL, code="provider_failed", error="no answer")

    again = client.post(f"/ops/v1/jobs/{job.id}/retry", headers=mary.headers).json["as"]

    assert source_of(again) == {"sourceAction": "system"}
    assert source_of(job.id)["sourceEmail"] == "m@x.org"
