"""What is to be measured of all jobs, read from the record: levels as they are now, and counts.

Counts only grow: they come from what the sweep has counted of the history, which is kept when the
jobs themselves are cleared.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from tasks.job.declare import JOB_TYPES
from tasks.watch import queues, workers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

#: How long one of the statements may take; milliseconds.
_PATIENCE = 5000


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Everything that is measured; it can be written as JSON."""

    #: Each queue as `queues.Queue` has it, and each type as `queues.InFlight` has it.
    queues: Sequence[Mapping[str, Any]]
    types: Sequence[Mapping[str, Any]]
    #: How many workers are in each state, and how far the clock that is furthest off is; seconds.
    workers: Mapping[str, int]
    skew: float
    #: How far the counts are behind the history; seconds.
    lag: float
    #: type, move, measure, bucket, count and seconds, as the tallies have them.
    totals: Sequence[Sequence[Any]]
    #: type, move, cause and count.
    causes: Sequence[Sequence[Any]]
    #: type, what was counted (read, added, errors), and how many rows.
    rows: Sequence[Sequence[Any]]


_LIMIT = text(f"SET LOCAL statement_timeout = {_PATIENCE}")
_LAG = text("""
    SELECT extract(epoch FROM clock_timestamp() - at)::float8 FROM job_moves
    WHERE seq > (SELECT seq FROM tally_horizon) ORDER BY seq LIMIT 1
""")
_TOTALS = text("""
    SELECT type, move, measure, bucket, counted, seconds FROM totals
    WHERE measure IN ('moves', 'wait', 'attempt', 'job') ORDER BY type, move, measure, bucket
""")
_CAUSES = text("SELECT type, move, cause, counted FROM causes ORDER BY type, move, cause")
# Those of imports that go on, or ended a moment ago, are not in the totals yet. Rows are committed
# with the account of them, so the sum never falls.
_ROWS = text("""
    WITH going_on AS (
        SELECT jobs.type, jobs.progress FROM unnest(CAST(:types AS text[])) AS asked (kind)
        JOIN jobs ON jobs.type = asked.kind AND jobs.state = 'running' AND progress ? 'read'
        UNION ALL
        SELECT jobs.type, jobs.progress
        FROM job_moves AS moves JOIN jobs ON jobs.id = moves.job_id AND progress ? 'read'
        WHERE moves.seq > (SELECT seq FROM tally_horizon)
          AND moves.state NOT IN ('pending', 'running')
    )
    SELECT type, name, sum(counted)::bigint FROM (
        SELECT type, measure AS name, counted FROM totals
        WHERE measure IN ('read', 'added', 'errors')
        UNION ALL
        SELECT type, name, (progress ->> name)::bigint
        FROM going_on CROSS JOIN (VALUES ('read'), ('added'), ('errors')) AS rows (name)
        WHERE jsonb_typeof(progress -> name) = 'number'
    ) AS counted GROUP BY type, name ORDER BY type, name
""")


def read(connection: Connection) -> Measures:
    """Measure; the connection must be inside a transaction.

    Raises:
        SQLAlchemyError: the record cannot be read, or not in time.
    """
    connection.execute(_LIMIT)
    everyone = workers.everyone(connection)
    return Measures(
        queues=[asdict(one) for one in queues.everyone(connection)],
        types=[asdict(one) for one in queues.in_flight(connection)],
        workers=dict(Counter(one.state for one in everyone)),
        skew=max((abs(one.skew) for one in everyone), default=0.0),
        lag=float(connection.execute(_LAG).scalar() or 0.0),
        totals=[list(row) for row in connection.execute(_TOTALS)],
        causes=[list(row) for row in connection.execute(_CAUSES)],
        rows=[list(row) for row in connection.execute(_ROWS, {"types": sorted(JOB_TYPES)})],
    )
