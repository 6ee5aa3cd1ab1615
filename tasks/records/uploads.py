"""Files on their way from a request to a job: streamed into PostgreSQL piece by piece.

Every worker can reach them there, wherever it runs, and none holds more than a piece.
"""

from __future__ import annotations

import codecs
import hashlib
import secrets
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from config.database import Database

#: The size of a piece in bytes; the last one may be smaller.
PIECE_BYTES = 1024 * 1024

_ADD = text("INSERT INTO uploads (id) VALUES (:id)")
_ADD_PIECE = text("INSERT INTO upload_pieces (upload_id, no, bytes) VALUES (:id, :no, :bytes)")
_PIECE = text("SELECT bytes FROM upload_pieces WHERE upload_id = :id AND no = :no")
_REMOVE = text("DELETE FROM uploads WHERE id = :id")
_ATTACH = text("UPDATE uploads SET job_id = :job_id WHERE id = :id")
_REMOVE_OF_JOBS = text("DELETE FROM uploads WHERE job_id = ANY(:job_ids)")
_REMOVE_ABANDONED = text("""
    DELETE FROM uploads WHERE job_id IS NULL AND created_at < now() - :age * interval '1 second'
""")


class NotText(Exception):
    """The file is not text in UTF-8."""


class TooLarge(Exception):
    """The file is larger than this service takes."""


class Spool:
    """Writes an upload as it comes in; usable as the file that a form parser writes to."""

    def __init__(self, database: Database, *, limit: int) -> None:
        self.id = secrets.token_hex(16)
        self.size = 0
        #: The first piece, for a look at what the file is.
        self.head = b""
        self._database = database
        self._limit = limit
        self._hash = hashlib.sha256()
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._rest = bytearray()
        self._no = 0

    @property
    def digest(self) -> str:
        """The SHA-256 of everything written so far."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> int:
        """Take some bytes in.

        Raises:
            NotText: they are not UTF-8, or hold a NUL, which no text in PostgreSQL can.
            TooLarge: the file is over the limit.
        """
        self.size += len(data)
        if self.size > self._limit:
            raise TooLarge
        if b"\0" in data:
            raise NotText
        self._decode(data, final=False)
        self._hash.update(data)
        self._rest += data
        while len(self._rest) >= PIECE_BYTES:
            self._store(bytes(self._rest[:PIECE_BYTES]))
            del self._rest[:PIECE_BYTES]
        return len(data)

    def finish(self) -> None:
        """Store what is left.

        Raises:
            NotText: the file ends inside a character.
        """
        self._decode(b"", final=True)
        if self._rest:
            self._store(bytes(self._rest))
            self._rest.clear()

    def discard(self) -> None:
        """Remove what has been stored."""
        if self._no:
            with self._database.statement() as connection:
                connection.execute(_REMOVE, {"id": self.id})

    def seek(self, *_: int) -> int:
        """Do nothing: form parsers rewind a file that they have written."""
        return 0

    def _decode(self, data: bytes, *, final: bool) -> None:
        try:
            self._decoder.decode(data, final)
        except UnicodeDecodeError:
            raise NotText from None

    def _store(self, piece: bytes) -> None:
        with self._database.statement() as connection:
            if self._no == 0:
                self.head = piece
                connection.execute(_ADD, {"id": self.id})
            connection.execute(_ADD_PIECE, {"id": self.id, "no": self._no, "bytes": piece})
        self._no += 1


def pieces(database: Database, upload_id: str, first: int = 0) -> Iterator[bytes]:
    """Read an upload piece by piece, from one on."""
    no = first
    while True:
        with database.statement() as connection:
            piece = connection.execute(_PIECE, {"id": upload_id, "no": no}).scalar()
        if piece is None:
            return
        yield bytes(piece)
        no += 1


def remove(connection: Connection, upload_id: str) -> None:
    """Remove an upload that is not needed any more."""
    connection.execute(_REMOVE, {"id": upload_id})


def attach(connection: Connection, upload_id: str, job_id: str) -> None:
    """Say which job an upload belongs to, in the transaction that records the job."""
    connection.execute(_ATTACH, {"id": upload_id, "job_id": job_id})


def remove_of_jobs(connection: Connection, job_ids: Sequence[str]) -> None:
    """Remove what jobs left behind that did not get to the end of their upload."""
    connection.execute(_REMOVE_OF_JOBS, {"job_ids": list(job_ids)})


def remove_abandoned(connection: Connection, *, age: float = 86400.0) -> int:
    """Remove uploads older than `age` seconds whose request never got as far as a job."""
    return connection.execute(_REMOVE_ABANDONED, {"age": age}).rowcount
