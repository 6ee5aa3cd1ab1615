"""Clients of the income API, their users, links, tasks, and what was read of accounts."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"

INCOME = """
CREATE TABLE income_clients (
    -- What it sends as X-Access-Client-Id.
    id          text PRIMARY KEY,
    name        text NOT NULL,
    -- Of its access secret.
    digest      bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    revoked_at  timestamptz
);

CREATE TABLE income_users (
    id                text PRIMARY KEY,
    seq               bigint GENERATED ALWAYS AS IDENTITY,
    client_id         text NOT NULL REFERENCES income_clients ON DELETE CASCADE,
    external_user_id  text NOT NULL,
    first_name        text,
    last_name         text,
    email             text,
    phone             text,
    created_at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX income_users_of_client ON income_users (client_id, seq);

-- A connection to an account at a provider.
CREATE TABLE links (
    id               text PRIMARY KEY,
    user_id          text NOT NULL REFERENCES income_users ON DELETE CASCADE,
    provider_id      text NOT NULL,
    product_type     text NOT NULL,
    -- When its public token was given for an access token.
    exchanged_at     timestamptz,
    is_suspicious    boolean NOT NULL DEFAULT false,
    -- The session of its last task, for refreshes, for as long as the provider lets it live;
    -- see config.sealing.
    session          bytea,
    session_ends_at  timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT links_session_ends CHECK ((session IS NULL) = (session_ends_at IS NULL))
);
CREATE INDEX links_of_user ON links (user_id);
CREATE INDEX links_with_session ON links (session_ends_at) WHERE session IS NOT NULL;

CREATE TABLE bridge_tokens (
    digest         bytea PRIMARY KEY,
    user_id        text NOT NULL REFERENCES income_users ON DELETE CASCADE,
    product_type   text NOT NULL,
    -- The link that is to be connected again; null for a new one.
    link_id        text REFERENCES links ON DELETE CASCADE,
    tracking_info  text,
    order_id       text,
    -- The bank account that pay is to go to, sealed.
    account        bytea,
    created_at     timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz NOT NULL
);
CREATE INDEX bridge_tokens_to_expire ON bridge_tokens (expires_at);

CREATE TABLE link_access_tokens (
    digest      bytea PRIMARY KEY,
    link_id     text NOT NULL REFERENCES links ON DELETE CASCADE,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- What a job of the type account_connection is about.
CREATE TABLE account_tasks (
    job_id         text PRIMARY KEY,
    seq            bigint GENERATED ALWAYS AS IDENTITY,
    client_id      text NOT NULL REFERENCES income_clients ON DELETE CASCADE,
    user_id        text NOT NULL REFERENCES income_users ON DELETE CASCADE,
    link_id        text NOT NULL REFERENCES links ON DELETE CASCADE,
    product_type   text NOT NULL,
    tracking_info  text,
    order_id       text,
    -- The token that the login came with, sealed, since the task shows it to its client.
    bridge_token   bytea,
    -- Of the access token, where the task is a refresh.
    access_digest  bytea,
    created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX account_tasks_of_client ON account_tasks (client_id, seq);
CREATE INDEX account_tasks_of_user ON account_tasks (user_id, seq);
CREATE INDEX account_tasks_refreshing ON account_tasks (access_digest, created_at)
    WHERE access_digest IS NOT NULL;

-- What only a task may know, sealed, and gone in the commit that ends it.
CREATE TABLE account_secrets (
    job_id       text PRIMARY KEY REFERENCES account_tasks ON DELETE CASCADE,
    credentials  bytea,
    session      bytea,
    -- What the provider wants to be sent with a code.
    challenge    bytea,
    -- When it is too late for the code.
    code_until   timestamptz,
    code         bytea,
    -- Whether an attempt has begun to answer with the code.
    code_tried   boolean NOT NULL DEFAULT false,
    account      bytea,

    CONSTRAINT account_secrets_code_until
        CHECK ((challenge IS NULL) = (code_until IS NULL)),
    CONSTRAINT account_secrets_code_of_challenge CHECK (code IS NULL OR challenge IS NOT NULL)
);

-- What was read of each document, once however often it is read.
CREATE TABLE income_documents (
    link_id     text NOT NULL REFERENCES links ON DELETE CASCADE,
    -- What the provider knows it by.
    number      text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('pay_stub', 'bank_statement')),
    -- The provider's id of the employment that it is about; empty for a bank's.
    employment  text NOT NULL,
    content     json NOT NULL,
    -- The task that read it last.
    job_id      text NOT NULL,
    read_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (link_id, number)
);

CREATE TABLE income_reports (
    link_id        text PRIMARY KEY REFERENCES links ON DELETE CASCADE,
    -- The task that made it.
    job_id         text NOT NULL,
    product_type   text NOT NULL,
    -- Whether every document was read.
    is_complete    boolean NOT NULL,
    is_suspicious  boolean NOT NULL,
    employments    json NOT NULL,
    accounts       json NOT NULL,
    made_at        timestamptz NOT NULL DEFAULT now()
);

-- The environment that a webhook of the income API says it is for.
CREATE TABLE income_webhooks (
    webhook_id  bigint PRIMARY KEY REFERENCES webhooks ON DELETE CASCADE,
    env_type    text NOT NULL CHECK (env_type IN ('sandbox', 'dev', 'prod')),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

-- What comes before a delivery of the same story to the same webhook, and must arrive before it.
CREATE INDEX webhook_deliveries_in_line ON webhook_deliveries (webhook_id, about, seq)
    WHERE state = 'pending';
"""


def upgrade() -> None:
    """Create the tables of the income API."""
    op.execute(INCOME)
