from __future__ import annotations

import re

import pytest

from tasks.records import registrations

DID = "did:cheqd:testnet:3b68ef6c-1eea-493e-9fd5-6f51e5a87fa9"
OTHER = "did:example:other"


@pytest.fixture
def move(database):
    """Bring something to a state, as the end of its job does."""

    def move(state: str, thing_id: str = DID) -> None:
        before = ["pending", "registered", "removing"]
        with database.transaction() as connection:
            registrations.move(connection, "did", thing_id, before=before, after=state)

    return move


@pytest.mark.parametrize(
    "body", [{}, {"json": {}}, {"data": b""}, {"data": b"", "content_type": "application/json"}]
)
def test_a_did_is_made_where_the_body_names_none(send, auditor, account, body):
    response = send("POST", "/dids", **body)

    assert response.status_code == 200
    did = response.json["data"]["did"]
    assert re.fullmatch("did:jobspine:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f-]{17}", did)
    assert response.json == {
        "id": response.json["id"],
        "data": {"did": did, "controller": did},
    }
    job = auditor.job(response.json["id"])
    assert job["id"].isdecimal()
    assert (job["type"], job["tenant"], job["state"]) == (
        "ledger_transaction", account.uid, "pending",
    )  # fmt: skip
    assert job["payload"] == {"event": "did_create", "subject": did, "user_data": did}


def test_ids_of_jobs_increase(send):
    first, second = (int(send("POST", "/dids").json["id"]) for _ in "ab")

    assert second > first


def test_a_did_and_its_controller_may_be_given_and_are_shown(send):
    given = {"did": DID, "controller": OTHER, "type": "cheqd", "keyType": "ed25519"}

    made = send("POST", "/dids", json=given).json

    assert made["data"] == {"did": DID, "controller": OTHER}
    document = {
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": DID,
        "controller": [OTHER],
        "status": "pending",
    }
    assert send("GET", f"/dids/{DID}").json == document
    assert send("GET", "/dids").json == [document]


def test_a_did_that_somebody_has_is_refused_until_it_is_known_to_have_failed(
    send, move, other_account, auditor
):
    send("POST", "/dids", json={"did": DID})
    taken = {"status": 400, "type": "AlreadyExists", "message": "this id is in use"}
    for state in ("pending", "registered", "removed"):
        move(state)
        for who in ({}, {"who": other_account}):
            response = send("POST", "/dids", json={"did": DID}, **who)
            assert (response.status_code, response.json) == (400, taken), state
    assert auditor.one("SELECT count(*) FROM jobs") == 1
    auditor.rows("UPDATE registrations SET state = 'failed'")

    assert send("POST", "/dids", json={"did": DID}, who=other_account).status_code == 200
    assert auditor.one("SELECT account_uid FROM registrations") == other_account.uid


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[]", "the body is no JSON object in UTF-8"),
        (b"nonsense", "the body is no JSON object in UTF-8"),
        (b"\xff", "the body is no JSON object in UTF-8"),
        (b'{"did": "x"}', "invalid values: did: Not a DID of the form did:method:id."),
        (b'{"did": "did:x:y\\n"}', "invalid values: did: Not a DID of the form did:method:id."),
        (b'{"did": "did:x:y/z"}', "invalid values: did: Not a DID of the form did:method:id."),
        (b'{"did": 7}', "invalid values: did: Not a valid string."),
        (
            b'{"controller": "did:x:' + b"y" * 300 + b'"}',
            "invalid values: controller: Longer than maximum length 256.",
        ),
    ],
)
def test_a_body_that_does_not_fit_is_a_400_and_leaves_nothing(send, stored, body, message):
    response = send("POST", "/dids", data=body)

    assert response.status_code == 400
    assert response.json == {"status": 400, "type": "ValidationError", "message": message}
    assert stored() == {}


def test_a_body_that_is_too_large_is_a_413(send):
    response = send("POST", "/dids", data=b" " * (64 * 1024 + 1))

    assert (response.status_code, response.json["type"]) == (413, "PayloadTooLarge")


def test_a_did_is_removed_behind_its_creation_and_only_once(send, auditor, move):
    made = send("POST", "/dids", json={"did": DID}).json

    first = send("DELETE", f"/dids/{DID}")
    second = send("DELETE", f"/dids/{DID}/")

    assert (first.status_code, first.json["data"]) == (200, {"status": "pending"})
    assert second.json == first.json
    assert auditor.job(first.json["id"])["payload"] == {
        "event": "did_delete",
        "subject": DID,
        "user_data": DID,
        "credentials": [],
        "after": made["id"],
    }
    assert send("GET", f"/dids/{DID}").json["status"] == "removing"
    move("removed")
    for method in ("GET", "DELETE"):
        assert send(method, f"/dids/{DID}").status_code == 404
    assert send("GET", "/dids").json == []


def test_what_is_somebody_elses_or_nobodys_is_not_found(send, other_account):
    send("POST", "/dids", json={"did": DID})
    missing = {"status": 404, "type": "NotFound", "message": "not found"}

    for method in ("GET", "DELETE"):
        for path, who in (
            (f"/dids/{DID}", {"who": other_account}),
            (f"/dids/{OTHER}", {}),
            ("/dids/x%00y", {}),
            ("/dids/%ed%a0%80", {}),
        ):
            response = send(method, path, **who)
            assert (response.status_code, response.json) == (404, missing)
    assert send("GET", "/dids", who=other_account).json == []


def test_a_list_is_given_part_by_part_in_the_order_of_registration(send):
    for n in range(3):
        send("POST", "/dids", json={"did": f"did:x:{n}"})

    def ids(query: str) -> list[str]:
        return [one["id"] for one in send("GET", f"/dids{query}").json]

    assert ids("") == ["did:x:0", "did:x:1", "did:x:2"]
    assert ids("?limit=2") == ["did:x:0", "did:x:1"]
    assert ids("?offset=2&limit=2") == ["did:x:2"]
    assert ids("?offset=3") == []
    for query in ("?limit=0", "?limit=65", "?limit=x", "?offset=-1", "?offset=%D9%A1"):
        response = send("GET", f"/dids{query}")
        assert (response.status_code, response.json["type"]) == (400, "ValidationError"), query


def test_the_same_request_with_the_same_key_is_one_transaction(send, auditor, other_account):
    key = {"headers": {"Idempotency-Key": "k"}}

    first = send("POST", "/dids", **key)
    again = send("POST", "/dids/", json={}, **key)
    another = send("POST", "/dids", json={"did": DID}, **key)
    strangers = send("POST", "/dids", who=other_account, **key)
    bad = send("POST", "/dids", headers={"Idempotency-Key": "x" * 256})

    assert again.json == first.json
    assert (another.status_code, another.json["type"]) == (422, "KeyReused")
    assert strangers.json["id"] != first.json["id"]
    assert (bad.status_code, bad.json["type"]) == (400, "ValidationError")
    assert auditor.one("SELECT count(*) FROM jobs") == 2


def test_a_removal_is_repeatable_too(send, move, auditor):
    send("POST", "/dids", json={"did": DID})
    key = {"headers": {"Idempotency-Key": "k"}}
    first = send("DELETE", f"/dids/{DID}", **key)
    move("removed")

    assert send("DELETE", f"/dids/{DID}", **key).json == first.json
    assert auditor.one("SELECT count(*) FROM jobs") == 2


def test_when_too_many_wait_for_the_chain_nothing_is_accepted(make_client, account, auditor):
    client = make_client(chain_queue_limit=2)
    for _ in range(2):
        assert client.post("/dids", headers=account.headers).status_code == 200

    response = client.post("/dids", headers=account.headers)

    assert response.status_code == 503
    assert response.json["type"] == "QueueFull"
    assert response.headers["Retry-After"] == "5"
    assert auditor.one("SELECT count(*) FROM registrations") == 2
