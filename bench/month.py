"""A record such as a month of work leaves: jobs of every type, their history, and the tallies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.job import lists
from tasks.watch import tallies

if TYPE_CHECKING:
    from bench.bed import Bed

#: Jobs that are recorded in one go.
_PART = 10_000
# One in ten was recorded within the last day, which had a busy half and a quiet one. Of these one
# in ten waits; one in thirty has failed, in one of five ways.
_FILL = """
    SELECT setseed(%s::float8 / %s);
    WITH kinds (first, last, type, queue, seconds) AS (VALUES
        (0, 29, 'ledger_transaction', 'chain', 4.0), (30, 54, 'relay_vote', 'chain', 3.0),
        (55, 74, 'deliver_webhook', 'webhooks', 0.2), (75, 84, 'watchlist', 'screening', 0.6),
        (85, 92, 'org_members', 'bulk', 8.0), (93, 95, 'account_connection', 'income', 20.0),
        (96, 97, 'census_participants', 'default', 2.0), (98, 98, 'publish_process', 'chain', 4.0),
        (99, 99, 'set_process_status', 'chain', 4.0)
    ), shares AS (
        SELECT n, n %% 100 AS kind, (n::bigint * 7919) %% 1000 AS luck,
               n::float8 / %s AS part,
               exp(1.1 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) AS slow
        FROM generate_series(%s, %s) AS n
    ), dated AS (
        SELECT shares.*, type, queue, seconds,
               now() - interval '1 day' * CASE WHEN part < 0.9 THEN 30 - 29 * part / 0.9
                 ELSE 1 - ((part - 0.9) * 10 - 0.12 * sin(2 * pi() * (part - 0.9) * 10)) END AS at,
               CASE WHEN part > 0.9 AND n %% 10 = 3 THEN 'pending'
                    WHEN part > 0.9 AND n %% 1000 = 8 THEN 'running'
                    WHEN luck < 33 THEN 'failed'
                    WHEN type = 'watchlist' AND luck < 80 THEN 'rejected' ELSE 'completed' END
                 AS state
        FROM shares JOIN kinds ON kind BETWEEN first AND last
    )
    INSERT INTO jobs (id, type, tenant, queue, payload, state, result, code, error, conflict,
                      attempts, started_at, finished_at, expires_at, created_at, updated_at,
                      due_at, rung_at)
    SELECT md5(n::text), type, CASE WHEN luck < 400 THEN 'large' ELSE 'tenant' || luck * kind END,
           queue, '{}', state, CASE WHEN state = 'completed' THEN '{}'::jsonb END,
           CASE WHEN state = 'failed' THEN 'code_' || n %% 5 END,
           CASE WHEN state = 'failed' THEN 'the other side answered ' || 500 + n %% 5 END,
           CASE WHEN state = 'rejected' THEN md5((n - 1)::text) END,
           CASE WHEN state IN ('pending', 'rejected') THEN 0 ELSE 1 END,
           CASE WHEN state NOT IN ('pending', 'rejected') THEN at + slow * interval '5 ms' END,
           CASE WHEN is_over THEN at + slow * seconds * interval '1 second' END,
           CASE WHEN is_over THEN at + interval '31 days' END, at, at,
           CASE WHEN state = 'running' THEN now() + interval '1 hour' ELSE at END, at
    FROM dated CROSS JOIN LATERAL (SELECT state NOT IN ('pending', 'running') AS is_over) AS known
    ORDER BY n
"""
_MOVES = """
    INSERT INTO job_moves (job_id, attempt, move, state, worker, at)
    SELECT id, attempts, move, after, 'worker' || jobs.seq % 16, at
    FROM jobs CROSS JOIN LATERAL (VALUES
        ('claim', 'running', started_at),
        (CASE state WHEN 'completed' THEN 'complete' WHEN 'failed' THEN 'fail' ELSE 'reject' END,
         state, finished_at)) AS moved (move, after, at)
    WHERE at < now() AND created_at > now() - interval '26 hours'
    ORDER BY at
"""
_CLOCK = """
    INSERT INTO job_clock (at, seq)
    SELECT date_trunc('minute', created_at) + interval '1 minute', max(seq) FROM jobs GROUP BY 1
"""
_IS_COUNTED = """
    SELECT (SELECT seq FROM tally_horizon) = (SELECT max(seq) FROM job_moves)
       AND (SELECT sum(counted) FROM job_counts) = (SELECT count(*) FROM jobs)
"""


def fill(bed: Bed, jobs: int) -> None:
    """Record so many jobs, as if they had come within the last thirty days."""
    bed.clear()
    bed.sql("TRUNCATE job_clock, tallies, totals")
    # In parts, since whoever looks meanwhile must step over all that is not committed.
    for first in range(1, jobs + 1, _PART):
        bed.sql(_FILL, first, jobs, jobs, first, min(first + _PART - 1, jobs))
    for statement in (_MOVES, _CLOCK, "VACUUM ANALYZE", "CHECKPOINT"):
        bed.sql(statement)
    # As the sweep of any worker does.
    while bed.sql(_IS_COUNTED) != [(True,)]:
        with bed.database.transaction() as connection:
            tallies.count_on(connection)
        with bed.database.transaction() as connection:
            tallies.add_recorded(connection, lists.count_on(connection))
    with bed.database.transaction() as connection:
        tallies.forget(connection)
    bed.sql("VACUUM FULL tallies")
    bed.sql("ANALYZE tallies")
