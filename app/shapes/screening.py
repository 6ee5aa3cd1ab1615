"""The screening API's JSON, as BronID documents it: an envelope around everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from app.shapes.fault import Fault, error_words
from app.shapes.incoming import complaints
from app.shapes.status import status_words
from tasks.job.states import State
from tasks.screening.hits import CONCERNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from tasks.job.record import Job
    from tasks.records.screenings import KeptRisk, Screening
    from tasks.records.verifications import Stakeholder, Verification

#: The documented types of jobs.
JOB_TYPES = ("watchlist",)

STATUS = status_words(
    {
        State.PENDING: "pending",
        State.RUNNING: "running",
        State.COMPLETED: "completed",
        State.FAILED: "failed",
        State.REJECTED: "rejected",
    }
)

#: HTTP status, error type and message of every fault; the types are the document's where it has
#: one: not_found, validation_error, unauthorized, too_many_requests.
_ERRORS: Mapping[Fault, tuple[int, str, str]] = error_words(
    {
        Fault.UNAUTHENTICATED: (401, "unauthorized", "Unauthorized"),
        Fault.NOT_FOUND: (404, "not_found", "Not found"),
        Fault.NO_SUCH_PATH: (404, "not_found", "No such path"),
        Fault.NO_SUCH_METHOD: (405, "method_not_allowed", "Method not allowed"),
        Fault.TWIN_IN_FLIGHT: (409, "conflict", "The same request is in progress"),
        # Not 413, which the document does not have.
        Fault.TOO_LARGE: (422, "validation_error", "Validation error"),
        Fault.INVALID: (422, "validation_error", "Validation error"),
        Fault.BAD_BODY: (422, "validation_error", "Validation error"),
        Fault.BAD_PARAMETER: (422, "validation_error", "Validation error"),
        Fault.KEY_REUSED: (422, "validation_error", "Validation error"),
        Fault.GATE_HELD: (429, "too_many_requests", "Too many requests"),
        Fault.BROKEN: (500, "internal_error", "Internal error"),
        Fault.UNAVAILABLE: (503, "unavailable", "Temporarily unavailable, nothing was accepted"),
    }
)
#: What the details of a validation error say where the fault itself is all there is to say.
_DETAILS = {
    Fault.BAD_BODY: ("the body is no JSON object in UTF-8", "invalid_format"),
    Fault.TOO_LARGE: ("the body is too large", "too_large"),
    Fault.BAD_PARAMETER: ("a parameter is malformed", "invalid_format"),
    Fault.KEY_REUSED: ("the idempotency key was used with a different request", "key_reused"),
}


class Asked(NamedTuple):
    """What an envelope repeats of the request."""

    at: datetime
    #: None where nobody knows who asked.
    service_uid: str | None
    #: The template of the route, with `:name` for its parameters.
    path: str
    parameters: Mapping[str, str]


def envelope(
    asked: Asked,
    status: int,
    message: str,
    *,
    trace: str | None = None,
    data: Any = None,
    error: Any = None,
) -> dict[str, Any]:
    """Everything that this API answers, good or bad."""
    return {
        "timestamp": asked.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "serviceUid": asked.service_uid,
        "trace": trace or asked.parameters.get("trace"),
        "path": asked.path,
        "pathParams": dict(asked.parameters),
        "statusCode": status,
        "message": message,
        "help": None,
        "status": "error" if error else "success",
        "data": data,
        "error": error,
    }


def error(
    asked: Asked,
    fault: Fault,
    detail: str = "",
    *,
    details: Sequence[Mapping[str, Any]] = (),
    conflict: str = "",
) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the envelope of an error."""
    status, kind, message = _ERRORS[fault]
    found: dict[str, Any] = {"type": kind}
    if kind == "validation_error":
        found["details"] = list(details) or [_detail(fault, detail)]
    if conflict:
        found["conflictingJobId"] = conflict
    return status, envelope(asked, status, message, error=found)


def _detail(fault: Fault, detail: str) -> dict[str, Any]:
    text, code = _DETAILS.get(fault, (detail, "invalid_format"))
    return {"message": detail or text, "code": code, "path": []}


def details(found: Any) -> list[dict[str, Any]]:
    """Return what a schema found wrong as the document lists it; values are never quoted."""
    return [
        {"message": text, "code": _code(text), "path": list(path)}
        for path, text in complaints(found)
    ]


def _code(text: str) -> str:
    return "required" if text.startswith("Missing data") else "invalid_format"


def job(job: Job) -> dict[str, Any]:
    """A run: what was asked for, and what has become of it. What is not set is left out."""
    known = {"jobId": job.id, "type": job.type}
    asked = {
        **known,
        "payload": {},  # empty for watchlist, the seed says
        "requestedAt": _epoch(job.created_at),
        "sourceAction": job.payload["source_action"],
        "sourceUid": job.payload.get("source_uid"),
        "sourceEmail": job.payload.get("source_email"),
    }
    failed = job.state is State.FAILED
    became = {
        **known,
        "status": STATUS[job.state],
        "attemptCount": job.attempts,
        # The seed's failed run has none, though it was begun.
        "startedAt": None if failed else _epoch(job.started_at),
        "errorSummary": job.error,
        "conflictingJobId": job.conflict,
        "completedAt": _epoch(job.finished_at),
    }
    return {"run": _set(asked), "result": _set(became)}


def verification(found: Verification, risk: KeptRisk | None) -> dict[str, Any]:
    """A verification with those behind it and its current risk; null before the first run."""
    by_subject = {one["subject"]: one for one in risk.subjects} if risk else {}
    return {
        "trace": found.trace,
        "country": found.country,
        "type": found.type,
        "subType": found.sub_type,
        "name": found.name,
        "dateOfBirth": _day(found.date_of_birth),
        "identifiers": dict(found.identifiers),
        "addresses": dict(found.addresses),
        "ownershipLayers": found.ownership_layers,
        "ownersIdentified": found.owners_identified,
        "rescreenEveryDays": found.rescreen_days,
        "nextRescreenAt": _epoch(found.rescreen_at),
        "createdAt": _epoch(found.created_at),
        "stakeholders": [_stakeholder(one, by_subject.get(one.id)) for one in found.stakeholders],
        "risk": _risk(risk) if risk else None,
    }


def _stakeholder(one: Stakeholder, risk: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "id": one.id,
        "type": one.type,
        "name": one.name,
        "role": one.role,
        "dateOfBirth": _day(one.date_of_birth),
        "country": one.country,
        "identifiers": dict(one.identifiers),
        "risk": {"score": risk["score"], "level": risk["level"]} if risk else None,
    }


def _risk(found: KeptRisk) -> dict[str, Any]:
    before = {"score": found.before_score, "level": found.before_level}
    return {
        "score": found.score,
        "level": found.level,
        "complete": found.complete,
        "before": None if found.before_score is None else before,
        "subjects": list(found.subjects),
        "version": found.version,
        "screeningIds": list(found.documents),
        "jobId": found.job_id,
        "calculatedAt": _epoch(found.calculated_at),
    }


def screening(trace: str, found: Screening) -> dict[str, Any]:
    """A screening document. Where nobody answered, whether there are matches is not known."""
    concerns = [hit for hit in found.hits if hit["decision"] in CONCERNS]
    return {
        "screeningId": found.id,
        "trace": trace,
        "subject": found.subject,
        "jobId": found.job_id,
        "status": found.status,
        "reason": found.reason,
        "totalHits": len(concerns) if found.is_known else None,
        "hasMatches": bool(concerns) if found.is_known else None,
        "matchedSources": sorted({hit["source"] or hit["sourceType"] for hit in concerns}),
        "sourcesChecked": [source["name"] for source in found.sources],
        "sourceVersions": list(found.sources),
        "triggeredByAction": found.triggered_by,
        "screenedAt": _epoch(found.screened_at),
        "hits": list(found.hits),
    }


def _set(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _epoch(moment: datetime | None) -> int | None:
    """Return a time as the documents write it: milliseconds since 1970."""
    return None if moment is None else int(moment.timestamp() * 1000)


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
