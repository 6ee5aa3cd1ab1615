"""ledger_transaction: register, change or remove something of an account on chain."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from marshmallow import Schema, fields, validate

from config.failpoints import failpoint
from tasks.job.declare import decimal_id, job_type
from tasks.job.errors import NotRepeatable, Permanent, Wait
from tasks.job.states import State
from tasks.ledger.names import did_name, from_hex, schema_digest
from tasks.ledger.transact import Call, transact
from tasks.records import registrations, transactions
from tasks.webhooks.announce import announce
from tasks.webhooks.transactions import poll

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tasks.job.context import Context
    from tasks.job.dispatch import Dispatch
    from tasks.job.record import Job
    from tasks.ledger.transact import Mined
    from tasks.records.registrations import Registration

#: How soon a job looks again whether it is its turn, first and later; seconds.
_SOON, _LATE = 0.2, 30.0


class Change(NamedTuple):
    """What becomes of a registration."""

    before: str
    after: str
    #: Where it is if the transaction fails.
    failed: str


class Operation(NamedTuple):
    """What an event is on chain, and in our records."""

    #: What it happens to: did, registry or schema.
    kind: str
    function: str
    #: None where only what a registry holds is changed.
    change: Change | None
    #: The arguments of the function behind the name of what it is about.
    more: Callable[[Registration, Sequence[str]], tuple[Any, ...]] = lambda *_: ()


def _controller(found: Registration, _: Sequence[str]) -> tuple[str]:
    given: str = found.content["controller"]
    # The contract's word for a DID that controls itself.
    return ("" if given == found.id else given,)


def _add_only(found: Registration, _: Sequence[str]) -> tuple[bool]:
    return (found.content["addOnly"],)


def _digest(found: Registration, _: Sequence[str]) -> tuple[bytes]:
    return (schema_digest(found.content),)


def _names(_: Registration, credentials: Sequence[str]) -> tuple[list[bytes]]:
    return ([from_hex(one) for one in credentials],)


#: Where a registration is while a job is to change it.
_UNDECIDED = ("pending", "removing")
_NEW = Change("pending", "registered", "failed")
_GONE = Change("removing", "removed", "registered")
OPERATIONS: Mapping[str, Operation] = {
    "did_create": Operation("did", "newDid", _NEW, _controller),
    "did_delete": Operation("did", "removeDid", _GONE),
    "registry_create": Operation("registry", "newRegistry", _NEW, _add_only),
    "registry_delete": Operation("registry", "removeRegistry", _GONE),
    "credential_revoke": Operation("registry", "revoke", None, _names),
    "credential_unrevoke": Operation("registry", "unrevoke", None, _names),
    "schema_create": Operation("schema", "newSchema", _NEW, _digest),
    "schema_delete": Operation("schema", "removeSchema", _GONE),
}


class Payload(Schema):
    """What is done to what."""

    event = fields.String(required=True, validate=validate.OneOf(OPERATIONS))
    #: The id of the DID, registry or schema.
    subject = fields.String(required=True)
    #: The DID that the account sees it as an act of.
    user_data = fields.String(required=True)
    #: Which credentials are revoked or not, by their names on chain.
    credentials = fields.List(fields.String(), load_default=list)
    #: The job that was dispatched about the same subject before, behind which this one comes.
    after = fields.String(load_default=None, allow_none=True)


class Result(Schema):
    """The transaction that was mined, and in which block; 0x and hexadecimal digits."""

    encoded_tx = fields.String()
    user_data = fields.String()
    in_block = fields.String()


def _ended(dispatch: Dispatch, job: Job) -> None:
    """Take back what was meant to be if it has failed, and tell whoever listens."""
    event, subject = job.payload["event"], job.payload["subject"]
    kind, _, change, _ = OPERATIONS[event]
    encoded = None
    if job.state is not State.COMPLETED:
        encoded = transactions.raw_of_job(dispatch.connection, job.id)
        if change is not None:
            registrations.move(
                dispatch.connection, kind, subject, before=_UNDECIDED, after=change.failed
            )
    announce(
        dispatch, "credentials", job.tenant, event, about=job.id, data=poll(job, encoded=encoded)
    )


def _refuse_to_repeat(_dispatch: Dispatch, _job: Job, _again: str) -> None:
    raise NotRepeatable("what it was about has moved on: the account has to ask again")


@job_type(
    "ledger_transaction",
    payload=Payload,
    result=Result,
    api="credentials",
    queue="chain",
    attempts=10,
    irrevocable_attempts=100,
    backoff=2,
    backoff_limit=60,
    new_id=decimal_id("transaction_numbers"),
    ended=_ended,
    repeated=_refuse_to_repeat,
)
def ledger_transaction(
    ctx: Context,
    *,
    event: str,
    subject: str,
    user_data: str,
    credentials: list[str],
    after: str | None,
) -> dict[str, str]:
    """Have it done on chain, and say so in our records once it is final."""
    operation = OPERATIONS[event]
    found = _when_it_is_time(ctx, operation, subject, after)
    name = did_name(subject) if operation.kind == "did" else from_hex(subject)
    arguments = (name, *operation.more(found, credentials))
    mined = transact(ctx, Call("CredentialRegistry", operation.function, arguments))
    _record(ctx, event, subject, credentials, mined)
    failpoint("transaction.recorded")
    return {"encoded_tx": mined.raw, "user_data": user_data, "in_block": mined.block_hash}


def _when_it_is_time(
    ctx: Context, operation: Operation, subject: str, after: str | None
) -> Registration:
    """Return what it is about, once that is on chain and what was asked before has its place.

    Raises:
        Wait: it is not time yet.
        Permanent: it will never be.
    """
    with ctx.database.statement() as connection:
        is_next = after is None or transactions.may_be_followed(connection, after)
        found = registrations.get(connection, operation.kind, subject)
    if not is_next:
        # A quarter of the time that it has waited already: seldom where finality takes long.
        age = datetime.now(UTC) - ctx.job.created_at
        raise Wait(min(max(age.total_seconds() / 4, _SOON), _LATE))
    if found is None or found.state == "failed":
        raise Permanent("not_registered", f"the {operation.kind} was never registered")
    return found


def _record(ctx: Context, event: str, subject: str, credentials: list[str], mined: Mined) -> None:
    kind, _, change, _ = OPERATIONS[event]
    with ctx.step() as step:
        if change is None:
            registrations.set_revoked(
                step.connection,
                subject,
                credentials,
                revoked=event == "credential_revoke",
                nonce=mined.nonce,
            )
        else:
            registrations.move(
                step.connection, kind, subject, before=[change.before], after=change.after
            )
