"""The sweep: ends lost claims, dispatches and rings for what is due, clears what has expired.

Every worker sweeps; `python -m workers.sweep` does it once.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, NamedTuple

import redis
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from config import logs, tracing
from config.database import Database, is_away
from config.settings import Settings
from tasks.job import idempotency, lists, upkeep
from tasks.job.declare import JOB_TYPES, discover
from tasks.job.dispatch import Dispatch
from tasks.job.ending import move_on, told_of
from tasks.job.errors import JobTypeFaulty
from tasks.job.queue import connect, depth, ring, ring_for
from tasks.job.states import HAND_BACK, LEASE
from tasks.watch import search, tallies
from workers.outcome import after_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from tasks.job.queue import Bell
    from tasks.job.record import Job

log = structlog.get_logger(__name__)

#: How many rows one statement of the sweep touches at the most.
BATCH = 500
#: A due job whose bell rang so long ago is rung for again if its queue holds no bells; seconds.
SILENCE_SECONDS = 3.0
#: How often expired records are cleared; seconds.
CLEAR_SECONDS = 10.0
#: How long a worker that was not seen stays listed; seconds.
FORGET_WORKERS_SECONDS = 3600

#: One sweep at a time; the lock ends with the transaction, however that ends.
_LOCK = text("SELECT pg_try_advisory_xact_lock(7310583)")
#: A lost worker may still be inside a transaction, stopped or cut off, holding its locks.
_CUT_OFF = text("""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = ANY(:workers) AND pid <> pg_backend_pid()
""")
_FORGET_WORKERS = text("""
    DELETE FROM workers WHERE greatest(seen_at, vouched_at) < now() - :seconds * interval '1 second'
""")


class Swept(NamedTuple):
    """How much a sweep found to do."""

    #: Claims that had ended without an end of the job.
    lost: int
    #: Ended jobs whose time was over.
    cleared: int
    #: Jobs that the clock had made due, and bells for those that were due before.
    scheduled: int
    rung: int

    def __str__(self) -> str:
        return (
            f"{self.lost} lost claims ended, {self.cleared} expired jobs cleared, "
            f"{self.scheduled} jobs scheduled, {self.rung} bells rung"
        )


class Sweep:
    """What every worker does once a second, and what one of them at a time needs to do."""

    def __init__(self, settings: Settings, database: Database, queues: Sequence[str]) -> None:
        self._settings = settings
        self._database = database
        self._queues = list(queues)
        self._redis = connect(settings, timeout=1.0)
        self._cleared_at = 0.0

    def once(self) -> Swept | None:
        """Sweep, unless another worker is at it; then nothing was done, and None is returned.

        Raises:
            SQLAlchemyError: PostgreSQL is away; the next sweep will do.
        """
        with self._database.transaction() as connection:
            if not connection.execute(_LOCK).scalar_one():
                return None
            tallies.count_on(connection)  # as the other one: it looks first
        cleared = 0
        with self._database.transaction() as connection:
            if not connection.execute(_LOCK).scalar_one():
                return None
            # First: it looks before this transaction has a number.
            tallies.add_recorded(connection, lists.count_on(connection))
            lost, bells = self._end_lost_claims(connection)
            if time.monotonic() - self._cleared_at > CLEAR_SECONDS:
                cleared = self._clear(connection)
                self._cleared_at = time.monotonic()
        ring_for(self._redis, bells)
        scheduled = sum(
            self._schedule(kind.name, kind.schedule)
            for kind in JOB_TYPES.values()
            if kind.schedule is not None
        )
        return Swept(lost, cleared, scheduled, self._ring())

    def _end_lost_claims(self, connection: Connection) -> tuple[int, list[Bell]]:
        """End them; return how many there were, and what to ring for."""
        jobs = upkeep.lease_ended(connection, JOB_TYPES, limit=BATCH)
        if not jobs:
            return 0, []
        # First, because what such a worker holds may be the row of the job itself.
        connection.execute(_CUT_OFF, {"workers": list({job.worker for job in jobs})})
        return len(jobs), [
            bell for job in jobs for bell in _lose(connection, job, "the worker vanished", LEASE)
        ]

    def _clear(self, connection: Connection) -> int:
        """Clear what has expired; return how many jobs."""
        cleared = upkeep.expire(connection, limit=BATCH * 4)
        for kind in JOB_TYPES.values():
            if kind.tidy is not None:
                kind.tidy(connection, cleared.get(kind.name, []))
        idempotency.expire(connection)
        tallies.forget(connection)
        search.tick(connection)
        connection.execute(_FORGET_WORKERS, {"seconds": FORGET_WORKERS_SECONDS})
        jobs = sum(map(len, cleared.values()))
        if jobs:
            log.info("cleared", jobs=jobs)
        return jobs

    def _schedule(self, job_type: str, schedule: Callable[[Dispatch], None]) -> int:
        """Dispatch what the clock has made due for a type, and return how many jobs.

        A fault of one holds up no other.
        """
        try:
            with self._database.transaction() as connection:
                if not connection.execute(_LOCK).scalar_one():
                    return 0
                dispatch = Dispatch(connection)
                schedule(dispatch)
        except Exception as error:
            log.warning("schedule_failed", type=job_type, exc_info=error)
            return 0
        if dispatch.bells:
            log.info("scheduled", type=job_type, jobs=len(dispatch.bells))
            ring_for(self._redis, dispatch.bells)
        return len(dispatch.bells)

    def _ring(self) -> int:
        """Ring for jobs that became due, and again for those whose bells seem to be lost.

        Returns how many bells were rung.
        """
        try:
            depths = {name: depth(self._redis, name) for name in self._queues}
        except (redis.RedisError, OSError) as away:
            # Idle workers take overdue work from PostgreSQL meanwhile.
            log.warning("redis_away", error=type(away).__name__)
            return 0
        bells: list[Bell] = []
        with self._database.statement() as connection:
            bells += upkeep.take_unrung(connection, JOB_TYPES, limit=BATCH)
            for name, waiting in depths.items():
                if waiting == 0:
                    bells += upkeep.take_unheard(
                        connection, name, JOB_TYPES, silence=SILENCE_SECONDS, limit=BATCH
                    )
        if bells:
            ring(self._redis, bells)
            log.info("rung", bells=len(bells))
        return len(bells)


def _lose(connection: Connection, job: Job, reason: str, cause: str) -> list[Bell]:
    """Take a job back, or end it if that was too often; return what to ring for then."""
    outcome = after_loss(job, JOB_TYPES[job.type], reason, cause)
    is_lease = cause == LEASE
    try:
        # Apart from the others: what a type does about an end must not hold up theirs. The span
        # stands for the one of the attempt, which nobody sent.
        with (
            connection.begin_nested(),
            tracing.span(f"lose {job.type}", parent=job.trace_parent, attributes=told_of(job)) as s,
        ):
            s.fail(cause)
            bells = move_on(connection, job, outcome.move, **outcome.changes, lease_ended=is_lease)
    except Exception as error:
        if is_away(error):
            raise
        log.exception("loss_not_recorded", exc_info=error, job=job.id, type=job.type)
        return []
    if bells is not None:
        log.warning("claim_ended", job=job.id, type=job.type, reason=reason, move=outcome.move.name)
    return bells or []


def lose_jobs_of(database: Database, workers: Sequence[str], reason: str, cause: str) -> list[Bell]:
    """Take back, at once, what worker processes held that are known to be dead.

    Returns what to ring for; without it the sweep rings.
    """
    with database.transaction() as connection:
        return [
            bell
            for job in upkeep.of_workers(connection, workers, JOB_TYPES)
            for bell in _lose(connection, job, reason, cause)
        ]


def hand_back_jobs_of(database: Database, workers: Sequence[str]) -> None:
    """Give back what worker processes held that were ended on purpose; counts as no failure."""
    with database.transaction() as connection:
        for job in upkeep.of_workers(connection, workers, JOB_TYPES):
            note = "the worker was stopped"
            given = move_on(connection, job, HAND_BACK, note=note, cause="stopped")
            if given is not None:
                log.info("handed_back", job=job.id, type=job.type)


def main() -> int:
    """Sweep once and say what was done; the exit status is 1 where PostgreSQL is away."""
    # Late: Celery, which the sweep of a parent process has no use for.
    from workers.listen import queues_served  # noqa: PLC0415

    settings = Settings.of_command()
    logs.configure(settings.log_level)
    try:
        kinds = discover(settings.task_modules, keep=settings.kept)
    except JobTypeFaulty as fault:
        sys.exit(str(fault))
    queues = queues_served(settings, kinds)
    database = Database(settings, name="jobspine sweep")
    try:
        swept = Sweep(settings, database, queues).once()
    except SQLAlchemyError as error:
        if not is_away(error):
            raise
        print("PostgreSQL cannot be reached", file=sys.stderr)  # noqa: T201 - to a shell
        return 1
    finally:
        database.close()
    print(swept or "another one sweeps at this moment")  # noqa: T201 - likewise
    return 0


if __name__ == "__main__":
    sys.exit(main())
