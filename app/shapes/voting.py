"""The voting API's JSON, as Vocdoni documents it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.shapes.fault import Fault, error_words
from app.shapes.status import status_words
from tasks.job.states import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from tasks.job.record import Job, Standing
    from tasks.records.members import RowError
    from tasks.records.voting import Organization

#: The documented types of jobs, in the order of the document.
JOB_TYPES = (
    "org_members",
    "census_participants",
    "publish_process",
    "set_process_status",
    "relay_vote",
)

#: The types that read rows one by one and count what became of them.
READING = ("org_members", "census_participants")

STATUS = status_words(
    {
        State.PENDING: "pending",
        State.RUNNING: "pending",
        State.COMPLETED: "completed",
        State.FAILED: "failed",
        State.REJECTED: "failed",
    }
)

#: HTTP status, error code and text of every fault. The codes that the vendor does not publish
#: (40400, 40401, 40500, 40900, 41300, 42200) are ours.
_ERRORS: Mapping[Fault, tuple[int, int, str]] = error_words(
    {
        Fault.UNAUTHENTICATED: (401, 40001, "authentication required"),
        Fault.BAD_KEY: (401, 40156, "invalid API key"),
        Fault.MISSING_SCOPE: (403, 40158, "the API key lacks the scope for this"),
        Fault.FOREIGN: (403, 40158, "the credential does not act for this organization"),
        Fault.BAD_BODY: (400, 40004, "malformed body"),
        Fault.TOO_LARGE: (413, 41300, "the body is too large"),
        Fault.BAD_PARAMETER: (400, 40010, "invalid URL parameter"),
        Fault.NO_ORGANIZATION: (404, 40009, "organization not found"),
        Fault.NO_JOB: (404, 40026, "job not found"),
        Fault.MEMBER_LIMIT: (401, 40145, "the organization's member limit is reached"),
        Fault.NO_GROUP: (404, 40401, "group not found"),
        Fault.NO_CENSUS: (404, 40027, "census not found"),
        Fault.NO_PARTICIPANT: (404, 40029, "census participant not found"),
        Fault.BAD_CENSUS: (400, 40004, "the census is not fit for this"),
        Fault.NO_PROCESS: (404, 40038, "process not found"),
        Fault.PUBLISH_IN_FLIGHT: (409, 40903, "process publish already in progress"),
        Fault.BAD_TRANSACTION: (400, 40007, "invalid transaction"),
        Fault.QUEUE_FULL: (503, 50301, "the transaction queue is full, nothing was accepted"),
        Fault.KEY_REUSED: (422, 42200, "the idempotency key was used with a different request"),
        Fault.TWIN_IN_FLIGHT: (409, 40900, "a request with this idempotency key is in progress"),
        Fault.GATE_HELD: (409, 40903, "another job is in flight"),
        Fault.NO_SUCH_PATH: (404, 40400, "no such path"),
        Fault.NO_SUCH_METHOD: (405, 40500, "this path has no such method"),
        Fault.UNAVAILABLE: (503, 50301, "temporarily unavailable, nothing was accepted"),
        Fault.BROKEN: (500, 50002, "internal error"),
    }
)


def error(fault: Fault, detail: str = "", *, conflict: str = "") -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the body of an error; `conflict` is a job that is in flight."""
    status, code, text = _ERRORS[fault]
    detail = detail or conflict
    return status, {"error": f"{text}: {detail}" if detail else text, "code": code}


def job(job: Standing) -> dict[str, Any]:
    """The public poll. Row errors are for the organization's own eyes and are left out."""
    shown = {"jobId": job.id, "type": job.type, "status": STATUS[job.state]}
    if job.state is State.COMPLETED:
        return {**shown, "result": _result(job)}
    if STATUS[job.state] == "failed":
        return {**shown, "error": _reason(job)}
    return shown


def _result(job: Standing) -> dict[str, Any]:
    """What a completed job came to: the counts of what reads rows, the facts of everything else."""
    if job.type in READING and "root" not in (job.result or {}):
        return _counts(job)
    return dict(job.result or {})


def _reason(job: Standing) -> str:
    return job.error or f"another job was in flight: {job.conflict}"


def import_progress(job: Standing, errors: Sequence[RowError] = ()) -> dict[str, Any]:
    """The members job: committed counts; progress is 100 once nothing more will happen."""
    listed = [row_error(found) if job.type == "org_members" else found.error for found in errors]
    if STATUS[job.state] == "failed":
        listed.append(_reason(job))
    return {**_counts(job), "errors": listed}


def _counts(job: Standing) -> dict[str, int]:
    read, total = job.progress.get("read", 0), job.progress.get("total", 0)
    return {
        "added": job.progress.get("added", 0),
        "total": total,
        "progress": 100 if job.is_over else min(99, 100 * read // total if total else 0),
    }


def row_error(found: RowError) -> str:
    """One error of a row: a word for what was wrong, nothing of what was in it."""
    return f"row {found.row}: {found.error}"


def accepted_import(job_id: str) -> dict[str, Any]:
    """The answer to an import that goes on after it."""
    return {"added": 0, "errors": None, "jobId": job_id}


def finished_import(added: int, errors: Iterable[RowError]) -> dict[str, Any]:
    """The answer to an import that ran in the request."""
    return {"added": added, "errors": [row_error(found) for found in errors] or None}


def listed_job(job: Job, errors: Sequence[RowError]) -> dict[str, Any]:
    """A job in the list of an organization's jobs."""
    progress = import_progress(job, errors)
    return {
        "jobId": job.id,
        "type": job.type,
        "status": STATUS[job.state],
        "total": progress["total"],
        "added": progress["added"],
        "errors": progress["errors"],
        "createdAt": time(job.created_at),
        "completedAt": time(job.finished_at),
        "completed": job.is_over,
    }


def pagination(total: int, page: int, last: int) -> dict[str, Any]:
    """The block that stands beside every list."""
    return {
        "totalItems": total,
        "previousPage": page - 1 if page > 1 else None,
        "currentPage": page,
        "nextPage": page + 1 if page < last else None,
        "lastPage": last,
    }


def organization(found: Organization) -> dict[str, Any]:
    """What anybody may know of an organization."""
    return {
        "address": found.address,
        "name": found.name,
        "country": found.country,
        "createdAt": time(found.created_at),
    }


def member(row: Mapping[str, Any]) -> dict[str, Any]:
    """A member, without the password that only its hash is known of."""
    return {
        "id": f"{row['id']:024x}",
        "memberNumber": row["member_number"],
        "name": row["name"],
        "surname": row["surname"],
        "nationalId": row["national_id"],
        "birthDate": row["birth_date"].isoformat() if row["birth_date"] else "",
        "email": row["email"],
        "phone": row["phone"],
        "weight": str(row["weight"]),
        "other": row["other"],
    }


def time(moment: datetime | None) -> str | None:
    """A time as RFC 3339 has it; what has not been is null."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
