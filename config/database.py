"""The engine: SQLAlchemy Core on psycopg2, one pool a process, and statements that are prepared."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg2
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

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
                # A plan that is kept must not be one that suited the table while it was small.
                "options": "-c idle_in_transaction_session_timeout=30000 -c timezone=UTC"
                # Before version 18 that makes what has no index look worth compiling.
                " -c enable_seqscan=off -c jit=off",
            },
        )
        self._transactional = self._autocommit.execution_options(isolation_level="READ COMMITTED")
        #: Connections for single statements, and when each was last used: SQLAlchemy's pool takes
        #: longer to lend one than PostgreSQL to answer a poll.
        self._ready: list[tuple[Connection, float]] = []
        event.listen(self._autocommit, "checkout", _try_if_stale)
        event.listen(self._autocommit, "checkin", _remember_use)

    @contextmanager
    def statement(self) -> Iterator[Connection]:
        """Lend a connection on which every statement is its own transaction."""
        connection = self._take_ready() or self._autocommit.connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        # Only SQLAlchemy takes what was executed for a transaction; nothing is sent.
        connection.rollback()
        self._ready.append((connection, time.monotonic()))

    def transaction(self) -> AbstractContextManager[Connection]:
        """Lend a connection inside a transaction: committed at the end, undone by an error."""
        if ready := self._take_ready():
            ready.close()  # it counts as one of the pool's, which must not run dry for its sake
        return self._transactional.begin()

    def close(self) -> None:
        """Close every pooled connection."""
        while self._ready:
            self._ready.pop()[0].close()
        self._autocommit.dispose()

    def _take_ready(self) -> Connection | None:
        """Return a connection that lies ready and is sound, if there is one."""
        while True:
            try:
                connection, used = self._ready.pop()
            except IndexError:
                return None
            if time.monotonic() - used < STALE_SECONDS or _answers(connection.connection):
                return connection
            connection.invalidate()
            connection.close()


class Prepared:
    """A statement that a connection parses and plans once, and from then on only executes.

    For the few statements that every job and every poll needs: PostgreSQL takes longer to plan
    them than to run them, and SQLAlchemy takes as long again to describe their results.
    """

    def __init__(self, name: str, statement: str) -> None:
        """Parameters are written `:name`, and cast where PostgreSQL cannot tell their type."""
        numbers: dict[str, int] = {}

        def number(parameter: re.Match[str]) -> str:
            return f"${numbers.setdefault(parameter[1], len(numbers) + 1)}"

        numbered = re.sub(r"(?<![:\w]):(\w+)", number, statement)
        self._name = name
        self._prepare = f"PREPARE {name} AS {numbered}"
        self._execute = f"EXECUTE {name} ({', '.join(f'%({given})s' for given in numbers)})"

    def rows(self, connection: Connection, **values: Any) -> list[tuple[Any, ...]]:
        """Execute it and return its rows.

        Raises:
            DBAPIError: as for any statement of SQLAlchemy's.
        """
        driver: Any = connection.connection
        prepared = driver.info.setdefault("prepared", set())
        try:
            with driver.cursor() as cursor:
                if self._name not in prepared:
                    cursor.execute(self._prepare)
                    prepared.add(self._name)
                cursor.execute(self._execute, values)
                return cursor.fetchall() if cursor.description else []
        except psycopg2.Error as error:
            lost = bool(driver.driver_connection and driver.driver_connection.closed)
            if lost:
                connection.invalidate(error)
            kind = next((ours for theirs, ours in _KINDS if isinstance(error, theirs)), DBAPIError)
            raise kind(
                self._name, None, error, hide_parameters=True, connection_invalidated=lost
            ) from error


_KINDS: tuple[tuple[type[psycopg2.Error], type[DBAPIError]], ...] = (
    (psycopg2.IntegrityError, IntegrityError),
    (psycopg2.OperationalError, OperationalError),
)


def _try_if_stale(connection: Any, record: Any, _proxy: Any) -> None:
    stale = time.monotonic() - record.info.get("used", 0.0) >= STALE_SECONDS
    if stale and not _answers(connection):
        raise DisconnectionError


def _answers(driver: Any) -> bool:
    try:
        with driver.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error:
        return False
    return True


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
