"""What has to be looked after: lost claims, jobs that nobody rang for, records that expired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from tasks.job.queue import Bell
from tasks.job.record import COLUMNS, Job

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

_OF_WORKERS = text(f"""
    SELECT {COLUMNS} FROM jobs
    WHERE worker = ANY(:workers) AND type = ANY(:types) ORDER BY lease_until
""")
_LEASE_ENDED = text(f"""
    SELECT {COLUMNS} FROM jobs
    WHERE worker IS NOT NULL AND lease_until < now() AND type = ANY(:types)
    ORDER BY lease_until LIMIT :limit
""")


def of_workers(connection: Connection, workers: Sequence[str], types: Iterable[str]) -> list[Job]:
    """Return the jobs that these workers hold."""
    asked = {"workers": list(workers), "types": list(types)}
    return [Job.from_row(row) for row in connection.execute(_OF_WORKERS, asked)]


def lease_ended(connection: Connection, types: Iterable[str], *, limit: int) -> list[Job]:
    """Return jobs whose claim has ended without an end of the job, longest ago first."""
    asked = {"types": list(types), "limit": limit}
    return [Job.from_row(row) for row in connection.execute(_LEASE_ENDED, asked)]


_OVERDUE = text("""
    SELECT due.type, due.id, due.queue
    FROM unnest(CAST(:queues AS text[])) AS served (queue)
    CROSS JOIN LATERAL (
        SELECT type, id, queue, due_at FROM jobs
        WHERE jobs.queue = served.queue AND worker IS NULL AND finished_at IS NULL
          AND due_at < now() - :margin * interval '1 second'
          AND type = ANY(:types)
        ORDER BY due_at LIMIT :limit
    ) AS due
    ORDER BY due.due_at LIMIT :limit
""")


def overdue(
    connection: Connection,
    queues: Sequence[str],
    types: Iterable[str],
    *,
    margin: float,
    limit: int,
) -> list[Bell]:
    """Return jobs of these queues that have been due for `margin` seconds, oldest first."""
    asked = {"queues": list(queues), "types": list(types), "margin": margin, "limit": limit}
    return [Bell(*row) for row in connection.execute(_OVERDUE, asked)]


_RING_FIRST = text("""
    UPDATE jobs SET rung_at = now()
    WHERE id IN (
        SELECT id FROM jobs
        WHERE worker IS NULL AND finished_at IS NULL AND rung_at < due_at AND due_at <= now()
          AND type = ANY(:types)
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING type, id, queue
""")
_RING_AGAIN = text("""
    WITH rung AS (
        UPDATE jobs SET rung_at = now()
        WHERE id IN (
            SELECT id FROM jobs
            WHERE queue = :queue AND worker IS NULL AND finished_at IS NULL AND due_at <= now()
              AND rung_at < now() - :silence * interval '1 second' AND type = ANY(:types)
            ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
        )
        RETURNING type, id, queue
    ), counted AS (
        INSERT INTO causes AS known (type, move, cause, counted)
        SELECT type, 'ring', 'unheard', count(*) FROM rung GROUP BY type ORDER BY type
        ON CONFLICT (type, move, cause) DO UPDATE SET counted = known.counted + excluded.counted
    )
    SELECT type, id, queue FROM rung
""")


def take_unrung(connection: Connection, types: Iterable[str], *, limit: int) -> list[Bell]:
    """Mark jobs that became due since their last bell as rung, and return their bells."""
    rows = connection.execute(_RING_FIRST, {"types": list(types), "limit": limit})
    return [Bell(*row) for row in rows]


def take_unheard(
    connection: Connection, queue: str, types: Iterable[str], *, silence: float, limit: int
) -> list[Bell]:
    """The same for due jobs of a queue whose last bell is `silence` seconds old; it is counted."""
    asked = {"queue": queue, "types": list(types), "silence": silence, "limit": limit}
    return [Bell(*row) for row in connection.execute(_RING_AGAIN, asked)]


_EXPIRE = text("""
    WITH gone AS (
        DELETE FROM jobs WHERE id IN (
            SELECT id FROM jobs
            WHERE expires_at < now() AND (
                -- Its history is in the tallies, or something is wrong with those.
                NOT EXISTS (SELECT FROM job_moves WHERE job_id = jobs.id
                              AND seq > (SELECT seq FROM tally_horizon))
                OR expires_at < now() - interval '1 hour')
            ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
        )
        RETURNING id, type, tenant, xact
    ), counted AS (
        SELECT tenant, type, count(*) AS jobs FROM gone
        WHERE xact < (SELECT xact FROM job_counts_horizon) GROUP BY tenant, type
    ), recounted AS (
        UPDATE job_counts SET counted = job_counts.counted - counted.jobs FROM counted
        WHERE job_counts.tenant = counted.tenant AND job_counts.type = counted.type
    ), history AS (
        DELETE FROM job_moves USING gone WHERE job_moves.job_id = gone.id
    )
    SELECT type, array_agg(id) FROM gone GROUP BY type
""")


def expire(connection: Connection, *, limit: int) -> dict[str, list[str]]:
    """Clear ended jobs whose time is over, with their history; return their ids by type.

    One caller at a time, and not beside `count_on`: the sweep's lock sees to it.
    """
    return {row[0]: row[1] for row in connection.execute(_EXPIRE, {"limit": limit})}
