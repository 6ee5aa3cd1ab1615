"""`python -m workers.alive`: exit status 0 while the workers of this machine do their duty.

A worker that answers a ping may still do nothing. What counts is that each process was seen a
moment ago, and that none sits idle beside work that has long been due.
"""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from config.database import Database
from config.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: How long a worker may be silent, or idle beside due work, before it counts as gone; seconds.
PATIENCE_SECONDS = 60

_SILENT = text("""
    SELECT count(*) FILTER (WHERE seen_at > now() - :patience * interval '1 second') = 0
    FROM workers WHERE starts_with(id, :host)
""")
_IDLE_BESIDE_WORK = text("""
    SELECT EXISTS (
        SELECT FROM workers
        WHERE starts_with(id, :host) AND seen_at > now() - :patience * interval '1 second'
          AND coalesce(claimed_at, started_at) < now() - :patience * interval '1 second'
          AND NOT EXISTS (SELECT FROM jobs WHERE jobs.worker = workers.id)
          AND EXISTS (
              SELECT FROM jobs
              WHERE jobs.queue = ANY(workers.queues) AND worker IS NULL AND finished_at IS NULL
                AND due_at < now() - :patience * interval '1 second'
          )
    )
""")


def fault(connection: Connection, host: str) -> str | None:
    """Say what is wrong with the workers of a host, if anything is."""
    asked = {"host": f"{host[:24]}.", "patience": PATIENCE_SECONDS}
    if connection.execute(_SILENT, asked).scalar_one():
        return "no worker of this machine was seen"
    if connection.execute(_IDLE_BESIDE_WORK, asked).scalar_one():
        return "a worker is idle beside work that is due"
    return None


def main() -> int:
    """Check this machine; a database that is away is no fault of the workers."""
    database = Database(Settings.of_command(), name="jobspine alive")
    try:
        with database.statement() as connection:
            found = fault(connection, socket.gethostname())
    except SQLAlchemyError:
        return 0
    if found:
        print(found, file=sys.stderr)  # noqa: T201 - for whoever reads the health check
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
