"""Users of the income API, and the tokens with which their browsers sign them in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from tasks.records.income_clients import digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

#: How long a bridge token is good for, and how long we still know that it was; hours.
BRIDGE_HOURS, REMEMBERED_HOURS = 6, 48


@dataclass(frozen=True, kw_only=True)
class User:
    """Somebody whose account a client wants to connect."""

    id: str
    external_user_id: str
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Bridge:
    """What a bridge token stands for."""

    client_id: str
    user_id: str
    product_type: str
    #: The link that is to be connected again.
    link_id: str | None
    tracking_info: str | None
    order_id: str | None
    #: The bank account that pay is to go to, sealed.
    account: bytes | None
    is_expired: bool


_COLUMNS = "id, external_user_id, first_name, last_name, email, phone, created_at"
_ADD = text(f"""
    INSERT INTO income_users (
        id, client_id, external_user_id, first_name, last_name, email, phone
    )
    VALUES (:id, :client, :external_user_id, :first_name, :last_name, :email, :phone)
    RETURNING {_COLUMNS}
""")
_FIND = text(f"SELECT {_COLUMNS} FROM income_users WHERE client_id = :client AND id = :id")
_PAGE = text(f"""
    SELECT {_COLUMNS} FROM income_users WHERE client_id = :client
    ORDER BY seq DESC LIMIT :limit OFFSET :offset
""")
_HOLD = text("SELECT id FROM income_users WHERE id = :id FOR KEY SHARE")
_HOLD_ALONE = text("SELECT id FROM income_users WHERE id = :id FOR UPDATE")
_REMOVE = text("DELETE FROM income_users WHERE id = :id")
_COUNT = text("SELECT count(*) FROM income_users WHERE client_id = :client")


def add(connection: Connection, client_id: str, given: Mapping[str, Any]) -> User:
    """Record a user of a client, and return them."""
    values = {**given, "id": secrets.token_hex(16), "client": client_id}
    return User(**connection.execute(_ADD, values).mappings().one())


def find(connection: Connection, client_id: str, user_id: str) -> User | None:
    """Return a client's own user."""
    row = connection.execute(_FIND, {"client": client_id, "id": user_id}).mappings().first()
    return User(**row) if row else None


def page(connection: Connection, client_id: str, *, limit: int, offset: int) -> list[User]:
    """Return users of a client, newest first."""
    asked = {"client": client_id, "limit": limit, "offset": offset}
    return [User(**row) for row in connection.execute(_PAGE, asked).mappings()]


def count(connection: Connection, client_id: str) -> int:
    """Return how many users a client has."""
    return int(connection.execute(_COUNT, {"client": client_id}).scalar_one())


def hold(connection: Connection, user_id: str, *, alone: bool = False) -> bool:
    """Have nobody remove a user before this transaction is over; False where that was done.

    Whoever adds something to a user holds them first, and whoever removes something holds them
    alone, so that each sees all that the other has done.
    """
    found = connection.execute(_HOLD_ALONE if alone else _HOLD, {"id": user_id})
    return found.first() is not None


def remove(connection: Connection, user_id: str) -> None:
    """Remove a user with everything that is known of them."""
    connection.execute(_REMOVE, {"id": user_id})


_ADD_TOKEN = text("""
    INSERT INTO bridge_tokens (
        digest, user_id, product_type, link_id, tracking_info, order_id, account, expires_at
    )
    VALUES (
        :digest, :user, :product, :link, :tracking_info, :order_id, :account,
        now() + :hours * interval '1 hour'
    )
""")
_BRIDGE = text("""
    SELECT client_id, user_id, product_type, link_id, tracking_info, order_id, account,
           expires_at <= now() AS is_expired
    FROM bridge_tokens JOIN income_users ON income_users.id = user_id
        JOIN income_clients ON income_clients.id = client_id
    WHERE bridge_tokens.digest = :digest AND revoked_at IS NULL
""")
_FORGET_ACCOUNTS = text("""
    UPDATE bridge_tokens SET account = NULL
    WHERE digest IN (
        SELECT digest FROM bridge_tokens WHERE account IS NOT NULL AND expires_at <= now()
        FOR UPDATE SKIP LOCKED
    )
""")
_FORGET = text("""
    DELETE FROM bridge_tokens
    WHERE digest IN (
        SELECT digest FROM bridge_tokens WHERE expires_at < now() - :hours * interval '1 hour'
        FOR UPDATE SKIP LOCKED
    )
""")


def add_bridge_token(
    connection: Connection,
    user_id: str,
    *,
    product_type: str,
    link_id: str | None = None,
    tracking_info: str | None = None,
    order_id: str | None = None,
    account: bytes | None = None,
) -> str:
    """Make a token that signs a user in for a product; only its digest is kept."""
    token = secrets.token_hex(16)
    given = {"user": user_id, "product": product_type, "link": link_id, "account": account}
    more = {"tracking_info": tracking_info, "order_id": order_id, "hours": BRIDGE_HOURS}
    connection.execute(_ADD_TOKEN, {"digest": digest(token), **given, **more})
    return token


def bridge(connection: Connection, token: str) -> Bridge | None:
    """Return what a bridge token stands for, be it expired.

    None where nobody knows it, or its client was revoked.
    """
    row = connection.execute(_BRIDGE, {"digest": digest(token)}).mappings().first()
    return Bridge(**{**row, "account": _bytes(row["account"])}) if row else None


def forget_bridge_tokens(connection: Connection) -> None:
    """Remove tokens that expired long ago, and the bank accounts of all that did."""
    connection.execute(_FORGET_ACCOUNTS)
    connection.execute(_FORGET, {"hours": REMEMBERED_HOURS})


def _bytes(given: Any) -> bytes | None:
    return None if given is None else bytes(given)
