from __future__ import annotations

import io
import json
import logging

import pytest

from config import logs
from tasks.job.declare import JOB_TYPES
from tasks.job.dispatch import Dispatch
from tasks.job.queue import Bell
from tasks.records import webhooks
from tasks.webhooks.announce import announce
from tasks.webhooks.forms import Secrets, seal_secrets
from tests.providers import InTurn
from tests.receiver import answers
from workers.outcome import backoff
from workers.runner import Runner
from workers.sweep import Sweep

SECRETS = Secrets("the token", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
DATA = {"id": "7", "status": "finalized"}


@pytest.fixture
def settings(settings, with_setting):
    """Webhooks of these tests go to this machine."""
    assert settings
    return with_setting(webhooks_may_be_private=True)


@pytest.fixture
def deliver(database, settings, receiver, account):
    """Have an event told to the receiver; return the id of the job that does so."""

    def record(sealed: bytes | None = None) -> str:
        with database.transaction() as connection:
            webhooks.add(
                connection,
                "credentials",
                account.uid,
                url=f"{receiver.url}/hook",
                events=["did_create"],
                description="",
                active=True,
                sealed=seal_secrets(settings, SECRETS) if sealed is None else sealed,
            )
            dispatch = Dispatch(connection)
            announce(dispatch, "credentials", account.uid, "did_create", about="7", data=DATA)
            (bell,) = dispatch.bells
        return bell.id

    return record


@pytest.fixture
def delivery(auditor):
    """The one delivery, and the tries at it."""

    def look() -> tuple[dict, list[tuple[int | None, str | None]]]:
        (row,) = auditor.rows("SELECT * FROM webhook_deliveries")
        tries = auditor.rows("SELECT * FROM webhook_attempts ORDER BY seq")
        return row, [(one["response_code"], one["reason"]) for one in tries]

    return look


def make_due(auditor) -> None:
    auditor.rows("UPDATE jobs SET due_at = now() - interval '1 second'")


def test_an_event_is_delivered_in_the_documented_form(deliver, perform, receiver, delivery):
    job = perform(deliver())

    row, tries = delivery()
    assert (job.state, job.result) == ("completed", {"code": 204})
    assert (row["state"], tries) == ("delivered", [(204, None)])
    assert row["delivered_at"] is not None
    (told,) = receiver.told
    assert told.path == "/hook"
    assert told.json == {"token": "the token", "event": "did_create", "data": DATA}
    assert told.headers["webhook-id"] == row["id"]
    assert told.headers["webhook-signature"].startswith("v1,")


def test_a_receiver_that_failed_is_told_again_under_the_same_id(
    deliver, perform, receiver, delivery, auditor
):
    receiver.otherwise = InTurn(answers(500), answers(200))
    job_id = deliver()

    first = perform(job_id)
    between = delivery()
    make_due(auditor)
    second = perform(job_id)

    assert (first.state, first.failures, between[0]["state"]) == ("running", 1, "pending")
    assert between[1] == [(500, "the receiver answered 500")]
    assert (second.state, delivery()[0]["state"]) == ("completed", "delivered")
    assert delivery()[1] == [(500, "the receiver answered 500"), (200, None)]
    one, other = receiver.told
    assert one.body == other.body
    assert one.headers["webhook-id"] == other.headers["webhook-id"]
    (retry,) = auditor.rows("SELECT note, cause FROM job_moves WHERE move = 'retry'")
    assert retry == {"note": "the receiver answered 500", "cause": "status_5xx"}


def test_a_day_of_failures_is_given_up(deliver, perform, receiver, delivery, auditor):
    receiver.otherwise = answers(503)
    job_id = deliver()
    auditor.rows("UPDATE jobs SET failures = 18, attempts = 18, state = 'running',"
                 " started_at = now()")  # fmt: skip

    job = perform(job_id)

    assert (job.state, job.code) == ("failed", "attempts_exhausted")
    assert job.error == "gave up after 19 failures: the receiver answered 503"
    row, tries = delivery()
    assert (row["state"], row["delivered_at"], len(tries)) == ("failed", None, 1)


def test_tries_are_spread_over_a_day():
    kind = JOB_TYPES["deliver_webhook"]
    pauses = [min(5 * 2**n, 10800) for n in range(18)]

    assert (kind.attempts, kind.queue, kind.api) == (19, "webhooks", "webhooks")
    assert 0.75 * 5 <= backoff(kind, 1) <= 1.25 * 5
    assert 0.75 * 10800 <= backoff(kind, 18) <= 1.25 * 10800
    assert 23 * 3600 < sum(pauses) < 25 * 3600


def test_a_receiver_that_is_gone_is_not_told_again(deliver, perform, receiver, delivery):
    receiver.otherwise = answers(410)

    job = perform(deliver())

    assert (job.state, job.code, job.error) == (
        "failed", "gone", "the receiver answered 410: it is gone",
    )  # fmt: skip
    assert delivery()[0]["state"] == "failed"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE webhooks SET active = false", "webhook_disabled"),
        ("DELETE FROM webhooks", "no_webhook"),
    ],
)
def test_who_wants_to_hear_no_more_is_not_told(deliver, perform, receiver, auditor, change, code):
    job_id = deliver()
    auditor.rows(change)

    job = perform(job_id)

    assert (job.state, job.code) == ("failed", code)
    assert receiver.told == []


def test_a_private_address_is_not_connected_to_unless_that_is_set(
    deliver, receiver, delivery, database, with_setting
):
    job_id = deliver()
    strict = with_setting(webhooks_may_be_private=False)

    Runner(strict, database, "w").help_out(Bell("deliver_webhook", job_id, "webhooks"))

    assert receiver.told == []
    assert delivery()[1] == [(None, "the address is not a public address")]


def test_secrets_that_cannot_be_opened_leave_the_event_for_later(
    deliver, perform, receiver, delivery, auditor
):
    job = perform(deliver(sealed=b"sealed with a key that is gone"))

    assert (job.state, job.failures) == ("running", 1)
    assert receiver.told == []
    note = auditor.one("SELECT note FROM job_moves WHERE move = 'retry'")
    assert note == "none of the sealing keys opens the webhook's secrets"
    assert delivery()[0]["state"] == "pending"


@pytest.fixture
def written(monkeypatch):
    """What is logged as a worker logs it."""
    root, into = logging.getLogger(), io.StringIO()
    monkeypatch.setattr(root, "handlers", root.handlers)
    monkeypatch.setattr(root, "level", root.level)
    logs.configure("DEBUG")
    root.handlers[0].setStream(into)
    return into.getvalue


def test_neither_address_nor_content_nor_secret_is_kept_where_it_does_not_belong(
    deliver, perform, receiver, auditor, written
):
    receiver.otherwise = answers(500)
    perform(deliver())

    jobs = auditor.rows("SELECT * FROM jobs"), auditor.rows("SELECT * FROM job_moves")
    everything = str(jobs) + str(auditor.rows("SELECT * FROM webhook_attempts"))
    logged = written()
    assert "attempt_failed" in logged
    for word in (receiver.url, "the token", "whsec_", "finalized"):
        assert word not in everything
        assert word not in logged
    rows = str(auditor.rows("SELECT * FROM webhooks, webhook_deliveries"))
    assert "the token" not in rows
    assert json.dumps(DATA) in rows or str(DATA) in rows


def test_what_was_told_is_forgotten_with_the_job_that_told_it(
    deliver, perform, settings, database, auditor
):
    perform(deliver())
    auditor.rows("UPDATE jobs SET expires_at = now() - interval '2 hours'")

    Sweep(settings, database, ["webhooks"]).once()

    for table in ("jobs", "webhook_deliveries", "webhook_attempts"):
        assert auditor.one(f"SELECT count(*) FROM {table}") == 0, table
    assert auditor.one("SELECT count(*) FROM webhooks") == 1
