"""jobs: what a job costs from dispatch to its recorded end, beside Celery's own tasks."""

from __future__ import annotations

import json
import time
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from bench import bare, noop
from bench.bed import PROCESSES, wait_until
from bench.load import Load, drive, one_by_one, post
from bench.report import Table, ratio, spread
from tasks.job.queue import Bell, message

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterator

    import psutil

    from bench.__main__ import Scale
    from bench.bed import Bed

#: Jobs that are sent one after the other, to see how long each takes on an idle service.
_ALONE = 60
_PAUSE = 0.025
#: Jobs that run before anything is timed.
WARM = 200


class Ours:
    """Jobs of this service."""

    request = post("/bench/dispatch", b'{"n": 1}')

    def __init__(self, bed: Bed) -> None:
        self._bed = bed

    def prepare(self, count: int) -> Callable[[], object]:
        """Record jobs and hold their bells back; return what rings them all at once."""
        bells = [message(Bell(noop.NAME, f"{n:032x}", noop.QUEUE)) for n in range(count)]
        self._bed.redis.lpush("held", *bells)
        self._bed.sql(
            """
            INSERT INTO jobs (id, type, tenant, queue, payload)
            SELECT lpad(to_hex(n), 32, '0'), %s, 'bench', %s, '{"n": 1}'
            FROM generate_series(0, %s) AS n
            """,
            *(noop.NAME, noop.QUEUE, count - 1),
        )
        return lambda: self._bed.redis.rename("held", noop.QUEUE)

    def ended(self, count: int) -> float | None:
        """Return when the last of so many jobs was completed, once all are."""
        if self._bed.redis.llen(noop.QUEUE):
            return None  # a look at Redis is cheap; it spares PostgreSQL the counting
        ((done, last),) = self._bed.sql(
            "SELECT count(*), extract(epoch FROM max(finished_at)) FROM jobs"
            " WHERE state = 'completed'"
        )
        return float(last) if done == count else None

    def ended_each(self, ids: list[str]) -> list[float]:
        """Return when each of these jobs was completed."""
        found = dict(self._bed.sql("SELECT id, extract(epoch FROM finished_at) FROM jobs"))
        return [float(found[job_id]) for job_id in ids]


class Bare:
    """Tasks of Celery with results in Redis."""

    request = post("/bench/apply_async", b'{"n": 1}')

    def __init__(self, bed: Bed) -> None:
        self._bed = bed
        self._messages: list[Any] = []

    def prepare(self, count: int) -> Callable[[], object]:
        """Publish tasks where no worker listens; return what hands them over all at once."""
        while len(self._messages) < count:
            bare.published.apply_async(kwargs={"n": 1}, queue="made")
            self._messages.append(self._bed.redis.rpop("made"))
        self._bed.redis.lpush("held", *self._messages[:count])
        return lambda: self._bed.redis.rename("held", bare.QUEUE)

    def ended(self, count: int) -> float | None:
        """Return when the last of so many results was stored, once all are."""
        held: Any = self._bed.redis.info("keyspace")["db0"]["expires"]  # only results expire
        return time.time() if held == count else None

    def ended_each(self, ids: list[str]) -> list[float]:
        """Return when each of these tasks was done."""
        found: Any = self._bed.redis.mget([f"celery-task-meta-{task_id}" for task_id in ids])
        return [datetime.fromisoformat(json.loads(meta)["date_done"]).timestamp() for meta in found]


class Form(NamedTuple):
    """A way to run workers."""

    name: str
    work: Ours | Bare
    run: Callable[[], contextlib.AbstractContextManager[list[psutil.Process]]]


class Taken(NamedTuple):
    """One round of a form."""

    drain: float
    through: float
    alone: Load
    memory: float


def figure(bed: Bed, scale: Scale) -> Iterator[Table]:
    """Run the same no-op through every form, in turn."""
    ours, other = Ours(bed), Bare(bed)
    forms = [
        Form("ours: 2 processes, threads x 1 (default)", ours, bed.workers),
        Form("ours: 2 processes, solo", ours, lambda: bed.workers(WORKER_POOL="solo")),
        Form("ours: stock celery, prefork x 2", ours, lambda: bed.stock_workers("prefork")),
        Form("Celery: prefork x 2 (its default)", other, lambda: bed.bare_workers("prefork", 2)),
        Form("Celery: 2 processes, threads x 1", other, lambda: bed.bare_workers("threads", 1)),
        Form("Celery: 2 processes, solo", other, lambda: bed.bare_workers("solo", 1)),
    ]
    rounds: dict[str, list[Taken]] = {form.name: [] for form in forms}
    with bed.api() as port:
        for _ in range(scale.job_rounds):
            for form in forms:
                bed.clear()
                with form.run() as workers:
                    rounds[form.name].append(_take(bed, form.work, port, workers, scale.noops))
    bed.clear()
    yield _table(rounds, scale.noops)


def _take(
    bed: Bed, work: Ours | Bare, port: int, workers: list[psutil.Process], count: int
) -> Taken:
    drain(bed, work, WARM)
    alone = _alone(bed, work, port)
    drained = drain(bed, work, count)
    went_through = through(bed, work, port, count)
    family = [one for top in workers for one in (top, *top.children(recursive=True))]
    memory = sum(one.memory_full_info().pss for one in family)
    return Taken(drained, went_through, alone, memory)


def through(bed: Bed, work: Ours | Bare, port: int, count: int) -> float:
    """Return jobs per second, from the first request that dispatches one to the last one's end."""
    bed.clear()
    began = time.time()
    drive(port, [work.request] * count)
    return count / (_end(work, count) - began)


def drain(bed: Bed, work: Ours | Bare, count: int) -> float:
    """Return jobs per second, from the moment at which all their messages appear."""
    bed.clear()
    ring = work.prepare(count)
    began = time.time()
    ring()
    return count / (_end(work, count) - began)


def _end(work: Ours | Bare, count: int) -> float:
    ended: list[float] = []

    def is_over() -> bool:
        ended.extend(filter(None, [work.ended(count)]))
        return bool(ended)

    wait_until(is_over, "the jobs end", pause=0.005)
    return ended[0]


def _alone(bed: Bed, work: Ours | Bare, port: int) -> Load:
    """Send jobs to idle workers, one after the other, and see how long each takes."""
    bed.clear()
    sent = list(one_by_one(port, [work.request] * _ALONE, pause=_PAUSE))
    _end(work, _ALONE)
    ids = [json.loads(body)["jobId"] for _, body in sent]
    began = [at for at, _ in sent]
    took = [end - at for end, at in zip(work.ended_each(ids), began, strict=True)]
    return Load(sum(took), took)


def _table(rounds: dict[str, list[Taken]], count: int) -> Table:
    drains = {name: [taken.drain for taken in found] for name, found in rounds.items()}
    standard = next(found for name, found in drains.items() if "its default" in name)
    rows = [
        [
            name,
            spread(drains[name]),
            f"{ratio(drains[name], standard)} x",
            spread([taken.through for taken in found]),
            f"{median(taken.alone.quantile(0.5) for taken in found) * 1e3:.1f}",
            f"{median(taken.alone.quantile(0.95) for taken in found) * 1e3:.1f}",
            f"{median(taken.memory for taken in found) / 2**20:.0f}",
        ]
        for name, found in rounds.items()
    ]
    head = ["", "drain, jobs/s", "of Celery's default", "from HTTP, jobs/s"]
    return Table(
        f"jobs: {count:,} no-op jobs, {PROCESSES} worker processes",
        [*head, "alone p50 ms", "p95 ms", "MB"],
        rows,
        [
            "Ours is recorded at both ends; Celery's results are in Redis. Wanted: 1.00 x.",
            "Alone: from sending the request to the end of the job, on an idle service.",
        ],
    )
