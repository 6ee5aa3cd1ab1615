"""Operators: who may watch and who may act, their tokens, and what they did."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

#: A viewer sees everything that operators see, and an operator acts as well.
ROLES = ("viewer", "operator")
#: What tokens begin with, before 64 hexadecimal digits.
PREFIX = "ops_"
#: What an operator may be called.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
#: Shortest password; characters.
SHORTEST_PASSWORD = 12
#: Jobs that a row of the audit trail is shown with.
MOST_NAMED = 100

_hasher = PasswordHasher()


@dataclass(frozen=True)
class Operator:
    """Somebody who watches."""

    name: str
    role: str

    @property
    def may_act(self) -> bool:
        """Whether they may cancel, run again and replay."""
        return self.role == "operator"


@dataclass(frozen=True)
class Token:
    """A token as it is listed."""

    id: int
    name: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True)
class Action:
    """Something that an operator did."""

    id: int
    at: datetime
    operator: str
    action: str
    #: The ids of the jobs that it was done to: the first `MOST_NAMED`, and how many there are.
    jobs: Sequence[str]
    count: int
    details: Mapping[str, Any]


_ADD = text("""
    INSERT INTO operators (name, password_hash, role) VALUES (:name, :password_hash, :role)
    ON CONFLICT (name) DO NOTHING
""")
# Whoever is signed in by the old password or in the old role is not any more.
_CHANGE = text("""
    WITH ended AS (DELETE FROM operator_sessions WHERE operator = :name)
    UPDATE operators SET role = coalesce(:role, role),
        password_hash = coalesce(:password_hash, password_hash)
    WHERE name = :name
""")
_HASH_ANEW = text("UPDATE operators SET password_hash = :password_hash WHERE name = :name")
_REMOVE = text("DELETE FROM operators WHERE name = :name")
_ALL = text("SELECT name, role FROM operators ORDER BY name")
_FIND = text("SELECT name, role FROM operators WHERE name = :name")
_HASH = text("SELECT password_hash FROM operators WHERE name = :name")


def add(connection: Connection, name: str, *, password: str, role: str) -> bool:
    """Make an account; False if the name is taken."""
    given = {"name": name, "password_hash": _hasher.hash(password), "role": role}
    return bool(connection.execute(_ADD, given).rowcount)


def change(
    connection: Connection, name: str, *, password: str | None = None, role: str | None = None
) -> bool:
    """Change a password, a role or both, which ends sessions; False if nobody has the name."""
    hashed = _hasher.hash(password) if password is not None else None
    given = {"name": name, "password_hash": hashed, "role": role}
    return bool(connection.execute(_CHANGE, given).rowcount)


def remove(connection: Connection, name: str) -> bool:
    """Remove an account with its tokens; what its owner did stays on record."""
    return bool(connection.execute(_REMOVE, {"name": name}).rowcount)


def everybody(connection: Connection) -> list[Operator]:
    """Return all operators by name."""
    return [Operator(*row) for row in connection.execute(_ALL)]


def find(connection: Connection, name: str) -> Operator | None:
    """Return an operator by name."""
    row = connection.execute(_FIND, {"name": name}).first()
    return Operator(*row) if row else None


def authenticate(connection: Connection, name: str, password: str) -> Operator | None:
    """Return whose name and password these are; a wrong name takes as long as a wrong password."""
    known = connection.execute(_HASH, {"name": name}).scalar() if NAME.fullmatch(name) else None
    try:
        _hasher.verify(known or _nobody(), password)
    except VerificationError:
        return None
    if known is None:
        return None
    if _hasher.check_needs_rehash(known):
        given = {"name": name, "password_hash": _hasher.hash(password)}
        connection.execute(_HASH_ANEW, given)
    return find(connection, name)


@cache
def _nobody() -> str:
    """Return the hash of a password that nobody knows."""
    return _hasher.hash(secrets.token_hex())


_ADD_TOKEN = text("""
    INSERT INTO operator_tokens (operator, digest, name) VALUES (:operator, :digest, :name)
""")
_OWNER = text("""
    SELECT operators.name, role FROM operator_tokens AS token
    JOIN operators ON operators.name = token.operator
    WHERE digest = :digest AND revoked_at IS NULL
""")
_TOKENS = text("""
    SELECT id, name, created_at, revoked_at FROM operator_tokens
    WHERE operator = :operator ORDER BY id
""")
_REVOKE = text("""
    UPDATE operator_tokens SET revoked_at = now() WHERE id = :id AND revoked_at IS NULL
""")


def add_token(connection: Connection, operator: str, *, name: str) -> str:
    """Give an operator a token and return it: only its digest is kept."""
    token = f"{PREFIX}{secrets.token_hex(32)}"
    connection.execute(_ADD_TOKEN, {"operator": operator, "digest": _digest(token), "name": name})
    return token


def owner_of_token(connection: Connection, token: str) -> Operator | None:
    """Return the operator whose token this is, unless it was revoked."""
    row = connection.execute(_OWNER, {"digest": _digest(token)}).first()
    return Operator(*row) if row else None


def tokens_of(connection: Connection, operator: str) -> list[Token]:
    """Return an operator's tokens, oldest first."""
    return [Token(*row) for row in connection.execute(_TOKENS, {"operator": operator})]


def revoke_token(connection: Connection, token_id: int) -> bool:
    """Revoke a token from now on; False if none of this number is in use."""
    return bool(connection.execute(_REVOKE, {"id": token_id}).rowcount)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


_NOTE = text("""
    INSERT INTO operator_actions (operator, action, jobs, details)
    VALUES (:operator, :action, :jobs, :details)
""")
_ACTIONS = text(f"""
    SELECT id, at, operator, action, jobs[1:{MOST_NAMED}], cardinality(jobs), details
    FROM operator_actions
    WHERE (CAST(:before AS bigint) IS NULL OR id < :before)
      AND (CAST(:job AS text) IS NULL OR jobs @> ARRAY[:job])
    ORDER BY id DESC LIMIT :limit
""")


def note(
    connection: Connection, operator: str, action: str, jobs: Sequence[str], **details: Any
) -> None:
    """Keep what an operator did, in the transaction in which it is done."""
    given = {"operator": operator, "action": action, "jobs": list(jobs)}
    connection.execute(_NOTE, {**given, "details": json.dumps(details)})


def actions(
    connection: Connection, *, job: str | None = None, before: int | None = None, limit: int = 50
) -> list[Action]:
    """Return what was done, or what was done to one job, newest first, from behind `before`."""
    asked = {"job": job, "before": before, "limit": limit}
    return [Action(*row) for row in connection.execute(_ACTIONS, asked)]
