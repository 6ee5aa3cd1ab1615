"""Webhooks, what they were or will be told, and every try at that."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from tasks.clients.webhooks import Outcome


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Where a tenant wants to be told of which events."""

    id: int
    url: str
    events: Sequence[str]
    description: str
    active: bool
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What is to be sent, and where."""

    id: str
    event: str
    data: Mapping[str, Any]
    api: str
    webhook_id: int
    url: str
    active: bool
    sealed: bytes


class Receiver(NamedTuple):
    """Whom a delivery is for, and the id of what it is about."""

    tenant: str
    webhook_id: int
    about: str


@dataclass(frozen=True, kw_only=True)
class Logged:
    """A delivery as its webhook's owner may see it."""

    id: str
    event: str
    about: str
    state: str
    created_at: datetime
    delivered_at: datetime | None
    #: When it is tried next; None where it is over or at work.
    due_at: datetime | None
    #: Every try: at, response_code, reason, seconds.
    attempts: Sequence[Mapping[str, Any]]


_COLUMNS = "id, url, events, description, active, created_at"
_ADD = text(f"""
    INSERT INTO webhooks (api, tenant, url, events, description, active, sealed)
    VALUES (:api, :tenant, :url, :events, :description, :active, :sealed)
    RETURNING {_COLUMNS}
""")
_FIND = text(f"SELECT {_COLUMNS} FROM webhooks WHERE api = :api AND tenant = :tenant AND id = :id")
_PAGE = text(f"""
    SELECT {_COLUMNS} FROM webhooks WHERE api = :api AND tenant = :tenant
    ORDER BY id LIMIT :limit OFFSET :offset
""")
_CHANGE = text(f"""
    UPDATE webhooks SET
        url = coalesce(:url, url), events = coalesce(CAST(:events AS text[]), events),
        description = coalesce(:description, description), active = coalesce(:active, active)
    WHERE api = :api AND tenant = :tenant AND id = :id
    RETURNING {_COLUMNS}
""")
_REMOVE = text("DELETE FROM webhooks WHERE api = :api AND tenant = :tenant AND id = :id")
_SEALED = text("SELECT sealed FROM webhooks ORDER BY id DESC LIMIT :limit")
_LISTENING = text("""
    SELECT id FROM webhooks
    WHERE api = :api AND tenant = :tenant AND active AND :event = ANY(events) ORDER BY id
""")


def add(
    connection: Connection,
    api: str,
    tenant: str,
    *,
    url: str,
    events: Sequence[str],
    description: str,
    active: bool,
    sealed: bytes,
) -> Webhook:
    """Record a webhook with its sealed secrets, and return it."""
    given = {"url": url, "events": list(events), "description": description, "active": active}
    whose = {"api": api, "tenant": tenant, "sealed": sealed}
    return Webhook(**connection.execute(_ADD, {**whose, **given}).mappings().one())


def find(connection: Connection, api: str, tenant: str, webhook_id: int) -> Webhook | None:
    """Return a webhook of a tenant."""
    asked = {"api": api, "tenant": tenant, "id": webhook_id}
    row = connection.execute(_FIND, asked).mappings().first()
    return Webhook(**row) if row else None


def sealed_secrets(connection: Connection, *, limit: int) -> list[bytes]:
    """Return the sealed secrets of the newest webhooks, whosever they are."""
    return [bytes(row.sealed) for row in connection.execute(_SEALED, {"limit": limit})]


def page(
    connection: Connection, api: str, tenant: str, *, limit: int, offset: int
) -> list[Webhook]:
    """Return webhooks of a tenant, oldest first."""
    asked = {"api": api, "tenant": tenant, "limit": limit, "offset": offset}
    return [Webhook(**row) for row in connection.execute(_PAGE, asked).mappings()]


def change(
    connection: Connection, api: str, tenant: str, webhook_id: int, changes: Mapping[str, Any]
) -> Webhook | None:
    """Change a webhook's url, events, description or active, as far as they are given."""
    given = {"url": None, "events": None, "description": None, "active": None, **changes}
    whose = {"api": api, "tenant": tenant, "id": webhook_id}
    row = connection.execute(_CHANGE, {**whose, **given}).mappings().first()
    return Webhook(**row) if row else None


def remove(connection: Connection, api: str, tenant: str, webhook_id: int) -> bool:
    """Remove a webhook with all its deliveries; False if there is none."""
    asked = {"api": api, "tenant": tenant, "id": webhook_id}
    return bool(connection.execute(_REMOVE, asked).rowcount)


def listening(connection: Connection, api: str, tenant: str, event: str) -> list[int]:
    """Return the ids of a tenant's active webhooks that want to be told of an event."""
    asked = {"api": api, "tenant": tenant, "event": event}
    return list(connection.execute(_LISTENING, asked).scalars())


_ADD_DELIVERY = text("""
    INSERT INTO webhook_deliveries (id, webhook_id, event, about, data, job_id)
    VALUES (:id, :webhook, :event, :about, :data, :job)
""")
_DELIVERY = text("""
    SELECT told.id, event, data, api, webhook_id, url, active, sealed
    FROM webhook_deliveries AS told JOIN webhooks ON webhooks.id = webhook_id
    WHERE told.id = :id
""")
_RECEIVER = text("""
    SELECT tenant, webhook_id, about
    FROM webhook_deliveries AS told JOIN webhooks ON webhooks.id = webhook_id
    WHERE told.id = :id
""")
_NOTE = text("""
    INSERT INTO webhook_attempts (delivery_id, response_code, reason, seconds)
    SELECT id, :code, :reason, :seconds FROM webhook_deliveries WHERE id = :id
""")
_END = text("""
    UPDATE webhook_deliveries
    SET state = :state, delivered_at = CASE WHEN :state = 'delivered' THEN now() END
    WHERE job_id = :job AND state = 'pending'
""")
# It waits for whoever ends the earlier one at this moment, who then sees that this one is waiting.
_EARLIER = text("""
    SELECT earlier.id
    FROM webhook_deliveries AS earlier JOIN webhook_deliveries AS this ON this.id = :id
    WHERE earlier.webhook_id = this.webhook_id AND earlier.about = this.about
      AND earlier.seq < this.seq AND earlier.state = 'pending'
    LIMIT 1 FOR SHARE OF earlier
""")
_NEXT = text("""
    SELECT next.job_id
    FROM webhook_deliveries AS next JOIN webhook_deliveries AS this ON this.job_id = :job
    WHERE next.webhook_id = this.webhook_id AND next.about = this.about AND next.state = 'pending'
    ORDER BY next.seq LIMIT 1
""")
_REPLAY = text("""
    UPDATE webhook_deliveries SET state = 'pending', delivered_at = NULL, job_id = :job
    WHERE id = :id AND webhook_id = :webhook AND state <> 'pending'
""")
_HAND_OVER = text("""
    UPDATE webhook_deliveries SET state = 'pending', delivered_at = NULL, job_id = :job
    WHERE id = :id AND state <> 'pending'
""")
_LOG = text("""
    SELECT told.id, told.event, told.about, told.state, told.created_at, told.delivered_at,
           CASE WHEN told.state = 'pending' AND jobs.worker IS NULL THEN jobs.due_at END AS due_at,
           (SELECT coalesce(json_agg(json_build_object(
                'at', tried.at, 'responseCode', tried.response_code, 'error', tried.reason,
                'seconds', tried.seconds) ORDER BY tried.seq), '[]')
            FROM webhook_attempts AS tried WHERE tried.delivery_id = told.id) AS attempts
    FROM webhook_deliveries AS told LEFT JOIN jobs ON jobs.id = told.job_id
    WHERE webhook_id = :webhook AND (CAST(:id AS text) IS NULL OR told.id = :id)
    ORDER BY told.seq DESC LIMIT :limit OFFSET :offset
""")
_FORGET = text("DELETE FROM webhook_deliveries WHERE job_id = ANY(:jobs)")


def add_delivery(
    connection: Connection,
    delivery_id: str,
    webhook_id: int,
    event: str,
    *,
    about: str,
    data: Mapping[str, Any],
    job: str,
) -> None:
    """Record what a job is to tell a webhook."""
    given = {"id": delivery_id, "webhook": webhook_id, "event": event, "about": about, "job": job}
    connection.execute(_ADD_DELIVERY, {**given, "data": json.dumps(data)})


def delivery(connection: Connection, delivery_id: str) -> Delivery | None:
    """Return a delivery with what is needed to send it; None if its webhook is gone."""
    row = connection.execute(_DELIVERY, {"id": delivery_id}).mappings().first()
    return Delivery(**{**row, "sealed": bytes(row["sealed"])}) if row else None


def receiver(connection: Connection, delivery_id: str) -> Receiver | None:
    """Return whom a delivery is for; None if there is no such delivery."""
    row = connection.execute(_RECEIVER, {"id": delivery_id}).first()
    return Receiver(*row) if row else None


def note_attempt(connection: Connection, delivery_id: str, outcome: Outcome) -> None:
    """Keep how a try went."""
    connection.execute(_NOTE, {"id": delivery_id, **outcome._asdict()})


def end_delivery(connection: Connection, job: str, *, delivered: bool) -> None:
    """Note how the job of a delivery has ended."""
    connection.execute(_END, {"job": job, "state": "delivered" if delivered else "failed"})


def has_earlier(connection: Connection, delivery_id: str) -> bool:
    """Tell whether its webhook has still to be told something earlier of the same story."""
    return connection.execute(_EARLIER, {"id": delivery_id}).first() is not None


def next_job(connection: Connection, job: str) -> str | None:
    """Return the job of what comes next to where the delivery of a job went, of its story."""
    found: str | None = connection.execute(_NEXT, {"job": job}).scalar()
    return found


def replay(connection: Connection, webhook_id: int, delivery_id: str, *, job: str) -> bool:
    """Give a delivery that is over to another job; False if it is not over, or not there."""
    given = {"id": delivery_id, "webhook": webhook_id, "job": job}
    return bool(connection.execute(_REPLAY, given).rowcount)


def hand_over(connection: Connection, delivery_id: str, *, job: str) -> bool:
    """The same whosever webhook it is."""
    return bool(connection.execute(_HAND_OVER, {"id": delivery_id, "job": job}).rowcount)


def logged(
    connection: Connection,
    webhook_id: int,
    *,
    delivery_id: str | None = None,
    limit: int = 1,
    offset: int = 0,
) -> list[Logged]:
    """Return the deliveries of a webhook with their tries, newest first; or only the one named."""
    asked = {"webhook": webhook_id, "id": delivery_id, "limit": limit, "offset": offset}
    return [Logged(**row) for row in connection.execute(_LOG, asked).mappings()]


def forget(connection: Connection, jobs: Sequence[str]) -> None:
    """Remove what jobs have told, now that they are cleared."""
    if jobs:
        connection.execute(_FORGET, {"jobs": list(jobs)})
