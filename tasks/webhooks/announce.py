"""Tell those who asked for it that something has happened, in the commit in which it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.job.declare import nano_id
from tasks.records import webhooks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.job.dispatch import Dispatch


def announce(
    dispatch: Dispatch, api: str, tenant: str, event: str, *, about: str, data: Mapping[str, Any]
) -> None:
    """Have every active webhook of a tenant that listens to an event told of it, once each.

    Args:
        dispatch: Whose transaction it happens in.
        api: The API whose webhooks they are, and whose form they are told in.
        tenant: Whose they are.
        event: The API's word for it.
        about: The id of what it happened to.
        data: What the form is filled with.
    """
    for webhook in webhooks.listening(dispatch.connection, api, tenant, event):
        delivery = f"msg_{nano_id()}"
        job = dispatch.add("deliver_webhook", {"delivery": delivery}, tenant=tenant)
        webhooks.add_delivery(
            dispatch.connection, delivery, webhook, event, about=about, data=data, job=job
        )


def tell_again(dispatch: Dispatch, tenant: str, webhook: int, delivery: str) -> bool:
    """Have something delivered again that was delivered or given up; False if it was neither."""
    job = dispatch.add("deliver_webhook", {"delivery": delivery}, tenant=tenant)
    return webhooks.replay(dispatch.connection, webhook, delivery, job=job)
