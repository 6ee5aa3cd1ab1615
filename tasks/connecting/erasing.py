"""Erasing what is known of somebody: a link, or all of it, also what is being read just now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.job import orders
from tasks.job.errors import Complaint
from tasks.records import income_links, income_tasks, income_users
from tasks.webhooks.account_tasks import tell_of_removal

if TYPE_CHECKING:
    from tasks.job.dispatch import Dispatch
    from tasks.records.income_links import Link

#: Who cancelled the tasks of what is removed, as their history says it.
_BY = "the client, who removed the link"


class PayUnderWay(Complaint):
    """Where pay goes is being changed: what comes of that has to be known first."""


def erase_link(dispatch: Dispatch, client_id: str, link_id: str) -> bool:
    """Remove a client's link, in one transaction with the end of its tasks and what is told of it.

    Sessions, documents and reports go with it; a worker that reads the account at this moment can
    keep nothing more. False if there is no such link; then the transaction must be undone.

    Raises:
        PayUnderWay: likewise.
    """
    link = income_links.find(dispatch.connection, client_id, link_id)
    if link is None or not income_users.hold(dispatch.connection, link.user_id, alone=True):
        return False
    return _erase(dispatch, client_id, link)


def erase_user(dispatch: Dispatch, client_id: str, user_id: str) -> bool:
    """Remove a client's user with all links, as `erase_link` does; False if there is none."""
    user = income_users.find(dispatch.connection, client_id, user_id)
    if user is None or not income_users.hold(dispatch.connection, user.id, alone=True):
        return False
    for link in income_links.of_user(dispatch.connection, user.id):
        _erase(dispatch, client_id, link)
    income_users.remove(dispatch.connection, user.id)
    return True


def _erase(dispatch: Dispatch, client_id: str, link: Link) -> bool:
    tasks = income_tasks.of_link(dispatch.connection, link.id)
    jobs = [one.job_id for one in tasks]
    dispatch.bells.extend(orders.cancel(dispatch.connection, jobs, by=_BY, at_once=True).bells)
    if orders.is_any_open(dispatch.connection, jobs):
        raise PayUnderWay
    tell_of_removal(dispatch, client_id, link, tasks[0] if tasks else None)
    return income_links.remove(dispatch.connection, link.id)
