"""Commands that end with one line, and not with a traceback, where PostgreSQL is the reason."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from config.database import is_away

if TYPE_CHECKING:
    from collections.abc import Iterator

#: SQLSTATEs of a table or a column that is not there.
_LACKING = {"42P01", "42703"}


class Group(AppGroup):
    """A group of commands."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run one of them."""
        with _in_one_line():
            return super().invoke(ctx)


class Command(click.Command):
    """A command that stands alone."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it."""
        with _in_one_line():
            return super().invoke(ctx)


@contextmanager
def _in_one_line() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        if is_away(error):
            raise click.ClickException(
                "PostgreSQL cannot be reached; `flask --app app doctor` says more"
            ) from None
        if getattr(getattr(error, "orig", None), "pgcode", None) in _LACKING:
            raise click.ClickException(
                "the database lacks migrations: python -m tasks.migrations"
            ) from None
        raise
