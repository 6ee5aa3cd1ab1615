"""Links: connections to accounts, the access tokens that stand for them, their sessions."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from tasks.records import income_users
from tasks.records.income_clients import digest

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class Link:
    """A connection to an account."""

    id: str
    user_id: str
    provider_id: str
    product_type: str
    is_suspicious: bool
    exchanged_at: datetime | None
    created_at: datetime


_COLUMNS = (
    "links.id, user_id, provider_id, product_type, is_suspicious, exchanged_at, links.created_at"
)
_ADD = text("""
    INSERT INTO links (id, user_id, provider_id, product_type)
    VALUES (:id, :user, :provider, :product)
""")
_FIND = text(f"""
    SELECT {_COLUMNS} FROM links JOIN income_users ON income_users.id = user_id
    WHERE links.id = :id AND client_id = :client
""")
_OF_TOKEN = text(f"""
    SELECT {_COLUMNS} FROM link_access_tokens JOIN links ON links.id = link_id
    JOIN income_users ON income_users.id = user_id
    WHERE digest = :digest AND client_id = :client
""")
_LOCK_TOKEN = text("SELECT link_id FROM link_access_tokens WHERE digest = :digest FOR UPDATE")
_OF_USER = text(f"""
    SELECT {_COLUMNS} FROM links JOIN income_users ON income_users.id = user_id
    WHERE user_id = :user ORDER BY links.id
""")
_REMOVE = text("DELETE FROM links WHERE id = :id")
_EXCHANGE = text("""
    UPDATE links SET exchanged_at = now() WHERE id = :id AND exchanged_at IS NULL
""")
_ADD_TOKEN = text("INSERT INTO link_access_tokens (digest, link_id) VALUES (:digest, :link)")
_SUSPECT = text("UPDATE links SET is_suspicious = :suspicious WHERE id = :id")


def add(connection: Connection, *, user_id: str, provider_id: str, product_type: str) -> str:
    """Record a link and return its id."""
    link_id = secrets.token_hex(16)
    given = {"user": user_id, "provider": provider_id, "product": product_type}
    connection.execute(_ADD, {"id": link_id, **given})
    return link_id


def find(connection: Connection, client_id: str, link_id: str) -> Link | None:
    """Return a link of a client's own."""
    row = connection.execute(_FIND, {"id": link_id, "client": client_id}).mappings().first()
    return Link(**row) if row else None


def exchange(connection: Connection, link_id: str) -> str | None:
    """Return a new access token for the public token of a link; None if that was used before."""
    if not connection.execute(_EXCHANGE, {"id": link_id}).rowcount:
        return None
    token = secrets.token_hex(16)
    connection.execute(_ADD_TOKEN, {"digest": digest(token), "link": link_id})
    return token


def of_access_token(connection: Connection, client_id: str, token: str) -> Link | None:
    """Return the link of a client's access token; others who ask wait for this transaction.

    Nobody removes it meanwhile.
    """
    asked = {"digest": digest(token), "client": client_id}
    row = connection.execute(_OF_TOKEN, asked).mappings().first()
    if row is None or not income_users.hold(connection, row["user_id"]):
        return None
    return Link(**row) if connection.execute(_LOCK_TOKEN, asked).first() else None


def of_user(connection: Connection, user_id: str) -> list[Link]:
    """Return all links of a user."""
    return [Link(**row) for row in connection.execute(_OF_USER, {"user": user_id}).mappings()]


def remove(connection: Connection, link_id: str) -> bool:
    """Remove a link with everything that is known of it; False if there is none."""
    return bool(connection.execute(_REMOVE, {"id": link_id}).rowcount)


def mark(connection: Connection, link_id: str, *, suspicious: bool) -> None:
    """Note whether what was read of a link contradicts itself."""
    connection.execute(_SUSPECT, {"id": link_id, "suspicious": suspicious})


_KEEP_SESSION = text("""
    UPDATE links SET session = :session, session_ends_at = :ends_at WHERE id = :id
""")
_END_SESSION = text("""
    UPDATE links SET session = NULL, session_ends_at = NULL WHERE id = :id AND session = :session
""")
_SESSION = text("SELECT session FROM links WHERE id = :id AND session_ends_at > now()")
_FORGET_SESSIONS = text("""
    UPDATE links SET session = NULL, session_ends_at = NULL
    WHERE id IN (
        SELECT id FROM links WHERE session IS NOT NULL AND session_ends_at <= now()
        FOR UPDATE SKIP LOCKED
    )
""")


def keep_session(connection: Connection, link_id: str, session: bytes, ends_at: datetime) -> None:
    """Keep the sealed session of a link for refreshes, until it ends."""
    given = {"id": link_id, "session": session, "ends_at": ends_at}
    connection.execute(_KEEP_SESSION, given)


def end_session(connection: Connection, link_id: str, session: bytes) -> None:
    """Forget the sealed session of a link that has ended, unless it has another one."""
    connection.execute(_END_SESSION, {"id": link_id, "session": session})


def session(connection: Connection, link_id: str) -> bytes | None:
    """Return the sealed session of a link, if there is one that has not ended."""
    found = connection.execute(_SESSION, {"id": link_id}).scalar()
    return None if found is None else bytes(found)


def forget_sessions(connection: Connection) -> None:
    """Remove the sessions that have ended."""
    connection.execute(_FORGET_SESSIONS)
