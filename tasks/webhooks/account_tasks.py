"""A task as the income API tells of it: the words of its status, and what a webhook is told.

It stands below the shapes for the same reason as that of a transaction: workers write it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.clients.accounts.directory import PROVIDERS
from tasks.job.states import State
from tasks.records.income_tasks import now
from tasks.webhooks.announce import announce

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tasks.job.dispatch import Dispatch
    from tasks.job.record import Job
    from tasks.records.income_links import Link
    from tasks.records.income_tasks import AccountTask

API, EVENT, LINK_DELETED = "income", "task-status-updated", "link-deleted"
#: What a task goes through while it runs, in this order; not each goes through all.
STAGES = ("login", "mfa", "parse", "full_parse", "switch_deposit")
#: How it may fail.
FAILURES = (
    "error",
    "login_error",
    "account_locked",
    "mfa_error",
    "config_error",
    "no_data",
    "unavailable",
    "unable_to_reset",
    "not_supported",
)
#: The words where neither a stage nor a code says more.
STATUS: Mapping[State, str] = {
    State.PENDING: "new",
    State.RUNNING: "new",
    State.COMPLETED: "done",
    State.FAILED: "error",
    State.REJECTED: "error",
}


def status(job: Job) -> str:
    """Return the documented word for where a task is, or how it ended."""
    if job.state is State.RUNNING and job.stage:
        return job.stage
    if job.state is State.FAILED and job.code in FAILURES:
        return job.code
    return STATUS[job.state]


def tell(dispatch: Dispatch, task: AccountTask, word: str) -> None:
    """Have the client's webhooks told that a task has another status from this commit on."""
    at = stamp(now(dispatch.connection))
    data = {
        "task_id": task.job_id,
        "link_id": task.link_id,
        "product": task.product_type,
        "data_source": PROVIDERS[task.provider_id].data_source,
        "tracking_info": task.tracking_info,
        "event_type": EVENT,
        "event_created_at": at,
        "updated_at": at,
        "status": word,
        "user_id": task.user_id,
    }
    announce(dispatch, API, task.client_id, EVENT, about=task.job_id, data=data)


def tell_of_removal(
    dispatch: Dispatch, client_id: str, link: Link, newest: AccountTask | None
) -> None:
    """Have the client's webhooks told that a link is gone, behind all that its last task told."""
    at = stamp(now(dispatch.connection))
    data = {
        "link_id": link.id,
        "product": link.product_type,
        "data_source": PROVIDERS[link.provider_id].data_source,
        "tracking_info": newest.tracking_info if newest else None,
        "event_type": LINK_DELETED,
        "event_created_at": at,
        "updated_at": at,
        "user_id": link.user_id,
    }
    about = newest.job_id if newest else link.id
    announce(dispatch, API, client_id, LINK_DELETED, about=about, data=data)


def stamp(moment: datetime) -> str:
    """Return a time as this API writes it."""
    return moment.isoformat().replace("+00:00", "Z")
