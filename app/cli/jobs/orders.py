"""`jobs cancel` and `jobs retry`: one job, or all that match once somebody has seen how many."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from app.cli import terminal
from app.cli.author import author
from app.cli.jobs.group import Complaint, Function, filter_of, filtering, jobs, query_of
from app.shapes import ops as shape
from app.wiring import wiring
from tasks.job.dispatch import Dispatch
from tasks.job.errors import GateHeld
from tasks.job.queue import connect, ring_for
from tasks.watch import actions, search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.cli.author import Author
    from tasks.job.states import State
    from tasks.watch.actions import Done
    from tasks.watch.search import Filter

#: How often an order with `--yes` begins anew because other jobs match than a moment ago.
_TRIES = 5


@dataclass(frozen=True)
class _Order:
    """What can be ordered, and the words for it."""

    #: What is asked before, and what is said of how many.
    question: str
    #: Which of the jobs that match are meant, and how many there may be.
    states: Sequence[State]
    most: int
    carry_out: Callable[..., Done]


_CANCEL = _Order("Cancel", actions.OPEN, actions.MOST_CANCELLED, actions.cancel_all)
_RETRY = _Order("Run again", actions.FAILED, actions.MOST_REPEATED, actions.repeat_all)


def _ordering(command: Function) -> Function:
    """Give a command the arguments that both orders have."""
    for option in (
        click.argument("job_id", required=False),
        filtering,
        click.option("--all", "is_all", is_flag=True, help="Every job; no filter is needed."),
        click.option("--yes", "is_sure", is_flag=True, help="Do not ask."),
        click.option("--as", "name", help="The operator who orders it; else the system's user."),
        click.option("--json", "as_json", is_flag=True, help="Say what was done as the API does."),
    )[::-1]:
        command = option(command)
    return command


@jobs.command("cancel")
@_ordering
def cancel(job_id: str | None, *, name: str | None, as_json: bool, **options: Any) -> None:
    """Cancel a job, or all that match: at once what waits, at its next step what is at work."""
    by = author(name)
    if _is_one(job_id, options):
        with _ordered() as dispatch:
            done = actions.cancel(dispatch, job_id or "", by=by.name, shell=by.shell)
    else:
        done = _all(_CANCEL, options, by)
    _say(done, as_json=as_json)


@jobs.command("retry")
@_ordering
def retry(job_id: str | None, *, name: str | None, as_json: bool, **options: Any) -> None:
    """Run an ended job again, or all that match and have failed: each as a new job."""
    by = author(name)
    if _is_one(job_id, options):
        with _ordered() as dispatch:
            made = actions.repeat(dispatch, job_id or "", by=by.name, shell=by.shell)
        done = actions.Done(repeated={job_id or "": made})
    else:
        done = _all(_RETRY, options, by)
    _say(done, as_json=as_json)


def _is_one(job_id: str | None, options: dict[str, Any]) -> bool:
    """Tell whether one job is meant.

    Raises:
        Complaint: neither one nor several are, or both.
    """
    query, is_all = query_of(_words(options)), options["is_all"]
    if sum((job_id is not None, bool(query), is_all)) != 1:
        raise Complaint("name one job, or say which by a filter, or --all")
    if job_id is not None and not job_id.isprintable():
        raise Complaint("no id is like it")
    return job_id is not None


def _words(options: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in options.items() if name.startswith("query_")}


@contextmanager
def _ordered() -> Iterator[Dispatch]:
    """Carry out an order in one transaction, and ring before this process ends.

    Raises:
        ClickException: it cannot be carried out.
    """
    try:
        with wiring().database.transaction() as connection:
            dispatch = Dispatch(connection)
            yield dispatch
    except actions.NotPossible as impossible:
        raise click.ClickException(str(impossible)) from None
    except GateHeld as held:
        raise click.ClickException(f"job {held.holder} is in flight") from None
    with connect(wiring().settings, timeout=1.0) as client:
        ring_for(client, dispatch.bells)


def _all(order: _Order, options: dict[str, Any], by: Author) -> Done:
    """Show how many match, ask, and carry out the order if there are still as many."""
    wanted = filter_of(query_of(_words(options)))
    expected = _count(order, wanted)
    for tries_left in reversed(range(_TRIES)):
        if expected == 0:
            return actions.Done()
        if expected > order.most:
            raise click.ClickException(
                f"more than {order.most:,} jobs match; that is the most in one go"
            )
        asked = f"{order.question} {expected:,} job{'s' if expected > 1 else ''}?"
        if not options["is_sure"]:
            click.confirm(asked, abort=True, err=True)
        try:
            with _ordered() as dispatch:
                return order.carry_out(
                    dispatch, wanted, expected=expected, by=by.name, shell=by.shell
                )
        except actions.CountDiffers as differs:
            expected = differs.count
            if not options["is_sure"] or not tries_left:
                raise click.ClickException(
                    f"{expected:,} jobs match by now; nothing was done"
                ) from None
    raise AssertionError  # the last try returns or raises


def _count(order: _Order, wanted: Filter) -> int:
    with wiring().database.statement() as connection:
        meant = actions.narrowed(wanted, order.states)
        return search.count(connection, meant, most=order.most)


def _say(done: Done, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(shape.done(done)))
        return
    for old, new in done.repeated.items():
        click.echo(f"{terminal.plain(old)} runs again as {terminal.plain(new)}")
    for old, why in done.refused.items():
        click.echo(f"{terminal.plain(old)} does not: {terminal.plain(why)}", err=True)
    for count, what in (
        (len(done.ended), "cancelled"),
        (len(done.asked), "asked to stop at the next step"),
        (len(done.repeated), "run again"),
        (len(done.refused), "not run again"),
    ):
        if count:
            click.echo(f"{count:,} {what}")
    if not (done.ended or done.asked or done.repeated or done.refused):
        click.echo("no job matches")
