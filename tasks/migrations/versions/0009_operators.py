"""Jobs that are cancelled or run again, and the people who do that."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0007"

OPERATORS = """
ALTER TABLE jobs
    -- Who asked for it to be cancelled. One that is at work ends when its handler notices.
    ADD COLUMN cancelled_by text,
    -- Its effects are on their way: nobody can cancel it any more.
    ADD COLUMN irrevocable boolean NOT NULL DEFAULT false,
    -- The ended job that this one runs again.
    ADD COLUMN retry_of text;
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


def upgrade() -> None:
    """Let jobs be cancelled and run again."""
    op.execute(OPERATORS)
