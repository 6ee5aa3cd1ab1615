"""Statistics over the last hours, from the tallies: how much was done, and how long it took."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from tasks.watch.tallies import ALL_TYPES, BOUNDS, MINUTES_HOURS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection


class Span(NamedTuple):
    """A stretch of time up to now, in slots; the last one goes on."""

    slots: int
    #: How long a slot is. Every slot begins at a multiple of that.
    minutes: int


def span(hours: int) -> Span:
    """Return the slots to show some hours in: sixty, or else quarters of an hour."""
    return Span(60, hours) if hours <= MINUTES_HOURS else Span(4 * hours, 15)


#: What small plots show.
HOUR, DAY = span(1), span(24)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What happened to jobs."""

    #: Jobs that were recorded, those that began, and those that ended, by how.
    accepted: int = 0
    begun: int = 0
    completed: int = 0
    failed: int = 0
    rejected: int = 0
    cancelled: int = 0
    #: Attempts that failed and are followed by another, and workers that were lost.
    retried: int = 0
    lost: int = 0

    @property
    def ended(self) -> int:
        """Jobs that have ended, however."""
        return self.completed + self.failed + self.rejected + self.cancelled


@dataclass(frozen=True)
class Lengths:
    """Quantiles of a length of time; seconds, None where nothing was measured."""

    p50: float | None
    p95: float | None


@dataclass(frozen=True, kw_only=True)
class Slot(Counts):
    """What happened within some minutes, to jobs of all types or of one."""

    at: datetime
    #: From being recorded to the first claim, and to its end.
    wait: Lengths
    latency: Lengths


@dataclass(frozen=True, kw_only=True)
class Summary(Counts):
    """What happened to jobs of a type."""

    type: str
    #: From being recorded to the first claim, and to its end.
    wait: Lengths
    latency: Lengths
    #: Of an attempt, from its claim to what became of it.
    run: Lengths


#: The moves that are counted, and the names of their counts.
_MOVES = {
    "accept": "accepted",
    "complete": "completed",
    "fail": "failed",
    "reject": "rejected",
    "cancel": "cancelled",
    "retry": "retried",
    "lose": "lost",
}
#: The moves whose lengths count, by what is measured: an attempt that was parked was not all.
_MEASURED = {
    "wait": ("claim",),
    "job": ("complete", "fail"),
    "attempt": ("complete", "fail", "retry"),
}
# A bin of time, as every one who counts it has it.
_BIN = "date_bin(:minutes * interval '1 minute', {}, TIMESTAMPTZ '2000-01-01 00:00Z')"
_NOW = text(f"SELECT {_BIN.format('now()')}")
_SERIES = text(f"""
    SELECT {_BIN.format("minute")} AS at, measure, move, bucket, sum(counted)::bigint AS counted
    FROM tallies
    WHERE minute >= :first AND type = :type AND measure IN ('moves', 'wait', 'job')
    GROUP BY 1, measure, move, bucket
""")
_ENDED = text(f"""
    SELECT type, {_BIN.format("minute")} AS at, sum(counted)::bigint AS counted FROM tallies
    WHERE minute >= :first AND type <> '{ALL_TYPES}' AND measure = 'moves'
      AND move IN ('complete', 'fail', 'reject', 'cancel')
    GROUP BY type, 2
""")
_PERIOD = text(f"""
    SELECT type, measure, move, bucket, sum(counted)::bigint AS counted FROM tallies
    WHERE minute > now() - :hours * interval '1 hour' AND type <> '{ALL_TYPES}'
      AND measure IN ('moves', 'wait', 'job', 'attempt')
    GROUP BY type, measure, move, bucket
""")


@dataclass
class _Gathered:
    """Rows of the tallies that belong together."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    lengths: dict[str, dict[int, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )

    def add(self, measure: str, move: str, bucket: int, counted: int) -> None:
        """Add a row."""
        if measure == "wait":
            self.counts["begun"] += counted
        if measure == "moves":
            if move in _MOVES:
                self.counts[_MOVES[move]] += counted
        elif move in _MEASURED[measure]:
            self.lengths[measure][bucket] += counted

    def quantiles(self, measure: str) -> Lengths:
        """Return the quantiles of a length."""
        buckets = self.lengths[measure]
        return Lengths(quantile(buckets, 0.5), quantile(buckets, 0.95))


def series(connection: Connection, shown: Span = HOUR, *, job_type: str = ALL_TYPES) -> list[Slot]:
    """Return what happened in each slot of a span, oldest first, to all jobs or those of a type."""
    found: dict[datetime, _Gathered] = defaultdict(_Gathered)
    beginnings = _beginnings(connection, shown)
    asked = {"minutes": shown.minutes, "first": beginnings[0], "type": job_type}
    for at, *row in connection.execute(_SERIES, asked):
        found[at].add(*row)
    return [
        Slot(
            at=at,
            **found[at].counts,
            wait=found[at].quantiles("wait"),
            latency=found[at].quantiles("job"),
        )
        for at in beginnings
    ]


def ended_by_type(connection: Connection, shown: Span = HOUR) -> dict[str, list[int]]:
    """Return how many jobs of each type ended in each slot of a span, oldest first."""
    beginnings = _beginnings(connection, shown)
    places = {at: place for place, at in enumerate(beginnings)}
    found: dict[str, list[int]] = defaultdict(lambda: [0] * shown.slots)
    asked = {"minutes": shown.minutes, "first": beginnings[0]}
    for name, at, counted in connection.execute(_ENDED, asked):
        if at in places:  # or another slot has begun since
            found[name][places[at]] = counted
    return dict(found)


def _beginnings(connection: Connection, shown: Span) -> Sequence[datetime]:
    last: datetime = connection.execute(_NOW, {"minutes": shown.minutes}).scalar_one()
    return [last - timedelta(minutes=shown.minutes * back) for back in reversed(range(shown.slots))]


def summaries(connection: Connection, *, hours: int = 1) -> list[Summary]:
    """Return what happened within so many hours, at most a day, by type.

    From two hours on they begin with a quarter of an hour.
    """
    found: dict[str, _Gathered] = defaultdict(_Gathered)
    for name, *row in connection.execute(_PERIOD, {"hours": hours}):
        found[name].add(*row)
    return [
        Summary(
            type=name,
            **one.counts,
            wait=one.quantiles("wait"),
            latency=one.quantiles("job"),
            run=one.quantiles("attempt"),
        )
        for name, one in sorted(found.items())
    ]


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
