"""Flower as most people run it, and the events of tasks that it would get from Celery's workers."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from bench import bare
from bench.bed import BenchFailed, peak_memory, wait_until
from bench.load import alone, ask, get
from config.stack import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping

    from celery.events.dispatcher import EventDispatcher

    from bench.bed import Bed

#: Events that one message carries, and what Redis may hold back for Flower; bytes. It cuts off who
#: is further behind, and what was in between is lost.
_EVENTS, _BEHIND = 240, 4 * 2**20
#: How long a page is asked for; seconds.
_SECONDS = 2.0
_WORKERS = 4


class Watched(NamedTuple):
    """What became of Flower."""

    tasks: int
    #: The most memory that it held before and after; bytes.
    before: int
    after: int
    #: How long its list of 50 tasks took, half of the times and nearly always; seconds.
    page: tuple[float, float]


def watch(bed: Bed, tasks: int) -> Watched:
    """Send Flower the events of so many tasks."""
    port = free_port()
    command = ["celery", "-A", "bench.bare", "flower", "--address=127.0.0.1", f"--port={port}"]
    with bed.process(command, FLOWER_UNAUTHENTICATED_API="true") as process:
        wait_until(lambda: _events(port) is not None, "Flower answers")
        before = peak_memory(process)
        sent = _send(bed, tasks)
        wait_until(lambda: (_events(port) or 0) >= sent, "Flower has read all events", pause=0.5)
        page = alone(port, [get("/api/tasks?limit=50")], seconds=_SECONDS)
        after = peak_memory(process)
    return Watched(tasks, before, after, (page.quantile(0.5), page.quantile(0.95)))


def _send(bed: Bed, tasks: int) -> int:
    """Send what workers say of tasks that are received, begun and done; return how many events."""
    wait_until(lambda: _behind(bed) is not None, "Flower listens")
    with bare.app.connection_for_write() as connection, contextlib.ExitStack() as stack:
        workers = [
            stack.enter_context(
                bare.app.events.Dispatcher(
                    connection,
                    hostname=f"bare{number}@bench",
                    # As a worker sends them: several in one message.
                    buffer_group=["task"],
                    buffer_limit=_EVENTS,
                )
            )
            for number in range(_WORKERS)
        ]
        for number in range(tasks):
            _tell(workers[number % _WORKERS], f"{number:08x}-0000-4000-8000-000000000000")
            if number % 1000 == 0:
                _wait_for(bed)
        for worker in workers:
            worker.flush()
    return 3 * tasks


def _tell(worker: EventDispatcher, task: str) -> None:
    worker.send(
        "task-received", uuid=task, name="bare.noop", args="()", kwargs="{'n': 1}", root_id=task,
        parent_id=None, retries=0, eta=None, expires=None,
    )  # fmt: skip
    worker.send("task-started", uuid=task)
    worker.send("task-succeeded", uuid=task, result="{'n': 1}", runtime=0.001)


def _wait_for(bed: Bed) -> None:
    """Let Flower catch up."""
    while (behind := _behind(bed)) is None or behind > _BEHIND:
        if behind is None:
            raise BenchFailed("Flower was cut off")
        time.sleep(0.01)


def _behind(bed: Bed) -> int | None:
    """Return what Redis holds back for Flower; None if it does not listen."""
    clients: list[Mapping[str, Any]] = bed.redis.client_list(_type="pubsub")  # type: ignore[assignment]
    held = [int(client["omem"]) for client in clients if int(client["psub"]) or int(client["sub"])]
    return max(held, default=None)


def _events(port: int) -> int | None:
    """Return how many events of tasks Flower has read; None if it does not answer."""
    with contextlib.suppress(OSError):
        lines = ask(port, get("/metrics")).decode().splitlines()
        counted = [line for line in lines if line.startswith("flower_events_total{")]
        return sum(int(float(line.split()[-1])) for line in counted if 'type="task-' in line)
    return None
