"""What has failed, in groups of the same error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from tasks.watch import search

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

#: Failures of a type that are looked at, the last first.
MOST_READ = 10_000


@dataclass(frozen=True)
class Group:
    """Jobs of a type that failed for the same reason."""

    type: str
    #: The reason as a word, and as a line in which every number is `#`: errors hold no data.
    code: str
    error: str
    jobs: int
    first_at: datetime
    last_at: datetime
    #: The ids of the newest ones.
    newest: Sequence[str]


_GROUPS = text(f"""
    SELECT type, code, line, count(*) AS jobs, min(finished_at), max(finished_at) AS last_at,
           (array_agg(id ORDER BY finished_at DESC))[1:5]
    FROM (
        SELECT failed.*, {search.ERROR_LINE} AS line
        FROM unnest(CAST(:types AS text[])) AS asked (kind)
        CROSS JOIN LATERAL (
            SELECT id, seq, type, code, error, finished_at FROM jobs
            WHERE type = asked.kind AND state = 'failed'
              AND finished_at >= now() - :hours * interval '1 hour'
            ORDER BY finished_at DESC LIMIT :most
        ) AS failed
    ) AS read
    GROUP BY type, code, line ORDER BY jobs DESC, last_at DESC LIMIT :limit
""")


def groups(connection: Connection, *, hours: float = 24, limit: int = 100) -> list[Group]:
    """Return what failed within so many hours, the most frequent first."""
    asked = {"types": search.types_there_are(connection), "hours": hours, "limit": limit}
    return [Group(*row) for row in connection.execute(_GROUPS, {**asked, "most": MOST_READ})]
