"""Whether this process is alive, and whether it can serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify
from sqlalchemy import text

from app.wiring import wiring
from tasks.job.queue import is_there

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Say that the process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Say whether requests can be served: that takes PostgreSQL, and works without Redis."""
    with wiring().database.statement() as connection:
        connection.execute(text("SELECT 1"))
    carrier = "ok" if is_there(wiring().settings, timeout=0.5) else "away"
    return jsonify({"status": "ok", "postgresql": "ok", "redis": carrier})
