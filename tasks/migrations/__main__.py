"""Bring the database of the environment up to date."""

from __future__ import annotations

from config import logs
from config.settings import Settings
from tasks.migrations.upgrade import upgrade

if __name__ == "__main__":
    settings = Settings.of_command()
    logs.configure(settings.log_level)
    upgrade(settings)
