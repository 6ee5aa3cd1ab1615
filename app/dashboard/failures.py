"""What has failed, grouped by its error."""

from __future__ import annotations

from flask import render_template, request

from app.dashboard.blueprint import blueprint
from app.errors import Refused
from app.shapes.fault import Fault
from app.wiring import wiring
from tasks.watch import failures as watched

#: How many hours one may look back, and how many one does.
_HOURS, _UNLESS_SAID = (1, 6, 24), 24


@blueprint.get("/failures")
def failures() -> str:
    """Show what failed of late, the most frequent error first."""
    given = request.args.get("hours", str(_UNLESS_SAID))
    if given not in map(str, _HOURS):
        raise Refused(Fault.BAD_PARAMETER, "hours is none of those that can be chosen")
    hours = int(given)
    with wiring().database.statement() as connection:
        found = watched.groups(connection, hours=hours)
    return render_template("dashboard/failures.html", groups=found, hours=hours, choices=_HOURS)
