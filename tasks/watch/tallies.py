"""What happened, counted from the history: each move once, whoever made it, and none is lost.

The sweep counts. A move gets its number after its transaction has one, so when all transactions
are over that had begun when somebody looked at the last number, all moves up to it can be counted.
Minutes are kept apart for two hours, then put together to quarters of an hour: a day would
otherwise take a fifth of a second to add up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from tasks.job.lists import Recorded

#: The upper bounds of the buckets that lengths of time are counted in; seconds. Each is half as
#: large again as the one before; all are 1, 1.5, 2.2, 3.3, 4.7 or 6.8 times a power of ten.
BOUNDS = tuple(
    round(digit * 10.0**power, 6)
    for power in range(-3, 5)
    for digit in (1, 1.5, 2.2, 3.3, 4.7, 6.8)
)
#: The type of rows in which all types are together: most who look want to see those.
ALL_TYPES = ""
#: Moves that are counted in one go; more are counted the next time.
_AT_ONCE = 20_000
#: How long minutes are kept, and what they are put together to; hours.
MINUTES_HOURS, KEEP_HOURS = 2, 25
#: What a quarter of an hour begins with; every time zone there is agrees.
_QUARTER = "date_bin('15 minutes', {}, TIMESTAMPTZ '2000-01-01 00:00Z')"

_HORIZON = text("""
    SELECT seq, next_seq,
           next_xact <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS is_over,
           -- Read before this transaction has a number of its own.
           CASE WHEN pg_current_xact_id_if_assigned() IS NULL
                THEN coalesce(pg_sequence_last_value(pg_get_serial_sequence('job_moves', 'seq')), 0)
           END AS given_out
    FROM tally_horizon
""")
_MEASURE = text(f"""
    WITH moved AS (
        SELECT date_trunc('minute', moves.at) AS minute, jobs.type, moves.move, moves.state,
               moves.cause, moves.at, moves.attempt, jobs.created_at, jobs.progress,
               CASE WHEN moves.worker IS NOT NULL AND moves.move <> 'claim' THEN (
                   SELECT at FROM job_moves AS claim
                   WHERE claim.job_id = moves.job_id AND claim.attempt = moves.attempt
                     AND claim.move = 'claim') END AS claimed_at
        FROM job_moves AS moves JOIN jobs ON jobs.id = moves.job_id
        WHERE moves.seq > :first AND moves.seq <= :last
    ), measured AS (
        SELECT minute, type, move, 'moves' AS measure, NULL AS seconds FROM moved
        UNION ALL
        SELECT minute, type, move, 'wait', extract(epoch FROM at - created_at) FROM moved
        WHERE move = 'claim' AND attempt = 1
        UNION ALL
        SELECT minute, type, move, 'attempt', extract(epoch FROM at - claimed_at) FROM moved
        WHERE claimed_at IS NOT NULL
        UNION ALL
        SELECT minute, type, move, 'job', extract(epoch FROM at - created_at) FROM moved
        WHERE state NOT IN ('pending', 'running')
    ), tallied AS (
        SELECT minute, type, move, measure,
               CASE WHEN seconds IS NULL THEN 0 ELSE width_bucket(
                   seconds, ARRAY[{", ".join(map(str, BOUNDS))}]::numeric[]) END AS bucket,
               count(*) AS counted, coalesce(sum(seconds), 0) AS seconds
        FROM measured GROUP BY 1, 2, 3, 4, 5
        UNION ALL
        SELECT minute, type, move, rows.name, 0, sum((progress ->> rows.name)::bigint), 0
        FROM moved CROSS JOIN (VALUES ('read'), ('added'), ('errors')) AS rows (name)
        WHERE state NOT IN ('pending', 'running')
          AND jsonb_typeof(progress -> rows.name) = 'number' AND progress ? 'read'
        GROUP BY 1, 2, 3, 4
    ), by_minute AS (
        INSERT INTO tallies AS known (minute, type, move, measure, bucket, counted, seconds)
        SELECT minute, coalesce(type, '{ALL_TYPES}'), move, measure, bucket,
               sum(counted), sum(seconds) FROM tallied
        GROUP BY GROUPING SETS ((minute, type, move, measure, bucket),
                                (minute, move, measure, bucket))
        ON CONFLICT (minute, type, move, measure, bucket) DO UPDATE
        SET counted = known.counted + excluded.counted, seconds = known.seconds + excluded.seconds
    ), by_cause AS (
        INSERT INTO causes AS known (type, move, cause, counted)
        SELECT type, move, cause, count(*) FROM moved WHERE cause IS NOT NULL
        GROUP BY type, move, cause
        ON CONFLICT (type, move, cause) DO UPDATE SET counted = known.counted + excluded.counted
    )
    INSERT INTO totals AS known (type, move, measure, bucket, counted, seconds)
    SELECT type, move, measure, bucket, sum(counted), sum(seconds) FROM tallied
    GROUP BY type, move, measure, bucket
    ON CONFLICT (type, move, measure, bucket) DO UPDATE
    SET counted = known.counted + excluded.counted, seconds = known.seconds + excluded.seconds
""")
_SET_HORIZON = text("""
    UPDATE tally_horizon
    SET seq = :seq, next_seq = :next_seq,
        next_xact = CASE WHEN :looked THEN pg_current_xact_id()::text::bigint ELSE next_xact END
""")
_ADD_RECORDED = text(f"""
    WITH recorded AS (
        SELECT minute, type, jobs FROM unnest(
            CAST(:minutes AS timestamptz[]), CAST(:types AS text[]), CAST(:jobs AS bigint[])
        ) AS given (minute, type, jobs)
    ), by_minute AS (
        INSERT INTO tallies AS known (minute, type, move, measure, bucket, counted, seconds)
        SELECT minute, coalesce(type, '{ALL_TYPES}'), 'accept', 'moves', 0, sum(jobs), 0
        FROM recorded GROUP BY GROUPING SETS ((minute, type), (minute))
        ON CONFLICT (minute, type, move, measure, bucket) DO UPDATE
        SET counted = known.counted + excluded.counted
    )
    INSERT INTO totals AS known (type, move, measure, bucket, counted, seconds)
    SELECT type, 'accept', 'moves', 0, sum(jobs), 0 FROM recorded GROUP BY type
    ON CONFLICT (type, move, measure, bucket) DO UPDATE
    SET counted = known.counted + excluded.counted
""")
_PUT_TOGETHER = text(f"""
    WITH apart AS (
        DELETE FROM tallies
        WHERE minute < {_QUARTER.format("now() - :hours * interval '1 hour'")}
          AND minute <> {_QUARTER.format("minute")}
        RETURNING *
    )
    INSERT INTO tallies AS known (minute, type, move, measure, bucket, counted, seconds)
    SELECT {_QUARTER.format("minute")}, type, move, measure, bucket, sum(counted), sum(seconds)
    FROM apart GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT (minute, type, move, measure, bucket) DO UPDATE
    SET counted = known.counted + excluded.counted, seconds = known.seconds + excluded.seconds
""")
_FORGET = text("DELETE FROM tallies WHERE minute < now() - :hours * interval '1 hour'")


def count_on(connection: Connection) -> None:
    """Count the moves that all are over; the first thing in a transaction, one caller at a time."""
    seq, next_seq, is_over, given_out = connection.execute(_HORIZON).one()
    if not is_over or given_out == seq:
        return
    last = min(next_seq, seq + _AT_ONCE)
    if last > seq:
        connection.execute(_MEASURE, {"first": seq, "last": last})
    looked = last == next_seq
    horizon = {"seq": last, "next_seq": given_out if looked else next_seq, "looked": looked}
    connection.execute(_SET_HORIZON, horizon)


def add_recorded(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """Count jobs that were recorded, in the transaction that found out about them."""
    if recorded:
        types, minutes, jobs = zip(*recorded, strict=True)
        asked = {"types": list(types), "minutes": list(minutes), "jobs": list(jobs)}
        connection.execute(_ADD_RECORDED, asked)


def forget(connection: Connection) -> None:
    """Forget what nobody looks at any more: after two hours which minute it was, then all.

    What everything adds up to is kept for ever.
    """
    connection.execute(_PUT_TOGETHER, {"hours": MINUTES_HOURS})
    connection.execute(_FORGET, {"hours": KEEP_HOURS})
