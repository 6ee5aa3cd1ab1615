"""Idempotency keys: the same request twice is the same job once."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from config.database import is_away
from tasks.job.errors import KeyReused, TwinInFlight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from config.database import Database

#: How long a key is remembered.
KEEP = timedelta(hours=24)

_LOCK = text("SELECT pg_try_advisory_lock(:number)")
_UNLOCK = text("SELECT pg_advisory_unlock(:number)")
_FIND = text("""
    SELECT fingerprint, answer FROM idempotency_keys
    WHERE scope = :scope AND key = :key AND expires_at > now()
""")
_REMEMBER = text("""
    INSERT INTO idempotency_keys (scope, key, fingerprint, answer, expires_at)
    VALUES (:scope, :key, :fingerprint, :answer, now() + :keep * interval '1 second')
    ON CONFLICT (scope, key) DO UPDATE SET
        fingerprint = excluded.fingerprint, answer = excluded.answer,
        expires_at = excluded.expires_at
        WHERE idempotency_keys.expires_at <= now()
""")
_EXPIRE = text("DELETE FROM idempotency_keys WHERE expires_at < now()")


class Key:
    """One use of an idempotency key, while no twin of the request can be under way."""

    def __init__(self, connection: Connection, scope: str, key: str) -> None:
        self._asked = {"scope": scope, "key": key}
        row = connection.execute(_FIND, self._asked).first()
        self._fingerprint: str | None = row.fingerprint if row else None
        self._answer: dict[str, Any] | None = row.answer if row else None

    def answer_to(self, fingerprint: str) -> dict[str, Any] | None:
        """Return the answer that the same request got before, or None if there was none.

        Raises:
            KeyReused: the key came with a different request.
        """
        if self._fingerprint is not None and self._fingerprint != fingerprint:
            raise KeyReused
        return self._answer

    @property
    def is_new(self) -> bool:
        """Whether no earlier request used the key."""
        return self._fingerprint is None

    def remember(self, connection: Connection, fingerprint: str, answer: dict[str, Any]) -> None:
        """Keep the answer, in the transaction that records what it speaks of.

        Raises:
            TwinInFlight: the lock was lost meanwhile, and a twin of the request came first; the
                caller's transaction must be undone.
        """
        kept = {"fingerprint": fingerprint, "answer": json.dumps(answer)}
        asked = {**self._asked, **kept, "keep": KEEP.total_seconds()}
        if not connection.execute(_REMEMBER, asked).rowcount:
            raise TwinInFlight


@contextmanager
def using(database: Database, scope: str, key: str) -> Iterator[Key]:
    """Use a key while holding its lock, which ends with the connection if the process dies.

    The lock spares twins the work. Where it is lost with its connection, the row of the key still
    lets one of them through.

    Raises:
        TwinInFlight: another request with the same key is being processed.
    """
    digest = hashlib.sha256(json.dumps([scope, key]).encode()).digest()
    number = {"number": int.from_bytes(digest[:8], signed=True)}
    with database.statement() as connection:
        if not connection.execute(_LOCK, number).scalar_one():
            raise TwinInFlight
        try:
            yield Key(connection, scope, key)
        finally:
            try:
                connection.execute(_UNLOCK, number)
            except SQLAlchemyError as error:
                # What was recorded is recorded: a lost connection has lost its lock as well.
                if not is_away(error):
                    raise


def expire(connection: Connection) -> int:
    """Forget keys whose time is over; return how many."""
    return connection.execute(_EXPIRE).rowcount
