"""The workers: which are at work, which idle, and which only seem to be there."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from tasks.job.declare import JOB_TYPES
from tasks.watch.explain import length

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

#: How many times in a row a worker may fail to say that it is alive before it counts as silent.
SILENT_ROUNDS = 4
#: After how long a silent worker counts as dead that no parent looks after; seconds.
DEAD_SECONDS = 60.0
#: How long an idle worker may leave due work alone before it counts as stuck; seconds.
PATIENCE_SECONDS = 60.0
#: The condition on rows of `workers` that they were heard a moment ago.
ALIVE = f"""
    workers.ended_at IS NULL
    AND workers.seen_at > now() - {SILENT_ROUNDS} * workers.every * interval '1 second'
"""
#: Why a worker ended that was told to.
STOPPED = "it was stopped"
#: The name of the sessions of processes that sweep, one beside each parent's workers.
SWEEPER = "jobspine sweeper"


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

    #: Since it said that it is alive, and how often it does.
    silent: float
    every: float
    #: Since its parent last saw that its process is there; None if no parent looks.
    unvouched: float | None
    #: Since it claimed something, or else since it began.
    unclaimed: float
    #: How long its slot had been taken by something that is no claim of its own.
    astray: float
    #: How long work that it could do has been due; 0 if there is none.
    overdue: float
    #: Why it ended, where somebody saw that, and whether that was meant.
    ended: str | None
    #: Seconds that its job may still take; None if it has none.
    left: float | None


def judge(seen: Seen) -> tuple[str, str]:
    """Return which state a worker is in, and why, in a few words.

    Dead is what ended, or shows no sign of life, nor does its parent. Wedged is what is there and
    does nothing: it went silent beside a parent that sees it, holds a job past its time, is at work
    on what it lost, or idles beside work that has long been due.
    """
    if seen.ended is not None:
        return ("stopped" if seen.ended == STOPPED else "dead"), seen.ended
    if seen.silent >= SILENT_ROUNDS * seen.every:
        return _silent(seen)
    if seen.left is not None:
        return ("wedged", "holds a job past its time") if seen.left < 0 else ("busy", "at work")
    if seen.astray >= SILENT_ROUNDS * seen.every:
        return "wedged", f"its slot has been taken for {length(seen.astray)} without a claim"
    if min(seen.overdue, seen.unclaimed) >= PATIENCE_SECONDS:
        return "wedged", f"idle beside work that has been due for {length(seen.overdue)}"
    return "idle", "nothing to do"


def _silent(seen: Seen) -> tuple[str, str]:
    """Tell a worker that is stuck from one that is gone."""
    if seen.unvouched is None:
        state = "dead" if seen.silent >= DEAD_SECONDS else "wedged"
        return state, f"not seen for {length(seen.silent)}"
    if seen.unvouched < SILENT_ROUNDS * seen.every:
        return "wedged", f"its process is there, and silent for {length(seen.silent)}"
    return "dead", f"no sign of life for {length(min(seen.silent, seen.unvouched))}"


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
           every, astray, job.id AS job_id, job.type AS job_type,
           (SELECT max(at) FROM job_moves WHERE job_id = job.id AND move = 'claim') AS job_since,
           extract(epoch FROM now() - seen_at)::float8 AS silent,
           extract(epoch FROM now() - vouched_at)::float8 AS unvouched,
           extract(epoch FROM now() - coalesce(claimed_at, workers.started_at))::float8
               AS unclaimed,
           extract(epoch FROM job.deadline_at - now())::float8 AS left,
           greatest(0, (SELECT max(overdue) FROM due WHERE queue = ANY(queues)))::float8 AS overdue
    FROM workers
    LEFT JOIN (SELECT id, type, worker, deadline_at FROM jobs WHERE worker IS NOT NULL) AS job
           ON job.worker = workers.id
    ORDER BY workers.ended_at IS NOT NULL, workers.id
""")


def everyone(connection: Connection) -> list[Worker]:
    """Return every worker that was there within the last hour, those that ended last."""
    rows = connection.execute(_ALL, {"types": list(JOB_TYPES)}).mappings()
    return [_worker(dict(row)) for row in rows]


def _worker(row: Mapping[str, Any]) -> Worker:
    state, why = judge(Seen(**{field.name: row[field.name] for field in fields(Seen)}))
    same = {field.name: row[field.name] for field in fields(Worker) if field.name in row}
    return Worker(**same, state=state, why=why)


_THERE = text("UPDATE workers SET vouched_at = now() WHERE id = ANY(:ids)")
_ENDED = text("""
    UPDATE workers SET ended_at = now(), ended = :ended WHERE id = ANY(:ids) AND ended_at IS NULL
""")


def note_there(connection: Connection, ids: Iterable[str]) -> None:
    """Keep that the processes of workers are there, whatever they themselves say."""
    connection.execute(_THERE, {"ids": list(ids)})


def note_end(connection: Connection, ids: Iterable[str], ended: str) -> None:
    """Keep that workers have ended, and why."""
    connection.execute(_ENDED, {"ids": list(ids), "ended": ended})
