"""Clients: the callers of the income API, each with an access secret, or two for a while."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


class Client(NamedTuple):
    """A client as it may be shown: everything but the secrets."""

    id: str
    name: str
    revoked: bool
    #: Until when the secret before the last change is still good.
    old_until: datetime | None


_ADD = text("INSERT INTO income_clients (id, name, digest) VALUES (:id, :name, :digest)")
_DIGESTS = text("""
    SELECT digest, CASE WHEN old_until > now() THEN old_digest END
    FROM income_clients WHERE id = :id AND revoked_at IS NULL
""")
_ALL = text("""
    SELECT id, name, revoked_at IS NOT NULL, CASE WHEN old_until > now() THEN old_until END
    FROM income_clients ORDER BY created_at, id
""")
_ROTATE = text("""
    UPDATE income_clients SET
        digest = :digest, sealed = :sealed, old_digest = CASE WHEN :hours > 0 THEN digest END,
        old_until = CASE WHEN :hours > 0 THEN now() + :hours * interval '1 hour' END
    WHERE id = :id AND revoked_at IS NULL
""")
_SEALED = text("SELECT sealed FROM income_clients WHERE id = :id")
_REVOKE = text("""
    UPDATE income_clients SET revoked_at = now() WHERE id = :id AND revoked_at IS NULL
""")
#: What a secret is compared with where there is no such client.
_NOBODY = bytes(32)


def add(connection: Connection, *, name: str = "") -> tuple[str, str]:
    """Register a client; return its id, and its secret, which can be shown just once."""
    client_id, secret = secrets.token_hex(16), new_secret()
    given = {"id": client_id, "name": name, "digest": digest(secret)}
    connection.execute(_ADD, given)
    return client_id, secret


def is_secret(connection: Connection, client_id: str, secret: str) -> bool:
    """Tell whether a secret is one of a client's, in a time that tells nothing about it."""
    kept = connection.execute(_DIGESTS, {"id": client_id}).first() or (None, None)
    given = digest(secret)
    new, old = (hmac.compare_digest(bytes(one) if one else _NOBODY, given) for one in kept)
    return new or old


def new_secret() -> str:
    """Return an access secret that nobody can guess."""
    return secrets.token_hex(32)


def rotate(
    connection: Connection, client_id: str, secret: str, *, sealed: bytes, hours: int
) -> bool:
    """Give a client another secret; False if there is none that was not revoked.

    The one before stays good for so many hours; one that was before that ends now.
    """
    given = {"id": client_id, "digest": digest(secret), "sealed": sealed, "hours": hours}
    return bool(connection.execute(_ROTATE, given).rowcount)


def sealed_secret(connection: Connection, client_id: str) -> bytes | None:
    """Return the secret of a client as it is sealed; None if it is the first one."""
    found = connection.execute(_SEALED, {"id": client_id}).scalar()
    return None if found is None else bytes(found)


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
