"""Services: the callers of the screening API, and the keys that they call with."""

from __future__ import annotations

import hashlib
import secrets
import string
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Where the requests of a key come from: a program, or one of the two user interfaces, which say
#: for each request which of their users it is made for.
CHANNELS = ("api", "portal", "admin")

_LETTERS = string.ascii_letters + string.digits
_UID_LENGTH = 28


class Caller(NamedTuple):
    """Who a request comes from."""

    service_uid: str
    channel: str


class Key(NamedTuple):
    """A key as it may be shown: everything but the key."""

    id: int
    channel: str
    revoked: bool


_ADD = text("INSERT INTO services (uid, name) VALUES (:uid, :name)")
_KNOWN = text("SELECT EXISTS (SELECT FROM services WHERE uid = :uid)")
_ADD_KEY = text("""
    INSERT INTO service_keys (service_uid, digest, channel) VALUES (:uid, :digest, :channel)
""")
_CALLER = text("""
    SELECT service_uid, channel FROM service_keys
    WHERE digest = :digest AND service_uid = :uid AND revoked_at IS NULL
""")
_KEYS = text("""
    SELECT id, channel, revoked_at IS NOT NULL FROM service_keys
    WHERE service_uid = :uid ORDER BY id
""")
_REVOKE = text("""
    UPDATE service_keys SET revoked_at = now() WHERE id = :id AND revoked_at IS NULL
""")


def add_service(connection: Connection, *, name: str = "") -> str:
    """Register a service and return its uid."""
    uid = "".join(secrets.choice(_LETTERS) for _ in range(_UID_LENGTH))
    connection.execute(_ADD, {"uid": uid, "name": name})
    return uid


def is_known(connection: Connection, uid: str) -> bool:
    """Tell whether there is such a service."""
    return bool(connection.execute(_KNOWN, {"uid": uid}).scalar_one())


def add_key(connection: Connection, uid: str, *, channel: str) -> str:
    """Make a key and return it; only its digest is kept, so it can be shown just once."""
    key = secrets.token_hex(32)
    connection.execute(_ADD_KEY, {"uid": uid, "digest": _digest(key), "channel": channel})
    return key


def find_caller(connection: Connection, uid: str, key: str) -> Caller | None:
    """Return who calls with these credentials, or None if nobody may."""
    row = connection.execute(_CALLER, {"uid": uid, "digest": _digest(key)}).first()
    return Caller(*row) if row else None


def keys_of(connection: Connection, uid: str) -> list[Key]:
    """Return the keys of a service, oldest first."""
    return [Key(*row) for row in connection.execute(_KEYS, {"uid": uid})]


def revoke_key(connection: Connection, key_id: int) -> bool:
    """Revoke a key from now on; False if there is no such key in use."""
    return bool(connection.execute(_REVOKE, {"id": key_id}).rowcount)


def _digest(key: str) -> bytes:
    # 256 random bits need no salt and no slow hash: nobody can try them all.
    return hashlib.sha256(key.encode()).digest()
