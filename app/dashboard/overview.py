"""How the service is at this moment, and how it was over the last hour and day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import render_template, request

from app.dashboard import plots
from app.dashboard.blueprint import blueprint
from app.dashboard.plots import Plot, Row
from app.dashboard.troubles import by_urgency, counts, troubles
from app.wiring import wiring
from tasks.job.declare import JOB_TYPES
from tasks.watch import queues, statistics, workers
from tasks.watch.statistics import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from tasks.watch.queues import InFlight
    from tasks.watch.statistics import Slot, Summary

#: Workers that the overview shows; all are on a page of their own.
_MOST_WORKERS = 12
_SPANS = {"hour": (HOUR, 1), "day": (DAY, 24)}


@blueprint.get("/")
def overview() -> str:
    """Show it all."""
    with wiring().database.statement() as connection:
        shown = _now(connection) | {"day": _plots(connection, "day")}
    return render_template("dashboard/overview.html", **shown)


@blueprint.get("/live/overview")
def live_overview() -> str:
    """Show what changes from one moment to the next."""
    with wiring().database.statement() as connection:
        shown = _now(connection)
    return render_template("dashboard/overview_now.html", **shown)


@blueprint.get("/live/day")
def live_day() -> str:
    """Show what a day is plotted from, which changes slowly."""
    with wiring().database.statement() as connection:
        shown = _plots(connection, "day")
    return render_template("dashboard/overview_day.html", day=shown)


@blueprint.get("/numbers")
def numbers() -> str:
    """Show the numbers behind the plots."""
    name = request.args.get("over", "hour")
    name = name if name in _SPANS else "hour"
    shown, hours = _SPANS[name]
    with wiring().database.statement() as connection:
        slots = statistics.series(connection, shown)
        types = statistics.summaries(connection, hours=hours)
    return render_template(
        "dashboard/numbers.html", over=name, minutes=shown.minutes, slots=slots[::-1], types=types
    )


def _now(connection: Connection) -> dict[str, Any]:
    lines = queues.everyone(connection)
    known = workers.everyone(connection)
    types = statistics.summaries(connection)
    return {
        "queues": lines,
        "types": _by_type(connection, types),
        "ended": sum(one.ended for one in types),
        "failed": sum(one.failed for one in types),
        "oldest": max(lines, key=lambda one: one.oldest),
        "workers": by_urgency(known)[:_MOST_WORKERS],
        "worker_counts": counts(known),
        "troubles": troubles(known, lines),
        "hour": _plots(connection, "hour"),
        "most": queues.MOST_COUNTED,
    }


def _by_type(connection: Connection, summaries: Sequence[Summary]) -> list[dict[str, Any]]:
    """Return what there is to say of every type that is declared, or that something happened to."""
    known: Mapping[str, Summary] = {one.type: one for one in summaries}
    waiting: Mapping[str, InFlight] = {one.type: one for one in queues.in_flight(connection)}
    ended = statistics.ended_by_type(connection)
    return [
        {
            "name": name,
            "queue": JOB_TYPES[name].queue if name in JOB_TYPES else None,
            "in_flight": waiting.get(name),
            "hour": known.get(name),
            "ended": plots.spark(ended[name]) if name in ended else None,
        }
        for name in sorted({*known, *waiting})
    ]


def _plots(connection: Connection, name: str) -> list[Plot]:
    shown, _ = _SPANS[name]
    slots = statistics.series(connection, shown)
    times = [slot.at for slot in slots]
    return [
        plots.counts(
            f"{name}-throughput",
            "Jobs ended",
            times,
            [
                _row(slots, "completed"),
                _row(slots, "rejected"),
                Row("failed or cancelled", "failed", [one.failed + one.cancelled for one in slots]),
            ],
            Row("accepted", "accepted", [one.accepted for one in slots]),
        ),
        plots.counts(
            f"{name}-failures",
            "Failures",
            times,
            [
                _row(slots, "failed"),
                Row(
                    "attempts that were tried again",
                    "retried",
                    [one.retried + one.lost for one in slots],
                ),
            ],
        ),
        plots.lengths(
            f"{name}-wait", "Wait, from recording to the start", times, "wait",
            [slot.wait for slot in slots],
        ),
        plots.lengths(
            f"{name}-latency", "Latency, from recording to the end", times, "latency",
            [slot.latency for slot in slots],
        ),
    ]  # fmt: skip


def _row(slots: Sequence[Slot], name: str) -> Row:
    return Row(name, name, [getattr(slot, name) for slot in slots])
