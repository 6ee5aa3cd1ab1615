"""The process beside one parent's workers: it sweeps, and records what the parent sees of them.

The parent forks, so it may have neither threads nor connections; this process has them.
"""

from __future__ import annotations

import json
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import structlog
from sqlalchemy.exc import SQLAlchemyError

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
        except BlockingIOError:
            return False
        return True

    @classmethod
    def receive(cls, source: socket.socket) -> Self:
        """Wait for the next."""
        return cls(*json.loads(source.recv(_LONGEST)))


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
            news = News.receive(self._news)
            try:
                self._note(database, redis, news)
            except SQLAlchemyError as error:
                # The leases will end as well.
                log.warning("news_not_recorded", error=type(error).__name__)
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

    def _note(self, database: Database, redis: Any, news: News) -> None:
        if news.stopped is not None:
            self._stopping.set()
            hand_back_jobs_of(database, news.stopped)
        for worker, status in news.ended:
            reason, cause = f"the worker process ended ({_name(status)})", PROCESS
            if status == -signal.SIGALRM:
                reason, cause = "the time limit was reached", TIME_LIMIT
            ring_for(redis, lose_jobs_of(database, [worker], reason, cause))
            with database.statement() as connection:
                workers.note_end(connection, [worker], reason)
        with database.statement() as connection:
            if news.stopped is not None:
                workers.note_end(connection, news.stopped, workers.STOPPED)
            # As often as they would say so themselves, even if they say nothing.
            workers.note_there(connection, news.there)


def _name(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"
