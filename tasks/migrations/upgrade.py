"""Run the migrations, one process at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from config.database import Database
from tasks.job import lists

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from config.settings import Settings

#: The advisory lock that keeps two deployments from migrating at once: "jobspine" in a number.
_LOCK = text("SELECT pg_advisory_xact_lock(7310582)")


def upgrade(settings: Settings) -> None:
    """Apply every migration that the database lacks, all in one transaction."""
    database = Database(settings, name="jobspine migrations")
    config = _config()
    try:
        with database.transaction() as connection:
            connection.execute(_LOCK)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            lists.count_anew_if_restored(connection)
    finally:
        database.close()


class Lag(NamedTuple):
    """How a database and this code differ."""

    #: Migrations that the database lacks, oldest first.
    lacking: Sequence[str]
    #: A migration of the database that this code does not know, which is of a later release.
    unknown: str | None


def lag(connection: Connection) -> Lag:
    """Compare a database with the migrations of this code; changes nothing."""
    known = [one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]
    reached = MigrationContext.configure(connection).get_current_revision()
    if reached is None:
        return Lag(known, None)
    if reached not in known:
        return Lag([], reached)
    return Lag(known[known.index(reached) + 1 :], None)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
