"""What happens to accounts, kept in SQLite: in a file that survives the process, or in memory."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEMA = """
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS companies (
    provider TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,
    features TEXT NOT NULL, is_down INTEGER NOT NULL,
    PRIMARY KEY (provider, id)
);
CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    username TEXT NOT NULL,
    password TEXT NOT NULL,          -- keyed hash of both
    person TEXT NOT NULL,            -- JSON, see `people`
    wrong_tries INTEGER NOT NULL DEFAULT 0,
    is_locked INTEGER NOT NULL DEFAULT 0,
    are_codes_blocked INTEGER NOT NULL DEFAULT 0,
    sign_ins INTEGER NOT NULL DEFAULT 0,
    last_code TEXT NOT NULL DEFAULT '',
    allotments TEXT NOT NULL DEFAULT '{}',
    UNIQUE (provider, username, password)
);
CREATE TABLE IF NOT EXISTS challenges (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts,
    code TEXT NOT NULL,
    tries_left INTEGER NOT NULL,
    ends_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (
    token TEXT PRIMARY KEY,          -- its hash
    account TEXT NOT NULL REFERENCES accounts,
    ends_at REAL NOT NULL,
    ready_at REAL                    -- when documents are made that were asked for
);
CREATE TABLE IF NOT EXISTS fetches (
    account TEXT NOT NULL REFERENCES accounts,
    document TEXT NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (account, document)
);
CREATE INDEX IF NOT EXISTS sessions_ending ON sessions (ends_at);
CREATE INDEX IF NOT EXISTS challenges_ending ON challenges (ends_at);
"""


class Store:
    """One connection that all threads of the process share, one after the other."""

    def __init__(self, file: str = "") -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            file or ":memory:", check_same_thread=False, isolation_level=None
        )
        self._connection.row_factory = sqlite3.Row
        if file:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold everybody else off; what is written stays if the block ends without an error."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def secret(self, name: str) -> bytes:
        """Return a secret of this store, made on first use."""
        with self.transaction() as sql:
            made = (name, secrets.token_hex(32))
            sql.execute("INSERT INTO secrets VALUES (?, ?) ON CONFLICT DO NOTHING", made)
            (value,) = sql.execute("SELECT value FROM secrets WHERE name = ?", [name]).fetchone()
        return bytes.fromhex(value)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()
