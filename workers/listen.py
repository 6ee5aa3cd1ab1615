"""A Celery worker that answers bells: one task for each job type, under the type's own name."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from celery import signals
from celery.apps.worker import Worker
from celery.concurrency import prefork, thread
from celery.platforms import SecurityWarning

# What is found by name is loaded when a worker starts: here once, and not in every process.
from celery.worker import components, consumer  # noqa: F401
from kombu.asynchronous import get_event_loop
from kombu.transport import redis  # noqa: F401
from sqlalchemy.dialects.postgresql import psycopg2  # noqa: F401

from config import failpoints, tracing
from config.celery import make_celery
from config.database import Database
from tasks.job.declare import discover
from tasks.job.queue import Bell
from workers import panel
from workers.lease import Keeper, Scout
from workers.runner import Runner
from workers.sieve import Sieve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from celery import Celery

    from config.settings import Settings
    from tasks.job.declare import JobType


log = structlog.get_logger(__name__)


def worker_name(pid: int, token: str) -> str:
    """Return the name of one worker process: where it is, and a token that never comes again.

    PostgreSQL shows at most 63 characters of it as the name of the session.
    """
    return f"{socket.gethostname()[:24]}.{pid}.{token}"


def queues_served(settings: Settings, kinds: Mapping[str, JobType]) -> list[str]:
    """Return the queues that a worker of this environment listens to."""
    return list(settings.worker_queues) or sorted({kind.queue for kind in kinds.values()})


class Listener:
    """The runner of this process and the threads beside it, made on first use after a fork."""

    def __init__(self, settings: Settings, queues: Sequence[str], token: str = "") -> None:
        self._settings = settings
        self._queues = queues
        self._token = token
        self._pid = 0
        self._runner: Runner | None = None
        self._worker: Any = None
        #: What Celery calls this worker.
        self._node: str | None = None

    @property
    def runner(self) -> Runner:
        """The runner of this process; connections and threads do not survive a fork."""
        if self._runner is None or self._pid != os.getpid():
            settings = self._settings
            # Under `celery worker` with a pool of processes each has a token of its own.
            token = self._token if self._pid == 0 and self._token else secrets.token_hex(4)
            name = worker_name(os.getpid(), token)
            database = Database(settings, name=name)
            self._runner = Runner(settings, database, name)
            self._pid = os.getpid()
            tracing.start(settings, "jobspine-worker")
            Keeper(settings, database, self._runner, self._queues, node=self._node).start()
            Scout(settings, database, self._runner, self._queues).start()
        return self._runner

    @property
    def runner_here(self) -> Runner | None:
        """The runner, if this process has one."""
        return self._runner if self._pid == os.getpid() else None

    def start(self, instance: Any = None, **_: Any) -> None:
        """Begin to keep claims and to look for overdue work, in the process that does the work.

        `instance` is Celery's worker, which has not looked for Redis yet: there is work to do
        without it.
        """
        self._worker = instance
        self._node = getattr(instance, "hostname", self._node)
        if not isinstance(self._pool, prefork.TaskPool):
            log.info("worker_listens", worker=self.runner.worker, queues=self._queues)

    @property
    def _pool(self) -> Any:
        """Celery's pool, where this is the process that has it."""
        return getattr(self._worker, "pool", None)

    def nudge(self) -> None:
        """Have Celery's loop fetch the next bell now; by itself it looks once a second.

        The pool's thread does so behind the task that is just ending, when Celery knows that it
        has ended.
        """
        loop = get_event_loop()
        if loop is not None and isinstance(self._pool, thread.TaskPool):
            with suppress(RuntimeError):  # the pool takes nothing more
                self._pool.executor.submit(loop.call_soon, _look)

    def stop(self, **_: Any) -> None:
        """Take nothing new."""
        if self._runner is not None:
            self._runner.stopping.set()

    def finish(self, **_: Any) -> None:
        """Let the running job end, also one that Celery knows nothing of."""
        if self._runner is not None:
            self._runner.finish()
            self._runner.sign_off()
        tracing.stop()

    def ignore(self, **_: Any) -> None:
        """Count a message that is no bell of ours."""
        if self._runner is not None:
            self._runner.ignore()


class _Process(Worker):  # type: ignore[misc]
    """A worker in a process that its parent replaces."""

    def install_platform_tweaks(self, worker: Any) -> None:
        """Set what signals do, except for SIGHUP: Celery would run the parent's command here."""
        super().install_platform_tweaks(worker)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def listen(settings: Settings, queues: Sequence[str], token: str) -> int:
    """Be one worker process, whose name has this token, until SIGTERM; return the exit status."""
    failpoints.arm(settings.failpoints)
    # What `celery worker` does with these as its options, without a second to load its commands.
    worker = _Process(
        app=make_worker(settings, token),
        hostname=f"{worker_name(os.getpid(), token)}@{socket.gethostname()}",
        pool_cls=settings.worker_pool,
        concurrency=1,
        queues=",".join(queues),
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        # Flower takes workers without a heartbeat for dead.
        without_heartbeat=not settings.celery_events,
    )
    worker.start()
    return int(worker.exitcode or 0)


def make_worker(settings: Settings, token: str = "") -> Celery:
    """Return the Celery application whose tasks are the declared job types.

    Its parent gives a worker process the token of its name.
    """
    kinds = discover(settings.task_modules, keep=settings.kept)
    queues = queues_served(settings, kinds)
    # Celery warns of root because of pickle, which these workers do not accept.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    app = make_celery(settings, queues)
    listener = Listener(settings, queues, token)
    for kind in kinds.values():
        # Unshared: a second application in the process would run the first one's functions.
        # Without events: Celery would call a success whatever comes of the job.
        app.task(_answer(listener, kind), name=kind.name, shared=False, send_events=False)
    app.steps["consumer"].add(Sieve)
    panel.answer(lambda: listener.runner_here)
    # Whoever listens to this signal configures the logs; ours are configured already.
    signals.setup_logging.connect(_leave_logs_alone, weak=False)
    signals.celeryd_after_setup.connect(listener.start, weak=False)
    signals.worker_process_init.connect(listener.start, weak=False)
    signals.worker_shutting_down.connect(listener.stop, weak=False)
    signals.worker_shutdown.connect(listener.finish, weak=False)
    signals.worker_process_shutdown.connect(_send_spans, weak=False)
    signals.task_rejected.connect(listener.ignore, weak=False)
    return app


def _leave_logs_alone(**_: Any) -> None:
    """Keep Celery from replacing the handlers of this process."""


def _send_spans(**_: Any) -> None:
    """Send what is left of them, in a process of a pool that ends."""
    tracing.stop()


def _look() -> None:
    """Do nothing: that it is called wakes the loop, which then looks for bells."""


def _answer(listener: Listener, kind: JobType) -> Callable[[str], None]:
    def answer(job_id: str) -> None:
        try:
            listener.runner.hear(Bell(kind.name, str(job_id), kind.queue))
        except Exception as error:
            # Celery would log the exception's text, which may quote data.
            log.exception("bell_failed", exc_info=error, job=str(job_id), type=kind.name)
        finally:
            listener.nudge()

    return answer
