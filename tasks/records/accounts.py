"""Accounts: the callers of the credentials API, and the keys that they call with."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: How keys begin, so that they are told from JWTs, and found where they should not be.
PREFIX = "csk_"


class Key(NamedTuple):
    """A key as it may be shown: everything but the key."""

    id: int
    revoked: bool


_ADD = text("INSERT INTO accounts (uid, name) VALUES (:uid, :name)")
_KNOWN = text("SELECT EXISTS (SELECT FROM accounts WHERE uid = :uid)")
_ADD_KEY = text("INSERT INTO account_keys (account_uid, digest) VALUES (:uid, :digest)")
_OWNER = text("SELECT account_uid FROM account_keys WHERE digest = :digest AND revoked_at IS NULL")
_KEYS = text("""
    SELECT id, revoked_at IS NOT NULL FROM account_keys WHERE account_uid = :uid ORDER BY id
""")
_REVOKE = text("""
    UPDATE account_keys SET revoked_at = now() WHERE id = :id AND revoked_at IS NULL
""")


def add_account(connection: Connection, *, name: str = "") -> str:
    """Register an account and return its uid."""
    uid = secrets.token_hex(12)
    connection.execute(_ADD, {"uid": uid, "name": name})
    return uid


def is_known(connection: Connection, uid: str) -> bool:
    """Tell whether there is such an account."""
    return bool(connection.execute(_KNOWN, {"uid": uid}).scalar_one())


def add_key(connection: Connection, uid: str) -> str:
    """Make a key and return it; only its digest is kept, so it can be shown just once."""
    key = f"{PREFIX}{secrets.token_hex(32)}"
    connection.execute(_ADD_KEY, {"uid": uid, "digest": _digest(key)})
    return key


def owner_of_key(connection: Connection, key: str) -> str | None:
    """Return the uid of the account that a key in use belongs to."""
    found: str | None = connection.execute(_OWNER, {"digest": _digest(key)}).scalar()
    return found


def keys_of(connection: Connection, uid: str) -> list[Key]:
    """Return the keys of an account, oldest first."""
    return [Key(*row) for row in connection.execute(_KEYS, {"uid": uid})]


def revoke_key(connection: Connection, key_id: int) -> bool:
    """Revoke a key from now on; False if there is no such key in use."""
    return bool(connection.execute(_REVOKE, {"id": key_id}).rowcount)


def _digest(key: str) -> bytes:
    # 256 random bits need no salt and no slow hash: nobody can try them all.
    return hashlib.sha256(key.encode()).digest()
