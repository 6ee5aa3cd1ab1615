"""One job, with everything that the record says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import current_app, render_template, request

from app.dashboard.blueprint import blueprint
from app.errors import Refused
from app.shapes.fault import Fault
from app.wiring import wiring
from tasks.job.declare import JOB_TYPES
from tasks.job.queue import is_there
from tasks.records import operators
from tasks.watch import detail, masking

if TYPE_CHECKING:
    from flask import Response

    from tasks.job.record import Job
    from tasks.watch.detail import Detail

#: What has just been done to a job, by the word in its address.
_DONE = {
    "cancelled": "It was cancelled.",
    "asked": "It was asked to stop, and ends at its next step.",
    "repeated": "It runs again, as this new job.",
    "replayed": "It is delivered again, by a job of its own.",
}


def find(job_id: str) -> Detail:
    """Return a job with all that belongs to it.

    Raises:
        Refused: there is none.
    """
    if job_id.isprintable():  # PostgreSQL takes no NUL
        redis = is_there(wiring().settings, timeout=0.2)
        with wiring().database.statement() as connection:
            found = detail.get(connection, job_id, redis=redis)
        if found is not None:
            return found
    raise Refused(Fault.NO_JOB)


@blueprint.get("/jobs/<job_id>")
def job(job_id: str) -> str:
    """Show a job."""
    found = find(job_id)
    with wiring().database.statement() as connection:
        acted = operators.actions(connection, job=job_id)
    return render_template(
        "dashboard/job.html",
        **_shown(found),
        payload=masking.payload(found.job),
        result=masking.result(found.job),
        actions=acted,
        did=_DONE.get(request.args.get("did", ""), ""),
    )


@blueprint.get("/jobs/<job_id>/live")
def live_job(job_id: str) -> Response:
    """Return the part of a job's page that changes; the whole page once it has ended."""
    found = find(job_id)
    response = current_app.make_response(
        render_template("dashboard/job_part.html", **_shown(found))
    )
    if found.job.is_over:
        response.headers["HX-Refresh"] = "true"
    return response


def _shown(found: Detail) -> dict[str, Any]:
    kind = JOB_TYPES.get(found.job.type)
    return {
        "found": found,
        "job": found.job,
        "kind": kind,
        "may_cancel": may_cancel(found.job),
        "may_repeat": found.job.is_over and kind is not None and found.retried_as is None,
    }


def may_cancel(job: Job) -> bool:
    """Tell whether cancelling a job would change anything."""
    return not (job.is_over or job.irrevocable or job.cancelled_by)
