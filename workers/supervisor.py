"""The parent of the worker processes: starts, watches and stops them.

Celery's own pools either cost a pipe between parent and child for each message (prefork) or
cannot be interrupted (threads, solo). Several one-slot processes under a parent that sees a
child die at once are faster than the one and safer than the others; see docs/decisions.md.
"""

from __future__ import annotations

import secrets
import signal
import socket
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog

from config.database import Database
from config.processes import Fork
from tasks.job.declare import discover
from workers.listen import listen, queues_served, worker_name
from workers.sweeper import News, Sweeper

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.settings import Settings

log = structlog.get_logger(__name__)

#: The queue of the jobs that put something on a chain.
CHAIN_QUEUE = "chain"
#: How often the parent looks after its children; seconds.
_WATCH_SECONDS = 0.1
#: A child that lived shorter than this is started again only after as long; seconds.
_SHORT_LIFE = 2.0
#: How long the sweeper may take to record that the workers have stopped; seconds.
_LAST_WORDS_SECONDS = 8.0
#: How many deaths one message tells of; the next tells of more.
_DEATHS_AT_ONCE = 100


@dataclass
class _Child:
    worker: str
    process: Fork
    started_at: float


@dataclass
class _Place:
    """A place for a child, which another one takes when it has ended."""

    start: Callable[[], _Child]
    child: _Child | None = None
    start_at: float = 0.0

    def fill(self) -> _Child | None:
        """Have a child here; return the one that had this place and has ended, if one has."""
        ended = None
        if self.child is not None and self.child.process.poll() is not None:
            ended, self.child = self.child, None
            is_short = time.monotonic() - ended.started_at < _SHORT_LIFE
            self.start_at = time.monotonic() + (_SHORT_LIFE if is_short else 0.0)
        if self.child is None and time.monotonic() >= self.start_at:
            try:
                self.child = self.start()
            except OSError as full:
                log.warning("no_process_started", error=type(full).__name__)
                self.start_at = time.monotonic() + _SHORT_LIFE
        return ended


class Supervisor:
    """Runs as many worker processes as the settings say until it is told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        kinds = discover(settings.task_modules, keep=settings.kept)
        self._queues = queues_served(settings, kinds)
        #: Those among them that nothing is ever put into, as far as is known here.
        self._unknown = sorted({*self._queues} - {kind.queue for kind in kinds.values()})
        self._has_chain = CHAIN_QUEUE in self._queues and bool(settings.chain_rpc_url)
        # Messages keep their bounds, and those that nobody has read yet outlive their reader.
        self._news, self._read_news = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._workers = [_Place(self._start_worker) for _ in range(settings.worker_processes)]
        self._sweeper = _Place(self._start_sweeper)
        #: Who has ended, and how, that the sweeper was not told of yet.
        self._ended: list[tuple[str, int]] = []
        self._told_at = 0.0
        self._is_told_to_stop = False

    def run(self) -> int:
        """Supervise until SIGTERM or SIGINT; return the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._be_told_to_stop)
        if not self._has_right_chain():
            return 1
        log.info("worker_started", processes=len(self._workers), queues=self._queues)
        if self._unknown:
            log.warning("no_type_has_queue", queues=self._unknown)
        while not self._is_told_to_stop:
            self._watch()
            time.sleep(_WATCH_SECONDS)
        self._stop()
        log.info("worker_stopped")
        return 0

    def _be_told_to_stop(self, *_: object) -> None:
        self._is_told_to_stop = True

    def _has_right_chain(self) -> bool:
        """Tell whether the chain, and who signs on it, is what it must be, where there is one."""
        if not self._has_chain:
            return True
        # Late: what signs takes half a second and 40 MB, which other workers can spare.
        from workers import ledger  # noqa: PLC0415

        database = Database(self._settings)
        try:
            ledger.check(self._settings, database)
        except ledger.FAULTS as fault:
            log.error("ledger_refused", reason=str(fault))  # noqa: TRY400 - it says it all
            return False
        finally:
            database.close()
        return True

    def _start_worker(self) -> _Child:
        token = secrets.token_hex(4)
        life = partial(listen, self._settings, self._queues, token)
        process = Fork("jobspine work", life)
        return _Child(worker_name(process.pid, token), process, time.monotonic())

    def _start_sweeper(self) -> _Child:
        sweeper = Sweeper(self._settings, self._queues, self._read_news, has_chain=self._has_chain)
        return _Child("", Fork("jobspine sweep", sweeper.run), time.monotonic())

    def _watch(self) -> None:
        """Start what is missing, and have taken back at once what a dead worker held."""
        if ended := self._sweeper.fill():
            log.warning("sweeper_ended", status=ended.process.status)
        for place in self._workers:
            ended = place.fill()
            if ended is not None and ended.process.status is not None:
                log.warning(
                    "worker_process_ended", worker=ended.worker, status=ended.process.status
                )
                self._ended.append((ended.worker, ended.process.status))
        is_due = time.monotonic() - self._told_at >= self._settings.renew_seconds
        news = News(self._there(), self._ended[:_DEATHS_AT_ONCE])
        if (self._ended or is_due) and news.send(self._news):
            self._ended = self._ended[_DEATHS_AT_ONCE:]
            self._told_at = time.monotonic()

    def _there(self) -> list[str]:
        return [place.child.worker for place in self._workers if place.child is not None]

    def _stop(self) -> None:
        """Let running jobs go on for the time of grace, then have them handed back."""
        names = self._there()
        processes = [place.child.process for place in self._workers if place.child is not None]
        for process in processes:
            process.send(signal.SIGTERM)
        deadline = time.monotonic() + self._settings.stop_grace_seconds
        for process in processes:
            process.wait(deadline - time.monotonic())
        for process in processes:
            # Dead first, handed back second: between the two it must not do anything.
            process.kill()
        sweeper = self._sweeper.child
        if sweeper is None or sweeper.process.poll() is not None:
            sweeper = self._start_sweeper()
        deadline = time.monotonic() + _LAST_WORDS_SECONDS
        last = News(ended=self._ended[:_DEATHS_AT_ONCE], stopped=names)
        while not last.send(self._news) and time.monotonic() < deadline:
            time.sleep(_WATCH_SECONDS)
        if not sweeper.process.wait(deadline - time.monotonic()):
            log.warning("sweeper_killed")
            sweeper.process.kill()
