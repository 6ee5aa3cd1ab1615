"""Who did what."""

from __future__ import annotations

from flask import render_template, request

from app.dashboard.blueprint import blueprint
from app.finding import part
from app.wiring import wiring
from tasks.records import operators


@blueprint.get("/audit")
def audit() -> str:
    """Show what operators did, newest first."""
    limit, before = part(request.args)
    with wiring().database.statement() as connection:
        found = operators.actions(connection, before=before, limit=limit + 1)
    return render_template(
        "dashboard/audit.html",
        actions=found[:limit],
        older=found[limit - 1].id if len(found) > limit else None,
        limit=request.args.get("limit"),
        is_first=before is None,
    )
