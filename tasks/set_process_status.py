"""set_process_status: move a published process to another status; the result is which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marshmallow import Schema, fields, validate

from config.failpoints import failpoint
from tasks.job.declare import hex_id, job_type
from tasks.job.errors import Permanent
from tasks.ledger.transact import Call, transact
from tasks.records import ledger, processes

if TYPE_CHECKING:
    from tasks.job.context import Context

#: The statuses that can be asked for, and the contract's numbers for them.
STATUSES = {"READY": 0, "ENDED": 1, "CANCELED": 2, "PAUSED": 3}


class Payload(Schema):
    """Which process, and where to."""

    process = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))


class Result(Schema):
    """Where the process is on chain, and what it is there now."""

    address = fields.String()
    status = fields.String()


@job_type(
    "set_process_status",
    payload=Payload,
    result=Result,
    queue="chain",
    attempts=10,
    irrevocable_attempts=100,
    backoff_limit=30.0,
    new_id=hex_id(64),
    tidy=ledger.forget,
)
def set_process_status(ctx: Context, process: str, status: str) -> dict[str, str]:
    """Ask the contract, which knows the legal moves."""
    with ctx.database.statement() as connection:
        found = processes.find(connection, process)
    if found is None or found.address is None:
        raise Permanent("no_process", "the process is not published")
    arguments = (bytes.fromhex(found.address[2:]), STATUSES[status])
    mined = transact(ctx, Call("ProcessRegistry", "setProcessStatus", arguments))
    with ctx.step() as step:
        processes.set_status(step.connection, process, status, nonce=mined.nonce)
    failpoint("process.moved")
    return {"address": found.address, "status": status}
