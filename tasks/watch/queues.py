"""The queues: how much waits in each, for how long, and who serves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from tasks.job.declare import JOB_TYPES
from tasks.watch.workers import ALIVE

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Up to which number jobs of a queue, or of a type and state, are counted.
MOST_COUNTED = 100_000


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue as the record has it; what Redis holds is no measure of it."""

    name: str
    #: Jobs that could begin now, and those that wait for a time: parked or between attempts. No
    #: more than `MOST_COUNTED` are counted.
    due: int
    later: int
    #: Jobs that are at work.
    running: int
    #: How long the oldest of those that could begin has been waiting for that; seconds.
    oldest: float
    #: Workers that serve it and were heard a moment ago.
    workers: int


@dataclass(frozen=True)
class InFlight:
    """How many jobs of a type wait to begin, and how many have begun and not ended."""

    type: str
    pending: int
    running: int


_QUEUES = text(f"""
    WITH working AS (
        SELECT queue, count(*) AS jobs FROM jobs WHERE worker IS NOT NULL GROUP BY queue
    ), serving AS (
        SELECT unnest(queues) AS queue, count(*) AS workers FROM workers WHERE {ALIVE} GROUP BY 1
    ), known AS (
        SELECT unnest(CAST(:queues AS text[])) AS queue
        UNION SELECT queue FROM working UNION SELECT queue FROM serving
    )
    SELECT queue AS name, coalesce(jobs, 0) AS running, coalesce(workers, 0) AS workers,
           (SELECT count(*) FROM (
                SELECT FROM jobs WHERE jobs.queue = known.queue AND worker IS NULL
                  AND finished_at IS NULL AND due_at <= now() LIMIT :most) AS counted) AS due,
           (SELECT count(*) FROM (
                SELECT FROM jobs WHERE jobs.queue = known.queue AND worker IS NULL
                  AND finished_at IS NULL AND due_at > now() LIMIT :most) AS counted) AS later,
           greatest(0, extract(epoch FROM now() - (
                SELECT due_at FROM jobs WHERE jobs.queue = known.queue AND worker IS NULL
                  AND finished_at IS NULL ORDER BY due_at LIMIT 1))) AS oldest
    FROM known LEFT JOIN working USING (queue) LEFT JOIN serving USING (queue)
    ORDER BY queue
""")
_IN_FLIGHT = text("""
    SELECT kind,
           (SELECT count(*) FROM (SELECT FROM jobs WHERE type = kind AND state = 'pending'
                                  LIMIT :most) AS counted),
           (SELECT count(*) FROM (SELECT FROM jobs WHERE type = kind AND state = 'running'
                                  LIMIT :most) AS counted)
    FROM unnest(CAST(:types AS text[])) AS asked (kind) ORDER BY kind
""")


def everyone(connection: Connection) -> list[Queue]:
    """Return every queue that a type names, a worker serves or work is done for."""
    names = sorted({kind.queue for kind in JOB_TYPES.values()})
    rows = connection.execute(_QUEUES, {"queues": names, "most": MOST_COUNTED}).mappings()
    return [Queue(**{**row, "oldest": float(row["oldest"] or 0)}) for row in rows]


def in_flight(connection: Connection) -> list[InFlight]:
    """Return how many jobs of every declared type have not ended."""
    asked = {"types": sorted(JOB_TYPES), "most": MOST_COUNTED}
    return [InFlight(*row) for row in connection.execute(_IN_FLIGHT, asked)]
