"""What may be ordered about jobs from outside: to cancel them, and to run them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from tasks.job import store
from tasks.job.declare import JOB_TYPES
from tasks.job.ending import move_on
from tasks.job.errors import NotRepeatable
from tasks.job.record import COLUMNS, Job
from tasks.job.states import CANCEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from tasks.job.dispatch import Dispatch
    from tasks.job.queue import Bell

# In one order, so that two who cancel the same jobs wait for each other only once.
_ASK = text(f"""
    WITH asked AS (
        SELECT id FROM jobs
        WHERE id = ANY(:ids) AND finished_at IS NULL AND NOT irrevocable
          AND (cancelled_by IS NULL OR :at_once)
        ORDER BY id FOR UPDATE
    )
    UPDATE jobs SET cancelled_by = coalesce(cancelled_by, :by), updated_at = now()
    FROM asked WHERE jobs.id = asked.id
    RETURNING {", ".join(f"jobs.{name}" for name in COLUMNS.split(", "))}
""")


class Cancelling(NamedTuple):
    """What became of an order to cancel jobs."""

    #: Those that have ended.
    ended: Sequence[str]
    #: Those that are at work: each ends when its handler notices.
    asked: Sequence[str]
    #: What to ring for once this is committed.
    bells: Sequence[Bell]


def cancel(
    connection: Connection, job_ids: Sequence[str], *, by: str, at_once: bool = False
) -> Cancelling:
    """Cancel jobs that have not ended, in the caller's transaction; the history says by whom.

    What waits, parked or for its first or next attempt, ends at once and frees its gate; with
    `at_once` so does what is at work, whose worker can write nothing from then on. What has ended,
    what was to be cancelled already and what is irrevocable stays as it is.
    """
    rows = connection.execute(_ASK, {"ids": list(job_ids), "by": by, "at_once": at_once})
    jobs = [Job.from_row(row) for row in rows]
    waiting = [job for job in jobs if at_once or job.worker is None]
    bells: list[Bell] = []
    for job in waiting:
        bells += move_on(connection, job, CANCEL) or ()
    ended = [job.id for job in waiting]
    return Cancelling(ended, [job.id for job in jobs if job not in waiting], bells)


_ANY_OPEN = text("""
    SELECT EXISTS (SELECT FROM jobs WHERE id = ANY(:ids) AND finished_at IS NULL)
""")


def is_any_open(connection: Connection, job_ids: Sequence[str]) -> bool:
    """Tell whether any of these jobs has not ended."""
    return bool(connection.execute(_ANY_OPEN, {"ids": list(job_ids)}).scalar_one())


_RETRIED = text("SELECT id FROM jobs WHERE retry_of = :id")


def repeat(dispatch: Dispatch, job_id: str) -> str:
    """Record an ended job again, as a new one that points to it; return the new one's id.

    Raises:
        NotRepeatable: it has not ended, was run again already, or there is nothing left to run;
            the text says which.
        GateHeld: another job is in flight where it would be.
    """
    store.lock(dispatch.connection, [job_id])
    job = store.get(dispatch.connection, job_id)
    kind = JOB_TYPES.get(job.type) if job else None
    if job is None or kind is None:
        raise NotRepeatable("no job of a known type has this id")
    if not job.is_over:
        raise NotRepeatable("the job has not ended")
    if (later := retried_as(dispatch.connection, job_id)) is not None:
        raise NotRepeatable(f"the job was run again already, as {later}")
    payload = kind.payload_again(job.payload) if kind.payload_again else job.payload
    made = dispatch.add(job.type, payload, tenant=job.tenant, retry_of=job.id)
    if kind.repeated is not None:
        kind.repeated(dispatch, job, made)
    return made


def retried_as(connection: Connection, job_id: str) -> str | None:
    """Return the id of the job that ran an ended one again, if one did."""
    found: str | None = connection.execute(_RETRIED, {"id": job_id}).scalar()
    return found
