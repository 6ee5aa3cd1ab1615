"""`jobs show`: everything that is on record about one job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from app import inspection
from app.cli import terminal
from app.cli.jobs.group import NoSuchJob, jobs

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What is shown of the job itself, where there is something to show.
_FACTS = (
    ("api", "api"),
    ("tenant", "tenant"),
    ("queue", "queue"),
    ("gate", "gate"),
    ("stage", "stage"),
    ("code", "code"),
    ("attempts", "attempts"),
    ("failures", "failures"),
    ("worker", "worker"),
    ("cancelledBy", "cancelled by"),
    ("holder", "gate held by"),
    ("conflict", "gate was held by"),
    ("retryOf", "runs again"),
    ("retriedAs", "was run again as"),
)
_TIMES = (
    ("createdAt", "recorded"),
    ("startedAt", "begun"),
    ("finishedAt", "ended"),
    ("dueAt", "due"),
    ("expiresAt", "cleared after"),
)
#: Lists, with the columns that are shown of each.
_LISTS = {
    "moves": ("at", "move", "attempt", "worker", "note"),
    "deliveries": ("createdAt", "event", "state", "tries", "id"),
    "actions": ("at", "operator", "action", "count"),
}


@jobs.command("show")
@click.argument("job_id")
@click.option("--json", "as_json", is_flag=True, help="As the API has it.")
def show_job(job_id: str, *, as_json: bool) -> None:
    """Show a job: its history, and why it is not running. Secret and personal fields are masked."""
    found = inspection.show(job_id) if job_id.isprintable() else None
    if found is None:
        raise NoSuchJob(job_id)
    if as_json:
        click.echo(json.dumps(found))
        return
    kind, state = terminal.plain(found["type"]), found["state"]
    click.echo(f"{kind} {terminal.plain(found['id'])}  {terminal.coloured(state)}")
    click.echo(terminal.plain(found["why"]))
    _facts(found)
    for name in ("progress", "payload", "result"):
        if found[name]:
            click.echo(f"\n{name}")
            # In ASCII, so that nothing in it is a command to the terminal.
            for line in json.dumps(found[name], indent=2).splitlines():
                click.echo(f"  {line}")
    for name, columns in _LISTS.items():
        _list(name, columns, found[name])


def _facts(found: Mapping[str, Any]) -> None:
    click.echo()
    shown = {name: found[key] for key, name in _FACTS}
    shown |= {name: found[key] and f"{terminal.moment(found[key])} UTC" for key, name in _TIMES}
    if found["finishedAt"]:
        del shown["due"]
    widest = max(map(len, shown))
    for name, value in shown.items():
        if value not in {None, ""}:
            click.echo(f"  {name.ljust(widest)}  {terminal.plain(value)}")


def _list(name: str, columns: tuple[str, ...], rows: list[Mapping[str, Any]]) -> None:
    if not rows:
        return
    click.echo(f"\n{name}")
    times = {"at", "createdAt"}
    cells = [
        [
            "" if row[column] is None else _time_or(row[column], is_time=column in times)
            for column in columns
        ]
        for row in rows
    ]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
    for row in cells:
        padded = (text.ljust(size) for text, size in zip(row, widths, strict=True))
        click.echo(f"  {'  '.join(padded).rstrip()}")


def _time_or(value: Any, *, is_time: bool) -> str:
    return terminal.moment(value) if is_time else terminal.plain(value)
