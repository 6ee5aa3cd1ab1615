"""The queues: what waits in each, for how long, and who serves it."""

from __future__ import annotations

from typing import Any

from flask import render_template

from app.dashboard import plots
from app.dashboard.blueprint import blueprint
from app.dashboard.troubles import troubles
from app.wiring import wiring
from tasks.job.declare import JOB_TYPES
from tasks.watch import queues as watch
from tasks.watch import statistics


@blueprint.get("/queues")
def queues() -> str:
    """Show every queue."""
    return render_template("dashboard/queues.html", **_now())


@blueprint.get("/live/queues")
def live_queues() -> str:
    """Show them again."""
    return render_template("dashboard/queues_now.html", **_now())


def _now() -> dict[str, Any]:
    with wiring().database.statement() as connection:
        found = watch.everyone(connection)
        waiting = watch.in_flight(connection)
        ended = statistics.ended_by_type(connection)
    of_queue = {
        queue.name: [kind.name for kind in JOB_TYPES.values() if kind.queue == queue.name]
        for queue in found
    }
    nothing = [0] * statistics.HOUR.slots
    rows = {name: [ended.get(kind, nothing) for kind in kinds] for name, kinds in of_queue.items()}
    sums = {
        name: [sum(slot) for slot in zip(nothing, *row, strict=True)] for name, row in rows.items()
    }
    return {
        "queues": found,
        "types": {
            name: [one for one in waiting if one.type in kinds] for name, kinds in of_queue.items()
        },
        "ended": {name: sum(slots) for name, slots in sums.items()},
        "sparks": {name: plots.spark(slots) for name, slots in sums.items()},
        "troubles": troubles((), found),
        "most": watch.MOST_COUNTED,
    }
