"""Transactions on their way to a chain, and jobs that something wakes."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

LEDGER = """
-- Something came that a parked job waits for. Set while the job may still be at work, so that it
-- is not parked past it; a claim clears it.
ALTER TABLE jobs ADD COLUMN woken boolean NOT NULL DEFAULT false;

-- The one chain that this database belongs to.
CREATE TABLE ledger_chain (
    single    boolean PRIMARY KEY DEFAULT true CHECK (single),
    chain_id  bigint NOT NULL,
    genesis   text NOT NULL,
    -- The last block that was taken for final: if another one stands there, the chain has been
    -- reorganized deeper than we thought possible.
    final_number  bigint,
    final_hash    text
);

CREATE TABLE ledger_contracts (
    name     text PRIMARY KEY,
    address  text NOT NULL
);

CREATE TABLE ledger_accounts (
    address     text PRIMARY KEY,
    -- The next nonce to give out; the row's lock is what makes nonces follow each other.
    next_nonce  bigint NOT NULL DEFAULT 0
);

-- Who signs for a tenant, from its first transaction on.
CREATE TABLE ledger_signers (
    tenant   text PRIMARY KEY,
    address  text NOT NULL REFERENCES ledger_accounts
);

-- What a job wants done on chain: a nonce that is its own, for ever.
CREATE TABLE ledger_transactions (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id        text NOT NULL,
    step          text NOT NULL,
    sender        text NOT NULL REFERENCES ledger_accounts,
    nonce         bigint NOT NULL,
    -- Null: a contract is created.
    target        text,
    data          bytea NOT NULL,
    gas           bigint NOT NULL,
    state         text NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'final', 'reverted', 'displaced')),
    -- The attempt that was mined, and where; while it is open, as far as is known.
    mined_hash    text,
    block_hash    text,
    block_number  bigint,
    -- Why it reverted.
    reason        text,
    logs          jsonb,
    created_at    timestamptz NOT NULL DEFAULT now(),
    settled_at    timestamptz,
    -- Whether the job has seen how it ended.
    heeded        boolean NOT NULL DEFAULT false,
    UNIQUE (job_id, step),
    UNIQUE (sender, nonce),
    CONSTRAINT ledger_transactions_settled_iff_closed
        CHECK ((settled_at IS NOT NULL) = (state <> 'open')),
    CONSTRAINT ledger_transactions_mined_when_closed
        CHECK (state NOT IN ('final', 'reverted') OR block_hash IS NOT NULL)
);
CREATE INDEX ledger_transactions_open ON ledger_transactions (sender, nonce) WHERE state = 'open';
CREATE INDEX ledger_transactions_unheeded ON ledger_transactions (id)
    WHERE state <> 'open' AND NOT heeded;

-- Signed forms of a transaction: the first, and those with higher fees. One of them can land.
CREATE TABLE ledger_attempts (
    hash            text PRIMARY KEY,
    transaction_id  bigint NOT NULL REFERENCES ledger_transactions ON DELETE CASCADE,
    raw             bytea NOT NULL,
    max_fee         numeric(78) NOT NULL,
    max_priority    numeric(78) NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    sent_at         timestamptz
);
CREATE INDEX ledger_attempts_of ON ledger_attempts (transaction_id);
"""


def upgrade() -> None:
    """Create the tables of transactions on their way to a chain, and jobs that something wakes."""
    op.execute(LEDGER)
