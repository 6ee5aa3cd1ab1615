"""What a user entered is looked for everywhere, while a task runs and after its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def kept(auditor, redis) -> Callable[[], str]:
    """Everything that PostgreSQL and Redis hold."""

    def kept() -> str:
        tables = auditor.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [str(auditor.rows(f"SELECT t::text FROM {one['tablename']} AS t")) for one in tables]
        dumps = [str(redis.dump(key)) for key in redis.keys("*")]
        return "".join([*rows, *dumps])

    return kept


@pytest.mark.parametrize("ends", ["done", "mfa_error"])
def test_what_a_user_entered_is_nowhere_in_clear_and_gone_at_the_end(
    ends, who, sandbox, start_api, start_worker, receiver, kept, auditor
):
    api = start_api(WEB_PROCESSES="1", LOG_LEVEL="DEBUG")
    worker = start_worker(LOG_LEVEL="DEBUG")
    who = who.at(api)
    hook = {"name": "test", "webhook_url": receiver.url, "env_type": "sandbox"}
    assert who.post("/v1/webhooks/", hook).status_code == 201
    login = sandbox.account(code="271828")
    code = "271828" if ends == "done" else "314159"

    task = who.login(login.username, login.password)["task_id"]
    wait_until(lambda: who.status(task) == "mfa")
    during = kept()
    sealed = auditor.rows("SELECT credentials, challenge FROM account_secrets")
    assert who.code(task, code).status_code == 202
    wait_until(lambda: who.status(task) == ends)
    wait_until(lambda: receiver.told and receiver.told[-1].json["status"] == ends)

    written = worker.log.read_text() + api.process.log.read_text()
    told = "".join(str(one) for one in receiver.told)
    for secret in (login.username, login.password, code, who.secret):
        for place in (during, kept(), written, told):
            assert secret not in place
    assert all(sealed[0].values())
    assert auditor.one("SELECT count(*) FROM account_secrets") == 0
    assert [one.json["status"] for one in receiver.told] == (
        ["login", "mfa", "parse", "full_parse", "done"]
        if ends == "done"
        else ["login", "mfa", "mfa_error"]
    )
