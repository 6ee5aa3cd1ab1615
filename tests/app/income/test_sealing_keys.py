"""The key that seals secrets is changed while everything that it sealed is in use."""

from __future__ import annotations

import httpx
import pytest

from app import create_app
from tasks.job.queue import Bell
from tests.conftest import SEALING_KEY
from workers.runner import Runner

NEW = "bmV3" * 10 + "bmU="
SECRETS = {
    "webhooks": 1, "income_clients": 0, "links": 1, "bridge_tokens": 1, "account_tasks": 2,
    "account_secrets": 2,
}  # fmt: skip


@pytest.fixture
def with_keys(with_setting, database, auditor):
    """An application with other sealing keys, and a way to run attempts at jobs with them."""
    made = []

    def with_keys(*keys: str):
        settings = with_setting(sealing_keys=keys)
        app = create_app(settings)
        made.append(app)
        http = httpx.Client(transport=httpx.WSGITransport(app), base_url="http://localhost")
        runner = Runner(settings, database, "w1")

        def perform(job: str) -> None:
            row = auditor.job(job)
            runner.hear(Bell(row["type"], job, "of this test"))

        return app.test_cli_runner().invoke, http, perform

    yield with_keys
    for app in made:
        app.extensions["jobspine"].database.close()


@pytest.fixture
def old(who, perform, receiver):
    """A link that was read, a task that waits for a code, a token with an account, a webhook."""
    account = {"account_number": "98761234", "routing_number": "123456789"}
    hook = {"name": "x", "webhook_url": receiver.url, "env_type": "dev"}
    assert who.post("/v1/webhooks/", hook).status_code == 201
    link, waits = who.login(), who.login("goodlogin", "mfa")
    perform(link["task_id"])
    perform(waits["task_id"])
    who.bridge_token(product_type="deposit_switch", account=account)
    return {"link": link, "waits": waits["task_id"], "token": who.access_token(link)}


def test_what_the_old_key_sealed_is_as_good_once_it_was_sealed_anew(
    who, old, with_keys, receiver, auditor
):
    run, _, _ = with_keys(NEW, SEALING_KEY)
    first, again = run(args=["reseal"]), run(args=["reseal"])
    _, http, perform = with_keys(NEW)
    who = who.at(http)

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert first.output == "".join(f"{name}\t{n} sealed anew\n" for name, n in SECRETS.items())
    assert again.output == "".join(f"{name}\t0 sealed anew\n" for name in SECRETS)
    assert len(who.task(old["waits"])["bridge_token"]) == 32
    assert who.code(old["waits"]).status_code == 202
    perform(old["waits"])
    refresh = who.post("/v1/refresh/tasks/", {"access_token": old["token"]}).json()["task_id"]
    perform(refresh)
    told = auditor.rows("SELECT job_id FROM webhook_deliveries ORDER BY seq LIMIT 1")
    perform(told[0]["job_id"])
    assert (who.status(old["waits"]), who.status(refresh)) == ("done", "done")
    assert len(receiver.told) == 1


def test_with_both_keys_nothing_has_to_be_sealed_anew(who, old, with_keys):
    _, http, perform = with_keys(NEW, SEALING_KEY)
    who = who.at(http)

    assert who.code(old["waits"]).status_code == 202
    perform(old["waits"])
    assert who.status(old["waits"]) == "done"


@pytest.mark.usefixtures("old")
def test_what_no_key_opens_is_counted_and_left_as_it_is(with_keys, auditor):
    before = auditor.rows("SELECT * FROM account_secrets")
    run, _, _ = with_keys(NEW)
    done = run(args=["reseal"])
    none = with_keys()[0](args=["reseal"])

    assert done.exit_code == 1
    assert done.output.endswith("Error: 7 secrets are opened by none of the keys\n")
    assert auditor.rows("SELECT * FROM account_secrets") == before
    assert (none.exit_code, none.output) == (1, "Error: there are no SEALING_KEYS\n")
