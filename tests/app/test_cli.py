from __future__ import annotations

import hashlib
import re
import time

import jwt
import pytest

from app import create_app
from tasks.records import operators
from tasks.records.operators import Operator
from tests.conftest import JWT_KEY, token
from tests.tasks.job.jobs import claim


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


def api_key(credentials: str) -> dict[str, str]:
    return {"Authorization": f"ApiKey {credentials}"}


def test_a_key_is_printed_once_opens_the_door_and_is_kept_as_its_digest(
    run, client, tenant, path, auditor
):
    status, out = run("keys", "create", "--org", tenant.address, "--name", "office")

    key = out.strip()
    assert status == 0
    assert re.fullmatch("vsk_[0-9a-f]{64}", key)
    assert client.get(path, headers=bearer(key)).status_code == 200
    row = auditor.rows("SELECT * FROM api_keys WHERE name = 'office'")[0]
    assert bytes(row["digest"]) == hashlib.sha256(key.encode()).digest()
    assert key not in str(row)
    assert row["scopes"] == [
        "members:read",
        "members:write",
        "jobs:read",
        "census:read",
        "census:write",
        "processes:write",
    ]
    assert key not in run("keys", "list", "--org", tenant.address)[1]


def test_a_key_may_have_fewer_scopes(run, client, tenant, path):
    _, out = run("keys", "create", "--org", tenant.address, "--scope", "members:read")

    headers = bearer(out.strip())
    assert client.get(path, headers=headers).status_code == 200
    assert client.post(path, json={"members": []}, headers=headers).status_code == 403


def test_keys_are_listed_with_their_state(run, tenant, auditor):
    first = auditor.one("SELECT id FROM api_keys")
    run("keys", "create", "--org", tenant.address, "--scope", "jobs:read", "--name", "poller")
    run("keys", "revoke", str(first))

    status, out = run("keys", "list", "--org", tenant.address)

    assert status == 0
    assert out == (
        f"{first}\trevoked\tmembers:read,members:write,jobs:read,census:read,census:write,"
        "processes:write\ttest\n"
        f"{first + 1}\tin use\tjobs:read\tpoller\n"
    )


def test_a_revoked_key_opens_nothing_from_then_on(run, client, tenant, path, auditor):
    number = str(auditor.one("SELECT id FROM api_keys"))

    first, second = run("keys", "revoke", number), run("keys", "revoke", number)

    assert first == (0, "")
    assert second == (1, f"Error: no key {number} is in use\n")
    assert client.get(path, headers=tenant.headers).json["code"] == 40156


def test_an_organization_is_founded_for_an_admin(run, client):
    status, out = run("organizations", "create", "--admin", "mary", "--country", "ES")

    address = out.strip()
    assert status == 0
    assert re.fullmatch("0x[0-9a-f]{40}", address)
    shown = client.get(f"/organizations/{address}/members", headers=bearer(token("mary")))
    assert shown.status_code == 200


def test_an_organization_of_no_country_is_not_founded(run, auditor):
    refused = run("organizations", "create", "--admin", "mary", "--country", "Spain")

    assert refused == (1, "Error: country: Not an ISO 3166 code of two letters.\n")
    assert auditor.one("SELECT count(*) FROM organizations") == 0


def test_a_limit_is_set_and_lifted(run, tenant, auditor):
    run("organizations", "limit", tenant.address, "7")
    limited = auditor.one("SELECT member_limit FROM organizations")
    run("organizations", "limit", tenant.address)

    assert limited == 7
    assert auditor.one("SELECT member_limit FROM organizations") is None


def test_a_role_is_granted_in_place_of_an_earlier_one(run, client, tenant, path):
    run("organizations", "grant", tenant.address, "mary", "manager")
    manager = client.get(path, headers=bearer(token("mary"))).status_code
    run("organizations", "grant", tenant.address, "mary", "viewer")

    assert manager == 200
    assert client.get(path, headers=bearer(token("mary"))).status_code == 403


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "create", "--org", "0x" + "0" * 40),
        ("keys", "list", "--org", "0x" + "0" * 40),
        ("organizations", "limit", "0x" + "0" * 40, "7"),
        ("organizations", "grant", "0x" + "0" * 40, "mary", "admin"),
    ],
)
def test_an_organization_that_is_not_there_is_an_error(run, words):
    assert run(*words) == (1, f"Error: no organization at 0x{'0' * 40}\n")


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "create", "--org", "x", "--scope", "everything"),
        ("organizations", "grant", "x", "mary", "owner"),
        ("organizations", "limit", "x", "many"),
        ("services", "key", "x", "--channel", "post"),
        ("services", "revoke", "x"),
    ],
)
def test_a_word_that_is_none_of_those_known_is_a_usage_error(run, words):
    status, out = run(*words)

    assert status == 2
    assert "Usage:" in out


def test_a_token_speaks_for_its_subject_for_so_many_hours(run):
    status, out = run("token", "mary", "--hours", "2")

    claims = jwt.decode(out.strip(), JWT_KEY, algorithms=["HS256"])
    assert status == 0
    assert claims["sub"] == "mary"
    assert 7000 < claims["exp"] - time.time() <= 7200


def test_without_a_secret_no_token_can_be_signed(with_setting):
    app = create_app(with_setting(jwt_key=""))

    result = app.test_cli_runner().invoke(args=("token", "mary"))
    app.extensions["jobspine"].database.close()

    assert (result.exit_code, result.output) == (
        1,
        "Error: JWT_KEY is not a secret that can sign\n",
    )


def test_a_sample_is_somebody_for_each_api_with_keys_that_fit(run, client):
    status, out = run("sample")

    made = dict(line.split("=", 1) for line in out.splitlines())
    address, key, service = made["ORG"], made["KEY"], made["SERVICE"]
    token, client_keys = made["TOKEN"], made["CLIENT"].split(":")
    assert status == 0
    assert client.get(f"/organizations/{address}/jobs", headers=bearer(key)).status_code == 200
    made = client.post("/v5/verifications", json={"name": "Acme"}, headers=api_key(service))
    assert made.status_code == 201
    assert client.get("/dids", headers=bearer(token)).json == []
    keys = dict(zip(("X-Access-Client-Id", "X-Access-Secret"), client_keys, strict=True))
    assert client.get("/v1/users/", headers=keys).json["results"] == []


def test_the_sample_operator_gets_a_new_password_each_time(run, database):
    def given():
        out = run("sample")[1]
        return dict(line.split("=", 1) for line in out.splitlines())["OPERATOR"].split(":")

    (name, old), (_, new) = given(), given()

    with database.statement() as connection:
        assert operators.authenticate(connection, name, old) is None
        assert operators.authenticate(connection, name, new) == Operator("sample", "operator")


# Services.


def test_a_service_is_printed_once_with_a_key_that_fits_and_is_kept_as_its_digest(
    run, client, auditor
):
    status, out = run("services", "create", "--name", "Acme")

    uid, key = re.fullmatch("([0-9A-Za-z]{28}):([0-9a-f]{64})\n", out).groups()
    made = client.post("/v5/verifications", json={"name": "x"}, headers=api_key(out.strip()))
    assert status == 0
    assert (made.status_code, made.json["serviceUid"]) == (201, uid)
    assert auditor.rows("SELECT uid, name FROM services") == [{"uid": uid, "name": "Acme"}]
    (row,) = auditor.rows("SELECT * FROM service_keys")
    assert bytes(row["digest"]) == hashlib.sha256(key.encode()).digest()
    assert key not in str(row)
    assert key not in run("services", "keys", uid)[1]


def test_a_portal_and_an_admin_have_keys_of_their_own_and_a_service_is_told_which(run, auditor):
    uid = run("services", "create")[1].partition(":")[0]
    first = auditor.one("SELECT id FROM service_keys")

    made = [run("services", "key", uid, "--channel", name) for name in ("portal", "admin")]

    assert [status for status, _ in made] == [0, 0]
    assert all(re.fullmatch(f"{uid}:[0-9a-f]{{64}}\n", out) for _, out in made)
    run("services", "revoke", str(first + 1))
    assert run("services", "keys", uid) == (
        0,
        f"{first}\tin use\tapi\n{first + 1}\trevoked\tportal\n{first + 2}\tin use\tadmin\n",
    )


def test_a_revoked_key_of_a_service_opens_nothing_and_its_other_keys_do(run, client, auditor):
    revoked = run("services", "create")[1].strip()
    kept = run("services", "key", revoked.partition(":")[0])[1].strip()
    number = str(auditor.one("SELECT min(id) FROM service_keys"))

    first, second = run("services", "revoke", number), run("services", "revoke", number)

    assert first == (0, "")
    assert second == (1, f"Error: no key {number} is in use\n")
    answers = [
        client.post("/v5/verifications", json={"name": "x"}, headers=api_key(given)).status_code
        for given in (revoked, kept)
    ]
    assert answers == [401, 201]


@pytest.mark.parametrize("words", [("services", "key", "x"), ("services", "keys", "x")])
def test_a_service_that_is_not_there_is_an_error(run, words):
    assert run(*words) == (1, "Error: no service x\n")


def test_an_operator_starts_a_run_as_the_system(run, verification, service, auditor, database):
    status, out = run("screen", verification.trace)

    job = auditor.job(out.strip())
    assert status == 0
    assert (job["type"], job["tenant"], job["state"]) == ("watchlist", service.uid, "pending")
    assert job["payload"] == {"verification": verification.id, "source_action": "system"}
    claim(database, out.strip())
    assert run("screen", verification.trace) == (1, f"Error: run {out.strip()} is in flight\n")
    assert run("screen", "nowhere") == (1, "Error: no verification nowhere\n")


# Operators.


def test_a_token_of_an_operator_opens_the_operators_api_until_its_owner_is_removed(run, client):
    made = run("users", "create", "ada", "--role", "operator", "--password", "correct horse")
    again = run("users", "create", "ada", "--password", "battery staple")
    _, out = run("users", "token", "ada", "--label", "scripts")
    headers = bearer(out.strip())
    opened = client.get("/ops/v1/queues", headers=headers)
    listed = run("users", "list")
    removed = run("users", "remove", "ada")

    assert made == (0, "")
    assert again == (1, "Error: ada is taken\n")
    assert opened.status_code == 200
    assert listed == (0, "ada\toperator\n")
    assert removed == (0, "")
    assert client.get("/ops/v1/queues", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "words",
    [("remove", "nobody"), ("token", "nobody"), ("tokens", "nobody"),
     ("change", "nobody", "--role", "viewer")],
)  # fmt: skip
def test_what_is_done_to_nobody_is_a_clear_end(run, words):
    assert run("users", *words) == (1, "Error: no operator nobody\n")


def test_a_name_or_a_password_that_cannot_be_is_a_clear_end(run):
    named = run("users", "create", "a b\n", "--password", "correct horse")
    short = run("users", "create", "ada", "--password", "eleven char")

    assert named == (1, "Error: a name has letters, digits, and . _ @ - between them\n")
    assert short == (1, "Error: a password has at least 12 characters\n")


def test_a_revoked_token_opens_nothing_and_the_other_one_does(run, client, mary, auditor):
    _, out = run("users", "token", "mary", "--label", "scripts")
    first = auditor.one("SELECT min(id) FROM operator_tokens")

    revoked = run("users", "revoke", str(first))

    assert revoked == (0, "")
    assert run("users", "revoke", str(first)) == (1, f"Error: no token {first} is in use\n")
    assert run("users", "tokens", "mary") == (
        0,
        f"{first}\trevoked\ttest\n{first + 1}\tin use\tscripts\n",
    )
    opened = [client.get("/ops/v1/queues", headers=headers).status_code
              for headers in (mary.headers, bearer(out.strip()))]  # fmt: skip
    assert opened == [401, 200]


@pytest.mark.usefixtures("mary")
def test_an_operator_gets_another_role_or_password(run, database):
    role = run("users", "change", "mary", "--role", "viewer")
    asked = run("users", "change", "mary", "--password", input="battery staple\n" * 2)

    with database.statement() as connection:
        found = operators.authenticate(connection, "mary", "battery staple")
    assert role[0] == asked[0] == 0
    assert found == operators.Operator("mary", "viewer")
    assert run("users", "change", "mary")[0] == 2
    assert run("users", "change", "mary", "--password", "short") == (
        1,
        "Error: a password has at least 12 characters\n",
    )
