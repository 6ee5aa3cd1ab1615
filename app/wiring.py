"""What the routes work with, made once for each process of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from flask import current_app

from app.metrics.measured import Measured
from app.throttle import Throttle
from config.database import Database
from tasks.job.declare import discover
from tasks.job.queue import Ringer

if TYPE_CHECKING:
    from flask import Flask

    from config.settings import Settings


@dataclass(frozen=True)
class Wiring:
    """The ends of the outside world that a request needs."""

    settings: Settings
    database: Database
    ringer: Ringer
    throttle: Throttle
    measured: Measured


class Unwired(click.ClickException):
    """There are no settings to wire by; the message says what is wrong with the environment."""


def wire(app: Flask, settings: Settings) -> None:
    """Give an application its wiring."""
    discover(settings.task_modules, keep=settings.kept)
    # A request with an idempotency key holds the key's lock on one connection, its transaction
    # on a second, and reads or writes a file on a third.
    pool = max(settings.database_pool, 3 * settings.web_threads)
    database = Database(settings, pool=pool)
    measured = Measured(database, settings.prometheus_multiproc_dir)
    app.extensions["jobspine"] = Wiring(
        settings, database, Ringer(settings), Throttle(settings), measured
    )


def leave_unwired(app: Flask, fault: str) -> None:
    """Have an application say what is wrong whenever its wiring is asked for."""
    app.extensions["jobspine"] = Unwired(fault)


def wiring() -> Wiring:
    """Return the wiring of the application that handles this request or command.

    Raises:
        Unwired: it has none, which only a command can meet.
    """
    found: Wiring | Unwired = current_app.extensions["jobspine"]
    if isinstance(found, Unwired):
        raise found
    return found
