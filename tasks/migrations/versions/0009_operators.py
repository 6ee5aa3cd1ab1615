"""Cancelled and repeated jobs, the people who do that, and what operators see of all jobs."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"

ORDERS = """
ALTER TABLE jobs
    -- Who asked for it to be cancelled. One that is at work ends when its handler notices.
    ADD COLUMN cancelled_by text,
    -- Its effects are on their way: nobody can cancel it any more.
    ADD COLUMN irrevocable boolean NOT NULL DEFAULT false,
    -- The ended job that this one runs again.
    ADD COLUMN retry_of text,
    -- The span that it was dispatched in, as the header `traceparent` has it.
    ADD COLUMN trace_parent text;
-- A job that was cancelled before its first attempt has failed without one.
ALTER TABLE jobs DROP CONSTRAINT jobs_pending_iff_unattempted;
ALTER TABLE jobs ADD CONSTRAINT jobs_pending_iff_unattempted CHECK (
    CASE state
        WHEN 'failed' THEN attempts > 0 OR cancelled_by IS NOT NULL
        ELSE (attempts = 0) = (state IN ('pending', 'rejected'))
    END
);
-- An ended job is run again by one job.
CREATE UNIQUE INDEX jobs_retried ON jobs (retry_of) WHERE retry_of IS NOT NULL;
"""

LISTS = """
-- So that what begins with some letters stands together in the index of ids.
ALTER TABLE jobs ALTER COLUMN id TYPE text COLLATE "C";
-- Every list is put together from the newest of each type and state.
DROP INDEX jobs_of_tenant;
CREATE INDEX jobs_of_tenant ON jobs (tenant, type, state, seq);
CREATE INDEX jobs_of_type ON jobs (type, state, seq);
CREATE INDEX webhook_deliveries_about ON webhook_deliveries (about);

-- Up to which number jobs had been recorded at a time: what was recorded later has a higher one.
CREATE TABLE job_clock (
    at   timestamptz PRIMARY KEY,
    seq  bigint NOT NULL
);
"""

TALLIES = """
-- The history in the order in which it was written.
CREATE INDEX job_moves_in_order ON job_moves (seq);

-- What happened in a minute: how often jobs of a type moved, and how long what took.
CREATE TABLE tallies (
    minute   timestamptz NOT NULL,
    type     text NOT NULL,
    move     text NOT NULL,
    -- moves, or of which length of time the bucket is: wait, attempt, job.
    measure  text NOT NULL,
    bucket   smallint NOT NULL,
    counted  bigint NOT NULL,
    seconds  double precision NOT NULL,
    PRIMARY KEY (minute, type, move, measure, bucket)
);
-- The same since ever, and rows that were read and added.
CREATE TABLE totals (
    type     text NOT NULL,
    move     text NOT NULL,
    measure  text NOT NULL,
    bucket   smallint NOT NULL,
    counted  bigint NOT NULL,
    seconds  double precision NOT NULL,
    PRIMARY KEY (type, move, measure, bucket)
);
CREATE TABLE tally_horizon (
    -- Moves up to this number are in the tallies.
    seq        bigint NOT NULL,
    -- The last number that was given out, and the first transaction that had not begun, when
    -- somebody looked: once that transaction is over with all before it, so are those moves.
    next_seq   bigint NOT NULL,
    next_xact  bigint NOT NULL
);
INSERT INTO tally_horizon SELECT coalesce(max(seq), 0), coalesce(max(seq), 0), 0 FROM job_moves;
"""

WORKERS = """
ALTER TABLE workers
    -- When it ended, and why, where its parent saw it.
    ADD COLUMN ended_at timestamptz,
    ADD COLUMN ended text,
    -- How far its clock is ahead of the database's; seconds.
    ADD COLUMN skew real NOT NULL DEFAULT 0;
"""

PEOPLE = """
CREATE TABLE operators (
    name           text PRIMARY KEY,
    password_hash  text NOT NULL,
    role           text NOT NULL CHECK (role IN ('viewer', 'operator')),
    created_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE operator_tokens (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operator    text NOT NULL REFERENCES operators ON DELETE CASCADE,
    digest      bytea NOT NULL UNIQUE,
    name        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    revoked_at  timestamptz
);
CREATE INDEX operator_tokens_of ON operator_tokens (operator);

-- Who did what; it outlives who did it and what it was done to.
CREATE TABLE operator_actions (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT now(),
    operator  text NOT NULL,
    action    text NOT NULL,
    -- Those that it was done to.
    jobs      text[] NOT NULL,
    -- What else was said: which jobs were meant, say.
    details   jsonb NOT NULL
);
CREATE INDEX operator_actions_on ON operator_actions USING gin (jobs);
"""


def upgrade() -> None:
    """Let jobs be cancelled, run again, found and counted."""
    for part in (ORDERS, LISTS, TALLIES, WORKERS, PEOPLE):
        op.execute(part)
