"""The operators' API: jobs, and what is done to them."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from app import inspection
from app.errors import Refused
from app.finding import filter_of, part
from app.routes.ops.blueprint import acting_operator, answers, blueprint, operator, read
from app.shapes import ops as shape
from app.shapes import ops_schemas as schemas
from app.shapes.fault import Fault
from app.wiring import wiring
from tasks.job.dispatch import dispatching
from tasks.watch import actions, search

_ORDER = {"required": True, "content": {"application/json": {"schema": schemas.Order}}}


@blueprint.route("/jobs", methods=["GET"])
@blueprint.arguments(schemas.ListQuery, location="query")
@answers(schemas.OpsJobs)
def list_jobs(query: dict[str, str]) -> Response:
    """List jobs that match, newest first."""
    operator()
    limit, before = part(query)
    wanted = filter_of(query)
    with wiring().database.statement() as connection:
        found = search.page(connection, wanted, limit=limit, before=before)
    return jsonify(shape.page([inspection.listed(one) for one in found], limit))


@blueprint.route("/jobs/count", methods=["GET"])
@blueprint.arguments(schemas.FilterQuery, location="query")
@answers(schemas.OpsCount)
def count_jobs(query: dict[str, str]) -> Response:
    """Count jobs that match, up to 10,000."""
    operator()
    wanted = filter_of(query)
    with wiring().database.statement() as connection:
        counted = search.count(connection, wanted)
    return jsonify(shape.count(counted, search.MOST_COUNTED))


@blueprint.route("/jobs/cancel", methods=["POST"])
@blueprint.doc(requestBody=_ORDER)
@answers(schemas.OpsDone)
def cancel_jobs() -> Response:
    """Cancel all that match and have not ended, up to 10,000, if they are as many as expected."""
    return _order(actions.cancel_all)


@blueprint.route("/jobs/retry", methods=["POST"])
@blueprint.doc(requestBody=_ORDER)
@answers(schemas.OpsDone)
def retry_jobs() -> Response:
    """Run all again that match and have failed, up to 1,000, if they are as many as expected."""
    return _order(actions.repeat_all)


def _order(carry_out: Any) -> Response:
    by = acting_operator()
    given = read(schemas.Order())
    wanted = filter_of(given["filter"])
    try:
        with dispatching(wiring().database, wiring().ringer) as dispatch:
            done = carry_out(dispatch, wanted, expected=given["expected"], by=by)
    except actions.CountDiffers as differs:
        raise Refused(Fault.COUNT_DIFFERS, count=differs.count) from None
    return jsonify(shape.done(done))


@blueprint.route("/jobs/<job_id>", methods=["GET"])
@answers(schemas.OpsDetail)
def show_job(job_id: str) -> Response:
    """Show a job with its attempts, what webhooks were told, and why it is not running."""
    operator()
    shown = inspection.show(_known(job_id))
    if shown is None:
        raise Refused(Fault.NO_JOB)
    return jsonify(shown)


@blueprint.route("/jobs/<job_id>/cancel", methods=["POST"])
@answers(schemas.OpsDone)
def cancel_job(job_id: str) -> Response:
    """Cancel a job: at once if it waits, at its next step if it is at work."""
    by = acting_operator()
    try:
        with dispatching(wiring().database, wiring().ringer) as dispatch:
            done = actions.cancel(dispatch, _known(job_id), by=by)
    except actions.NotPossible as impossible:
        raise Refused(Fault.NOT_POSSIBLE, str(impossible)) from None
    return jsonify(shape.done(done))


@blueprint.route("/jobs/<job_id>/retry", methods=["POST"])
@answers(schemas.OpsRepeated)
def retry_job(job_id: str) -> Response:
    """Run an ended job again, as a new one that points to it."""
    by = acting_operator()
    try:
        with dispatching(wiring().database, wiring().ringer) as dispatch:
            made = actions.repeat(dispatch, _known(job_id), by=by)
    except actions.NotPossible as impossible:
        raise Refused(Fault.NOT_POSSIBLE, str(impossible)) from None
    return jsonify({"id": job_id, "as": made})


@blueprint.route("/deliveries/<delivery_id>/replay", methods=["POST"])
@answers(schemas.OpsReplayed)
def replay_delivery(delivery_id: str) -> Response:
    """Deliver again what a webhook was told, or what was given up, under the same id."""
    by = acting_operator()
    try:
        with dispatching(wiring().database, wiring().ringer) as dispatch:
            about = actions.replay(dispatch, _known(delivery_id), by=by)
    except actions.NotPossible as impossible:
        raise Refused(Fault.NOT_POSSIBLE, str(impossible)) from None
    return jsonify({"id": delivery_id, "about": about})


def _known(job_id: str) -> str:
    """Return an id that PostgreSQL can be asked for."""
    if not job_id.isprintable():
        raise Refused(Fault.NO_JOB)
    return job_id
