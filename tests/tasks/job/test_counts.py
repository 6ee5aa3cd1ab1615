"""The exact number of a tenant's jobs, however the counting and the clearing fall together."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tasks.job import store
from tasks.migrations.upgrade import upgrade

TYPES = ["noop", "fails"]


def record(connection, *, tenant="0xabc", kind="noop", count=1):
    known = connection.execute(text("SELECT count(*) FROM jobs")).scalar_one()
    new = [
        store.NewJob(f"{tenant}{kind}{known + n}", kind, tenant, "default", None, {})
        for n in range(count)
    ]
    store.add(connection, new)


def test_jobs_count_before_and_after_the_horizon_has_passed_them(database):
    with database.statement() as connection:
        record(connection, count=3)
        uncounted = store.count(connection, "0xabc", TYPES)
        store.count_on(connection)
        record(connection, kind="fails", count=2)
        record(connection, tenant="0xother", count=7)

        assert uncounted == 3
        assert store.count(connection, "0xabc", TYPES) == 5
        assert store.count(connection, "0xabc", ["fails"]) == 2
        assert store.count(connection, "0xnobody", TYPES) == 0


def test_a_job_recorded_by_a_transaction_that_outlasts_the_count_is_not_missed(database):
    with database.transaction() as slow, database.statement() as quick:
        record(slow)
        record(quick, tenant="0xother")
        store.count_on(quick)
        record(quick, tenant="0xother")
        store.count_on(quick)
        while_open = store.count(quick, "0xabc", TYPES)
        slow.commit()
        after_commit = store.count(quick, "0xabc", TYPES)
        store.count_on(quick)
        after_count = store.count(quick, "0xabc", TYPES)
        others = store.count(quick, "0xother", TYPES)

    assert (while_open, after_commit, after_count, others) == (0, 1, 1, 2)


@pytest.mark.parametrize("counted", [True, False])
def test_cleared_jobs_are_not_counted_any_more(database, counted):
    with database.statement() as connection:
        record(connection, count=5)
        if counted:
            store.count_on(connection)
        connection.execute(
            text("""
                UPDATE jobs SET state = 'completed', result = '{}', attempts = 1,
                    started_at = now(), finished_at = now(), expires_at = now() - interval '1 s'
                WHERE seq IN (SELECT seq FROM jobs ORDER BY seq LIMIT 2)
            """)
        )

        cleared = store.expire(connection, limit=10)
        store.count_on(connection)

        assert len(cleared["noop"]) == 2
        assert store.count(connection, "0xabc", TYPES) == 3


def test_a_restored_dump_is_counted_anew(settings, database):
    with database.statement() as connection:
        record(connection, count=4)
        connection.execute(text("UPDATE jobs SET xact = 9000000000000"))
        connection.execute(text("UPDATE job_counts_horizon SET xact = 9000000000001"))
        connection.execute(text("INSERT INTO job_counts VALUES ('0xabc', 'noop', 4)"))

        upgrade(settings)
        record(connection)
        store.count_on(connection)

        assert store.count(connection, "0xabc", TYPES) == 5
