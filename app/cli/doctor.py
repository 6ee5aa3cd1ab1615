"""`doctor`: looks at everything that the service needs, and says what to do."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from app.cli import terminal
from app.cli.group import Command
from app.wiring import Unwired, wiring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.health.finding import Finding


@click.command("doctor", cls=Command)
@click.option("--json", "as_json", is_flag=True, help="One JSON object with every finding.")
@click.pass_context
@with_appcontext
def doctor(context: click.Context, *, as_json: bool) -> None:
    """Check everything that the service needs, and say what to do. Changes nothing.

    Exit status: 0 where everything works (there may be warnings), else 1.
    """
    worst = "ok"
    found = []
    for one in _findings():
        found.append(one)
        worst = "fail" if one.level == "fail" else worst
        if not as_json:
            _say(one)
    if as_json:
        told = {"isWell": worst == "ok", "findings": [asdict(one) for one in found]}
        click.echo(json.dumps(told))
    context.exit(0 if worst == "ok" else 1)


def _findings() -> Iterator[Finding]:
    # Late: the migrations and the clients are nothing that a process of the API needs at once.
    from tasks.health import examine  # noqa: PLC0415

    try:
        settings = wiring().settings
    except Unwired as unwired:
        yield from examine.settings_refused(unwired.message)
        return
    yield from examine.examine(settings)


def _say(one: Finding) -> None:
    level = terminal.coloured(one.level, f"{one.level:<4}")
    click.echo(f"{level}  {one.check:<12}  {terminal.plain(one.found)}")
    if one.advice:
        click.echo(f"{'':<20}{terminal.plain(one.advice)}")
