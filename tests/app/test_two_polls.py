"""`GET /jobs/{id}` serves two APIs: the id says which, before anybody looks at credentials."""

from __future__ import annotations

import pytest

from tasks.job import states
from tests.conftest import token
from tests.tasks.job.jobs import advance, claim, claimed, record

ARABIC = "\u0661\u0662\u0663"
OURS = {"status": 401, "type": "Unauthorized", "message": "authentication required"}
THEIRS = {"error": "job not found", "code": 40026}
DID = "did:cheqd:testnet:f48d2ace-4947-4cb7-8550-1cef3d63e651"
TRANSACTION = {
    "type": "ledger_transaction",
    "queue": "chain",
    "payload": {"event": "did_create", "subject": DID, "user_data": DID},
}


@pytest.mark.parametrize(
    ("job_id", "status", "body"),
    [
        ("1", 401, OURS),
        ("2436", 401, OURS),
        ("0000000001", 401, OURS),
        ("1" * 20, 401, OURS),
        ("1" * 21, 404, THEIRS),
        ("1" * 32, 404, THEIRS),
        ("0" * 64, 404, THEIRS),
        ("a", 404, THEIRS),
        ("12a", 404, THEIRS),
        ("0x12", 404, THEIRS),
        ("-1", 404, THEIRS),
        ("+1", 404, THEIRS),
        ("1.0", 404, THEIRS),
        ("1_0", 404, THEIRS),
        ("%201", 404, THEIRS),
        ("1%20", 404, THEIRS),
        ("1%0A", 404, THEIRS),
        ("1%00", 404, THEIRS),
        ("", 404, {"error": "no such path", "code": 40400}),
        # Digits to some, but not in ASCII.
        (ARABIC, 404, THEIRS),
        ("\uff11", 404, THEIRS),
        ("\u00b2", 404, THEIRS),
        ("\u0967", 404, THEIRS),
        ("f" * 32, 404, THEIRS),
    ],
)
def test_the_id_says_which_api_is_asked(client, job_id, status, body):
    expired = {"Authorization": f"Bearer {token('x', exp=1)}"}
    for headers in ({}, expired):
        response = client.get(f"/jobs/{job_id}", headers=headers)

        assert (response.status_code, response.json) == (status, body)


def test_a_method_that_is_none_is_refused_in_the_form_of_the_api_that_is_asked(client):
    assert client.post("/jobs/1").json["type"] == "MethodNotAllowed"
    assert client.post("/jobs/a").json["code"] == 40500


def test_a_transaction_is_polled_from_its_beginning_to_its_end(client, database, account):
    def poll(path: str = "/jobs/2436"):
        return client.get(path, headers=account.headers).json

    record(database, "2436", tenant=account.uid, **TRANSACTION)
    first = poll()
    job = claim(database, "2436")
    second = poll("/jobs/2436/")
    result = {"encoded_tx": "0x9101", "user_data": DID, "in_block": "0x42a2"}
    advance(database, job, states.COMPLETE, result=result, keep=60)

    assert first == {"id": "2436", "status": "todo"}
    assert second == {"id": "2436", "status": "in_progress"}
    assert poll() == {
        "id": "2436",
        "result": {
            "encodedTx": "0x9101",
            "userData": DID,
            "result": {"InBlock": "0x42a2"},
        },
        "status": "finalized",
    }


def test_a_failed_transaction_is_a_200_with_its_reason(client, database, account):
    job = claimed(database, "1", tenant=account.uid, **TRANSACTION)
    advance(database, job, states.FAIL, code="reverted", error="AlreadyExists", keep=60)

    response = client.get("/jobs/1", headers=account.headers)

    assert (response.status_code, response.json) == (
        200,
        {
            "id": "1",
            "result": {"userData": DID, "error": "AlreadyExists"},
            "status": "error",
        },
    )


def test_somebody_elses_transaction_and_what_is_none_are_not_found(
    client, database, account, other_account
):
    record(database, "1", tenant=other_account.uid, **TRANSACTION)
    record(database, "2", tenant=account.uid, type="noop")
    record(database, "f" * 32, tenant=account.uid, **TRANSACTION)

    for job_id in ("1", "2", "3"):
        response = client.get(f"/jobs/{job_id}", headers=account.headers)
        assert response.status_code == 404
        assert response.json == {"status": 404, "type": "NotFound", "message": "job not found"}
    # A transaction is nobody's business at the public poll, by whatever id.
    assert client.get(f"/jobs/{'f' * 32}", headers=account.headers).json == THEIRS


def test_a_job_of_the_voting_api_is_public_whatever_the_credentials(client, database):
    record(database, "a" * 32, type="noop")

    for headers in ({}, {"Authorization": "Bearer x"}, {"DOCK-API-TOKEN": "x"}):
        response = client.get(f"/jobs/{'a' * 32}", headers=headers)
        assert (response.status_code, response.json["status"]) == (200, "pending")
