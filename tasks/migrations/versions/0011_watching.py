"""Failures that are found at once, and workers whose parent says that they are there."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"

HISTORY = """
-- As the ids of jobs are: under another one the history of a job is looked for in all of it.
ALTER TABLE job_moves ALTER COLUMN job_id TYPE text COLLATE "C";
ANALYZE job_moves;
"""

FAILURES = r"""
-- Only what has failed is in them, so no other job pays for them. An error is found as a line in
-- which every number is `#`.
CREATE INDEX jobs_failed_as ON jobs (type, code, seq) WHERE state = 'failed';
CREATE INDEX jobs_failed_with ON jobs (
    type, md5(regexp_replace(error, '\m(0x[0-9a-fA-F]+|[0-9]+)\M', '#', 'g')), seq
) WHERE state = 'failed';
CREATE INDEX jobs_failed_at ON jobs (type, finished_at) WHERE state = 'failed';
"""

WORKERS = """
ALTER TABLE workers
    -- How often it says that it is alive; seconds.
    ADD COLUMN every real NOT NULL DEFAULT 2,
    -- When its parent last saw its process, if it has a parent that looks.
    ADD COLUMN vouched_at timestamptz,
    -- How long its slot had been taken, without a claim, when it last said that it is alive.
    ADD COLUMN astray real NOT NULL DEFAULT 0;
"""


def upgrade() -> None:
    """Index what operators look for, and keep what tells a stuck worker from a dead one."""
    op.execute(HISTORY)
    op.execute(FAILURES)
    op.execute(WORKERS)
