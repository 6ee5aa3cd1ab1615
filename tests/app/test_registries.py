from __future__ import annotations

import re

import pytest

from tasks.ledger.names import credential_name
from tasks.records import registrations

DID, SECOND = "did:x:issuer", "did:x:second"
CREDENTIAL = (
    "https://creds.dock.io/f087cbfabc90f8b996971ba47598e82b1a03523cb9460217ad58a819cd9c09eb"
)
#: Its hash, as any library of Ethereum's calculates it.
NAME = credential_name(CREDENTIAL)


@pytest.fixture
def registry(send):
    """A registry of this test: the answer to its creation."""
    body = {"addOnly": False, "policy": [DID, SECOND], "type": "StatusList2021Entry"}
    return send("POST", "/registries", json=body).json


@pytest.fixture
def path(registry) -> str:
    """Where this test's registry is."""
    return f"/registries/{registry['data']['id']}"


def test_a_registry_is_created_and_shown(send, registry, path, auditor):
    registry_id = registry["data"]["id"]

    assert re.fullmatch("[0-9a-f]{64}", registry_id)
    assert registry == {
        "id": registry["id"],
        "data": {
            "id": registry_id,
            "policy": {"type": "OneOf", "policy": [DID, SECOND], "addOnly": False},
        },
    }
    assert auditor.job(registry["id"])["payload"] == {
        "event": "registry_create",
        "subject": registry_id,
        "user_data": DID,
    }
    shown = {
        "id": registry_id,
        "addOnly": False,
        "policy": [DID, SECOND],
        "type": "StatusList2021Entry",
        "status": "pending",
    }
    assert send("GET", path).json == shown
    assert send("GET", "/registries").json == [shown]


def test_a_policy_is_enough(send):
    made = send("POST", "/registries", json={"policy": [DID], "more": 1}).json

    assert made["data"]["policy"] == {"type": "OneOf", "policy": [DID], "addOnly": False}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "policy: Missing data for required field."),
        ({"policy": []}, "policy: Length must be between 1 and 32."),
        ({"policy": [DID] * 33}, "policy: Length must be between 1 and 32."),
        ({"policy": DID}, "policy: Not a valid list."),
        ({"policy": ["x"]}, "policy.0: Not a DID of the form did:method:id."),
        ({"policy": [DID], "addOnly": "yes"}, "addOnly: Not a valid boolean."),
        ({"policy": [DID], "type": ""}, "type: Length must be between 1 and 64."),
    ],
)
def test_a_registry_that_does_not_fit_is_a_400(send, stored, body, message):
    response = send("POST", "/registries", json=body)

    assert (response.status_code, response.json["type"]) == (400, "ValidationError")
    assert response.json["message"] == f"invalid values: {message}"
    assert stored() == {}


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ({"action": "revoke"}, "credential_revoke"),
        ({}, "credential_revoke"),
        ({"action": "unrevoke"}, "credential_unrevoke"),
    ],
)
def test_credentials_are_revoked_by_the_hashes_of_their_ids(
    send, registry, path, auditor, action, event
):
    named = "0x" + "AB" * 32
    body = {**action, "credentialIds": [CREDENTIAL, named, CREDENTIAL]}

    response = send("POST", path, json=body)

    assert (response.status_code, response.json["data"]) == (
        200,
        {"revokeIds": [NAME, "0x" + "ab" * 32]},
    )
    assert auditor.job(response.json["id"])["payload"] == {
        "event": event,
        "subject": registry["data"]["id"],
        "user_data": DID,
        "credentials": [NAME, "0x" + "ab" * 32],
        "after": registry["id"],
    }


def test_each_change_comes_behind_the_one_before(send, registry, path, auditor):
    body = {"credentialIds": [CREDENTIAL]}
    ids = [registry["id"]]
    ids += [send("POST", path, json=body).json["id"] for _ in range(2)]
    ids.append(send("DELETE", path).json["id"])

    assert [auditor.job(one)["payload"].get("after") for one in ids] == [None, *ids[:-1]]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"credentialIds": []}, "credentialIds: Length must be between 1 and 256."),
        ({"credentialIds": ["x"] * 257}, "credentialIds: Length must be between 1 and 256."),
        ({}, "credentialIds: Missing data for required field."),
        ({"credentialIds": "x"}, "credentialIds: Not a valid list."),
        ({"credentialIds": {"a": 1}}, "credentialIds: Not a valid list."),
        ({"credentialIds": None}, "credentialIds: Field may not be null."),
        ({"credentialIds": [7]}, "credentialIds.0: Not a valid string."),
        ({"credentialIds": [None]}, "credentialIds.0: Field may not be null."),
        ({"credentialIds": [""]}, "credentialIds.0: Length must be between 1 and 500."),
        ({"credentialIds": ["a\0"]}, "credentialIds.0: Not a text."),
        (
            {"credentialIds": ["x"], "action": "destroy"},
            "action: Must be one of: revoke, unrevoke.",
        ),
        ({"credentialIds": ["x"], "action": 7}, "action: Not a valid string."),
    ],
)
def test_an_unknown_action_or_a_malformed_list_is_a_400(send, path, auditor, body, message):
    response = send("POST", path, json=body)

    assert response.json == {
        "status": 400,
        "type": "ValidationError",
        "message": f"invalid values: {message}",
    }
    assert response.status_code == 400
    assert auditor.one("SELECT count(*) FROM jobs") == 1


def test_a_registry_that_is_on_its_way_out_takes_no_more(send, path, auditor):
    first = send("DELETE", path)
    second = send("DELETE", path)
    late = send("POST", path, json={"credentialIds": ["x"]})

    assert first.json["data"] == {"status": "pending"}
    assert second.json == first.json
    assert (late.status_code, late.json["type"]) == (404, "NotFound")
    assert auditor.one("SELECT count(*) FROM jobs") == 2


def test_what_is_somebody_elses_or_nobodys_is_not_found(send, path, other_account):
    body = {"json": {"credentialIds": ["x"]}}
    for url, who in (
        (path, {"who": other_account}),
        ("/registries/x", {}),
        ("/registries/%00", {}),
    ):
        for method, given in (("GET", {}), ("POST", body), ("DELETE", {})):
            response = send(method, url, **who, **given)
            assert (response.status_code, response.json["type"]) == (404, "NotFound")


def test_what_is_revoked_can_be_looked_up_by_the_hash(send, registry, database, other_account):
    registry_id = registry["data"]["id"]
    status = f"/revocationStatus/{registry_id}"

    before = send("GET", f"{status}/{NAME[2:]}")
    with database.transaction() as connection:
        registrations.set_revoked(connection, registry_id, [NAME], revoked=True, nonce=1)

    assert (before.status_code, before.json) == (200, {"type": False})
    for name in (NAME, NAME[2:], NAME[2:].upper()):
        assert send("GET", f"{status}/{name}").json == {"type": True}
    assert send("GET", f"{status}/{'00' * 32}").json == {"type": False}
    assert send("GET", f"{status}/nonsense").status_code == 400
    assert send("GET", f"{status}/{NAME}", who=other_account).status_code == 404


def test_the_same_revocation_with_the_same_key_is_one_transaction(send, path, auditor):
    given = {"json": {"credentialIds": [CREDENTIAL]}, "headers": {"Idempotency-Key": "k"}}

    first, again = send("POST", path, **given), send("POST", path, **given)

    assert again.json == first.json
    assert auditor.one("SELECT count(*) FROM jobs") == 2
