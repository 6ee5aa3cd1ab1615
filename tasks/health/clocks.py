"""The clocks of this machine, of PostgreSQL, of Redis and of the workers' machines."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import text

from tasks.health import carrier
from tasks.health.finding import Finding, fail, ok, warn
from tasks.watch import workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from config.settings import Settings

#: How far clocks may be apart before somebody should know, and before it matters; seconds.
_APART, _FAR = 1.0, 30.0


def clocks(
    connection: Connection, settings: Settings, *, here: Callable[[], float] = time.time
) -> Finding:
    """Check that the clocks agree; `here` tells the time of this machine.

    Leases and due times go by PostgreSQL's alone. By this machine's go the ends of JWTs, and times
    in logs.
    """
    apart = {"PostgreSQL": _ahead(lambda: _of_postgres(connection), here)}
    with suppress(carrier.Away):
        apart["Redis"] = _ahead(lambda: carrier.clock(settings), here)
    for one in workers.everyone(connection):
        if one.state in {"busy", "idle"}:
            # A worker knows how far it is ahead of PostgreSQL.
            apart[f"the worker {one.id}"] = apart["PostgreSQL"] + one.skew
    name, ahead = max(apart.items(), key=lambda pair: abs(pair[1]))
    told = f"that of {name} is {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} ours"
    if abs(ahead) >= _FAR:
        return fail("clocks", told, "have NTP set the clocks of these machines")
    if abs(ahead) >= _APART:
        return warn("clocks", told, "have NTP set the clocks of these machines")
    return ok("clocks", f"those of {len(apart) + 1} places agree within {_APART:.0f} s")


def _ahead(there: Callable[[], float], here: Callable[[], float]) -> float:
    """Return by how many seconds a clock is ahead at least, give or take the way there."""
    before = here()
    told = there()
    after = here()
    if before <= told <= after:
        return 0.0
    return told - after if told > after else told - before


def _of_postgres(connection: Connection) -> float:
    asked = text("SELECT extract(epoch FROM clock_timestamp())")
    return float(connection.execute(asked).scalar_one())
