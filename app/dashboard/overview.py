"""How the service is at this moment."""

from __future__ import annotations

from flask import render_template

from app.dashboard.blueprint import blueprint
from app.wiring import wiring
from tasks.watch import queues


@blueprint.get("/")
def overview() -> str:
    """Show what waits and what is at work."""
    with wiring().database.statement() as connection:
        found = queues.everyone(connection)
        types = queues.in_flight(connection)
    return render_template("dashboard/overview.html", queues=found, types=types)
