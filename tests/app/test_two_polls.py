"""`GET /jobs/{id}` is two APIs' poll: the id alone says whose."""

from __future__ import annotations

import pytest

from tasks.job import store
from tests.conftest import token

#: The error of the voting API for a job that is not there, and of the other without a credential.
VOTING = (404, {"error": "job not found", "code": 40026})
CREDENTIALS = (401, {"status": 401, "type": "Unauthorized", "message": "authentication required"})


@pytest.mark.parametrize(
    ("job_id", "answer"),
    [
        ("1", CREDENTIALS),
        ("2436", CREDENTIALS),
        ("0", CREDENTIALS),
        ("007", CREDENTIALS),
        ("9" * 20, CREDENTIALS),
        ("9" * 21, VOTING),
        ("0" * 32, VOTING),
        ("0" * 64, VOTING),
        ("a1b2c3", VOTING),
        ("2436a", VOTING),
        ("-1", VOTING),
        ("1.0", VOTING),
        ("%20", VOTING),
        ("24 36", VOTING),
        ("٢٤٣٦", VOTING),  # digits of another script are none of ours
        ("２４３６", VOTING),  # noqa: RUF001
        ("²", VOTING),
        ("é", VOTING),
        ("%00", VOTING),
    ],
)
def test_an_id_of_one_to_twenty_digits_asks_the_credentials_api(client, job_id, answer):
    got = client.get(f"/jobs/{job_id}")

    assert (got.status_code, got.json) == answer


def test_without_an_id_there_is_no_such_path(client):
    assert client.get("/jobs/").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic eDp5"},
        {"DOCK-API-TOKEN": "nonsense"},
        {"Authorization": f"Bearer {token('nobody', exp=1)}"},
    ],
)
def test_a_bad_credential_is_an_error_where_one_is_needed_only(client, headers):
    asked = client.get("/jobs/2436", headers=headers)
    public = client.get("/jobs/a1b2c3", headers=headers)

    assert (asked.status_code, asked.json["type"]) == (401, "Unauthorized")
    assert (public.status_code, public.json) == VOTING


def test_a_transaction_is_polled_by_its_account_alone(client, account, other_account, database):
    with database.statement() as connection:
        payload = {"event": "did_create", "subject": "did:jobspine:x", "user_data": "did:x"}
        job = store.NewJob("2436", "ledger_transaction", account.uid, "chain", None, payload)
        store.add(connection, [job])

    by_key = client.get("/jobs/2436", headers=account.headers)
    by_token = client.get("/jobs/2436", headers={"DOCK-API-TOKEN": account.key})
    by_jwt = client.get("/jobs/2436", headers={"Authorization": f"Bearer {token(account.uid)}"})
    other = client.get("/jobs/2436/", headers=other_account.headers)

    assert by_key.json == by_token.json == by_jwt.json == {"id": "2436", "status": "todo"}
    assert (other.status_code, other.json) == (
        404,
        {"status": 404, "type": "NotFound", "message": "job not found"},
    )
