from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from config.settings import SandboxProviderSettings, SettingsInvalid
from tasks.clients.accounts.directory import PROVIDERS, connector
from tasks.clients.accounts.protocol import Credentials
from tasks.providers.sandbox import seed
from tasks.providers.sandbox.web import application
from tests.conftest import wait_until
from tests.tasks.providers.sandbox.conftest import SETTINGS

KEY = {"X-Control-Key": "a key for tests"}


def test_it_needs_no_settings_and_has_no_control_then():
    settings = SandboxProviderSettings.from_env({})

    assert settings == SandboxProviderSettings()
    assert (settings.sandbox_provider_port, settings.sandbox_control_key) == (8002, "")
    assert "secretword" not in repr(replace(settings, sandbox_control_key="secretword"))


def test_what_is_wrong_is_one_error():
    with pytest.raises(SettingsInvalid) as refused:
        SandboxProviderSettings.from_env({"SANDBOX_SLOW_SECONDS": "0", "LOG_LEVEL": "LOUD"})

    assert sorted(str(refused.value).split("; ")) == [
        "LOG_LEVEL is not a level such as INFO",
        "SANDBOX_SLOW_SECONDS must be above zero",
    ]


def test_the_service_knows_its_providers_and_no_others():
    assert {one.id: one.name for one in seed.PROVIDERS.values()} == {
        one.id: one.name for one in PROVIDERS.values()
    }
    assert {one.id for one in seed.PROVIDERS.values() if one.is_bank} == {
        one.id for one in PROVIDERS.values() if one.protocol == "ofx"
    }


def test_health_is_answered(client):
    assert client.get("/healthz").json == {"status": "ok"}


@pytest.mark.parametrize("headers", [{}, {"X-Control-Key": "another"}])
def test_without_its_key_nothing_is_controlled(client, headers):
    assert client.post("/control/accounts", json={}, headers=headers).status_code == 401


def test_without_a_key_of_its_own_there_is_no_control(vault):
    client = application(vault, replace(SETTINGS, sandbox_control_key="")).test_client()

    assert client.get("/control/mishaps/x", headers={"X-Control-Key": ""}).status_code == 404


def test_a_failure_is_logged_without_what_was_sent(client, vault, caplog):
    vault.store.close()

    with caplog.at_level(logging.DEBUG):
        answer = client.post("/payroll/adp/reset", data={"username": "secretword"})

    assert (answer.status_code, answer.json) == (500, {"error": "internal_server_error"})
    assert "secretword" not in caplog.text


@pytest.mark.parametrize(
    ("does", "status"),
    [
        ("out_of_service", 503),
        ("fail", 500),
        ("throttle", 429),
        ("other_login", 200),
        ("elsewhere", 302),
    ],
)
def test_a_mishap_befalls_what_it_is_for_as_often_as_it_should(client, does, status):
    given = {"path": "/payroll/adp/login", "does": does, "method": "GET", "times": 2}
    made = client.post("/control/mishaps", json=given, headers=KEY).json["id"]

    assert client.post("/payroll/adp/login").status_code == 403
    found = [client.get("/payroll/adp/login") for _ in range(3)]

    assert [one.status_code for one in found] == [status, status, 200]
    assert client.get("/payroll/paywell/login").status_code == 200
    told = client.get(f"/control/mishaps/{made}", headers=KEY).json
    assert told == {"id": made, "met": 2, "held": 0}


def test_a_request_is_held_until_it_is_let_go(client):
    given = {"path": "/payroll/adp/features", "does": "hold"}
    made = client.post("/control/mishaps", json=given, headers=KEY).json["id"]
    path = f"/control/mishaps/{made}"

    with ThreadPoolExecutor(1) as others:
        asked = others.submit(client.application.test_client().get, "/payroll/adp/features")
        wait_until(lambda: client.get(path, headers=KEY).json["held"] == 1)
        was_done = asked.done()
        client.delete("/control/mishaps", headers=KEY)
        answer = asked.result(10)

    assert (was_done, answer.status_code) == (False, 200)
    assert client.get(path, headers=KEY).status_code == 404


def test_the_process_keeps_its_state_and_tells_its_log_nothing(sandbox):
    login = sandbox.account()
    with connector(PROVIDERS["adp"], sandbox.url, seconds=10) as adp:
        session = adp.login(Credentials(username=login.username, password=login.password))
        sandbox.stop()
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{sandbox.url}/healthz")
        sandbox.start()

        found = adp.employments(session)

    assert [one.job_title for one in found] == ["Warehouse Lead"]
    assert sandbox.state(login)["sign_ins"] == 1
    text = sandbox.log.read_text()
    assert login.password not in text
    assert session.token not in text
