"""The keys that secrets are kept with."""

from __future__ import annotations

from functools import partial

import click
from flask.cli import with_appcontext

from app.cli.group import Command
from app.wiring import wiring
from config.sealing import SealingKeyMissing, reseal
from tasks.records import seals


@click.command("reseal", cls=Command)
@with_appcontext
def reseal_all() -> None:
    """Seal every secret with the first of the SEALING_KEYS, so that older ones can be taken out.

    It may be run while the service is, and again.
    """
    unopened = 0
    for table in seals.SEALED:
        anew, lost = _reseal(table)
        click.echo(f"{table}\t{anew} sealed anew")
        unopened += lost
    if unopened:
        raise click.ClickException(f"{unopened} secrets are opened by none of the keys")


def _reseal(table: str) -> tuple[int, int]:
    """Seal the secrets of a table anew; return how many were, and how many no key opens."""
    anew, unopened, after = 0, 0, None
    while True:
        try:
            with wiring().database.transaction() as connection:
                again = partial(reseal, wiring().settings)
                done = seals.reseal(connection, table, after, again)
        except SealingKeyMissing:
            raise click.ClickException("there are no SEALING_KEYS") from None
        anew, unopened, after = anew + done.anew, unopened + done.unopened, done.last
        if after is None:
            return anew, unopened
