"""Clients whose secret is changed, a report for each product, and links that are removed."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"

CLIENTS = """
ALTER TABLE income_clients
    -- Of the access secret before this one, and until when it is still good.
    ADD COLUMN old_digest bytea,
    ADD COLUMN old_until timestamptz,
    -- The access secret itself, for webhooks that are made while there are two; see config.sealing.
    ADD COLUMN sealed bytea,
    ADD CONSTRAINT income_clients_old_until CHECK ((old_digest IS NULL) = (old_until IS NULL));
"""

REPORTS = """
ALTER TABLE income_reports DROP CONSTRAINT income_reports_pkey;
ALTER TABLE income_reports ADD PRIMARY KEY (link_id, product_type);
"""

#: So that what belongs to a link or a user is found when they are removed.
INDEXES = """
CREATE INDEX account_tasks_of_link ON account_tasks (link_id, seq);
CREATE INDEX bridge_tokens_of_user ON bridge_tokens (user_id);
CREATE INDEX bridge_tokens_of_link ON bridge_tokens (link_id) WHERE link_id IS NOT NULL;
CREATE INDEX link_access_tokens_of_link ON link_access_tokens (link_id);
"""


def upgrade() -> None:
    """Let secrets be changed, products have reports of their own, and links be removed."""
    for part in (CLIENTS, REPORTS, INDEXES):
        op.execute(part)
