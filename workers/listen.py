"""A Celery worker that answers bells: one task for each job type, under the type's own name."""

from __future__ import annotations

import os
import secrets
import socket
import warnings
from typing import TYPE_CHECKING, Any

import structlog
from celery import signals
from celery.concurrency import prefork
from celery.platforms import SecurityWarning

from config.celery import make_celery
from config.database import Database
from tasks.job.declare import discover
from tasks.job.queue import Bell
from workers.lease import Keeper, Scout
from workers.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from celery import Celery

    from config.settings import Settings
    from tasks.job.declare import JobType


log = structlog.get_logger(__name__)


def new_worker_id() -> str:
    """Return a name for one worker process: where it is, and a part that never comes again.

    PostgreSQL shows at most 63 characters of it as the name of the session.
    """
    return f"{socket.gethostname()[:24]}.{os.getpid()}.{secrets.token_hex(4)}"


def queues_served(settings: Settings, kinds: Mapping[str, JobType]) -> list[str]:
    """Return the queues that a worker of this environment listens to."""
    return list(settings.worker_queues) or sorted({kind.queue for kind in kinds.values()})


class Listener:
    """The runner of this process and the threads beside it, made on first use after a fork."""

    def __init__(self, settings: Settings, queues: Sequence[str]) -> None:
        self._settings = settings
        self._queues = queues
        self._pid = 0
        self._runner: Runner | None = None

    @property
    def runner(self) -> Runner:
        """The runner of this process; connections and threads do not survive a fork."""
        if self._runner is None or self._pid != os.getpid():
            settings = self._settings
            # Under `celery worker` with a pool of processes each has a name of its own.
            name = settings.worker_id if self._pid == 0 and settings.worker_id else new_worker_id()
            database = Database(settings, name=name)
            self._runner = Runner(settings, database, name)
            self._pid = os.getpid()
            Keeper(settings, database, self._runner, self._queues).start()
            Scout(settings, database, self._runner, self._queues).start()
        return self._runner

    def start(self, sender: Any = None, **_: Any) -> None:
        """Begin to keep claims and to look for overdue work, in the process that does the work."""
        if not isinstance(getattr(sender, "pool", None), prefork.TaskPool):
            log.info("worker_listens", worker=self.runner.worker, queues=self._queues)

    def stop(self, **_: Any) -> None:
        """Take nothing new."""
        if self._runner is not None:
            self._runner.stopping.set()

    def ignore(self, **_: Any) -> None:
        """Count a message that is no bell of ours."""
        self.runner.ignored += 1


def make_worker(settings: Settings) -> Celery:
    """Return the Celery application whose tasks are the declared job types."""
    kinds = discover(settings.task_modules)
    queues = queues_served(settings, kinds)
    # Celery warns of root because of pickle, which these workers do not accept.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    app = make_celery(settings, queues)
    listener = Listener(settings, queues)
    for kind in kinds.values():
        # Unshared: a second application in the process would run the first one's functions.
        app.task(_answer(listener, kind), name=kind.name, shared=False)
    # Whoever listens to this signal configures the logs; ours are configured already.
    signals.setup_logging.connect(_leave_logs_alone, weak=False)
    signals.worker_ready.connect(listener.start, weak=False)
    signals.worker_process_init.connect(listener.start, weak=False)
    signals.worker_shutting_down.connect(listener.stop, weak=False)
    signals.task_unknown.connect(listener.ignore, weak=False)
    signals.task_rejected.connect(listener.ignore, weak=False)
    return app


def _leave_logs_alone(**_: Any) -> None:
    """Keep Celery from replacing the handlers of this process."""


def _answer(listener: Listener, kind: JobType) -> Callable[[str], None]:
    def answer(job_id: str) -> None:
        try:
            listener.runner.hear(Bell(kind.name, str(job_id), kind.queue))
        except Exception as error:
            # Celery would log the exception's text, which may quote data.
            log.exception("bell_failed", exc_info=error, job=str(job_id), type=kind.name)

    return answer
