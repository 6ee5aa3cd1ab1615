"""Databases for tests: made from one with every migration, emptied, and used again.

Making one means making hundreds of files. Some file systems get slower at that the more of them
were removed lately, up to a third of a second; deleting a few rows takes milliseconds.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import time
from typing import TYPE_CHECKING, NamedTuple

import psycopg2
from psycopg2.sql import SQL, Identifier, Literal

if TYPE_CHECKING:
    from psycopg2 import extensions

    from config.embedded import Postgres

#: How much a database may grow before a new one is cheaper; bytes.
_GROWTH = 16 * 1024 * 1024
#: What tells that somebody changed the schema. Rows of temporary tables are gone with sessions.
_SCHEMA = """
    SELECT count(*), sum(hashtext(concat(xmin, ctid))::bigint) FROM (
        SELECT xmin, ctid FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT xmin, ctid FROM pg_attribute WHERE attrelid >= 16384
        UNION ALL SELECT xmin, ctid FROM pg_constraint
        UNION ALL SELECT xmin, ctid FROM pg_trigger
        UNION ALL SELECT xmin, ctid FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT xmin, ctid FROM pg_namespace
    ) AS described
"""
_SIZE = "SELECT pg_database_size(current_database())"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
_SEQUENCES = "SELECT sequencename, start_value, last_value FROM pg_sequences"


class _Pristine(NamedTuple):
    """What a database is like before its first test."""

    schema: tuple[int, ...]
    size: int
    #: The rows of every table, as COPY writes them.
    rows: dict[str, str]
    #: Every sequence with its first number, and the last that was drawn, if one was.
    sequences: list[tuple[str, int, int | None]]


class Databases:
    """The databases of a session."""

    def __init__(self, postgres: Postgres, template: str, *, prefix: str = "test") -> None:
        self._prefix = prefix
        self._postgres = postgres
        self._template = template
        self._numbers = itertools.count(1)
        self._emptied: list[str] = []
        with contextlib.closing(_connect(postgres, template)) as connection:
            self._pristine = _look(connection.cursor())
        self._administrator = _connect(postgres, "postgres")

    def take(self) -> str:
        """Return the name of an empty database, which no earlier test knew."""
        name = f"{self._prefix}_{next(self._numbers)}"
        if self._emptied:
            self._administer(f"ALTER DATABASE {self._emptied.pop()} RENAME TO {name}")
        else:
            self._administer(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        return name

    def give_back(self, name: str) -> None:
        """End every session of a database, and empty it, or drop it if it is not worth that."""
        self._clear_out(name)
        with contextlib.closing(_connect(self._postgres, name)) as connection:
            cursor = connection.cursor()
            is_as_before = self._is_as_before(cursor)
            if is_as_before:
                self._empty(cursor)
        if is_as_before:
            self._clear_out(name)  # our own session lives on for a moment
            self._emptied.append(name)
        else:
            self._administer(f"DROP DATABASE {name} WITH (FORCE)")

    def _is_as_before(self, cursor: extensions.cursor) -> bool:
        is_small = _size(cursor) <= self._pristine.size + _GROWTH
        return is_small and _schema(cursor) == self._pristine.schema

    def _empty(self, cursor: extensions.cursor) -> None:
        # Foreign keys and triggers are left alone: everything goes. In one message: there are many.
        cursor.execute(
            SQL("; ").join(
                [
                    SQL("BEGIN; SET LOCAL session_replication_role = replica"),
                    *(SQL("DELETE FROM {}").format(Identifier(one)) for one in self._pristine.rows),
                    *(
                        SQL("SELECT setval({}, {}, {})").format(
                            *map(Literal, (name, last or first, last is not None))
                        )
                        for name, first, last in self._pristine.sequences
                    ),
                ]
            )
        )
        for table, rows in self._pristine.rows.items():
            if rows:
                cursor.copy_expert(
                    SQL("COPY {} FROM STDIN").format(Identifier(table)), io.StringIO(rows)
                )
        cursor.execute("COMMIT")

    def _clear_out(self, name: str) -> None:
        """Return once a database has no session."""
        of_it = f"FROM pg_stat_activity WHERE datname = '{name}'"
        count = f"SELECT count(pg_terminate_backend(pid)) {of_it}"
        while _one(self._administer(count))[0]:
            time.sleep(0.001)

    def _administer(self, statement: str) -> extensions.cursor:
        """Run a statement outside all databases of tests."""
        cursor = self._administrator.cursor()
        try:
            cursor.execute(statement)
        except psycopg2.OperationalError:
            # A test has restarted PostgreSQL; these statements may be sent twice.
            self._administrator = _connect(self._postgres, "postgres")
            cursor = self._administrator.cursor()
            cursor.execute(statement)
        return cursor


def _connect(postgres: Postgres, name: str) -> extensions.connection:
    connection = psycopg2.connect(postgres.url_of(name))
    connection.autocommit = True
    return connection


def _look(cursor: extensions.cursor) -> _Pristine:
    cursor.execute(_TABLES)
    rows = {}
    for (table,) in cursor.fetchall():
        written = io.StringIO()
        cursor.copy_expert(SQL("COPY {} TO STDOUT").format(Identifier(table)), written)
        rows[table] = written.getvalue()
    cursor.execute(_SEQUENCES)
    sequences = cursor.fetchall()
    return _Pristine(_schema(cursor), _size(cursor), rows, sequences)


def _schema(cursor: extensions.cursor) -> tuple[int, ...]:
    cursor.execute(_SCHEMA)
    return _one(cursor)


def _size(cursor: extensions.cursor) -> int:
    cursor.execute(_SIZE)
    return _one(cursor)[0]


def _one(cursor: extensions.cursor) -> tuple[int, ...]:
    (row,) = cursor.fetchall()
    return row
