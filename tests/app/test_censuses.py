from __future__ import annotations

import json

import pytest

from tasks.ledger.merkle import is_member, leaf
from tests.elections import ADDRESSES, TREE, WEIGHTS, add_members, new_election

NO_CENSUS = {"error": "census not found", "code": 40027}


@pytest.fixture
def census(client, tenant) -> str:
    """Where this test's census is."""
    body = {"orgAddress": tenant.address, "authFields": ["name", "memberNumber"]}
    return f"/census/{client.post('/census', json=body, headers=tenant.headers).json['id']}"


def test_a_census_begins_empty_and_unpublished(client, tenant, census):
    shown = client.get(census, headers=tenant.headers)

    assert shown.status_code == 200
    assert shown.json.pop("createdAt").endswith("Z")
    assert len(census) == len("/census/") + 24
    assert {k: v for k, v in shown.json.items() if k != "createdAt"} == {
        "id": census[8:],
        "orgAddress": tenant.address,
        "authFields": ["name", "memberNumber"],
        "size": 0,
        "root": None,
        "uri": None,
        "publishedAt": None,
    }


def test_named_members_are_added_by_a_job_that_is_polled(client, tenant, census, auditor, perform):
    ids = add_members(auditor, tenant, (ADDRESSES[0], 1), (ADDRESSES[1], 2), (None, 1))

    accepted = client.post(census, json={"memberIds": [*ids, "f" * 24]}, headers=tenant.headers)
    job = accepted.json["jobId"]
    pending = client.get(f"/jobs/{job}").json
    perform(job)

    assert (accepted.status_code, accepted.json) == (202, {"jobId": job})
    assert accepted.headers["Location"] == f"/jobs/{job}"
    assert len(job) == 32
    assert pending == {"jobId": job, "type": "census_participants", "status": "pending"}
    assert client.get(f"/jobs/{job}").json["result"] == {"added": 2, "total": 4, "progress": 100}
    assert client.get(census, headers=tenant.headers).json["size"] == 2
    progress = client.get(
        f"/organizations/{tenant.address}/members/job/{job}", headers=tenant.headers
    ).json
    assert progress == {
        "added": 2,
        "total": 4,
        "progress": 100,
        "errors": [f"member {ids[2]}: no address", f"member {'f' * 24}: unknown"],
    }
    listed = client.get(f"/organizations/{tenant.address}/jobs", headers=tenant.headers).json
    assert [(one["total"], one["added"], one["errors"]) for one in listed["jobs"]] == [
        (4, 2, progress["errors"])
    ]


def test_a_census_is_published_once_and_takes_nobody_from_then_on(
    client, tenant, census, auditor, perform, settings
):
    ids = add_members(auditor, tenant, *zip(ADDRESSES[:3], WEIGHTS, strict=True))
    perform(client.post(census, json={"memberIds": ids}, headers=tenant.headers).json["jobId"])
    jobs = [
        client.post(f"{census}/publish", headers=tenant.headers).json["jobId"] for _ in range(2)
    ]
    late = client.post(census, json={"memberIds": ids}, headers=tenant.headers).json["jobId"]

    results = [perform(job).result for job in jobs]
    failed = perform(late)
    refused = client.post(census, json={"memberIds": ids}, headers=tenant.headers)

    assert settings.public_url == ""
    root = f"0x{TREE.root.hex()}"
    assert results == [{"root": root, "size": 3, "uri": f"{census}/participants"}] * 2
    assert client.get(f"/jobs/{jobs[0]}").json["result"] == results[0]
    assert (failed.state, failed.code) == ("failed", "census_published")
    assert client.get(f"/jobs/{late}").json["error"] == "the census is published"
    assert (refused.status_code, refused.json) == (
        400,
        {"error": "the census is not fit for this: it is published", "code": 40004},
    )
    shown = client.get(census, headers=tenant.headers).json
    assert (shown["root"], shown["size"]) == (root, 3)
    assert shown["publishedAt"].endswith("Z")


def test_an_empty_census_is_not_published(client, tenant, census, perform):
    job = client.post(f"{census}/publish", headers=tenant.headers).json["jobId"]

    perform(job)

    assert client.get(f"/jobs/{job}").json == {
        "jobId": job,
        "type": "census_participants",
        "status": "failed",
        "error": "the census has no participants",
    }


def test_a_group_is_added_or_is_404(client, tenant, census, auditor, perform):
    ids = add_members(auditor, tenant, (ADDRESSES[0], 1), (ADDRESSES[1], 2))
    group = client.post(
        f"/organizations/{tenant.address}/groups",
        json={"title": "One", "memberIds": ids[:1]},
        headers=tenant.headers,
    ).json["id"]

    job = client.post(census, json={"groupId": group}, headers=tenant.headers).json["jobId"]
    missing = client.post(census, json={"groupId": "0" * 24}, headers=tenant.headers)

    assert perform(job).result == {"added": 1, "total": 1, "errors": 0}
    assert (missing.status_code, missing.json["code"]) == (404, 40401)


def test_anybody_can_rebuild_the_root_and_check_a_proof(client, election):
    at = f"/census/{election.census}"

    pages = [client.get(f"{at}/participants?limit=2&page={n}").json for n in (1, 2)]
    lines = client.get(f"{at}/participants", headers={"Accept": "application/x-ndjson"})
    proofs = [client.get(f"{at}/proof/{address}").json for address in ADDRESSES[:3]]

    everybody = [
        {"address": address, "weight": str(weight)}
        for address, weight in zip(ADDRESSES[:3], WEIGHTS, strict=True)
    ]
    assert [one for page in pages for one in page["participants"]] == everybody
    assert pages[1]["pagination"]["totalItems"] == 3
    assert lines.mimetype == "application/x-ndjson"
    assert [json.loads(line) for line in lines.text.splitlines()] == everybody
    assert {proof["root"] for proof in proofs} == {f"0x{TREE.root.hex()}"}
    assert [proof["weight"] for proof in proofs] == ["1", "2", "5"]
    for address, weight, proof in zip(ADDRESSES, WEIGHTS, proofs, strict=False):
        nodes = [bytes.fromhex(node[2:]) for node in proof["proof"]]
        assert is_member(TREE.root, leaf(address, weight), nodes)


def test_an_address_is_found_in_whatever_case_it_is_written(client, election):
    address = "0x" + ADDRESSES[0][2:].upper()

    assert client.get(f"/census/{election.census}/proof/{address}").status_code == 200


@pytest.mark.parametrize(
    ("address", "status", "body"),
    [
        (ADDRESSES[4], 404, {"error": "census participant not found", "code": 40029}),
        ("0x12", 400, {"error": "invalid URL parameter: malformed address", "code": 40010}),
    ],
)
def test_who_is_not_in_the_census_has_no_proof(client, election, address, status, body):
    response = client.get(f"/census/{election.census}/proof/{address}")

    assert (response.status_code, response.json) == (status, body)


def test_nobody_sees_who_is_in_a_census_before_it_is_published(client, tenant, database):
    census = new_election(database, tenant, published=False, address=None).census

    for path in (f"/census/{census}/participants", f"/census/{census}/proof/{ADDRESSES[0]}"):
        response = client.get(path, headers=tenant.headers)
        assert (response.status_code, response.json) == (
            404,
            {"error": "census not found: it is not published", "code": 40027},
        )


def test_a_census_that_is_not_there_is_404_code_40027(client, tenant):
    for census in ("0" * 24, "x", "%00"):
        at = f"/census/{census}"
        answers = [
            client.get(at, headers=tenant.headers),
            client.post(at, json={"memberIds": ["0" * 24]}, headers=tenant.headers),
            client.post(f"{at}/publish", headers=tenant.headers),
            client.get(f"{at}/participants"),
            client.get(f"{at}/proof/{ADDRESSES[0]}"),
        ]
        assert [(a.status_code, a.json) for a in answers] == [(404, NO_CENSUS)] * 5


def test_a_malformed_body_is_400_code_40004_and_leaves_nothing(client, tenant, census, stored):
    org = tenant.address
    made = [
        client.post("/census", headers=tenant.headers, **how)
        for how in (
            {"data": b"{"},
            {"json": {}},
            {"json": {"orgAddress": "0x12"}},
            {"json": {"orgAddress": org, "authFields": ["password"]}},
            {"json": {"orgAddress": org, "authFields": "name"}},
            {"json": {"orgAddress": org, "more": 1}},
        )
    ]
    added = [
        client.post(census, headers=tenant.headers, **how)
        for how in (
            {"data": b"memberIds"},
            {"json": {}},
            {"json": {"memberIds": []}},
            {"json": {"memberIds": ["7"]}},
            {"json": {"memberIds": ["0" * 24], "groupId": "0" * 24}},
            {"json": {"memberIds": {"a": 1}}},
            {"json": []},
        )
    ]

    assert {(a.status_code, a.json["code"]) for a in (*made, *added)} == {(400, 40004)}
    assert stored() == {}


def test_the_same_key_gives_the_same_job(client, tenant, census):
    headers = {**tenant.headers, "Idempotency-Key": "k"}
    body = {"memberIds": ["0" * 24]}

    one, two = (client.post(census, json=body, headers=headers) for _ in range(2))
    other = client.post(census, json={"memberIds": ["1" * 24]}, headers=headers)
    published = client.post(f"{census}/publish", headers=headers)

    assert (one.status_code, one.data) == (two.status_code, two.data) == (202, one.data)
    assert two.headers["Location"] == one.headers["Location"]
    assert {a.json["code"] for a in (other, published)} == {42200}
