"""Nonces that are used up by a transfer of nothing, and a fast look at who waits for a gate."""

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

IN_FLIGHT = """
-- Who holds a gate or waits to claim it.
CREATE INDEX jobs_in_flight ON jobs (type, gate) WHERE gate IS NOT NULL AND finished_at IS NULL;
"""


def upgrade() -> None:
    """Let a nonce be used up by a transfer of nothing, and find who is in flight."""
    op.execute(VOID)
    op.execute(IN_FLIGHT)
