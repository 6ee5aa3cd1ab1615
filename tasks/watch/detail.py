"""One job, with everything that the record says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from tasks.job import orders, store
from tasks.job.declare import JOB_TYPES
from tasks.watch.explain import MOST_AHEAD, Facts, why
from tasks.watch.workers import ALIVE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from tasks.job.record import Job


#: Moves that a job is shown with, the latest; one that is parked a lot has more.
MOST_MOVES = 1000


@dataclass(frozen=True)
class Moved:
    """A move of a job's history."""

    attempt: int
    move: str
    state: str
    worker: str | None
    #: Why, in one line.
    note: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """From a claim to what became of it."""

    number: int
    worker: str | None
    began_at: datetime
    #: None while it goes on.
    ended_at: datetime | None
    #: The move that it ended with, and why; empty while it goes on.
    ended: str
    note: str | None


@dataclass(frozen=True)
class Delivery:
    """Something that a webhook was or will be told of the job."""

    id: str
    webhook_id: int
    event: str
    state: str
    #: The job that delivers it.
    job_id: str
    tries: int
    #: How the last try went: why it does not count as received, or the status of the answer.
    last: str | None
    created_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Detail:
    """A job and what belongs to it."""

    job: Job
    #: One sentence.
    why: str
    #: The job that holds its gate, unless it is this one.
    holder: str | None
    #: The job that ran it again.
    retried_as: str | None
    moves: Sequence[Moved]
    deliveries: Sequence[Delivery]

    @property
    def is_cut(self) -> bool:
        """Whether there may have been moves before the first of these."""
        return len(self.moves) >= MOST_MOVES

    @property
    def attempts(self) -> list[Attempt]:
        """The attempts, oldest first."""
        return attempts_of(self.moves)


_MOVES = text("""
    SELECT attempt, move, state, worker, note, at FROM (
        SELECT * FROM job_moves WHERE job_id = :id ORDER BY seq DESC LIMIT :most
    ) AS latest ORDER BY seq
""")
_DELIVERIES = text("""
    SELECT id, webhook_id, event, state, job_id,
           (SELECT count(*) FROM webhook_attempts WHERE delivery_id = told.id) AS tries,
           (SELECT coalesce(reason, 'status ' || response_code) FROM webhook_attempts
            WHERE delivery_id = told.id ORDER BY seq DESC LIMIT 1) AS last,
           created_at, delivered_at
    FROM webhook_deliveries AS told WHERE about = :id ORDER BY seq LIMIT 1000
""")
_FACTS = text(f"""
    SELECT now() AS now,
           (SELECT count(*) FROM (
                SELECT FROM jobs WHERE queue = :queue AND worker IS NULL AND finished_at IS NULL
                  AND due_at < :due_at AND due_at <= now() AND id <> :id LIMIT :most) AS counted)
               AS ahead,
           (SELECT count(*) FROM workers WHERE :queue = ANY(queues) AND {ALIVE}) AS workers,
           (SELECT count(*) FROM workers WHERE :queue = ANY(queues) AND {ALIVE}
              AND id IN (SELECT worker FROM jobs WHERE worker IS NOT NULL)) AS busy
""")


def get(connection: Connection, job_id: str, *, redis: bool | None = None) -> Detail | None:
    """Return all of a job, or None where no such job is recorded.

    `redis` says whether Redis can be reached, if somebody has looked.
    """
    job = store.get(connection, job_id)
    if job is None:
        return None
    moves = [Moved(*row) for row in connection.execute(_MOVES, {"id": job_id, "most": MOST_MOVES})]
    holder = _holder(connection, job)
    last = moves[-1] if moves else None
    given: dict[str, Any] = {"holder": holder, "redis": redis, "is_known": job.type in JOB_TYPES}
    if last is not None:
        given |= {"move": last.move, "note": last.note}
    return Detail(
        job=job,
        why=why(job, _facts(connection, job, given)),
        holder=holder,
        retried_as=orders.retried_as(connection, job_id),
        moves=moves,
        deliveries=[Delivery(*row) for row in connection.execute(_DELIVERIES, {"id": job_id})],
    )


def _holder(connection: Connection, job: Job) -> str | None:
    if job.gate is None or job.is_over:
        return None
    found = store.holder(connection, job.type, job.gate)
    return None if found == job.id else found


def _facts(connection: Connection, job: Job, given: Mapping[str, Any]) -> Facts:
    asked = {"id": job.id, "queue": job.queue, "due_at": job.due_at, "most": MOST_AHEAD}
    return Facts(**connection.execute(_FACTS, asked).mappings().one(), **given)


def attempts_of(moves: Sequence[Moved]) -> list[Attempt]:
    """Return a history as attempts: each from its claim to the next move of the same number."""
    found: dict[int, Attempt] = {}
    for one in moves:
        open_one = found.get(one.attempt)
        if one.move == "claim":
            found[one.attempt] = Attempt(
                number=one.attempt, worker=one.worker, began_at=one.at,
                ended_at=None, ended="", note=None,
            )  # fmt: skip
        elif open_one is not None and not open_one.ended:
            found[one.attempt] = Attempt(
                number=one.attempt, worker=open_one.worker, began_at=open_one.began_at,
                ended_at=one.at, ended=one.move, note=one.note,
            )  # fmt: skip
    return list(found.values())
