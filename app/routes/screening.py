"""The screening API: verifications, their runs, and what the runs found."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, TypeVar

from flask_smorest import Blueprint

from app import access
from app.body import read_fields
from app.envelope import success
from app.errors import Refused
from app.idempotency import answer_once
from app.reference import Security, describe, json_body
from app.shapes import screening as shape
from app.shapes import screening_schemas as schemas
from app.shapes.fault import Fault
from app.shapes.incoming import RepeatableHeaders
from app.wiring import wiring
from tasks.job import lists, store
from tasks.records import screenings, verifications

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response
    from marshmallow import Schema
    from sqlalchemy import Connection

    from tasks.job.dispatch import Dispatch
    from tasks.records.services import Caller

Found = TypeVar("Found")
View = TypeVar("View")
blueprint = Blueprint(
    "screening", __name__, description="The screening API, as BronID documents it."
)
#: Runs on a page that does not say, and on the largest.
DEFAULT_LIMIT, MAX_LIMIT = 20, 100
_ACTING = {"source_uid": "sourceUid", "source_email": "sourceEmail"}
#: The largest body, and the most things that are said to be wrong with one.
MAX_BODY_BYTES, MAX_DETAILS = 2 * 1024 * 1024, 100
_NUMBER = re.compile(r"[0-9]{1,18}")


def _answers(status: int, schema: type[Schema]) -> Callable[[View], View]:
    """Document what an operation answers to a service."""
    security: Security = [{"basic": []}, {"serviceKey": []}]
    return describe(blueprint, status, schema, error=schemas.ScreeningError, security=security)


@blueprint.route("/v5/verifications", methods=["POST"])
@blueprint.doc(requestBody=json_body(schemas.NewVerification))
@_answers(201, schemas.Envelope)
def add_verification() -> Response:
    """Record whom to verify, with those behind it; nobody is screened yet."""
    with wiring().database.statement() as connection:
        caller = access.caller(connection)
    given = _read(schemas.NewVerification())
    stakeholders = given.pop("stakeholders")
    with wiring().database.transaction() as connection:
        made = verifications.add(connection, caller.service_uid, given, stakeholders)
    return success(201, "Verification created.", shape.verification(made, None), trace=made.trace)


@blueprint.route("/v5/verifications/<trace>", methods=["GET"])
@_answers(200, schemas.Envelope)
def show_verification(trace: str) -> Response:
    """Show a verification with its stakeholders, its current risk and the factors behind it."""
    with wiring().database.statement() as connection:
        found = _own(verifications.find, connection, access.caller(connection), trace)
        risk = screenings.latest_risk(connection, found.id)
    return success(200, "Verification retrieved.", shape.verification(found, risk))


@blueprint.route("/v5/verifications/<trace>", methods=["PATCH"])
@blueprint.doc(requestBody=json_body(schemas.Rescreening))
@_answers(200, schemas.Envelope)
def change_verification(trace: str) -> Response:
    """Have a verification screened again every so many days, or no more."""
    with wiring().database.statement() as connection:
        caller = access.caller(connection)
        found = _own(verifications.find, connection, caller, trace)
        days = _read(schemas.Rescreening())["rescreen_days"]
        verifications.rescreen_every(connection, found.id, days)
        changed = _own(verifications.find, connection, caller, trace)
        risk = screenings.latest_risk(connection, found.id)
    return success(200, "Verification updated.", shape.verification(changed, risk))


@blueprint.route("/v5/verifications/<trace>/watchlist", methods=["POST"])
@blueprint.arguments(RepeatableHeaders, location="headers")
@blueprint.doc(requestBody=json_body(schemas.ActingFor, required=False))
@_answers(202, schemas.TriggeredAnswer)
def screen(headers: dict[str, str], trace: str) -> Response:
    """Screen the entity and everybody behind it, and calculate the risk anew.

    One run at a time for each verification: 429 names the one that is in flight.
    """
    with wiring().database.statement() as connection:
        caller = access.caller(connection)
        number = _own(verifications.number_of, connection, caller, trace)
    source = _source(caller)

    def trigger(dispatch: Dispatch) -> dict[str, Any]:
        payload = {"verification": number, **source}
        job_id = dispatch.add("watchlist", payload, tenant=caller.service_uid)
        return {"triggered": True, "jobId": job_id}

    scope, key = f"screening {caller.service_uid}", headers.get("idempotency_key")
    answer = answer_once(scope, key, ["watchlist", trace, source], trigger)
    return success(202, "Watchlist screening triggered.", answer)


@blueprint.route("/v5/verifications/<trace>/jobs/<type>/<jobId>", methods=["GET"])
@_answers(200, schemas.RunAnswer)
def show_run(trace: str, type: str, **path: str) -> Response:  # noqa: A002 - the document's name
    """Poll a run; a failed or rejected one is a 200."""
    job_id = path["jobId"]
    with wiring().database.statement() as connection:
        caller = access.caller(connection)
        _check_type(type)
        if not job_id.strip():
            raise _invalid_value("jobId", "The job id is empty.")
        number = _own(verifications.number_of, connection, caller, trace)
        job = store.get(connection, job_id) if job_id.isprintable() else None
    if (
        job is None
        or (job.type, job.tenant) != (type, caller.service_uid)
        or job.gate != str(number)
    ):
        raise Refused(Fault.NOT_FOUND)
    return success(200, "Job retrieved.", shape.job(job))


@blueprint.route("/v5/verifications/<trace>/jobs/<type>", methods=["GET"])
@_answers(200, schemas.RunAnswer)
def show_run_without_id(trace: str, type: str) -> Response:  # noqa: A002 - the document's name
    """Refuse a poll without an id, in the documented form."""
    with wiring().database.statement() as connection:
        caller = access.caller(connection)
        _check_type(type)
        _own(verifications.number_of, connection, caller, trace)
    raise _invalid_value("jobId", "The job id is empty.")


@blueprint.route("/v5/verifications/<trace>/jobs", methods=["GET"])
@blueprint.arguments(schemas.RunsQuery, location="query")
@_answers(200, schemas.RunPageAnswer)
def list_runs(query: dict[str, str], trace: str) -> Response:
    """List the run history of a verification, newest first, page by page."""
    with wiring().database.statement() as connection:
        caller = access.caller(connection)
        kind = query.get("type", "")
        if kind:
            _check_type(kind)
        limit, before = _limit(query.get("limit", "")), _read_cursor(query.get("cursor", ""))
        number = _own(verifications.number_of, connection, caller, trace)
        runs = lists.of_gate(
            connection,
            caller.service_uid,
            str(number),
            [kind] if kind else shape.JOB_TYPES,
            before=before,
            limit=limit + 1,
        )
    page = runs[:limit]
    cursor = _write_cursor(page[-1].seq) if len(runs) > limit else None
    return success(
        200, "Jobs retrieved.", {"jobs": [shape.job(job) for job in page], "nextCursor": cursor}
    )


@blueprint.route("/v5/verifications/<trace>/watchlist/latest", methods=["GET"])
@_answers(200, schemas.Envelope)
def show_latest(trace: str) -> Response:
    """Show the newest screening document of the entity."""
    return _latest(trace, None)


@blueprint.route(
    "/v5/verifications/<trace>/stakeholders/<stakeholderId>/watchlist/latest", methods=["GET"]
)
@_answers(200, schemas.Envelope)
def show_latest_of_stakeholder(trace: str, **path: str) -> Response:
    """Show the newest screening document of a stakeholder."""
    return _latest(trace, path["stakeholderId"])


def _latest(trace: str, stakeholder: str | None) -> Response:
    with wiring().database.statement() as connection:
        found = _own(verifications.find, connection, access.caller(connection), trace)
        if stakeholder not in {None, *(one.id for one in found.stakeholders)}:
            raise Refused(Fault.NOT_FOUND)
        subject = stakeholder or verifications.ENTITY
        document = screenings.latest(connection, found.id, subject)
    if document is None:
        raise Refused(Fault.NOT_FOUND)
    return success(200, "Screening retrieved.", shape.screening(trace, document))


def _own(
    find: Callable[[Connection, str, str], Found | None],
    connection: Connection,
    caller: Caller,
    trace: str,
) -> Found:
    """Return what is found of the caller's own verification.

    Raises:
        Refused: they have none of this trace, whoever else has.
    """
    found = find(connection, caller.service_uid, trace) if trace.isprintable() else None
    if found is None:
        raise Refused(Fault.NOT_FOUND)
    return found


def _invalid_value(name: str, text: str) -> Refused:
    return _invalid({name: [text]})


def _read(schema: Schema) -> dict[str, Any]:
    """Return the body of this request as a schema reads it.

    Raises:
        Refused: it does not fit; the details say where.
    """
    return read_fields(schema, _invalid, most=MAX_BODY_BYTES)


def _invalid(found: Any) -> Refused:
    return Refused(Fault.INVALID, details=shape.details(found)[:MAX_DETAILS])


def _source(caller: Caller) -> dict[str, Any]:
    """Return who asks for a run; portals and admins must say whom they act for."""
    given = _read(schemas.ActingFor())
    is_program = caller.channel == "api"
    text = "Only the keys of portals and admins act for a user."
    if not is_program:
        text = "Missing data: say which user this is for."
    wrong = {_ACTING[name]: [text] for name in given if (given[name] is not None) == is_program}
    if wrong:
        raise Refused(Fault.INVALID, details=shape.details(wrong))
    return {"source_action": f"manual-{caller.channel}", **given}


def _check_type(kind: str) -> None:
    if kind not in shape.JOB_TYPES:
        raise _invalid_value("type", "Unknown job type.")


def _limit(raw: str) -> int:
    if raw == "":
        return DEFAULT_LIMIT
    if not _NUMBER.fullmatch(raw) or not 1 <= int(raw) <= MAX_LIMIT:
        raise _invalid_value("limit", f"Not a number from 1 to {MAX_LIMIT}.")
    return int(raw)


def _write_cursor(seq: int) -> str:
    return base64.urlsafe_b64encode(str(seq).encode()).decode().rstrip("=")


def _read_cursor(raw: str) -> int | None:
    if raw == "":
        return None
    try:
        number = base64.b64decode(raw + "=" * (-len(raw) % 4), altchars=b"-_", validate=True)
        text = number.decode()
    except ValueError:
        text = ""
    if not _NUMBER.fullmatch(text):
        raise _invalid_value("cursor", "Not a cursor of ours.")
    return int(text)
