from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest

from app import create_app
from tasks.records import voting
from tests.conftest import JWT_KEY, new_tenant, token

REQUIRED = {"error": "authentication required", "code": 40001}
BAD_KEY = {"error": "invalid API key", "code": 40156}


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


def key_with(database, tenant, *scopes: str) -> str:
    with database.transaction() as connection:
        return voting.add_api_key(connection, tenant.id, name="", scopes=scopes)


def grant(database, tenant, subject: str, role: str) -> None:
    with database.transaction() as connection:
        voting.grant_role(connection, tenant.id, subject, role)


# API keys.


def test_a_key_opens_what_is_below_its_organization(client, tenant, path):
    assert client.get(path, headers=tenant.headers).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Basic dXNlcjprZXk=", "vsk_" + "0" * 64, "Token x", "bearer\t"],
)
def test_a_request_without_a_bearer_credential_is_401(client, path, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}

    response = client.get(path, headers=headers)

    assert (response.status_code, response.json) == (401, REQUIRED)
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "key", ["vsk_", "vsk_" + "0" * 64, "vsk_" + "0" * 63, "vsk_" + "0" * 65, "vsk_" + "G" * 64]
)
def test_a_key_that_nobody_gave_out_is_401_code_40156(client, path, key):
    response = client.get(path, headers=bearer(key))

    assert (response.status_code, response.json) == (401, BAD_KEY)


def test_a_revoked_key_is_401_code_40156(client, database, tenant, path, auditor):
    with database.statement() as connection:
        voting.revoke_api_key(connection, auditor.one("SELECT id FROM api_keys"))

    response = client.get(path, headers=tenant.headers)

    assert (response.status_code, response.json) == (401, BAD_KEY)


def test_the_word_bearer_is_read_in_any_case(client, tenant, path):
    headers = {"Authorization": f"bEARER  {tenant.key}"}

    assert client.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("method", "below", "scope"),
    [
        ("POST", "members", "members:write"),
        ("GET", "members", "members:read"),
        ("GET", "members/job/" + "0" * 32, "jobs:read"),
        ("GET", "members/job/" + "0" * 32 + "/errors", "jobs:read"),
        ("GET", "jobs", "jobs:read"),
    ],
)
def test_a_key_without_the_scope_is_403_code_40158(client, database, tenant, method, below, scope):
    lacking = key_with(database, tenant, *(set(voting.SCOPES) - {scope}))
    having = key_with(database, tenant, scope)
    url = f"/organizations/{tenant.address}/{below}"

    refused = client.open(url, method=method, headers=bearer(lacking))
    allowed = client.open(url, method=method, headers=bearer(having))

    assert (refused.status_code, refused.json) == (
        403,
        {"error": f"the API key lacks the scope for this: {scope}", "code": 40158},
    )
    assert allowed.status_code in {200, 400, 404}


@pytest.mark.parametrize(
    ("method", "below"),
    [
        ("POST", "members"),
        ("GET", "members"),
        ("GET", "members/job/" + "0" * 32),
        ("GET", "members/job/" + "0" * 32 + "/errors"),
        ("GET", "jobs"),
    ],
)
def test_another_organization_is_403(client, tenant, stranger, stored, method, below):
    url = f"/organizations/{stranger.address}/{below}"
    body = {"members": [{"name": "Ada"}]} if method == "POST" else None

    response = client.open(url, method=method, headers=tenant.headers, json=body)

    assert response.status_code == 403
    assert response.json["code"] == 40158
    assert stored() == {}


# Organizations in the path.


@pytest.mark.parametrize("address", ["0x12", "12", "0x" + "g" * 40, "0x" + "0" * 41, "0x%00"])
def test_a_malformed_address_is_400_code_40010(client, tenant, address):
    response = client.get(f"/organizations/{address}/members", headers=tenant.headers)

    assert (response.status_code, response.json) == (
        400,
        {"error": "invalid URL parameter: malformed address", "code": 40010},
    )


def test_an_unknown_organization_is_404_code_40009(client, tenant):
    response = client.get(f"/organizations/0x{'0' * 40}/members", headers=tenant.headers)

    assert (response.status_code, response.json) == (
        404,
        {"error": "organization not found", "code": 40009},
    )


def test_an_address_is_read_in_any_case(client, tenant):
    address = "0x" + tenant.address[2:].upper()

    response = client.get(f"/organizations/{address}/members", headers=tenant.headers)

    assert response.status_code == 200


# JWT bearers.


@pytest.mark.parametrize("role", ["admin", "manager"])
def test_a_manager_or_admin_may_act_for_the_organization(client, database, tenant, path, role):
    grant(database, tenant, "mary", role)

    assert client.get(path, headers=bearer(token("mary"))).status_code == 200


def test_a_viewer_may_not(client, database, tenant, path):
    grant(database, tenant, "mary", "viewer")

    response = client.get(path, headers=bearer(token("mary")))

    assert (response.status_code, response.json) == (
        403,
        {"error": "the credential does not act for this organization", "code": 40158},
    )


def test_a_role_in_another_organization_is_none_in_this_one(client, database, path, stranger):
    grant(database, stranger, "mary", "admin")

    assert client.get(path, headers=bearer(token("mary"))).status_code == 403


def unsigned(**claims: object) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    encoded = [
        base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts
    ]
    return ".".join([*encoded, ""])


def signed_with_nothing(**claims: object) -> str:
    header, body, _ = unsigned(**claims).split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=").decode()
    mark = hmac.new(b"", f"{header}.{body}".encode(), hashlib.sha256).digest()
    return f"{header}.{body}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


SOON = int(time.time()) + 3600
BAD_TOKENS = {
    "expired": token("admin", exp=1),
    "not valid yet": token("admin", nbf=SOON),
    "another secret": jwt.encode({"sub": "admin", "exp": SOON}, "x" * 40, "HS256"),
    "another algorithm": jwt.encode({"sub": "admin", "exp": SOON}, JWT_KEY * 2, "HS512"),
    "no algorithm": unsigned(sub="admin", exp=SOON),
    "no expiry": jwt.encode({"sub": "admin"}, JWT_KEY, "HS256"),
    "no subject": jwt.encode({"exp": SOON}, JWT_KEY, "HS256"),
    "an empty secret": signed_with_nothing(sub="admin", exp=SOON),
    "a subject with a NUL": token("ad\0min"),
    "a subject of two lines": token("ad\nmin"),
    "a subject that is half a character": token("\ud800"),
    "a subject without end": token("x" * 256),
    "cut short": token("admin")[:-4],
    "changed": token("admin").replace(".", ".e", 1),
    "rubbish": "x.y.z",
    "one word": "admin",
    "not ASCII": "ad\u00e9min",
}


@pytest.mark.parametrize("case", BAD_TOKENS)
def test_a_jwt_that_cannot_be_trusted_is_401(client, tenant, path, case, logged):
    response = client.get(path, headers=bearer(BAD_TOKENS[case]))

    assert tenant
    assert (response.status_code, response.json) == (401, REQUIRED)
    assert BAD_TOKENS[case] not in logged()


@pytest.mark.parametrize("case", ["an empty secret", "no algorithm", "rubbish"])
def test_where_no_key_is_set_no_jwt_is_accepted(with_setting, database, case):
    app = create_app(with_setting(jwt_key=""))
    path = f"/organizations/{new_tenant(database).address}/members"

    response = app.test_client().get(path, headers=bearer(BAD_TOKENS[case]))
    app.extensions["jobspine"].database.close()

    assert (response.status_code, response.json) == (401, REQUIRED)
