"""The voting API: a module for each kind of thing, one blueprint for all of them."""

from __future__ import annotations

from app.routes.voting import censuses, groups, jobs, members, organizations, processes, votes
from app.routes.voting.blueprint import blueprint

__all__ = [
    "blueprint",
    "censuses",
    "groups",
    "jobs",
    "members",
    "organizations",
    "processes",
    "votes",
]
