"""account_connection: sign in to somebody's account, read its documents and report them.

The job knows ids only; what is secret is sealed in a row of its own that ends with the job. Each
change of its status, and every document, is committed before the next is begun, so that another
attempt goes on there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from marshmallow import Schema, fields

from config.sealing import SealingKeyMissing, SealUnopened
from tasks.clients.accounts.directory import PROVIDERS, connector
from tasks.clients.accounts.protocol import AccountAway, AccountFailed, SessionEnded
from tasks.connecting.collecting import Collecting
from tasks.connecting.progress import Progress
from tasks.connecting.signing_in import SigningIn
from tasks.job.declare import job_type
from tasks.job.errors import NotRepeatable, Permanent, Temporary
from tasks.records import income_links, income_secrets, income_tasks, income_users
from tasks.webhooks.account_tasks import API, status, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from tasks.clients.accounts.protocol import Connector
    from tasks.job.context import Context
    from tasks.job.dispatch import Dispatch
    from tasks.job.record import Job
    from tasks.records.income_tasks import AccountTask

#: Failures until a provider that is away is given up; people wait for it.
_ATTEMPTS = 4


class Payload(Schema):
    """Which link."""

    link = fields.String(required=True)


class Result(Schema):
    """Everything else is in the link's report."""


def _ended(dispatch: Dispatch, job: Job) -> None:
    """Forget what only the task knew, and tell how it has ended."""
    income_secrets.forget(dispatch.connection, job.id)
    task = income_tasks.get(dispatch.connection, job.id)
    if task is not None:
        tell(dispatch, task, status(job))


def _repeated(dispatch: Dispatch, job: Job, again: str) -> None:
    """Read the account again with the session of its link; what a user enters is not kept."""
    task = income_tasks.get(dispatch.connection, job.id)
    session = income_links.session(dispatch.connection, task.link_id) if task else None
    if task is None or session is None or task.product_type == "deposit_switch":
        raise NotRepeatable("what the user entered is gone: they have to sign in again")
    income_tasks.add(
        dispatch.connection,
        again,
        client_id=task.client_id,
        user_id=task.user_id,
        link_id=task.link_id,
        product_type=task.product_type,
        tracking_info=task.tracking_info,
        order_id=task.order_id,
        bridge_token=task.bridge_token,
    )
    income_secrets.add(dispatch.connection, again, session=session)


def _tidy(connection: Connection, jobs: Sequence[str]) -> None:
    """Remove what belongs to cleared jobs, and what has expired by itself."""
    income_tasks.forget(connection, jobs)
    income_users.forget_bridge_tokens(connection)
    income_links.forget_sessions(connection)


@job_type(
    "account_connection",
    payload=Payload,
    result=Result,
    api=API,
    queue="income",
    attempts=_ATTEMPTS,
    backoff=0.5,
    backoff_limit=30,
    timeout=180,
    tidy=_tidy,
    ended=_ended,
    repeated=_repeated,
)
def account_connection(ctx: Context, link: str) -> None:
    """Go on from where earlier attempts were."""
    with ctx.database.statement() as connection:
        task = income_tasks.get(connection, ctx.job.id)
    if task is None or task.link_id != link:
        raise Permanent("error", "the link was removed")
    if not ctx.settings.accounts_url:
        raise Permanent("unavailable", "no provider is configured")
    try:
        _connect(ctx, task)
    except AccountFailed as failed:
        raise Permanent(failed.word, str(failed)) from None
    except AccountAway as away:
        if ctx.job.failures + 1 >= _ATTEMPTS:
            raise Permanent("unavailable", str(away)) from None
        raise Temporary(str(away), after=away.after, code="unavailable") from None
    except (SealingKeyMissing, SealUnopened):
        raise Permanent("error", "none of the sealing keys opens what was sent") from None


def _connect(ctx: Context, task: AccountTask) -> None:
    provider = PROVIDERS[task.provider_id]
    seconds = ctx.settings.accounts_seconds
    with connector(provider, ctx.settings.accounts_url, seconds=seconds) as opened:
        progress = Progress(ctx, task)
        signing_in = SigningIn(ctx, task, progress, opened)
        if not _collect(ctx, task, progress, opened, signing_in):
            # A session may end in the middle. Where a new one ends too it is no accident.
            signing_in.forget_session()
            if not _collect(ctx, task, progress, opened, signing_in):
                raise AccountAway("the provider ends every session at once")


def _collect(
    ctx: Context,
    task: AccountTask,
    progress: Progress,
    provider: Connector,
    signing_in: SigningIn,
) -> bool:
    """Collect with the session that there is, or a new one; False when it has ended."""
    session = signing_in.session()
    try:
        Collecting(ctx, task, progress, provider, session).collect()
    except SessionEnded:
        return False
    return True
