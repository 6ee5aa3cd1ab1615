"""The move that ends a job, and what its type does about it, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from config import tracing
from config.failpoints import failpoint
from tasks.job import store
from tasks.job.declare import JOB_TYPES, KEEP
from tasks.job.dispatch import Dispatch
from tasks.job.states import CANCEL, TERMINAL

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import timedelta

    from sqlalchemy import Connection

    from config.database import Database
    from tasks.job.declare import JobType
    from tasks.job.queue import Bell
    from tasks.job.record import Job
    from tasks.job.states import Move

log = structlog.get_logger(__name__)


def moving(database: Database, kind: JobType) -> AbstractContextManager[Connection]:
    """Lend a connection for a move: a transaction where the type has more to say about an end."""
    return database.statement() if kind.ended is None else database.transaction()


def move_on(
    connection: Connection, job: Job, move: Move, *, lease_ended: bool = False, **changes: Any
) -> list[Bell] | None:
    """Move a job on as `store.advance` does; if that ends it, have its type's `ended` called.

    A job that is to be cancelled goes nowhere but to its end: whatever other move was meant, it is
    cancelled. Returns what to ring for once this is committed; None where the job had moved on
    without the caller.
    """
    if move is not CANCEL and store.advance(
        connection, job, move, lease_ended=lease_ended, **changes
    ):
        return _follow(connection, job) if move.after in TERMINAL else []
    if move is not CANCEL and move.after in TERMINAL:
        return None
    return _cancel(connection, job, lease_ended=lease_ended)


def told_of(job: Job) -> tracing.Attributes:
    """Return what a span says of a job."""
    return {
        "jobspine.job.id": job.id,
        "jobspine.job.type": job.type,
        "jobspine.job.attempt": job.attempts,
        "jobspine.queue": job.queue,
    }


def _cancel(connection: Connection, job: Job, *, lease_ended: bool) -> list[Bell] | None:
    """End a job that somebody asked to be cancelled; the history says who."""
    now = store.get(connection, job.id)
    if now is None or now.cancelled_by is None:
        return None
    kind = JOB_TYPES.get(job.type)
    keep: timedelta = kind.keep if kind else KEEP
    moved = store.advance(
        connection,
        job,
        CANCEL,
        code="cancelled",
        error="it was cancelled",
        note=f"by {now.cancelled_by}",
        keep=keep.total_seconds(),
        lease_ended=lease_ended,
    )
    if not moved:
        return None
    log.info("job_cancelled", job=job.id, type=job.type)
    return _follow(connection, job)


def _follow(connection: Connection, job: Job) -> list[Bell]:
    """Let the type of a job that has just ended write and dispatch what follows."""
    kind = JOB_TYPES.get(job.type)
    if kind is None or kind.ended is None:
        return []
    dispatch = Dispatch(connection)
    now = store.get(connection, job.id)
    assert now is not None, "it was moved a moment ago"
    with tracing.span(f"end {job.type}", parent=now.trace_parent, attributes=told_of(now)):
        kind.ended(dispatch, now)
    failpoint("ending.before_commit")
    return dispatch.bells
