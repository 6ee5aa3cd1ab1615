from __future__ import annotations

from tests.conftest import token

ID = "ab" * 32
ALL = [
    ("POST", "/dids"),
    ("GET", "/dids"),
    ("GET", "/dids/did:x:y"),
    ("DELETE", "/dids/did:x:y"),
    ("POST", "/registries"),
    ("GET", "/registries"),
    ("GET", f"/registries/{ID}"),
    ("POST", f"/registries/{ID}"),
    ("DELETE", f"/registries/{ID}"),
    ("GET", f"/revocationStatus/{ID}/{ID}"),
    ("POST", "/schemas"),
    ("GET", "/schemas"),
    ("GET", f"/schemas/0x{ID}"),
    ("DELETE", f"/schemas/0x{ID}"),
    ("POST", "/webhooks"),
    ("GET", "/webhooks"),
    ("GET", "/webhooks/1"),
    ("PATCH", "/webhooks/1"),
    ("DELETE", "/webhooks/1"),
    ("GET", "/webhooks/1/deliveries"),
    ("POST", "/webhooks/1/deliveries/msg_x/replay"),
    ("GET", "/jobs/1"),
]
UNAUTHORIZED = {"status": 401, "type": "Unauthorized", "message": "authentication required"}


def test_without_credentials_every_path_is_401_in_the_documented_form(client, stored):
    for method, path in ALL:
        for url in (path, f"{path}/"):
            response = client.open(url, method=method, json={})

            assert (response.status_code, response.json) == (401, UNAUTHORIZED), (method, url)
            assert response.headers["WWW-Authenticate"] == "Bearer"
    assert stored() == {}


def test_a_key_or_a_jwt_opens_the_door_in_whichever_header(client, account):
    jwt = token(account.uid)
    for headers in (
        {"Authorization": f"Bearer {account.key}"},
        {"Authorization": f"bearer  {account.key} "},
        {"Authorization": f"Bearer {jwt}"},
        {"DOCK-API-TOKEN": account.key},
        {"dock-api-token": f" {jwt} "},
        {"TRUVERA-API-TOKEN": account.key},
        # Somebody's gateway may have a use of its own for the usual header.
        {"DOCK-API-TOKEN": account.key, "Authorization": "Basic eDp5"},
    ):
        assert client.get("/dids", headers=headers).status_code == 200, headers


def test_whatever_is_no_credential_of_an_account_is_401(client, account, tenant, auditor):
    bad_key = {**UNAUTHORIZED, "message": "invalid API key"}
    for headers, body in (
        ({"Authorization": f"Basic {account.key}"}, UNAUTHORIZED),
        ({"Authorization": "Bearer"}, UNAUTHORIZED),
        ({"Authorization": "Bearer x.y.z"}, UNAUTHORIZED),
        ({"Authorization": tenant.headers["Authorization"]}, UNAUTHORIZED),
        ({"Authorization": f"Bearer {token('nobody')}"}, UNAUTHORIZED),
        ({"Authorization": f"Bearer {token(account.uid + chr(0))}"}, UNAUTHORIZED),
        ({"Authorization": f"Bearer {token(account.uid, exp=1)}"}, UNAUTHORIZED),
        ({"DOCK-API-TOKEN": "x"}, UNAUTHORIZED),
        ({"DOCK-API-TOKEN": ""}, UNAUTHORIZED),
        ({"DOCK-API-TOKEN": f"csk_{'0' * 64}"}, bad_key),
        ({"DOCK-API-TOKEN": account.key[:-1]}, bad_key),
        ({"DOCK-API-TOKEN": account.key.upper()}, UNAUTHORIZED),
        # What stands in the header of this API is what counts.
        ({"DOCK-API-TOKEN": "x", **account.headers}, UNAUTHORIZED),
    ):
        response = client.get("/dids", headers=headers)
        assert (response.status_code, response.json) == (401, body), headers
    auditor.rows("UPDATE account_keys SET revoked_at = now()")
    assert client.get("/dids", headers=account.headers).json == bad_key


def test_an_account_that_asks_too_often_has_to_wait_and_others_do_not(
    make_client, account, other_account
):
    client = make_client(credentials_rate=f"{len(ALL)}/hour")
    first = [
        client.open(path, method=method, json={}, headers=account.headers).status_code
        for method, path in ALL
    ]

    answers = [
        client.open(path, method=method, json={}, headers=account.headers) for method, path in ALL
    ]

    assert 429 not in first
    for answer in answers:
        body = {"status": 429, "type": "TooManyRequests", "message": "too many requests"}
        assert (answer.status_code, answer.json) == (429, body)
        assert 3500 < int(answer.headers["Retry-After"]) <= 3600
    assert client.get("/dids", headers=other_account.headers).status_code == 200
    # Whoever has no key is not counted, and the public poll is everybody's.
    assert client.get("/dids").status_code == 401
    assert client.get(f"/jobs/{ID}", headers=account.headers).status_code == 404


def test_a_path_or_method_that_is_none_is_said_in_the_form_of_this_api(client):
    for path in ("/dids/a/b", "/registries/a/b/c", "/webhooks/1/x", "/schemas/a/b"):
        response = client.get(path)
        assert (response.status_code, response.json["type"]) == (404, "NotFound"), path
        assert response.json["status"] == 404
    response = client.put("/dids")
    assert (response.status_code, response.json["type"]) == (405, "MethodNotAllowed")
    assert "POST" in response.headers["Allow"]
    # Names that only begin like ours belong to nobody.
    assert client.get("/didsx").json == {"error": "no such path", "code": 40400}
