"""Numbers of jobs that are drawn after their transaction has its own, and counts that use them."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

NUMBERS = """
-- An identity is drawn whenever the row is formed. To skip numbers that are counted already, one
-- must know that a job's transaction had its number first; CASE evaluates in this order.
ALTER TABLE jobs ALTER COLUMN seq DROP IDENTITY;
CREATE SEQUENCE job_numbers OWNED BY jobs.seq;
SELECT setval('job_numbers', coalesce(max(seq), 0) + 1, false) FROM jobs;
ALTER TABLE jobs ALTER COLUMN seq SET DEFAULT
    (CASE WHEN pg_current_xact_id() IS NOT NULL THEN nextval('job_numbers') END);

-- One index serves every list of a tenant's jobs.
DROP INDEX jobs_of_tenant;
ALTER INDEX jobs_of_tenant_by_type RENAME TO jobs_of_tenant;
-- What the sweep has to count stands together at the end of the table.
DROP INDEX jobs_recent;
CREATE INDEX jobs_recent ON jobs USING brin (xact);

ALTER TABLE job_counts_horizon
    -- Jobs up to this number are all older than the horizon.
    ADD COLUMN seq bigint NOT NULL DEFAULT 0,
    -- The last number that was given out, and the first transaction that had not begun, when
    -- somebody looked: once that transaction is behind the horizon, so is that number.
    ADD COLUMN next_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN next_xact bigint NOT NULL DEFAULT 0;
"""


def upgrade() -> None:
    """Change how jobs are numbered and counted."""
    op.execute(NUMBERS)
