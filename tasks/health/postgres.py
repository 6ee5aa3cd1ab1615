"""PostgreSQL: whether it can be reached, keeps what it is told, is up to date and has room."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from sqlalchemy import text

from tasks.health.finding import Finding, fail, ok, warn
from tasks.migrations.upgrade import lag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

#: The oldest version that does, as PostgreSQL counts them.
_OLDEST = 160000
#: The share of the connections in use at which somebody should know, and at which it is too late.
_FEW, _NONE = 0.8, 0.97

#: Why it cannot be reached, by what the driver says of it. That text itself may hold a part of the
#: address, and an address that is written wrongly may hold a part of the password.
_REASONS = tuple(
    (re.compile(words), why, advice)
    for words, why, advice in (
        ("password authentication failed", "it refuses the password", "correct DATABASE_URL"),
        ("no password supplied", "it asks for a password", "put one into DATABASE_URL"),
        ("no pg_hba.conf entry", "it lets nobody in from here", "add a line to its pg_hba.conf"),
        ('role ".*" does not exist', "it knows no such role", "create it, or see DATABASE_URL"),
        ('database ".*" does not exist', "it has no such database", "create it"),
        ("too many (clients|connections)|connection slots", "it has no connection left",
         "raise max_connections, or end some sessions"),
        ("is starting up", "it is starting", "wait"),
        ("is shutting down", "it is stopping", "start it again"),
        ("not translate host name", "the host's name is unknown", "correct DATABASE_URL"),
        ("Connection refused|No such file", "nobody listens there",
         "start it, or correct DATABASE_URL"),
        ("timeout expired|timed out", "it does not answer in time",
         "look at the network between here and there"),
    )
)  # fmt: skip


def unreachable(error: Exception) -> Finding:
    """Say why it cannot be reached."""
    said = str(getattr(error, "orig", None) or error)
    for words, why, advice in _REASONS:
        if words.search(said):
            return fail("postgresql", f"cannot be reached: {why}", advice)
    return fail("postgresql", "cannot be reached", "look at DATABASE_URL and at the server's log")


_SERVER = text("""
    SELECT current_setting('server_version_num')::int AS number,
           current_setting('server_version') AS version,
           current_setting('fsync') AS fsync,
           current_setting('synchronous_commit') AS flushed
""")


def server(connection: Connection) -> Iterator[Finding]:
    """Check the version, and whether what was committed survives a power failure."""
    began = time.monotonic()
    found = connection.execute(_SERVER).one()
    took = (time.monotonic() - began) * 1000
    version = found.version.partition(" ")[0]
    if found.number < _OLDEST:
        yield fail("postgresql", f"is of version {version}", "upgrade it to 16 or newer")
    else:
        yield ok("postgresql", f"version {version} answers in {took:.1f} ms")
    if found.fsync != "on":
        yield warn("durability", "fsync is off: a crash can damage the database", "set fsync = on")
    elif found.flushed == "off":
        yield warn(
            "durability",
            "synchronous_commit is off: a power failure loses what was just accepted",
            "set synchronous_commit = on, unless that is what you want",
        )
    else:
        yield ok("durability", "what was committed survives a power failure")


def migrations(connection: Connection) -> Finding:
    """Check whether the database is what this code expects."""
    behind = lag(connection)
    if behind.unknown is not None:
        return warn(
            "migrations",
            f"the database is at {behind.unknown}, which is newer than this code",
            "deploy the release that made it so here as well",
        )
    if behind.lacking:
        return fail(
            "migrations",
            f"the database lacks {', '.join(behind.lacking)}",
            "python -m tasks.migrations",
        )
    return ok("migrations", "the database has all of them")


# Whichever is used up first: the server's, the database's, the role's. -1 is no limit.
_CONNECTIONS = text("""
    SELECT word, used, most FROM (VALUES
        ('server', (SELECT sum(numbackends) FROM pg_stat_database),
         current_setting('max_connections')::int
             - current_setting('superuser_reserved_connections')::int
             - coalesce(current_setting('reserved_connections', true), '0')::int),
        ('database',
         (SELECT numbackends FROM pg_stat_database WHERE datname = current_database()),
         (SELECT datconnlimit FROM pg_database WHERE datname = current_database())),
        ('role',
         (SELECT count(*) FROM pg_stat_activity WHERE usename = current_user),
         (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user))
    ) AS limits (word, used, most)
    WHERE most >= 0 ORDER BY used::float8 / greatest(most, 1) DESC LIMIT 1
""")


def connections(connection: Connection) -> Finding:
    """Check whether there is room for more connections."""
    word, used, most = connection.execute(_CONNECTIONS).one()
    found = f"{used} of the {word}'s {most} are in use"
    advice = "raise the limit, or lower WEB_PROCESSES, WEB_THREADS or DATABASE_POOL"
    if used >= most * _NONE:
        return fail("connections", found, advice)
    return warn("connections", found, advice) if used >= most * _FEW else ok("connections", found)
