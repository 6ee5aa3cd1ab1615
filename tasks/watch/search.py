"""Finding jobs among all there are: filters, pages, and how many match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from tasks.job.declare import JOB_TYPES
from tasks.job.record import COLUMNS, Job
from tasks.job.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

#: Jobs on a page at the most, and up to which number those that match are counted.
MAX_LIMIT, MOST_COUNTED = 200, 10_000
#: The shortest beginning of an id that is looked for; what is shorter must be the whole id.
SHORTEST_PREFIX = 3
#: An error with every number as `#`, so that the same error is the same line; SQL.
ERROR_LINE = r"regexp_replace(error, '\m(0x[0-9a-fA-F]+|[0-9]+)\M', '#', 'g')"


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which jobs are meant; what is empty or None excludes none."""

    types: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    #: The API whose types they have.
    api: str = ""
    tenant: str = ""
    #: What their ids begin with.
    id_prefix: str = ""
    #: Why they failed: as a word, and as a line in which every number is `#`.
    code: str = ""
    error: str = ""
    #: Recorded at or after, and before.
    since: datetime | None = None
    until: datetime | None = None

    def has_type(self, name: str) -> bool:
        """Tell whether jobs of a type can be meant."""
        kind = JOB_TYPES.get(name)
        is_of_api = not self.api or (kind is not None and kind.api == self.api)
        return is_of_api and (not self.types or name in self.types)


# One index serves each of them: the newest of every type and state are put together. A type that
# nothing declares any more has jobs as well, so the types are read off the index.
_TYPES = text("""
    WITH RECURSIVE known (type) AS (
        (SELECT type FROM jobs ORDER BY type LIMIT 1)
        UNION ALL
        SELECT (SELECT jobs.type FROM jobs WHERE jobs.type > known.type ORDER BY jobs.type LIMIT 1)
        FROM known WHERE known.type IS NOT NULL
    )
    SELECT type FROM known WHERE type IS NOT NULL
""")
# A job was given its number after its transaction began, which is what created_at says. It is
# older than the transaction's end by no more than that took; an hour is far beyond that.
_SPAN = text("""
    SELECT coalesce((SELECT seq FROM job_clock WHERE at <= CAST(:since AS timestamptz)
                     ORDER BY at DESC LIMIT 1), 0),
           coalesce((SELECT seq + 1 FROM job_clock
                     WHERE at >= CAST(:until AS timestamptz) + interval '1 hour'
                     ORDER BY at LIMIT 1), 9223372036854775807)
""")
_WANTED = """
    FROM unnest(CAST(:types AS text[])) AS asked (kind) {states}
    CROSS JOIN LATERAL (
        SELECT id, seq FROM jobs
        WHERE type = asked.kind AND state = {state} AND seq > :first AND seq < :before {more}
        {order} LIMIT :limit
    ) AS newest
"""
_ANY_STATE = {
    "states": "CROSS JOIN unnest(CAST(:states AS text[])) AS wanted (word)",
    "state": "wanted.word",
}
# The indexes of codes and errors hold what has failed, and are used where a statement says so.
_FAILED = {"states": "", "state": f"'{State.FAILED}'"}
_BY_ID = """
    FROM jobs AS newest
    WHERE {id} AND type = ANY(:types) AND state = ANY(:states)
      AND seq > :first AND seq < :before {more}
"""


def types_there_are(connection: Connection) -> list[str]:
    """Return the types of all jobs on record, in order."""
    return list(connection.execute(_TYPES).scalars())


def page(
    connection: Connection, wanted: Filter, *, limit: int, before: int | None = None
) -> list[Job]:
    """Return jobs that match, newest first, from behind the one of number `before`."""
    source, asked = _source(connection, wanted, before, order="ORDER BY seq DESC")
    statement = text(f"""
        SELECT {COLUMNS} FROM jobs
        WHERE id IN (SELECT newest.id {source} ORDER BY newest.seq DESC LIMIT :limit)
        ORDER BY seq DESC
    """)
    rows = connection.execute(statement, {**asked, "limit": limit})
    return [Job.from_row(row) for row in rows]


def count(connection: Connection, wanted: Filter, *, most: int = MOST_COUNTED) -> int:
    """Return how many jobs match: exactly, or one more than `most` if there are more."""
    source, asked = _source(connection, wanted, None)
    statement = text(f"SELECT count(*) FROM (SELECT {source} LIMIT :limit) AS matching")
    return int(connection.execute(statement, {**asked, "limit": most + 1}).scalar_one())


def ids(connection: Connection, wanted: Filter, *, most: int = MOST_COUNTED) -> list[str]:
    """Return the ids of all that match, newest first, or of one more than `most`."""
    source, asked = _source(connection, wanted, None, order="ORDER BY seq DESC")
    statement = text(f"SELECT newest.id {source} ORDER BY newest.seq DESC LIMIT :limit")
    return list(connection.execute(statement, {**asked, "limit": most + 1}).scalars())


def _source(
    connection: Connection, wanted: Filter, before: int | None, *, order: str = ""
) -> tuple[str, dict[str, Any]]:
    """Return what to select from as `newest`, and the values of its parameters."""
    first, last = _span(connection, wanted)
    # A code and an error say why a job failed, so nothing else has them.
    is_failed = bool(wanted.code or wanted.error)
    possible = (State.FAILED,) if is_failed else tuple(State)
    states = [state for state in possible if not wanted.states or state in wanted.states]
    types = types_there_are(connection) if states else ()
    asked: dict[str, Any] = {
        "types": [name for name in types if wanted.has_type(name)],
        "states": states,
        "first": first,
        "before": min(last, before) if before is not None else last,
    }
    conditions = {
        "tenant = :tenant": wanted.tenant,
        "code = :code": wanted.code,
        f"md5({ERROR_LINE}) = md5(:error)": wanted.error,
        "created_at >= :since": wanted.since,
        "created_at < :until": wanted.until,
    }
    more = "".join(f" AND {condition}" for condition, value in conditions.items() if value)
    given = ("tenant", "code", "error", "since", "until")
    values = {name: getattr(wanted, name) for name in given}
    asked |= {name: value for name, value in values.items() if value}
    if not wanted.id_prefix:
        state = _FAILED if is_failed else _ANY_STATE
        return _WANTED.format(more=more, order=order, **state), asked
    asked["id"] = wanted.id_prefix
    if len(wanted.id_prefix) < SHORTEST_PREFIX:
        return _BY_ID.format(id="id = :id", more=more), asked
    # The last character there is: no id has it.
    return (
        _BY_ID.format(id="id >= :id AND id < :id_end", more=more),
        {**asked, "id_end": f"{wanted.id_prefix}\U0010ffff"},
    )


def _span(connection: Connection, wanted: Filter) -> tuple[int, int]:
    """Return between which numbers everything is that was recorded in the filter's time."""
    if wanted.since is None and wanted.until is None:
        return 0, 2**63 - 1
    asked = {"since": wanted.since, "until": wanted.until}
    first, last = connection.execute(_SPAN, asked).one()
    return first, last


_IS_TIME = text("""
    SELECT coalesce(pg_sequence_last_value('job_numbers'), 0)
    WHERE NOT EXISTS (SELECT FROM job_clock WHERE at > now() - interval '1 minute')
""")
_TICK = text("INSERT INTO job_clock (at, seq) VALUES (clock_timestamp(), :seq)")
_FORGET_TICKS = text("DELETE FROM job_clock WHERE at < now() - interval '1 year'")


def tick(connection: Connection) -> None:
    """Note, once a minute, up to which number jobs have been recorded."""
    # First the number, then the time: what is recorded after that time has a higher number.
    seq = connection.execute(_IS_TIME).scalar()
    if seq is not None:
        connection.execute(_TICK, {"seq": seq})
        connection.execute(_FORGET_TICKS)
