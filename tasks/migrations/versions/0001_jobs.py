"""The job, its history, the workers, and the idempotency keys."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

JOBS = """
CREATE TABLE jobs (
    id           text PRIMARY KEY,
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    type         text NOT NULL,
    tenant       text NOT NULL,
    state        text NOT NULL DEFAULT 'pending',
    queue        text NOT NULL,
    gate         text,
    payload      jsonb NOT NULL,
    result       jsonb,
    code         text,
    error        text,
    conflict     text,
    stage        text,
    progress     jsonb NOT NULL DEFAULT '{}',
    cursor       jsonb NOT NULL DEFAULT '{}',
    attempts     integer NOT NULL DEFAULT 0,
    failures     integer NOT NULL DEFAULT 0,
    worker       text,
    lease_until  timestamptz,
    deadline_at  timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    due_at       timestamptz NOT NULL DEFAULT now(),
    rung_at      timestamptz NOT NULL DEFAULT now(),
    started_at   timestamptz,
    finished_at  timestamptz,
    expires_at   timestamptz,
    -- The transaction that recorded it: what is older than every running one is counted once.
    xact         bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),

    CONSTRAINT jobs_state_known
        CHECK (state IN ('pending', 'running', 'completed', 'failed', 'rejected')),
    CONSTRAINT jobs_finished_iff_terminal
        CHECK ((finished_at IS NOT NULL) = (state IN ('completed', 'failed', 'rejected'))),
    CONSTRAINT jobs_expire_iff_finished
        CHECK ((expires_at IS NOT NULL) = (finished_at IS NOT NULL)),
    CONSTRAINT jobs_result_iff_completed
        CHECK ((result IS NOT NULL) = (state = 'completed')),
    CONSTRAINT jobs_error_iff_failed
        CHECK ((error IS NOT NULL AND code IS NOT NULL) = (state = 'failed')),
    CONSTRAINT jobs_conflict_iff_rejected
        CHECK ((conflict IS NOT NULL) = (state = 'rejected')),
    CONSTRAINT jobs_owned_only_when_running
        CHECK ((worker IS NULL) = (lease_until IS NULL) AND (worker IS NULL OR state = 'running')),
    CONSTRAINT jobs_attempted_iff_started
        CHECK ((attempts > 0) = (started_at IS NOT NULL)),
    CONSTRAINT jobs_pending_iff_unattempted
        CHECK ((attempts = 0) = (state IN ('pending', 'rejected'))),
    CONSTRAINT jobs_failures_bounded_by_attempts
        CHECK (failures BETWEEN 0 AND attempts)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);

-- The gate. Ending a job, in whatever way, frees it in the same commit.
CREATE UNIQUE INDEX jobs_gate ON jobs (type, gate) WHERE state = 'running';
-- What a worker may claim, oldest first.
CREATE INDEX jobs_claimable ON jobs (queue, due_at) WHERE worker IS NULL AND finished_at IS NULL;
-- What nobody has rung for since it became due.
CREATE INDEX jobs_unrung ON jobs (due_at)
    WHERE worker IS NULL AND finished_at IS NULL AND rung_at < due_at;
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE worker IS NOT NULL;
CREATE INDEX jobs_of_tenant ON jobs (tenant, seq);
CREATE INDEX jobs_of_tenant_by_type ON jobs (tenant, type, seq);
-- What was recorded since the last count stands together at the end of the table.
CREATE INDEX jobs_recent ON jobs USING brin (xact) WITH (pages_per_range = 16);
CREATE INDEX jobs_expiring ON jobs (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE job_moves (
    job_id   text NOT NULL,
    seq      bigint GENERATED ALWAYS AS IDENTITY,
    attempt  integer NOT NULL,
    move     text NOT NULL,
    state    text NOT NULL,
    worker   text,
    note     text,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (job_id, seq)
);

-- How many jobs a tenant has of a type, of those recorded before the horizon.
CREATE TABLE job_counts (
    tenant   text NOT NULL,
    type     text NOT NULL,
    counted  bigint NOT NULL,
    PRIMARY KEY (tenant, type)
);
CREATE TABLE job_counts_horizon (xact bigint NOT NULL);
INSERT INTO job_counts_horizon VALUES (0);

CREATE TABLE workers (
    id          text PRIMARY KEY,
    queues      text[] NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now(),
    claimed_at  timestamptz,
    claims      bigint NOT NULL DEFAULT 0,
    -- Bells that led to no claim: repeated, late, for jobs that nobody knows, or garbage.
    ignored     bigint NOT NULL DEFAULT 0
);

CREATE TABLE idempotency_keys (
    scope        text NOT NULL,
    key          text NOT NULL,
    fingerprint  text NOT NULL,
    answer       json NOT NULL,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_expiring ON idempotency_keys (expires_at);
"""


def upgrade() -> None:
    """Create the tables that every type of job shares."""
    op.execute(JOBS)
