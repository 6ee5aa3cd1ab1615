"""What reaches Celery from Redis: bells, and nothing else that may lie in a queue.

Celery ends over a message that it cannot read, with the job that runs beside, or counts it as
running for ever and hears nothing more. So every message is read here first, by us, and what
rings for a job is written anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from celery import bootsteps, signals

from tasks.job.declare import JOB_TYPES
from tasks.job.queue import message, read

if TYPE_CHECKING:
    from collections.abc import Sequence

log = structlog.get_logger(__name__)


class Sieve(bootsteps.StartStopStep):  # type: ignore[misc]
    """A step of the worker's start that puts itself between Redis and Celery."""

    #: It sets up the client that waits for messages, anew for every connection.
    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, parent: Any) -> None:
        """Look at every answer to the command with which messages are taken from their lists."""
        client = parent.task_consumer.channel.client
        client.set_response_callback("BRPOP", self.sift)

    def sift(self, answer: Sequence[bytes] | None, **_: Any) -> tuple[bytes, bytes] | None:
        """Return the answer with a bell in our own words, or none, as if nothing had come."""
        if not answer:
            return None
        name, given = answer
        bell = read(given, queue=name.decode())
        if bell is None or bell.type not in JOB_TYPES:
            log.warning("message_ignored", queue=name.decode())
            signals.task_rejected.send(sender=self, message=given, exc=None)
            return None
        return name, message(bell).encode()
