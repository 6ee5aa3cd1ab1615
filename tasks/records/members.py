"""The members of organizations: written by the thousand, read by the page."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg2.errors import UniqueViolation
from sqlalchemy import text

from tasks.job.errors import Permanent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

_COLUMNS = (
    "member_number, name, surname, national_id, birth_date, email, phone, "
    "password_hash, weight, other"
)

#: The largest number that a member can have.
LARGEST_NUMBER = 2**63 - 1

#: The organization's row is the lock: imports into one organization take turns by the chunk.
_LOCK = text("""
    SELECT member_count, member_limit FROM organizations WHERE id = :org_id FOR UPDATE
""")
_COUNTED = text("UPDATE organizations SET member_count = :count WHERE id = :org_id")
_COPY = f"COPY members (org_id, {_COLUMNS}) FROM STDIN"
#: What COPY takes for something else than the character that it is.
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
#: Stands for a birth date that is not known until the rest is escaped; no text can hold it.
_NULL = "\ud800"
_BIRTH_DATE = 4
#: How much is handed to PostgreSQL at a time; bytes.
_COPY_BYTES = 256 * 1024
#: The last of several rows with one number is the one that counts.
_STAGE = text("""
    CREATE TEMPORARY TABLE IF NOT EXISTS staged_members (
        row bigint GENERATED ALWAYS AS IDENTITY, org_id integer, member_number text, name text,
        surname text, national_id text, birth_date date, email text, phone text,
        password_hash text, weight numeric(78), other jsonb
    ) ON COMMIT DELETE ROWS
""")
_EMPTY_STAGE = text("TRUNCATE staged_members")
_COPY_STAGED = f"COPY staged_members (org_id, {_COLUMNS}) FROM STDIN"
_MERGE = text(f"""
    WITH latest AS (
        SELECT DISTINCT ON (key) *
        FROM (SELECT *, CASE WHEN member_number = '' THEN '#' || row ELSE '=' || member_number
                        END AS key FROM staged_members) AS keyed
        ORDER BY key, row DESC
    ), merged AS (
        INSERT INTO members (org_id, {_COLUMNS})
        SELECT org_id, {_COLUMNS} FROM latest ORDER BY row
        ON CONFLICT (org_id, member_number) WHERE member_number <> '' DO UPDATE SET
            name = excluded.name, surname = excluded.surname,
            national_id = excluded.national_id, birth_date = excluded.birth_date,
            email = excluded.email, phone = excluded.phone, weight = excluded.weight,
            other = excluded.other, updated_at = now(),
            -- A file without passwords does not take away those that are there.
            password_hash = coalesce(nullif(excluded.password_hash, ''), members.password_hash)
        RETURNING (xmax = 0) AS is_new
    )
    SELECT count(*) FILTER (WHERE is_new) FROM merged
""")


class LimitReached(Permanent):
    """The organization would have more members than it may."""

    def __init__(self, limit: int) -> None:
        super().__init__("member_limit", f"the member limit of {limit} is reached")


class Stored(NamedTuple):
    """What became of a chunk."""

    #: Members that the organization did not have before.
    new: int
    #: Whether the chunk held a member number that was there already.
    merged: bool


def store(
    connection: Connection, org_id: int, rows: Sequence[Sequence[str]], *, expect_new: bool
) -> Stored:
    """Store members; one whose number the organization has already is updated instead.

    With `expect_new` the rows are copied straight into the table, which is the faster way as
    long as no number is taken; otherwise, and when one is, they are merged from a staging table.

    Raises:
        LimitReached: the organization would have more members than it may; nothing is stored.
    """
    found = connection.execute(_LOCK, {"org_id": org_id}).one()
    data = io.StringIO(_lines(str(org_id), rows))
    stored = _append(connection, data, len(rows)) if expect_new else None
    if stored is None:
        stored = _merge(connection, data)
    count = found.member_count + stored.new
    if found.member_limit is not None and stored.new and count > found.member_limit:
        raise LimitReached(found.member_limit)
    connection.execute(_COUNTED, {"org_id": org_id, "count": count})
    return stored


def _lines(org: str, rows: Sequence[Sequence[str]]) -> str:
    """Write rows in COPY's text format, which every version of PostgreSQL reads alike.

    Most rows need no escapes, so whether any does is asked of all of them at once.
    """
    text = _joined((org, *row) for row in rows)
    if any(mark in text for mark in "\\\t\r") or text.count("\n") >= len(rows):
        text = _joined((org, *[field.translate(_ESCAPES) for field in row]) for row in rows)
    # No field holds a NUL: it is refused at the door.
    return text.replace("\0", "\t").replace(_NULL, "\\N")


def _joined(rows: Iterable[Sequence[str]]) -> str:
    at = _BIRTH_DATE + 1  # behind the organization
    return "\n".join(["\0".join(r if r[at] else (*r[:at], _NULL, *r[at + 1 :])) for r in rows])


def _copy(connection: Connection, statement: str, data: io.StringIO) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        cursor.copy_expert(statement, data, _COPY_BYTES)


def _append(connection: Connection, data: io.StringIO, size: int) -> Stored | None:
    savepoint = connection.begin_nested()
    try:
        _copy(connection, _COPY, data)
    except UniqueViolation:
        savepoint.rollback()
        data.seek(0)
        return None
    savepoint.commit()
    return Stored(new=size, merged=False)


def _merge(connection: Connection, data: io.StringIO) -> Stored:
    connection.execute(_STAGE)
    connection.execute(_EMPTY_STAGE)
    _copy(connection, _COPY_STAGED, data)
    return Stored(new=connection.execute(_MERGE).scalar_one(), merged=True)


_PAGE = text(f"""
    SELECT id, {_COLUMNS} FROM members
    WHERE org_id = :org_id ORDER BY id LIMIT :limit OFFSET :offset
""")
_TAKEN = text("""
    SELECT count(*) FROM members WHERE org_id = :org_id AND member_number <> ''
    AND member_number = ANY(:numbers)
""")


def page(connection: Connection, org_id: int, *, limit: int, offset: int) -> list[dict[str, Any]]:
    """Return a page of an organization's members in the order in which they were added."""
    asked = {"org_id": org_id, "limit": limit, "offset": offset}
    return [dict(row) for row in connection.execute(_PAGE, asked).mappings()]


def count_taken(connection: Connection, org_id: int, numbers: Sequence[str]) -> int:
    """Return how many of these member numbers an organization has already."""
    asked = {"org_id": org_id, "numbers": list(numbers)}
    return int(connection.execute(_TAKEN, asked).scalar_one())


class Voter(NamedTuple):
    """What a census needs to know of a member."""

    #: What the import brought as `address`, whatever that is; empty where there was none.
    address: str
    weight: int


_VOTERS = text("""
    SELECT id, coalesce(other ->> 'address', '') AS address, weight FROM members
    WHERE org_id = :org_id AND id = ANY(:ids)
""")


def voters(connection: Connection, org_id: int, ids: Sequence[int]) -> dict[int, Voter]:
    """Return those of an organization's members that have these numbers."""
    rows = connection.execute(_VOTERS, {"org_id": org_id, "ids": list(ids)})
    return {row.id: Voter(row.address, int(row.weight)) for row in rows}


_ADD_ERRORS = text("""
    INSERT INTO import_errors (job_id, seq, row, error)
    SELECT :job_id, seq, row, error
    FROM unnest(CAST(:seqs AS bigint[]), CAST(:rows AS bigint[]), CAST(:errors AS text[]))
         AS found (seq, row, error)
""")
_ERRORS = text("""
    SELECT row, error FROM import_errors
    WHERE job_id = :job_id AND seq >= :first ORDER BY seq LIMIT :limit
""")
_REMOVE_ERRORS = text("DELETE FROM import_errors WHERE job_id = ANY(:job_ids)")


class RowError(NamedTuple):
    """What was wrong in a row; it quotes nothing of it."""

    #: Rows are counted from 1, the header not included.
    row: int
    error: str


def add_errors(connection: Connection, job_id: str, first: int, errors: Sequence[RowError]) -> None:
    """Keep errors of an import, numbered from `first` on."""
    if errors:
        connection.execute(
            _ADD_ERRORS,
            {
                "job_id": job_id,
                "seqs": list(range(first, first + len(errors))),
                "rows": [error.row for error in errors],
                "errors": [error.error for error in errors],
            },
        )


def errors_of(connection: Connection, job_id: str, *, first: int = 0, limit: int) -> list[RowError]:
    """Return errors of an import in the order of its rows."""
    asked = {"job_id": job_id, "first": first, "limit": limit}
    return [RowError(*row) for row in connection.execute(_ERRORS, asked)]


def remove_errors_of(connection: Connection, job_ids: Sequence[str]) -> None:
    """Remove the errors of imports."""
    connection.execute(_REMOVE_ERRORS, {"job_ids": list(job_ids)})
