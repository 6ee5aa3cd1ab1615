from __future__ import annotations

import pytest

from config.database import Database
from tasks.health import work
from tasks.watch import queues as watch
from tasks.watch.workers import SWEEPER
from tests.conftest import wait_until
from tests.tasks.health.findings import advice_of, found, level_of
from tests.tasks.job.jobs import age, claimed, record


@pytest.fixture
def queues(auditor):
    """Have a worker serve every queue that a type names, but for some."""

    def serve(database, *but):
        with database.statement() as connection:
            named = [one.name for one in watch.everyone(connection) if one.name not in but]
        auditor.rows(
            "INSERT INTO workers (id, queues, seen_at) VALUES ('w1', %s, now() + interval '1 h')",
            named,
        )

    return serve


@pytest.fixture
def swept(settings):
    """A session as one that sweeps has, which has just looked."""
    sweeper = Database(settings, name=SWEEPER)
    with sweeper.statement() as connection:
        connection.exec_driver_sql("SELECT 1")
    yield sweeper
    sweeper.close()


def test_without_workers_nothing_is_done_and_nothing_is_swept(examine):
    findings = examine()

    assert found(findings, "workers") == "none is alive"
    assert found(findings, "sweep") == "nobody sweeps: what is lost stays lost"
    assert advice_of(findings, "workers") == "start `python -m workers`"
    assert level_of(findings, "waiting") == "ok"


def test_real_workers_are_well(examine, start_worker, auditor):
    start_worker()
    wait_until(lambda: auditor.one("SELECT count(*) FROM job_clock"), seconds=60)

    findings = examine()

    for check in ("workers", "queues", "waiting", "sweep", "clocks"):
        assert level_of(findings, check) == "ok", findings
    assert found(findings, "workers") == "2 alive, 0 of them at work"


@pytest.mark.usefixtures("swept")
def test_a_sweeper_that_is_stopped_is_noticed_by_its_silence(examine, auditor, monkeypatch):
    monkeypatch.setattr(work, "_LATE", 0.5)
    silence = (
        "SELECT extract(epoch FROM now() - max(state_change)) FROM pg_stat_activity"
        f" WHERE application_name = '{SWEEPER}'"
    )
    wait_until(lambda: auditor.one(silence) > 0.6)

    findings = examine(sweep_seconds=0.1)

    assert level_of(findings, "sweep") == "fail"
    assert found(findings, "sweep").startswith("nobody has looked for ")


def test_a_queue_where_jobs_wait_and_nobody_comes_is_named(examine, database, queues):
    queues(database, "bulk", "screening")
    record(database, "a", queue="bulk")

    findings = examine()

    assert level_of(findings, "workers") == "ok"
    assert level_of(findings, "queues") == "fail"
    assert found(findings, "queues") == "nobody serves bulk (1 jobs)"
    assert "WORKER_QUEUES" in advice_of(findings, "queues")


def test_a_queue_that_nobody_serves_is_worth_a_word_before_anything_waits(
    examine, database, queues
):
    queues(database, "bulk")

    findings = examine()

    assert (level_of(findings, "queues"), found(findings, "queues")) == (
        "warn",
        "nobody serves bulk",
    )


def test_how_long_the_oldest_job_waits_is_said(examine, database, queues, auditor):
    queues(database)
    record(database, "a")
    record(database, "b", queue="bulk")
    short = examine()
    age(auditor, "b", due_at=90)

    long = examine()

    assert level_of(short, "waiting") == "ok"
    assert level_of(long, "waiting") == "warn"
    assert found(long, "waiting").startswith("2 jobs wait to begin, the oldest for 9")
    assert found(long, "waiting").endswith(" s in bulk")


def test_a_worker_that_is_stuck_is_named(examine, database, queues, auditor):
    queues(database)
    auditor.rows(
        "INSERT INTO workers (id, queues, seen_at)"
        " VALUES ('w2', '{default}', now() - interval '20 s')"
    )

    findings = examine()

    assert level_of(findings, "workers") == "warn"
    assert "stuck: w2 (not seen for 2" in found(findings, "workers")


@pytest.mark.usefixtures("swept")
def test_a_claim_that_nobody_takes_back_is_a_sweep_that_does_not_work(examine, database, auditor):
    claimed(database, "a")
    auditor.rows("UPDATE jobs SET lease_until = now() - interval '30 seconds'")

    findings = examine()

    assert found(findings, "sweep").startswith("a claim ended 3")


@pytest.mark.usefixtures("swept")
def test_a_sweep_that_looks_and_never_gets_to_its_end_is_told_apart(examine, auditor):
    never = examine()
    auditor.rows("INSERT INTO job_clock (at, seq) VALUES (now(), 0)")

    now = examine()

    assert found(never, "sweep") == "it does not get through"
    assert level_of(now, "sweep") == "ok"
