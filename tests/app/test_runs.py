from __future__ import annotations

import re

import pytest

from tasks.job import idempotency
from tests.app import runs
from tests.app.conftest import key_of, new_verification

NANO_ID = "[0-9A-Za-z_-]{21}"
JOB = "a" * 21
RUNNING = {"running": runs.begin, "between two attempts": runs.retry}
ENDED = {
    "completed": runs.complete,
    "failed": lambda *given: runs.fail(*given, error="no answer"),
    "rejected": lambda *given: runs.reject(*given, holder="b" * 21),
}


def test_a_dispatch_is_202_and_says_triggered_with_the_job_id(trigger, service, verification):
    response = trigger()

    job_id = response.json["data"]["jobId"]
    assert re.fullmatch(NANO_ID, job_id)
    assert response.status_code == 202
    assert list(response.json.items()) == [
        ("timestamp", response.json["timestamp"]),
        ("serviceUid", service.uid),
        ("trace", verification.trace),
        ("path", "/v5/verifications/:trace/watchlist"),
        ("pathParams", {"trace": verification.trace}),
        ("statusCode", 202),
        ("message", "Watchlist screening triggered."),
        ("help", None),
        ("status", "success"),
        ("data", {"triggered": True, "jobId": job_id}),
        ("error", None),
    ]
    assert list(response.json["data"]) == ["triggered", "jobId"]


def test_what_was_dispatched_is_pending_and_can_be_polled(client, at, trigger, service):
    job_id = trigger().json["data"]["jobId"]

    poll = client.get(f"{at}/jobs/watchlist/{job_id}", headers=service.headers)

    assert poll.status_code == 200
    assert poll.json["data"]["run"]["payload"] == {}
    assert poll.json["data"]["result"]["status"] == "pending"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": b""},
        {"data": b"", "content_type": "application/json"},
        {"json": {}},
        {"data": b"{}", "content_type": "text/plain"},
        {"data": b"\xef\xbb\xbf{}"},
    ],
)
def test_a_dispatch_needs_no_body(trigger, body):
    assert trigger(**body).status_code == 202


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_422_and_dispatches_nothing(trigger, stored, body):
    before = stored()

    response = trigger(data=body)

    assert (response.status_code, response.json["error"]) == (
        422,
        {
            "type": "validation_error",
            "details": [
                {
                    "message": "the body is no JSON object in UTF-8",
                    "code": "invalid_format",
                    "path": [],
                }
            ],
        },
    )
    assert stored() == before


# The gate.


@pytest.mark.parametrize("case", RUNNING)
def test_while_a_run_is_running_a_dispatch_is_429_and_names_it(
    trigger, database, verification, stored, service, case
):
    RUNNING[case](database, verification, JOB)
    before = stored()

    response = trigger()

    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0
    assert list(response.json.items()) == [
        ("timestamp", response.json["timestamp"]),
        ("serviceUid", service.uid),
        ("trace", verification.trace),
        ("path", "/v5/verifications/:trace/watchlist"),
        ("pathParams", {"trace": verification.trace}),
        ("statusCode", 429),
        ("message", "Too many requests"),
        ("help", None),
        ("status", "error"),
        ("data", None),
        ("error", {"type": "too_many_requests", "conflictingJobId": JOB}),
    ]
    assert stored() == before


@pytest.mark.parametrize("case", ENDED)
def test_after_the_end_of_a_run_the_gate_is_free(trigger, database, verification, case):
    ENDED[case](database, verification, JOB)

    assert trigger().status_code == 202


def test_a_pending_run_does_not_hold_the_gate(trigger):
    first, second = trigger(), trigger()

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json["data"]["jobId"] != second.json["data"]["jobId"]


def test_each_verification_has_a_gate_of_its_own(trigger, database, service, verification):
    runs.begin(database, verification, JOB)
    another = new_verification(database, service)

    response = trigger(url=f"/v5/verifications/{another.trace}")

    assert response.status_code == 202


# Idempotency keys.


def test_the_same_key_and_request_give_the_same_job(trigger, stored):
    first, second = (trigger(headers={"Idempotency-Key": "k"}) for _ in range(2))

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json["data"] == second.json["data"]
    assert (stored()["jobs"], stored()["idempotency_keys"]) == (1, 1)


def test_the_same_key_gives_the_same_job_also_while_that_is_running(trigger, database):
    first = trigger(headers={"Idempotency-Key": "k"})
    runs.jobs.claim(database, first.json["data"]["jobId"])

    second = trigger(headers={"Idempotency-Key": "k"})

    assert (second.status_code, second.json["data"]) == (202, first.json["data"])


def test_the_key_with_another_request_is_422_and_dispatches_nothing(
    trigger, database, service, stored
):
    portal = key_of(database, service.uid, channel="portal")
    another = new_verification(database, service)
    key = {"Idempotency-Key": "k"}
    trigger(headers=key)
    before = stored()

    refused = [
        trigger(headers=key, url=f"/v5/verifications/{another.trace}"),
        trigger(portal, headers=key, json={"sourceUid": "u", "sourceEmail": "m@example.org"}),
    ]

    expected = {
        "type": "validation_error",
        "details": [
            {
                "message": "the idempotency key was used with a different request",
                "code": "key_reused",
                "path": [],
            }
        ],
    }
    assert [answer.status_code for answer in refused] == [422, 422]
    assert [answer.json["error"] for answer in refused] == [expected, expected]
    assert stored() == before


def test_a_twin_that_is_under_way_is_409(trigger, database, service, stored):
    before = stored()
    with idempotency.using(database, f"screening {service.uid}", "k"):
        response = trigger(headers={"Idempotency-Key": "k"})

    assert (response.status_code, response.json["error"]) == (409, {"type": "conflict"})
    assert response.json["message"] == "The same request is in progress"
    assert stored() == before
    assert trigger(headers={"Idempotency-Key": "k"}).status_code == 202


def test_a_refused_dispatch_does_not_use_the_key_up(trigger, database, verification):
    job = runs.begin(database, verification, JOB)
    refused = trigger(headers={"Idempotency-Key": "k"})
    runs.end(database, job, runs.states.COMPLETE, result=runs.RESULT)

    assert refused.status_code == 429
    assert trigger(headers={"Idempotency-Key": "k"}).status_code == 202


def test_the_same_key_of_another_service_is_independent(trigger, database, other_service):
    theirs = new_verification(database, other_service)
    key = {"Idempotency-Key": "k"}

    mine = trigger(headers=key)
    other = trigger(other_service, headers=key, url=f"/v5/verifications/{theirs.trace}")

    assert (mine.status_code, other.status_code) == (202, 202)
    assert mine.json["data"]["jobId"] != other.json["data"]["jobId"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "\u0085"])
def test_a_key_has_1_to_255_printable_characters(trigger, stored, key):
    before = stored()

    response = trigger(headers={"Idempotency-Key": key})

    assert response.status_code == 422
    assert response.json["error"]["details"] == [
        {
            "message": "Idempotency-Key must have 1 to 255 characters",
            "code": "invalid_format",
            "path": [],
        }
    ]
    assert stored() == before
