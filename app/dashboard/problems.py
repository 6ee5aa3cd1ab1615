"""Errors, as pages of the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from flask import current_app, render_template
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from app.dashboard.blueprint import blueprint
from app.errors import RETRY_AFTER, Refused
from app.shapes import ops
from app.shapes.fault import Fault
from config.database import is_away
from tasks.job.errors import GateHeld

if TYPE_CHECKING:
    from flask import Response

log = structlog.get_logger(__name__)

#: What heads the page of a fault, and what somebody can do about it.
_ADVICE = {
    Fault.FOREIGN: ("Not allowed", ""),
    Fault.BAD_PARAMETER: ("That cannot be read", "Go back and correct it."),
    Fault.BAD_BODY: ("That cannot be read", "Go back and correct it."),
    Fault.TOO_LARGE: ("Too large", ""),
    Fault.NO_JOB: ("No such job", "It was never recorded, or its time is over and it was cleared."),
    Fault.NO_SUCH_PATH: ("No such page", ""),
    Fault.NOT_POSSIBLE: ("Nothing was done", ""),
    Fault.GATE_HELD: ("Nothing was done", "Try again when that one has ended."),
    Fault.UNAVAILABLE: (
        "The database is away",
        "Jobs that were accepted are safe; this page works again when it is back.",
    ),
    Fault.BROKEN: ("Something is wrong here", "It is in the log of this service."),
}


def problem(fault: Fault, detail: str = "", *, conflict: str = "") -> Response:
    """Return the page of a fault."""
    status, body = ops.error(fault, detail, conflict=conflict)
    title, advice = _ADVICE[fault]
    page = render_template(
        "dashboard/problem.html",
        title=title,
        status=status,
        text=detail or body["error"]["message"],
        advice=advice,
        conflict=conflict,
    )
    response = current_app.make_response((page, status))
    if after := RETRY_AFTER.get(fault):
        response.headers["Retry-After"] = after
    return response


@blueprint.errorhandler(Refused)
def refused(error: Refused) -> Response:
    """Answer what was refused with its reason."""
    return problem(error.fault, error.detail)


@blueprint.errorhandler(GateHeld)
def gate_held(error: GateHeld) -> Response:
    """Say which job is in the way."""
    return problem(Fault.GATE_HELD, conflict=error.holder)


@blueprint.errorhandler(HTTPException)
def http(error: HTTPException) -> Response:
    """Answer what Flask refused."""
    if isinstance(error, RequestEntityTooLarge):
        return problem(Fault.TOO_LARGE)
    code = error.code or 500
    if code == 404:  # noqa: PLR2004
        return problem(Fault.NO_SUCH_PATH)
    return problem(Fault.BAD_BODY if code < 500 else Fault.BROKEN)  # noqa: PLR2004


@blueprint.errorhandler(Exception)
def unexpected(error: Exception) -> Response:
    """Answer while PostgreSQL is away, and a defect of ours, without saying more than that."""
    if is_away(error):
        log.warning("postgresql_away", error=type(error).__name__)
        return problem(Fault.UNAVAILABLE)
    log.error("request_failed", exc_info=error)
    return problem(Fault.BROKEN)
