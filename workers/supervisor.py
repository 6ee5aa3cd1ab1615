"""The parent of the worker processes: starts, watches and stops them, and sweeps.

Celery's own pools either cost a pipe between parent and child for each message (prefork) or
cannot be interrupted (threads, solo). Several one-slot processes under a parent that sees a
child die at once are faster than the one and safer than the others; see docs/decisions.md.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config import tracing
from config.database import Database
from config.processes import spawn
from tasks.job.declare import discover
from tasks.job.queue import connect, ring_for
from tasks.job.states import PROCESS, TIME_LIMIT
from tasks.watch import workers
from workers.events import Teller
from workers.listen import new_worker_id, queues_served
from workers.sweep import Sweep, hand_back_jobs_of, lose_jobs_of

if TYPE_CHECKING:
    import subprocess

    from config.settings import Settings

log = structlog.get_logger(__name__)

#: The queue of the jobs that put something on a chain.
CHAIN_QUEUE = "chain"
#: How often the parent looks after its children; seconds.
_WATCH_SECONDS = 0.1
#: A child that lived shorter than this is started again only after as long; seconds.
_SHORT_LIFE = 2.0


@dataclass
class _Child:
    worker: str
    process: subprocess.Popen[bytes]
    started_at: float


class Supervisor:
    """Runs as many worker processes as the settings say until it is told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        kinds = discover(settings.task_modules, keep=settings.kept)
        self._queues = queues_served(settings, kinds)
        self._database = Database(settings, name=workers.SUPERVISOR)
        self._redis = connect(settings, timeout=1.0)
        self._children: dict[int, _Child | None] = dict.fromkeys(range(settings.worker_processes))
        self._start_at: dict[int, float] = {}
        self._stopping = threading.Event()

    def run(self) -> int:
        """Supervise until SIGTERM or SIGINT; return the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        if not self._watch_ledger():
            return 1
        tracing.start(self._settings, "jobspine-worker")
        for also in (self._vouch, self._sweep):
            threading.Thread(target=also, name=also.__name__, daemon=True).start()
        if self._settings.celery_events:
            Teller(self._settings, self._database, self._stopping).start()
        log.info("worker_started", processes=len(self._children), queues=self._queues)
        while not self._stopping.is_set():
            self._watch()
            self._stopping.wait(_WATCH_SECONDS)
        self._stop()
        log.info("worker_stopped")
        return 0

    def _watch_ledger(self) -> bool:
        """Begin to look after chain transactions, where that is these workers' business.

        False when the chain, or who signs on it, is not what it must be.
        """
        if CHAIN_QUEUE not in self._queues or not self._settings.chain_rpc_url:
            return True
        # Late: what signs takes half a second and 40 MB, which other workers can spare.
        from workers import ledger  # noqa: PLC0415

        try:
            ledger.check(self._settings, self._database)
        except ledger.FAULTS as fault:
            log.error("ledger_refused", reason=str(fault))  # noqa: TRY400 - it says it all
            return False
        ledger.LedgerWatch(self._settings, self._database, self._stopping).start()
        return True

    def _start(self) -> _Child:
        worker = new_worker_id()
        command = [
            *(sys.executable, "-m", "celery", "--quiet", "-A", "workers", "worker"),
            *("--pool", self._settings.worker_pool, "--concurrency", "1"),
            *("--hostname", f"{worker}@%h", "--queues", ",".join(self._queues)),
            *("--without-gossip", "--without-mingle"),
            # Flower takes workers without a heartbeat for dead.
            *(() if self._settings.celery_events else ("--without-heartbeat",)),
        ]
        process = spawn(command, env={**os.environ, "WORKER_ID": worker})
        return _Child(worker, process, time.monotonic())

    def _watch(self) -> None:
        """Start what is missing, and take back at once what a dead child held."""
        for slot, child in self._children.items():
            if child is None:
                if time.monotonic() >= self._start_at.get(slot, 0.0):
                    self._children[slot] = self._start()
            elif child.process.poll() is not None:
                self._bury(slot, child)

    def _bury(self, slot: int, child: _Child) -> None:
        status = child.process.returncode
        reason, cause = f"the worker process ended ({_name(status)})", PROCESS
        if status == -signal.SIGALRM:
            reason, cause = "the time limit was reached", TIME_LIMIT
        log.warning("worker_process_ended", worker=child.worker, status=status)
        self._children[slot] = None
        if time.monotonic() - child.started_at < _SHORT_LIFE:
            self._start_at[slot] = time.monotonic() + _SHORT_LIFE
        else:
            self._children[slot] = self._start()
        try:
            ring_for(self._redis, lose_jobs_of(self._database, [child.worker], reason, cause))
            with self._database.statement() as connection:
                workers.note_end(connection, [child.worker], reason)
        except SQLAlchemyError as error:
            # Its lease will end as well.
            log.warning("loss_not_recorded", error=type(error).__name__)

    def _vouch(self) -> None:
        """Say, as often as they do, which children are there, even if they say nothing."""
        while not self._stopping.wait(self._settings.renew_seconds):
            children = [child for child in self._children.values() if child is not None]
            there = [child.worker for child in children if child.process.poll() is None]
            try:
                with self._database.statement() as connection:
                    workers.note_there(connection, there)
            except SQLAlchemyError as error:
                log.warning("children_not_vouched_for", error=type(error).__name__)

    def _sweep(self) -> None:
        sweep = Sweep(self._settings, self._database, self._queues)
        while not self._stopping.wait(self._settings.sweep_seconds):
            try:
                sweep.once()
            except Exception as error:
                log.warning("sweep_failed", exc_info=error)

    def _stop(self) -> None:
        """Let running jobs go on for the time of grace, then hand them back."""
        children = [child for child in self._children.values() if child is not None]
        for child in children:
            child.process.terminate()
        deadline = time.monotonic() + self._settings.stop_grace_seconds
        while time.monotonic() < deadline and any(c.process.poll() is None for c in children):
            time.sleep(_WATCH_SECONDS)
        for child in children:
            # Dead first, handed back second: between the two it must not do anything.
            child.process.kill()
            child.process.wait()
        names = [child.worker for child in children]
        try:
            hand_back_jobs_of(self._database, names)
            with self._database.statement() as connection:
                workers.note_end(connection, names, workers.STOPPED)
        except SQLAlchemyError as error:
            log.warning("not_handed_back", error=type(error).__name__)
        self._database.close()
        tracing.stop()


def _name(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"
