"""The voting API: the members of an organization, and the jobs that bring them in."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from flask import Response, jsonify

from app import access
from app.errors import Refused
from app.idempotency import use_of_key
from app.pages import page_of
from app.receive import receive_members
from app.routes.voting.blueprint import BEARER, blueprint, every_error
from app.shapes import voting as shape
from app.shapes import voting_schemas as schemas
from app.shapes.fault import Fault
from app.shapes.incoming import RepeatableHeaders
from app.wiring import wiring
from tasks.job import store
from tasks.job.dispatch import dispatching
from tasks.org_members import TakesTooLong, import_now
from tasks.records import members, uploads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from app.receive import Received
    from tasks.job.record import Job
    from tasks.records.voting import Organization

#: Errors of rows that a poll shows at the most; the download has them all.
ERRORS_SHOWN = 1000
_TOO_LARGE = "import large files without async=false"
_IMPORT_ID = re.compile(r"[0-9a-f]{32}")


@blueprint.route("/organizations/<address>/members", methods=["POST"])
@blueprint.arguments(schemas.ImportQuery, location="query")
@blueprint.arguments(RepeatableHeaders, location="headers")
@blueprint.doc(
    security=BEARER,
    requestBody={
        "required": True,
        "content": {
            "application/json": {"schema": schemas.MembersBody},
            "text/csv": {"schema": {"type": "string"}},
            "application/x-ndjson": {"schema": {"type": "string"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    },
)
@blueprint.response(200, schemas.MembersAdded)
@every_error
def add_members(query: dict[str, str], headers: dict[str, str], address: str) -> Response:
    """Add members: by a job that is polled, or with `?async=false` before the answer.

    A member whose e-mail, phone or birth date is bad is added with that field blank and an
    error for it; a row that cannot be stored at all is an error. A memberNumber that the
    organization has already updates that member; such a row counts as added.
    """
    with wiring().database.statement() as connection:
        organization = access.organization(connection, address, "members:write")
    in_request = {"": False, "true": False, "false": True}.get(query.get("run_async", ""))
    if in_request is None:
        raise Refused(Fault.BAD_PARAMETER, "async is neither true nor false")
    scope = f"voting {organization.address}"
    with use_of_key(scope, headers.get("idempotency_key")) as key, receive_members() as received:
        asked = f"members {organization.address} {in_request} {received.kind} {received.digest}"
        fingerprint = hashlib.sha256(asked.encode()).hexdigest()
        known = key.answer_to(fingerprint) if key else None
        if known is not None:
            return jsonify(known)
        if in_request and received.size > wiring().settings.max_json_bytes:
            raise Refused(Fault.TOO_LARGE, _TOO_LARGE)
        with dispatching(wiring().database, wiring().ringer) as dispatch:
            # Again: a file may come in for hours, in which a key is revoked or the room taken.
            organization = access.organization(dispatch.connection, address, "members:write")
            _respect_limit(dispatch.connection, organization, received)
            if in_request or received.members == []:
                answer = _import_now(dispatch.connection, organization, received)
            else:
                payload = {"org": organization.address, **received.spooled()}
                job_id = dispatch.add("org_members", payload, tenant=organization.address)
                uploads.attach(dispatch.connection, payload["upload"], job_id)
                # Before the commit: a file without a job is removed later, a job needs its file.
                received.keep()
                answer = shape.accepted_import(job_id)
            if key:
                key.remember(dispatch.connection, fingerprint, answer)
        return jsonify(answer)


def _import_now(
    connection: Connection, organization: Organization, received: Received
) -> dict[str, Any]:
    try:
        done = import_now(connection, organization, *received.rows())
    except TakesTooLong:
        raise Refused(Fault.TOO_LARGE, _TOO_LARGE) from None
    return shape.finished_import(*done)


def _respect_limit(connection: Connection, organization: Organization, received: Received) -> None:
    """Refuse members beyond the limit as far as they can be counted before they are read."""
    if organization.member_limit is None:
        return
    room = organization.member_limit - organization.member_count
    if received.members is not None:
        numbers = {member[0] for member in received.members if member[0]}
        unnumbered = sum(1 for member in received.members if not member[0])
        taken = members.count_taken(connection, organization.id, sorted(numbers))
        room -= len(numbers) + unnumbered - taken
    elif room == 0:
        room = -1
    if room < 0:
        raise Refused(Fault.MEMBER_LIMIT)


@blueprint.route("/organizations/<address>/members", methods=["GET"])
@blueprint.arguments(schemas.PageQuery, location="query")
@blueprint.doc(security=BEARER)
@blueprint.response(200, schemas.MemberPage)
@every_error
def list_members(query: dict[str, str], address: str) -> Response:
    """List the members of an organization in the order in which they were added."""
    with wiring().database.statement() as connection:
        organization = access.organization(connection, address, "members:read")
        total = organization.member_count
        page = page_of(query, total)
        found = members.page(connection, organization.id, limit=page.limit, offset=page.offset)
    shown = {"pagination": shape.pagination(total, page.number, page.last)}
    return jsonify({**shown, "members": [shape.member(row) for row in found]})


@blueprint.route("/organizations/<address>/members/job/<job_id>", methods=["GET"])
@blueprint.doc(security=BEARER)
@blueprint.response(200, schemas.ImportProgress)
@every_error
def show_import(address: str, job_id: str) -> Response:
    """Show how far a member import is, with its first 1000 row errors."""
    with wiring().database.statement() as connection:
        job = _import(connection, address, job_id)
        errors = members.errors_of(connection, job.id, limit=ERRORS_SHOWN)
    return jsonify(shape.import_progress(job, errors))


@blueprint.route("/organizations/<address>/members/job/<job_id>/errors", methods=["GET"])
@blueprint.doc(
    security=BEARER,
    responses={"200": {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
@every_error
def download_import_errors(address: str, job_id: str) -> Response:
    """Download every row error of a member import as CSV: row, error."""
    database = wiring().database
    with database.statement() as connection:
        job = _import(connection, address, job_id)

    def lines() -> Iterator[str]:
        yield "row,error\r\n"
        first = 0
        while True:
            with database.statement() as connection:
                found = members.errors_of(connection, job.id, first=first, limit=ERRORS_SHOWN)
            if not found:
                return
            first += len(found)
            yield "".join(f"{error.row},{error.error}\r\n" for error in found)

    return Response(lines(), mimetype="text/csv")


def _import(connection: Connection, address: str, job_id: str) -> Job:
    organization = access.organization(connection, address, "jobs:read")
    if not _IMPORT_ID.fullmatch(job_id):
        raise Refused(Fault.BAD_PARAMETER, "malformed job id")
    job = store.get(connection, job_id)
    if job is None or job.type not in shape.READING or job.tenant != organization.address:
        raise Refused(Fault.NO_JOB)
    return job
