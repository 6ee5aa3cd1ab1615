"""`jobs watch`: how far a job is, until its end; the exit status says which end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import click
from sqlalchemy.exc import SQLAlchemyError

from app.cli import terminal
from app.cli.jobs.group import NoSuchJob, jobs
from app.shapes import ops as shape
from app.wiring import wiring
from config.database import is_away
from tasks.job import store
from tasks.job.states import State
from tasks.watch import detail

if TYPE_CHECKING:
    from tasks.job.record import Job

#: The exit status for each end of a job. Usage errors are 2.
_STATUS = {State.COMPLETED: 0, State.FAILED: 1, State.REJECTED: 3}
#: Likewise: there is no such job; PostgreSQL stayed away; somebody pressed Ctrl-C.
_NO_SUCH_JOB, _AWAY, _INTERRUPTED = 4, 5, 130
#: How often the record is read, and how long PostgreSQL may be away; seconds.
_PAUSE, _PATIENCE = 0.25, 60.0


class _Seen(NamedTuple):
    """What can be said of a job at a moment."""

    state: str
    percent: int | None
    #: The stage, or why it is not at work.
    note: str
    attempts: int


@jobs.command("watch")
@click.argument("job_id")
@click.option(
    "--patience",
    type=click.FloatRange(0),
    default=_PATIENCE,
    show_default=True,
    help="How long PostgreSQL may be away; seconds.",
)
@click.pass_context
def watch(context: click.Context, job_id: str, *, patience: float) -> None:
    """Show how far a job is until it ends; the job does not depend on being watched.

    Exit status: 0 completed, 1 failed or cancelled, 3 rejected, 2 wrong usage, 4 no such job,
    5 PostgreSQL stayed away, 130 Ctrl-C.
    """
    screen = _Screen()
    try:
        job = _until_the_end(job_id, screen, patience)
    except KeyboardInterrupt:
        screen.leave()
        click.echo("no longer watched; the job goes on", err=True)
        context.exit(_INTERRUPTED)
    except _StayedAway:
        screen.leave()
        click.echo(f"PostgreSQL was away for {patience:.0f} s; the job may go on", err=True)
        context.exit(_AWAY)
    screen.leave(job)
    click.echo(_end(job))
    context.exit(_STATUS[job.state])


class _NobodyToWatch(NoSuchJob):
    """There is no such job."""

    exit_code = _NO_SUCH_JOB


class _StayedAway(Exception):
    """PostgreSQL cannot be reached any more."""


def _until_the_end(job_id: str, screen: _Screen, patience: float) -> Job:
    """Show a job until it is over; return it as it is then."""
    away_since: float | None = None
    while True:
        try:
            job, note = _look(job_id)
            away_since = None
        except SQLAlchemyError as error:
            if not is_away(error):
                raise
            now = time.monotonic()
            away_since = away_since or now
            if now - away_since >= patience:
                raise _StayedAway from None
            screen.say("PostgreSQL is away, which delays jobs and loses none")
        else:
            if job.is_over:
                return job
            screen.show(job, _Seen(job.state, shape.percent(job), note, job.attempts))
        time.sleep(_PAUSE)


def _look(job_id: str) -> tuple[Job, str]:
    """Return a job, with its stage, or else why it is not at work."""
    with wiring().database.statement() as connection:
        job = store.get(connection, job_id) if job_id.isprintable() else None
        if job is None:
            raise _NobodyToWatch(job_id)
        if job.is_over or job.worker is not None:
            return job, job.stage or ""
        found = detail.get(connection, job_id)
        return job, found.why if found else ""


def _end(job: Job) -> str:
    """Say how a job has ended."""
    told = terminal.coloured(job.state)
    if job.state is State.REJECTED:
        return f"{told}: {terminal.plain(job.conflict)} held its gate"
    if job.state is State.FAILED:
        return f"{told}: {terminal.plain(job.code)}: {terminal.plain(job.error)}"
    assert job.finished_at is not None, "it is over"
    took = (job.finished_at - job.created_at).total_seconds()
    return f"{told} in {terminal.length(took)}"


class _Screen:
    """One line that is written again and again; beside a terminal, a line for each change."""

    def __init__(self) -> None:
        self._is_live = terminal.is_terminal()
        self._began = time.monotonic()
        self._shown = ""

    def show(self, job: Job, seen: _Seen) -> None:
        """Show how far a job is."""
        note = terminal.plain(seen.note)
        tries = f"attempt {seen.attempts}" if seen.attempts > 1 else ""
        if not self._is_live:
            percent = None if seen.percent is None else f"{seen.percent // 10 * 10} %"
            self.say(", ".join(part for part in (seen.state, percent, tries, note) if part))
            return
        took = terminal.length(time.monotonic() - self._began)
        words = ", ".join(part for part in (seen.state, tries, note) if part)
        self.say(f"{terminal.plain(job.type)} {terminal.bar(seen.percent)} {took:>6}  {words}")

    def say(self, line: str) -> None:
        """Show a line in the place of the last one, unless it is the same."""
        if line == self._shown:
            return
        self._shown = line
        if self._is_live:
            # Back to the first column, and what the last line had more of is erased.
            click.echo(f"\r{line[: terminal.width() - 1]}\033[K", nl=False)
        else:
            click.echo(line)

    def leave(self, ended: Job | None = None) -> None:
        """Go on below what is shown; the bar of a job that has completed is full."""
        if not self._is_live:
            return
        if ended is not None and ended.state is State.COMPLETED:
            self.show(ended, _Seen(ended.state, 100, "", ended.attempts))
        if self._shown:
            click.echo()
