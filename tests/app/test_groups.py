from __future__ import annotations

import pytest

from tests.elections import add_members

ANYBODY = (None, 1)


@pytest.fixture
def groups(tenant) -> str:
    """Where the groups of this test's organization are."""
    return f"/organizations/{tenant.address}/groups"


def test_a_group_of_some_members_is_made_listed_and_shown(client, tenant, groups, auditor):
    one, two, _ = add_members(auditor, tenant, ANYBODY, ANYBODY, ANYBODY)
    body = {"title": "Board", "description": "Of 2026", "memberIds": [one, two, one]}

    made = client.post(groups, json=body, headers=tenant.headers)
    everybody = {"title": "All", "includeAllMembers": True}
    client.post(groups, json=everybody, headers=tenant.headers)

    assert made.status_code == 200
    assert list(made.json) == ["id"]
    assert len(made.json["id"]) == 24
    shown = client.get(f"{groups}/{made.json['id']}", headers=tenant.headers).json
    assert shown.pop("createdAt").endswith("Z")
    assert shown == {
        "id": made.json["id"],
        "title": "Board",
        "description": "Of 2026",
        "includeAllMembers": False,
        "membersCount": 2,
    }
    listed = client.get(f"{groups}?limit=1&page=2", headers=tenant.headers).json
    assert listed["pagination"] == {
        "totalItems": 2,
        "previousPage": 1,
        "currentPage": 2,
        "nextPage": None,
        "lastPage": 2,
    }
    (last,) = listed["groups"]
    assert (last["title"], last["includeAllMembers"], last["membersCount"]) == ("All", True, 3)


def test_a_group_that_cannot_be_is_400_code_40004_and_is_not_kept(
    client, tenant, groups, auditor, stranger
):
    (mine,) = add_members(auditor, tenant, ANYBODY)
    (theirs,) = add_members(auditor, stranger, ANYBODY)
    bodies = [
        {},
        {"title": "x"},
        {"title": "x", "memberIds": []},
        {"title": "", "memberIds": [mine]},
        {"title": "x", "memberIds": [mine], "includeAllMembers": True},
        {"title": "x", "memberIds": [mine, theirs]},
        {"title": "x", "memberIds": ["f" * 24]},
        {"title": "x", "memberIds": ["7"]},
        {"title": "x", "memberIds": mine},
        {"title": "x\0", "memberIds": [mine]},
        {"title": "x", "memberIds": [mine], "more": 1},
        [],
    ]

    answers = [client.post(groups, json=body, headers=tenant.headers) for body in bodies]

    assert {(a.status_code, a.json["code"]) for a in answers} == {(400, 40004)}
    assert answers[5].json["error"] == "malformed body: memberIds: Not all of them are members."
    assert auditor.one("SELECT count(*) FROM groups") == 0


def test_a_group_that_is_not_there_is_404(client, tenant, groups, stranger, auditor):
    (member,) = add_members(auditor, stranger, ANYBODY)
    body = {"title": "Theirs", "memberIds": [member]}
    theirs = client.post(
        f"/organizations/{stranger.address}/groups", json=body, headers=stranger.headers
    ).json["id"]

    for group in (theirs, "0" * 24, "x", "%00"):
        response = client.get(f"{groups}/{group}", headers=tenant.headers)
        assert (response.status_code, response.json) == (
            404,
            {"error": "group not found", "code": 40401},
        )
