from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

import tests.job_types  # noqa: F401 - declares the types that are looked for
from tasks.job.states import State
from tasks.watch import search
from tasks.watch.search import Filter

NOW = datetime.now(UTC).replace(microsecond=0)
FILL = """
    INSERT INTO jobs (id, type, tenant, queue, payload, state, result, code, error, attempts,
                      failures, started_at, finished_at, expires_at, created_at)
    SELECT %s, %s, %s, 'default', '{}', state,
           CASE WHEN state = 'completed' THEN '{}'::jsonb END,
           CASE WHEN state = 'failed' THEN 'no_use' END,
           CASE WHEN state = 'failed' THEN 'no use' END,
           CASE WHEN state = 'pending' THEN 0 ELSE 1 END, 0,
           CASE WHEN state <> 'pending' THEN now() END,
           CASE WHEN state IN ('completed', 'failed') THEN now() END,
           CASE WHEN state IN ('completed', 'failed') THEN now() END, %s
    FROM (SELECT %s AS state) AS given
"""


@pytest.fixture
def filled(auditor):
    """Jobs of every type, state and tenant, one a minute; the newest is a minute old."""
    kinds = itertools.product(
        ("noop", "watchlist", "forgotten"),
        ("x", "y"),
        ("pending", "running", "completed", "failed"),
    )
    made = []
    for number, (kind, tenant, state) in enumerate(list(kinds) * 2):
        job_id = f"{number % 3}{number:03}"
        at = NOW - timedelta(minutes=48 - number)
        auditor.rows(FILL, job_id, kind, tenant, at, state)
        made.append({"id": job_id, "type": kind, "tenant": tenant, "state": state, "at": at})
    return made[::-1]


FILTERS = [
    ({}, lambda _: True),
    ({"types": ("noop",)}, lambda job: job["type"] == "noop"),
    ({"types": ("forgotten",)}, lambda job: job["type"] == "forgotten"),
    ({"states": (State.FAILED,)}, lambda job: job["state"] == "failed"),
    (
        {"states": (State.PENDING, State.RUNNING)},
        lambda job: job["state"] in {"pending", "running"},
    ),
    ({"api": "screening"}, lambda job: job["type"] == "watchlist"),
    ({"api": "nobody's"}, lambda _: False),
    ({"tenant": "x"}, lambda job: job["tenant"] == "x"),
    ({"code": "no_use"}, lambda job: job["state"] == "failed"),
    ({"code": "of_use"}, lambda _: False),
    ({"code": "no_use", "states": (State.COMPLETED,)}, lambda _: False),
    (
        {"code": "no_use", "states": (State.COMPLETED, State.FAILED), "tenant": "x"},
        lambda job: (job["state"], job["tenant"]) == ("failed", "x"),
    ),
    (
        {"code": "no_use", "types": ("noop",), "id_prefix": "000"},
        lambda job: (
            (job["type"], job["state"]) == ("noop", "failed") and job["id"].startswith("000")
        ),
    ),
    ({"id_prefix": "000"}, lambda job: job["id"].startswith("000")),
    ({"id_prefix": "10"}, lambda _: False),
    ({"id_prefix": "1007", "tenant": "y"}, lambda job: job["id"] == "1007"),
    (
        {"since": NOW - timedelta(minutes=30)},
        lambda job: job["at"] >= NOW - timedelta(minutes=30),
    ),
    (
        {
            "since": NOW - timedelta(minutes=30),
            "until": NOW - timedelta(minutes=10),
            "tenant": "y",
            "states": (State.COMPLETED,),
        },
        lambda job: (
            NOW - timedelta(minutes=30) <= job["at"] < NOW - timedelta(minutes=10)
            and (job["tenant"], job["state"]) == ("y", "completed")
        ),
    ),
]


def test_whatever_is_filtered_pages_and_counts_hold_exactly_what_matches(database, filled):
    with database.statement() as connection:
        for given, matches in FILTERS:
            wanted = Filter(**given)
            expected = [job["id"] for job in filled if matches(job)]
            found, before = [], None
            while page := search.page(connection, wanted, limit=5, before=before):
                found += [job.id for job in page]
                before = page[-1].seq

            assert found == expected, given
            assert search.count(connection, wanted) == len(expected), given
            assert search.ids(connection, wanted) == expected, given


def test_counting_stops_at_a_bound(database, filled):
    assert filled
    with database.statement() as connection:
        assert search.count(connection, Filter(), most=10) == 11
        assert len(search.ids(connection, Filter(), most=10)) == 11
        assert search.types_there_are(connection) == ["forgotten", "noop", "watchlist"]


def test_a_time_is_found_by_the_clock_however_jobs_and_ticks_fall_together(database, auditor):
    for number in range(4):
        auditor.rows(
            FILL, f"j{number}", "noop", "t", NOW - timedelta(hours=8 - 2 * number), "pending"
        )
        with database.transaction() as connection:
            search.tick(connection)
        auditor.rows(
            "UPDATE job_clock SET at = %s WHERE at > now() - interval '1 minute'",
            NOW - timedelta(hours=8 - 2 * number, seconds=-1),
        )

    def between(since, until):
        wanted = Filter(since=NOW - timedelta(hours=since), until=NOW - timedelta(hours=until))
        with database.statement() as connection:
            return [job.id for job in search.page(connection, wanted, limit=9)]

    assert between(9, 0) == ["j3", "j2", "j1", "j0"]
    assert between(6, 4) == ["j1"]
    assert between(7, 3) == ["j2", "j1"]
    assert between(1, 0) == []
    assert auditor.one("SELECT count(*) FROM job_clock") == 4


def test_no_search_reads_the_table_from_end_to_end(database, auditor):
    auditor.rows(
        "INSERT INTO jobs (id, type, tenant, queue, payload, created_at)"
        " SELECT md5(n::text), (ARRAY['noop', 'watchlist'])[1 + n %% 2], 't' || n %% 7, 'default',"
        "        '{}', now() - n * interval '1 second' FROM generate_series(1, 20000) AS n"
    )
    auditor.rows("VACUUM ANALYZE jobs")
    wanted = {
        "all": {},
        "state": {"states": (State.FAILED,)},
        "tenant": {"tenant": "t3", "states": (State.PENDING,)},
        "id": {"id_prefix": "c4c"},
    }
    with database.statement() as connection:
        for name, given in wanted.items():
            source, asked = search._source(
                connection, Filter(**given), None, order="ORDER BY seq DESC"
            )
            statement = f"SELECT newest.id {source} ORDER BY newest.seq DESC LIMIT :limit"
            rows = connection.execute(text(f"EXPLAIN {statement}"), {**asked, "limit": 50})
            plan = "\n".join(row[0] for row in rows)

            assert "Seq Scan on jobs" not in plan, name
            assert "Index" in plan, name
