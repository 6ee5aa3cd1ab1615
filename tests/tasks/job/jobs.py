"""Jobs in the states that a test begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.job import store
from tasks.watch import tallies

if TYPE_CHECKING:
    from config.database import Database
    from tasks.job.record import Job
    from tests.conftest import Auditor


def record(database: Database, job_id: str, **given: Any) -> str:
    """Record a pending job."""
    values = {"type": "noop", "tenant": "t", "queue": "default", "gate": None, "payload": {}}
    with database.statement() as connection:
        store.add(connection, [store.NewJob(**{"id": job_id, **values, **given})])
    return job_id


def claim(
    database: Database, job_id: str, *, worker: str = "w1", lease: float = 60, timeout: float = 60
) -> Job | None:
    """Claim a job for a worker."""
    with database.statement() as connection:
        found = store.get(connection, job_id)
        assert found is not None
        return store.claim(
            connection, job_id, found.type, worker=worker, lease=lease, timeout=timeout
        )


def claimed(database: Database, job_id: str, **given: Any) -> Job:
    """Record a job and claim it."""
    bounds = {name: given.pop(name) for name in ("worker", "lease", "timeout") if name in given}
    job = claim(database, record(database, job_id, **given), **bounds)
    assert job is not None
    return job


def advance(database: Database, job: Job, move: Any, **changes: Any) -> bool:
    """Move a job on as the runner does."""
    with database.statement() as connection:
        return store.advance(connection, job, move, **changes)


def tally(database: Database) -> None:
    """Count all moves that were made so far; only then are expired jobs cleared."""
    for _ in range(2):
        with database.transaction() as connection:
            tallies.count_on(connection)


def age(auditor: Auditor, job_id: str, **seconds: float) -> None:
    """Move times of a job into the past."""
    for column, by in seconds.items():
        auditor.rows(
            f"UPDATE jobs SET {column} = {column} - %s * interval '1 second' WHERE id = %s",
            by,
            job_id,
        )
