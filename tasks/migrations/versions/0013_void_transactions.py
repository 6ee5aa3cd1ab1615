"""Nonces that are used up by a transfer of nothing, since the node refuses what was signed."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"

VOID = """
-- Does nothing but use the nonce.
ALTER TABLE ledger_attempts ADD COLUMN is_empty boolean NOT NULL DEFAULT false;
ALTER TABLE ledger_transactions
    DROP CONSTRAINT ledger_transactions_state_check,
    DROP CONSTRAINT ledger_transactions_mined_when_closed;
ALTER TABLE ledger_transactions
    ADD CONSTRAINT ledger_transactions_state_check
        CHECK (state IN ('open', 'final', 'reverted', 'void', 'displaced')),
    ADD CONSTRAINT ledger_transactions_mined_when_closed
        CHECK (state NOT IN ('final', 'reverted', 'void') OR block_hash IS NOT NULL);
"""


def upgrade() -> None:
    """Let a nonce be used up by a transfer of nothing."""
    op.execute(VOID)
