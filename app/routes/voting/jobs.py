"""The voting API: jobs, each for whoever knows its id, and the list of an organization's."""

from __future__ import annotations

from flask import Response, jsonify

from app import access
from app.errors import Refused
from app.pages import page_of
from app.routes.voting.blueprint import BEARER, blueprint, every_error
from app.shapes import voting as shape
from app.shapes import voting_schemas as schemas
from app.shapes.fault import Fault
from app.wiring import wiring
from tasks.job import lists, store
from tasks.job.declare import JOB_TYPES
from tasks.records import members

#: Errors of rows that each job of a list shows at the most; the download has them all.
ERRORS_LISTED = 10


@blueprint.route("/jobs/<job_id>", methods=["GET"])
@blueprint.response(200, schemas.JobPoll)
@every_error
def show_job(job_id: str) -> Response:
    """Poll a job: public, for whoever knows its id; a failed job is a 200."""
    with wiring().database.statement() as connection:
        job = store.get(connection, job_id) if job_id.isprintable() else None
    kind = JOB_TYPES.get(job.type) if job else None
    if job is None or kind is None or kind.api != "voting":
        raise Refused(Fault.NO_JOB)
    return jsonify(shape.job(job))


@blueprint.route("/organizations/<address>/jobs", methods=["GET"])
@blueprint.arguments(schemas.JobsQuery, location="query")
@blueprint.doc(security=BEARER)
@blueprint.response(200, schemas.JobPage)
@every_error
def list_jobs(query: dict[str, str], address: str) -> Response:
    """List an organization's jobs, newest first."""
    asked = query.get("type", "")
    with wiring().database.statement() as connection:
        organization = access.organization(connection, address, "jobs:read")
        if asked and asked not in shape.JOB_TYPES:
            raise Refused(Fault.BAD_PARAMETER, f"invalid job type: {asked[:64]}")
        types = [asked] if asked else shape.JOB_TYPES
        total = lists.count(connection, organization.address, types)
        page = page_of(query, total)
        jobs = lists.page(
            connection, organization.address, types, limit=page.limit, offset=page.offset
        )
        errors = {
            job.id: members.errors_of(connection, job.id, limit=ERRORS_LISTED)
            for job in jobs
            if job.progress.get("errors")
        }
    shown = {"pagination": shape.pagination(total, page.number, page.last)}
    return jsonify({**shown, "jobs": [shape.listed_job(j, errors.get(j.id, [])) for j in jobs]})
