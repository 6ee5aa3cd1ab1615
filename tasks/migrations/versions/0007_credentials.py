"""Accounts, what they register on chain, and their webhooks."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

CREDENTIALS = """
-- The ids of transaction jobs.
CREATE SEQUENCE transaction_numbers;

CREATE TABLE accounts (
    uid         text PRIMARY KEY,
    name        text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE account_keys (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_uid  text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    digest       bytea NOT NULL UNIQUE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    revoked_at   timestamptz
);

-- DIDs, registries and schemas. What was removed is kept, since its id is used up on chain.
CREATE TABLE registrations (
    kind         text NOT NULL CHECK (kind IN ('did', 'registry', 'schema')),
    id           text NOT NULL,
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    account_uid  text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    state        text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'registered', 'removing', 'removed', 'failed')),
    -- What is known of it beside its id; as it came, a schema above all.
    content      json NOT NULL,
    -- The last job about it: the next one goes on chain behind it.
    last_job     text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, id)
);
CREATE INDEX registrations_of_account ON registrations (account_uid, kind, seq);

CREATE TABLE revocations (
    registry_id    text NOT NULL,
    credential_id  text NOT NULL CHECK (credential_id ~ '^0x[0-9a-f]{64}$'),
    revoked        boolean NOT NULL,
    -- The transaction that said so last: of two whose jobs end in another order, the later counts.
    nonce          bigint NOT NULL,
    PRIMARY KEY (registry_id, credential_id)
);

CREATE TABLE webhooks (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Whose form its deliveries have.
    api          text NOT NULL,
    tenant       text NOT NULL,
    url          text NOT NULL,
    events       text[] NOT NULL,
    description  text NOT NULL,
    active       boolean NOT NULL,
    -- What only the receiver and we know; see config.sealing.
    sealed       bytea NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhooks_of_tenant ON webhooks (api, tenant, id);

CREATE TABLE webhook_deliveries (
    -- What the receiver knows it by, however often it is sent.
    id             text PRIMARY KEY,
    seq            bigint GENERATED ALWAYS AS IDENTITY,
    webhook_id     bigint NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    event          text NOT NULL,
    -- What it is about: the job whose end, or whose progress, it tells of.
    about          text NOT NULL,
    data           json NOT NULL,
    state          text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'delivered', 'failed')),
    -- The job that delivers it, the last one where it was replayed.
    job_id         text NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    delivered_at   timestamptz
);
CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries (webhook_id, seq);
CREATE INDEX webhook_deliveries_of_job ON webhook_deliveries (job_id);

-- Every try, for the webhook's owner to read.
CREATE TABLE webhook_attempts (
    delivery_id    text NOT NULL REFERENCES webhook_deliveries ON DELETE CASCADE,
    seq            bigint GENERATED ALWAYS AS IDENTITY,
    at             timestamptz NOT NULL DEFAULT now(),
    -- Null: there was no answer.
    response_code  integer,
    -- Why it did not count as received.
    reason         text,
    seconds        real NOT NULL,
    PRIMARY KEY (delivery_id, seq)
);
"""


def upgrade() -> None:
    """Create the tables of accounts, what they register on chain, and their webhooks."""
    op.execute(CREDENTIALS)
