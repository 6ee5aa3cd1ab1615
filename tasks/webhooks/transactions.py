"""A transaction job as the credentials API tells of it: in a poll, and in its webhooks.

A shape, and yet not under `app`: the body of a webhook is that of the poll, it is written by the
worker that ends the job, and a worker imports nothing of `app`. So the one function that spells it
stands below both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.job.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.job.record import Job

#: The documented events, which are also what a transaction may be for.
EVENTS = (
    "credential_revoke",
    "credential_unrevoke",
    "did_create",
    "did_delete",
    "registry_create",
    "registry_delete",
    "schema_create",
)

STATUS: Mapping[State, str] = {
    State.PENDING: "todo",
    State.RUNNING: "in_progress",
    State.COMPLETED: "finalized",
    State.FAILED: "error",
    State.REJECTED: "error",
}


def poll(job: Job, encoded: str | None = None) -> dict[str, Any]:
    """Return the documented body of a transaction job.

    Args:
        job: The job.
        encoded: For a failed job, the bytes of its transaction if it has come to one.
    """
    result = _result(job, encoded)
    shown = {"id": job.id, "result": result, "status": STATUS[job.state]}
    return {name: value for name, value in shown.items() if value is not None}


def _result(job: Job, encoded: str | None) -> dict[str, Any] | None:
    if job.result is not None:
        return {
            "encodedTx": job.result["encoded_tx"],
            "userData": job.result["user_data"],
            "result": {"InBlock": job.result["in_block"]},
        }
    if not job.is_over:
        return None
    sent = {} if encoded is None else {"encodedTx": encoded}
    return {**sent, "userData": job.payload["user_data"], "error": job.error}
