"""Webhooks of the income API: those of every API, and the environment that they say they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from tasks.records import webhooks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from tasks.records.webhooks import Webhook

_API = "income"


class Hook(NamedTuple):
    """A webhook of a client."""

    webhook: Webhook
    env_type: str
    updated_at: datetime


_ADD = text("INSERT INTO income_webhooks (webhook_id, env_type) VALUES (:id, :env_type)")
_CHANGE = text("""
    UPDATE income_webhooks SET env_type = coalesce(:env_type, env_type), updated_at = now()
    WHERE webhook_id = :id
""")
_MORE = text("""
    SELECT webhook_id, env_type, updated_at FROM income_webhooks WHERE webhook_id = ANY(:ids)
""")
_SIGN_WITH = text("UPDATE webhooks SET sealed = :sealed WHERE api = :api AND tenant = :client")
_COUNT = text("SELECT count(*) FROM webhooks WHERE api = :api AND tenant = :client")


def add(connection: Connection, client_id: str, given: Mapping[str, Any], *, sealed: bytes) -> Hook:
    """Record a webhook with its sealed secrets, and return it."""
    made = webhooks.add(
        connection,
        _API,
        client_id,
        url=given["url"],
        events=given["events"],
        description=given["description"],
        active=True,
        sealed=sealed,
    )
    connection.execute(_ADD, {"id": made.id, "env_type": given["env_type"]})
    return _with_more(connection, [made])[0]


def find(connection: Connection, client_id: str, webhook_id: int) -> Hook | None:
    """Return a webhook of a client's own."""
    found = webhooks.find(connection, _API, client_id, webhook_id)
    return _with_more(connection, [found])[0] if found else None


def page(connection: Connection, client_id: str, *, limit: int, offset: int) -> list[Hook]:
    """Return webhooks of a client, oldest first."""
    found = webhooks.page(connection, _API, client_id, limit=limit, offset=offset)
    return _with_more(connection, found)


def count(connection: Connection, client_id: str) -> int:
    """Return how many webhooks a client has."""
    return int(connection.execute(_COUNT, {"api": _API, "client": client_id}).scalar_one())


def change(
    connection: Connection, client_id: str, webhook_id: int, changes: Mapping[str, Any]
) -> Hook | None:
    """Change what is given of a webhook; None if a client has no such."""
    rest = dict(changes)
    env_type = rest.pop("env_type", None)
    changed = webhooks.change(connection, _API, client_id, webhook_id, rest)
    if changed is None:
        return None
    connection.execute(_CHANGE, {"id": webhook_id, "env_type": env_type})
    return _with_more(connection, [changed])[0]


def sign_with(connection: Connection, client_id: str, *, sealed: bytes) -> None:
    """Give all webhooks of a client other sealed secrets."""
    connection.execute(_SIGN_WITH, {"api": _API, "client": client_id, "sealed": sealed})


def remove(connection: Connection, client_id: str, webhook_id: int) -> bool:
    """Remove a webhook with its deliveries; False if a client has no such."""
    return webhooks.remove(connection, _API, client_id, webhook_id)


def _with_more(connection: Connection, found: Sequence[Webhook]) -> list[Hook]:
    rows = connection.execute(_MORE, {"ids": [one.id for one in found]})
    more = {row.webhook_id: row for row in rows}
    return [Hook(one, more[one.id].env_type, more[one.id].updated_at) for one in found]
