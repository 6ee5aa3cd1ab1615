"""The process beside one parent's workers: it sweeps, and records what the parent sees of them.

The parent forks, so it may have neither threads nor connections; this process has them.
"""

from __future__ import annotations

import json
import signal
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import structlog

from config import tracing
from config.database import Database
from tasks.job.queue import connect, ring_for
from tasks.job.states import PROCESS, TIME_LIMIT
from tasks.watch import workers
from workers.events import Teller
from workers.sweep import Sweep, hand_back_jobs_of, lose_jobs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.settings import Settings

log = structlog.get_logger(__name__)

#: The longest message from a parent; bytes.
_LONGEST = 1 << 20


class News(NamedTuple):
    """What a parent tells of its worker processes, by their names."""

    #: Who is there at this moment.
    there: Sequence[str] = ()
    #: Who has ended unasked, and its exit status, or the negative number of a signal.
    ended: Sequence[tuple[str, int]] = ()
    #: Who was told to end and has; nothing follows after that.
    stopped: Sequence[str] | None = None

    def send(self, to: socket.socket) -> bool:
        """Send it without waiting; tell whether there was room for it."""
        try:
            to.send(json.dumps(self).encode(), socket.MSG_DONTWAIT)
        except OSError:
            return False
        return True

    @classmethod
    def receive(cls, source: socket.socket) -> Self:
        """Wait for the next, and take with it what has come since: the latest is what counts."""
        news = cls(*json.loads(source.recv(_LONGEST)))
        while True:
            try:
                later = cls(*json.loads(source.recv(_LONGEST, socket.MSG_DONTWAIT)))
            except BlockingIOError:
                return news
            news = cls(later.there, [*news.ended, *later.ended], later.stopped)


class Sweeper:
    """Serves one parent until that says that its workers have stopped."""

    def __init__(
        self, settings: Settings, queues: Sequence[str], news: socket.socket, *, has_chain: bool
    ) -> None:
        self._settings = settings
        self._queues = queues
        self._news = news
        self._has_chain = has_chain
        self._stopping = threading.Event()

    def run(self) -> int:
        """Do what the parent's news ask for, and everything else beside it."""
        # Also where all processes of a service are told to end: the others need this one.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        tracing.start(self._settings, "jobspine-worker")
        database = Database(self._settings, name=workers.SWEEPER)
        redis = connect(self._settings, timeout=1.0)
        for thread in self._threads(database):
            thread.start()
        while not self._stopping.is_set():
            self.note(database, redis, News.receive(self._news))
        database.close()
        tracing.stop()
        return 0

    def _threads(self, database: Database) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._sweep, args=[database], name="sweep", daemon=True)]
        if self._has_chain:
            # Late: what signs takes half a second and 40 MB, which other workers can spare.
            from workers.ledger import LedgerWatch  # noqa: PLC0415

            threads.append(LedgerWatch(self._settings, database, self._stopping))
        if self._settings.celery_events:
            threads.append(Teller(self._settings, database, self._stopping))
        return threads

    def _sweep(self, database: Database) -> None:
        sweep = Sweep(self._settings, database, self._queues)
        while not self._stopping.wait(self._settings.sweep_seconds):
            try:
                sweep.once()
            except Exception as error:
                log.warning("sweep_failed", exc_info=error)

    def note(self, database: Database, redis: Any, news: News) -> None:
        """Record what a parent tells, each by itself; what fails comes out when a lease ends."""
        steps = [partial(_vouch, database, news.there)]
        steps += [partial(_bury, database, redis, worker, status) for worker, status in news.ended]
        if news.stopped is not None:
            self._stopping.set()
            steps.append(partial(_dismiss, database, news.stopped))
        for step in steps:
            try:
                step()
            except Exception as error:
                log.warning("news_not_recorded", exc_info=error)


def _vouch(database: Database, there: Sequence[str]) -> None:
    """Say of workers, as often as they would themselves, that they are there."""
    with database.statement() as connection:
        workers.note_there(connection, there)


def _bury(database: Database, redis: Any, worker: str, status: int) -> None:
    """Take back what a worker held that has ended."""
    reason, cause = f"the worker process ended ({_name(status)})", PROCESS
    if status == -signal.SIGALRM:
        reason, cause = "the time limit was reached", TIME_LIMIT
    ring_for(redis, lose_jobs_of(database, [worker], reason, cause))
    with database.statement() as connection:
        workers.note_end(connection, [worker], reason)


def _dismiss(database: Database, stopped: Sequence[str]) -> None:
    """Hand back what workers held that were told to end."""
    hand_back_jobs_of(database, stopped)
    with database.statement() as connection:
        workers.note_end(connection, stopped, workers.STOPPED)


def _name(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    known = {number.value: number.name for number in signal.Signals}
    return known.get(-status, f"signal {-status}")
