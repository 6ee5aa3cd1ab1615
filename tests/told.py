"""A job, and a webhook that was told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.job.dispatch import Dispatch
from tasks.records import webhooks
from tasks.webhooks.announce import announce
from tests.tasks.job.jobs import record

if TYPE_CHECKING:
    from config.database import Database
    from tests.conftest import Auditor


def tell(database: Database, auditor: Auditor, job_id: str, *, state: str = "delivered") -> str:
    """Record a job and a delivery about it, in a state; return the delivery's id."""
    record(database, job_id)
    with database.transaction() as connection:
        webhooks.add(
            connection,
            "credentials",
            "t",
            url="http://127.0.0.1:9/told",
            events=["ended"],
            description="",
            active=True,
            sealed=b"sealed",
        )
        announce(Dispatch(connection), "credentials", "t", "ended", about=job_id, data={})
    told: str = auditor.one("SELECT id FROM webhook_deliveries WHERE about = %s", job_id)
    auditor.rows(
        "UPDATE webhook_deliveries SET state = %s,"
        " delivered_at = CASE WHEN %s = 'delivered' THEN now() END WHERE id = %s",
        state,
        state,
        told,
    )
    return told
