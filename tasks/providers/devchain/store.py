"""The file that holds the chain: what py-evm keeps, and rows by which answers are found."""

from __future__ import annotations

import json
import sqlite3
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from eth_typing import Hash32

#: Values of py-evm's that are kept in memory; some 300 bytes each.
NODES_IN_MEMORY = 16_384

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nodes (
    hash BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blocks (
    number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS transactions (
    hash BLOB PRIMARY KEY, block INTEGER NOT NULL, position INTEGER NOT NULL,
    raw BLOB NOT NULL, receipt TEXT NOT NULL, UNIQUE (block, position));
CREATE TABLE IF NOT EXISTS logs (
    block INTEGER NOT NULL, position INTEGER NOT NULL, address BLOB NOT NULL,
    topic0 BLOB, topic1 BLOB, topic2 BLOB, topic3 BLOB, log TEXT NOT NULL,
    PRIMARY KEY (block, position)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS logs_of_an_address ON logs (address, block);
"""


class FileInUse(Exception):
    """Another process has this chain."""


class Placed(NamedTuple):
    """A transaction in a block: the bytes that were signed, and its receipt."""

    hash: bytes
    raw: bytes
    receipt: dict[str, Any]


class Row(NamedTuple):
    """A block of the chain."""

    number: int
    hash: Hash32
    #: Bytes of the encoded block.
    size: int
    transactions: Sequence[Placed] = ()


class Store:
    """One SQLite file for one process. Threads may share it.

    A value of py-evm's is found by its own hash and never changes, so it may be written before
    the block that needs it, and left behind by one that is replaced.
    """

    def __init__(self, file: Path) -> None:
        """Open the file, or make it.

        Raises:
            FileInUse: another process has it open.
        """
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            file, timeout=1, isolation_level=None, check_same_thread=False
        )
        self.node = lru_cache(NODES_IN_MEMORY)(self._read_node)
        try:
            # The lock lasts as long as the process, however that ends.
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode = WAL")
            # A process that is killed loses nothing by it; a machine may lose its last blocks.
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            self._connection.close()
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise FileInUse(f"another process has {file}") from None
            raise

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def fact(self, name: str) -> str | None:
        """Return what was noted under a name."""
        rows = self._rows("SELECT value FROM facts WHERE name = ?", name)
        return rows[0][0] if rows else None

    def _read_node(self, key: bytes) -> bytes:
        for (value,) in self._rows("SELECT value FROM nodes WHERE hash = ?", key):
            return bytes(value)
        raise KeyError(key)

    def extend(
        self,
        nodes: Mapping[bytes, bytes],
        blocks: Iterable[Row],
        *,
        replacing_from: int | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """Add blocks and what py-evm keeps for them, all or nothing.

        The chain's own blocks from `replacing_from` on are forgotten, with their transactions.
        """
        with self._lock:
            run = self._connection.execute
            run("BEGIN IMMEDIATE")
            try:
                if replacing_from is not None:
                    self._forget(replacing_from)
                self._connection.executemany(
                    "INSERT OR IGNORE INTO nodes VALUES (?, ?)", nodes.items()
                )
                for block in blocks:
                    self._add(block)
                for fact in (facts or {}).items():
                    run("INSERT INTO facts VALUES (?, ?)", fact)
                run("COMMIT")
            except BaseException:
                run("ROLLBACK")
                raise

    def _add(self, block: Row) -> None:
        run = self._connection.execute
        run("INSERT INTO blocks VALUES (?, ?, ?)", (block.number, block.hash, block.size))
        for position, placed in enumerate(block.transactions):
            receipt = json.dumps(placed.receipt, separators=(",", ":"))
            run(
                "INSERT INTO transactions VALUES (?, ?, ?, ?, ?)",
                (placed.hash, block.number, position, placed.raw, receipt),
            )
            for log in placed.receipt["logs"]:
                run("INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _log_row(block.number, log))

    def _forget(self, number: int) -> None:
        run = self._connection.execute
        run("DELETE FROM logs WHERE block >= ?", (number,))
        run("DELETE FROM transactions WHERE block >= ?", (number,))
        run("DELETE FROM blocks WHERE number >= ?", (number,))

    def head(self) -> Row | None:
        """Return the highest block."""
        rows = self._rows("SELECT number, hash, size FROM blocks ORDER BY number DESC LIMIT 1")
        return Row(*rows[0]) if rows else None

    def block(self, number: int) -> Row | None:
        """Return the block at a height."""
        rows = self._rows("SELECT number, hash, size FROM blocks WHERE number = ?", number)
        return Row(*rows[0]) if rows else None

    def block_of(self, block_hash: bytes) -> Row | None:
        """Return a block of the chain by its hash."""
        rows = self._rows("SELECT number, hash, size FROM blocks WHERE hash = ?", block_hash)
        return Row(*rows[0]) if rows else None

    def last_with_transactions(self) -> int:
        """Return the height of the highest block that has a transaction; 0 without one."""
        return int(self._rows("SELECT coalesce(max(block), 0) FROM transactions")[0][0])

    def transaction(self, tx_hash: bytes) -> Placed | None:
        """Return a transaction that is in a block."""
        found = self._placed("WHERE hash = ?", tx_hash)
        return found[0] if found else None

    def transactions(self, number: int) -> list[Placed]:
        """Return the transactions of the block at a height, in their order."""
        return self._placed("WHERE block = ? ORDER BY position", number)

    def _placed(self, where: str, value: bytes | int) -> list[Placed]:
        rows = self._rows(f"SELECT hash, raw, receipt FROM transactions {where}", value)  # noqa: S608
        return [Placed(bytes(key), bytes(raw), json.loads(receipt)) for key, raw, receipt in rows]

    def hashes(self, number: int) -> list[bytes]:
        """Return the hashes of the transactions of the block at a height, in their order."""
        statement = "SELECT hash FROM transactions WHERE block = ? ORDER BY position"
        return [row[0] for row in self._rows(statement, number)]

    def logs(
        self,
        first: int,
        last: int,
        addresses: Sequence[bytes],
        topics: Sequence[Sequence[bytes]],
        most: int,
    ) -> list[dict[str, Any]]:
        """Return logs of blocks, the oldest first.

        Without addresses, of every contract; for each place of topics, one of those wanted there,
        or any where none is.
        """
        conditions = ["block BETWEEN ? AND ?"]
        values: list[Any] = [first, last]
        columns = ["address", *(f"topic{place}" for place in range(4))]
        for column, wanted in zip(columns, (addresses, *topics), strict=False):
            if wanted:
                conditions.append(f"{column} IN ({','.join('?' * len(wanted))})")
                values += wanted
        rows = self._rows(
            f"SELECT log FROM logs WHERE {' AND '.join(conditions)}"  # noqa: S608
            " ORDER BY block, position LIMIT ?",
            *values,
            most,
        )
        return [json.loads(row[0]) for row in rows]


def _log_row(number: int, log: Mapping[str, Any]) -> tuple[Any, ...]:
    topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
    padded = [*topics, *[None] * (4 - len(topics))]
    address = bytes.fromhex(log["address"][2:])
    text = json.dumps(log, separators=(",", ":"))
    return (number, int(log["logIndex"], 16), address, *padded, text)
