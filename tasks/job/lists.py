"""A tenant's jobs in order, how many there are, and how many of a queue are still to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from tasks.job.record import COLUMNS, Job
from tasks.job.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_STATES = ", ".join(f"('{state}')" for state in State)
# The newest of each type and state, then the newest of those: one index serves every list. Of
# those before a page only the numbers are read, which stand in that index, and no rows.
_PAGE = text(f"""
    SELECT {COLUMNS} FROM (
        SELECT kind, word, number FROM unnest(CAST(:types AS text[])) AS asked (kind)
        CROSS JOIN (VALUES {_STATES}) AS known (word)
        CROSS JOIN LATERAL (
            SELECT seq AS number FROM jobs
            WHERE tenant = :tenant AND type = asked.kind AND state = known.word
            ORDER BY seq DESC LIMIT CAST(:limit AS bigint) + :offset
        ) AS newest
        ORDER BY number DESC LIMIT :limit OFFSET :offset
    ) AS page
    JOIN jobs ON tenant = :tenant AND type = kind AND state = word AND seq = number
    ORDER BY seq DESC
""")
_OF_GATE = text(f"""
    SELECT {COLUMNS} FROM jobs
    WHERE tenant = :tenant AND gate = :gate AND type = ANY(:types)
      AND (CAST(:before AS bigint) IS NULL OR seq < :before)
    ORDER BY seq DESC LIMIT :limit
""")
_BY_ID = text(f"SELECT {COLUMNS} FROM jobs WHERE id = ANY(:ids)")
_HORIZON = text("SELECT xact, seq FROM job_counts_horizon")
_COUNT = text(f"""
    SELECT (SELECT xact FROM job_counts_horizon) AS horizon,
           (SELECT coalesce(sum(counted), 0) FROM job_counts
            WHERE tenant = :tenant AND type = ANY(:types)) AS counted,
           (SELECT count(*) FROM jobs
            WHERE tenant = :tenant AND seq > :seq AND xact >= :horizon
              AND type = ANY(:types) AND state IN ({_STATES})) AS since
""")


def page(
    connection: Connection, tenant: str, types: Sequence[str], *, limit: int, offset: int
) -> list[Job]:
    """Return a page of a tenant's jobs of these types, newest first."""
    asked = {"tenant": tenant, "types": list(types), "limit": limit, "offset": offset}
    return [Job.from_row(row) for row in connection.execute(_PAGE, asked)]


def of_gate(
    connection: Connection,
    tenant: str,
    gate: str,
    types: Sequence[str],
    *,
    before: int | None,
    limit: int,
) -> list[Job]:
    """Return the jobs of one scope, newest first, from behind the one of number `before`."""
    asked = {"tenant": tenant, "gate": gate, "types": list(types), "before": before}
    return [Job.from_row(row) for row in connection.execute(_OF_GATE, {**asked, "limit": limit})]


def by_id(connection: Connection, job_ids: Sequence[str]) -> dict[str, Job]:
    """Return those of these jobs that are recorded, by their ids."""
    jobs = (Job.from_row(row) for row in connection.execute(_BY_ID, {"ids": list(job_ids)}))
    return {job.id: job for job in jobs}


def count(connection: Connection, tenant: str, types: Sequence[str]) -> int:
    """Return how many jobs of these types a tenant has: exact, however many there are.

    What was recorded before a horizon is counted already; the few rows since are counted now.
    """
    asked: dict[str, Any] = {"tenant": tenant, "types": list(types)}
    while True:
        # Given as numbers, not as subqueries, they let PostgreSQL plan for the few rows.
        asked["horizon"], asked["seq"] = connection.execute(_HORIZON).one()
        found = connection.execute(_COUNT, asked).one()
        if found.horizon == asked["horizon"]:
            return int(found.counted + found.since)


# The index of what may be claimed holds everything that has not ended but what is at work at this
# moment, which is as many jobs as there are slots.
_IN_LINE = text("""
    SELECT count(*) FROM (
        SELECT FROM jobs
        WHERE queue = :queue AND worker IS NULL AND finished_at IS NULL LIMIT :most
    ) AS waiting
""")


def in_line(connection: Connection, queue: str, *, most: int) -> int:
    """Return how many jobs of a queue have not ended and are not at work, up to a number."""
    return int(connection.execute(_IN_LINE, {"queue": queue, "most": most}).scalar_one())


_COUNT_ON = text("""
    WITH moved AS (
        SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon,
               pg_current_xact_id()::text::bigint AS next_xact,
               CAST(:given_out AS bigint) AS next_seq
    ), since AS (
        SELECT tenant, type, date_trunc('minute', created_at) AS minute, count(*) AS jobs
        FROM jobs WHERE xact >= :horizon AND xact < (SELECT horizon FROM moved)
        GROUP BY tenant, type, minute
    ), counted AS (
        INSERT INTO job_counts (tenant, type, counted)
        SELECT tenant, type, sum(jobs) FROM since GROUP BY tenant, type
        ON CONFLICT (tenant, type) DO UPDATE SET counted = job_counts.counted + excluded.counted
    ), set_on AS (
        UPDATE job_counts_horizon AS old
        SET xact = moved.horizon,
            seq = CASE WHEN old.next_xact <= moved.horizon THEN old.next_seq ELSE old.seq END,
            next_seq = CASE WHEN old.next_xact <= moved.horizon
                            THEN coalesce(moved.next_seq, old.next_seq) ELSE old.next_seq END,
            next_xact = CASE WHEN old.next_xact <= moved.horizon THEN moved.next_xact
                             ELSE old.next_xact END
        FROM moved
        WHERE EXISTS (SELECT FROM since) OR old.next_seq > old.seq
    )
    SELECT type, minute, sum(jobs)::bigint FROM since GROUP BY type, minute
""")
# It must be read before this transaction has a number: every job up to it was recorded by a
# transaction that had its own by then, which is lower.
_GIVEN_OUT = text("""
    SELECT CASE WHEN pg_current_xact_id_if_assigned() IS NULL
           THEN coalesce(pg_sequence_last_value('job_numbers'), 0) END
""")


class Recorded(NamedTuple):
    """How many jobs of a type were recorded within a minute, of those that were counted."""

    type: str
    minute: datetime
    jobs: int


def count_on(connection: Connection) -> list[Recorded]:
    """Count what was recorded by transactions that are all over; one caller at a time.

    Returns what was counted: each job is counted once, whoever recorded it.
    """
    asked = {
        "horizon": connection.execute(_HORIZON).one().xact,
        "given_out": connection.execute(_GIVEN_OUT).scalar_one(),
    }
    return [Recorded(*row) for row in connection.execute(_COUNT_ON, asked)]


_IS_AHEAD = text("""
    SELECT xact > pg_snapshot_xmin(pg_current_snapshot())::text::bigint FROM job_counts_horizon
""")
_FORGET_COUNTS = text("DELETE FROM job_counts")
# Counted here, and not left to `count_on`, for which they would be newly recorded.
_COUNT_ANEW = text("""
    WITH aged AS (UPDATE jobs SET xact = 0), counted AS (
        INSERT INTO job_counts (tenant, type, counted)
        SELECT tenant, type, count(*) FROM jobs GROUP BY tenant, type
    )
    UPDATE job_counts_horizon SET xact = 1, seq = 0, next_seq = 0, next_xact = 0
""")


def count_anew_if_restored(connection: Connection) -> None:
    """Start counting again where a dump was restored into a server of younger transactions."""
    if connection.execute(_IS_AHEAD).scalar_one():
        connection.execute(_FORGET_COUNTS)
        connection.execute(_COUNT_ANEW)
