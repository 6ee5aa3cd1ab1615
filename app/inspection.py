"""Jobs as operators see them, in their API and from a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.shapes import ops as shape
from app.wiring import wiring
from tasks.job.declare import api_of
from tasks.job.queue import is_there
from tasks.records import operators
from tasks.watch import detail, masking

if TYPE_CHECKING:
    from tasks.job.record import Job


def listed(job: Job) -> dict[str, Any]:
    """Return a job as a list shows it."""
    return shape.job(job, api=api_of(job.type))


def show(job_id: str) -> dict[str, Any] | None:
    """Return a job with all that belongs to it, or None where no such job is recorded."""
    carrier = is_there(wiring().settings, timeout=0.2)
    with wiring().database.statement() as connection:
        found = detail.get(connection, job_id, redis=carrier)
        if found is None:
            return None
        acted = operators.actions(connection, job=job_id)
    return shape.detail(
        found,
        api=api_of(found.job.type),
        payload=masking.payload(found.job),
        result=masking.result(found.job),
        actions=acted,
    )
