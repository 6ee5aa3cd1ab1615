"""The operators' dashboard: pages that need no JavaScript, over the same data as `/ops/v1`."""

from __future__ import annotations

from app.dashboard import (
    audit,
    failures,
    job,
    jobs,
    orders,
    overview,
    problems,
    queues,
    sign_in,
    workers,
)
from app.dashboard.blueprint import blueprint

__all__ = [
    "audit",
    "blueprint",
    "failures",
    "job",
    "jobs",
    "orders",
    "overview",
    "problems",
    "queues",
    "sign_in",
    "workers",
]
