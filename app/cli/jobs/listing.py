"""`jobs list`: jobs that match a filter, newest first."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from app import inspection
from app.cli import terminal
from app.cli.jobs.group import filter_of, filtering, jobs, query_of
from app.shapes import ops as shape
from app.wiring import wiring
from tasks.watch import search

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.job.record import Job
    from tasks.watch.search import Filter

#: Jobs that are listed unless it is said otherwise, and at the most.
_DEFAULT_LIMIT, _MOST = 50, 100_000


@jobs.command("list")
@filtering
@click.option("--limit", type=click.IntRange(1, _MOST), default=_DEFAULT_LIMIT, show_default=True)
@click.option("--before", type=click.IntRange(1, 2**63 - 1), help="From behind this number on.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, as the API has it.")
def list_jobs(*, limit: int, before: int | None, as_json: bool, **options: str) -> None:
    """List jobs that match, newest first."""
    found = _pages(filter_of(query_of(options)), limit, before)
    if as_json:
        for job in found:
            click.echo(json.dumps(inspection.listed(job)))
        return
    listed = list(found)
    now = datetime.now(UTC)
    terminal.table(
        ("STATE", "ID", "TYPE", "AGE", "TRIES", "NOTE"),
        (
            (
                job.state,
                job.id,
                job.type,
                terminal.length((now - job.created_at).total_seconds()),
                job.attempts,
                _note(job),
            )
            for job in listed
        ),
    )
    if len(listed) == limit:
        click.echo(f"There may be older ones: --before {listed[-1].seq}", err=True)


def _pages(wanted: Filter, limit: int, before: int | None) -> Iterator[Job]:
    """Read page after page, so that no statement takes long however many are asked for."""
    while limit > 0:
        size = min(limit, search.MAX_LIMIT)
        with wiring().database.statement() as connection:
            found = search.page(connection, wanted, limit=size, before=before)
        yield from found
        if len(found) < size:
            return
        limit, before = limit - size, found[-1].seq


def _note(job: Job) -> str:
    """Say what matters most about a job in its state."""
    if job.conflict is not None:
        return f"{job.conflict} held its gate"
    if job.error is not None:
        return f"{job.code}: {job.error}"
    percent = None if job.is_over else shape.percent(job)
    parts: list[Any] = [job.stage, None if percent is None else f"{percent} %"]
    if job.cancelled_by and not job.is_over:
        parts.append(f"asked to stop by {job.cancelled_by}")
    return ", ".join(part for part in parts if part)
