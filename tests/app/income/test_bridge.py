from __future__ import annotations

import httpx
import pytest

from app import create_app
from tasks.records import income_users
from tests.app.income.test_users import params

BODY = {"provider_id": "adp", "username": "goodlogin", "password": "goodpassword"}


@pytest.fixture
def token(who):
    """A bridge token."""
    return who.bridge_token()


@pytest.fixture
def log_in(http, token):
    """Log in as a browser does."""

    def log_in(body: object = None, **headers: str) -> httpx.Response:
        return http.post(
            "/v1/bridge/login/",
            json={**BODY, "bridge_token": token, **(body or {})},
            headers=headers,
        )

    return log_in


def test_a_login_is_a_task_of_the_tokens_user(log_in, who, token):
    answer = log_in()
    task = answer.json()["task_id"]

    assert answer.status_code == 201
    assert set(answer.json()) == {"task_id", "link_id", "public_token"}
    assert who.task(task)["bridge_token"] == token


def test_headers_of_a_client_are_no_matter_in_a_browser(log_in):
    assert log_in(**{"X-Access-Client-Id": "x", "X-Access-Secret": "y"}).status_code == 201


def test_what_is_wrong_with_a_login_is_named_and_not_quoted(log_in):
    answer = log_in({"provider_id": "acme", "username": "", "password": "p\u0000w", "company": 7})

    assert params(answer) == {
        "provider_id": "Must be one of: adp, paywell, harbour_bank.",
        "username": "Length must be between 1 and 254.",
        "password": "Not a text.",
        "company": "Not a valid string.",
    }
    assert "p\\u0000w" not in answer.text


def test_a_token_that_nobody_gave_out_is_no_credential(log_in, auditor):
    answer = log_in({"bridge_token": "0" * 32})

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "authentication_failed")
    assert auditor.one("SELECT count(*) FROM jobs") == 0


def test_a_token_is_good_for_six_hours_and_then_gone(log_in, auditor, database):
    auditor.rows("UPDATE bridge_tokens SET expires_at = expires_at - interval '5:59 hours'")
    before = log_in()
    auditor.rows("UPDATE bridge_tokens SET expires_at = expires_at - interval '2 minutes'")
    after = log_in()
    auditor.rows("UPDATE bridge_tokens SET expires_at = expires_at - interval '48 hours'")
    with database.statement() as connection:
        income_users.forget_bridge_tokens(connection)

    assert before.status_code == 201
    assert (after.status_code, after.json()) == (
        410,
        {"error": {"code": "expired_token", "message": "The token is no longer valid"}},
    )
    assert auditor.one("SELECT count(*) FROM bridge_tokens") == 0


def test_the_bank_account_of_a_token_is_gone_when_its_time_is_over(who, auditor, database):
    account = {"account_number": "16002600", "routing_number": "123456789"}
    who.bridge_token(product_type="deposit_switch", account=account)
    forget = lambda: income_users.forget_bridge_tokens(connection)  # noqa: E731
    with database.statement() as connection:
        forget()
        before = auditor.one("SELECT account IS NULL FROM bridge_tokens")
        auditor.rows("UPDATE bridge_tokens SET expires_at = now()")
        forget()

    assert (before, auditor.one("SELECT account IS NULL FROM bridge_tokens")) == (False, True)


def test_a_login_can_be_repeated_with_its_key(log_in, auditor, token):
    key = {"Idempotency-Key": "of this login"}
    first, second = log_in(**key), log_in(**key)
    other = log_in({"password": "another"}, **key)

    assert first.json()["task_id"] == second.json()["task_id"]
    assert first.json()["link_id"] == second.json()["link_id"]
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert auditor.one("SELECT count(*) FROM jobs") == 1
    kept = str(auditor.rows("SELECT * FROM idempotency_keys"))
    assert not any(word in kept for word in (token, "goodpassword", first.json()["public_token"]))


def test_a_service_without_a_key_keeps_no_secrets(with_setting, who, token, auditor):
    app = create_app(with_setting(sealing_keys=()))
    with httpx.Client(transport=httpx.WSGITransport(app), base_url="http://localhost") as bare:
        login = bare.post("/v1/bridge/login/", json={**BODY, "bridge_token": token})
        hook = {"name": "x", "webhook_url": "http://example.org", "env_type": "dev"}
        webhook = who.at(bare).post("/v1/webhooks/", hook)
    app.extensions["jobspine"].database.close()

    assert (login.status_code, webhook.status_code) == (501, 501)
    assert login.json()["error"]["code"] == "not_configured"
    assert auditor.one("SELECT count(*) FROM jobs") == 0


def test_a_browser_gives_the_code_by_the_token_of_its_user(who, stranger, http, perform):
    mine, foreign = who.bridge_token(), stranger.bridge_token()
    task = who.login("goodlogin", "mfa", bridge_token=mine)["task_id"]
    perform(task)
    path = f"/v1/tasks/{task}/mfa/"

    statuses = [
        http.post(path, json={"code": "12345"}).status_code,
        http.post(path, json={"code": "12345", "bridge_token": "0" * 32}).status_code,
        http.post(path, json={"code": "12345", "bridge_token": foreign}).status_code,
        http.post(path, json={"code": "12345", "bridge_token": who.bridge_token()}).status_code,
        stranger.code(task).status_code,
        http.post(path, json={"bridge_token": mine}).status_code,
        http.post(path, json={"code": "12345", "bridge_token": mine}).status_code,
    ]

    assert statuses == [401, 401, 404, 404, 404, 400, 202]
    assert perform(task) == "completed"
