"""The move that ends a job, and what its type does about it, in one transaction."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import redis

from config.failpoints import failpoint
from tasks.job import store
from tasks.job.declare import JOB_TYPES
from tasks.job.dispatch import Dispatch
from tasks.job.queue import ring
from tasks.job.states import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

    from config.database import Database
    from tasks.job.declare import JobType
    from tasks.job.queue import Bell
    from tasks.job.record import Job
    from tasks.job.states import Move


def moving(database: Database, kind: JobType, move: Move) -> AbstractContextManager[Connection]:
    """Lend a connection for a move: a transaction where the type has more to say about its end."""
    is_more = kind.ended is not None and move.after in TERMINAL
    return database.transaction() if is_more else database.statement()


def move_on(connection: Connection, job: Job, move: Move, **changes: Any) -> list[Bell] | None:
    """Move a job on as `store.advance` does; if that ends it, have its type's `ended` called.

    Returns what to ring for once this is committed; None where the job had moved on without the
    caller.
    """
    if not store.advance(connection, job, move, **changes):
        return None
    ended = JOB_TYPES[job.type].ended
    if ended is None or move.after not in TERMINAL:
        return []
    dispatch = Dispatch(connection)
    now = store.get(connection, job.id)
    assert now is not None, "it was moved a moment ago"
    ended(dispatch, now)
    failpoint("ending.before_commit")
    return dispatch.bells


def ring_for(client: redis.Redis, bells: Sequence[Bell]) -> None:
    """Ring for what a worker has dispatched; where Redis is away the sweep rings later."""
    if bells:
        with contextlib.suppress(redis.RedisError, OSError):
            ring(client, bells)
