"""deliver_webhook: tell a receiver of an event, for a day if it has to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marshmallow import Schema, fields

from config.failpoints import failpoint
from config.sealing import SealingKeyMissing, SealUnopened
from tasks.clients.webhooks import send
from tasks.job.declare import job_type
from tasks.job.errors import NotRepeatable, Permanent, Temporary, Wait
from tasks.job.states import State
from tasks.records import webhooks
from tasks.webhooks.forms import write

if TYPE_CHECKING:
    from tasks.clients.webhooks import Outcome
    from tasks.job.context import Context
    from tasks.job.dispatch import Dispatch
    from tasks.job.record import Job
    from tasks.records.webhooks import Delivery

#: What a receiver answers that wants to hear no more.
_GONE = 410
#: How long one that is not its turn waits, unless the one before it ends and wakes it; seconds.
_TURN_SECONDS = 3600


class Payload(Schema):
    """Which delivery."""

    delivery = fields.String(required=True)


class Result(Schema):
    """What the receiver answered."""

    code = fields.Integer()


def _ended(dispatch: Dispatch, job: Job) -> None:
    delivered = job.state is State.COMPLETED
    webhooks.end_delivery(dispatch.connection, job.id, delivered=delivered)
    following = webhooks.next_job(dispatch.connection, job.id)
    if following:
        dispatch.wake([following])


def _repeated(dispatch: Dispatch, job: Job, again: str) -> None:
    if not webhooks.hand_over(dispatch.connection, job.payload["delivery"], job=again):
        raise NotRepeatable("what it told is gone, or is being told by another job")


@job_type(
    "deliver_webhook",
    payload=Payload,
    result=Result,
    api="webhooks",
    queue="webhooks",
    # 5 s, 10 s, 20 s and so on up to 3 h: about 24 hours in all.
    attempts=19,
    backoff=5,
    backoff_limit=3 * 3600,
    timeout=30,
    tidy=webhooks.forget,
    ended=_ended,
    repeated=_repeated,
)
def deliver_webhook(ctx: Context, delivery: str) -> dict[str, int | None]:
    """Send it, and keep how that went; the receiver may get it twice, with the same id."""
    with ctx.database.statement() as connection:
        found = webhooks.delivery(connection, delivery)
        is_early = webhooks.has_earlier(connection, delivery)
    if found is None:
        raise Permanent("no_webhook", "the webhook was removed")
    if not found.active:
        raise Permanent("webhook_disabled", "the webhook is disabled")
    if is_early:
        raise Wait(_TURN_SECONDS)
    outcome = _send(ctx, found)
    failpoint("webhook.sent")
    with ctx.step() as step:
        webhooks.note_attempt(step.connection, delivery, outcome)
    if outcome.code == _GONE:
        raise Permanent("gone", "the receiver answered 410: it is gone")
    if outcome.reason is not None:
        raise Temporary(outcome.reason, code=_class(outcome.code))
    return {"code": outcome.code}


def _class(code: int | None) -> str:
    """Return what kind of an answer it was that does not count as received."""
    return "no_answer" if code is None else f"status_{code // 100}xx"


def _send(ctx: Context, found: Delivery) -> Outcome:
    try:
        letter = write(ctx.settings, found)
    except (SealingKeyMissing, SealUnopened):
        raise Temporary(
            "none of the sealing keys opens the webhook's secrets", code="sealed"
        ) from None
    may_be_private = ctx.settings.webhooks_may_be_private
    return send(found.url, letter.body, letter.headers, may_be_private=may_be_private)
