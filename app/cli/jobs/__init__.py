"""Jobs from a shell: what `/ops/v1` shows and does, for whoever is on the machine."""

from __future__ import annotations

from app.cli.jobs import listing, orders, showing, sweeping, watching
from app.cli.jobs.group import jobs

__all__ = ["jobs", "listing", "orders", "showing", "sweeping", "watching"]
