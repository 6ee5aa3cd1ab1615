from __future__ import annotations

from datetime import timedelta

import pytest

from tasks.job import orders, states, store
from tasks.job.context import Context
from tasks.job.declare import JOB_TYPES, discover
from tasks.job.dispatch import Dispatch
from tasks.job.errors import Cancelled, ClaimLost, GateHeld, NotRepeatable
from tasks.job.queue import Bell
from tests.tasks.job.jobs import advance, claim, claimed, record
from workers.lease import Keeper
from workers.runner import Runner
from workers.sweep import Sweep, hand_back_jobs_of

discover(["tests.job_types"])


@pytest.fixture
def cancel(database):
    """Cancel jobs as an operator; return what became of that."""

    def cancel(*job_ids):
        with database.transaction() as connection:
            return orders.cancel(connection, job_ids, by="mary")

    return cancel


@pytest.fixture
def repeat(database):
    """Run an ended job again; return the new one's id."""

    def repeat(job_id):
        with database.transaction() as connection:
            return orders.repeat(Dispatch(connection), job_id)

    return repeat


def test_a_job_that_nobody_claimed_ends_at_once(cancel, database, auditor):
    record(database, "a")

    done = cancel("a")

    row = auditor.job("a")
    assert (done.ended, done.asked) == (["a"], [])
    assert (row["state"], row["code"], row["error"]) == ("failed", "cancelled", "it was cancelled")
    assert (row["attempts"], row["failures"], row["started_at"]) == (0, 0, None)
    assert row["expires_at"] - row["finished_at"] == timedelta(days=30)
    assert auditor.rows("SELECT attempt, move, state, note FROM job_moves") == [
        {"attempt": 0, "move": "cancel", "state": "failed", "note": "by mary"}
    ]
    assert claim(database, "a") is None


@pytest.mark.parametrize("move", [states.PARK, states.RETRY])
def test_a_job_that_waits_ends_at_once_and_frees_its_gate(cancel, database, auditor, move):
    advance(database, claimed(database, "a", gate="g"), move, delay=600)

    assert cancel("a").ended == ["a"]

    assert auditor.moves("a") == ["claim", move.name, "cancel"]
    assert auditor.job("a")["failures"] == int(move.counts)
    assert claimed(database, "b", gate="g") is not None


def test_a_job_that_is_at_work_may_be_ended_at_once_and_its_worker_writes_nothing_more(
    cancel, database, auditor
):
    context = Context(claimed(database, "a"), database, settings=None)
    asked = Context(claimed(database, "b"), database, settings=None)
    cancel("b")

    with database.transaction() as connection:
        done = orders.cancel(connection, ["a", "b"], by="ada", at_once=True)

    assert (done.ended, done.asked) == (["a", "b"], [])
    for job, by in (("a", "by ada"), ("b", "by mary")):
        row = auditor.job(job)
        assert (row["state"], row["code"], row["worker"]) == ("failed", "cancelled", None)
        note = "SELECT note FROM job_moves WHERE job_id = %s AND move = 'cancel'"
        assert auditor.one(note, job) == by
    for attempt in (context, asked):
        with pytest.raises(ClaimLost), attempt.step():
            pass
    assert not advance(database, context.job, states.COMPLETE, result={})


def test_a_job_that_is_at_work_is_asked_and_its_next_step_is_undone(cancel, database, auditor):
    job = claimed(database, "a")
    context = Context(job, database, settings=None)

    done = cancel("a")
    again = cancel("a")

    assert (done.ended, done.asked) == ([], ["a"])
    assert (again.ended, again.asked) == ([], [])
    assert auditor.job("a")["state"] == "running"
    with pytest.raises(Cancelled), context.step() as step:
        step.save(progress={"read": 1})
    assert auditor.job("a")["progress"] == {}


def test_a_handler_is_told_with_the_next_renewal(cancel, database, settings):
    runner = Runner(settings, database, "w1")
    context = runner._current = Context(claimed(database, "a"), database, settings)
    keeper = Keeper(settings, database, runner, ["default"])
    keeper._renew()
    before = context.cancelled()

    cancel("a")
    keeper._renew()

    assert (before, context.cancelled()) == (False, True)
    with pytest.raises(Cancelled), context.step():
        pytest.fail("the step began")


@pytest.fixture
def run(settings, database, monkeypatch):
    """Run a job whose handler does what is given; return its row."""

    def run(auditor, handler, job_type="noop"):
        kind = JOB_TYPES[job_type]
        changed = type(kind)(**{**vars(kind), "handler": handler})
        monkeypatch.setitem(JOB_TYPES, job_type, changed)
        record(database, "a", type=job_type)
        Runner(settings, database, "w1").hear(Bell(job_type, "a", "default"))
        return auditor.job("a")

    return run


def test_whatever_else_an_attempt_comes_to_its_job_is_cancelled(run, cancel, auditor):
    def handler(ctx, **_):
        cancel(ctx.job.id)
        raise RuntimeError

    row = run(auditor, handler)

    assert (row["state"], row["code"], row["worker"]) == ("failed", "cancelled", None)
    assert (row["attempts"], row["failures"]) == (1, 0)
    assert auditor.moves("a") == ["claim", "cancel"]


def test_a_handler_that_steps_on_ends_there(run, cancel, auditor):
    def handler(ctx, **_):
        ctx.progress(1, 2)
        cancel(ctx.job.id)
        ctx.progress(2, 2)

    row = run(auditor, handler)

    assert (row["state"], row["code"]) == ("failed", "cancelled")
    assert row["progress"] == {"done": 1, "total": 2}


def test_a_handler_that_does_not_notice_completes_its_job(run, cancel, auditor):
    row = run(auditor, lambda ctx, **_: cancel(ctx.job.id) and {"n": 1})

    assert (row["state"], row["result"]) == ("completed", {"n": 1})
    assert auditor.moves("a") == ["claim", "complete"]


def test_what_follows_from_an_end_follows_from_this_one_too(run, cancel, auditor, database):
    def handler(ctx, **_):
        cancel(ctx.job.id)
        raise Cancelled

    run(auditor, handler, "announced")
    record(database, "b", type="announced")
    bells = cancel("b").bells

    told = auditor.rows("SELECT payload FROM jobs WHERE type = 'tells' ORDER BY seq")
    assert [row["payload"] for row in told] == [
        {"of": "a", "state": "failed", "code": "cancelled"},
        {"of": "b", "state": "failed", "code": "cancelled"},
    ]
    assert [bell.type for bell in bells] == ["tells"]


def test_a_job_whose_worker_is_lost_or_stopped_is_cancelled(cancel, database, auditor, settings):
    claimed(database, "lost", worker="w1")
    claimed(database, "stopped", worker="w2")
    cancel("lost", "stopped")
    auditor.rows("UPDATE jobs SET lease_until = now() - interval '1 second' WHERE id = 'lost'")

    Sweep(settings, database, ["default"]).once()
    hand_back_jobs_of(database, ["w2"])

    assert auditor.moves("lost") == auditor.moves("stopped") == ["claim", "cancel"]


def test_what_has_ended_or_cannot_be_taken_back_stays_as_it_is(cancel, database, auditor):
    advance(database, claimed(database, "over"), states.COMPLETE, result={}, keep=60)
    job = claimed(database, "sent")
    with Context(job, database, settings=None).step() as step:
        step.save(irrevocable=True)
    advance(database, job, states.PARK, delay=60)

    done = cancel("over", "sent", "unknown")

    assert (done.ended, done.asked) == ([], [])
    assert (auditor.job("over")["state"], auditor.job("sent")["state"]) == ("completed", "running")
    assert auditor.rows("SELECT id FROM jobs WHERE cancelled_by IS NOT NULL") == []


def test_a_step_that_cannot_be_taken_back_is_not_begun_once_a_job_is_cancelled(
    cancel, database, auditor
):
    context = Context(claimed(database, "a"), database, settings=None)
    cancel("a")

    with pytest.raises(Cancelled), context.step() as step:
        step.save(irrevocable=True)

    assert auditor.job("a")["irrevocable"] is False


# Run again.


def failed(database, job_id, **given):
    job = claimed(database, job_id, **given)
    advance(database, job, states.FAIL, code="no_use", error="no use", keep=60)


def test_an_ended_job_runs_again_as_a_new_one_that_points_to_it(repeat, database, auditor):
    failed(database, "a", tenant="org", payload={"n": 7})

    made = repeat("a")

    row = auditor.job(made)
    assert (row["type"], row["tenant"], row["queue"]) == ("noop", "org", "default")
    assert (row["payload"], row["state"], row["retry_of"]) == ({"n": 7}, "pending", "a")
    with database.statement() as connection:
        assert store.get(connection, made).retry_of == "a"
        assert orders.retried_as(connection, "a") == made
    assert auditor.job("a")["state"] == "failed"


def test_what_cannot_be_run_again_says_why(repeat, database):
    record(database, "waits")
    failed(database, "once")
    made = repeat("once")
    upload = {"org": "0x", "upload": "u", "format": "csv"}
    failed(database, "file", type="org_members", payload=upload)
    failed(database, "named", type="census_participants", payload={"census": "c", "action": "add"})
    event = {"event": "did_create", "subject": "did:x", "user_data": ""}
    failed(database, "0", type="ledger_transaction", payload=event)
    failed(database, "told", type="deliver_webhook", payload={"delivery": "gone"})

    said = {}
    for job_id in ("unknown", "waits", "once", "file", "named", "0", "told"):
        with pytest.raises(NotRepeatable) as refused:
            repeat(job_id)
        said[job_id] = str(refused.value)

    assert said == {
        "unknown": "no job of a known type has this id",
        "waits": "the job has not ended",
        "once": f"the job was run again already, as {made}",
        "file": "the file was kept for the first job alone: send it again",
        "named": "the members were named for the first job alone: name them again",
        "0": "what it was about has moved on: the account has to ask again",
        "told": "what it told is gone, or is being told by another job",
    }


def test_a_job_is_not_run_again_beside_one_that_holds_its_gate(repeat, database, auditor):
    payload = {"scope": "s", "path": "p"}
    failed(database, "a", type="gated", payload=payload, gate="s")
    claimed(database, "b", type="gated", payload=payload, gate="s")

    with pytest.raises(GateHeld) as held:
        repeat("a")

    assert held.value.holder == "b"
    assert auditor.one("SELECT count(*) FROM jobs") == 2
