"""Groups, censuses, processes and votes."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

ELECTIONS = """
SELECT 1;
"""


def upgrade() -> None:
    """Create the tables of groups, censuses, processes and votes."""
    op.execute(ELECTIONS)
