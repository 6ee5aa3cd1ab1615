from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import replace

import httpx
import pytest

from app import create_app
from tests.conftest import wait_until

REFUSED = {
    "error": {
        "code": "authentication_failed",
        "message": "Incorrect authentication credentials",
    }
}
CALLS = [
    ("GET", "/v1/users/"),
    ("POST", "/v1/users/"),
    ("GET", "/v1/users/x/"),
    ("DELETE", "/v1/users/x/"),
    ("DELETE", "/v1/links/x/"),
    ("POST", "/v1/users/x/tokens/"),
    ("GET", "/v1/tasks/"),
    ("GET", "/v1/tasks/x/"),
    ("POST", "/v1/tasks/x/mfa/"),
    ("POST", "/v1/refresh/tasks/"),
    ("GET", "/v1/refresh/tasks/x/"),
    ("POST", "/v1/link-access-tokens/"),
    ("GET", "/v1/links/x/income/report/"),
    ("GET", "/v1/webhooks/"),
    ("POST", "/v1/webhooks/"),
    ("GET", "/v1/webhooks/1/"),
    ("PATCH", "/v1/webhooks/1/"),
    ("DELETE", "/v1/webhooks/1/"),
]


def test_every_call_needs_both_headers_of_one_client(who, stranger):
    wrong = [
        {},
        {"X-Access-Client-Id": who.id},
        {"X-Access-Secret": who.secret},
        {"X-Access-Client-Id": who.id, "X-Access-Secret": stranger.secret},
        {"X-Access-Client-Id": who.id, "X-Access-Secret": who.secret[:-1]},
        {"X-Access-Client-Id": "nobody", "X-Access-Secret": who.secret},
        {"X-Access-Client-Id": "", "X-Access-Secret": ""},
        {"Authorization": f"Bearer {who.secret}"},
    ]
    body = {"code": "12345"}
    for method, path in CALLS:
        given = {} if method in {"GET", "DELETE"} else {"json": body}
        for headers in wrong[:1] if path != "/v1/tasks/" else wrong:
            answer = who.http.request(method, path, headers=headers, **given)
            assert (answer.status_code, answer.json()) == (401, REFUSED), (method, path)
            assert answer.headers["WWW-Authenticate"] == 'Keys realm="income"'
    assert who.get("/v1/tasks/").status_code == 200


def test_headers_that_nobody_can_have_are_refused(client, who):
    for odd in ("\u00e4", "\u00b2" * 32, "a b", "x" * 4000):
        for keys in ((odd, who.secret), (who.id, odd)):
            headers = dict(zip(("X-Access-Client-Id", "X-Access-Secret"), keys, strict=True))
            assert client.get("/v1/tasks/", headers=headers).status_code == 401


def test_a_client_that_was_revoked_is_let_in_no_more(who, app):
    printed = app.test_cli_runner().invoke(args=["clients", "create", "--name", "new"]).output
    made, _, secret = printed.strip().partition(":")
    keys = {"X-Access-Client-Id": made, "X-Access-Secret": secret}

    before = who.http.get("/v1/users/", headers=keys).status_code
    listed = app.test_cli_runner().invoke(args=["clients", "list"]).output
    revoked = app.test_cli_runner().invoke(args=["clients", "revoke", made])
    again = app.test_cli_runner().invoke(args=["clients", "revoke", made])

    assert f"{made}\tin use\tnew\n" in listed
    assert (before, revoked.exit_code, again.exit_code) == (200, 0, 1)
    assert who.http.get("/v1/users/", headers=keys).json() == REFUSED
    assert f"{made}\trevoked\tnew\n" in (
        app.test_cli_runner().invoke(args=["clients", "list"]).output
    )


def test_the_browsers_of_a_client_that_was_revoked_are_let_in_no_more(who, app):
    token = who.bridge_token()
    body = {"bridge_token": token, "provider_id": "adp", "username": "a", "password": "b"}
    before = who.http.post("/v1/bridge/login/", json=body).status_code
    app.test_cli_runner().invoke(args=["clients", "revoke", who.id])

    assert before == 201
    assert who.http.post("/v1/bridge/login/", json=body).json() == REFUSED


@pytest.fixture
def rotate(app, who):
    """Give the client another secret; return it as one with that."""

    def rotate(*words: str):
        done = app.test_cli_runner().invoke(args=["clients", "rotate", who.id, *words])
        assert done.exit_code == 0, done.output
        client_id, _, secret = done.output.strip().partition(":")
        return replace(who, id=client_id, secret=secret)

    return rotate


def test_the_old_secret_of_a_client_is_good_for_a_day_beside_the_new_one(who, rotate, app, auditor):
    new = rotate()
    listed = app.test_cli_runner().invoke(args=["clients", "list"]).output
    during = [one.get("/v1/users/").status_code for one in (who, new)]
    ends = "UPDATE income_clients SET old_until = old_until - interval %s"
    auditor.rows(ends, "23 hours 59 minutes")
    almost = who.get("/v1/users/").status_code
    auditor.rows(ends, "1 minute")
    after = [one.get("/v1/users/").status_code for one in (who, new)]

    assert (new.id, len(new.secret)) == (who.id, 64)
    assert new.secret != who.secret
    assert re.search(
        rf"{who.id}\tin use\ttest\told secret until 20\d\d-\d\d-\d\dT\d\d:\d\dZ\n", listed
    )
    assert (during, almost, after) == ([200, 200], 200, [401, 200])
    assert new.secret not in str(auditor.rows("SELECT * FROM income_clients"))


def test_the_old_secret_of_a_client_can_be_revoked_at_once(who, rotate):
    second = rotate()
    third = rotate("--old-for", "0")

    answers = [one.get("/v1/users/").status_code for one in (who, second, third)]
    assert answers == [401, 401, 200]


def test_only_a_client_that_is_in_use_gets_another_secret(who, app, with_setting):
    run = app.test_cli_runner().invoke
    run(args=["clients", "revoke", who.id])
    bare = create_app(with_setting(sealing_keys=()))
    refused = [
        run(args=["clients", "rotate", who.id]),
        run(args=["clients", "rotate", "nobody"]),
        bare.test_cli_runner().invoke(args=["clients", "rotate", who.id]),
    ]
    bare.extensions["jobspine"].database.close()

    assert [one.exit_code for one in refused] == [1, 1, 1]
    assert [one.output for one in refused] == [
        f"Error: no client {who.id} is in use\n",
        "Error: no client nobody is in use\n",
        "Error: there are no SEALING_KEYS to keep it with\n",
    ]


def test_webhooks_are_signed_with_the_new_secret_whichever_they_were_made_with(
    who, rotate, perform, receiver, auditor
):
    hook = {"name": "x", "webhook_url": f"{receiver.url}/before", "env_type": "dev"}
    assert who.post("/v1/webhooks/", hook).status_code == 201
    new = rotate()
    for one, name in ((who, "old"), (new, "new")):
        made = one.post("/v1/webhooks/", {**hook, "webhook_url": f"{receiver.url}/{name}"})
        assert made.status_code == 201
    task = new.login("goodlogin", "another password")["task_id"]
    perform(task)
    for row in auditor.rows("SELECT job_id FROM webhook_deliveries ORDER BY seq"):
        perform(row["job_id"])

    assert {told.path for told in receiver.told} == {"/before", "/old", "/new"}
    for told in receiver.told:
        key = new.secret.encode()
        sign = hmac.new(key, told.body, hashlib.sha256).hexdigest()
        assert told.headers["x-webhook-sign"] == f"v1={sign}"
        signed = f"{told.headers['webhook-id']}.{told.headers['webhook-timestamp']}.".encode()
        digest = hmac.new(key, signed + told.body, hashlib.sha256).digest()
        assert told.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


def test_only_digests_of_secrets_and_tokens_are_kept(who, auditor):
    token = who.bridge_token()
    login = who.login(bridge_token=token)
    access = who.access_token(login)

    tables = auditor.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    everything = [
        str(auditor.rows(f"SELECT t::text FROM {table['tablename']} AS t")) for table in tables
    ]
    for secret in (who.secret, token, access, login["public_token"]):
        assert not any(secret in rows for rows in everything)


@pytest.mark.parametrize("slash", ["", "/"])
def test_paths_end_in_a_slash_or_not_without_a_redirect(who, slash):
    user = who.user()
    token = who.post(f"/v1/users/{user}/tokens{slash}", {"product_type": "income"}).json()
    body = {
        "bridge_token": token["bridge_token"],
        "provider_id": "adp",
        "username": "goodlogin",
        "password": "goodpassword",
    }
    login = who.http.post(f"/v1/bridge/login{slash}", json=body)
    task = login.json()["task_id"]

    assert login.status_code == 201
    assert who.get(f"/v1/tasks/{task}{slash}").status_code == 200
    assert who.get(f"/v1/tasks{slash}").status_code == 200
    assert who.get(f"/v1/users{slash}").status_code == 200
    assert who.get(f"/v1/webhooks{slash}").status_code == 200
    assert who.post(f"/v1/tasks/{task}/mfa{slash}", {"code": "1"}).status_code == 400


def test_errors_that_any_api_has_are_in_the_form_of_this_one(who):
    none = who.get("/v1/nothing/")
    method = who.http.put("/v1/users/", headers=who.headers)
    body = who.http.post("/v1/users/", content=b"[1]", headers=who.headers)
    large = who.http.post("/v1/users/", content=b" " * 70_000, headers=who.headers)

    assert (none.status_code, none.json()) == (404, {"detail": "Not Found."})
    assert (method.status_code, method.json()["error"]["code"]) == (405, "method_not_allowed")
    assert (body.status_code, body.json()) == (
        400,
        {
            "error": {
                "code": "incorrect_parameters",
                "message": "Incorrect request parameters",
                "extra": {
                    "invalid-params": [
                        {"field": "body", "message": "The body is no JSON object in UTF-8."}
                    ]
                },
            }
        },
    )
    assert (large.status_code, large.json()["error"]["code"]) == (413, "too_large")


@pytest.fixture
def slow_down(with_setting):
    """A way to an API that lets each client call three times an hour."""
    app = create_app(with_setting(income_rate="3/hour"))
    with httpx.Client(transport=httpx.WSGITransport(app), base_url="http://localhost") as made:
        yield made
    app.extensions["jobspine"].database.close()


def test_a_client_that_asks_too_often_has_to_wait_and_others_do_not(who, stranger, slow_down):
    one, other = who.at(slow_down), stranger.at(slow_down)
    answers = [one.get("/v1/users/") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].json() == {"error": {"code": "throttled", "message": "Request was throttled"}}
    assert 3500 < int(answers[3].headers["Retry-After"]) <= 3600
    assert other.get("/v1/users/").status_code == 200
    assert slow_down.get("/healthz").status_code == 200


def test_a_browser_counts_for_its_client(who, slow_down):
    token = who.bridge_token()
    body = {"bridge_token": token, "provider_id": "adp", "username": "a", "password": "b"}
    answers = [slow_down.post("/v1/bridge/login/", json=body).status_code for _ in range(4)]

    assert answers == [201, 201, 201, 429]


def test_nobody_has_to_wait_while_redis_is_away(who, slow_down, logged, servers):
    servers.redis.stop()
    try:
        answers = [who.at(slow_down).get("/v1/users/").status_code for _ in range(6)]
    finally:
        servers.redis.start()

    assert answers == [200] * 6
    assert '"event": "rate_not_limited"' in logged()
    limited = lambda: who.at(slow_down).get("/v1/users/").status_code == 429  # noqa: E731
    wait_until(limited)
