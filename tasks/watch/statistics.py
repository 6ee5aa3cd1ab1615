"""Statistics over the last hours, from the tallies: how much was done, and how long it took."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from tasks.watch.tallies import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class Slot:
    """What happened within some minutes."""

    at: datetime
    #: Jobs that began, and those that ended, by how.
    begun: int
    completed: int
    failed: int
    rejected: int
    cancelled: int
    #: Attempts that failed and are followed by another, and workers that were lost.
    retried: int
    lost: int


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What happened to jobs of a type. Lengths are seconds, None where nothing was measured."""

    type: str
    completed: int
    failed: int
    rejected: int
    cancelled: int
    retried: int
    lost: int
    #: From being recorded to the first claim.
    wait_p50: float | None
    wait_p95: float | None
    #: From being recorded to its end.
    job_p50: float | None
    job_p95: float | None


#: The moves that are counted, and the names of their counts.
_MOVES = {
    "complete": "completed",
    "fail": "failed",
    "reject": "rejected",
    "cancel": "cancelled",
    "retry": "retried",
    "lose": "lost",
}
_SERIES = text("""
    WITH slots AS (
        SELECT generate_series(
            date_trunc('minute', now()) - (:slots - 1) * :minutes * interval '1 minute',
            date_trunc('minute', now()), :minutes * interval '1 minute') AS at
    )
    SELECT slots.at, CASE WHEN measure = 'wait' THEN 'begin' ELSE move END AS move,
           coalesce(sum(counted), 0) AS counted
    FROM slots LEFT JOIN tallies
      ON minute >= slots.at AND minute < slots.at + :minutes * interval '1 minute'
     AND measure IN ('moves', 'wait') AND (CAST(:type AS text) IS NULL OR type = :type)
    GROUP BY 1, 2 ORDER BY 1
""")
_PERIOD = text("""
    SELECT type, move, measure, bucket, sum(counted) AS counted FROM tallies
    WHERE minute > now() - :hours * interval '1 hour' AND measure IN ('moves', 'wait', 'job')
      AND (measure <> 'job' OR move IN ('complete', 'fail'))
    GROUP BY type, move, measure, bucket
""")


def series(
    connection: Connection, *, slots: int = 60, minutes: int = 1, job_type: str | None = None
) -> list[Slot]:
    """Return the last slots of so many minutes, oldest first; the last one goes on."""
    asked = {"slots": slots, "minutes": minutes, "type": job_type}
    found: dict[datetime, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(_SERIES, asked):
        found[row.at][row.move] = int(row.counted)
    return [
        Slot(at=at, begun=moves.get("begin", 0), **_counts(moves)) for at, moves in found.items()
    ]


def summaries(connection: Connection, *, hours: float = 1) -> list[Summary]:
    """Return what happened within so many hours, at most a day, by type."""
    moves: dict[str, dict[str, int]] = defaultdict(dict)
    waits: dict[str, dict[int, int]] = defaultdict(dict)
    jobs: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for row in connection.execute(_PERIOD, {"hours": hours}):
        if row.measure == "moves":
            moves[row.type][row.move] = int(row.counted)
        elif row.measure == "wait":
            waits[row.type][row.bucket] = int(row.counted)
        else:
            jobs[row.type][row.bucket] += int(row.counted)
    return [
        Summary(
            type=name,
            **_counts(moves[name]),
            wait_p50=quantile(waits[name], 0.5),
            wait_p95=quantile(waits[name], 0.95),
            job_p50=quantile(jobs[name], 0.5),
            job_p95=quantile(jobs[name], 0.95),
        )
        for name in sorted(moves)
    ]


def _counts(moves: Mapping[str, int]) -> dict[str, int]:
    return {name: moves.get(move, 0) for move, name in _MOVES.items()}


def quantile(buckets: Mapping[int, int], share: float) -> float | None:
    """Return the length that so large a share did not exceed, as far as buckets tell; seconds.

    Within a bucket the lengths are taken to be spread evenly, so it is right within a fourth.
    """
    below, rank = 0, share * sum(buckets.values())
    for bucket in sorted(buckets):
        counted = buckets[bucket]
        if counted and below + counted >= rank:
            low = BOUNDS[bucket - 1] if bucket else 0.0
            high = BOUNDS[min(bucket, len(BOUNDS) - 1)]
            return low + (high - low) * (rank - below) / counted
        below += counted
    return None
