"""The engine: SQLAlchemy Core on psycopg2, one pool a process."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg2
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.settings import Settings

#: A pooled connection that lay unused for longer than this many seconds is tried before it is lent.
STALE_SECONDS = 1.0

#: SQLSTATEs with which PostgreSQL says that it is going down, starting or full (class 57P, 53300).
_AWAY_STATES = {"57P01", "57P02", "57P03", "57P05", "53300"}


class Database:
    """Connections to PostgreSQL, for statements that stand alone and for transactions.

    Most of what this service says to PostgreSQL is a single statement; sent on an autocommit
    connection it costs one round trip instead of three.
    """

    def __init__(
        self, settings: Settings, *, name: str = "jobspine", pool: int | None = None
    ) -> None:
        """Keep up to `pool` connections, or as many as the settings say, under this name."""
        self._autocommit = create_engine(
            settings.database_url.replace("postgresql://", "postgresql+psycopg2://", 1),
            isolation_level="AUTOCOMMIT",
            # Errors must not quote what a client sent.
            hide_parameters=True,
            pool_size=pool or settings.database_pool,
            # The connection that was used last has the warmest server process.
            pool_use_lifo=True,
            max_overflow=0,
            pool_timeout=settings.database_connect_seconds * 2,
            connect_args={
                "application_name": name,
                "connect_timeout": settings.database_connect_seconds,
                # A peer that vanished is noticed in seconds, not in the system's two hours.
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 3,
                # A process that is stopped inside a transaction must not hold its locks for ever.
                "options": "-c idle_in_transaction_session_timeout=30000 -c timezone=UTC",
            },
        )
        self._transactional = self._autocommit.execution_options(isolation_level="READ COMMITTED")
        event.listen(self._autocommit, "checkout", _try_if_stale)
        event.listen(self._autocommit, "checkin", _remember_use)

    @contextmanager
    def statement(self) -> Iterator[Connection]:
        """Lend a connection on which every statement is its own transaction."""
        with self._autocommit.connect() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Lend a connection inside a transaction: committed at the end, undone by an error."""
        with self._transactional.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every pooled connection."""
        self._autocommit.dispose()


def _try_if_stale(connection: Any, record: Any, _proxy: Any) -> None:
    if time.monotonic() - record.info.get("used", 0.0) < STALE_SECONDS:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception as away:
        raise DisconnectionError from away


def _remember_use(connection: Any, record: Any) -> None:
    if connection is not None:
        record.info["used"] = time.monotonic()


def is_away(error: BaseException) -> bool:
    """Tell whether an error means that PostgreSQL cannot be reached, and not that it refused."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        error = error.orig or error
    if isinstance(error, psycopg2.Error):
        # Without an SQLSTATE the error came from the connection, not from the server.
        lost = isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError)
        return error.pgcode in _AWAY_STATES or (error.pgcode is None and lost)
    # The pool runs dry when every connection waits for a server that does not answer.
    return isinstance(error, PoolTimeout)
