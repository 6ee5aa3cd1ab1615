"""What the jobs of the income API are about: whose account, at which provider, for what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from tasks.records.income_clients import digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

#: Refreshes that an access token is good for in a day.
REFRESHES_A_DAY = 3


@dataclass(frozen=True, kw_only=True)
class AccountTask:
    """A job of the type account_connection, without the job."""

    job_id: str
    client_id: str
    user_id: str
    link_id: str
    provider_id: str
    product_type: str
    tracking_info: str | None
    order_id: str | None
    #: The token that the login came with, sealed; None for a refresh.
    bridge_token: bytes | None
    is_refresh: bool
    #: Whether what was read of the link contradicts itself.
    is_suspicious: bool


_COLUMNS = (
    "job_id, client_id, task.user_id, link_id, provider_id, task.product_type, tracking_info,"
    " order_id, bridge_token, access_digest IS NOT NULL AS is_refresh, is_suspicious"
)
_FROM = "account_tasks AS task JOIN links ON links.id = link_id"
_ADD = text("""
    INSERT INTO account_tasks (
        job_id, client_id, user_id, link_id, product_type, tracking_info, order_id, bridge_token,
        access_digest
    )
    VALUES (
        :job, :client, :user, :link, :product, :tracking_info, :order_id, :bridge_token,
        :access_digest
    )
""")
_GET = text(f"SELECT {_COLUMNS} FROM {_FROM} WHERE job_id = :job")
_PAGE = text(f"""
    SELECT {_COLUMNS} FROM {_FROM}
    WHERE client_id = :client AND (CAST(:user AS text) IS NULL OR task.user_id = :user)
    ORDER BY task.seq DESC LIMIT :limit OFFSET :offset
""")
_COUNT = text("""
    SELECT count(*) FROM account_tasks
    WHERE client_id = :client AND (CAST(:user AS text) IS NULL OR user_id = :user)
""")
_OF_LINK = text(f"SELECT {_COLUMNS} FROM {_FROM} WHERE link_id = :link ORDER BY task.seq DESC")
_FORGET = text("DELETE FROM account_tasks WHERE job_id = ANY(:jobs)")


def add(
    connection: Connection,
    job_id: str,
    *,
    client_id: str,
    user_id: str,
    link_id: str,
    product_type: str,
    tracking_info: str | None = None,
    order_id: str | None = None,
    bridge_token: bytes | None = None,
    access_token: str | None = None,
) -> None:
    """Record what a job is about; with an access token it is a refresh."""
    access_digest = digest(access_token) if access_token else None
    given = {"client": client_id, "user": user_id, "link": link_id, "product": product_type}
    more = {"tracking_info": tracking_info, "order_id": order_id, "bridge_token": bridge_token}
    connection.execute(_ADD, {"job": job_id, **given, **more, "access_digest": access_digest})


def get(connection: Connection, job_id: str) -> AccountTask | None:
    """Return what a job is about, whosever it is."""
    row = connection.execute(_GET, {"job": job_id}).mappings().first()
    return _task(row) if row else None


def page(
    connection: Connection, client_id: str, user_id: str | None, *, limit: int, offset: int
) -> list[AccountTask]:
    """Return what tasks of a client are about, or of one of its users, newest first."""
    asked = {"client": client_id, "user": user_id, "limit": limit, "offset": offset}
    return [_task(row) for row in connection.execute(_PAGE, asked).mappings()]


def of_link(connection: Connection, link_id: str) -> list[AccountTask]:
    """Return what tasks of a link are about, newest first."""
    return [_task(row) for row in connection.execute(_OF_LINK, {"link": link_id}).mappings()]


def count(connection: Connection, client_id: str, user_id: str | None) -> int:
    """Return how many tasks a client has, or one of its users."""
    return int(connection.execute(_COUNT, {"client": client_id, "user": user_id}).scalar_one())


def forget(connection: Connection, jobs: Sequence[str]) -> None:
    """Remove what cleared jobs were about."""
    if jobs:
        connection.execute(_FORGET, {"jobs": list(jobs)})


_REFRESHES = text("""
    SELECT count(*) AS refreshes,
           extract(epoch FROM min(created_at) + interval '24 hours' - now()) AS seconds
    FROM account_tasks
    WHERE access_digest = :digest AND created_at > now() - interval '24 hours'
""")


def refresh_again_after(connection: Connection, access_token: str) -> float:
    """Return in how many seconds an access token is good for another refresh; 0 for now.

    Whoever asks holds the token's row, so that of two at once the second sees the first.
    """
    found = connection.execute(_REFRESHES, {"digest": digest(access_token)}).one()
    return float(found.seconds) if found.refreshes >= REFRESHES_A_DAY else 0.0


def now(connection: Connection) -> datetime:
    """Return the time of this transaction, which is that of every row it writes."""
    moment: datetime = connection.execute(_NOW).scalar_one()
    return moment


_NOW = text("SELECT now()")


def _task(row: Mapping[Any, Any]) -> AccountTask:
    token = row["bridge_token"]
    return AccountTask(**{**row, "bridge_token": None if token is None else bytes(token)})
