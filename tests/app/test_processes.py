from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from tests.elections import ADDRESS, QUESTIONS, new_election

NO_PROCESS = {"error": "process not found", "code": 40038}
FULL = {"error": "the transaction queue is full, nothing was accepted", "code": 50301}


@pytest.fixture
def draft_of(client, tenant, election):
    """Draft a process; fields may be given."""

    def send(**given):
        body = {
            "orgAddress": tenant.address,
            "censusId": election.census,
            "title": "Assembly",
            "questions": QUESTIONS,
            **given,
        }
        return client.post("/process", json=body, headers=tenant.headers)

    return send


@pytest.mark.usefixtures("registry")
def test_a_draft_is_a_bare_id_and_is_shown_to_anybody(client, tenant, election, draft_of):
    made = draft_of(startDate="2030-01-01T00:00:00+02:00", duration=3600, maxVoters=2)

    assert made.status_code == 200
    assert made.data == f'"{made.json}"\n'.encode()
    assert len(made.json) == 24
    shown = client.get(f"/process/{made.json}")
    assert shown.status_code == 200
    assert {k: v for k, v in shown.json.items() if k != "createdAt"} == {
        "id": made.json,
        "orgAddress": tenant.address,
        "censusId": election.census,
        "title": "Assembly",
        "description": "",
        "questions": [{**question, "description": ""} for question in QUESTIONS],
        "startDate": "2029-12-31T22:00:00Z",
        "endDate": None,
        "duration": 3600,
        "maxVoters": 2,
        "status": "DRAFT",
        "address": None,
        "chainId": 1337,
        "registry": "0x" + "c0" * 20,
        "publishedAt": None,
    }


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def test_a_draft_that_cannot_be_is_400_code_40004(client, tenant, draft_of, auditor):
    choice = {"title": "Yes"}
    wrong = [
        {"title": ""},
        {"title": None},
        {"questions": []},
        {"questions": [{"title": "x", "choices": []}]},
        {"questions": [{"title": "x", "choices": [choice] * 256}]},
        {"questions": [{"title": "x", "choices": [choice]}] * 65},
        {"questions": [{"title": "x\0", "choices": [choice]}]},
        {"questions": "x"},
        {"startDate": "2030-01-01"},
        {"startDate": "2030-01-01T00:00:00"},
        {"startDate": "0001-01-01T00:00:00+14:00"},
        {"startDate": "9999-12-31T23:59:59-14:00"},
        {"endDate": in_days(-1)},
        {"startDate": in_days(2), "endDate": in_days(1)},
        {"endDate": in_days(1), "duration": 60},
        {"duration": 0},
        {"duration": "60"},
        {"duration": 1e300},
        {"maxVoters": -1},
        {"maxVoters": 2**63},
        {"censusId": "x"},
        {"orgAddress": "0x12"},
        {"more": 1},
    ]

    answers = [draft_of(**given) for given in wrong]
    unread = client.post("/process", data=b"[]", headers=tenant.headers)

    assert {(a.status_code, a.json["code"]) for a in (*answers, unread)} == {(400, 40004)}
    assert answers[0].json["error"] == "malformed body: title: Length must be between 1 and 500."
    assert auditor.one("SELECT count(*) FROM processes") == 1


def test_a_draft_needs_a_census_of_the_same_organization(draft_of, database, stranger):
    theirs = new_election(database, stranger, address=None)

    for census in (theirs.census, "0" * 24):
        response = draft_of(censusId=census)
        assert (response.status_code, response.json["code"]) == (404, 40027)


def test_publishing_is_a_job_whose_location_is_said(client, tenant, draft):
    accepted = client.post(f"/process/{draft.id}/publish", headers=tenant.headers)

    job = accepted.json["jobId"]
    assert (accepted.status_code, accepted.json) == (202, {"jobId": job})
    assert len(job) == 64
    assert accepted.headers["Location"] == f"/jobs/{job}"
    assert client.get(f"/jobs/{job}").json == {
        "jobId": job,
        "type": "publish_process",
        "status": "pending",
    }
    assert client.get(f"/process/{draft.id}").json["status"] == "DRAFT"


def test_a_published_process_is_200_with_where_it_is(client, tenant, election):
    response = client.post(
        f"/process/{election.id}/publish", headers=tenant.headers, content_type="application/json"
    )

    assert (response.status_code, response.json) == (200, {"address": ADDRESS, "status": "READY"})


def test_a_publish_in_flight_is_409_and_one_that_failed_is_none(client, tenant, draft, auditor):
    at = f"/process/{draft.id}/publish"
    first = client.post(at, headers=tenant.headers).json["jobId"]

    second = client.post(at, headers=tenant.headers)
    auditor.rows(
        "UPDATE jobs SET state = 'failed', attempts = 1, failures = 1, started_at = now(),"
        " finished_at = now(), expires_at = now(), code = 'reverted', error = 'x' WHERE id = %s",
        first,
    )
    third = client.post(at, headers=tenant.headers)

    assert (second.status_code, second.json) == (
        409,
        {"error": f"process publish already in progress: {first}", "code": 40903},
    )
    assert second.headers["Retry-After"] == "2"
    assert third.status_code == 202


def test_of_fifty_publishes_at_once_one_makes_a_job(app, tenant, draft, auditor):
    barrier = threading.Barrier(50)
    statuses = []

    def send():
        barrier.wait()
        at = f"/process/{draft.id}/publish"
        statuses.append(app.test_client().post(at, headers=tenant.headers).status_code)

    threads = [threading.Thread(target=send) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [202] + [409] * 49
    assert auditor.one("SELECT count(*) FROM jobs") == 1


def test_a_process_whose_census_is_not_published_is_400_code_40004(client, tenant, database):
    early = new_election(database, tenant, published=False, address=None)

    response = client.post(f"/process/{early.id}/publish", headers=tenant.headers)

    assert (response.status_code, response.json) == (
        400,
        {"error": "the census is not fit for this: it is not published", "code": 40004},
    )


def test_what_is_not_there_is_404_code_40038(client, tenant):
    for process in ("0" * 24, "x", "%00"):
        at = f"/process/{process}"
        answers = [
            client.get(at),
            client.post(f"{at}/publish", headers=tenant.headers),
            client.put(f"{at}/status", json={"status": "ended"}, headers=tenant.headers),
            client.get(f"{at}/results"),
            client.get(f"{at}/votes"),
        ]
        assert [(a.status_code, a.json) for a in answers] == [(404, NO_PROCESS)] * 5


def test_a_status_is_changed_by_a_job(client, tenant, election, auditor):
    at = f"/process/{election.id}/status"

    for word in ("ready", "paused", "ended", "canceled"):
        accepted = client.put(at, json={"status": word}, headers=tenant.headers)

        job = accepted.json["jobId"]
        assert (accepted.status_code, len(job)) == (202, 64)
        assert accepted.headers["Location"] == f"/jobs/{job}"
        assert auditor.job(job)["type"] == "set_process_status"
        assert auditor.job(job)["payload"] == {"process": election.id, "status": word.upper()}


def test_another_word_is_400_code_40004(client, tenant, election, stored):
    at = f"/process/{election.id}/status"
    bodies = [{"status": "results"}, {"status": "READY"}, {"status": None}, {}, [], "ended"]

    answers = [client.put(at, json=body, headers=tenant.headers) for body in bodies]
    answers.append(client.put(at, data=b"ended", headers=tenant.headers))

    assert {(a.status_code, a.json["code"]) for a in answers} == {(400, 40004)}
    assert stored() == {}


def test_the_status_of_a_draft_is_404_code_40038(client, tenant, draft):
    at = f"/process/{draft.id}/status"

    response = client.put(at, json={"status": "ended"}, headers=tenant.headers)

    assert (response.status_code, response.json) == (
        404,
        {"error": "process not found: it is not published", "code": 40038},
    )


def test_a_full_queue_is_503_code_50301_until_a_job_ends(make_client, tenant, election, auditor):
    client = make_client(chain_queue_limit=2)
    at = f"/process/{election.id}/status"
    send = lambda: client.put(at, json={"status": "paused"}, headers=tenant.headers)  # noqa: E731

    taken = [send(), send()]
    refused = send()
    auditor.rows(
        "UPDATE jobs SET state = 'rejected', conflict = 'x', finished_at = now(),"
        " expires_at = now() WHERE id = %s",
        taken[0].json["jobId"],
    )
    after = send()

    assert [a.status_code for a in taken] == [202, 202]
    assert (refused.status_code, refused.json) == (503, FULL)
    assert refused.headers["Retry-After"] == "5"
    assert after.status_code == 202


def test_the_same_key_gives_the_same_job_even_when_it_is_published_meanwhile(
    client, tenant, draft, auditor
):
    headers = {**tenant.headers, "Idempotency-Key": "k"}
    at = f"/process/{draft.id}/publish"

    one = client.post(at, headers=headers)
    auditor.rows(
        "UPDATE processes SET address = %s, status = 'READY', status_nonce = 1,"
        " published_at = now() WHERE id = %s",
        ADDRESS,
        draft.id,
    )
    two = client.post(at, headers=headers)
    without = client.post(at, headers=tenant.headers)

    assert (two.status_code, two.data) == (202, one.data)
    assert without.status_code == 200
