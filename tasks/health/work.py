"""Whether work is done: who serves the queues, what waits, and whether somebody sweeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from tasks.health.finding import Finding, fail, ok, warn
from tasks.job.declare import JOB_TYPES
from tasks.watch import queues, workers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from config.settings import Settings

#: How long the oldest job may wait before somebody should know; seconds.
_LONG = 60.0
#: How long after its end a claim may stay without anybody taking it back, and how often the sweep
#: notes the time, at the least; seconds.
_LATE, _SILENT = 10.0, 120.0
_START = "start `python -m workers`"


def work(connection: Connection) -> Iterator[Finding]:
    """Check the workers, queue by queue, and how long work waits."""
    found = queues.everyone(connection)
    everybody = workers.everyone(connection)
    yield _living(everybody)
    yield _served(found)
    yield _waiting(found)


def _living(everybody: list[workers.Worker]) -> Finding:
    living = [one for one in everybody if one.state in {"busy", "idle"}]
    wedged = [one for one in everybody if one.state == "wedged"]
    if not living:
        return fail("workers", "none is alive", _START)
    busy = sum(one.state == "busy" for one in living)
    told = f"{len(living)} alive, {busy} of them at work"
    if wedged:
        first = f"{wedged[0].id} ({wedged[0].why})"
        more = f" and {len(wedged) - 1} more" if len(wedged) > 1 else ""
        return warn("workers", f"{told}; stuck: {first}{more}", "restart those workers")
    return ok("workers", told)


def _served(found: list[queues.Queue]) -> Finding:
    """Check that nothing waits where nobody comes."""
    deserted = [one for one in found if not one.workers]
    waiting = [one for one in deserted if one.due or one.later]
    if waiting:
        told = ", ".join(f"{one.name} ({one.due + one.later:,} jobs)" for one in waiting)
        return fail("queues", f"nobody serves {told}", f"{_START} with these among WORKER_QUEUES")
    if deserted:
        told = ", ".join(one.name for one in deserted)
        return warn("queues", f"nobody serves {told}", f"{_START} with these among WORKER_QUEUES")
    return ok("queues", f"each of {len(found)} is served")


def _waiting(found: list[queues.Queue]) -> Finding:
    oldest = max(found, key=lambda one: one.oldest)
    due = sum(one.due for one in found)
    if not due:
        return ok("waiting", "no job waits to begin")
    told = f"{due:,} jobs wait to begin, the oldest for {oldest.oldest:.0f} s in {oldest.name}"
    if oldest.oldest > _LONG:
        return warn("waiting", told, "start more workers, or see what those that are there do")
    return ok("waiting", told)


_SWEPT = text("""
    SELECT extract(epoch FROM now() - (SELECT max(at) FROM job_clock)) AS noted,
           extract(epoch FROM now() - (
               SELECT max(state_change) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = :name)) AS looked,
           extract(epoch FROM now() - (
               SELECT min(lease_until) FROM jobs
               WHERE worker IS NOT NULL AND lease_until < now() AND type = ANY(:types))) AS late
""")


def sweep(connection: Connection, settings: Settings) -> Finding:
    """Check that somebody looks after lost, due and expired work."""
    asked = {"name": workers.SWEEPER, "types": list(JOB_TYPES)}
    noted, looked, late = connection.execute(_SWEPT, asked).one()
    if looked is None:
        advice = f"{_START}: `celery -A workers worker` alone does not sweep"
        return fail("sweep", "nobody sweeps: what is lost stays lost", advice)
    if late is not None and late > _LATE:
        told = f"a claim ended {late:.0f} s ago and nobody took the job back"
        return fail("sweep", told, "look for sweep_failed in the workers' log")
    if looked > max(_LATE, 5 * settings.sweep_seconds):
        told = f"nobody has looked for {looked:.0f} s"
        return fail("sweep", told, "kill the process `jobspine sweep`: its parent starts another")
    if noted is None or noted > _SILENT:
        return fail("sweep", "it does not get through", "look for sweep_failed in the workers' log")
    return ok("sweep", f"looked after everything {max(0.0, looked):.0f} s ago")
