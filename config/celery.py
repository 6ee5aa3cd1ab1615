"""A Celery application over Redis, configured so that losing a message costs seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import Celery
from kombu.entity import Queue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from config.settings import Settings

#: Bounds and health checks of every connection to Redis; seconds.
_TRANSPORT = {
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "retry_on_timeout": True,
    # A bell that is lost with its worker is rung again by the sweep; keeping account of those
    # that are not acknowledged would cost two round trips a bell.
    "ack_emulation": False,
}
#: How long a state is kept in Redis; seconds.
_RESULT_SECONDS = 3600


def broker_url(redis_url: str) -> str:
    """Return the Redis URL in kombu's spelling, which differs for unix sockets."""
    return redis_url.replace("unix://", "redis+socket://", 1)


def make_celery(settings: Settings, queues: Iterable[str]) -> Celery:
    """Return the application that the workers of these queues run.

    Correctness rests on none of these settings: a message is a bell, the job is a row.
    """
    app = Celery("jobspine", set_as_current=False)
    app.conf.update(
        broker_url=broker_url(settings.redis_url),
        broker_transport_options=_TRANSPORT,
        broker_connection_retry_on_startup=True,
        # A worker waits for Redis for ever; meanwhile it takes work from PostgreSQL directly.
        broker_connection_max_retries=None,
        # An answer that makes no sense, such as that of a replica that was just promoted, is no
        # reason to end and take the running job along.
        broker_channel_error_retry=True,
        task_queues=[Queue(name, routing_key=name) for name in queues],  # type: ignore[no-untyped-call]
        task_default_queue="default",
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        # A bell that a busy worker holds is a bell that an idle one does not hear.
        worker_disable_prefetch=True,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
    )
    if settings.celery_events:
        # For whoever asks for a task's state; those are told from the record, see `workers.events`.
        app.conf.update(
            result_backend=broker_url(settings.redis_url),
            result_expires=_RESULT_SECONDS,
            redis_socket_connect_timeout=_TRANSPORT["socket_connect_timeout"],
            redis_socket_timeout=_TRANSPORT["socket_timeout"],
        )
    return app
