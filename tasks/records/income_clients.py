"""Clients: the callers of the income API, each with one access secret."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Client(NamedTuple):
    """A client as it may be shown: everything but the secret."""

    id: str
    name: str
    revoked: bool


_ADD = text("INSERT INTO income_clients (id, name, digest) VALUES (:id, :name, :digest)")
_DIGEST = text("SELECT digest FROM income_clients WHERE id = :id AND revoked_at IS NULL")
_ALL = text("SELECT id, name, revoked_at IS NOT NULL FROM income_clients ORDER BY created_at, id")
_REVOKE = text("""
    UPDATE income_clients SET revoked_at = now() WHERE id = :id AND revoked_at IS NULL
""")
#: What a secret is compared with where there is no such client.
_NOBODY = bytes(32)


def add(connection: Connection, *, name: str = "") -> tuple[str, str]:
    """Register a client; return its id, and its secret, which can be shown just once."""
    client_id, secret = secrets.token_hex(16), secrets.token_hex(32)
    given = {"id": client_id, "name": name, "digest": digest(secret)}
    connection.execute(_ADD, given)
    return client_id, secret


def is_secret(connection: Connection, client_id: str, secret: str) -> bool:
    """Tell whether a secret is that of a client, in a time that tells nothing about it."""
    kept = connection.execute(_DIGEST, {"id": client_id}).scalar()
    return hmac.compare_digest(bytes(kept) if kept else _NOBODY, digest(secret))


def everybody(connection: Connection) -> list[Client]:
    """Return all clients, oldest first."""
    return [Client(*row) for row in connection.execute(_ALL)]


def revoke(connection: Connection, client_id: str) -> bool:
    """Let a client in no more; False if there is none that was."""
    return bool(connection.execute(_REVOKE, {"id": client_id}).rowcount)


def digest(token: str) -> bytes:
    """Return what is kept of a secret or token of ours."""
    # 128 random bits and more need no salt and no slow hash: nobody can try them all.
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
