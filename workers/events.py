"""Celery's events and results, told from the record: what Flower and `celery events` read.

Celery's own would come from the messages that it hands over, and would call every one of them a
success. Ours come from the history, which knows of every move, whoever made it, and of those of
workers that were killed. One thread tells them, in one worker's sweeper at a time.
"""

from __future__ import annotations

import json
import socket
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import redis
import structlog
from kombu.exceptions import OperationalError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from config.celery import make_celery
from tasks.job.declare import JOB_TYPES
from tasks.watch.moves import AT_ONCE, Follower

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from celery import Celery
    from sqlalchemy import Connection

    from config.database import Database
    from config.settings import Settings
    from tasks.watch.moves import Move, Waiting

log = structlog.get_logger(__name__)

#: How often there is something new; seconds.
_PERIOD = 0.2
#: How long this waits after something went wrong, or while somebody else is at it; seconds.
_PAUSE = 1.0
#: Events in one message at the most.
_IN_ONE = 200

#: One tells in all; the lock ends with the session.
_LOCK = text("SELECT pg_try_advisory_lock(7310587)")

#: What Celery calls a job that has made a move. One that is parked will run again, as one that
#: failed and will be tried again.
STATES = {
    "claim": "STARTED",
    "complete": "SUCCESS",
    "fail": "FAILURE",
    "retry": "RETRY",
    "park": "RETRY",
    "hand_back": "RETRY",
    "lose": "RETRY",
    "reject": "REJECTED",
    "cancel": "REVOKED",
}
_READY = {"SUCCESS", "FAILURE", "REVOKED"}


class Teller(threading.Thread):
    """Tells what has happened for as long as its worker runs."""

    def __init__(self, settings: Settings, database: Database, stopping: threading.Event) -> None:
        super().__init__(name="events", daemon=True)
        self._database = database
        self._stopping = stopping
        self._app = make_celery(settings, [])

    def run(self) -> None:
        """Tell until the process stops."""
        while not self._stopping.is_set():
            try:
                with self._database.statement() as connection:
                    self._tell(connection)
            except (SQLAlchemyError, redis.RedisError, OperationalError, OSError) as error:
                log.warning("events_interrupted", error=type(error).__name__)
            except Exception as error:
                log.exception("events_failed", exc_info=error)
            self._stopping.wait(_PAUSE)

    def _tell(self, connection: Connection) -> None:
        """Tell for as long as the session of the lock lives, and Redis answers."""
        if not connection.execute(_LOCK).scalar_one():
            return
        try:
            queues = sorted({kind.queue for kind in JOB_TYPES.values()})
            with self._app.connection_for_write() as broker, Voice(self._app, broker) as voice:
                follower = Follower()
                follower.skip_old(connection)
                while not self._stopping.is_set():
                    # First, for what begins to run meanwhile is no longer waiting.
                    voice.say_waiting(follower.waiting(connection, queues))
                    moves = follower.moves(connection)
                    voice.say(moves)
                    store_results(self._app, moves)
                    follower.told(connection, moves)
                    if len(moves) < AT_ONCE:
                        # Many at a time cost much less than each by itself.
                        self._stopping.wait(_PERIOD)
        finally:
            connection.invalidate()  # the session ends here, and the lock with it


class Voice:
    """Publishes events, many in a message."""

    def __init__(self, app: Celery, broker: Any) -> None:
        self._own_name = f"jobspine@{socket.gethostname()}"
        self._dispatcher = app.events.Dispatcher(
            broker,
            hostname=self._own_name,
            buffer_group={"task"},
            buffer_limit=_IN_ONE,
            # What cannot be published is read again.
            buffer_while_offline=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._dispatcher.close()

    def say_waiting(self, jobs: Iterable[Waiting]) -> None:
        """Say that jobs have been sent; they wait for somebody to take them."""
        for job in jobs:
            where = {"queue": job.queue, "routing_key": job.queue, "exchange": "", "retries": 0}
            sent = {**_task(job.type), **where}
            self._send("task-sent", job.job_id, job.at, self._own_name, sent)
        self._dispatcher.flush()

    def say(self, moves: Iterable[Move]) -> None:
        """Say how jobs have moved."""
        for move in moves:
            node = move.node or self._own_name
            for event, fields in events_of(move):
                self._send(event, move.job_id, move.at, node, fields)
        self._dispatcher.flush()

    def _send(self, event: str, job_id: str, at: float, node: str, fields: dict[str, Any]) -> None:
        self._dispatcher.hostname = node
        self._dispatcher.send(event, uuid=job_id, timestamp=at, **fields)


def _task(job_type: str) -> dict[str, Any]:
    """Return what Celery says of a task; what a job was given is nobody's business."""
    return {
        "name": job_type, "args": "()", "kwargs": "{}", "root_id": None, "parent_id": None,
        "eta": None, "expires": None,
    }  # fmt: skip


def events_of(move: Move) -> Sequence[tuple[str, dict[str, Any]]]:
    """Return the events that a move is in Celery's words: their names and fields."""
    reason = {"exception": move.note or "waits", "traceback": ""}
    return {
        "claim": [
            ("task-received", {**_task(move.type), "retries": move.attempt - 1}),
            ("task-started", {}),
        ],
        "complete": [("task-succeeded", {"result": "", "runtime": move.took})],
        "fail": [("task-failed", reason)],
        "retry": [("task-retried", reason)],
        "park": [("task-retried", reason)],
        "hand_back": [("task-retried", reason)],
        "lose": [("task-retried", reason)],
        "reject": [("task-rejected", {"name": move.type, "requeue": False})],
        "cancel": [
            (
                "task-revoked",
                {"name": move.type, "terminated": False, "signum": None, "expired": False},
            )
        ],
    }[move.move]


def store_results(app: Celery, moves: Iterable[Move]) -> None:
    """Keep the state of jobs where `AsyncResult` looks for it, for an hour; not what they made.

    Raises:
        redis.RedisError: Redis is away.
    """
    last = {move.job_id: move for move in moves}
    if not last:
        return
    backend = app.backend
    with backend.client.pipeline(transaction=False) as pipeline:
        for job_id, move in last.items():
            result = result_of(move)
            # As Celery's encoder writes it, for a third of the time.
            key, value = backend.get_key_for_task(job_id), json.dumps(result)
            pipeline.set(key, value, ex=app.conf.result_expires)
            if result["status"] in _READY:  # for who waits for that
                pipeline.publish(key, value)
        pipeline.execute()


def result_of(move: Move) -> dict[str, Any]:
    """Return what Celery keeps of a task that is where this move has brought a job."""
    state = STATES[move.move]
    failed = {
        "FAILURE": (move.code or "failed", [move.note or ""], None),
        "RETRY": ("Retry", [move.note or "waits"], "celery.exceptions"),
        "REVOKED": ("TaskRevokedError", ["cancelled"], "celery.exceptions"),
    }.get(state)
    names = ("exc_type", "exc_message", "exc_module")
    return {
        "status": state,
        "result": dict(zip(names, failed, strict=True)) if failed else None,
        "traceback": None,
        "children": [],
        "date_done": datetime.fromtimestamp(move.at, UTC).isoformat() if state in _READY else None,
        "task_id": move.job_id,
    }
