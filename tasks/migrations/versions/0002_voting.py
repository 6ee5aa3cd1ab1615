"""Organizations, who may act for them, their members, and files that wait for an import."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

VOTING = """
CREATE TABLE organizations (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address       text NOT NULL UNIQUE CHECK (address ~ '^0x[0-9a-f]{40}$'),
    name          text NOT NULL DEFAULT '',
    country       text NOT NULL DEFAULT '',
    member_limit  bigint,
    member_count  bigint NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE organization_roles (
    org_id   integer NOT NULL REFERENCES organizations ON DELETE CASCADE,
    subject  text NOT NULL,
    role     text NOT NULL CHECK (role IN ('admin', 'manager', 'viewer')),
    PRIMARY KEY (org_id, subject)
);

CREATE TABLE api_keys (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id      integer NOT NULL REFERENCES organizations ON DELETE CASCADE,
    digest      bytea NOT NULL UNIQUE,
    name        text NOT NULL DEFAULT '',
    scopes      text[] NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    revoked_at  timestamptz
);

CREATE TABLE members (
    -- No foreign key: its check would cost more than the row, and every import locks its
    -- organization in the transaction that writes.
    org_id         integer NOT NULL,
    id             bigint GENERATED ALWAYS AS IDENTITY,
    member_number  text NOT NULL,
    name           text NOT NULL,
    surname        text NOT NULL,
    national_id    text NOT NULL,
    birth_date     date,
    email          text NOT NULL,
    phone          text NOT NULL,
    password_hash  text NOT NULL,
    weight         numeric(78) NOT NULL CHECK (weight >= 0),
    other          jsonb NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id)
);
-- A number names one member of an organization; members without a number are never merged.
CREATE UNIQUE INDEX members_number ON members (org_id, member_number) WHERE member_number <> '';

-- Files on their way from a request to an import, in pieces of one size but the last.
CREATE TABLE uploads (
    id          text PRIMARY KEY,
    -- The job that reads the file; null until the file is complete.
    job_id      text,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX uploads_of_job ON uploads (job_id);
CREATE TABLE upload_pieces (
    upload_id  text NOT NULL REFERENCES uploads ON DELETE CASCADE,
    no         integer NOT NULL,
    bytes      bytea NOT NULL,
    PRIMARY KEY (upload_id, no)
);
ALTER TABLE upload_pieces ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE import_errors (
    job_id  text NOT NULL,
    seq     bigint NOT NULL,
    row     bigint NOT NULL,
    error   text NOT NULL,
    PRIMARY KEY (job_id, seq)
);
"""


def upgrade() -> None:
    """Create the tables of the voting API."""
    op.execute(VOTING)
