"""Nonces that are used up by a transfer of nothing, since the node refuses what was signed."""

from __future__ import annotations

from alembic import op

revision = "0013"
