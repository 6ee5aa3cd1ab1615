"""The operators' API as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from app.shapes.fault import Fault, error_words
from app.shapes.voting import time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tasks.job.record import Job, Standing
    from tasks.records.operators import Action
    from tasks.watch.actions import Done
    from tasks.watch.detail import Attempt, Delivery, Detail, Moved
    from tasks.watch.failures import Group
    from tasks.watch.queues import InFlight, Queue
    from tasks.watch.statistics import Slot, Summary
    from tasks.watch.workers import Worker

#: HTTP status, code and message of every fault.
_ERRORS: Mapping[Fault, tuple[int, str, str]] = error_words(
    {
        Fault.UNAUTHENTICATED: (401, "unauthenticated", "an operator's token is needed"),
        Fault.FOREIGN: (403, "forbidden", "this takes the role operator"),
        Fault.BAD_BODY: (400, "bad_body", "malformed body"),
        Fault.BAD_PARAMETER: (400, "bad_parameter", "invalid parameter"),
        Fault.TOO_LARGE: (413, "too_large", "the body is too large"),
        Fault.NO_JOB: (404, "no_job", "there is no such job"),
        Fault.NO_SUCH_PATH: (404, "no_such_path", "no such path"),
        Fault.NO_SUCH_METHOD: (405, "no_such_method", "this path has no such method"),
        Fault.NOT_POSSIBLE: (409, "not_possible", "this cannot be done"),
        Fault.COUNT_DIFFERS: (409, "count_differs", "not as many jobs match; nothing was done"),
        Fault.GATE_HELD: (409, "gate_held", "another job is in flight"),
        Fault.TWIN_IN_FLIGHT: (409, "twin_in_flight", "the same request is being processed"),
        Fault.KEY_REUSED: (422, "key_reused", "the idempotency key came with another request"),
        Fault.UNAVAILABLE: (503, "unavailable", "temporarily unavailable, nothing was done"),
        Fault.BROKEN: (500, "internal", "internal error"),
    }
)


def error(
    fault: Fault, detail: str = "", *, conflict: str = "", count: int | None = None
) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the body of an error; `count` is how many jobs match."""
    status, code, text = _ERRORS[fault]
    detail = detail or conflict
    said = {"code": code, "message": f"{text}: {detail}" if detail else text}
    return status, {"error": said if count is None else {**said, "count": count}}


def job(found: Job, *, api: str | None) -> dict[str, Any]:
    """A job in a list; `api` is that of its type, if anything declares it."""
    return {
        "id": found.id,
        "number": found.seq,
        "type": found.type,
        "api": api,
        "tenant": found.tenant,
        "state": found.state.value,
        "queue": found.queue,
        "gate": found.gate,
        "stage": found.stage,
        "code": found.code,
        "error": found.error,
        "conflict": found.conflict,
        "progress": dict(found.progress),
        "attempts": found.attempts,
        "failures": found.failures,
        "worker": found.worker,
        "cancelledBy": found.cancelled_by,
        "irrevocable": found.irrevocable,
        "retryOf": found.retry_of,
        "createdAt": time(found.created_at),
        "dueAt": time(found.due_at),
        "startedAt": time(found.started_at),
        "finishedAt": time(found.finished_at),
        "expiresAt": time(found.expires_at),
    }


def percent(found: Standing) -> int | None:
    """How far a job is, of a hundred; None where nothing tells. It is 100 only once it is over."""
    if found.is_over:
        return 100
    if found.share is None:
        return None
    done, total = found.share
    return min(99, 100 * done // total)


def page(jobs: Sequence[dict[str, Any]], limit: int) -> dict[str, Any]:
    """A page of jobs; `next` is what to ask for what is behind it."""
    return {"jobs": list(jobs), "next": jobs[-1]["number"] if len(jobs) == limit else None}


def count(counted: int, most: int) -> dict[str, Any]:
    """How many jobs match."""
    return {"count": min(counted, most), "isExact": counted <= most}


def detail(
    found: Detail,
    *,
    api: str | None,
    payload: Mapping[str, Any],
    result: Mapping[str, Any] | None,
    actions: Iterable[Action],
) -> dict[str, Any]:
    """One job with all that belongs to it; payload and result as operators may see them."""
    return {
        **job(found.job, api=api),
        "why": found.why,
        "payload": payload,
        "result": result,
        "holder": found.holder,
        "retriedAs": found.retried_as,
        "history": [attempt(one) for one in found.attempts],
        "moves": [moved(one) for one in found.moves],
        "deliveries": [delivery(one) for one in found.deliveries],
        "actions": [action(one) for one in actions],
    }


def attempt(found: Attempt) -> dict[str, Any]:
    """An attempt at a job."""
    return {
        "number": found.number,
        "worker": found.worker,
        "beganAt": time(found.began_at),
        "endedAt": time(found.ended_at),
        "ended": found.ended or None,
        "note": found.note,
    }


def moved(found: Moved) -> dict[str, Any]:
    """A move of a job's history."""
    return {**asdict(found), "at": time(found.at)}


def delivery(found: Delivery) -> dict[str, Any]:
    """Something that a webhook was told of a job."""
    return {
        "id": found.id,
        "webhookId": found.webhook_id,
        "event": found.event,
        "state": found.state,
        "jobId": found.job_id,
        "tries": found.tries,
        "lastTry": found.last,
        "createdAt": time(found.created_at),
        "deliveredAt": time(found.delivered_at),
    }


def action(found: Action) -> dict[str, Any]:
    """Something that an operator did."""
    return {
        "id": found.id,
        "at": time(found.at),
        "operator": found.operator,
        "action": found.action,
        "count": found.count,
        "jobs": list(found.jobs),
        "details": dict(found.details),
    }


def done(found: Done) -> dict[str, Any]:
    """What became of an order."""
    return {
        "ended": list(found.ended),
        "asked": list(found.asked),
        "repeated": [{"id": old, "as": new} for old, new in found.repeated.items()],
        "refused": [{"id": old, "reason": why} for old, why in found.refused.items()],
    }


def queue(found: Queue) -> dict[str, Any]:
    """A queue."""
    return {
        "name": found.name,
        "due": found.due,
        "later": found.later,
        "running": found.running,
        "oldestSeconds": found.oldest,
        "workers": found.workers,
    }


def in_flight(found: InFlight) -> dict[str, Any]:
    """How many jobs of a type have not ended."""
    return asdict(found)


def worker(found: Worker) -> dict[str, Any]:
    """A worker."""
    return {
        "id": found.id,
        "queues": list(found.queues),
        "state": found.state,
        "why": found.why,
        "startedAt": time(found.started_at),
        "seenAt": time(found.seen_at),
        "claimedAt": time(found.claimed_at),
        "claims": found.claims,
        "job": None
        if found.job_id is None
        else {"id": found.job_id, "type": found.job_type, "since": time(found.job_since)},
        "skewSeconds": found.skew,
    }


def slot(found: Slot) -> dict[str, Any]:
    """What happened within some minutes."""
    return {**asdict(found), "at": time(found.at)}


def summary(found: Summary) -> dict[str, Any]:
    """What happened to jobs of a type."""
    return asdict(found)


def failure(found: Group) -> dict[str, Any]:
    """Jobs that failed for the same reason."""
    return {
        "type": found.type,
        "code": found.code,
        "error": found.error,
        "count": found.jobs,
        "firstAt": time(found.first_at),
        "lastAt": time(found.last_at),
        "newest": list(found.newest),
    }
