"""publish_process: put a draft on chain; the result is where it is there."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from marshmallow import Schema, fields

from config.failpoints import failpoint
from tasks.job.declare import Gate, hex_id, job_type
from tasks.job.errors import Permanent
from tasks.ledger.transact import Call, transact
from tasks.records import ledger, processes

if TYPE_CHECKING:
    from tasks.job.context import Context
    from tasks.job.dispatch import Dispatch
    from tasks.job.record import Job
    from tasks.records.processes import Process


class Payload(Schema):
    """Which process."""

    process = fields.String(required=True)


class Result(Schema):
    """Where it is on chain, and what it is there."""

    address = fields.String()
    status = fields.String()


def _publish_again(dispatch: Dispatch, job: Job, again: str) -> None:
    processes.publishing(dispatch.connection, job.payload["process"], again)


@job_type(
    "publish_process",
    payload=Payload,
    result=Result,
    queue="chain",
    gate=Gate("process"),
    attempts=10,
    irrevocable_attempts=100,
    backoff_limit=30.0,
    new_id=hex_id(64),
    tidy=ledger.forget,
    repeated=_publish_again,
)
def publish_process(ctx: Context, process: str) -> dict[str, str | None]:
    """Create the process once; the contract refuses a second one for this job."""
    with ctx.database.statement() as connection:
        draft = processes.find(connection, process)
    if draft is None:
        raise Permanent("no_process", "the process does not exist")
    if draft.address is not None:  # an earlier attempt came this far
        return {"address": draft.address, "status": "READY"}
    start, duration = ctx.once("window", lambda: _window(draft, int(time.time())))
    mined = transact(ctx, _creation(ctx, draft, start, duration))
    address = mined.events["NewProcess"]["processId"]
    with ctx.step() as step:
        processes.published(
            step.connection,
            process,
            address=address,
            nonce=mined.nonce,
            start_at=datetime.fromtimestamp(start, UTC),
            end_at=datetime.fromtimestamp(start + duration, UTC) if duration else None,
        )
    failpoint("process.published")
    return {"address": address, "status": "READY"}


def _window(draft: Process, now: int) -> tuple[int, int]:
    """Return when votes begin to count, in seconds since 1970, and for how many; 0 is for ever."""
    start = int(draft.start_at.timestamp()) if draft.start_at else now
    duration = draft.duration or 0
    if draft.end_at:
        duration = int(draft.end_at.timestamp()) - start
    if (duration or draft.end_at) and start + duration <= now:
        raise Permanent("process_over", "the process would be over before it begins")
    return start, duration


def _creation(ctx: Context, draft: Process, start: int, duration: int) -> Call:
    """Return the call that creates a process."""
    from tasks.ledger.abi import keccak  # noqa: PLC0415 - the API must not wait for its imports

    if draft.census_root is None:
        raise Permanent("census_unpublished", "the census is not published")
    return Call(
        "ProcessRegistry",
        "newProcess",
        (
            keccak(ctx.job.id.encode()),
            start,
            duration,
            draft.max_voters,
            bytes.fromhex(draft.census_root[2:]),
            draft.census_uri,
            f"{ctx.settings.public_url.rstrip('/')}/process/{draft.id}",
            draft.choices,
        ),
    )
