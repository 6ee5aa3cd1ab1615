"""Services, verifications with their stakeholders, screening documents, and risks."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

SCREENING = """
CREATE TABLE services (
    uid         text PRIMARY KEY,
    name        text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE service_keys (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service_uid  text NOT NULL REFERENCES services ON DELETE CASCADE,
    digest       bytea NOT NULL UNIQUE,
    -- Where requests with it come from, which is what their runs say; see sourceAction.
    channel      text NOT NULL CHECK (channel IN ('api', 'portal', 'admin')),
    created_at   timestamptz NOT NULL DEFAULT now(),
    revoked_at   timestamptz
);

CREATE TABLE verifications (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trace          text NOT NULL UNIQUE,
    service_uid    text NOT NULL REFERENCES services ON DELETE CASCADE,
    country        text NOT NULL,
    type           text NOT NULL,
    sub_type       text NOT NULL,
    name           text NOT NULL,
    date_of_birth  date,
    identifiers    jsonb NOT NULL,
    addresses      jsonb NOT NULL,
    -- What is known of who owns it: how many layers of companies, and whether all owners are known.
    ownership_layers  integer NOT NULL CHECK (ownership_layers >= 0),
    owners_identified boolean NOT NULL,
    rescreen_days  integer CHECK (rescreen_days > 0),
    rescreen_at    timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT verifications_rescreen_together
        CHECK ((rescreen_days IS NULL) = (rescreen_at IS NULL))
);
CREATE INDEX verifications_to_rescreen ON verifications (rescreen_at)
    WHERE rescreen_at IS NOT NULL;

CREATE TABLE stakeholders (
    id               text PRIMARY KEY,
    verification_id  bigint NOT NULL REFERENCES verifications ON DELETE CASCADE,
    no               integer NOT NULL,
    type             text NOT NULL,
    name             text NOT NULL,
    role             text NOT NULL,
    date_of_birth    date,
    country          text NOT NULL,
    identifiers      jsonb NOT NULL,
    UNIQUE (verification_id, no)
);

-- What was found of one subject in one run. It outlives the record of the run.
CREATE TABLE screenings (
    id               text PRIMARY KEY,
    seq              bigint GENERATED ALWAYS AS IDENTITY,
    job_id           text NOT NULL,
    verification_id  bigint NOT NULL REFERENCES verifications ON DELETE CASCADE,
    -- 'entity', or the id of a stakeholder.
    subject          text NOT NULL,
    status           text NOT NULL CHECK (status IN ('ok', 'timeout', 'error')),
    -- Why there is no answer, in one line.
    reason           text,
    hits             json NOT NULL,
    -- The lists that were searched, each with its version.
    sources          json NOT NULL,
    triggered_by     text NOT NULL,
    screened_at      timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT screenings_once_a_run UNIQUE (job_id, subject),
    CONSTRAINT screenings_reason_iff_not_ok CHECK ((reason IS NOT NULL) = (status <> 'ok'))
);
CREATE INDEX screenings_latest ON screenings (verification_id, subject, seq);

CREATE TABLE risks (
    seq              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    verification_id  bigint NOT NULL REFERENCES verifications ON DELETE CASCADE,
    job_id           text NOT NULL UNIQUE,
    score            integer NOT NULL CHECK (score BETWEEN 0 AND 100),
    level            text NOT NULL CHECK (level IN ('low', 'medium', 'high', 'prohibited')),
    -- Whether every subject was screened; what is not complete never lowers a risk.
    complete         boolean NOT NULL,
    -- The score, the level and the factors of each subject.
    subjects         json NOT NULL,
    -- The table of weights that it was calculated with.
    version          text NOT NULL,
    -- The screening documents that it rests on.
    documents        text[] NOT NULL,
    before_score     integer,
    before_level     text,
    calculated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX risks_latest ON risks (verification_id, seq);

-- The run history of one scope, newest first.
CREATE INDEX jobs_of_gate ON jobs (tenant, gate, seq) WHERE gate IS NOT NULL;
"""


def upgrade() -> None:
    """Create the tables of the screening API."""
    op.execute(SCREENING)
