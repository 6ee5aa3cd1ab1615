"""The bell: a Celery message that says which job might be claimed, and nothing else.

The message is built here, in Celery's documented protocol 2 and kombu's Redis encoding, and
pushed in pipelines: `apply_async` takes several times as long for the same bytes. A test lets
a stock Celery worker run it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import queue
import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.failpoints import failpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from config.settings import Settings

log = structlog.get_logger(__name__)


class Bell(NamedTuple):
    """Which job to look at, and who should."""

    type: str
    id: str
    queue: str


def message(bell: Bell) -> str:
    """Return the bell as the text that a Celery worker takes from a Redis list."""
    body = base64.b64encode(json.dumps([[bell.id], {}, _EMBED]).encode()).decode()
    return _form(bell.type, bell.queue).replace(_BODY, body).replace(_ID, json.dumps(bell.id))


_BODY, _ID = "<body>", '"<id>"'


@lru_cache
def _form(job_type: str, queue: str) -> str:
    """Return the message of a bell with blanks for its id: writing it out each time is slow."""
    return json.dumps(
        {
            "body": _BODY,
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py",
                "task": job_type,
                "id": "<id>",
                "root_id": "<id>",
                "parent_id": None,
                "group": None,
                "retries": 0,
                "eta": None,
                "expires": None,
                "timelimit": [None, None],
                "argsrepr": "",
                "kwargsrepr": "",
                "origin": "jobspine",
                "ignore_result": True,
            },
            "properties": {
                "correlation_id": "<id>",
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": "<id>",
            },
        }
    )


#: Longest id that a bell may name; characters.
_ID_LENGTH = 255


def read(text: bytes, *, queue: str) -> Bell | None:
    """Return the bell that a message of a queue is, or None if it is anything else."""
    try:
        given = json.loads(text)
        job_type = given["headers"]["task"]
        (job_id,) = json.loads(base64.b64decode(given["body"]))[0]
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    if not (isinstance(job_type, str) and isinstance(job_id, str)):
        return None
    # PostgreSQL takes neither a NUL nor half a character for text.
    is_id = job_id.isprintable() and len(job_id) <= _ID_LENGTH
    return Bell(job_type, job_id, queue) if is_id else None


_EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def connect(settings: Settings, *, timeout: float) -> redis.Redis:
    """Return a client of Redis whose every call ends within so many seconds."""
    return redis.Redis.from_url(
        settings.redis_url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        # One try: whoever rings can be late, but must not wait.
        retry=Retry(NoBackoff(), 0),
    )


def ring(client: redis.Redis, bells: Iterable[Bell]) -> None:
    """Push bells in one round trip for each queue.

    Raises:
        redis.RedisError: Redis is away; the sweep will ring again.
    """
    messages: dict[str, list[str]] = {}
    for bell in bells:
        messages.setdefault(bell.queue, []).append(message(bell))
    for name, of_queue in messages.items():
        client.lpush(name, *of_queue)


def is_there(settings: Settings, *, timeout: float) -> bool:
    """Tell whether Redis answers within so many seconds."""
    try:
        with connect(settings, timeout=timeout) as client:
            client.ping()
    except (redis.RedisError, OSError):
        return False
    return True


def ring_for(client: redis.Redis, bells: Sequence[Bell]) -> None:
    """Ring for what a worker has dispatched; where Redis is away the sweep rings later."""
    if bells:
        with contextlib.suppress(redis.RedisError, OSError):
            ring(client, bells)


class Ringer:
    """Rings from a thread of its own, so that no request ever waits for Redis."""

    #: Bells in one pipeline at the most.
    BATCH = 200
    #: How long bells gather behind the last that was rung; seconds. Ringing costs by the batch.
    GATHER = 0.025
    #: How long Redis is left alone after it failed; seconds.
    PAUSE = 1.0
    #: Bells kept while Redis is slow; beyond that the sweep rings.
    BACKLOG = 10_000

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bells: queue.SimpleQueue[Bell] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def ring(self, bells: Iterable[Bell]) -> None:
        """Have these bells rung soon; never waits and never fails."""
        failpoint("dispatch.before_ring")
        for bell in bells:
            if self._bells.qsize() >= self.BACKLOG:
                return
            self._bells.put(bell)
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="ringer", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        client = connect(self._settings, timeout=0.5)
        rung_at = 0.0
        while True:
            bells = [self._bells.get()]
            # The first bell after a silence is rung at once; in a crowd they go together.
            time.sleep(max(0.0, rung_at + self.GATHER - time.monotonic()))
            while len(bells) < self.BATCH:
                try:
                    bells.append(self._bells.get_nowait())
                except queue.Empty:
                    break
            rung_at = time.monotonic()
            # Here and together: a line in every request would cost more than its other work.
            log.info("dispatched", jobs=[bell.id for bell in bells])
            try:
                ring(client, bells)
            except (redis.RedisError, OSError) as away:
                log.warning("bells_dropped", bells=len(bells), error=type(away).__name__)
                time.sleep(self.PAUSE)


def take(client: redis.Redis, name: str) -> bytes | None:
    """Take the oldest message out of a queue, if there is one."""
    given: Any = client.rpop(name)
    return given if given is None else bytes(given)


def depth(client: redis.Redis, name: str) -> int:
    """Return how many bells wait in a queue."""
    length: Any = client.llen(name)
    return int(length)
