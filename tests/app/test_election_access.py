"""Who may make groups, censuses and processes, and act on them."""

from __future__ import annotations

import pytest

from tasks.records import voting
from tests.conftest import token

HEX = "0" * 24


@pytest.fixture
def calls(tenant, election, draft):
    """Every call that needs a credential of the organization: how, where, with what, and scope."""
    org, census = f"/organizations/{tenant.address}", f"/census/{election.census}"
    status = {"status": "ended"}
    return [
        ("POST", f"{org}/groups", {"title": "x", "includeAllMembers": True}, "members:write"),
        ("GET", f"{org}/groups", None, "members:read"),
        ("GET", f"{org}/groups/{HEX}", None, "members:read"),
        ("POST", "/census", {"orgAddress": tenant.address}, "census:write"),
        ("GET", census, None, "census:read"),
        ("POST", census, {"memberIds": [HEX]}, "census:write"),
        ("POST", f"{census}/publish", None, "census:write"),
        ("POST", "/process", process_of(tenant, election), "processes:write"),
        ("POST", f"/process/{draft.id}/publish", None, "processes:write"),
        ("PUT", f"/process/{election.id}/status", status, "processes:write"),
    ]


def process_of(tenant, election):
    question = {"title": "x", "choices": [{"title": "y"}]}
    body = {"title": "x", "questions": [question], "censusId": election.census}
    return {**body, "orgAddress": tenant.address}


@pytest.fixture
def send(client, calls):
    """Send every one of the calls with a credential."""

    def each(credential):
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        return [
            client.open(path, method=method, json=body, headers=headers)
            for method, path, body, _ in calls
        ]

    return each


def test_without_a_credential_it_is_401_code_40001_and_with_a_bad_key_40156(send):
    for credential, code in ((None, 40001), ("x.y.z", 40001), ("vsk_" + "0" * 64, 40156)):
        assert {(a.status_code, a.json["code"]) for a in send(credential)} == {(401, code)}


def test_another_organizations_credential_is_403_code_40158(send, stranger, stored):
    answers = [*send(stranger.key), *send(token("somebody"))]

    assert {(a.status_code, a.json["code"]) for a in answers} == {(403, 40158)}
    assert stored() == {}


def test_a_key_needs_the_scope_of_the_call_and_no_other(send, calls, database, tenant):
    scopes = {scope for *_, scope in calls}
    keys = {}
    with database.transaction() as connection:
        for scope in scopes:
            lacking = [one for one in voting.SCOPES if one != scope]
            keys[scope] = [
                voting.add_api_key(connection, tenant.id, name="", scopes=given)
                for given in (lacking, [scope])
            ]
    answers = {scope: [send(key) for key in pair] for scope, pair in keys.items()}

    for n, (*_, scope) in enumerate(calls):
        lacking, having = (of_key[n] for of_key in answers[scope])
        assert (lacking.status_code, lacking.json) == (
            403,
            {"error": f"the API key lacks the scope for this: {scope}", "code": 40158},
        )
        assert having.status_code in {200, 202, 400, 404, 409}


def test_a_manager_may_do_all_of_it(send, database, tenant):
    with database.transaction() as connection:
        voting.grant_role(connection, tenant.id, "mary", "manager")

    assert {answer.status_code for answer in send(token("mary"))} <= {200, 202, 400, 404}
