"""The operators' API: what the dashboard shows and does, for scripts."""

from __future__ import annotations

from app.routes.ops import jobs, watch
from app.routes.ops.blueprint import blueprint

__all__ = ["blueprint", "jobs", "watch"]
