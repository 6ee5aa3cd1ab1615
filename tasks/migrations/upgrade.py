"""Run the migrations, one process at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from config.database import Database
from tasks.job import lists

if TYPE_CHECKING:
    from config.settings import Settings

#: The advisory lock that keeps two deployments from migrating at once: "jobspine" in a number.
_LOCK = text("SELECT pg_advisory_xact_lock(7310582)")


def upgrade(settings: Settings) -> None:
    """Apply every migration that the database lacks, all in one transaction."""
    database = Database(settings, name="jobspine migrations")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    try:
        with database.transaction() as connection:
            connection.execute(_LOCK)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            lists.count_anew_if_restored(connection)
    finally:
        database.close()
