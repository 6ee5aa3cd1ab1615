"""The workers: which are at work, which idle, and which only seem to be there."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from tasks.job.declare import JOB_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

#: How long a worker may be silent before it counts as stuck, and as dead; seconds. It says that it
#: is alive every two seconds.
SILENT_SECONDS, DEAD_SECONDS = 8.0, 60.0
#: How long an idle worker may leave due work alone before it counts as stuck; seconds.
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker process. Ages are seconds."""

    id: str
    queues: Sequence[str]
    #: busy, idle, wedged, stopped or dead; and why it is thought so.
    state: str
    why: str
    started_at: datetime
    seen_at: datetime
    #: When it last claimed a job, and how many it has.
    claimed_at: datetime | None
    claims: int
    #: What it works on, since when.
    job_id: str | None
    job_type: str | None
    job_since: datetime | None
    #: How far its clock is ahead of the database's.
    skew: float


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is known of a worker. Ages are seconds."""

    #: Since it said that it is alive.
    silent: float
    #: Since it claimed something, or else since it began.
    unclaimed: float
    #: How long work that it could do has been due; 0 if there is none.
    overdue: float
    #: Why it ended, where somebody saw that, and whether that was meant.
    ended: str | None
    #: Seconds that its job may still take; None if it has none.
    left: float | None


def judge(seen: Seen) -> tuple[str, str]:
    """Return which state a worker is in, and why, in a few words.

    Dead is what ended or has long been silent; wedged is what is there and does nothing: it went
    silent, holds a job past its time, or idles beside work that has long been due.
    """
    if seen.ended is not None:
        return ("stopped" if seen.ended == STOPPED else "dead"), seen.ended
    if seen.silent >= DEAD_SECONDS:
        return "dead", f"not seen for {seen.silent:.0f} s"
    if seen.silent >= SILENT_SECONDS:
        return "wedged", f"not seen for {seen.silent:.0f} s"
    if seen.left is not None:
        return ("wedged", "holds a job past its time") if seen.left < 0 else ("busy", "at work")
    if min(seen.overdue, seen.unclaimed) >= PATIENCE_SECONDS:
        return "wedged", f"idle beside work that has been due for {seen.overdue:.0f} s"
    return "idle", "nothing to do"


#: Why a worker ended that was told to.
STOPPED = "it was stopped"
#: The name of the sessions of workers' parents, which sweep.
SUPERVISOR = "jobspine supervisor"

_ALL = text("""
    WITH due AS (
        SELECT served.queue, extract(epoch FROM now() - (
            SELECT due_at FROM jobs
            WHERE jobs.queue = served.queue AND jobs.worker IS NULL AND finished_at IS NULL
              AND type = ANY(:types)
            ORDER BY due_at LIMIT 1)) AS overdue
        FROM (SELECT DISTINCT unnest(queues) AS queue FROM workers) AS served
    )
    SELECT workers.id, queues, workers.started_at, seen_at, claimed_at, claims, skew, ended,
           job.id AS job_id, job.type AS job_type,
           (SELECT at FROM job_moves WHERE job_id = job.id AND move = 'claim'
            ORDER BY seq DESC LIMIT 1) AS job_since,
           extract(epoch FROM now() - seen_at) AS silent,
           extract(epoch FROM now() - coalesce(claimed_at, workers.started_at)) AS unclaimed,
           extract(epoch FROM job.deadline_at - now()) AS left,
           greatest(0, (SELECT max(overdue) FROM due WHERE queue = ANY(queues))) AS overdue
    FROM workers
    LEFT JOIN (SELECT id, type, worker, deadline_at FROM jobs WHERE worker IS NOT NULL) AS job
           ON job.worker = workers.id
    ORDER BY workers.ended_at IS NOT NULL, workers.id
""")


def everyone(connection: Connection) -> list[Worker]:
    """Return every worker that was seen within the last hour, those that ended last."""
    rows = connection.execute(_ALL, {"types": list(JOB_TYPES)}).mappings()
    return [_worker(dict(row)) for row in rows]


def _worker(row: Mapping[str, Any]) -> Worker:
    left = None if row["left"] is None else float(row["left"])
    ages = {name: float(row[name] or 0) for name in ("silent", "unclaimed", "overdue")}
    state, why = judge(Seen(**ages, ended=row["ended"], left=left))
    same = {field.name: row[field.name] for field in fields(Worker) if field.name in row}
    return Worker(**same, state=state, why=why)


_ENDED = text("""
    UPDATE workers SET ended_at = now(), ended = :ended WHERE id = ANY(:ids) AND ended_at IS NULL
""")


def note_end(connection: Connection, ids: Iterable[str], ended: str) -> None:
    """Keep that workers have ended, and why."""
    connection.execute(_ENDED, {"ids": list(ids), "ended": ended})
