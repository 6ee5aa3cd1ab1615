"""All checks, in the order in which one rests on the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from config.database import Database, is_away
from tasks.health import carrier, clocks, postgres, providers, secrets, work
from tasks.health.finding import Finding, Level, fail, ok, warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection

    from config.settings import Settings


def settings_refused(fault: str) -> list[Finding]:
    """Return what is wrong with an environment, of which every fault is named."""
    advice = "set it; the README lists every variable"
    return [fail("settings", one, advice) for one in fault.split("; ")]


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything that the service needs; changes nothing."""
    yield ok("settings", "every variable makes sense")
    database = Database(settings, name="jobspine doctor", pool=1)
    try:
        yield from _over(database, settings)
    finally:
        database.close()
    yield from _try("redis", lambda: carrier.carrier(settings))
    yield from _try("watchlists", lambda: [providers.watchlists(settings)])
    yield from _try("accounts", lambda: [providers.accounts(settings)])


def _over(database: Database, settings: Settings) -> Iterator[Finding]:
    """Look at what PostgreSQL has or knows."""
    try:
        with database.statement() as connection:
            yield from _try("postgresql", lambda: postgres.server(connection))
            (lag,) = _try("migrations", lambda: [postgres.migrations(connection)])
            yield lag
            yield from _try("connections", lambda: [postgres.connections(connection)])
            if lag.level is not Level.FAIL:
                yield from _of_record(connection, settings)
    except SQLAlchemyError as error:
        if not is_away(error):
            raise
        yield postgres.unreachable(error)


def _of_record(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Look at what is on record, where the schema is what this code expects."""
    yield from _try("workers", lambda: work.work(connection))
    yield from _try("sweep", lambda: [work.sweep(connection, settings)])
    yield from _try("clocks", lambda: [clocks.clocks(connection, settings)])
    yield from _try("sealing", lambda: [secrets.sealing(connection, settings)])
    yield from _try("chain", lambda: _chain(connection, settings))


def _chain(connection: Connection, settings: Settings) -> Iterable[Finding]:
    if not settings.chain_rpc_url:
        return [warn("chain", "no node is configured: chain jobs wait", "set CHAIN_RPC_URL")]
    # Late: what signs takes half a second to load.
    from tasks.health import chain  # noqa: PLC0415

    return chain.chain(connection, settings)


def _try(check: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Let a check look; a defect of one hides no other, and its text may hold anything."""
    try:
        yield from look()
    except Exception as error:
        if is_away(error):
            raise
        yield fail(check, f"could not be checked ({type(error).__name__})", "report this")
