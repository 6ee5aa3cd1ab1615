"""A tenant's jobs by pages, and their exact number, however counting and clearing fall together."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tasks.job import lists, store, upkeep
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
        uncounted = lists.count(connection, "0xabc", TYPES)
        lists.count_on(connection)
        record(connection, kind="fails", count=2)
        record(connection, tenant="0xother", count=7)

        assert uncounted == 3
        assert lists.count(connection, "0xabc", TYPES) == 5
        assert lists.count(connection, "0xabc", ["fails"]) == 2
        assert lists.count(connection, "0xnobody", TYPES) == 0


def test_a_job_recorded_by_a_transaction_that_outlasts_the_count_is_not_missed(database):
    with database.transaction() as slow, database.statement() as quick:
        record(slow)
        record(quick, tenant="0xother")
        lists.count_on(quick)
        record(quick, tenant="0xother")
        lists.count_on(quick)
        while_open = lists.count(quick, "0xabc", TYPES)
        slow.commit()
        after_commit = lists.count(quick, "0xabc", TYPES)
        lists.count_on(quick)
        after_count = lists.count(quick, "0xabc", TYPES)
        others = lists.count(quick, "0xother", TYPES)

    assert (while_open, after_commit, after_count, others) == (0, 1, 1, 2)


@pytest.mark.parametrize("counted", [True, False])
def test_cleared_jobs_are_not_counted_any_more(database, counted):
    with database.statement() as connection:
        record(connection, count=5)
        if counted:
            lists.count_on(connection)
        connection.execute(
            text("""
                UPDATE jobs SET state = 'completed', result = '{}', attempts = 1,
                    started_at = now(), finished_at = now(), expires_at = now() - interval '1 s'
                WHERE seq IN (SELECT seq FROM jobs ORDER BY seq LIMIT 2)
            """)
        )

        cleared = upkeep.expire(connection, limit=10)
        lists.count_on(connection)

        assert len(cleared["noop"]) == 2
        assert lists.count(connection, "0xabc", TYPES) == 3


def test_counting_on_tells_what_was_recorded_each_job_once(database):
    with database.statement() as connection:
        record(connection, count=2)
        record(connection, kind="fails", count=1)
        minute = connection.execute(text("SELECT date_trunc('minute', now())")).scalar_one()
        with database.transaction() as slow:
            record(slow, tenant="other")
            first = lists.count_on(connection)
        second = lists.count_on(connection)
        third = lists.count_on(connection)

    assert sorted(first) == [("fails", minute, 1), ("noop", minute, 2)]
    assert (second, third) == ([("noop", minute, 1)], [])


def test_a_restored_dump_is_counted_anew(settings, database):
    with database.statement() as connection:
        record(connection, count=4)
        connection.execute(text("UPDATE jobs SET xact = 9000000000000"))
        connection.execute(text("UPDATE job_counts_horizon SET xact = 9000000000001"))
        connection.execute(text("INSERT INTO job_counts VALUES ('0xabc', 'noop', 4)"))

        upgrade(settings)
        record(connection)
        recorded = lists.count_on(connection)

        assert lists.count(connection, "0xabc", TYPES) == 5
        assert [one.jobs for one in recorded] == [1]


def test_pages_and_counts_are_of_one_tenant_and_of_the_types_asked_for(database):
    with database.statement() as connection:
        record(connection, tenant="org", count=5)
        record(connection, tenant="org", kind="holds")
        record(connection, tenant="other")

        newest = lists.page(connection, "org", ["noop"], limit=2, offset=0)
        next_ones = lists.page(connection, "org", ["noop"], limit=2, offset=2)
        both = lists.page(connection, "org", ["noop", "holds"], limit=2, offset=0)
        counts = [
            lists.count(connection, "org", ["noop"]),
            lists.count(connection, "org", ["noop", "holds"]),
            lists.count(connection, "nobody", ["noop"]),
        ]

    assert [job.id for job in newest] == ["orgnoop4", "orgnoop3"]
    assert [job.id for job in next_ones] == ["orgnoop2", "orgnoop1"]
    assert [job.id for job in both] == ["orgholds5", "orgnoop4"]
    assert counts == [5, 6, 0]


def record_many(auditor):
    """Record jobs 1 to 129: of three types by turns, every fifth another tenant's, some ended."""
    auditor.rows(
        "INSERT INTO jobs (id, type, tenant, queue, payload)"
        " SELECT n::text, (ARRAY['noop', 'fails', 'holds'])[1 + n %% 3],"
        " CASE WHEN n %% 5 = 0 THEN 'other' ELSE 'org' END, 'default', '{}'"
        " FROM generate_series(1, 129) n"
    )
    ended = "attempts = 1, started_at = now(), finished_at = now(), expires_at = now()"
    auditor.rows(
        f"UPDATE jobs SET state = 'completed', result = '{{}}', {ended} WHERE seq %% 2 = 0"
    )
    auditor.rows(
        "UPDATE jobs SET state = 'failed', error = 'no use', code = 'no_use', "
        f"{ended} WHERE seq %% 7 = 1 AND state = 'pending'"
    )


@pytest.mark.parametrize("types", [["noop", "fails", "holds"], ["noop", "holds"], ["fails"]])
@pytest.mark.parametrize("limit", [1, 10, 100])
def test_every_page_is_a_part_of_the_plain_list(database, auditor, types, limit):
    record_many(auditor)
    plain = auditor.rows(
        "SELECT id, type, state, finished_at FROM jobs WHERE tenant = 'org' AND type = ANY(%s)"
        " ORDER BY seq DESC",
        types,
    )

    with database.statement() as connection:
        pages = [
            lists.page(connection, "org", types, limit=limit, offset=offset)
            for offset in range(0, len(plain) + limit, limit)
        ]
        beyond = lists.page(connection, "org", types, limit=limit, offset=10**15)

    found = [(j.id, j.type, j.state, j.finished_at) for page in pages for j in page]
    assert found == [tuple(row.values()) for row in plain]
    assert {len(page) for page in pages[: len(plain) // limit]} <= {limit}
    assert beyond == []


def test_the_first_a_middle_and_the_last_page_of_one_type(database, auditor):
    record_many(auditor)

    with database.statement() as connection:
        first, middle, last, beyond = (
            lists.page(connection, "org", ["noop"], limit=10, offset=offset)
            for offset in (0, 10, 30, 40)
        )

    assert [job.seq for job in first] == [129, 126, 123, 117, 114, 111, 108, 102, 99, 96]
    assert [job.seq for job in middle] == [93, 87, 84, 81, 78, 72, 69, 66, 63, 57]
    assert [job.seq for job in last] == [18, 12, 9, 6, 3]
    assert beyond == []


def test_of_the_jobs_before_a_page_only_the_index_is_read(database, auditor):
    auditor.rows(
        "INSERT INTO jobs (id, type, tenant, queue, payload)"
        " SELECT n::text, 'noop', 'org', 'default', '{}' FROM generate_series(1, 5000) n"
    )
    auditor.rows("VACUUM ANALYZE jobs")

    with database.statement() as connection:
        asked = {"tenant": "org", "types": TYPES, "limit": 10, "offset": 4000}
        plan = connection.execute(text(f"EXPLAIN {lists._PAGE.text}"), asked).all()

    assert "Index Only Scan Backward using jobs_of_tenant" in str(plan)


def test_numbers_are_skipped_only_once_every_job_up_to_them_is_counted(database, auditor):
    skipped = "SELECT seq FROM job_counts_horizon"
    with database.statement() as quick:
        record(quick)
        with database.transaction() as slow:
            record(slow, kind="fails")
            record(quick)
            for _ in range(3):
                lists.count_on(quick)
            while_open = lists.count(quick, "0xabc", TYPES), auditor.one(skipped)
        after_commit = lists.count(quick, "0xabc", TYPES)
        for _ in range(3):
            lists.count_on(quick)
        record(quick, kind="fails")
        after_count = lists.count(quick, "0xabc", TYPES), auditor.one(skipped)

    assert while_open == (2, 0)
    assert after_commit == 3
    assert after_count == (4, 3)


def test_a_count_inside_a_transaction_that_wrote_already_skips_no_number(database, auditor):
    with database.statement() as connection:
        record(connection)
    with database.transaction() as connection:
        connection.execute(text("DELETE FROM workers"))
        connection.execute(text("SELECT pg_current_xact_id()"))
        lists.count_on(connection)

    assert auditor.one("SELECT next_seq FROM job_counts_horizon") == 0


def test_those_in_line_are_counted_by_an_index_up_to_a_number(database, auditor):
    auditor.rows(
        "INSERT INTO jobs (id, type, tenant, queue, payload)"
        " SELECT n::text, 'noop', 't', CASE WHEN n <= 30 THEN 'chain' ELSE 'bulk' END, '{}'"
        " FROM generate_series(1, 5000) n"
    )
    auditor.rows(
        "UPDATE jobs SET state = 'rejected', conflict = 'x', finished_at = now(),"
        " expires_at = now() WHERE id = '1'"
    )
    auditor.rows("ANALYZE jobs")

    with database.statement() as connection:
        found = [lists.in_line(connection, "chain", most=most) for most in (10, 100)]
        nobody = lists.in_line(connection, "slow", most=10)
        asked = {"queue": "chain", "most": 100}
        plan = connection.execute(text(f"EXPLAIN {lists._IN_LINE.text}"), asked).all()

    assert (found, nobody) == ([10, 29], 0)
    assert "jobs_claimable" in str(plan)


def test_the_runs_of_a_scope_are_paged_by_number_newest_first(database):
    with database.statement() as connection:
        for job_id, tenant, gate in (
            ("a", "t", "g"),
            ("b", "t", "g"),
            ("x", "t", "h"),
            ("y", "u", "g"),
            ("c", "t", "g"),
        ):
            store.add(connection, [store.NewJob(job_id, "noop", tenant, "default", gate, {})])
        page = lists.of_gate(connection, "t", "g", ["noop"], before=None, limit=2)
        rest = lists.of_gate(connection, "t", "g", ["noop"], before=page[-1].seq, limit=2)
        of_another_type = lists.of_gate(connection, "t", "g", ["fails"], before=None, limit=2)

    assert [job.id for job in page] == ["c", "b"]
    assert [job.id for job in rest] == ["a"]
    assert of_another_type == []
