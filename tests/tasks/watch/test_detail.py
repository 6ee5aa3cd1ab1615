from __future__ import annotations

import pytest

import tests.job_types  # noqa: F401 - declares the types that are shown
from tasks.job import orders, states
from tasks.job.dispatch import Dispatch
from tasks.watch import detail, failures, queues
from tests.tasks.job.jobs import advance, age, claim, claimed, record


@pytest.fixture
def show(database):
    """Return all of a job."""

    def show(job_id, **given):
        with database.statement() as connection:
            return detail.get(connection, job_id, **given)

    return show


def test_a_history_is_shown_as_attempts(show, database):
    advance(database, claimed(database, "a"), states.RETRY, note="the node is busy")
    advance(database, claim(database, "a", worker="w2"), states.PARK)
    claim(database, "a", worker="w3")

    attempts = show("a").attempts

    assert [(one.number, one.worker, one.ended, one.note) for one in attempts] == [
        (1, "w1", "retry", "the node is busy"),
        (2, "w2", "park", None),
        (3, "w3", "", None),
    ]
    assert attempts[0].began_at < attempts[0].ended_at <= attempts[1].began_at
    assert attempts[2].ended_at is None


def test_a_long_history_is_shown_from_its_end(show, database, auditor):
    record(database, "a")
    auditor.rows(
        "INSERT INTO job_moves (job_id, attempt, move, state)"
        " SELECT 'a', number, 'claim', 'running' FROM generate_series(1, 1100) AS number"
    )

    found = show("a")

    assert [one.attempt for one in found.moves] == list(range(101, 1101))
    assert found.is_cut
    assert not show(record(database, "b")).is_cut


def test_a_job_knows_what_is_before_it_and_who_could_do_it(show, database, auditor):
    record(database, "first", queue="bulk")
    record(database, "second", queue="bulk")
    age(auditor, "first", due_at=5)
    nobody = show("second").why
    auditor.rows(
        "INSERT INTO workers (id, queues, seen_at) VALUES"
        " ('w1', '{bulk}', now() + interval '1 h'), ('w2', '{other}', now() + interval '1 h')"
    )
    claimed(database, "other", queue="bulk", worker="w1")

    assert nobody == "No worker serves its queue, bulk."
    assert show("second", redis=False).why == (
        "1 job is before it in the queue bulk; all 1 workers are busy."
        " Redis is away, so work begins more slowly."
    )
    assert show("first").why == "It is the next in the queue bulk; all 1 workers are busy."
    assert show("unknown") is None


def test_a_job_knows_who_holds_its_gate_and_which_ran_it_again(show, database):
    claimed(database, "holder", type="gated", gate="s")
    record(database, "second", type="gated", gate="s")
    advance(database, claimed(database, "old"), states.FAIL, code="c", error="e", keep=60)
    with database.transaction() as connection:
        again = orders.repeat(Dispatch(connection), "old")

    assert (show("second").holder, show("holder").holder) == ("holder", None)
    assert show("old").retried_as == again
    assert show(again).job.retry_of == "old"


def test_a_job_knows_what_webhooks_were_told_of_it(show, database, auditor):
    record(database, "a")
    auditor.rows(
        "INSERT INTO webhooks (api, tenant, url, events, description, active, sealed)"
        " VALUES ('credentials', 't', 'https://example.org', '{}', '', true, '')"
    )
    auditor.rows(
        "INSERT INTO webhook_deliveries (id, webhook_id, event, about, data, job_id)"
        " SELECT 'msg_1', id, 'did_create', 'a', '{}', 'd' FROM webhooks"
    )
    auditor.rows("INSERT INTO webhook_attempts (delivery_id, seconds) VALUES ('msg_1', 1)")

    (told,) = show("a").deliveries

    assert (told.id, told.event, told.state, told.job_id) == ("msg_1", "did_create", "pending", "d")
    assert (told.tries, told.delivered_at) == (1, None)


def test_queues_say_how_much_waits_and_how_long_it_has(database, auditor):
    record(database, "old", queue="bulk")
    record(database, "new", queue="bulk")
    age(auditor, "old", due_at=600)
    advance(database, claimed(database, "parked", queue="bulk"), states.PARK, delay=60)
    claimed(database, "busy", queue="bulk")
    auditor.rows(
        "INSERT INTO workers (id, queues, seen_at) VALUES"
        " ('w1', '{bulk,extra}', now() + interval '1 h'),"
        " ('silent', '{bulk}', now() - interval '9 seconds')"
    )

    with database.statement() as connection:
        found = {one.name: one for one in queues.everyone(connection)}
        waiting = {one.type: one for one in queues.in_flight(connection)}

    bulk = found["bulk"]
    assert (bulk.due, bulk.later, bulk.running, bulk.workers) == (2, 1, 1, 1)
    assert 600 <= bulk.oldest < 660
    assert (found["extra"].due, found["extra"].oldest, found["default"].workers) == (0, 0, 0)
    assert (waiting["noop"].pending, waiting["noop"].running) == (2, 2)
    assert waiting["fails"].pending == 0


def test_failures_are_grouped_by_what_went_wrong(database):
    for number in range(7):
        job = claimed(database, f"j{number}")
        error = f"gave up after {number} failures: the node 0xAb{number} is busy"
        advance(database, job, states.FAIL, code="attempts_exhausted", error=error, keep=60)
    job = claimed(database, "other", type="fails")
    advance(database, job, states.FAIL, code="no_use", error="no use", keep=60)

    with database.statement() as connection:
        first, second = failures.groups(connection)

    assert (first.type, first.code, first.jobs) == ("noop", "attempts_exhausted", 7)
    assert first.error == "gave up after # failures: the node # is busy"
    assert first.newest == ["j6", "j5", "j4", "j3", "j2"]
    assert first.first_at < first.last_at
    assert (second.type, second.error, second.jobs) == ("fails", "no use", 1)


def test_a_failure_counts_from_when_it_failed_however_old_the_job(database, auditor):
    for name, finished in (("early", 7200), ("late", 60)):
        job = claimed(database, name)
        advance(database, job, states.FAIL, code="c", error="e", keep=60)
        age(auditor, name, created_at=9000, finished_at=finished)

    with database.statement() as connection:
        (hour,) = failures.groups(connection, hours=1)
        (day,) = failures.groups(connection, hours=24)

    assert hour.newest == ["late"]
    assert day.newest == ["late", "early"]
