"""What an attempt has come to: the move to make, and whether another attempt follows."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tasks.job import states

if TYPE_CHECKING:
    from tasks.job.declare import JobType
    from tasks.job.record import Job

#: Longest line that says why a job failed; characters.
_ERROR_LENGTH = 500


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: the move to make, and what to write with it."""

    move: states.Move
    changes: dict[str, Any] = field(default_factory=dict)


def failed(kind: JobType, code: str, text: str, cause: str) -> Outcome:
    """Return the end of a job that failed for good."""
    changes = {"code": code, "error": line(text) or code, "cause": cause}
    return Outcome(states.FAIL, {**changes, "keep": kind.keep.total_seconds()})


def line(text: str) -> str:
    """Return a text as one line that is not too long."""
    return " ".join(text.replace("\0", " ").split())[:_ERROR_LENGTH]


def after_error(job: Job, kind: JobType, reason: str, cause: str, *, after: float = 0.0) -> Outcome:
    """Decide between another attempt and the end, for something that counts as a failure."""
    failures = job.failures + 1
    if failures >= (kind.irrevocable_attempts if job.irrevocable else kind.attempts):
        text = f"gave up after {failures} failures: {reason}"
        return failed(kind, "attempts_exhausted", text, cause)
    delay = max(after, backoff(kind, failures))
    return Outcome(states.RETRY, {"delay": delay, "note": reason, "cause": cause})


def backoff(kind: JobType, failures: int) -> float:
    """Return the seconds to wait after so many failures: doubling, give or take a quarter."""
    wait = min(kind.backoff * 2.0 ** (failures - 1), kind.backoff_limit)
    return wait * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret


def after_loss(job: Job, kind: JobType, reason: str, cause: str) -> Outcome:
    """Decide what becomes of a job whose worker vanished or overran its time."""
    outcome = after_error(job, kind, reason, cause)
    if outcome.move is states.RETRY:
        # The worker, not the work, went wrong as far as anybody knows: no need to wait, unless
        # that was so very often.
        delay = outcome.changes["delay"] if job.failures + 1 >= kind.attempts else 0.0
        return Outcome(states.LOSE, {"delay": delay, "note": reason, "cause": cause})
    return outcome
