"""The voting API: the list of an organization's jobs."""

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
from tasks.job import lists
from tasks.records import members

#: Errors of rows that each job of a list shows at the most; the download has them all.
ERRORS_LISTED = 10


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
