"""The credentials API's JSON, as Truvera documents it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.shapes.fault import Fault, error_words
from app.shapes.incoming import complaints
from app.shapes.status import status_words
from tasks.webhooks import transactions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tasks.job.record import Job
    from tasks.records.registrations import Registration
    from tasks.records.webhooks import Logged, Webhook

#: What the ids of its jobs look like; every other id belongs to the voting API.
JOB_ID = "[0-9]{1,20}"

#: Checked here, where every API's words are; they are written in a webhook too.
STATUS = status_words(transactions.STATUS)

#: HTTP status, type and message of every fault; the vendor publishes the form and no list.
_ERRORS: Mapping[Fault, tuple[int, str, str]] = error_words(
    {
        Fault.UNAUTHENTICATED: (401, "Unauthorized", "authentication required"),
        Fault.BAD_KEY: (401, "Unauthorized", "invalid API key"),
        Fault.BAD_BODY: (400, "ValidationError", "the body is no JSON object in UTF-8"),
        Fault.INVALID: (400, "ValidationError", "invalid values"),
        Fault.BAD_PARAMETER: (400, "ValidationError", "invalid parameter"),
        Fault.TAKEN: (400, "AlreadyExists", "this id is in use"),
        Fault.TOO_LARGE: (413, "PayloadTooLarge", "the body is too large"),
        Fault.NOT_FOUND: (404, "NotFound", "not found"),
        Fault.NO_JOB: (404, "NotFound", "job not found"),
        Fault.NO_SUCH_PATH: (404, "NotFound", "no such path"),
        Fault.NO_SUCH_METHOD: (405, "MethodNotAllowed", "this path has no such method"),
        Fault.IN_FLIGHT: (409, "Conflict", "still under way"),
        Fault.TWIN_IN_FLIGHT: (
            409,
            "Conflict",
            "a request with this idempotency key is in progress",
        ),
        Fault.KEY_REUSED: (
            422,
            "KeyReused",
            "the idempotency key was used with a different request",
        ),
        Fault.THROTTLED: (429, "TooManyRequests", "too many requests"),
        Fault.BROKEN: (500, "InternalError", "internal error"),
        Fault.NO_SECRETS: (
            501,
            "NotConfigured",
            "this service cannot keep secrets: no SEALING_KEYS",
        ),
        Fault.QUEUE_FULL: (503, "QueueFull", "too many transactions wait for the chain"),
        Fault.UNAVAILABLE: (503, "Unavailable", "temporarily unavailable, nothing was accepted"),
    }
)


def error(fault: Fault, detail: str = "") -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the body of an error."""
    status, kind, text = _ERRORS[fault]
    message = f"{text}: {detail}" if detail else text
    return status, {"status": status, "type": kind, "message": message}


def detail(found: Any) -> str:
    """Return in one line what a schema found wrong; values are never quoted."""
    return " ".join(
        f"{'.'.join(str(part) for part in path if part != '_schema')}: {text}".removeprefix(": ")
        for path, text in complaints(found)
    )


def job(job: Job, encoded: str | None) -> dict[str, Any]:
    """A transaction job; `encoded` are the bytes that a failed one has come to."""
    return transactions.poll(job, encoded=encoded)


def started(job_id: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a call that dispatches a transaction."""
    return {"id": job_id, "data": data}


def did(found: Registration) -> dict[str, Any]:
    """A DID document."""
    return {
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": found.id,
        "controller": [found.content["controller"]],
        "status": found.state,
    }


def policy(registry: Mapping[str, Any]) -> dict[str, Any]:
    """Who may change a registry, as it is said when one is created."""
    return {"type": "OneOf", "policy": registry["policy"], "addOnly": registry["addOnly"]}


def registry(found: Registration) -> dict[str, Any]:
    """A registry."""
    return {"id": found.id, **found.content, "status": found.state}


def schema(found: Registration) -> dict[str, Any]:
    """A schema."""
    return {"id": found.id, "schema": found.content, "status": found.state}


def webhook(found: Webhook) -> dict[str, Any]:
    """A webhook without its secrets, which are shown once."""
    return {
        "id": str(found.id),
        "url": found.url,
        "events": list(found.events),
        "description": found.description,
        "status": int(found.active),
        "created": _time(found.created_at),
    }


def delivery(found: Logged) -> dict[str, Any]:
    """A delivery in the log: what was told, how often it was tried, and how that went."""
    last = found.attempts[-1] if found.attempts else {}
    return {
        "id": found.id,
        "event": found.event,
        "jobId": found.about,
        "status": found.state,
        "attempts": len(found.attempts),
        "responseCode": last.get("responseCode"),
        "error": last.get("error"),
        "created": _time(found.created_at),
        "delivered": _time(found.delivered_at),
        "nextAttempt": _time(found.due_at),
        "log": list(found.attempts),
    }


def _time(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
