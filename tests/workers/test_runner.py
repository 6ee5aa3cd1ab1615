from __future__ import annotations

import io
import json
import logging
import threading
from datetime import timedelta

import pytest

import tests.job_types  # noqa: F401 - declares the types that are run here
from config import logs
from config.database import Database
from tasks.job import states
from tasks.job.declare import JOB_TYPES
from tasks.job.queue import Bell
from tests.conftest import wait_until
from tests.tasks.job.jobs import advance, claim, claimed, record
from workers.lease import Keeper
from workers.outcome import backoff
from workers.runner import Runner


@pytest.fixture
def runner(settings, database):
    """A worker in this process."""
    return Runner(settings, database, "w1")


@pytest.fixture
def run(runner, database, auditor):
    """Record a job, ring for it, and return its row."""

    def run(job_id: str = "a", **given: object) -> dict[str, object]:
        record(database, job_id, **given)
        return again(job_id)

    def again(job_id: str = "a") -> dict[str, object]:
        row = auditor.job(job_id)
        runner.hear(Bell(row["type"], job_id, row["queue"]))
        return auditor.job(job_id)

    run.again = again
    return run


def make_due(auditor) -> None:
    auditor.rows("UPDATE jobs SET due_at = now() - interval '1 second'")


def test_a_handler_that_returns_completes_its_job(run, auditor, runner):
    row = run(type="noop", payload={"n": 7})

    assert (row["state"], row["result"]) == ("completed", {"n": 7})
    assert (row["attempts"], row["failures"], row["worker"]) == (1, 0, None)
    assert row["expires_at"] - row["finished_at"] == timedelta(days=30)
    assert auditor.moves("a") == ["claim", "complete"]
    assert (runner.claims, runner.ignored, runner.idle) == (1, 0, True)


def test_a_permanent_failure_ends_at_once_with_one_line(run, auditor):
    row = run(type="gives_up")

    assert (row["state"], row["code"]) == ("failed", "no_use")
    assert row["error"] == "there is no use in trying again"
    assert (row["attempts"], row["failures"]) == (1, 1)
    assert auditor.moves("a") == ["claim", "fail"]


def test_a_temporary_failure_may_ask_for_a_longer_pause_than_the_back_off(run):
    row = run(type="is_sent_away")

    assert (row["state"], row["failures"]) == ("running", 1)
    assert row["due_at"] - row["updated_at"] == timedelta(seconds=90)


def test_a_temporary_failure_says_why_between_attempts_and_at_the_end(run, auditor):
    row = run(type="hopes")
    make_due(auditor)
    last = run.again()

    assert (row["state"], row["failures"], row["worker"]) == ("running", 1, None)
    note = auditor.one("SELECT note FROM job_moves WHERE move = 'retry'")
    assert note == "the other side is busy"
    assert (last["state"], last["code"]) == ("failed", "attempts_exhausted")
    assert last["error"] == "gave up after 2 failures: the other side is busy"


def test_any_other_exception_is_tried_again_after_a_pause(run, auditor):
    row = run(type="fails")

    wait = (row["due_at"] - row["updated_at"]).total_seconds()
    assert (row["state"], row["failures"], row["worker"]) == ("running", 1, None)
    assert 0.15 <= wait <= 0.25
    assert auditor.moves("a") == ["claim", "retry"]


def test_a_job_fails_when_its_bound_of_failures_is_reached(run, auditor):
    run(type="fails")
    make_due(auditor)
    run.again()
    make_due(auditor)
    row = run.again()

    assert (row["state"], row["code"]) == ("failed", "attempts_exhausted")
    assert row["error"] == "gave up after 3 failures: RuntimeError"
    assert (row["attempts"], row["failures"]) == (3, 3)
    assert auditor.moves("a") == ["claim", "retry", "claim", "retry", "claim", "fail"]


def test_the_text_of_an_exception_is_neither_kept_nor_logged(run, auditor):
    root = logging.getLogger()
    before = root.handlers, root.level
    logs.configure("DEBUG")
    written = io.StringIO()
    root.handlers[0].setStream(written)

    run(type="fails")
    root.handlers, root.level = before

    assert "attempt_failed" in written.getvalue()
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert {(line["job"], line["type"]) for line in lines if "job" in line} == {("a", "fails")}
    assert "secret-in-the-exception" not in written.getvalue()
    kept = auditor.rows("SELECT * FROM jobs"), auditor.rows("SELECT * FROM job_moves")
    assert "secret-in-the-exception" not in str(kept)


def test_a_job_that_waits_is_parked_without_a_slot_a_lease_or_a_failure(run, auditor, runner):
    first = run(type="parks")
    auditor.rows("UPDATE jobs SET due_at = due_at + interval '1 minute'")
    early = run.again()
    make_due(auditor)
    run.again()
    make_due(auditor)
    last = run.again()

    assert (first["state"], first["worker"], first["lease_until"]) == ("running", None, None)
    assert early["attempts"] == 1
    assert (last["state"], last["result"]) == ("completed", {"n": 3})
    assert (last["attempts"], last["failures"]) == (3, 0)
    assert auditor.moves("a") == ["claim", "park", "claim", "park", "claim", "complete"]
    assert runner.ignored == 1


def test_a_bell_for_what_cannot_be_claimed_is_ignored_and_counted(run, runner, database):
    run(type="noop")
    claimed(database, "owned", type="noop", worker="w2")

    runner.hear(Bell("noop", "a", "default"))
    runner.hear(Bell("noop", "owned", "default"))
    runner.hear(Bell("noop", "unknown", "default"))
    runner.hear(Bell("no_such_type", "a", "default"))
    runner.hear(Bell("fails", "a", "default"))

    assert (runner.claims, runner.ignored) == (1, 5)


def test_a_stopping_worker_takes_nothing(run, runner):
    runner.stopping.set()

    row = run(type="noop")

    assert row["state"] == "pending"


def test_help_takes_work_without_a_bell_when_the_slot_is_free(runner, database, auditor):
    record(database, "a", type="noop")
    record(database, "b", type="noop")

    with runner._slot:
        busy = runner.help_out(Bell("noop", "a", "default"))
    idle = runner.help_out(Bell("noop", "b", "default"))

    assert (busy, idle) == (False, True)
    assert (auditor.job("a")["state"], auditor.job("b")["state"]) == ("pending", "completed")
    assert auditor.one("SELECT cause FROM job_moves WHERE move = 'claim'") == "unasked"


@pytest.mark.parametrize(
    ("job_type", "causes"),
    [
        ("noop", [None, None]),
        ("gives_up", [None, "no_use"]),
        ("is_sent_away", [None, "temporary"]),
        ("fails", [None, "RuntimeError"]),
        ("parks", [None, None]),
    ],
)
def test_a_move_says_in_a_word_why_it_was_made(run, auditor, job_type, causes):
    run(type=job_type)

    moves = auditor.rows("SELECT cause FROM job_moves ORDER BY seq")
    assert [move["cause"] for move in moves] == causes


GATED = {"type": "gated", "gate": "s"}


def test_the_second_pending_job_of_a_held_gate_is_rejected_and_names_the_holder(
    run, database, auditor
):
    claimed(database, "holder", **GATED)

    row = run("late", **GATED)

    assert (row["state"], row["conflict"], row["attempts"]) == ("rejected", "holder", 0)
    assert auditor.moves("late") == ["reject"]
    assert auditor.one("SELECT worker FROM job_moves WHERE move = 'reject'") == "w1"
    assert auditor.job("holder")["state"] == "running"


def test_a_job_behind_a_gate_that_was_freed_runs(run, database, tmp_path):
    go = tmp_path / "go"
    go.touch()
    holder = claimed(database, "holder", **GATED)
    advance(database, holder, states.COMPLETE, result={}, keep=9)

    row = run("late", **GATED, payload={"scope": "s", "path": str(go)})

    assert row["state"] == "completed"


def test_a_payload_that_fits_no_longer_counts_as_a_failure(run):
    row = run(type="noop", payload={"n": "seven"})

    assert (row["state"], row["failures"]) == ("running", 1)


@pytest.fixture
def handler(monkeypatch):
    """Replace what the type noop does."""

    def replace(function) -> None:
        kind = JOB_TYPES["noop"]
        monkeypatch.setitem(JOB_TYPES, "noop", type(kind)(**{**vars(kind), "handler": function}))

    return replace


def test_a_result_that_cannot_be_kept_is_a_failure_and_frees_the_job(run, handler):
    handler(lambda _ctx, n: {"n": float("nan") if n == 0 else n})
    row = run(type="noop", payload={"n": 0})

    assert (row["state"], row["failures"], row["worker"]) == ("running", 1, None)


def test_a_result_of_nothing_is_an_empty_one(run, handler):
    handler(lambda _ctx, **_: None)

    assert run(type="noop")["result"] == {}


def test_an_attempt_that_lost_its_job_settles_nothing(run, handler, database, auditor):
    def lose(ctx, **_):
        advance(database, ctx.job, states.LOSE)
        claim(database, "a", worker="w2")
        with ctx.step():
            pass

    handler(lose)

    row = run(type="noop")

    assert (row["state"], row["worker"], row["attempts"]) == ("running", "w2", 2)
    assert auditor.moves("a") == ["claim", "lose", "claim"]


def test_a_late_return_of_an_attempt_that_lost_its_job_is_refused(run, handler, database, auditor):
    handler(lambda ctx, **_: advance(database, ctx.job, states.LOSE) and {"n": 1})

    row = run(type="noop")

    assert (row["state"], row["result"]) == ("running", None)
    assert auditor.moves("a") == ["claim", "lose"]


def test_a_lost_connection_is_no_failure_of_the_job(run, handler, with_setting, auditor):
    def reach_for_nowhere(_ctx, **_):
        with Database(with_setting(database_url="postgresql:///x?host=/nowhere")).statement():
            pass

    handler(reach_for_nowhere)

    row = run(type="noop")

    assert (row["state"], row["failures"], row["worker"]) == ("running", 0, None)
    assert auditor.moves("a") == ["claim", "hand_back"]


def test_the_keeper_renews_what_runs_and_tells_an_attempt_that_it_lost(
    settings, database, runner, auditor, handler
):
    go, lost = threading.Event(), []

    def wait(ctx, **_):
        go.wait(20)
        lost.append(ctx._lost)

    handler(wait)
    record(database, "a", type="noop")
    keeper = Keeper(settings, database, runner, ["default"])
    running = threading.Thread(target=runner.hear, args=[Bell("noop", "a", "default")])
    running.start()
    wait_until(lambda: runner.current)
    auditor.rows("UPDATE jobs SET lease_until = lease_until - interval '5 seconds'")

    keeper._renew()
    renewed = auditor.one("SELECT lease_until > now() + interval '4 seconds' FROM jobs")
    auditor.rows("UPDATE jobs SET lease_until = now() - interval '1 second'")
    keeper._renew()
    go.set()
    running.join()

    assert renewed
    assert lost == [True]
    assert auditor.rows("SELECT id, queues, claims FROM workers") == [
        {"id": "w1", "queues": ["default"], "claims": 1}
    ]


@pytest.mark.parametrize(
    ("failures", "least", "most"),
    [
        (1, 1.5, 2.5),
        (2, 3.0, 5.0),
        (3, 6.0, 10.0),
        (8, 192.0, 320.0),
        (9, 225.0, 375.0),
        (60, 225.0, 375.0),
    ],
)
def test_the_pause_doubles_with_each_failure_up_to_its_limit(failures, least, most):
    waits = [backoff(JOB_TYPES["noop"], failures) for _ in range(200)]

    assert least <= min(waits) < max(waits) <= most
