"""org_members: bring a file of members into an organization; the result is what was added.

The rows of a chunk, their errors, the counts and the place in the file commit together, so an
import that is killed anywhere goes on behind its last commit, with every row there once.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from argon2 import PasswordHasher
from marshmallow import Schema, fields, validate

from config.failpoints import failpoint
from tasks.job.declare import hex_id, job_type
from tasks.job.errors import Complaint, NotRepeatable, Permanent, Wait
from tasks.records import members, uploads, voting
from tasks.records.member_fields import Checker
from tasks.records.member_rows import (
    Lines,
    RowRejected,
    count_csv,
    count_ndjson,
    read_csv,
    read_ndjson,
)
from tasks.records.members import RowError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from config.database import Database
    from tasks.job.context import Context
    from tasks.job.dispatch import Dispatch
    from tasks.job.record import Job
    from tasks.records.member_rows import type_given

#: Rows that commit together at the most, and how much of the file; rows and bytes.
CHUNK_ROWS = 5000
CHUNK_BYTES = 4 * 1024 * 1024
#: How long a chunk may take to fill, so that progress shows and little is lost; seconds.
CHUNK_SECONDS = 1.0
#: How long an import keeps its slot before it queues again behind other work; seconds.
TURN_SECONDS = 300.0
#: How long an import may take within a request: others of its organization wait for it; seconds.
REQUEST_SECONDS = 20.0
#: Rows that are imported within a request at the most: what was wrong with them is in one answer.
REQUEST_ROWS = 100_000

#: The lighter of OWASP's two settings for argon2id: files have many rows.
_hasher = PasswordHasher(memory_cost=19456, time_cost=2, parallelism=1)


class TakesTooLong(Complaint):
    """The import takes longer than a request may."""


class Payload(Schema):
    """Which file, how it is written, and whose members it names."""

    org = fields.String(required=True)
    upload = fields.String(required=True)
    format = fields.String(required=True, validate=validate.OneOf(["csv", "ndjson"]))
    #: Where the first row begins; bytes.
    start = fields.Integer(load_default=0)
    columns = fields.List(fields.String(), load_default=list)
    delimiter = fields.String(load_default=",")


class Result(Schema):
    """How many rows became members, of how many; errors counts what was found wrong."""

    added = fields.Integer()
    total = fields.Integer()
    errors = fields.Integer()


class Chunk:
    """Checked rows that will be stored together."""

    def __init__(self) -> None:
        self.rows: list[type_given] = []
        self.errors: list[RowError] = []
        self.read = 0
        #: Where in the file the last of them ends; bytes.
        self.offset = 0

    def take(
        self,
        lines: Lines,
        rows: Iterator[type_given | RowRejected],
        checker: Checker,
        *,
        first: int,
    ) -> bool:
        """Fill from rows of the lines, numbered from `first` on; False when there were none."""
        until, end = time.monotonic() + CHUNK_SECONDS, lines.offset + CHUNK_BYTES
        for row in rows:
            number = first + self.read
            self.read += 1
            try:
                if isinstance(row, RowRejected):
                    raise row
                member, errors = checker.check(row)
            except RowRejected as rejected:
                self.errors.append(RowError(number, str(rejected)))
            else:
                self.rows.append(member)
                self.errors += [RowError(number, error) for error in errors]
            is_full = self.read >= CHUNK_ROWS or lines.offset >= end
            if is_full or (self.read % 100 == 0 and time.monotonic() > until):
                break
        self.offset = lines.offset
        return self.read > 0


def checker_for(organization: voting.Organization) -> Checker:
    """Return what checks the rows of an organization's members."""
    return Checker(country=organization.country, hash_password=_hasher.hash)


def _tidy(connection: Connection, cleared: Sequence[str]) -> None:
    uploads.remove_of_jobs(connection, cleared)
    uploads.remove_abandoned(connection)
    members.remove_errors_of(connection, cleared)


def _refuse_to_repeat(_dispatch: Dispatch, _job: Job, _again: str) -> None:
    raise NotRepeatable("the file was kept for the first job alone: send it again")


@job_type(
    "org_members",
    payload=Payload,
    result=Result,
    queue="bulk",
    attempts=5,
    timeout=2 * TURN_SECONDS,
    keep=timedelta(minutes=15),
    new_id=hex_id(32),
    tidy=_tidy,
    repeated=_refuse_to_repeat,
)
def org_members(
    ctx: Context,
    *,
    org: str,
    upload: str,
    format: str,  # noqa: A002
    start: int,
    columns: list[str],
    delimiter: str,
) -> dict[str, int]:
    """Import the rows of an upload, chunk by chunk, from wherever an earlier attempt was."""
    with ctx.database.statement() as connection:
        organization = voting.find_organization(connection, org)
    if organization is None:
        raise Permanent("no_organization", "the organization does not exist")

    form: Any = {"format": format, "columns": columns, "delimiter": delimiter}
    if "total" not in ctx.cursor:
        lines = open_upload(ctx.database, upload, start)
        total = count_csv(lines, delimiter) if format == "csv" else count_ndjson(lines)
        with ctx.step() as step:
            facts = {"read": 0, "added": 0, "errors": 0, "total": total}
            step.save(progress=facts, cursor={"total": total, "offset": start})

    facts = dict(ctx.progress_so_far)
    lines, rows = read_upload(ctx.database, upload, start=ctx.cursor["offset"], **form)
    checked = _chunks(lines, rows, checker_for(organization), facts["read"])
    with _one_ahead(checked) as chunks:
        while True:
            chunk = next(chunks, None)
            failpoint("import.chunk_read")
            with ctx.step() as step:
                if chunk is not None:
                    stored = _store(step.connection, organization.id, chunk.rows, ctx.cursor)
                    members.add_errors(step.connection, ctx.job.id, facts["errors"], chunk.errors)
                    facts["read"] += chunk.read
                    facts["added"] += len(chunk.rows)
                    facts["errors"] += len(chunk.errors)
                    merging = {"merging": stored.merged}
                    step.save(progress=facts, cursor={"offset": chunk.offset, **merging})
                else:
                    uploads.remove(step.connection, upload)
                failpoint("import.before_commit")
            failpoint("import.committed")
            if chunk is None:
                return {name: facts[name] for name in ("added", "total", "errors")}
            if ctx.elapsed > TURN_SECONDS:
                raise Wait(0)


def read_upload(
    database: Database,
    upload: str,
    *,
    format: str,  # noqa: A002
    start: int = 0,
    columns: Sequence[str] = (),
    delimiter: str = ",",
) -> tuple[Lines, Iterator[type_given | RowRejected]]:
    """Open an upload at a byte; return its lines, which know how far they are, and its rows."""
    lines = open_upload(database, upload, start)
    rows = read_csv(lines, columns, delimiter) if format == "csv" else read_ndjson(lines)
    return lines, rows


def open_upload(database: Database, upload: str, start: int) -> Lines:
    """Open an upload at a byte."""
    first, skip = divmod(start, uploads.PIECE_BYTES)
    return Lines(uploads.pieces(database, upload, first), skip=skip, offset=start)


def _chunks(
    lines: Lines, rows: Iterator[type_given | RowRejected], checker: Checker, read: int
) -> Iterator[Chunk]:
    """Read and check the rows behind the first `read` ones, chunk by chunk."""
    while True:
        chunk = Chunk()
        if not chunk.take(lines, rows, checker, first=read + 1):
            return
        read += chunk.read
        yield chunk


@contextmanager
def _one_ahead(chunks: Iterator[Chunk]) -> Iterator[Iterator[Chunk]]:
    """Have the next chunk read by a thread while PostgreSQL stores this one.

    The thread ends with the context. If a generator held it, then after an attempt that broke off
    the garbage collector would close that, in whatever thread it runs, which waits for this one.
    """
    with ThreadPoolExecutor(1, "reader") as reader:

        def read() -> Iterator[Chunk]:
            upcoming = reader.submit(next, chunks, None)
            while (chunk := upcoming.result()) is not None:
                upcoming = reader.submit(next, chunks, None)
                yield chunk

        yield read()


def _store(
    connection: Connection, org_id: int, rows: Sequence[type_given], cursor: dict[str, Any]
) -> members.Stored:
    """Store a chunk; once one member number was there already, the others may be as well."""
    return members.store(connection, org_id, rows, expect_new=not cursor.get("merging"))


def import_now(
    connection: Connection,
    organization: voting.Organization,
    lines: Lines,
    rows: Iterator[type_given | RowRejected],
) -> tuple[int, list[RowError]]:
    """Import rows inside the caller's transaction; return how many were added, and the errors.

    Raises:
        TakesTooLong: there are too many for a request; the caller's transaction must be undone.
    """
    until = time.monotonic() + REQUEST_SECONDS
    added, read = 0, 0
    errors: list[RowError] = []
    for chunk in _chunks(lines, rows, checker_for(organization), read):
        read += chunk.read
        if read > REQUEST_ROWS or time.monotonic() > until:
            raise TakesTooLong
        members.store(connection, organization.id, chunk.rows, expect_new=False)
        added += len(chunk.rows)
        errors += chunk.errors
    return added, errors
