"""Runs of the screening API in the states that a test begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.job import states
from tests.tasks.job import jobs

if TYPE_CHECKING:
    from config.database import Database
    from tasks.job.record import Job
    from tasks.records.verifications import Verification

RESULT = {"subjects": 3, "unanswered": 0, "concerns": 0, "level": "low", "score": 0}


def record(database: Database, of: Verification, job_id: str, **source: Any) -> str:
    """Record a pending run of a verification; who asked for it may be given."""
    payload = {"verification": of.id, "source_action": "manual-api", **source}
    scope = {"tenant": of.service_uid, "queue": "screening", "gate": str(of.id)}
    return jobs.record(database, job_id, type="watchlist", payload=payload, **scope)


def begin(database: Database, of: Verification, job_id: str, **source: Any) -> Job:
    """Record a run and claim it."""
    job = jobs.claim(database, record(database, of, job_id, **source))
    assert job is not None
    return job


def end(database: Database, job: Job, move: states.Move, **changes: Any) -> str:
    """Move a run on as a worker does."""
    assert jobs.advance(database, job, move, keep=3600, **changes)
    return job.id


def complete(database: Database, of: Verification, job_id: str) -> str:
    """Record a run that has completed."""
    return end(database, begin(database, of, job_id), states.COMPLETE, result=RESULT)


def fail(database: Database, of: Verification, job_id: str, *, error: str) -> str:
    """Record a run that has failed."""
    job = begin(database, of, job_id)
    return end(database, job, states.FAIL, code="provider_failed", error=error)


def retry(database: Database, of: Verification, job_id: str) -> str:
    """Record a run that waits for its next attempt; nobody works on it."""
    job = begin(database, of, job_id)
    return end(database, job, states.RETRY, delay=60, note="TimeoutError")


def reject(database: Database, of: Verification, job_id: str, *, holder: str) -> str:
    """Record a run that found its gate held."""
    record(database, of, job_id)
    with database.statement() as connection:
        job = jobs.store.get(connection, job_id)
    assert job is not None
    return end(database, job, states.REJECT, conflict=holder)
