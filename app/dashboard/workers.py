"""The workers: who is at work, who idle, and who only seems to be there."""

from __future__ import annotations

from typing import Any

from flask import render_template

from app.dashboard.blueprint import blueprint
from app.dashboard.troubles import by_urgency, counts, troubles
from app.wiring import wiring
from tasks.watch import workers as watch

#: Workers that are shown; of those that are gone, as many again.
_MOST = 200
_GONE = ("dead", "stopped")


@blueprint.get("/workers")
def workers() -> str:
    """Show every worker of the last hour."""
    return render_template("dashboard/workers.html", **_now())


@blueprint.get("/live/workers")
def live_workers() -> str:
    """Show them again."""
    return render_template("dashboard/workers_now.html", **_now())


def _now() -> dict[str, Any]:
    with wiring().database.statement() as connection:
        found = by_urgency(watch.everyone(connection))
    there = [one for one in found if one.state not in _GONE]
    gone = [one for one in found if one.state in _GONE]
    return {
        "there": there[:_MOST],
        "unseen": max(0, len(there) - _MOST),
        "gone": gone[:_MOST],
        "worker_counts": counts(found),
        "troubles": troubles(found, ()),
    }
