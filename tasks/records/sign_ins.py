"""Operators who are signed in at the dashboard, and how often somebody may try to be."""

from __future__ import annotations

import hashlib
import math
import secrets
from typing import TYPE_CHECKING

from sqlalchemy import text

from tasks.records.operators import Operator

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: How long a session lasts at the most, and how long without being used; hours.
LONGEST_HOURS, IDLE_HOURS = 12, 2
#: How far tries are looked back at; minutes.
WINDOW_MINUTES = 15
#: Tries that may fail within that: for a name from one address, for a name from anywhere, and
#: from an address for any name.
PER_NAME_THERE, PER_NAME, PER_ADDRESS = 10, 50, 50

_BEGIN = text(f"""
    WITH over AS (
        DELETE FROM operator_sessions WHERE began_at < now() - interval '{LONGEST_HOURS} hours'
    )
    INSERT INTO operator_sessions (digest, operator, role) VALUES (:digest, :operator, :role)
""")
_FIND = text(f"""
    SELECT operators.name, operators.role, used_at < now() - interval '1 minute'
    FROM operator_sessions AS session
    JOIN operators ON operators.name = session.operator AND operators.role = session.role
    WHERE digest = :digest AND began_at > now() - interval '{LONGEST_HOURS} hours'
      AND used_at > now() - interval '{IDLE_HOURS} hours'
""")
_USE = text("UPDATE operator_sessions SET used_at = now() WHERE digest = :digest")
_END = text("DELETE FROM operator_sessions WHERE digest = :digest")


def begin(connection: Connection, operator: Operator) -> str:
    """Begin a session and return its token: only a digest is kept."""
    token = secrets.token_urlsafe(32)
    given = {"digest": _digest(token), "operator": operator.name, "role": operator.role}
    connection.execute(_BEGIN, given)
    return token


def find(connection: Connection, token: str, *, is_use: bool) -> Operator | None:
    """Return whose session it is, unless that is over: by time, or since the account changed.

    `is_use` says whether somebody uses it now, and not a page that is left open.
    """
    row = connection.execute(_FIND, {"digest": _digest(token)}).first()
    if row is None:
        return None
    name, role, is_noted_long_ago = row
    if is_use and is_noted_long_ago:
        connection.execute(_USE, {"digest": _digest(token)})
    return Operator(name, role)


def end(connection: Connection, token: str) -> None:
    """End a session."""
    connection.execute(_END, {"digest": _digest(token)})


# Tries wait for each other, so that no more are made at once than one after the other.
_LOCK = text("LOCK TABLE sign_in_tries IN SHARE ROW EXCLUSIVE MODE")
_WAIT = text(f"""
    WITH known AS (
        SELECT name, address, at + interval '{WINDOW_MINUTES} minutes' AS until FROM sign_in_tries
        WHERE (name = :name OR address = :address)
          AND at > clock_timestamp() - interval '{WINDOW_MINUTES} minutes'
    )
    SELECT coalesce(extract(epoch FROM greatest(
        (SELECT until FROM known WHERE name = :name AND address = :address
         ORDER BY until DESC OFFSET {PER_NAME_THERE - 1} LIMIT 1),
        (SELECT until FROM known WHERE name = :name
         ORDER BY until DESC OFFSET {PER_NAME - 1} LIMIT 1),
        (SELECT until FROM known WHERE address = :address
         ORDER BY until DESC OFFSET {PER_ADDRESS - 1} LIMIT 1)) - clock_timestamp()), 0)
""")
_TRY = text(f"""
    WITH old AS (
        DELETE FROM sign_in_tries
        WHERE at < clock_timestamp() - interval '{WINDOW_MINUTES} minutes'
    )
    INSERT INTO sign_in_tries (name, address) VALUES (:name, :address)
""")
_FORGIVE = text("DELETE FROM sign_in_tries WHERE name = :name AND address = :address")


def seconds_to_wait(connection: Connection, name: str, address: str) -> int:
    """Count a try, in a transaction; return 0 if it may go on, or in how many seconds one may.

    A try counts from the start, since many may be made at once. One that must wait does not.
    """
    asked = {"name": _digest(name), "address": _digest(address)}
    connection.execute(_LOCK)
    wait = math.ceil(max(0.0, float(connection.execute(_WAIT, asked).scalar_one())))
    if not wait:
        connection.execute(_TRY, asked)
    return wait


def forgive(connection: Connection, name: str, address: str) -> None:
    """Forget the tries of somebody who has succeeded."""
    connection.execute(_FORGIVE, {"name": _digest(name), "address": _digest(address)})


def _digest(given: str) -> bytes:
    return hashlib.sha256(given.encode()).digest()
