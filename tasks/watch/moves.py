"""The history as it goes on, in its order, for whoever tells it to others.

A move gets its number after its transaction has one, so when all transactions are over that had
begun when somebody looked at the last number, all moves up to it are there to be read.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

#: Moves, or jobs of a queue, that are read in one go.
AT_ONCE = 1000
#: What is older is told no more to who was not there to hear it; seconds.
_OLD_SECONDS = 60
#: How long a transaction that records jobs may take for them to be seen waiting; seconds.
_SLOW_SECONDS = 5


@dataclass(frozen=True)
class Move:
    """A move of a job, with what Celery's events say of it."""

    seq: int
    job_id: str
    type: str
    queue: str
    attempt: int
    move: str
    #: The name that Celery knows the worker by; None where none made the move, or nobody knows it.
    node: str | None
    #: Why, in one line, and as a word if the job has failed.
    note: str | None
    code: str | None
    #: Seconds since 1970.
    at: float
    #: How long the attempt took that ended with it; seconds.
    took: float | None


@dataclass(frozen=True)
class Waiting:
    """A job that has not begun."""

    job_id: str
    type: str
    queue: str
    #: Seconds since 1970.
    at: float


_GIVEN_OUT = text("""
    SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('job_moves', 'seq')), 0)
""")
_NEXT_XACT = text("SELECT pg_current_xact_id()::text::bigint")
_OLDEST_XACT = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
_READ = text("""
    SELECT moves.seq, job_id, jobs.type, jobs.queue, attempt, move, workers.node, note, jobs.code,
           extract(epoch FROM at)::float8, extract(epoch FROM at - (
               SELECT at FROM job_moves AS claim
               WHERE claim.job_id = moves.job_id AND claim.attempt = moves.attempt
                 AND claim.move = 'claim' AND moves.move <> 'claim'))::float8
    FROM job_moves AS moves JOIN jobs ON jobs.id = job_id
    LEFT JOIN workers ON workers.id = moves.worker
    WHERE moves.seq > (SELECT seq FROM event_horizon) AND moves.seq <= :last
    ORDER BY moves.seq LIMIT :limit
""")
_TOLD = text("UPDATE event_horizon SET seq = :seq WHERE seq < :seq")
_SKIP = text("""
    UPDATE event_horizon SET seq = greatest(seq, (
        SELECT coalesce(max(seq), 0) FROM job_moves
        WHERE at < now() - :seconds * interval '1 second'))
""")
_NOW = text("SELECT now()")
_WAITING = text("""
    SELECT found.id, found.type, found.queue, extract(epoch FROM found.created_at)::float8
    FROM unnest(CAST(:queues AS text[])) AS served (queue)
    CROSS JOIN LATERAL (
        SELECT id, type, queue, created_at FROM jobs
        WHERE jobs.queue = served.queue AND worker IS NULL AND finished_at IS NULL
          AND state = 'pending'
          AND (CAST(:since AS timestamptz) IS NULL
               OR due_at > CAST(:since AS timestamptz) - :slow * interval '1 second')
        ORDER BY due_at LIMIT :limit
    ) AS found ORDER BY found.created_at
""")


class Follower:
    """Reads what happens, each move once; where it has got to is kept in the database.

    One at a time, on a connection on which every statement is its own transaction.
    """

    def __init__(self) -> None:
        #: Numbers that had been given out, and transactions that had not begun then.
        self._looks: deque[tuple[int, int]] = deque()
        self._last = 0
        self._since: datetime | None = None
        self._seen: set[str] = set()

    def skip_old(self, connection: Connection) -> None:
        """Leave out what happened long before anybody listened."""
        connection.execute(_SKIP, {"seconds": _OLD_SECONDS})

    def moves(self, connection: Connection) -> list[Move]:
        """Return the next moves; until `told` is called they are the next ones again."""
        self._look(connection)
        asked = {"last": self._last, "limit": AT_ONCE}
        return [Move(*row) for row in connection.execute(_READ, asked)]

    def told(self, connection: Connection, moves: list[Move]) -> None:
        """Keep that these have been told."""
        if moves:
            connection.execute(_TOLD, {"seq": moves[-1].seq})

    def _look(self, connection: Connection) -> None:
        given_out = connection.execute(_GIVEN_OUT).scalar_one()
        if given_out > (self._looks[-1][0] if self._looks else self._last):
            self._looks.append((given_out, connection.execute(_NEXT_XACT).scalar_one()))
        if self._looks:
            oldest = connection.execute(_OLDEST_XACT).scalar_one()
            while self._looks and self._looks[0][1] <= oldest:
                self._last = self._looks.popleft()[0]

    def waiting(self, connection: Connection, queues: Iterable[str]) -> list[Waiting]:
        """Return jobs of these queues that began to wait since they were last asked for.

        Those that are claimed before anybody asks are left out.
        """
        now = connection.execute(_NOW).scalar_one()
        asked = {"queues": list(queues), "since": self._since, "slow": _SLOW_SECONDS}
        rows = connection.execute(_WAITING, {**asked, "limit": AT_ONCE})
        found = [Waiting(*row) for row in rows]
        new = [one for one in found if one.job_id not in self._seen]
        self._since, self._seen = now, {one.job_id for one in found}
        return new
