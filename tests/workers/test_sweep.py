from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import text

from config.database import Database
from tasks.job import idempotency, states
from tasks.job.declare import discover
from tasks.job.queue import depth
from tasks.records import members, uploads
from tasks.records.members import RowError
from tasks.records.uploads import Spool
from tests.tasks.job.jobs import advance, claim, claimed, record, tally
from workers.sweep import Sweep, hand_back_jobs_of, lose_jobs_of

discover(["tests.job_types"])


@pytest.fixture
def sweep(settings, database):
    """The sweep of a worker."""
    return Sweep(settings, database, ["bulk", "default"])


def end_lease(auditor, job_id: str = "a") -> None:
    auditor.rows("UPDATE jobs SET lease_until = now() - interval '1 second' WHERE id = %s", job_id)


def age(auditor, **seconds: int) -> None:
    """Move times of every job into the past."""
    for column, by in seconds.items():
        auditor.rows(f"UPDATE jobs SET {column} = {column} - %s * interval '1 second'", by)


def test_a_claim_whose_lease_has_ended_is_free_for_the_next_attempt_at_once(
    sweep, database, auditor
):
    claimed(database, "a")
    end_lease(auditor)

    sweep.once()

    row = auditor.job("a")
    assert (row["state"], row["worker"], row["failures"]) == ("running", None, 1)
    assert auditor.one("SELECT due_at <= now() FROM jobs")
    assert auditor.moves("a") == ["claim", "lose"]
    (lost,) = auditor.rows("SELECT note, cause FROM job_moves WHERE move = 'lose'")
    assert lost == {"note": "the worker vanished", "cause": "lease"}


def test_a_job_that_loses_its_workers_too_often_has_failed(sweep, database, auditor):
    record(database, "a")
    for _ in range(3):
        claim(database, "a")
        end_lease(auditor)
        sweep.once()

    row = auditor.job("a")

    assert (row["state"], row["code"]) == ("failed", "attempts_exhausted")
    assert row["error"] == "gave up after 3 failures: the worker vanished"
    assert auditor.moves("a") == ["claim", "lose", "claim", "lose", "claim", "fail"]


def test_a_lease_that_runs_is_left_alone(sweep, database, auditor):
    claimed(database, "a")

    sweep.once()

    assert auditor.job("a")["worker"] == "w1"


def test_a_lost_worker_is_cut_off_from_its_transaction(sweep, settings, database, auditor):
    lost = Database(settings, name="w1")
    claimed(database, "a", worker="w1")
    end_lease(auditor)
    with lost.statement() as connection:
        connection.execute(text("SELECT 1"))

    sweep.once()

    sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'w1'"
    assert auditor.one(sessions) == 0
    lost.close()


def test_what_became_due_is_rung_for_once(sweep, database, auditor, redis):
    advance(database, claimed(database, "a"), states.PARK, delay=60)
    sweep.once()
    early = depth(redis, "default")
    age(auditor, due_at=61, rung_at=120)

    sweep.once()
    sweep.once()

    assert early == 0
    assert depth(redis, "default") == 1


def test_a_bell_that_was_lost_is_rung_again_where_the_queue_is_empty(
    sweep, database, auditor, redis
):
    record(database, "a")
    sweep.once()
    at_first = depth(redis, "default")
    age(auditor, due_at=4, rung_at=4)

    sweep.once()
    age(auditor, rung_at=4)
    sweep.once()

    assert at_first == 0
    assert depth(redis, "default") == 1
    counted = {"type": "noop", "move": "ring", "cause": "unheard", "counted": 1}
    assert auditor.rows("SELECT * FROM causes") == [counted]


def test_without_redis_the_rest_is_swept_all_the_same(with_setting, database, auditor):
    away = with_setting(redis_url="unix:///nowhere/redis.sock")
    claimed(database, "a")
    end_lease(auditor)

    Sweep(away, database, ["default"]).once()

    assert auditor.moves("a") == ["claim", "lose"]


def expired_import(database, job_id: str) -> str:
    """Leave behind what a failed import leaves."""
    spool = Spool(database, limit=1000)
    spool.write(b"name\nAda\n")
    spool.finish()
    job = claimed(database, job_id, type="org_members", queue="bulk")
    with database.transaction() as connection:
        uploads.attach(connection, spool.id, job_id)
        members.add_errors(connection, job_id, 0, [RowError(1, "invalid-email")])
    advance(database, job, states.FAIL, code="c", error="e", keep=900)
    return spool.id


def test_an_import_is_cleared_a_quarter_of_an_hour_after_its_end_with_all_that_is_its_own(
    sweep, database, auditor
):
    expired_import(database, "gone")
    auditor.rows("UPDATE jobs SET expires_at = expires_at - interval '901 seconds'")
    expired_import(database, "stays")
    tally(database)

    sweep.once()

    assert auditor.rows("SELECT id FROM jobs") == [{"id": "stays"}]
    for table in ("job_moves", "uploads", "import_errors"):
        assert auditor.rows(f"SELECT DISTINCT job_id FROM {table}") == [{"job_id": "stays"}], table
    assert auditor.one("SELECT count(*) FROM upload_pieces") == 1


def test_what_a_type_keeps_is_how_long_its_jobs_can_be_read(sweep, database, auditor):
    job = claimed(database, "a", type="short_lived")
    advance(database, job, states.COMPLETE, result={}, keep=1)
    sweep.once()
    still = auditor.one("SELECT count(*) FROM jobs")
    age(auditor, expires_at=2)
    sweep._cleared_at = -100.0

    sweep.once()

    assert still == 1
    assert auditor.one("SELECT count(*) FROM jobs") == 0


def test_keys_and_workers_that_are_past_are_forgotten(sweep, database, auditor):
    with idempotency.using(database, "s", "k") as key, database.transaction() as connection:
        key.remember(connection, "f", {})
    auditor.rows("UPDATE idempotency_keys SET expires_at = now() - interval '1 second'")
    auditor.rows("INSERT INTO workers (id, queues, seen_at) VALUES ('w', '{}', '2020-01-01')")

    sweep.once()

    assert auditor.one("SELECT count(*) FROM idempotency_keys") == 0
    assert auditor.one("SELECT count(*) FROM workers") == 0


def test_one_sweeps_at_a_time(settings, database, auditor):
    for n in range(40):
        claimed(database, f"j{n}")
        end_lease(auditor, f"j{n}")
    sweeps = [Sweep(settings, database, ["default"]) for _ in range(4)]
    gate = threading.Barrier(4)

    def once(sweep: Sweep) -> None:
        gate.wait()
        sweep.once()

    threads = [threading.Thread(target=once, args=[sweep]) for sweep in sweeps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert auditor.one("SELECT count(*) FROM job_moves WHERE move = 'lose'") == 40
    assert auditor.one("SELECT max(failures) FROM jobs") == 1


def test_a_sweep_leaves_the_work_to_the_one_that_is_at_it(sweep, database, auditor):
    claimed(database, "a")
    end_lease(auditor)

    with database.transaction() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(7310583)"))
        meanwhile = sweep.once(), auditor.moves("a")
    swept = sweep.once()

    assert meanwhile == (None, ["claim"])
    assert swept == (1, 0, 0, 1)
    assert auditor.moves("a") == ["claim", "lose"]


def test_jobs_of_types_that_nobody_declares_are_left_alone(sweep, database, auditor):
    claimed(database, "a", type="long_gone")
    end_lease(auditor)

    sweep.once()

    assert auditor.moves("a") == ["claim"]


def test_what_a_dead_process_held_is_taken_back_at_once(database, auditor):
    claimed(database, "a", worker="dead")
    claimed(database, "b", worker="alive")

    lose_jobs_of(database, ["dead"], "the worker process ended (SIGKILL)", states.PROCESS)

    assert auditor.moves("a") == ["claim", "lose"]
    assert auditor.one("SELECT cause FROM job_moves WHERE move = 'lose'") == "process"
    assert auditor.job("a")["failures"] == 1
    assert auditor.moves("b") == ["claim"]


def test_what_a_stopped_process_held_is_handed_back_without_a_failure(database, auditor):
    claimed(database, "a", worker="stopped")

    hand_back_jobs_of(database, ["stopped"])

    row = auditor.job("a")
    assert auditor.moves("a") == ["claim", "hand_back"]
    assert (row["failures"], row["worker"]) == (0, None)
    assert claim(database, "a").attempts == 2


def test_a_move_against_a_claim_that_went_on_changes_nothing(database, auditor):
    job = claimed(database, "a")
    older = replace(job, attempts=0)

    assert not advance(database, older, states.LOSE)
    assert auditor.moves("a") == ["claim"]


PLAN = """
    INSERT INTO idempotency_keys (scope, key, fingerprint, answer, expires_at)
    VALUES ('plan', %s, '', '{}', now() + interval '1 hour')
"""


def test_what_a_type_has_planned_is_dispatched_once_and_rung(sweep, auditor, redis):
    auditor.rows(PLAN, "7")

    sweep.once()
    sweep.once()

    (job,) = auditor.rows("SELECT type, payload, state FROM jobs")
    assert job == {"type": "planned", "payload": {"n": 7}, "state": "pending"}
    assert depth(redis, "default") == 1


def test_a_plan_that_fails_leaves_nothing_and_holds_up_nothing(sweep, database, auditor, redis):
    claimed(database, "a")
    end_lease(auditor)
    auditor.rows(PLAN, "1")
    auditor.rows(PLAN, "no number")

    sweep.once()

    assert auditor.moves("a") == ["claim", "lose"]
    assert depth(redis, "default") == 1
    assert auditor.one("SELECT count(*) FROM jobs") == 1
    assert auditor.one("SELECT count(*) FROM idempotency_keys") == 2
