"""One attempt at a job: claim, perform, settle."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import redis
import structlog
from sqlalchemy.exc import SQLAlchemyError

from config import tracing
from config.database import is_away
from config.failpoints import failpoint
from tasks.job import states, store
from tasks.job.context import Context
from tasks.job.declare import JOB_TYPES
from tasks.job.ending import move_on, moving, told_of
from tasks.job.errors import Cancelled, ClaimLost, GateHeld, Permanent, Temporary, Wait
from tasks.job.queue import connect, read, ring_for, take
from tasks.watch import workers
from workers.outcome import Outcome, after_error, failed, line

if TYPE_CHECKING:
    from config.database import Database
    from config.settings import Settings
    from tasks.job.declare import JobType
    from tasks.job.queue import Bell
    from tasks.job.record import Job

log = structlog.get_logger(__name__)

#: How long a settling worker waits between two tries to reach PostgreSQL; seconds.
_SETTLE_PAUSE = 0.5
#: How long a worker goes on with the bells of one queue before Celery has its turn; seconds.
_TURN_SECONDS = 0.5


class Runner:
    """Runs jobs in this process, one at a time, under one worker's name."""

    def __init__(self, settings: Settings, database: Database, worker: str) -> None:
        self._settings = settings
        self._database = database
        #: The name under which jobs are claimed; a database session has the same.
        self.worker = worker
        self._redis = connect(settings, timeout=1.0)
        self._slot = threading.Lock()
        self._counting = threading.Lock()
        self._current: Context | None = None
        self.stopping = threading.Event()
        #: How many jobs of each type were claimed here.
        self.claimed: Counter[str] = Counter()
        self.ignored = 0
        self.heard_at = time.monotonic()

    @property
    def claims(self) -> int:
        """How many jobs were claimed here."""
        return self.claimed.total()

    @property
    def idle(self) -> bool:
        """Whether the slot is free."""
        return not self._slot.locked()

    def hear(self, bell: Bell) -> None:
        """Answer a bell, and then the next ones of its queue, for the length of a turn.

        Celery takes several times as long to hand over a message as it takes to fetch the next
        one here. A bell is fetched only when the slot is free for it: none waits behind a job.
        """
        turn = self.heard_at = time.monotonic()
        with self._slot:
            self._answer(bell)
            while time.monotonic() - turn < _TURN_SECONDS and not self.stopping.is_set():
                try:
                    given = take(self._redis, bell.queue)
                except (redis.RedisError, OSError):
                    return
                if given is None:
                    return
                self._answer(read(given, queue=bell.queue))

    def _answer(self, bell: Bell | None) -> None:
        """Run the job of a bell if there is one and it can be claimed; otherwise ignore it."""
        if bell is None or not self._run(bell):
            self.ignore()

    def ignore(self) -> None:
        """Count a message that led to no claim."""
        with self._counting:
            self.ignored += 1

    def help_out(self, bell: Bell) -> bool:
        """Run a job that no bell announced, if the slot is free; tell whether it was claimed."""
        if not self._slot.acquire(blocking=False):
            return False
        try:
            return self._run(bell, cause=states.UNASKED)
        finally:
            self._slot.release()

    def finish(self) -> None:
        """Return once the slot is free."""
        if not self.idle:
            log.info("worker_waits_for_its_job")
        with self._slot:
            pass

    def sign_off(self) -> None:
        """Say that this worker has stopped, and not died."""
        with contextlib.suppress(SQLAlchemyError), self._database.statement() as connection:
            workers.note_end(connection, [self.worker], workers.STOPPED)

    @property
    def current(self) -> Context | None:
        """The attempt that runs at this moment, if one does."""
        return self._current

    def _run(self, bell: Bell, *, cause: str | None = None) -> bool:
        kind = JOB_TYPES.get(bell.type)
        if kind is None or self.stopping.is_set():
            return False
        with structlog.contextvars.bound_contextvars(job=bell.id, type=bell.type):
            job = self._claim(bell, kind, cause)
            if job is None:
                return False
            self.claimed[job.type] += 1
            failpoint("runner.claimed")
            with tracing.span(
                f"attempt {job.type}",
                "CONSUMER",
                parent=job.trace_parent,
                attributes={**told_of(job), "jobspine.worker": self.worker},
            ) as span:
                outcome = self._perform(job, kind)
                span.note({"jobspine.move": outcome.move.name})
                if outcome.move.counts:
                    span.fail(outcome.changes.get("cause", ""))
                self._settle(job, kind, outcome)
        return True

    def _claim(self, bell: Bell, kind: JobType, cause: str | None) -> Job | None:
        try:
            with self._database.statement() as connection:
                while True:
                    try:
                        return store.claim(
                            connection,
                            bell.id,
                            kind.name,
                            worker=self.worker,
                            lease=self._settings.lease_seconds,
                            timeout=kind.timeout,
                            cause=cause,
                        )
                    except GateHeld:
                        if self._reject(bell.id, kind):
                            return None
        except SQLAlchemyError as error:
            if not is_away(error):
                raise
            log.warning("claim_postponed", error=type(error).__name__)
            return None

    def _reject(self, job_id: str, kind: JobType) -> bool:
        """End a job whose gate is held; False when the gate became free meanwhile."""
        with moving(self._database, kind) as connection:
            job = store.get(connection, job_id)
            if job is None or job.gate is None or job.state is not states.State.PENDING:
                return True
            holder = store.holder(connection, job.type, job.gate)
            if holder is None:
                return False
            keep = kind.keep.total_seconds()
            with tracing.span(
                f"reject {job.type}", parent=job.trace_parent, attributes=told_of(job)
            ):
                bells = move_on(
                    connection, job, states.REJECT, conflict=holder, keep=keep, by=self.worker
                )
        log.info("job_rejected", conflict=holder)
        ring_for(self._redis, bells or ())
        return True

    def _perform(self, job: Job, kind: JobType) -> Outcome:
        """Run the handler and turn every way in which it can end into an outcome."""
        ring = partial(ring_for, self._redis)
        context = self._current = Context(job, self._database, self._settings, ring)
        log.info("attempt_began", attempt=job.attempts)
        # The kernel ends this process when the time is up, whatever the handler does meanwhile.
        signal.setitimer(signal.ITIMER_REAL, kind.timeout)
        try:
            fields = kind.reads.load(job.payload)
            result = kind.handler(context, **fields)
            made: Any = kind.writes.dump(result or {})
            return Outcome(states.COMPLETE, {"result": made, "keep": kind.keep.total_seconds()})
        except (ClaimLost, Cancelled) as end:
            return Outcome(states.CANCEL if isinstance(end, Cancelled) else states.LOSE)
        except Permanent as end:
            return failed(kind, end.code, str(end), end.code)
        except Wait as wait:
            timed = isinstance(wait.until, int | float)
            return Outcome(states.PARK, {"delay" if timed else "until": wait.until})
        except Exception as error:
            if is_away(error):
                log.warning("attempt_interrupted", reason="PostgreSQL is away")
                note = {"note": "PostgreSQL was away", "cause": "postgresql"}
                return Outcome(states.HAND_BACK, {"delay": 1.0, **note})
            # The text of any other exception may quote data.
            told = error if isinstance(error, Temporary) else None
            reason = line(str(told)) if told else type(error).__name__
            log.warning("attempt_failed", exc_info=error, reason=reason)
            cause = told.code if told else type(error).__name__
            return after_error(job, kind, reason, cause, after=told.after if told else 0.0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._current = None

    def _settle(self, job: Job, kind: JobType, outcome: Outcome) -> None:
        """Write the outcome, as long as it takes to reach PostgreSQL, if the job is still held."""
        if outcome.move is states.LOSE:
            log.warning("claim_lost", attempt=job.attempts)
            return
        failpoint("runner.before_settle")
        give_up = time.monotonic() + kind.timeout
        refused = False
        while True:
            try:
                with moving(self._database, kind) as connection:
                    bells = move_on(connection, job, outcome.move, **outcome.changes)
                failpoint("runner.settled")
                break
            except Exception as error:
                if not is_away(error):
                    if refused:
                        raise
                    # The outcome itself cannot be written: a result that is no JSON, say.
                    log.warning("outcome_refused", exc_info=error)
                    reason = f"unusable result: {type(error).__name__}"
                    outcome = after_error(job, kind, reason, "unusable_result")
                    refused = True
                elif time.monotonic() > give_up or self.stopping.is_set():
                    # By now somebody else may own the job; the guard would refuse anyway.
                    raise
                else:
                    log.warning("settling_postponed", reason="PostgreSQL is away")
                time.sleep(_SETTLE_PAUSE)
        log.info(
            "late_end_refused" if bells is None else "attempt_ended",
            attempt=job.attempts,
            move=outcome.move.name,
            state=outcome.move.after,
        )
        ring_for(self._redis, bells or ())
