"""The operators' API: jobs, and what is done to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, jsonify

from app import inspection
from app.body import read_fields
from app.errors import Refused
from app.finding import filter_of, part
from app.reference import json_body
from app.routes.ops.blueprint import (
    MAX_BODY_BYTES,
    acting_operator,
    answers,
    blueprint,
    operator,
    order_once,
    repeatable,
)
from app.shapes import ops as shape
from app.shapes import ops_schemas as schemas
from app.shapes.fault import Fault
from app.wiring import wiring
from tasks.job import store
from tasks.watch import actions, search

if TYPE_CHECKING:
    from app.routes.ops.blueprint import Headers
    from tasks.job.dispatch import Dispatch

_ORDER = json_body(schemas.Order)


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
@repeatable
@answers(schemas.OpsDone)
def cancel_jobs(headers: Headers) -> Response:
    """Cancel all that match and have not ended, up to 10,000, if they are as many as expected."""
    return _order_all(headers, "cancel all", actions.cancel_all)


@blueprint.route("/jobs/retry", methods=["POST"])
@blueprint.doc(requestBody=_ORDER)
@repeatable
@answers(schemas.OpsDone)
def retry_jobs(headers: Headers) -> Response:
    """Run all again that match and have failed, up to 1,000, if they are as many as expected."""
    return _order_all(headers, "retry all", actions.repeat_all)


def _order_all(headers: Headers, word: str, carry_out: Any) -> Response:
    by = acting_operator()
    given = read_fields(schemas.Order(), most=MAX_BODY_BYTES)
    wanted = filter_of(given["filter"])

    def order(dispatch: Dispatch) -> dict[str, Any]:
        return shape.done(carry_out(dispatch, wanted, expected=given["expected"], by=by))

    return order_once(headers, by, [word, given], order)


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
@repeatable
@answers(schemas.OpsDone)
def cancel_job(headers: Headers, job_id: str) -> Response:
    """Cancel a job: at once if it waits, at its next step if it is at work."""
    by = acting_operator()

    def order(dispatch: Dispatch) -> dict[str, Any]:
        return shape.done(actions.cancel(dispatch, _job(dispatch, job_id), by=by))

    return order_once(headers, by, ["cancel", job_id], order)


@blueprint.route("/jobs/<job_id>/retry", methods=["POST"])
@repeatable
@answers(schemas.OpsRepeated)
def retry_job(headers: Headers, job_id: str) -> Response:
    """Run an ended job again, as a new one that points to it."""
    by = acting_operator()

    def order(dispatch: Dispatch) -> dict[str, Any]:
        return {"id": job_id, "as": actions.repeat(dispatch, _job(dispatch, job_id), by=by)}

    return order_once(headers, by, ["retry", job_id], order)


@blueprint.route("/deliveries/<delivery_id>/replay", methods=["POST"])
@repeatable
@answers(schemas.OpsReplayed)
def replay_delivery(headers: Headers, delivery_id: str) -> Response:
    """Deliver again what a webhook was told, or what was given up, under the same id."""
    by = acting_operator()

    def order(dispatch: Dispatch) -> dict[str, Any]:
        about = actions.replay(dispatch, _known(delivery_id), by=by)
        return {"id": delivery_id, "about": about}

    return order_once(headers, by, ["replay", delivery_id], order)


def _known(job_id: str) -> str:
    """Return an id that PostgreSQL can be asked for."""
    if not job_id.isprintable():
        raise Refused(Fault.NO_JOB)
    return job_id


def _job(dispatch: Dispatch, job_id: str) -> str:
    """Return the id of a job that there is."""
    if store.get(dispatch.connection, _known(job_id)) is None:
        raise Refused(Fault.NO_JOB)
    return job_id
