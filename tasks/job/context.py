"""What a handler is given: its job, the database, and ways to say how far it is."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from config.failpoints import failpoint
from tasks.job import store
from tasks.job.dispatch import Dispatch
from tasks.job.errors import Cancelled, ClaimLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from config.database import Database
    from config.settings import Settings
    from tasks.job.queue import Bell
    from tasks.job.record import Job


class Step:
    """One transaction of a handler: its effects and the account of them commit together."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        #: For jobs that follow from the step: recorded with it, rung for after its commit.
        self.dispatch = Dispatch(connection)
        self.progress: dict[str, Any] = {}
        self.cursor: dict[str, Any] = {}
        self.stage: str | None = None
        self.irrevocable = False

    def save(
        self,
        *,
        progress: dict[str, Any] | None = None,
        cursor: dict[str, Any] | None = None,
        stage: str | None = None,
        irrevocable: bool = False,
    ) -> None:
        """Say what will be true once this step is committed; keys replace earlier ones.

        An irrevocable step is the one before effects that cannot be taken back: from its commit on
        nobody can cancel the job.
        """
        self.progress |= progress or {}
        self.cursor |= cursor or {}
        self.stage = stage or self.stage
        self.irrevocable = irrevocable or self.irrevocable


def _leave_to_the_sweep(_: Sequence[Bell]) -> None:
    """Ring for nothing: what is due is rung for within a second."""


class Context:
    """One attempt at a job, as its handler sees it."""

    def __init__(
        self,
        job: Job,
        database: Database,
        settings: Settings,
        ring: Callable[[Sequence[Bell]], None] = _leave_to_the_sweep,
    ) -> None:
        self.job = job
        self.database = database
        self.settings = settings
        self._ring = ring
        #: What earlier attempts and steps have saved.
        self.cursor: dict[str, Any] = dict(job.cursor)
        self.progress_so_far: dict[str, Any] = dict(job.progress)
        self._began = time.monotonic()
        self._lost = False
        self._cancelled = False

    @property
    def elapsed(self) -> float:
        """Seconds since this attempt began."""
        return time.monotonic() - self._began

    def lose(self) -> None:
        """Note that the claim is gone; the next step refuses."""
        self._lost = True

    def cancel(self) -> None:
        """Note that somebody asked for the job to be cancelled; the next step refuses."""
        self._cancelled = True

    def cancelled(self) -> bool:
        """Tell whether somebody asked for the job to be cancelled, as of the last renewal.

        Looking costs nothing: a handler that goes on for long without a step should look, and
        raise `Cancelled`.
        """
        return self._cancelled

    @contextmanager
    def step(self, *, locked: bool = False) -> Iterator[Step]:
        """Open a transaction whose commit depends on this attempt still holding the job.

        The job's row is locked by the commit alone; with `locked` it is from the beginning, for
        steps that write what others write too who have locked the job.

        Raises:
            ClaimLost: it does not; everything done in the step is undone.
            Cancelled: somebody asked for that; likewise.
        """
        if self._lost:
            raise ClaimLost
        if self._cancelled:
            raise Cancelled
        with self.database.transaction() as connection:
            step = Step(connection)
            if locked:
                store.hold(connection, self.job)
            yield step
            # Last, so that the job's row is locked for the length of a commit and no longer.
            store.checkpoint(
                connection,
                self.job,
                progress=step.progress,
                cursor=step.cursor,
                stage=step.stage,
                irrevocable=step.irrevocable,
            )
            failpoint("step.before_commit")
        self.cursor |= step.cursor
        self.progress_so_far |= step.progress
        if step.dispatch.bells:
            self._ring(step.dispatch.bells)

    def progress(self, done: int, total: int) -> None:
        """Commit how far the job is, where no data needs to be committed with it."""
        with self.step() as step:
            step.save(progress={"done": done, "total": total})

    def stage(self, word: str) -> None:
        """Commit a finer word for where the job is."""
        with self.step() as step:
            step.save(stage=word)

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """Return what `make` returned the first time in any attempt; kept before it is returned.

        For things to be decided once, such as a random name: a later attempt gets the same.
        The value must be JSON. Between making and keeping, a crash makes it anew.
        """
        if key not in self.cursor:
            made = make()
            with self.step() as step:
                step.save(cursor={key: made})
        return self.cursor[key]
