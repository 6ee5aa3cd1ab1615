"""Why a job is not running, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.job.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.job.record import Job


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the sentence is made from."""

    now: datetime
    #: Jobs of its queue that are due before it, up to `MOST_AHEAD`.
    ahead: int = 0
    #: Living workers that serve its queue, and how many of them are at work.
    workers: int = 0
    busy: int = 0
    #: The job that holds its gate.
    holder: str | None = None
    #: The last move of its history, and what was noted with it.
    move: str = ""
    note: str | None = None
    #: Whether Redis can be reached; None if nobody looked.
    redis: bool | None = None
    #: Whether anything declares its type.
    is_known: bool = True


#: Up to which number the jobs before it are counted.
MOST_AHEAD = 10_000


def why(job: Job, facts: Facts) -> str:
    """Say why a job is not at work; where it is, or has ended, say that."""
    if job.is_over:
        return _end(job)
    if job.worker is not None:
        asked = f", and was asked to stop by {job.cancelled_by}" if job.cancelled_by else ""
        return f"It is at work: attempt {job.attempts} on {job.worker}{asked}."
    return _nobody(job, facts) or _line(job, facts)


def _nobody(job: Job, facts: Facts) -> str:
    """Say why nobody could do a job, if that is so."""
    if not facts.is_known:
        return f"Nothing declares its type, {job.type}."
    return "" if facts.workers else f"No worker serves its queue, {job.queue}."


def _line(job: Job, facts: Facts) -> str:
    """Say what a job waits for that somebody could do."""
    if job.due_at > facts.now:
        return _later(job, facts)
    if facts.holder is not None:
        return (
            f"Its gate is held by {facts.holder}: if that is still so when it is claimed, "
            "it is rejected."
        )
    return _in_line(job, facts)


def _end(job: Job) -> str:
    if job.state is State.REJECTED:
        return f"It was rejected, because {job.conflict} held its gate."
    if job.state is State.COMPLETED:
        return "It has completed."
    by = f" by {job.cancelled_by}" if job.code == "cancelled" and job.cancelled_by else ""
    return f"It has failed: {job.error}{by}."


def _later(job: Job, facts: Facts) -> str:
    """Say what a job waits for that is not due."""
    wait = length((job.due_at - facts.now).total_seconds())
    if facts.move == "park":
        return f"It is parked for another {wait}, or until what it waits for wakes it."
    because = f", because of: {facts.note}" if facts.note else ""
    return f"It waits another {wait} for attempt {job.attempts + 1}{because}."


def _in_line(job: Job, facts: Facts) -> str:
    """Say where in its queue a job is that is due."""
    idle = facts.workers - facts.busy
    away = " Redis is away, so work begins more slowly." if facts.redis is False else ""
    if facts.ahead:
        number = f"{facts.ahead:,}" if facts.ahead < MOST_AHEAD else f"at least {MOST_AHEAD:,}"
        jobs = "job is" if facts.ahead == 1 else "jobs are"
        line = f"{number} {jobs} before it in the queue {job.queue}"
    else:
        line = f"It is the next in the queue {job.queue}"
    hands = f"{facts.busy} of {facts.workers} workers are busy"
    return f"{line}; {hands if idle else f'all {facts.workers} workers are busy'}.{away}"


def length(seconds: float) -> str:
    """Say how long something is, in the largest unit that makes sense."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}s"
    whole = max(1, round(seconds))
    return f"{whole} second{'s' if whole > 1 else ''}"
