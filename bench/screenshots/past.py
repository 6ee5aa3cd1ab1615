"""Lets jobs that were done within a minute have been done within a day."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

from sqlalchemy import text

from tasks.job.lists import Recorded
from tasks.watch import tallies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from config.database import Database

#: How long a day was when an incident began, and when it was over; minutes before now.
DAY, BEGAN, OVER = 24 * 60.0, 19.0, 12.0

# One sweep at a time, and none while the past is being changed.
_LOCK = text("SELECT pg_advisory_xact_lock(7310583)")
_IN_ORDER = text("SELECT id, extract(epoch FROM now() - created_at) FROM jobs ORDER BY seq")
_MOVE = text("""
    WITH moved AS (
        SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:seconds AS float8[])) AS m (id, seconds)
    ), history AS (
        UPDATE job_moves SET at = at - seconds * interval '1 second'
        FROM moved WHERE job_id = moved.id
    )
    UPDATE jobs SET
        created_at = created_at - seconds * interval '1 second',
        updated_at = updated_at - seconds * interval '1 second',
        started_at = started_at - seconds * interval '1 second',
        finished_at = finished_at - seconds * interval '1 second',
        due_at = due_at - seconds * interval '1 second',
        rung_at = rung_at - seconds * interval '1 second'
    FROM moved WHERE jobs.id = moved.id
""")
#: What has been counted is counted anew, by the sweep, from the times as they are now.
_FORGET = (
    text("DELETE FROM tallies"),
    text("DELETE FROM totals"),
    text("UPDATE tally_horizon SET seq = 0, next_seq = 0, next_xact = 0"),
    text("DELETE FROM job_clock"),
    text("""
        INSERT INTO job_clock (at, seq)
        SELECT date_trunc('minute', created_at) + interval '1 minute', max(seq) FROM jobs GROUP BY 1
    """),
)
_RECORDED = text("""
    SELECT type, date_trunc('minute', created_at) AS minute, count(*) AS jobs FROM jobs
    GROUP BY type, minute
""")
_IS_COUNTED = text("SELECT seq >= (SELECT max(seq) FROM job_moves) FROM tally_horizon")


def spread(database: Database, parts: Sequence[int]) -> None:
    """Move every job back in time, in its order.

    The parts are how many are to be of the day before an incident, of the incident, and of the
    time since.
    """
    with database.transaction() as connection:
        connection.execute(_LOCK)
        rows = connection.execute(_IN_ORDER).all()
        moved = {
            "ids": [job_id for job_id, _ in rows],
            "seconds": [
                60 * wanted - float(age)
                for (_, age), wanted in zip(rows, _ages(parts), strict=True)
            ],
        }
        connection.execute(_MOVE, moved)
        for statement in _FORGET:
            connection.execute(statement)
        _count_recorded(connection)


def _ages(parts: Sequence[int]) -> list[float]:
    """Return how old jobs are to be, the oldest first; minutes."""
    dice = random.Random(20261129)
    before, incident, since = parts
    of_day = sorted(_ages_in_a_day(dice, before), reverse=True)
    of_incident = sorted((dice.uniform(OVER, BEGAN) for _ in range(incident)), reverse=True)
    recent = sorted((dice.uniform(0.2, OVER) for _ in range(since)), reverse=True)
    return [*of_day, *of_incident, *recent]


def _ages_in_a_day(dice: random.Random, jobs: int) -> list[float]:
    """Return how old jobs are to be: a day has a busy half and a quiet one, and ends busily."""
    minutes = range(int(BEGAN), int(DAY))
    often = [1.6 + math.cos(2 * math.pi * age / DAY) + 14 * math.exp(-age / 60) for age in minutes]
    return [age + dice.random() for age in dice.choices(minutes, often, k=jobs)]


def _count_recorded(connection: Connection) -> None:
    recorded = [Recorded(*row) for row in connection.execute(_RECORDED)]
    tallies.add_recorded(connection, recorded)


def is_counted(database: Database) -> bool:
    """Tell whether the sweep has counted everything anew."""
    with database.statement() as connection:
        return bool(connection.execute(_IS_COUNTED).scalar())
